/// Everything that has to be stored for orch to go on where it was. All else is derived from it.
public struct StoredState: Equatable, Sendable {
    public var tickets: [Ticket]
    /// How those ended of which no more is needed.
    public var settled: [TicketID: End]
    public var repositories: [Repository]
    public var grants: [Grant]
    public var counters: Orchestrator.Counters
    /// When each agent took up, or let go of, a ticket. An agent that is missing has never worked.
    public var agentsSince: [AgentID: Instant]
    /// That everything is halted.
    public var standstill: Standstill?
    /// What was used on each day.
    public var ledger: [UTCDay: Usage]

    public init(
        tickets: [Ticket] = [],
        settled: [TicketID: End] = [:],
        repositories: [Repository] = [],
        grants: [Grant] = [],
        counters: Orchestrator.Counters = .init(),
        agentsSince: [AgentID: Instant] = [:],
        standstill: Standstill? = nil,
        ledger: [UTCDay: Usage] = [:]
    ) {
        self.tickets = tickets
        self.settled = settled
        self.repositories = repositories
        self.grants = grants
        self.counters = counters
        self.agentsSince = agentsSince
        self.standstill = standstill
        self.ledger = ledger
    }
}

extension Orchestrator {
    /// Goes on from what was stored. Nothing is under way yet: `recover` says what has to be asked again.
    ///
    /// The limits may be others than before. A ticket that works on an agent beyond them keeps it until it lets go.
    public init(limits: Limits, restoring stored: StoredState, at now: Instant = Instant(milliseconds: 0)) {
        self.init(limits: limits, at: now)
        counters = stored.counters
        repositories = Dictionary(uniqueKeysWithValues: stored.repositories.map { ($0.id, $0) })
        tickets = Dictionary(uniqueKeysWithValues: stored.tickets.map { ($0.id, $0) })
        settled = stored.settled
        standstill = stored.standstill
        ledger = stored.ledger
        spent = Spent(ledger, on: UTCDay(now))
        restoreAgents(stored.agentsSince)
        restoreGrants(stored.grants)
        restoreQueues()
    }

    /// What `init(limits:restoring:)` needs to make this again.
    public var stored: StoredState {
        StoredState(
            tickets: tickets.values.sorted { $0.serial < $1.serial },
            settled: settled,
            repositories: repositories.values.sorted { $0.id < $1.id },
            grants: grants.values.sorted { $0.fence < $1.fence },
            counters: counters,
            agentsSince: agents.mapValues(\.since),
            standstill: standstill,
            ledger: ledger
        )
    }

    private mutating func restoreAgents(_ since: [AgentID: Instant]) {
        for (id, since) in since where agents[id] != nil { agents[id]!.since = since }
        for ticket in tickets.values {
            guard let id = ticket.agent else { continue }
            agents[id] = Agent(
                id: id,
                ticket: ticket.id,
                since: since[id] ?? ticket.since,
                stopping: ticket.halt != nil,
                stale: ticket.stale
            )
        }
        for ticket in tickets.values where ticket.agent != nil { count(ticket, by: 1) }
        freeAgents = agents.values.filter { $0.ticket == nil }.map(\.id).sorted(by: >)
    }

    private mutating func restoreGrants(_ stored: [Grant]) {
        for grant in stored.sorted(by: { $0.fence < $1.fence }) {
            guard let ticket = grant.ticket else {
                keep(grant)
                continue
            }
            grants[grant.fence] = grant
            fences[ticket, default: []].append(grant.fence)
            held[grant.repository, default: LockIndex()].insert(grant.pattern, owner: .ticket(ticket))
        }
    }

    private mutating func restoreQueues() {
        for ticket in tickets.values where ticket.dealings != nil { followWaits(of: ticket.id, since: nil) }
        for ticket in tickets.values {
            switch ticket.state {
            case .queued:
                enqueueInScheduler(ticket)
            case .landing(let landing):
                if case .waitingForPaths = landing.step { waitingForPaths.insert(ticket.id) }
                if case .blocked = landing.step { blockedLandings.insert(ticket.id) }
                if ticket.trial == .building { tipWhenAsked[ticket.id] = repositories[ticket.repository]!.tip }
            case .running:
                if ticket.trial == .building { tipWhenAsked[ticket.id] = repositories[ticket.repository]!.tip }
            case .needsHuman:
                markReviewHold(ticket)
            case .stopped, .awaitingApproval, .merged, .cancelled:
                break
            }
        }
    }
}
