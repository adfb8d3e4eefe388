/// A run's output, as far as it has been read: one window of bytes, of which only visible lines are ever decoded.
///
/// It opens on the last page. Scrolling up reads earlier pages; at the bottom it follows what is written.
struct Transcript: Lines, Sendable {
    static let pageSize = 64 * 1024
    /// More than this is not kept: the far end is dropped, and read again when it is scrolled to.
    static let windowLimit = 16 * pageSize

    let run: String
    let stream: String

    private(set) var bytes: [UInt8] = []
    /// Where in the output `bytes` begins.
    private(set) var start = 0
    /// Bytes the output has, as far as is known.
    private(set) var size = 0
    /// Where lines begin in `bytes`; never empty.
    private(set) var lineStarts = [0]
    private(set) var hasEnded = false
    private var isSizeKnown = false
    /// There may be more than `size` says.
    private var isSizeStale = false
    private var pageLimit = Self.pageSize

    /// The line at the top of the screen, and the row within it when it is wrapped; nil: the end is followed.
    var top: Place?
    /// Where the line begins that was searched for and found last.
    private var found: Int?
    /// A line to go to once it has been read.
    private var goal: Goal?
    /// The page asked for and not answered yet.
    private(set) var awaited: Int?
    /// Why the last read failed.
    private(set) var failure: String?

    private struct Goal {
        var offset: Int
        /// Rows that are to be seen above it.
        var above: Int
    }

    init(run: String) { self.init(run: run, stream: "stdout") }

    init(run: String, stream: String) {
        self.run = run
        self.stream = stream
    }

    var end: Int { start + bytes.count }
    var isFollowing: Bool { top == nil }

    // MARK: Reading

    /// The next page to read, if one is wanted and none is under way. The first only asks how much there is.
    mutating func nextRead(rows: Int, columns: Int) -> DaemonRequest? {
        guard awaited == nil, failure == nil else { return nil }
        var offset = end
        var length = pageLimit
        if !isSizeKnown {
            (offset, length) = (0, 1)
        } else if bytes.isEmpty, size > 0 {
            offset = goal != nil ? start : isFollowing ? max(0, size - pageLimit) : 0
        } else if let top, start > 0, top.line < rows, distance(to: top, columns: columns, atMost: rows) < rows {
            offset = max(0, start - pageLimit)
            length = start - offset
        } else if isSizeStale {
            isSizeStale = false
        } else if end < size, isFollowing || isNearEnd(rows: rows) {
            // Far behind while following: what lies between will not be looked at now.
            if isFollowing, size - end > Self.windowLimit { offset = size - pageLimit }
        } else {
            return nil
        }
        awaited = offset
        return .readOutput(run: run, stream: stream, offset: offset, length: length)
    }

    private func isNearEnd(rows: Int) -> Bool { (top?.line ?? 0) + rows * 2 >= lineStarts.count }

    /// Takes the answer to `nextRead` in.
    mutating func take(_ answer: Answer, columns: Int) {
        switch answer.result.flatMap({ OutputPage($0).map(Result.success) ?? .failure(.notUnderstood) }) {
        case .success(let page): take(page, columns: columns)
        case .failure(let failure):
            awaited = nil
            self.failure = failure.message
        }
    }

    /// A page that does not touch the window replaces it.
    mutating func take(_ page: OutputPage, columns: Int) {
        guard page.offset == awaited else { return }
        awaited = nil
        size = max(size, page.size)
        if page.isEnd { hasEnded = true }
        guard isSizeKnown else {
            isSizeKnown = true
            return
        }
        defer { reachGoal(columns: columns) }
        if page.bytes.isEmpty {
            // Less than was announced: what is here is all there is.
            if page.offset == end { size = end }
        } else if page.offset == end {
            append(page.bytes)
        } else if page.offset < start {
            if page.offset + page.bytes.count == start {
                prepend(page.bytes, columns: columns)
            } else {
                // The daemon gives less at a time than was asked for.
                pageLimit = min(pageLimit, max(page.bytes.count, 1024))
            }
        } else {
            bytes = page.bytes
            start = page.offset
            findLines()
        }
    }

    /// The connection is new: what was asked is lost, and what failed may work now.
    mutating func startOver() {
        awaited = nil
        failure = nil
    }

    mutating func lookAgain() { isSizeStale = true }
    mutating func grow(to size: Int) { self.size = max(self.size, size) }

    private mutating func append(_ more: [UInt8]) {
        for (index, byte) in more.enumerated() where byte == 0x0A { lineStarts.append(bytes.count + index + 1) }
        bytes += more
        guard bytes.count > Self.windowLimit else { return }
        let dropped = bytes.count - Self.windowLimit / 2
        if let top {
            let linesDropped = lineStarts.count { $0 > 0 && $0 <= dropped }
            self.top =
                top.line < linesDropped ? Place(line: 0, row: 0) : Place(line: top.line - linesDropped, row: top.row)
        }
        bytes.removeFirst(dropped)
        start += dropped
        findLines()
    }

