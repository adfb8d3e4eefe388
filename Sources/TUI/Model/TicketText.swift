/// A form as a text that is edited as a whole: a line for each entry, and below a rule the description.
extension TicketForm {
    private static let rule = "---"

    var document: String {
        var lines: [String] = []
        for entry in entries where entry.name != .description {
            let text = entry.name == .locks ? Self.list(self[.locks]).joined(separator: ", ") : entry.value.text
            lines.append(text.isEmpty ? "\(entry.name.rawValue):" : "\(entry.name.rawValue): \(text)")
        }
        return lines.joined(separator: "\n") + "\n\(Self.rule)\n" + self[.description]
    }

    /// Takes a text in. What is no entry's line is kept, too: at the beginning of the description.
    mutating func take(document: String) {
        var lines = document.split(omittingEmptySubsequences: false, whereSeparator: \.isLineEnd)[...]
        var others: [Substring] = []
        while let line = lines.popFirst() {
            if line == Self.rule { break }
            if let (name, text) = entry(in: line) {
                // Nobody's profile is none.
                if name != .agent || subject == .new || !text.isEmpty { set(name, text) }
            } else if !line.isEmpty {
                others.append(line)
            }
        }
        set(.description, (others + lines).joined(separator: "\n"))
    }

    private func entry(in line: Substring) -> (Name, String)? {
        guard let colon = line.firstIndex(of: ":"), let name = Name(rawValue: String(line[..<colon])) else {
            return nil
        }
        guard name != .description, entries.contains(where: { $0.name == name }) else { return nil }
        return (name, String(line[line.index(after: colon)...]).trimmed)
    }
}
