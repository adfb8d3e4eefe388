import Glibc

/// Times as they travel: RFC 3339 in UTC, `2026-11-20T21:52:49.120Z`.
enum Moments {
    /// Seconds since 1970; nil when it is no such time.
    static func seconds(_ text: String) -> Int? {
        let parts = text.split { !$0.isASCII || !$0.isNumber }.compactMap { Int32($0) }
        guard parts.count >= 6, text.hasSuffix("Z") else { return nil }
        var fields = tm()
        fields.tm_year = parts[0] - 1900
        fields.tm_mon = parts[1] - 1
        fields.tm_mday = parts[2]
        fields.tm_hour = parts[3]
        fields.tm_min = parts[4]
        fields.tm_sec = parts[5]
        return Int(timegm(&fields))
    }

    static var now: Int { Int(Glibc.time(nil)) }

    /// How long ago: `12s`, `5m`, `3h`, `2d`.
    static func age(_ text: String, now: Int = Moments.now) -> String {
        guard let then = seconds(text) else { return "" }
        let age = max(0, now - then)
        return switch age {
        case ..<60: "\(age)s"
        case ..<3600: "\(age / 60)m"
        case ..<86_400: "\(age / 3600)h"
        default: "\(age / 86_400)d"
        }
    }

    /// `0.4s`, `12s`, `5m30s`, `3h5m`, `2d4h`.
    static func length(_ seconds: Double) -> String {
        if seconds < 10 { return "\((seconds * 10).rounded() / 10)s" }
        let whole = Int(seconds.rounded())
        let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days)d\(hours)h" }
        if hours > 0 { return "\(hours)h\(minutes)m" }
        return minutes > 0 ? "\(minutes)m\(whole % 60)s" : "\(whole)s"
    }

    /// In the user's time zone: `21:52:49`.
    static func clock(_ text: String) -> String { local(text, "%H:%M:%S") }

    /// In the user's time zone: `21:52`.
    static func minute(_ text: String) -> String { local(text, "%H:%M") }

    /// In the user's time zone: `2026-11-20 21:52:49`.
    static func full(_ text: String) -> String { local(text, "%Y-%m-%d %H:%M:%S") }

    /// The time of day, likewise.
    static var clockNow: String { local(now, "%H:%M:%S") }

    private static func local(_ text: String, _ format: String) -> String {
        seconds(text).map { local($0, format) } ?? text
    }

    private static func local(_ seconds: Int, _ format: String) -> String {
        var moment = time_t(seconds)
        var fields = tm()
        localtime_r(&moment, &fields)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &fields)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
