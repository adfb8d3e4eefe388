/// A moment of wall-clock time, in milliseconds since 1970. Core never reads a clock: moments come in as arguments.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    public let milliseconds: Int64
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }
    public static func + (a: Self, b: Duration) -> Self {
        let (seconds, attoseconds) = b.components
        return Self(milliseconds: a.milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
    public static func - (a: Self, b: Self) -> Duration { .milliseconds(a.milliseconds - b.milliseconds) }
    public init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}
