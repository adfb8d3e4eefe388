import Core
import IPC

extension Orchestrator {
    /// The ticket of that id, or the one the agent of that name works on.
    func ticket(named name: String) -> Ticket? {
        if let ticket = tickets[TicketID(name)] { return ticket }
        guard name.hasPrefix("agent-"), let number = Int(name.dropFirst(6)) else { return nil }
        return agents[AgentID(number)]?.ticket.flatMap { tickets[$0] }
    }

    func repository(at path: String) -> RepositoryID? { repositories.values.first { $0.path == path }?.id }
}

extension Engine.View {
    func ticket(named name: String) -> Ticket? { core.ticket(named: name) }

    /// The row, with the reason of a queued ticket computed.
    func row(_ ticket: Ticket) -> JSONObject {
        var row = rows.ticket(ticket, evidence: evidence[ticket.id])
        if let waiting = core.waiting(ticket.id) { row["reason"] = .string(waiting.sentence) }
        return row
    }

    func row(_ agent: Agent) -> JSONObject { rows.agent(agent, ticket: agent.ticket.flatMap { core.tickets[$0] }) }

    /// The row, with the run under way and when the lock is let go of as things stand.
    ///
    /// - Parameter heartbeat: when the present silence of a run would be its end.
    func row(_ grant: Grant, heartbeat: (RunID) -> Instant?) -> JSONObject {
        var row = rows.lock(grant)
        let run = core.tickets[grant.ticket]?.currentRun
        row["run"] = run.map { .string($0.description) }
        let expiry = core.lockExpiry(of: grant.ticket) ?? run.flatMap(heartbeat)
        row["expires"] = expiry.map { .string(Timestamp.text($0)) }
        return row
    }

    /// Every ticket, or every unfinished one, in the order of arrival.
    func tickets(all: Bool) -> [JSONObject] {
        core.tickets.values.filter { all || !$0.isFinal }.sorted { $0.serial < $1.serial }.map(row)
    }

    /// What the patches of every event so far come to, and why the queued wait.
    func snapshot(daemon: JSONObject) -> JSONValue {
        func section<Value>(_ values: some Sequence<Value>, _ row: (Value) -> (String, JSONObject)) -> JSONValue {
            .object(
                JSONObject(
                    values.map { value in
                        let (key, row) = row(value)
                        return (key, JSONValue.object(row))
                    }
                )
            )
        }
        var picture = JSONObject()
        picture["daemon"] = .object(rows.daemon(daemon, isDiskFull: core.isDiskFull))
        let sections: [(String, JSONValue, Bool)] = [
            (
                "repositories",
                section(core.repositories.values.sorted { $0.id < $1.id }) { ($0.id.text, rows.repository($0)) },
                core.repositories.isEmpty
            ),
            ("agents", section(core.agents.values.sorted { $0.id < $1.id }) { ($0.id.description, row($0)) }, false),
            (
                "locks",
                section(core.grants.values.sorted { $0.fence < $1.fence }) { (String($0.fence), rows.lock($0)) },
                // Once there was a lock, its patches leave an empty object behind.
                core.counters.fence == 0
            ),
            (
                "tickets",
                section(core.tickets.values.sorted { $0.serial < $1.serial }) {
                    ($0.id.text, rows.ticket($0, evidence: evidence[$0.id]))
                }, core.tickets.isEmpty
            ),
        ]
        for (key, value, isAbsent) in sections where !isAbsent { picture[key] = value }
        let waiting = core.waitingSentences(limit: Engine.publishedReasons)
        return [
            "seq": JSONValue(seq), "picture": .object(picture),
            "waiting": .object(JSONObject(waiting.sorted { $0.key < $1.key }.map { ($0, .string($1)) })),
        ]
    }
}
