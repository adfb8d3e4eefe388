import ArgumentParser
import IPC

struct Status: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "How the daemon is doing and who needs a human; or where one ticket stands.",
        discussion: """
            With --watch it goes on and says in a line what becomes of tickets, and how many are in which state; with a \
            ticket, until that has ended.
            """
    )

    @Argument(help: "A ticket, or the agent that works on it.")
    var ticket: String?
    @Flag(name: .long, help: "Go on, with a line for each change.")
    var watch = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if watch, global.json { throw ValidationError("--watch says it in words; `orch watch --json` prints events") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let status = try show(client, console)
        guard watch else { return status }
        var picture = try Picture(snapshot: client.request("snapshot"))
        var changes = StatusChanges(picture, ticket: try id(of: ticket, client))
        var follows = client
        while true {
            do {
                return try goOn(follows, &picture, &changes, console)
            } catch is EventStream.TooSlow {
                follows = try global.connect(console)
            }
        }
    }

    private func show(_ client: Client, _ console: Console) throws -> ExitStatus {
        if let ticket {
            let row = try client.request("ticket.show", ["ticket": .string(ticket)])["ticket"] ?? .null
            if global.json {
                console.write(json: row)
            } else {
                let row: TicketRow = try row.decode()
                console.write("\(SafeText.line(row.id))  \(SafeText.line(row.stateSentence))")
                for line in row.messageLines { console.write(SafeText.line(line)) }
            }
            return .done
        }
        let status = try client.request("daemon.status").objectValue ?? [:]
        let tickets = try client.request("ticket.list", ["all": true])["tickets"]?.arrayValue ?? []
        let repositories = try client.request("repository.list")["repositories"]?.arrayValue ?? []
        if global.json {
            console.write(json: Self.json(status, tickets, repositories))
        } else {
            let owed = repositories.compactMap { try? $0.decode(RepositoryRow.self).pushProblem }
            show(status, tickets.compactMap { try? $0.decode() }, owed, console)
        }
        return .done
    }

    /// The id of a ticket that may have been named by the agent that works on it.
    private func id(of name: String?, _ client: Client) throws -> String? {
        guard let name else { return nil }
        return try client.request("ticket.show", ["ticket": .string(name)])["ticket"]?["id"]?.stringValue ?? name
    }

    /// Says what changes, until the reader has gone or the ticket's work has ended.
    private func goOn(
        _ client: Client,
        _ picture: inout Picture,
        _ changes: inout StatusChanges,
        _ console: Console
    ) throws -> ExitStatus {
        try client.subscribe(since: picture.seq)
        let stream = EventStream(client, console)
        while changes.ticket.map({ picture.tickets[$0]?.isFinished != true }) ?? true {
            let lines = try stream.next()
            if lines.isEmpty { return .done }
            let now = Moments.clockNow
            for line in lines {
                let touched = try picture.apply(line)
                for text in changes.lines(picture, touched) { console.write("\(now)  \(SafeText.line(text))") }
            }
            if let counts = changes.counts(picture) { console.write("\(now)  \(counts)") }
        }
        return .done
    }

    private static func json(_ status: JSONObject, _ tickets: [JSONValue], _ repositories: [JSONValue]) -> JSONValue {
        var states: [String: Int] = [:]
        for ticket in tickets { states[ticket["state"]?.stringValue ?? "unknown", default: 0] += 1 }
        var object = status
        object["states"] = .object(JSONObject(states.sorted { $0.key < $1.key }.map { ($0, JSONValue($1)) }))
        object["repositories"] = .array(repositories)
        object["needs_human"] = .array(
            tickets.filter { (try? $0.decode(TicketRow.self))?.needsHuman == true }
        )
        return .object(object)
    }

    private func show(_ status: JSONObject, _ rows: [TicketRow], _ owed: [String], _ console: Console) {
        let version = status["version"]?.stringValue ?? "?"
        let pid = status["pid"]?.intValue.map { ", pid \($0)" } ?? ""
        let started = status["started"]?.stringValue.map { ", up \(Moments.age($0))" } ?? ""
        console.write("daemon   \(SafeText.line(version))\(pid)\(started)")
        if status["draining"]?.boolValue == true { console.write("         it is ending: nothing new starts") }
        if let halted = status["halted"] {
            let reason = halted["reason"]?.stringValue.map { $0.isEmpty ? "" : " (\($0))" } ?? ""
            let age = halted["since"]?.stringValue.map { " for \(Moments.age($0))" } ?? ""
            let words = "everything\(age)\(reason); `orch resume` goes on"
            console.write("halted   \(console.styled(SafeText.line(words), .attention))")
        }
        if let shortage = status["shortage"]?.stringValue {
            console.write("machine  \(console.styled(SafeText.line("it \(shortage)"), .attention))")
        }
        let trouble =
            status["trouble"]?.stringValue
            ?? (status["disk"] == nil ? nil : "the disk is full: nothing new starts until there is room")
        if let trouble { console.write("trouble  \(console.styled(SafeText.line(trouble), .bad))") }
        if let directory = status["state_directory"]?.stringValue {
            console.write("state    \(SafeText.line(directory))")
        }
        let working = status["working"]?.intValue ?? 0
        let stale = rows.filter { $0.stale_since != nil }
        let staleCount = stale.isEmpty ? "" : ", \(stale.count) of them stale"
        console.write("agents   \(working) of \(status["agents"]?.intValue ?? 0) working\(staleCount)")
        for row in stale {
            console.write(SafeText.line("         \(row.agent ?? row.id) on \(row.id): \(row.reasonNow ?? "stale")"))
        }
        let known = [
            "queued", "running", "stopped", "awaiting_approval", "landing", "needs_human_review", "merged", "pr_open",
            "done", "cancelled",
        ]
        let counts = Dictionary(grouping: rows, by: \.state).mapValues(\.count)
        let others = counts.keys.filter { !known.contains($0) }.sorted()
        let parts = (known + others).compactMap { state in counts[state].map { "\($0) \(SafeText.line(state))" } }
        console.write("tickets  \(parts.isEmpty ? "none yet" : parts.joined(separator: ", "))")
        for (index, line) in SpentText.lines(.object(status)).enumerated() {
            console.write("\(index == 0 ? "used " : "     ")    \(line)")
        }
        for problem in owed { console.write("push     \(console.styled(SafeText.line(problem), .bad))") }
        let waiting = rows.filter(\.needsHuman)
        guard !waiting.isEmpty else { return }
        console.write("")
        console.write("for a human:")
        var table = Table(
            .init("ID"),
            .init("STATE"),
            .init("AGE", isRightAligned: true),
            .init("TITLE", least: 12),
            .init("REASON", least: 12)
        )
        table.rows = waiting.map { row in
            [
                .init(row.id), .init(row.state, Table.Style(state: row.state)), .init(Moments.age(row.since)),
                .init(row.title), .init(row.reason),
            ]
        }
        console.write(table)
    }
}

extension RepositoryRow {
    /// What keeps its target from its remote, in a sentence; nil where nothing does.
    var pushProblem: String? {
        guard let push, let problem = push.problem else { return nil }
        let next = push.needs_human == true ? "it needs you" : "orch goes on trying"
        return "\(target) of \(path) is not pushed to \(push.remote), \(next): \(problem)"
    }
}
