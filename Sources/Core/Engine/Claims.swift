// A diff that leaves the locks of its ticket, and what the policy makes of it. Under `claim` the ticket takes what it lacks.
// Where others hold that, it waits in the queue, at the verify stage, and keeps what it holds: the one kind of ticket that
// holds locks and waits for more, and the only one that can close a cycle of waits.

extension Orchestrator {
    enum LockVerdict {
        case mayGoOn
        case asksHuman(Problem)
        /// Others hold what it lacks.
        case waits([LockPattern], paths: [String], of: [LockHolder])
    }

    /// Tickets without locks are looked at when they land.
    mutating func lockVerdict(on ticket: Ticket, _ candidate: Candidate) -> LockVerdict {
        guard !ticket.locks.isEmpty, ticket.waivedHead != candidate.head else { return .mayGoOn }
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

    /// The tickets that a queued ticket which holds locks waits for; none where it holds no lock, or all. People are no
    /// part of a cycle: they wait for nothing.
    private func awaited(by id: TicketID) -> [TicketID] {
        guard let ticket = tickets[id], case .queued = ticket.state, fences[id] != nil else { return [] }
        return holders(of: lockedLater(ticket), in: ticket.repository, except: id).compactMap { holder in
            if case .ticket(let other) = holder { other } else { nil }
        }
    }

    /// Whether those it waits for wait, directly or through others, for what it holds.
    func closesCycle(_ id: TicketID) -> Bool {
        guard fences[id] != nil else { return false }
        var seen: Set<TicketID> = []
        var next = awaited(by: id)
        while let other = next.popLast() {
            if other == id { return true }
            if seen.insert(other).inserted { next += awaited(by: other) }
        }
        return false
    }

    /// A cycle of waits is for a human: everything in it would wait for ever.
    mutating func refuseCycle(_ id: TicketID) {
        guard case .queued(let stage) = tickets[id]!.state else { preconditionFailure("\(id) is not queued") }
        let wanted = lockedLater(tickets[id]!)
        let holders = awaited(by: id)
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
