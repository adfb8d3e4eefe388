// A diff that leaves the locks of its ticket, and what the policy makes of it. Under `claim` the ticket takes what it lacks.
// Where others hold that, it waits in the queue, at the verify stage, and keeps what it holds: one of the kinds of
// ticket that hold locks and wait for more, and so can close a cycle of waits; the others are in `WorkClaims.swift`.

extension Orchestrator {
    enum LockVerdict {
        case mayGoOn
        case asksHuman(Problem)
        /// Others hold what it lacks.
        case waits([LockPattern], paths: [String], of: [LockHolder])
    }

    /// Tickets without locks of their own are looked at when they land.
    mutating func lockVerdict(on ticket: Ticket, _ candidate: Candidate) -> LockVerdict {
        guard ticket.isBounded, ticket.waivedHead != candidate.head else { return .mayGoOn }
        let outside = candidate.paths.filter { path in !ticket.locks.contains { $0.covers(path: path) } }
        guard !outside.isEmpty else { return .mayGoOn }
        switch candidate.rules.policy.lockViolation {
        case .block: return .asksHuman(.lockViolation(paths: outside, candidate))
        case .warn:
            emit(.lockViolationAllowed(ticket.id, paths: outside))
            return .mayGoOn
        case .claim:
            // What nobody may be told cannot be locked, nor can a path that no pattern can spell.
            guard !outside.contains(where: SecretMark.isIn), let patterns = try? outside.map(LockPattern.init(path:))
            else {
                return .asksHuman(.lockViolation(paths: outside, candidate))
            }
            let holders = holders(of: patterns, in: ticket.repository, except: ticket.id)
            guard holders.isEmpty || isPlanted(.heldPathsClaimed) else {
                return .waits(patterns, paths: outside, of: holders)
            }
            change(ticket.id) { $0.locks += patterns }
            takeLocks(of: ticket.id)
            emit(.locksClaimed(ticket.id, paths: outside))
            return .mayGoOn
        }
    }

    /// It lets go of its agent, or of its place in the landing queue, and of no lock: whoever holds what it lacks may need
    /// the agent to get on.
    mutating func awaitClaim(_ id: TicketID, _ patterns: [LockPattern], paths: [String], of holders: [LockHolder]) {
        change(id) { $0.locks += patterns }
        enter(id, .queued(resume: .verify))
        emit(.claimWaited(id, paths: paths, of: holders))
    }

    /// What it asks for and does not hold.
    package func lockedLater(_ ticket: Ticket) -> [LockPattern] {
        guard let fences = fences[ticket.id] else { return ticket.locks }
        // Most hold all they ask for.
        guard fences.count < ticket.locks.count else { return [] }
        let held = Set(fences.map { grants[$0]!.pattern })
        return ticket.locks.filter { !held.contains($0) }
    }

    /// Whoever holds what conflicts with one of the patterns.
    func holders(of patterns: [LockPattern], in repository: RepositoryID, except id: TicketID) -> [LockHolder] {
        (held[repository]?.owners(conflictingWith: patterns) ?? []).filter { $0 != .ticket(id) }.sorted()
    }

    /// The tickets that a ticket which holds locks, and is not at work, waits for: one that is queued without all it asks
    /// for, or whose landing waits for others' paths. People are no part of a cycle: they wait for nothing.
    func ticketsAwaited(by id: TicketID) -> [TicketID] {
        guard let ticket = tickets[id], fences[id] != nil else { return [] }
        switch ticket.state {
        case .queued:
            return holders(of: lockedLater(ticket), in: ticket.repository, except: id).compactMap(\.asTicket)
        case .landing(let landing):
            guard case .waitingForPaths(let candidate, _) = landing.step else { return [] }
            return holders(of: candidate.paths, in: ticket.repository, except: id).compactMap(\.asTicket)
        case .running, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled: return []
        }
    }

    /// Whether those it waits for wait, directly or through others, for what it holds.
    func closesCycle(_ id: TicketID) -> Bool { closesCycle(id, waitingFor: ticketsAwaited(by: id)) }

    func closesCycle(_ id: TicketID, waitingFor others: [TicketID]) -> Bool {
        guard fences[id] != nil else { return false }
        var seen: Set<TicketID> = []
        var next = others
        while let other = next.popLast() {
            if other == id { return true }
            if seen.insert(other).inserted { next += ticketsAwaited(by: other) }
        }
        return false
    }

    /// A cycle of waits is for a human: everything in it would wait for ever.
    mutating func refuseCycle(_ id: TicketID) {
        guard case .queued(let stage) = tickets[id]!.state else { preconditionFailure("\(id) is not queued") }
        let wanted = lockedLater(tickets[id]!)
        let holders = ticketsAwaited(by: id)
        askHuman(id, .lockCycle(wanted: wanted, holders: holders), resume: stage)
    }

    /// The agent is to do something else: what it claimed before and was not given is not asked for any more.
    mutating func forgetClaims(of id: TicketID) {
        guard fences[id] != nil else { return }
        let missing = Set(lockedLater(tickets[id]!))
        guard !missing.isEmpty else { return }
        change(id) { ticket in ticket.locks.removeAll { missing.contains($0) } }
    }
}
