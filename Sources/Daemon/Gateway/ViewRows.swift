import Core
import IPC

extension Orchestrator {
    /// The ticket of that id, or the one the agent of that name works on.
    func ticketID(named name: String) -> TicketID? {
        if knows(TicketID(name)) { return TicketID(name) }
        guard name.hasPrefix("agent-"), let number = Int(name.dropFirst(6)) else { return nil }
        return agents[AgentID(number)]?.ticket
    }

    func repository(at path: String) -> RepositoryID? { repositories.values.first { $0.path == path }?.id }
}

extension Engine.View {
    /// The row, with the reason of a queued ticket computed.
    func row(_ ticket: Ticket) -> JSONObject {
        row(Store.StoredTicket(ticket: ticket, evidence: evidence[ticket.id] ?? ""))
    }

    func row(_ agent: Agent) -> JSONObject { rows.agent(agent, ticket: agent.ticket.flatMap { core.tickets[$0] }) }

    /// The row, with the run under way, when that last printed something, and what it does as far as it says.
    func row(_ agent: Agent, lastOutput: (RunID) -> Instant?, activity: (RunID) -> JSONObject?) -> JSONObject {
        var row = row(agent)
        guard let run = agent.ticket.flatMap({ core.tickets[$0]?.currentRun }) else { return row }
        row["run"] = .string(run.description)
        row["last_output"] = lastOutput(run).map { .string(Timestamp.text($0)) }
        row["activity"] = activity(run).map(JSONValue.object)
        return row
    }

    /// The row, with the run under way and when the lock is let go of as things stand.
    ///
    /// - Parameter heartbeat: when the present silence of a run would be its end.
    func row(_ grant: Grant, heartbeat: (RunID) -> Instant?) -> JSONObject {
        var row = rows.lock(grant)
        let run = grant.ticket.flatMap { core.tickets[$0]?.currentRun }
        row["run"] = run.map { .string($0.description) }
        let expiry =
            grant.ticket.flatMap(core.lockExpiry) ?? run.flatMap(heartbeat) ?? core.personalLockEnd(grant.fence)
        row["expires"] = expiry.map { .string(Timestamp.text($0)) }
        return row
    }

    /// The rows of every ticket, or of every unfinished one, in the order of arrival.
    func tickets(all: Bool, from store: Store) throws -> [JSONObject] {
        guard all else {
            return core.tickets.values.filter { !$0.isFinal }.sorted { $0.serial < $1.serial }.map(row)
        }
        return try allTickets(from: store).map(row)
    }

    /// A row of `allTickets`.
    func row(_ stored: Store.StoredTicket) -> JSONObject {
        var row = rows.ticket(stored.ticket, evidence: stored.evidence)
        if let waiting = core.waiting(stored.ticket.id) { row["reason"] = .string(waiting.sentence) }
        return row
    }

    /// What the patches of every event so far come to, and why the queued wait.
    func snapshot(daemon: JSONObject, from store: Store) throws -> JSONValue {
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
        picture["daemon"] = .object(rows.daemon(daemon, core))
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
                section(try allTickets(from: store)) {
                    ($0.ticket.id.text, rows.ticket($0.ticket, evidence: $0.evidence))
                }, core.tickets.isEmpty && core.settled.isEmpty
            ),
        ]
        for (key, value, isAbsent) in sections where !isAbsent { picture[key] = value }
        let waiting = core.waitingSentences(limit: Engine.publishedReasons)
        var result: JSONObject = [
            "seq": JSONValue(seq), "picture": .object(picture),
            "waiting": .object(JSONObject(waiting.sorted { $0.key < $1.key }.map { ($0, .string($1)) })),
        ]
        result["shortage"] = core.shortage.map { .string($0.sentence) }
        result["trouble"] = trouble.map(JSONValue.string)
        return .object(result)
    }
}
