/// A commit message: a title of one line, a body, and trailers as `git interpret-trailers` reads them.
public struct CommitMessage: Sendable, Equatable {
    private let title: String
    private let body: String
    /// Lines `Key: value`.
    var trailers: [String]

    /// The message, ended by a line end.
    public var text: String {
        [title, body, trailers.joined(separator: "\n")].filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    /// - Parameters:
    ///   - title: made one line; an empty one becomes `Untitled`.
    ///   - body: kept as it is but for control characters and the space around it.
    ///   - trailers: each becomes one line `Key: value`; those without a value are left out.
    public init(title: String, body: String = "", trailers: [(key: String, value: String)] = []) {
        let line = Self.oneLine(title)
        self.title = line.isEmpty ? "Untitled" : line
        self.body = Self.clean(body)
        self.trailers = trailers.map { (Self.key($0.key), Self.oneLine($0.value)) }
            .filter { !$0.0.isEmpty && !$0.1.isEmpty }
            .map { "\($0): \($1)" }
    }

    /// - Parameters:
    ///   - text: its first line is the title, the rest the body.
    ///   - title: the title where that line is empty.
    public init(_ text: String, otherwise title: String, trailers: [(key: String, value: String)]) {
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let first = Self.oneLine(parts.first ?? "")
        self.init(title: first.isEmpty ? title : first, body: parts.dropFirst().first ?? "", trailers: trailers)
    }

    private static func isControl(_ scalar: UnicodeScalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    static func oneLine(_ text: String) -> String {
        text.unicodeScalars.split { isControl($0) || $0 == " " }.map { String($0) }.joined(separator: " ")
    }

    private static func clean(_ text: String) -> String {
        let kept = text.unicodeScalars.filter { !isControl($0) || $0 == "\n" || $0 == "\t" }
        let lines = String(String.UnicodeScalarView(kept)).split(separator: "\n", omittingEmptySubsequences: false)
        let first = lines.firstIndex { !$0.allSatisfy(\.isWhitespace) } ?? lines.endIndex
        let last = lines.lastIndex { !$0.allSatisfy(\.isWhitespace) } ?? lines.startIndex
        return first <= last && first < lines.endIndex ? lines[first...last].joined(separator: "\n") : ""
    }

    private static func key(_ text: String) -> String {
        String(text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
    }
}

// MARK: - Messages of others

extension CommitMessage {
    /// A message as its author wrote it, but for trailers that are orch's to write; ended by a line end.
    static func kept(_ text: String) -> String {
        var lines = lines(of: text)
        if let block = trailerBlock(of: lines) {
            let others = lines[block].filter { !$0.lowercased().hasPrefix("orch-") }
            lines.replaceSubrange(block, with: others)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The drafts, whose last one closes the work: it has the trailers, and the title where its author gave none.
    func closing(_ drafts: [CommitDraft]) -> [CommitDraft] {
        var drafts = drafts
        guard var last = drafts.popLast() else { return [] }
        let own = Self.lines(of: last.message)
        let gap = own.isEmpty || Self.trailerBlock(of: own) == nil ? [""] : []
        last.message = ((own.isEmpty ? [title] : own) + gap + trailers).joined(separator: "\n") + "\n"
        return drafts + [last]
    }

    private static func lines(of text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        return lines
    }

    /// The last paragraph where it consists of trailers, and is not the title.
    private static func trailerBlock(of lines: [String]) -> Range<Int>? {
        guard let gap = lines.lastIndex(where: { $0.allSatisfy(\.isWhitespace) }), gap > 0 else { return nil }
        let block = (gap + 1)..<lines.count
        let areTrailers = lines[block].allSatisfy { line in
            let key = line.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            return line.first?.isWhitespace == true
                || !key.isEmpty && line.dropFirst(key.count).drop { $0 == " " }.first == ":"
        }
        return areTrailers ? block : nil
    }
}
