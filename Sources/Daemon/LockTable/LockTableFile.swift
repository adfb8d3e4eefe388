import Core
import IPC

/// `locks.json` as orch writes it, for people who look at it with git: a lock a line, in a fixed order, so that a diff
/// says what has changed and nothing else.
enum LockTableFile {
    static let name = "locks.json"

    struct Row: Hashable {
        enum Holder: Hashable {
            case ticket(TicketID, title: String)
            case person(name: String, reason: String)
        }

        let pattern: LockPattern
        let holder: Holder
        let since: Instant
        /// When it is let go of by itself.
        let until: Instant?
    }

    static func text(_ rows: some Collection<Row>) -> String {
        let lines = rows.map { (key: $0.mention, line: line($0)) }.sorted { $0.key < $1.key }.map(\.line)
        let body = lines.isEmpty ? "" : "\n    " + lines.joined(separator: ",\n    ") + "\n  "
        return "{\n  \"locks\": [\(body)]\n}\n"
    }

    private static func line(_ row: Row) -> String {
        var members: JSONObject = ["pattern": .string(row.pattern.text)]
        switch row.holder {
        case .ticket(let id, let title):
            members["ticket"] = .string(id.text)
            members["title"] = .string(title)
        case .person(let name, let reason):
            members["by"] = .string(name)
            members["reason"] = .string(reason)
        }
        members["since"] = .string(Timestamp.text(row.since))
        members["until"] = row.until.map { .string(Timestamp.text($0)) }
        return String(decoding: JSONValue.object(members).bytes, as: UTF8.self)
    }
}

extension LockTableFile.Row {
    var mention: LockMention {
        let name =
            switch holder {
            case .ticket(let id, _): id.text
            case .person(let name, _): name
            }
        return LockMention(pattern: pattern.text, holder: name)
    }
}
