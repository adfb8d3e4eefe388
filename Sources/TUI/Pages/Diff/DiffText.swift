/// A diff as it is shown: a summary of its files, then each file under a heading of its own, with its hunks.
///
/// It keeps git's bytes, and of each line where it begins and what it is: a diff can be megabytes. The lines of the summary
/// and the headings are made when they are drawn; git's own headers are taken in, and not shown.
struct DiffText: Lines, Sendable {
    enum Kind: UInt8, Sendable {
        /// How much there is of everything.
        case total
        /// A file of the summary.
        case stat
        case blank
        /// A file's heading.
        case heading
        /// `@@ -1,3 +1,4 @@`.
        case hunk
        case context, added, removed
        /// Said by git, or by the daemon, about the lines around it.
        case note
    }

    let bytes: [UInt8]
    private(set) var kinds: [Kind] = []
    /// Where lines begin in `bytes`.
    private(set) var starts: [UInt32] = []
    private(set) var files: [ChangedFile] = []
    /// The lines of the hunks' headings.
    private(set) var hunks: [Int] = []
    /// Lines of all files, and of the one with most.
    private(set) var added = 0
    private(set) var removed = 0
    private(set) var largestChange = 0
    /// Bytes of the longest name, which are at least its columns.
    private(set) var longestTitle = 0
    /// How many files git has compared, where more than are here.
    private(set) var filesOfAll: Int?

    /// Rows of a line that has more are found by arithmetic where it is plain; else it is cut into pieces of this size.
    private static let pieceLimit = 16 * 1024

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var reader = DiffReader()
        reader.read(bytes, into: &self)
        if let all = reader.filesOfAll, all > files.count { filesOfAll = all }
        insertSummary()
    }

    // MARK: Made by the reader

    mutating func append(_ kind: Kind, _ range: Range<Int>) {
        var start = range.lowerBound
        let isLong = range.count > Self.pieceLimit
        if isLong, !bytes.withUnsafeBytes({ UnsafeRawBufferPointer(rebasing: $0[range]).isPlain }) {
            while range.upperBound - start > Self.pieceLimit {
                kinds.append(kind)
                starts.append(UInt32(start))
                start += Self.pieceLimit
                var back = 0
                // Not within a character.
                while back < 3, bytes[start] & 0xC0 == 0x80 {
                    start -= 1
                    back += 1
                }
            }
        }
        kinds.append(kind)
        starts.append(UInt32(start))
    }

    mutating func appendHunk(_ range: Range<Int>) {
        hunks.append(kinds.count)
        append(.hunk, range)
    }

    /// The heading of a file, whose line `diff --git` this is.
    mutating func appendFile(_ range: Range<Int>) {
        append(.blank, range.lowerBound..<range.lowerBound)
        files.append(ChangedFile(heading: bytes[range], line: kinds.count, firstHunk: hunks.count))
        append(.heading, range.lowerBound..<range.lowerBound)
    }

    mutating func changeFile<Result>(_ body: (inout ChangedFile) -> Result) -> Result? {
        files.isEmpty ? nil : body(&files[files.count - 1])
    }

    private mutating func insertSummary() {
        guard !files.isEmpty else { return }
        let first = starts[0]
        kinds.insert(contentsOf: [.total] + Array(repeating: .stat, count: files.count), at: 0)
        starts.insert(contentsOf: Array(repeating: first, count: files.count + 1), at: 0)
        for index in files.indices {
            files[index].line += files.count + 1
            added += files[index].added
            removed += files[index].removed
            longestTitle = max(longestTitle, files[index].title.count)
            largestChange = max(largestChange, files[index].added + files[index].removed)
        }
        for index in hunks.indices { hunks[index] += files.count + 1 }
    }

    // MARK: Lines

    var lineCount: Int { kinds.count }

    /// The line goes on with what began in the one before.
    func isContinued(_ line: Int) -> Bool {
        let start = Int(starts[line])
        return start > 0 && bytes[start - 1] != 0x0A
    }

    /// The bytes of a line that git wrote; none of one that is made here. Without the sign in front, which is drawn apart.
    func visibleBytes(of line: Int) -> Range<Int> {
        let hasSign = kinds[line].hasSign
        guard hasSign || kinds[line] == .hunk || kinds[line] == .note else { return 0..<0 }
        let begin = Int(starts[line])
        let next = line + 1 < starts.count ? Int(starts[line + 1]) : bytes.count
        // What comes before the next line that is shown may be hidden.
        let end = lineEnd(in: bytes, from: begin, to: next)
        return (hasSign && begin < end && !isContinued(line) ? begin + 1 : begin)..<end
    }

    /// What is longer than a piece is plain, or it had been cut.
    func isPlain(_ range: Range<Int>) -> Bool {
        range.count > Self.pieceLimit
            || bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[range]).isPlain }
    }

    func height(of line: Int, columns: Int) -> Int {
        switch kinds[line] {
        case .total, .stat, .blank, .heading: 1
        case .hunk, .note: height(of: visibleBytes(of: line), columns: columns)
        case .context, .added, .removed: height(of: visibleBytes(of: line), columns: columns - 1)
        }
    }

    // MARK: Where one is

    /// The file a line is in; nil in the summary.
    func file(at line: Int) -> Int? {
        let after = files.partition { $0.line > line }
        return after == 0 ? nil : after - 1
    }

    /// Of a heading, whether its file's name has it; the summary is not looked at.
    func has(_ needle: Needle, in line: Int) -> Bool {
        switch kinds[line] {
        case .total, .stat, .blank: false
        case .heading: file(at: line).map { needle.isIn(files[$0].name[...]) } ?? false
        case .hunk, .context, .added, .removed, .note: needle.isIn(bytes[visibleBytes(of: line)])
        }
    }

    /// The last hunk that begins at `line` or before it; nil before the first.
    func hunk(at line: Int) -> Int? {
        let after = hunks.partition { $0 > line }
        return after == 0 ? nil : after - 1
    }

    /// The hunks of a file, which may be none.
    func hunks(of file: Int) -> Range<Int> {
        let end = file + 1 < files.count ? files[file + 1].firstHunk : hunks.count
        return files[file].firstHunk..<end
    }

}

extension DiffText.Kind {
    /// Whether git puts a sign before it.
    var hasSign: Bool {
        switch self {
        case .context, .added, .removed: true
        case .total, .stat, .blank, .heading, .hunk, .note: false
        }
    }
}

extension Array {
    /// How many come before the first that is so, of elements that are sorted by that.
    fileprivate func partition(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
