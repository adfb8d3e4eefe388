import Glibc

/// Cuts a stream of bytes into lines at byte 0x0A, and nowhere else: U+2028 and its like are part of a line.
/// A carriage return before the newline is dropped and empty lines are ignored. Memory stays below the limit.
public struct LineFramer: Sendable {
    /// What has come to its end in the stream.
    public enum Outcome: Equatable, Sendable {
        /// A line, without its newline.
        case line([UInt8])
        /// A line grew beyond the limit; the rest of it is dropped up to its newline. Comes once per such line.
        case oversized
    }

    /// How many bytes a line may have, 8 MiB unless said otherwise.
    public static let defaultLimit = 8 << 20

    private let limit: Int
    private var partial: [UInt8] = []
    /// How many bytes of the present line have been dropped; 0 when it is not oversized.
    public private(set) var dropped = 0

    /// How many bytes of the present line are kept.
    public var unfinished: Int { partial.count }

    /// A framer for lines of at most `limit` bytes.
    public init(limit: Int = LineFramer.defaultLimit) { self.limit = limit }

    /// Takes the next bytes of the stream, however they were cut, and tells what they bring to an end.
    public mutating func feed(_ chunk: UnsafeRawBufferPointer, _ report: (Outcome) -> Void) {
        guard let base = chunk.baseAddress else { return }
        var start = 0
        while start < chunk.count {
            guard let newline = memchr(base + start, 0x0A, chunk.count - start) else {
                keep(chunk[start...], report)
                return
            }
            let end = UnsafeRawPointer(newline) - base
            finish(chunk[start..<end], report)
            start = end + 1
        }
    }

    /// As above, for bytes in an array.
    public mutating func feed(_ chunk: [UInt8]) -> [Outcome] {
        var outcomes: [Outcome] = []
        chunk.withUnsafeBytes { feed($0) { outcomes.append($0) } }
        return outcomes
    }

    /// The beginning or middle of a line.
    private mutating func keep(_ piece: Slice<UnsafeRawBufferPointer>, _ report: (Outcome) -> Void) {
        if dropped > 0 {
            dropped += piece.count
        } else if partial.count + piece.count > limit {
            dropped = partial.count + piece.count
            partial = []
            report(.oversized)
        } else {
            partial.append(contentsOf: piece)
        }
    }

    /// The end of a line.
    private mutating func finish(_ piece: Slice<UnsafeRawBufferPointer>, _ report: (Outcome) -> Void) {
        keep(piece, report)
        var line: [UInt8] = []
        swap(&line, &partial)
        guard dropped == 0 else {
            dropped = 0
            return
        }
        if line.last == 0x0D { line.removeLast() }
        if !line.isEmpty { report(.line(line)) }
    }
}
