/// What the message of a commit that lands is made of: text with placeholders in it.
public struct MessageTemplate: Hashable, Sendable {
    /// Stands in a template as its name in braces.
    public enum Placeholder: String, CaseIterable, Sendable {
        case title, description, ticket
        /// The profile of the agent that worked on the ticket.
        case agent

        var text: String { "{\(rawValue)}" }
    }

    /// Why a text is no template, and what to write instead.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    private enum Part: Hashable, Sendable {
        case text(String)
        case placeholder(Placeholder)
    }

    private let parts: [Part]

    /// The title, and the description below it.
    public static let standard = "{title}\n\n{description}"

    /// Reads a template. `{{` and `}}` are braces that mean nothing.
    public init(_ text: String) throws(Problem) {
        var parts: [Part] = []
        var plain = ""
        var rest = Substring(text)
        while let first = rest.popFirst() {
            guard first == "{" || first == "}" else {
                plain.append(first)
                continue
            }
            if rest.first == first {
                rest.removeFirst()
                plain.append(first)
                continue
            }
            guard first == "{", let end = rest.firstIndex(of: "}") else {
                throw Problem(description: "`\(first)` stands alone; write `\(first)\(first)` for the brace itself")
            }
            parts += [.text(plain), .placeholder(try Self.placeholder(String(rest[..<end])))]
            plain = ""
            rest = rest[rest.index(after: end)...]
        }
        self.parts = parts + [.text(plain)]
        let title = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        guard title.contains(where: { !$0.isWhitespace }) else {
            throw Problem(description: "its first line, the title of the commit, is empty")
        }
    }

    private static func placeholder(_ name: String) throws(Problem) -> Placeholder {
        if let known = Placeholder(rawValue: name) { return known }
        let known = Placeholder.allCases.map(\.text)
        let hint = NearestName.hint(for: "{\(name)}", among: known)
        let list = hint.isEmpty ? "; known are " + known.map { "`\($0)`" }.joined(separator: ", ") : hint
        throw Problem(description: "unknown placeholder \(quoted("{\(name)}"))\(list)")
    }

    /// The text, with what each placeholder stands for. What that holds is not looked at again.
    public func filled(_ value: (Placeholder) -> String) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .placeholder(let name): value(name)
            }
        }
        .joined()
    }
}
