/// Reads what git prints, line by line, and tells what each line is.
///
/// A hunk says how many lines it has: one that takes away `-- a` is written `--- a`, and is no header.
struct DiffReader {
    private enum State {
        /// Before the first file: git's own summary.
        case preamble
        case header
        /// Lines that are left of each side.
        case hunk(old: Int, new: Int)
        /// Against several parents, one column of signs for each.
        case combined(parents: Int)
    }

    private var state = State.preamble
    /// As git's summary says.
    private(set) var filesOfAll: Int?

    mutating func read(_ bytes: [UInt8], into text: inout DiffText) {
        var start = 0
        while start < bytes.count {
            let end = lineEnd(in: bytes, from: start, to: bytes.count)
            take(start..<end, bytes, &text)
            start = end + 1
        }
        // No file is in it: it is shown as it stands.
        guard text.files.isEmpty else { return }
        start = 0
        while start < bytes.count {
            let end = lineEnd(in: bytes, from: start, to: bytes.count)
            text.append(.note, start..<end)
            start = end + 1
        }
    }

    private mutating func take(_ line: Range<Int>, _ bytes: [UInt8], _ text: inout DiffText) {
        switch state {
        case .hunk(let old, let new):
            if takeHunkLine(line, bytes, old, new, &text) { return }
        case .combined(let parents):
            if takeCombinedLine(line, bytes, parents, &text) { return }
        case .preamble, .header: break
        }
        takeHeader(line, bytes, &text)
    }

    /// False for a line that is not of the hunk.
    private mutating func takeHunkLine(
        _ line: Range<Int>,
        _ bytes: [UInt8],
        _ old: Int,
        _ new: Int,
        _ text: inout DiffText
    ) -> Bool {
        // Tools that strip what a line ends in leave nothing of an empty one.
        let sign = line.isEmpty ? UInt8(ascii: " ") : bytes[line.lowerBound]
        switch sign {
        case UInt8(ascii: " ") where old > 0 && new > 0:
            text.append(.context, line)
            state = .hunk(old: old - 1, new: new - 1)
        case UInt8(ascii: "+") where new > 0:
            text.append(.added, line)
            _ = text.changeFile { $0.added += 1 }
            state = .hunk(old: old, new: new - 1)
        case UInt8(ascii: "-") where old > 0:
            text.append(.removed, line)
            _ = text.changeFile { $0.removed += 1 }
            state = .hunk(old: old - 1, new: new)
        // \ No newline at end of file
        case UInt8(ascii: "\\"): text.append(.note, line)
        default: return false
        }
        return true
    }

    private mutating func takeCombinedLine(
        _ line: Range<Int>,
        _ bytes: [UInt8],
        _ parents: Int,
        _ text: inout DiffText
    ) -> Bool {
        let signs = bytes[line].prefix(parents)
        if signs.first == UInt8(ascii: "\\") {
            text.append(.note, line)
        } else if signs.contains(where: { !" +-".utf8.contains($0) }) {
            return false
        } else if signs.contains(UInt8(ascii: "-")) {
            text.append(.removed, line)
            _ = text.changeFile { $0.removed += 1 }
        } else if signs.contains(UInt8(ascii: "+")) {
            text.append(.added, line)
            _ = text.changeFile { $0.added += 1 }
        } else {
            text.append(.context, line)
        }
        return true
    }

    private mutating func takeHeader(_ line: Range<Int>, _ bytes: [UInt8], _ text: inout DiffText) {
        let content = bytes[line]
        if content.starts(with: "diff --".utf8) {
            text.appendFile(line)
            state = .header
            return
        }
        if case .preamble = state {
            if let count = Self.comparedFiles(content) { filesOfAll = count }
            return
        }
        if content.starts(with: "@@".utf8), let begun = Self.hunk(content) {
            text.appendHunk(line)
            state = begun
            return
        }
        if case .header = state, text.changeFile({ $0.take(header: content) }) ?? false { return }
        if !content.isEmpty { text.append(.note, line) }
    }

    /// ` 3 files changed, 4 insertions(+)`: three.
    private static func comparedFiles(_ line: ArraySlice<UInt8>) -> Int? {
        guard line.first == UInt8(ascii: " "), line.count < 100 else { return nil }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard words.count > 2, words[1] == "file" || words[1] == "files", words[2].hasPrefix("changed") else {
            return nil
        }
        return Int(words[0])
    }

    /// `@@ -1,3 +1,4 @@`, with one more `@` for each further parent.
    private static func hunk(_ line: ArraySlice<UInt8>) -> State? {
        let parents = line.prefix { $0 == UInt8(ascii: "@") }.count - 1
        guard parents == 1 else { return .combined(parents: parents) }
        let words = line.prefix(100).split(separator: UInt8(ascii: " "))
        guard words.count >= 3, words[1].first == UInt8(ascii: "-"), words[2].first == UInt8(ascii: "+"),
            let old = length(words[1]), let new = length(words[2])
        else { return nil }
        return .hunk(old: old, new: new)
    }

    /// `-12,7`: seven; `-12`: one.
    private static func length(_ side: ArraySlice<UInt8>) -> Int? {
        guard let comma = side.firstIndex(of: UInt8(ascii: ",")) else { return 1 }
        return Int(String(decoding: side[(comma + 1)...], as: UTF8.self))
    }
}
