import Core
import IPC

// Core's values as clients see them. The keys are those of IPC's row structs, in their order; a test decodes each row
// with its struct.

struct PictureRows: Sendable {
    /// Where worktrees lie.
    let worktrees: String

    func ticket(_ ticket: Ticket, evidence: String?) -> JSONObject {
        var row: JSONObject = [
            "id": .string(ticket.id.text),
            "title": .string(ticket.title),
            "repository": .string(ticket.repository.text),
            "state": .string(ticket.state.name),
        ]
        row["reason"] = ticket.reason.map(JSONValue.string)
        for (key, value) in fields(ticket.stale) { row[key] = value }
        row["stage"] = ticket.stageName.map(JSONValue.string)
        row["agent"] = ticket.agent.map { .string($0.description) }
        row["profile"] = .string(ticket.profile)
        row["priority"] = JSONValue(ticket.priority)
        row["locks"] = JSONValue(ticket.locks.map(\.description))
        row["depends_on"] = JSONValue(ticket.dependsOn.map(\.text))
        row["branch"] = ticket.worktree.map { .string($0.branch) }
        if let worktree = ticket.worktree, worktree.base != nil, !ticket.isTidied {
            row["worktree"] = .string("\(worktrees)/\(worktree.name)")
        }
        row["commit"] = ticket.head.map { .string($0.text) }
        row["attempts"] = JSONValue(ticket.attempts)
        if ticket.lastRun > 0 { row["run"] = .string("\(ticket.id).\(ticket.currentRun?.number ?? ticket.lastRun)") }
        row["agent_run"] = ticket.lastAgentRun.map { .string("\(ticket.id).\($0)") }
        row["comments"] = ticket.comments.map(JSONValue.init)
        row["since"] = .string(Timestamp.text(ticket.since))
        row["created"] = .string(Timestamp.text(ticket.created))
        row["evidence"] = evidence.map(JSONValue.string)
        if case .landing(let landing) = ticket.state, case .blocked = landing.step { row["blocked"] = true }
        row["landing_place"] = ticket.landingPlace.map(JSONValue.init)
        for (key, value) in fields(ticket.dealings) { row[key] = value }
        row["usage"] = ticket.usage.map { .object($0.row) }
        row["budget"] = ticket.budget.map { .object($0.row) }
        row["checks"] = ticket.trial?.progress.map { .object(checks($0)) }
        row["messages"] = ticket.messages.map { .array($0.map(message)) }
        row["last_message"] = ticket.lastMessage.map(JSONValue.init)
        row["session"] = ticket.session.map { .string($0.id) }
        return row
    }

    private func message(_ message: Message) -> JSONValue {
        [
            "number": JSONValue(message.number), "delivery": .string(message.delivery.word),
            "time": .string(Timestamp.text(message.at)), "text": .string(message.text),
        ]
    }

    /// What its agent asks, waits for and says.
    private func fields(_ dealings: Dealings?) -> [(String, JSONValue)] {
        guard let dealings else { return [] }
        var fields: [(String, JSONValue)] = []
        if let question = dealings.openQuestion { fields.append(("question", .object(row(question)))) }
        if let claim = dealings.claims.first {
            fields.append(
                (
                    "claim",
                    [
                        "patterns": JSONValue(claim.patterns.map(\.text)),
                        "since": .string(Timestamp.text(claim.asked)), "until": .string(Timestamp.text(claim.until)),
                    ]
                )
            )
        }
        if let progress = dealings.progress {
            var row: JSONObject = ["text": .string(progress.text)]
            row["percent"] = progress.percent.map(JSONValue.init)
            row["time"] = .string(Timestamp.text(progress.at))
            fields.append(("progress", .object(row)))
        }
        return fields
    }

    func row(_ question: Question) -> JSONObject {
        [
            "number": JSONValue(question.number), "kind": .string(question.kind.rawValue),
            "text": .string(question.text), "since": .string(Timestamp.text(question.asked)),
            "until": .string(Timestamp.text(question.until)),
        ]
    }

    private func checks(_ progress: TrialProgress) -> JSONObject {
        var checks: JSONObject = ["done": JSONValue(progress.passed), "total": JSONValue(progress.total)]
        checks["running"] = progress.running.map(JSONValue.string)
        checks["since"] = progress.since.map { .string(Timestamp.text($0)) }
        return checks
    }

    /// The daemon's own row: what it is, whether everything is halted, what is wrong with the machine, what agents have
    /// used and what they may.
    func daemon(_ about: JSONObject, _ core: Orchestrator) -> JSONObject {
        var row = about
        row["halted"] = core.standstill.map { .object($0.row) }
        if core.isDiskFull { row["disk"] = "full" }
        for (key, value) in spent(core.spent) { row[key] = value }
        row["budgets"] = core.limits.budgets.row.map(JSONValue.object)
        return row
    }

