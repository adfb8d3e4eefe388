/// A commit message: a title of one line, a body, and trailers as `git interpret-trailers` reads them.
public struct CommitMessage: Sendable, Equatable {
    /// The message, ended by a line end.
    public let text: String

    /// - Parameters:
    ///   - title: made one line; an empty one becomes `Untitled`.
    ///   - body: kept as it is but for control characters and the space around it.
    ///   - trailers: each becomes one line `Key: value`; those without a value are left out.
    public init(title: String, body: String = "", trailers: [(key: String, value: String)] = []) {
        let line = Self.oneLine(title)
        let body = Self.clean(body)
        let trailers = trailers.map { (Self.key($0.key), Self.oneLine($0.value)) }
            .filter { !$0.0.isEmpty && !$0.1.isEmpty }
            .map { "\($0): \($1)" }
            .joined(separator: "\n")
        text =
            [line.isEmpty ? "Untitled" : line, body, trailers].filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private static func isControl(_ scalar: UnicodeScalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    private static func oneLine(_ text: String) -> String {
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
