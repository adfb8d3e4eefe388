// How a ticket gets from one state to the next, and what it takes up and lets go of on the way. Every change of state
// goes through `enter`, which derives what the ticket occupies from its state, before and after: no transition can
// forget a slot, a lock or a place in a queue.

extension Orchestrator {
    /// Puts the ticket into `state`. What the old state occupied and the new one does not is free afterwards.
    mutating func enter(_ id: TicketID, _ state: TicketState) {
        let old = tickets[id]!
        let now = now
        change(id) { ticket in
            ticket.state = state
            if !old.state.isSameKind(as: state) { ticket.since = now }
        }
        if tickets[id]!.workingRun == nil || tickets[id]!.workingRun != old.workingRun { endDealings(id) }
        let new = tickets[id]!
        moveAgent(id, from: old.agent, to: new.agent)
        markAgent(new)
        moveInLandingQueue(id, from: old.state.isInLandingQueue, to: state.isInLandingQueue, in: old.repository)
        moveSlot(id, from: old.trial, to: new.trial, in: old.repository)
        moveInScheduler(old: old, new: new)
        if case .landing(let landing) = state, case .blocked = landing.step {
            blockedLandings.insert(id)
        } else {
            blockedLandings.remove(id)
            retries[id] = nil
        }
        if new.trial != .building {
            tipWhenAsked[id] = nil
        } else if old.trial != .building {
            tipWhenAsked[id] = repositories[new.repository]!.tip
        }
        markReviewHold(new)
        journal.entered(new)
        if case .landing(let landing) = state, case .waitingForPaths = landing.step {
            waitingForPaths.insert(id)
        } else {
            waitingForPaths.remove(id)
        }
    }

    private mutating func moveAgent(_ id: TicketID, from old: AgentID?, to new: AgentID?) {
        guard old != new else { return }
        let now = now
        if old != nil { count(tickets[id]!, by: -1) }
        if new != nil { count(tickets[id]!, by: 1) }
        if let old {
            change(old) { agent in
                agent.ticket = nil
                agent.stopping = false
                agent.stale = nil
                agent.since = now
            }
            if old.number <= limits.agents {
                freeAgents.append(old)
                freeAgents.sort(by: >)
            } else {
                // There were more agents before the last restart: this one was kept for as long as it worked.
                agents[old] = nil
            }
        }
        if let new {
            change(new) { agent in
                agent.ticket = id
                agent.since = now
            }
            freeAgents.removeAll { $0 == new }
        }
    }

    private mutating func markAgent(_ ticket: Ticket) {
        guard let id = ticket.agent else { return }
        var agent = agents[id]!
        agent.stopping = ticket.halt != nil
        agent.stale = ticket.stale
        if agent != agents[id] { change(id) { $0 = agent } }
    }

    private mutating func moveInLandingQueue(_ id: TicketID, from: Bool, to: Bool, in repository: RepositoryID) {
        guard from != to else { return }
        let last = repositories[repository]!.landingQueue.last.flatMap { tickets[$0]!.landingPlace }
        change(id) { $0.landingPlace = to ? (last ?? 0) + 1 : nil }
        change(repository) { repository in
            if to { repository.landingQueue.append(id) } else { repository.landingQueue.removeAll { $0 == id } }
        }
    }

    private mutating func moveSlot(_ id: TicketID, from old: Trial?, to new: Trial?, in repository: RepositoryID) {
        let waited = old?.isWaitingForSlot ?? false
        let waits = new?.isWaitingForSlot ?? false
        let leaks = isPlanted(.slotLeaked)
        guard old?.slot != new?.slot || waited != waits else { return }
        change(repository) { repository in
            if let slot = old?.slot, slot != new?.slot, !leaks { repository.verifying[slot] = nil }
            if let slot = new?.slot { repository.verifying[slot] = id }
            if waited, !waits { repository.waitingToVerify.removeAll { $0 == id } }
            if waits, !waited { repository.waitingToVerify.append(id) }
        }
    }

    private mutating func moveInScheduler(old: Ticket, new: Ticket) {
        switch (old.state, new.state) {
        case (.queued, .queued): break
        case (_, .queued): enqueueInScheduler(new)
        case (.queued, _): dropFromScheduler(new.id)
        default: break
        }
    }

    /// Lets go of every lock of a ticket, and of those who waited for it.
    mutating func releaseLocks(of id: TicketID) {
        let repository = tickets[id]!.repository
        for fence in fences.removeValue(forKey: id) ?? [] {
            if let grant = grants.removeValue(forKey: fence) { journal.released(grant) }
        }
        held[repository]?.remove(.ticket(id))
        reviewHolds.remove(id)
        wake(waitingFor: .ticket(id))
    }

    /// Those who waited for what the holder has let go of are looked at again.
    mutating func wake(waitingFor holder: LockHolder) {
        scheduler.wake(blockedBy: holder)
        for waiting in waitingForPaths.sorted() {
            guard case .landing(var landing) = tickets[waiting]?.state,
                case .waitingForPaths(let candidate, let holders) = landing.step, holders.contains(holder)
            else { continue }
            landing.step = .waiting(candidate)
            enter(waiting, .landing(landing))
        }
    }

    /// A new run's number, recorded as asked for.
    ///
    /// - Parameter candidate: what it judges.
    mutating func newRun(of id: TicketID, name: String, stage: String, judging candidate: Candidate? = nil) -> Int {
        change(id) { $0.lastRun += 1 }
        let run = RunID(ticket: id, number: tickets[id]!.lastRun)
        journal.record(.requested(run, name: name, stage: stage, tree: candidate?.tree, commit: candidate?.commit))
        return run.number
    }
}

extension Trial {
    package var isWaitingForSlot: Bool {
        guard case .waitingForSlot = self else { return false }
        return true
    }
}

extension TicketState {
    /// Approved, and neither set aside nor elsewhere.
    package var isInLandingQueue: Bool {
        guard case .landing(let landing) = self else { return false }
        switch landing.step {
        case .waitingForPaths, .blocked: return false
        case .waiting, .trying, .advancing: return true
        }
    }

    /// The word of the wire: `queued`, `running`, …
    public var name: String {
        switch self {
        case .queued: "queued"
        case .running: "running"
        case .stopped: "stopped"
        case .awaitingApproval: "awaiting_approval"
        case .landing: "landing"
        case .needsHuman: "needs_human_review"
        case .merged: "merged"
        case .cancelled: "cancelled"
        }
    }

    func isSameKind(as other: Self) -> Bool { name == other.name }
}
