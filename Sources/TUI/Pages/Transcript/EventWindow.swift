import IPC

/// A part of a run's stream `events`: whole lines, as far as they have been read, from somewhere to somewhere.
///
/// A piece that is read need not begin where a line does: what it begins with waits for what comes before it.
struct EventWindow: Sendable {
    /// Where the bytes that have been read begin and end.
    private(set) var start: Int
    private(set) var end: Int
    /// The rest of a line that begins before `start`, and the beginning of one that ends behind `end`.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    /// A line's beginning has been read.
    private var hasBoundary: Bool

    init(at offset: Int) {
        (start, end) = (offset, offset)
        hasBoundary = offset == 0
    }

    var isEmpty: Bool { start == end }
    var count: Int { end - start }

    /// A line, and where in the stream it begins.
    typealias Line = (offset: Int, bytes: ArraySlice<UInt8>)

    mutating func append(_ bytes: [UInt8], _ take: (Line) -> Void) {
        var bytes = bytes[...]
        end += bytes.count
        if !hasBoundary {
            guard let lineBreak = bytes.firstIndex(of: 0x0A) else {
                head += bytes
                return
            }
            head += bytes[...lineBreak]
            bytes = bytes[(lineBreak + 1)...]
            hasBoundary = true
        }
        guard let last = bytes.lastIndex(of: 0x0A) else {
            tail += bytes
            return
        }
        let begin = end - bytes.count - tail.count
        split(tail + bytes[...last], at: begin, take)
        tail = Array(bytes[(last + 1)...])
    }

    /// What comes right before `start`.
    mutating func prepend(_ bytes: [UInt8], _ take: (Line) -> Void) {
        start -= bytes.count
        let known = bytes + head
        var begin = 0
        if start > 0 {
            guard let lineBreak = known.firstIndex(of: 0x0A) else {
                head = known
                return
            }
            begin = lineBreak + 1
        }
        head = Array(known[..<begin])
        guard hasBoundary else {
            hasBoundary = true
            let last = known[begin...].lastIndex(of: 0x0A).map { $0 + 1 } ?? begin
            tail = Array(known[last...])
            return split(Array(known[begin..<last]), at: start + begin, take)
        }
        split(Array(known[begin...]), at: start + begin, take)
    }

    /// Forgets what begins there and behind; or what begins before, where a line does.
    mutating func cut(at offset: Int) {
        end = offset
        tail = []
    }

    mutating func cut(before offset: Int) {
        start = offset
        head = []
    }

    private func split(_ bytes: [UInt8], at offset: Int, _ take: (Line) -> Void) {
        var begin = 0
        while begin < bytes.count {
            let end = lineEnd(in: bytes, from: begin, to: bytes.count)
            if end > begin { take((offset + begin, bytes[begin..<end])) }
            begin = end + 1
        }
    }
}
