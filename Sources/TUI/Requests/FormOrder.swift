import IPC

extension TicketForm {
    /// What is asked of the daemon with what is written; nil where that changes nothing.
    func order() throws(Unfit) -> DaemonRequest? {
        var fields: JSONObject = [:]
        let title = self[.title].trimmed
        if title.isEmpty { throw Unfit(reason: "a ticket has a title: say in a line what is to be done", at: .title) }
        for name in Name.allCases where hasChanged(name) {
            let text = self[name]
            switch name {
            case .title: fields["title"] = .string(title)
            case .description: fields["description"] = .string(text)
            case .priority: fields["priority"] = JSONValue(try Priority.read(text))
            case .locks: fields["locks"] = JSONValue(Self.list(text))
            case .dependsOn: fields["depends_on"] = JSONValue(Self.list(text))
            case .agent: fields["agent"] = .string(text)
            case .repository: break
            }
        }
        switch subject {
        case .new: return .enqueue(repository: self[.repository], ticket: fields)
        case .ticket(let id): return fields.isEmpty ? nil : .edit(ticket: id, changes: fields)
        }
    }

    /// What commas and line ends separate.
    static func list(_ text: String) -> [String] {
        text.split { $0 == "," || $0.isNewline }.map { String($0).trimmed }.filter { !$0.isEmpty }
    }
}

/// A priority as it is typed.
enum Priority {
    static func read(_ text: String) throws(Unfit) -> Int {
        let text = text.trimmed
        if text.isEmpty { return 0 }
        guard let number = Int(text) else {
            throw Unfit(reason: "a priority is a whole number, higher first", at: .priority)
        }
        return number
    }
}

extension String {
    /// Without white space at its ends.
    var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace ?? false { rest.removeFirst() }
        while rest.last?.isWhitespace ?? false { rest.removeLast() }
        return String(rest)
    }
}
