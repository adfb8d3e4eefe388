import Core
import Daemon
import Foundation
import Glibc
import IPC

/// A ticket in the user's editor, as often as it takes until it can be taken, or is left as it is.
///
/// What is typed lies in a file that is removed only when it has been taken or says nothing new; every error names it.
struct EditSession {
    let ticket: String
    let client: Client
    let console: Console

    private static let mark = "# problem: "

    /// The row of the changed ticket; nil when nothing was changed.
    func run() throws -> JSONValue? {
        let shown = try client.request("ticket.show", ["ticket": .string(ticket)])
        guard let row = try shown["ticket"]?.decode(TicketRow.self) else { return nil }
        let before = try draft(row, description: shown["description"]?.stringValue ?? "")
        let path = try makeFile()
        let beginning = TicketText.text(before, of: row)
        var text = beginning
        while true {
            try write(text, to: path)
            try edit(path)
            let typed = try read(path)
            if typed == text {
                guard text != beginning else { return try forget(path) }
                throw CommandError.failed("nothing was changed: the problems are still there", hint: kept(path))
            }
            let bare = typed.split(separator: "\n", omittingEmptySubsequences: false)
                .filter { !$0.hasPrefix(Self.mark) }.joined(separator: "\n")
            let problems: [String]
            switch judge(bare, before, path) {
            case .success(let changes):
                if changes.isEmpty { return try forget(path) }
                do throws(RPCError) {
                    let row = try client.edit(row.id, changes)
                    unlink(path)
                    return row
                } catch  where [.refused, .invalidParams].contains(error.code) {
                    problems = [[error.message, error.hint].compactMap(\.self).joined(separator: "; ")]
                } catch {
                    throw CommandError(error.code, error.message, hint: kept(path))
                }
            case .failure(let found): problems = found.problems.map { Self.text($0, below: found.problems.count) }
            }
            text = problems.map { Self.mark + $0 + "\n" }.joined() + bare
        }
    }

    private func kept(_ path: String) -> String { "what you typed is in \(path)" }

    private func forget(_ path: String) throws -> JSONValue? {
        unlink(path)
        return nil
    }

    /// A problem with its place once `count` lines stand above it.
    private static func text(_ problem: FileProblem, below count: Int) -> String {
        let message = problem.message.replacing("\n", with: " ")
        guard let line = problem.line, let column = problem.column else { return message }
        return "line \(line + count), column \(column): \(message)"
    }

    // MARK: What is typed

    private func draft(_ row: TicketRow, description: String) throws -> TicketDraft {
        TicketDraft(
            title: row.title,
            description: description,
            priority: row.priority,
            locks: try row.locks.map { try LockPattern($0) },
            dependsOn: row.depends_on.map { TicketID($0) },
            agent: row.profile
        )
    }

    /// What differs from before, or what is wrong with it.
    private func judge(_ text: String, _ before: TicketDraft, _ path: String) -> Result<JSONObject, FileProblems> {
        let batch = TicketFile.parse(Array(text.utf8), name: path)
        guard batch.problems.isEmpty else { return .failure(FileProblems(batch.problems)) }
        guard batch.drafts.count == 1, let draft = batch.drafts.first else {
            return .failure(FileProblems([FileProblem(file: path, message: "this is not one ticket but several")]))
        }
        for (isThere, field) in [
            (draft.id != nil, TicketDraft.Field.id), (draft.workflow != nil, .workflow),
        ] where isThere {
            return .failure(FileProblems([batch.problem(draft: 0, field: field, "this stays as it is; take it away")]))
        }
        var changes: JSONObject = [:]
        if draft.title != before.title { changes["title"] = .string(draft.title) }
        if draft.description != before.description { changes["description"] = .string(draft.description) }
        if draft.priority != before.priority { changes["priority"] = JSONValue(draft.priority) }
        if Set(draft.locks) != Set(before.locks) { changes["locks"] = JSONValue(draft.locks.map(\.description)) }
        if Set(draft.dependsOn) != Set(before.dependsOn) {
            changes["depends_on"] = JSONValue(draft.dependsOn.map(\.text))
        }
        if let agent = draft.agent, agent != before.agent { changes["agent"] = .string(agent) }
        return .success(changes)
    }

    // MARK: The file and the editor

    private func makeFile() throws -> String {
        let folder = console.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        // mkstemps puts a name of nobody's in place of the X's; editors know YAML by the ending.
        var template = Array("\(folder)/orch-edit-XXXXXX.yaml".utf8CString)
        let descriptor = mkstemps(&template, 5)
        guard descriptor >= 0 else {
            throw CommandError.failed("cannot make a file in \(folder): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func write(_ text: String, to path: String) throws {
        // In place: it is the user's alone from the beginning.
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func read(_ path: String) throws -> String {
        guard let bytes = FileManager.default.contents(atPath: path), let text = String(data: bytes, encoding: .utf8)
        else {
            throw CommandError.failed("what the editor left cannot be read as UTF-8", hint: kept(path))
        }
        return text
    }

    /// Waits for the editor, which a shell starts: it may have arguments of its own.
    private func edit(_ path: String) throws {
        let names = ["VISUAL", "EDITOR"].compactMap { console.environment[$0] }
        let editor = names.first { !$0.allSatisfy(\.isWhitespace) } ?? "vi"
        let quoted = "'" + path.replacing("'", with: "'\\''") + "'"
        console.flush()
        let status = system("\(editor) \(quoted)")
        guard status == 0 else {
            throw CommandError.failed("the editor (\(editor)) did not end well; nothing was changed", hint: kept(path))
        }
    }
}

/// A ticket as YAML that a person edits.
enum TicketText {
    static func text(_ draft: TicketDraft, of row: TicketRow) -> String {
        var lines = ["# \(row.id), \(row.state). Save and leave to change it; leave it as it is to change nothing."]
        lines.append("title: \(string(draft.title))")
        lines.append("priority: \(draft.priority)")
        lines.append(draft.locks.isEmpty ? "locks: []" : "locks:")
        lines += draft.locks.map { "  - \(string($0.description))" }
        let dependencies = draft.dependsOn.map { string($0.text) }.joined(separator: ", ")
        lines.append("depends_on: [\(dependencies)]")
        if let agent = draft.agent { lines.append("agent: \(string(agent))") }
        let head = lines.joined(separator: "\n") + "\n"
        let block = head + "description: " + Self.block(draft.description)
        // What YAML would read otherwise is quoted.
        let isSame = TicketFile.parse(Array(block.utf8), name: "").drafts.first?.description == draft.description
        return isSame ? block : head + "description: \(string(draft.description))\n"
    }

    private static func block(_ text: String) -> String {
        let keep = text.hasSuffix("\n") ? (text.hasSuffix("\n\n") ? "+" : "") : "-"
        let lines = (text.hasSuffix("\n") ? String(text.dropLast()) : text)
            .split(separator: "\n", omittingEmptySubsequences: false)
        return "|2\(keep)\n" + lines.map { $0.isEmpty ? "\n" : "  \($0)\n" }.joined()
    }

    /// In double quotes, as JSON has it and YAML as well.
    private static func string(_ text: String) -> String { JSONValue.string(text).description }
}
