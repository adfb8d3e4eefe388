import ArgumentParser
import IPC

struct Show: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Everything about one ticket: its facts, its runs, and what can be done now."
    )

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let result = try client.request("ticket.show", ["ticket": .string(ticket), "disk": true])
        if global.json {
            var object = result["ticket"]?.objectValue ?? [:]
            object["description"] = result["description"]
            object["summary"] = result["summary"]
            object["runs"] = result["runs"]
            object["disk"] = result["disk"]
            console.write(json: .object(object))
            return .done
        }
        let row: TicketRow = try (result["ticket"] ?? .null).decode()
        let runs: [RunRow] = (result["runs"]?.arrayValue ?? []).compactMap { try? $0.decode() }
        for line in Self.facts(row) { console.write(line) }
        for line in row.messageLines { console.write(SafeText.line(line)) }
        if let problem = try Self.pushProblem(of: row, client) {
            console.write("push        \(SafeText.line(problem))")
        }
        if let disk = result["disk"] { console.write("disk        \(Self.sentence(disk))") }
        if let kept = try Self.snapshots(of: row.id, client) { console.write("snapshots   \(kept)") }
        let description = result["description"]?.stringValue ?? ""
        if !description.isEmpty {
            console.write("")
            for line in SafeText.lines(description).split(separator: "\n", omittingEmptySubsequences: false) {
                console.write(line.isEmpty ? "" : "    \(line)")
            }
        }
        if let summary = result["summary"]?.stringValue {
            console.write("")
            console.write("its agent says:")
            for line in SafeText.lines(summary).split(separator: "\n", omittingEmptySubsequences: false) {
                console.write(line.isEmpty ? "" : "    \(line)")
            }
        }
        if !runs.isEmpty {
            console.write("")
            console.write(Self.table(runs))
        }
        if !row.commands.isEmpty {
            console.write("")
            console.write(commandsOf: row)
        }
        return .done
    }

    /// What its files take: `at least 3.2 GiB (worktree 3.0 GiB, runs 12.0 KiB, archives 0 B)`.
    private static func sentence(_ disk: JSONValue) -> String {
        func size(_ name: String) -> String { Sizes.text(disk[name]?.intValue ?? 0) }
        let least = disk["at_least"]?.boolValue == true ? "at least " : ""
        let parts = ["worktree", "runs", "archives"].map { "\($0) \(size($0))" }.joined(separator: ", ")
        return "\(least)\(size("total")) (\(parts))"
    }

    /// What keeps what has landed from its remote.
    private static func pushProblem(of row: TicketRow, _ client: Client) throws -> String? {
        guard row.state == "merged" else { return nil }
        let all = try client.request("repository.list")["repositories"]?.arrayValue ?? []
        let own = all.compactMap { try? $0.decode(RepositoryRow.self) }.first { $0.id == row.repository }
        return own?.pushProblem
    }

    /// How many there are, and what is to be known about the newest.
    private static func snapshots(of ticket: String, _ client: Client) throws -> String? {
        let all = try client.request("snapshot.list", ["ticket": .string(ticket)])["snapshots"]?.arrayValue ?? []
        guard let newest = all.last else { return nil }
        let notes = (newest["notes"]?.arrayValue ?? []).compactMap(\.stringValue).map { "; \($0)" }.joined()
        let time = newest["time"]?.stringValue.map(Moments.full) ?? "?"
        return SafeText.line("\(all.count), the newest \(newest["number"]?.intValue ?? 0) of \(time)\(notes)")
    }

    private static func facts(_ row: TicketRow) -> [String] {
        var facts: [(String, String?)] = [
            ("state", row.state), ("reason", row.reasonNow),
            ("since", "\(Moments.full(row.since)) (\(Moments.age(row.since)))"),
            ("stage", row.stage), ("agent", row.agent), ("profile", row.profile), ("priority", String(row.priority)),
        ]
        facts += [
            ("locks", row.locks.isEmpty ? nil : row.locks.joined(separator: ", ")),
            ("depends on", row.depends_on.isEmpty ? nil : row.depends_on.joined(separator: ", ")),
            ("branch", row.branch), ("worktree", row.worktree), ("commit", row.commit),
            ("attempts", row.attempts == 0 ? nil : String(row.attempts)), ("used", row.usage.map(UsageText.sentence)),
            ("budget", row.budget.map(BudgetCommand.words)), ("created", Moments.full(row.created)),
            ("evidence", row.evidence),
        ]
        let lines = facts.compactMap { name, value -> String? in
            value.map { name + String(repeating: " ", count: 12 - name.count) + SafeText.line($0) }
        }
        return ["\(SafeText.line(row.id))  \(SafeText.line(row.title))"] + lines
    }

    static func table(_ runs: [RunRow]) -> Table {
        let hasUsage = runs.contains { $0.usage != nil }
        let used: [Table.Column] =
            hasUsage ? [.init("TOKENS", isRightAligned: true), .init("USD", isRightAligned: true)] : []
        var table = Table(
            columns: [
                .init("RUN"), .init("STAGE"), .init("NAME"), .init("STATE"), .init("OUTCOME", least: 12),
                .init("STARTED"), .init("TOOK", isRightAligned: true),
            ] + used
        )
        table.rows = runs.map { run in
            let used: [Table.Cell] = [
                .init(run.usage.map { UsageText.tokens($0.tokens) }), .init(run.usage.map(UsageText.cost)),
            ]
            return [
                .init(run.id), .init(run.stage), .init(run.name), .init(run.state, style(of: run)), .init(run.ending),
                .init(run.started.map(Moments.full)), .init(duration(of: run)),
            ] + (hasUsage ? used : [])
        }
        return table
    }

    private static func style(of run: RunRow) -> Table.Style {
        switch run.state {
        case "passed": .good
        case "failed", "timed_out", "lost": .bad
        case "stopped": .attention
        default: .plain
        }
    }

    private static func duration(of run: RunRow) -> String? {
        guard let started = run.started else { return nil }
        guard let ended = run.ended, let end = Moments.seconds(ended) else { return Moments.age(started) }
        return Moments.age(started, now: end)
    }
}

extension Console {
    /// What can be done about a ticket now, to be copied.
    func write(commandsOf row: TicketRow) {
        let width = row.commands.map { $0.command.columns }.max() ?? 0
        for (command, effect) in row.commands {
            let space = String(repeating: " ", count: width - command.columns)
            write("    \(SafeText.line(command))\(space)  # \(effect)")
        }
    }
}
