import Glibc

/// Durations of the same thing, in nanoseconds.
public struct Sample {
    public private(set) var values: [Double] = []

    public init() {}

    public mutating func add(_ nanoseconds: Int64) { values.append(Double(nanoseconds)) }

    public var median: Double { quantile(0.5) }
    public var p90: Double { quantile(0.9) }
    public var p99: Double { quantile(0.99) }
    public var least: Double { values.min() ?? .nan }

    /// The smallest value that `share` of all do not exceed.
    private func quantile(_ share: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, max(0, Int((Double(sorted.count) * share).rounded(.up)) - 1))]
    }

    /// The table's columns: median, p90 and least, in milliseconds.
    public var row: String {
        [median, p90, least].map { (fixed($0 / 1e6, 2) + " ms").padded(12) }.joined()
    }
    public static let header = "".padded(-24) + ["median", "p90", "least"].map { $0.padded(12) }.joined()

    /// How much longer this takes than `other` did: of the medians, and of the least, which load disturbs less.
    public func ratio(to other: Sample) -> String {
        "\(fixed(median / other.median, 2))× (of the least: \(fixed(least / other.least, 2))×)"
    }
}

/// CLOCK_MONOTONIC, in nanoseconds.
public func monotonic() -> Int64 { nanoseconds(of: CLOCK_MONOTONIC) }

/// Nanoseconds of CPU this process has used.
public func ownCPU() -> Int64 { nanoseconds(of: CLOCK_PROCESS_CPUTIME_ID) }

func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// A number with so many digits behind the point.
public func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "-" }
    let scale = pow(10, Double(digits))
    let scaled = Int64((abs(value) * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + "\(scaled)" }
    let fraction = "\(scaled % Int64(scale))"
    return sign + "\(scaled / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
}

extension String {
    /// Filled up with spaces, before it; behind it when `width` is negative.
    public func padded(_ width: Int) -> String {
        let spaces = String(repeating: " ", count: max(0, abs(width) - count))
        return width < 0 ? self + spaces : spaces + self
    }
}

/// The load of the machine now: figures are worth little without it.
public var load: String {
    var averages = [0.0, 0, 0]
    getloadavg(&averages, 3)
    return "load \(fixed(averages[0], 1)) on \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores"
}

/// Standard error, for messages.
public func complain(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}