    func spent(_ spent: Spent) -> JSONObject {
        var row = JSONObject()
        if spent.today != Usage() { row["spent_today"] = .object(spent.today.row) }
        if spent.month != Usage() { row["spent_month"] = .object(spent.month.row) }
        return row
    }

    func agent(_ agent: Agent, ticket: Ticket?) -> JSONObject {
        var row: JSONObject = [
            "id": .string(agent.id.description),
            "state": .string(agent.stateName),
        ]
        for (key, value) in fields(agent.stale) { row[key] = value }
        row["ticket"] = agent.ticket.map { .string($0.text) }
        row["profile"] = ticket.map { .string($0.profile) }
        row["since"] = .string(Timestamp.text(agent.since))
        return row
    }

    private func fields(_ stale: Stale?) -> [(String, JSONValue)] {
        guard let stale else { return [] }
        let known: [(String, JSONValue)] = [
            ("stale_since", .string(Timestamp.text(stale.since))), ("stale_evidence", .string(stale.evidence)),
        ]
        guard case .ends(let at) = stale.next else { return known }
        return known + [("stale_until", .string(Timestamp.text(at)))]
    }

    func lock(_ grant: Grant) -> JSONObject {
        var row: JSONObject = [
            "pattern": .string(grant.pattern.description),
            "repository": .string(grant.repository.text),
        ]
        row["ticket"] = grant.ticket.map { .string($0.text) }
        row["person"] = grant.person.map { .string($0.name) }
        row["reason"] = grant.person.map { .string($0.reason) }
        row["since"] = .string(Timestamp.text(grant.since))
        row["expires"] = grant.person?.expires.map { .string(Timestamp.text($0)) }
        row["fence"] = JSONValue(grant.fence)
        return row
    }

    func repository(_ repository: Core.Repository) -> JSONObject {
        var row: JSONObject = [
            "id": .string(repository.id.text),
            "path": .string(repository.path),
            "target": .string(repository.target),
        ]
        row["tip"] = repository.tip.map { .string($0.text) }
        row["push"] = repository.push.map { push in
            var owed: JSONObject = ["remote": .string(push.remote), "commit": .string(push.commit.text)]
            owed["problem"] = push.problem.map { .string($0.reason) }
            owed["needs_human"] = push.problem.flatMap { $0.needsHuman ? true : nil }
            return .object(owed)
        }
        row["agents"] = repository.agents.map(JSONValue.init)
        return row
    }
}

extension Usage {
    /// Dollars as a number, with up to six digits behind the point.
    var row: JSONObject {
        [
            "input": JSONValue(tokens.input), "output": JSONValue(tokens.output),
            "cache_read": JSONValue(tokens.cacheRead), "cache_write": JSONValue(tokens.cacheWrite),
            "tokens": JSONValue(tokens.total), "cost_usd": .dollars(cost),
            "estimated": .dollars(estimated), "unpriced": JSONValue(unpriced),
        ]
    }
}

extension Allowance {
    /// What it says.
    var row: JSONObject {
        var row = JSONObject()
        row["usd"] = cost.map(JSONValue.dollars)
        row["tokens"] = tokens.map(JSONValue.init)
        return row
    }
}

extension Budgets {
    /// Those there are; nil where there is none.
    var row: JSONObject? {
        var row = JSONObject()
        for span in BudgetSpan.allCases where !self[span].isEmpty { row[span.rawValue] = .object(self[span].row) }
        return row.isEmpty ? nil : row
    }
}

extension JSONValue {
    /// The number of dollars; a double holds a million billion millionths exactly.
    static func dollars(_ amount: Int) -> JSONValue {
        amount % 1_000_000 == 0 ? JSONValue(amount / 1_000_000) : .double(Double(amount) / 1_000_000)
    }
}

extension Standstill {
    /// `{"since": …, "reason": …}`. The daemon's row is stored with every fact that changes it, and this is read from there.
    var row: JSONObject { ["since": .string(Timestamp.text(since)), "reason": .string(reason)] }

    init?(row: JSONValue?) {
        guard let since = row?["since"]?.stringValue.flatMap(Timestamp.instant) else { return nil }
        self.init(since: since, reason: row?["reason"]?.stringValue ?? "")
    }
}

extension Agent {
    fileprivate var stateName: String {
        if ticket == nil { return "idle" }
        if stopping { return "stopping" }
        return stale == nil ? "working" : "stale"
    }
}

extension Ticket {
    /// Its worktree has been put away.
    var isTidied: Bool {
        switch state {
        case .merged(_, let tidy), .cancelled(_, let tidy): tidy == .done
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman: false
        }
    }
}
