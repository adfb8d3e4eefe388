/// A day of the calendar, in UTC: what is used is counted by it, and by the month it is in.
public struct UTCDay: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int

    private static let milliseconds: Int64 = 86_400_000

    public init(number: Int) { self.number = number }

    public init(_ moment: Instant) {
        let (whole, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: Self.milliseconds)
        number = Int(whole) - (rest < 0 ? 1 : 0)
    }

    /// Reads `2026-11-21`; nil for what is no day.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } })
        else { return nil }
        let numbers = parts.map { Int($0)! }
        guard (1...12).contains(numbers[1]), (1...31).contains(numbers[2]) else { return nil }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
        // There is no 31st of February: it would be another day.
        guard description == text else { return nil }
    }

    /// https://howardhinnant.github.io/date_algorithms.html#days_from_civil
    private init(year: Int, month: Int, day: Int) {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        number = era * 146_097 + dayOfEra - 719_468
    }

    /// https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    private var civil: (year: Int, month: Int, day: Int) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    /// Its first moment.
    public var start: Instant {
        let (start, isBeyond) = Int64(number).multipliedReportingOverflow(by: Self.milliseconds)
        return Instant(milliseconds: isBeyond ? (number < 0 ? .min : .max) : start)
    }
    public var next: UTCDay { UTCDay(number: number + 1) }
    public var firstOfMonth: UTCDay { UTCDay(number: number - civil.day + 1) }
    public var firstOfNextMonth: UTCDay {
        let (year, month, _) = civil
        return month == 12 ? UTCDay(year: year + 1, month: 1, day: 1) : UTCDay(year: year, month: month + 1, day: 1)
    }

    /// `2026-11-21`.
    public var description: String {
        let (year, month, day) = civil
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

    public init(from decoder: any Decoder) throws { number = try decoder.singleValueContainer().decode(Int.self) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}
