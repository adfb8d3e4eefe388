/// A moment of wall-clock time, in milliseconds since 1970. Core never reads a clock: moments come in as arguments.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    public let milliseconds: Int64
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }
    /// The latest or the earliest moment there is, where the sum lies beyond: a clock may say anything.
    public static func + (a: Self, b: Duration) -> Self {
        let (seconds, attoseconds) = b.components
        let (thousands, isBeyond) = seconds.multipliedReportingOverflow(by: 1000)
        let rest = attoseconds / 1_000_000_000_000_000
        guard !isBeyond else { return Self(milliseconds: seconds < 0 ? .min : .max) }
        return Self(milliseconds: a.milliseconds.addingWithinBounds(thousands).addingWithinBounds(rest))
    }
    public static func - (a: Self, b: Self) -> Duration {
        .milliseconds(a.milliseconds) - .milliseconds(b.milliseconds)
    }
    public init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

extension Int64 {
    /// The sum, or the bound it lies beyond.
    fileprivate func addingWithinBounds(_ other: Int64) -> Int64 {
        let (sum, isBeyond) = addingReportingOverflow(other)
        return isBeyond ? (other < 0 ? .min : .max) : sum
    }
}
