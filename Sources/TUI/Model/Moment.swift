/// A moment of wall-clock time, in milliseconds since 1970. Nothing here reads a clock: moments come in as arguments.
public struct Moment: Hashable, Comparable, Sendable {
    var milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

    /// Reads RFC 3339 in UTC, as rows carry it: `2026-11-20T21:52:49.120Z`. The fraction may be absent.
    init?(_ text: String) {
        var digits: [Int64] = []
        var field: Int64 = 0
        var length = 0
        var fraction: Int64 = 0
        var fractionLength = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = Int64(byte - UInt8(ascii: "0"))
                if digits.count < 6 {
                    field = field * 10 + digit
                    length += 1
                } else if fractionLength < 3 {
                    fraction = fraction * 10 + digit
                    fractionLength += 1
                }
                guard length <= 4 else { return nil }
            case UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "T"), UInt8(ascii: "."), UInt8(ascii: "Z"):
                guard digits.count < 6 else { continue }
                guard length > 0 else { return nil }
                digits.append(field)
                (field, length) = (0, 0)
            default: return nil
            }
        }
        guard digits.count == 6, text.utf8.last == UInt8(ascii: "Z") else { return nil }
        guard (1...12).contains(digits[1]), (1...31).contains(digits[2]) else { return nil }
        while fractionLength < 3 {
            fraction *= 10
            fractionLength += 1
        }
        let days = Self.days(year: digits[0], month: digits[1], day: digits[2])
        let seconds = days * 86400 + digits[3] * 3600 + digits[4] * 60 + digits[5]
        milliseconds = seconds * 1000 + fraction
    }

    /// Days since 1970 of a date in the Gregorian calendar: years are counted from March, so that a leap day is last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// How long ago something was, in one short word, and when that word changes.
struct Age: Equatable {
    let text: String
    let nextChange: Moment

    private static let second: Int64 = 1000
    private static let minute = 60 * second
    private static let hour = 60 * minute
    private static let day = 24 * hour

    init(from start: Moment, to now: Moment) {
        let elapsed = max(0, now.milliseconds - start.milliseconds)
        let (unit, letter) =
            switch elapsed {
            case ..<Self.minute: (Self.second, "s")
            case ..<Self.hour: (Self.minute, "m")
            case ..<Self.day: (Self.hour, "h")
            default: (Self.day, "d")
            }
        let count = elapsed / unit
        text = "\(count)\(letter)"
        let begun = min(start.milliseconds, now.milliseconds)
        nextChange = Moment(milliseconds: begun + (count + 1) * unit)
    }
}
