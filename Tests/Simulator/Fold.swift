import Core

/// What is true, learnt from facts alone: as a store or a subscriber learns it.
struct Fold: Equatable {
    var tickets: [TicketID: Ticket] = [:]
    var repositories: [RepositoryID: Repository] = [:]
    var agents: [AgentID: Agent]
    var grants: [Int: Grant] = [:]
    /// Which runs were asked for, and which have ended.
    var runs: [RunID: Bool] = [:]
    /// What each run has used, and what was used on each day.
    var used: [RunID: Usage] = [:]
    var ledger: [UTCDay: Usage] = [:]
    /// How many facts went in: the sequence number of the last.
    var count = 0

    init(agents: [AgentID: Agent]) { self.agents = agents }

    /// Whether Core knows of the same tickets the same things, and of those it has forgotten how they ended.
    func agrees(with core: Orchestrator) -> Bool {
        core.settled.allSatisfy { id, end in tickets[id].map { $0.isSettled && $0.end == end } ?? false }
            && tickets.filter { core.settled[$0.key] == nil } == core.tickets
    }

    /// A daemon has started, and has these agents.
    mutating func open(agents: [AgentID: Agent]) { self.agents = agents }

    /// - Parameter mindingRuns: whether a run may start and end only in its order, and once.
    mutating func apply(_ fact: Fact, mindingRuns: Bool = true) throws(Violation) {
        count += 1
        for change in fact.changes.tickets {
            let id = try Self.identity(change, \.id)
            try require(tickets[id] == change.old, "I7: \(fact.event): \(id) was not as the change says")
            for (kind, count) in change.old?.failures ?? [:] {
                let new = change.new?.failures[kind, default: 0] ?? 0
                try require(new >= count, "I4: \(id) forgets that \(kind) has failed \(count) times")
            }
            let words = fact.event.ticket == id && fact.event.words != nil ? 1 : 0
            try require(
                change.new?.comments ?? 0 == (change.old?.comments ?? 0) + words,
                "I7: \(fact.event): \(id) has \(change.new?.comments ?? 0) comments"
            )
            tickets[id] = change.new
        }
        for change in fact.changes.repositories {
            let id = try Self.identity(change, \.id)
            try require(repositories[id] == change.old, "I7: \(fact.event): \(id) was not as the change says")
            repositories[id] = change.new
        }
        for change in fact.changes.agents {
            let id = try Self.identity(change, \.id)
            try require(agents[id] == change.old, "I7: \(fact.event): \(id) was not as the change says")
            agents[id] = change.new
        }
        for change in fact.changes.grants {
            let fence = try Self.identity(change, \.fence)
            try require(grants[fence] == change.old, "I7: \(fact.event): grant \(fence) was not as the change says")
            grants[fence] = change.new
        }
        for record in fact.changes.usage {
            used[record.run] = (used[record.run] ?? Usage()) + record.usage
            ledger[record.day] = (ledger[record.day] ?? Usage()) + record.usage
        }
        if case .runUsed(let run, let usage) = fact.event {
            try require(used[run] == usage, "I7: \(run) has used \(usage), and \(used[run] as Any) is counted")
            let ofTicket = used.filter { $0.key.ticket == run.ticket }.values.reduce(Usage(), +)
            try require(tickets[run.ticket]?.usage == ofTicket, "I7: \(run.ticket) is not the sum of its runs")
        }
        guard mindingRuns else { return }
        for run in fact.changes.runs { try apply(run) }
    }

    private mutating func apply(_ run: RunRecord) throws(Violation) {
        switch run {
        case .requested(let id, _, _, _, _):
            try require(runs[id] == nil, "I5: \(id) is asked for twice")
            runs[id] = false
        case .started(let id, _):
            try require(runs[id] == false, "I5: \(id) starts without being asked for, or after its end")
        case .ended(let id, _, _):
            try require(runs[id] == false, "I5: \(id) ends without being asked for, or twice")
            runs[id] = true
        }
    }

    private static func identity<Value, ID: Equatable>(
        _ change: Change<Value>,
        _ id: KeyPath<Value, ID>
    ) throws(Violation) -> ID {
        guard let value = change.new ?? change.old else { throw Violation("I7: a change from nothing to nothing") }
        try require(change.old == nil || change.old![keyPath: id] == value[keyPath: id], "I7: a change of identity")
        try require(change.old != change.new, "I7: a change that changes nothing: \(value)")
        return value[keyPath: id]
    }
}
