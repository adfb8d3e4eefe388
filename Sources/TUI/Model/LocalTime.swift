import Glibc

/// What clocks show where the user is.
public struct LocalTime: Sendable {
    /// Seconds to add to a moment in UTC, in seconds since 1970.
    private let offset: @Sendable (Int64) -> Int64

    init(offset: @escaping @Sendable (Int64) -> Int64) { self.offset = offset }

    static let utc = LocalTime { _ in 0 }

    /// As `TZ` and the machine say.
    static let system = LocalTime { seconds in
        var moment = time_t(seconds)
        var fields = tm()
        localtime_r(&moment, &fields)
        return Int64(fields.tm_gmtoff)
    }

    private func seconds(_ moment: Moment) -> Int64 {
        let seconds = (moment.milliseconds - (moment.milliseconds < 0 ? 999 : 0)) / 1000
        return seconds + offset(seconds)
    }

    /// `21:52:49`.
    func clock(_ moment: Moment) -> String {
        let second = (seconds(moment) % 86400 + 86400) % 86400
        return [second / 3600, second / 60 % 60, second % 60].map(twoDigits).joined(separator: ":")
    }

    /// A time as it travels; what is none, as it stands.
    func clock(_ text: String) -> String { Moment(text).map(clock) ?? text }

    /// `21:52` of a time as it travels; what is none, as it stands.
    func minute(_ text: String) -> String { Moment(text).map { String(clock($0).prefix(5)) } ?? text }

    /// `2026-11-20`.
    func day(_ moment: Moment) -> String {
        let seconds = seconds(moment)
        let days = (seconds - (seconds < 0 ? 86399 : 0)) / 86400
        let (year, month, day) = Moment.date(days: days)
        return "\(year)-\(twoDigits(month))-\(twoDigits(day))"
    }

    private func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Moment {
    /// The date so many days after 1970 began: the inverse of how one is read.
    fileprivate static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
