/// Names made from titles, for branches.
public enum BranchName {
    public static let maximumSlug = 40

    /// `Add avatar upload!` as `add-avatar-upload`: lower-case ASCII letters and digits with single dashes between,
    /// at most 40 of them, cut between words where that keeps at least half. Always good as the end of a branch's
    /// name; empty when the title has no ASCII letter or digit.
    public static func slug(_ title: String) -> String {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        for byte in title.utf8 {
            if UInt8.ASCII.isAlphanumeric(byte) {
                word.append(UInt8.ASCII.isDigit(byte) ? byte : byte | 0x20)
            } else if byte == UInt8(ascii: "'") {
                continue  // don't → dont
            } else if !word.isEmpty {
                words.append(word)
                word = []
            }
        }
        if !word.isEmpty { words.append(word) }

        var slug: [UInt8] = []
        for word in words {
            let room = maximumSlug - slug.count - (slug.isEmpty ? 0 : 1)
            guard word.count > room else {
                slug += (slug.isEmpty ? [] : [UInt8.ASCII.dash]) + word
                continue
            }
            if slug.count < maximumSlug / 2 {
                slug += (slug.isEmpty ? [] : [UInt8.ASCII.dash]) + word.prefix(room)
            }
            break
        }
        return String(decoding: slug, as: UTF8.self)
    }

    /// `T-7-avatar-upload`, or `T-7` where the title gives no slug.
    public static func leaf(ticket: TicketID, title: String) -> String {
        let slug = slug(title)
        return slug.isEmpty ? ticket.text : "\(ticket.text)-\(slug)"
    }
}

extension BranchName {
    /// The branch an agent works on: `agent-1/T-7-avatar-upload` under the prefix `{agent}/`.
    public static func branch(prefix: String, agent: AgentID, ticket: TicketID, title: String) -> String {
        expanded(prefix, agent: agent) + leaf(ticket: ticket, title: title)
    }

    /// What is wrong with a prefix for branches, in a sentence; nil when nothing is.
    public static func problem(withPrefix prefix: String) -> String? {
        let example = "write one such as `{agent}/` or `orch/{agent}/`"
        if prefix.utf8.count > 100 { return "the prefix has \(prefix.utf8.count) characters; at most 100 are allowed" }
        let expanded = expanded(prefix, agent: AgentID(1))
        if expanded.contains("{") || expanded.contains("}") {
            return "\(quoted(prefix)) has an unknown placeholder; only `{agent}` is known"
        }
        return isReferenceName(expanded + "T")
            ? nil : "\(quoted(prefix)) cannot begin a branch's name; \(example)"
    }

    /// Whether git takes this as a branch's name, by the rules of `git check-ref-format --branch`.
    public static func isReferenceName(_ name: String) -> Bool {
        let utf8 = Array(name.utf8)
        guard let first = utf8.first, first != UInt8.ASCII.dash, utf8.count <= 250, name != "@", name != "HEAD",
            !utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || " ~^:?*[\\".utf8.contains($0) }),
            utf8.last != UInt8(ascii: ".")
        else { return false }
        for (a, b) in zip(utf8, utf8.dropFirst()) {
            if a == UInt8(ascii: "."), b == UInt8(ascii: ".") { return false }
            if a == UInt8(ascii: "@"), b == UInt8(ascii: "{") { return false }
        }
        return utf8.split(separator: UInt8.ASCII.slash, omittingEmptySubsequences: false).allSatisfy { component in
            guard let first = component.first else { return false }
            return first != UInt8(ascii: ".") && !component.suffix(5).elementsEqual(".lock".utf8)
        }
    }

    private static func expanded(_ prefix: String, agent: AgentID) -> String {
        var result = ""
        var rest = Substring(prefix)
        while let character = rest.first {
            if rest.hasPrefix("{agent}") {
                result += agent.description
                rest = rest.dropFirst("{agent}".count)
            } else {
                result.append(character)
                rest = rest.dropFirst()
            }
        }
        return result
    }
}