    /// What is on the screen stays where it is.
    private mutating func prepend(_ earlier: [UInt8], columns: Int) {
        let rowsOfFirst = top?.line == 0 ? height(of: 0, columns: columns) : 0
        bytes = earlier + bytes
        start -= earlier.count
        if bytes.count > Self.windowLimit { bytes.removeLast(bytes.count - Self.windowLimit) }
        findLines()
        guard var top else { return }
        let wasFirst = top.line == 0
        top.line += earlier.count { $0 == 0x0A }
        // The first line was the end of a longer one.
        if wasFirst { top.row += height(of: top.line, columns: columns) - rowsOfFirst }
        self.top = top
    }

    private mutating func findLines() {
        lineStarts = [0]
        for (index, byte) in bytes.enumerated() where byte == 0x0A { lineStarts.append(index + 1) }
    }

    // MARK: Lines

    /// Lines that can be shown; output that ends in a line break has no line after it.
    var lineCount: Int {
        if bytes.isEmpty { return 0 }
        return bytes.last == 0x0A ? lineStarts.count - 1 : lineStarts.count
    }

    /// Where a line's bytes are, without what is not to be shown.
    func visibleBytes(of line: Int) -> Range<Int> {
        let first = lineStarts[line]
        var last = line + 1 < lineStarts.count ? lineStarts[line + 1] - 1 : bytes.count
        if last > first, bytes[last - 1] == 0x0D { last -= 1 }
        // A progress line rewrites itself: what stands is what came after the last return.
        var begin = first
        if let carriageReturn = bytes[first..<last].lastIndex(of: 0x0D) { begin = carriageReturn + 1 }
        if line == lineStarts.count - 1 { last -= incompleteSuffix(of: bytes[begin..<last]) }
        // A window that begins within a character skips the rest of it.
        if begin == 0, start > 0 {
            while begin < last, bytes[begin] & 0xC0 == 0x80 { begin += 1 }
        }
        return begin..<last
    }

    /// Bytes at the end that are the beginning of a character still being written.
    private func incompleteSuffix(of bytes: ArraySlice<UInt8>) -> Int {
        for back in 1...3 where bytes.count >= back {
            let byte = bytes[bytes.endIndex - back]
            if byte & 0xC0 == 0x80 { continue }
            let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return needed > back ? back : 0
        }
        return 0
    }

    // MARK: Scrolling

    /// Moves by rows; arriving at the end follows it.
    mutating func scroll(by distance: Int, rows: Int, columns: Int) {
        guard goal == nil else { return }
        let end = bottom(rows: rows, columns: columns)
        let goal = moved(top ?? end, by: distance, columns: columns)
        top = goal >= end && self.end >= size ? nil : min(goal, end)
    }

    mutating func scrollToBeginning() {
        top = .beginning
        goal = nil
        // What lies between is not read: the window starts over at the beginning.
        if start > 0 { empty(at: 0) }
    }

    mutating func scrollToEnd() {
        top = nil
        goal = nil
        if bytes.isEmpty { start = 0 }
    }

    /// Goes to the line that begins at `offset`, with some of what comes before it above.
    mutating func show(offset: Int, rows: Int, columns: Int) {
        goal = Goal(offset: offset, above: min(3, rows / 4))
        top = .beginning
        if offset < start || offset >= end { empty(at: max(0, offset - pageLimit / 2)) }
        reachGoal(columns: columns)
    }

    /// To the next line that has it, of those that have been read: from what was found last, where that is on the screen.
    mutating func find(_ needle: Needle, forwards: Bool, rows: Int, columns: Int) -> Bool {
        guard lineCount > 0 else { return false }
        let first = top ?? bottom(rows: rows, columns: columns)
        let last = min(moved(first, by: rows, columns: columns).line, lineCount)
        let visible = (first.line..<max(last, first.line)).first { offset(of: $0) == found }
        let candidates: any Sequence<Int>
        if forwards {
            candidates = (visible.map { $0 + 1 } ?? first.line)..<lineCount
        } else {
            candidates = (0..<(visible ?? (isFollowing ? lineCount : first.line))).reversed()
        }
        for line in candidates where needle.isIn(bytes[visibleBytes(of: line)]) {
            found = offset(of: line)
            show(offset: offset(of: line), rows: rows, columns: columns)
            return true
        }
        return false
    }

    private mutating func reachGoal(columns: Int) {
        guard let goal, goal.offset >= start, goal.offset < end else { return }
        self.goal = nil
        let line = lineStarts.lastIndex { $0 <= goal.offset - start } ?? 0
        top = moved(Place(line: line, row: 0), by: -goal.above, columns: columns)
    }

    private mutating func empty(at offset: Int) {
        bytes = []
        start = offset
        lineStarts = [0]
        awaited = nil
    }

    /// Where in the output a line begins.
    func offset(of line: Int) -> Int { start + lineStarts[line] }
}
