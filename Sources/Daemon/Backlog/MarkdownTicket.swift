import Core

/// A ticket as Markdown: YAML between two lines of `---`, if any, and below it the description.
///
/// The description is the text as it is, with line feeds between its lines, headings included: it is all that an agent is told. Where the front matter
/// has no `title`, the first heading of the first level is the title as well.
struct MarkdownTicket {
    /// What stands between the fences, with everything in it at its place in the file; nil where there is none.
    let frontMatter: SourceText?
    let body: Body

    struct Body {
        /// Without empty lines before and after; empty where there is nothing else.
        var text: String
        /// Of its first line.
        var place: DocumentPlace
        var heading: (text: String, place: DocumentPlace)?
    }

    static func isNamedAsOne(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasSuffix(".md") || name.hasSuffix(".markdown")
    }

    /// - Throws: that the front matter has no end.
    init(_ source: SourceText, name: String) throws(FileProblems) {
        let lines = source.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines[0].isFence("---") else {
            frontMatter = nil
            body = Self.body(lines[...], from: 1)
            return
        }
        guard let end = lines.indices.dropFirst().first(where: { lines[$0].isFence("---") || lines[$0].isFence("...") })
        else {
            let message = "the front matter that begins here has no end; write a line `---` below it"
            throw FileProblems([FileProblem(file: name, at: DocumentPlace(), message)])
        }
        // An empty line in the first fence's stead, so that its places are those of the file.
        frontMatter = SourceText(
            checked: [UInt8(ascii: "\n")] + source.bytes[lines[1].startIndex..<lines[end].startIndex]
        )
        body = Self.body(lines[(end + 1)...], from: end + 2)
    }

    private static func body(_ lines: ArraySlice<ArraySlice<UInt8>>, from number: Int) -> Body {
        let start = lines.startIndex
        guard let first = lines.firstIndex(where: { !$0.isBlank }), let last = lines.lastIndex(where: { !$0.isBlank })
        else { return Body(text: "", place: DocumentPlace(line: number)) }
        let lines = lines[first...last].map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        let text = String(decoding: Array(lines.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self)
        var body = Body(text: text, place: DocumentPlace(line: number + first - start))
        var fence: Character?
        for (offset, line) in lines.enumerated() {
            let text = String(decoding: line, as: UTF8.self)
            let content = text.drop { $0 == " " }
            if content.hasPrefix("```") || content.hasPrefix("~~~") {
                if fence == nil { fence = content.first } else if fence == content.first { fence = nil }
            }
            guard fence == nil, text.unicodeScalars.count - content.unicodeScalars.count < 4,
                let title = heading(content)
            else { continue }
            let column = text.unicodeScalars.count - content.unicodeScalars.count + 1
            body.heading = (title, DocumentPlace(line: body.place.line + offset, column: column))
            break
        }
        return body
    }

    /// The words of a heading of the first level; nil where the line is none.
    private static func heading(_ line: Substring) -> String? {
        guard line.hasPrefix("# ") || line.hasPrefix("#\t") else { return nil }
        var words = trimmed(line.dropFirst())
        let bare = words.reversed().drop { $0 == "#" }.reversed()
        // A closing run of `#` is no part of it where a space is before.
        if bare.last?.isWhitespace ?? true { words = trimmed(Substring(bare)) }
        return words.isEmpty ? nil : String(words)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return start[...last]
    }
}

extension ArraySlice<UInt8> {
    fileprivate var isBlank: Bool { allSatisfy { [0x20, 0x09, 0x0D].contains($0) } }

    /// Whether the line is just this, but for blanks after it.
    fileprivate func isFence(_ text: String) -> Bool { starts(with: text.utf8) && dropFirst(text.utf8.count).isBlank }
}
