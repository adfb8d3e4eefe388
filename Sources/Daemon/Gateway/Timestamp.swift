import CSystem
import Core
import Glibc

/// Moments as the wire writes them: RFC 3339 in UTC, with milliseconds.
enum Timestamp {
    static func text(_ instant: Instant) -> String {
        let (days, rest) = floorDivide(instant.milliseconds, 86_400_000)
        let (year, month, day) = civil(fromDays: days)
        let seconds = rest / 1000
        return String(unsafeUninitializedCapacity: 24) { out in
            _ = out.initialize(from: "0000-00-00T00:00:00.000Z".utf8)
            put(year, 4, at: 0, out)
            put(month, 2, at: 5, out)
            put(day, 2, at: 8, out)
            put(seconds / 3600, 2, at: 11, out)
            put(seconds / 60 % 60, 2, at: 14, out)
            put(seconds % 60, 2, at: 17, out)
            put(rest % 1000, 3, at: 20, out)
            return 24
        }
    }

    /// The moment that `text` writes, with milliseconds or whole seconds; nil when it writes none.
    static func instant(_ text: String) -> Instant? {
        var bytes = Array(text.utf8)
        if bytes.count == 20 { bytes.insert(contentsOf: ".000".utf8, at: 19) }
        guard bytes.count == 24, bytes[23] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? { Int64(String(decoding: bytes[range], as: UTF8.self)) }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), let rest = number(20..<23)
        else { return nil }
        let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
        return Instant(milliseconds: seconds * 1000 + rest)
    }

    /// Since 1970; the inverse of `civil`.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floorDivide(year, 400).0
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The wall clock, now.
    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Howard Hinnant's days-to-civil algorithm; several times faster than a formatter, and every event needs it.
    /// https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097).0
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthPart = (5 * dayOfYear + 2) / 153
        let month = monthPart < 10 ? monthPart + 3 : monthPart - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthPart + 2) / 5 + 1)
    }

    private static func floorDivide(_ a: Int64, _ b: Int64) -> (Int64, Int64) {
        let (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
        return rest < 0 ? (quotient - 1, rest + b) : (quotient, rest)
    }

    /// Writes the last `width` digits of `value`.
    private static func put(_ value: Int64, _ width: Int, at offset: Int, _ out: UnsafeMutableBufferPointer<UInt8>) {
        var rest = value.magnitude
        for position in (offset..<offset + width).reversed() {
            out[position] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}
