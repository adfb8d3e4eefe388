/// What one input has changed so far: the values as they were at the last fact, and as they were at the start.
struct Journal: Sendable {
    var facts: [Fact] = []
    /// As they were when the last fact was emitted; the order says who was touched first.
    private var ticketsBefore: [(id: TicketID, old: Ticket?)] = []
    private var touchedTickets: Set<TicketID> = []
    private var repositoriesBefore: [RepositoryID: Repository?] = [:]
    private var agentsBefore: [AgentID: Agent] = [:]
    private var grantChanges: [Change<Grant>] = []
    private var runs: [RunRecord] = []
    private var passes: [Pass] = []
    private var usage: [UsageRecord] = []
    private var spentBefore: Spent?
    /// In the order they were touched.
    private var touched: [TicketID] = []
    /// What was under way for them when the input came, and has been ever since.
    private var underWay: [TicketID: [Effect]] = [:]

    mutating func touch(_ id: TicketID, _ old: Ticket?) {
        if touchedTickets.insert(id).inserted { ticketsBefore.append((id, old)) }
        guard underWay[id] == nil else { return }
        touched.append(id)
        underWay[id] = old?.pendingEffects ?? []
    }
    /// A state that is left and entered again asks anew for what it needs.
    mutating func entered(_ ticket: Ticket) {
        guard let before = underWay[ticket.id], !before.isEmpty else { return }
        let after = ticket.pendingEffects
        underWay[ticket.id] = before.filter { after.contains($0) }
    }
    /// What has been entered so far is asked for by whoever calls this.
    mutating func forgetEffects() {
        touched = []
        underWay = [:]
    }
    mutating func touch(_ id: RepositoryID, _ old: Repository?) {
        if repositoriesBefore[id] == nil { repositoriesBefore[id] = .some(old) }
    }
    mutating func touch(_ id: AgentID, _ old: Agent) {
        if agentsBefore[id] == nil { agentsBefore[id] = old }
    }
    mutating func granted(_ grant: Grant) { grantChanges.append(Change(old: nil, new: grant)) }
    mutating func released(_ grant: Grant) { grantChanges.append(Change(old: grant, new: nil)) }
    mutating func record(_ run: RunRecord) { runs.append(run) }
    mutating func record(_ pass: Pass) { passes.append(pass) }
    mutating func record(_ used: UsageRecord) { usage.append(used) }
    mutating func touch(_ old: Spent) { spentBefore = spentBefore ?? old }

    var hasLeftovers: Bool {
        !ticketsBefore.isEmpty || !repositoriesBefore.isEmpty || !agentsBefore.isEmpty || !grantChanges.isEmpty
            || !runs.isEmpty || !passes.isEmpty || !usage.isEmpty || spentBefore != nil
    }
    /// A ticket to name the leftovers by.
    var firstTouched: TicketID? { ticketsBefore.first?.id }

    /// Closes a fact over everything that changed since the last one.
    mutating func emit(
        _ event: Event,
        tickets: [TicketID: Ticket],
        repositories: [RepositoryID: Repository],
        agents: [AgentID: Agent],
        spent: Spent
    ) {
        var changes = Changes()
        changes.tickets = ticketsBefore.compactMap { id, old in
            old == tickets[id] ? nil : Change(old: old, new: tickets[id])
        }
        changes.repositories = repositoriesBefore.sorted { $0.key < $1.key }.compactMap { id, old in
            old == repositories[id] ? nil : Change(old: old, new: repositories[id])
        }
        changes.agents = agentsBefore.sorted { $0.key < $1.key }.compactMap { id, old in
            old == agents[id] ? nil : Change(old: old, new: agents[id])
        }
        changes.grants = grantChanges
        changes.runs = runs
        changes.passes = passes
        changes.usage = usage
        changes.spent = spentBefore.map { Change(old: $0, new: spent) }
        facts.append(Fact(event: event, changes: changes))
        ticketsBefore = []
        touchedTickets = []
        repositoriesBefore = [:]
        agentsBefore = [:]
        grantChanges = []
        runs = []
        passes = []
        usage = []
        spentBefore = nil
    }

    private var asked: [Effect] = []
    /// Asks again for an effect of a state that stays as it is.
    mutating func ask(_ effect: Effect) { asked.append(effect) }

    private(set) var pushes: [PushOrder] = []
    mutating func ask(_ push: PushOrder) { pushes.append(push) }

    /// What the states entered ask for, less what was already under way.
    func effects(now tickets: [TicketID: Ticket]) -> [Effect] {
        asked
            + touched.flatMap { id -> [Effect] in
                guard let after = tickets[id]?.pendingEffects, !after.isEmpty else { return [] }
                let before = underWay[id] ?? []
                return before.isEmpty ? after : after.filter { !before.contains($0) }
            }
    }
}

extension Orchestrator {
    /// Changes a ticket in place, remembering what it was.
    mutating func change(_ id: TicketID, _ body: (inout Ticket) -> Void) {
        guard let old = tickets[id] else { preconditionFailure("no ticket \(id)") }
        journal.touch(id, old)
        body(&tickets[id]!)
    }

    mutating func change(_ id: RepositoryID, _ body: (inout Repository) -> Void) {
        guard let old = repositories[id] else { preconditionFailure("no repository \(id)") }
        journal.touch(id, old)
        body(&repositories[id]!)
    }

    mutating func change(_ id: AgentID, _ body: (inout Agent) -> Void) {
        guard let old = agents[id] else { preconditionFailure("no agent \(id)") }
        journal.touch(id, old)
        body(&agents[id]!)
    }

    mutating func emit(_ event: Event) {
        if event.words != nil, let id = event.ticket { change(id) { $0.comments = ($0.comments ?? 0) + 1 } }
        journal.emit(event, tickets: tickets, repositories: repositories, agents: agents, spent: spent)
    }

    /// Nothing that changed goes untold.
    mutating func emitLeftovers() {
        guard journal.hasLeftovers else { return }
        guard let ticket = journal.firstTouched else { preconditionFailure("something changed that no event tells of") }
        emit(.ticketChanged(ticket))
    }
}
