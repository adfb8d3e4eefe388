// Which ticket starts next, and why the others wait.

/// Why a queued ticket has not started: computed from the facts whenever somebody asks.
public enum Waiting: Equatable, Sendable {
    case draining
    /// There is no room on the disk that holds the state.
    case diskFull
    /// Everything is halted, for this reason or none.
    case halted(reason: String)
    /// The machine is short of something.
    case shortage(Shortage)
    case dependencies([TicketID])
    /// A lock of `holder` conflicts.
    case lock(LockPattern, holder: TicketID)
    /// `behind` waits too, comes first, and reserves a lock that conflicts.
    case reservation(LockPattern, behind: TicketID)
    /// A person's lock conflicts.
    case person(LockPattern, Grant.Person)
    case agent(busy: Int)
    /// As many agents work for it as may.
    case quota(Quota, limit: Int)
    /// What may be used today, or this month, is used up or set aside.
    case budget(BudgetShortfall)
}

extension Orchestrator {
    /// Starts what can be started. A ticket starts when its dependencies have landed, its locks are free, nobody
    /// ahead of it has reserved them, an agent slot is free, of its profile and of its repository too, and the machine has
    /// room for it. While everything is halted or the disk is full nothing is started: no ticket, no verification and no
    /// landing, each of which would fail half done on a full disk.
    mutating func schedule() {
        renewSpending()
        guard !isDiskFull || isPlanted(.startsOnAFullDisk), standstill == nil || isPlanted(.startsWhileHalted) else {
            return
        }
        for repository in repositories.keys.sorted() {
            assignSlots(repository)
            advanceQueue(repository)
        }
        guard !isDraining else { return }
        while let agent = freeAgents.last, let id = nextInScheduler() {
            switch blocker(of: id) {
            case .lock where closesCycle(id): refuseCycle(id)
            case .lock(_, let holder)?: scheduler.block(groupOf: id, by: holder)
            case .reservation(_, let first)?: scheduler.block(groupOf: id, behind: first)
            case .quota(let quota, _)?: scheduler.block(groupOf: id, over: quota)
            case .budget?: scheduler.block(groupOf: id, over: .budget(profile: tickets[id]!.profile))
            case nil:
                if tickets[id]!.startsAgent, let problem = ownOverrun(of: id) {
                    askHuman(id, .budget(problem), resume: .work)
                    continue
                }
                guard machineHasRoom() else { return }
                start(id, agent)
            }
        }
        // Nothing waits for the machine.
        shortSince = nil
    }

    private enum Blocker {
        case lock(LockPattern, holder: LockHolder)
        case reservation(LockPattern, behind: TicketID)
        case quota(Quota, limit: Int)
        case budget(BudgetShortfall)
    }

    private func blocker(of id: TicketID) -> Blocker? {
        let ticket = tickets[id]!
        return lockBlocker(of: id) ?? fullQuota(for: ticket).map { .quota($0.quota, limit: $0.limit) }
            ?? (ticket.startsAgent ? shortfall(for: ticket.profile).map(Blocker.budget) : nil)
    }

    private func lockBlocker(of id: TicketID) -> Blocker? {
        let ticket = tickets[id]!
        let wanted = lockedLater(ticket)
        guard !wanted.isEmpty else { return nil }
        if let conflict = held[ticket.repository]?.firstConflict(with: wanted, excluding: .ticket(id)) {
            return .lock(conflict.held, holder: conflict.owner)
        }
        // One that holds locks does not wait behind another, which may wait for just these.
        guard fences[id] == nil, !isPlanted(.starvation), let first = scheduler.reserver(in: ticket.repository),
            let place = scheduler.place(of: id), first < place
        else { return nil }
        let reserved = lockedLater(tickets[first.ticket]!).first { mine in
            wanted.contains { $0.conflicts(with: mine) }
        }
        if let reserved { return .reservation(reserved, behind: first.ticket) }
        return nil
    }

    private mutating func start(_ id: TicketID, _ agent: AgentID) {
        guard case .queued(let stage) = tickets[id]!.state else { preconditionFailure("\(id) is not queued") }
        takeLocks(of: id)
        let limits = limits
        change(id) { ticket in
            guard ticket.worktree == nil else { return }
            let branch = BranchName.branch(
                prefix: limits.branchPrefix,
                agent: agent,
                ticket: ticket.id,
                title: ticket.title
            )
            ticket.worktree = Ticket.Worktree(name: "w\(ticket.serial)", branch: branch, base: nil, isSetUp: false)
        }
        enter(id, .running(Running(agent: agent, step: .preparing(then: stage))))
        emit(.ticketStarted(id, agent, stage, shortSince: shortSince))
        shortSince = nil
    }

    /// All it lacks at once: whoever calls has made sure that they are free.
    mutating func takeLocks(of id: TicketID) {
        let ticket = tickets[id]!
        let wanted = lockedLater(ticket)
        guard !wanted.isEmpty else { return }
        var numbers = fences[id] ?? []
        for pattern in wanted {
            counters.fence += 1
            let grant = Grant(
                fence: counters.fence,
                pattern: pattern,
                repository: ticket.repository,
                ticket: id,
                since: now
            )
            grants[grant.fence] = grant
            numbers.append(grant.fence)
            held[ticket.repository, default: LockIndex()].insert(pattern, owner: .ticket(id))
            journal.granted(grant)
        }
        fences[id] = numbers
    }

    mutating func enqueueInScheduler(_ ticket: Ticket) {
        queuedTickets.insert(ticket.id)
        let missing = Set(ticket.dependsOn.filter { !hasLanded($0) })
        guard missing.isEmpty || isPlanted(.dependenciesIgnored) else {
            unmet[ticket.id] = missing
            for dependency in missing { dependants[dependency, default: []].insert(ticket.id) }
            return
        }
        insertInScheduler(ticket)
    }

    private mutating func insertInScheduler(_ ticket: Ticket) {
        // One that holds its locks already is blocked by nobody, whatever it asks for.
        let wanted = lockedLater(ticket)
        scheduler.insert(
            Scheduler.Place(priority: ticket.priority, serial: ticket.serial, ticket: ticket.id),
            repository: ticket.repository,
            profile: ticket.profile,
            startsAgent: ticket.startsAgent,
            locks: wanted,
            isAlone: fences[ticket.id] != nil && !wanted.isEmpty
        )
    }

    mutating func dropFromScheduler(_ id: TicketID) {
        queuedTickets.remove(id)
        scheduler.remove(id)
        for dependency in unmet.removeValue(forKey: id) ?? [] {
            dependants[dependency]?.remove(id)
            if dependants[dependency]?.isEmpty == true { dependants[dependency] = nil }
        }
    }

    func hasLanded(_ id: TicketID) -> Bool { end(of: id) == .merged }

    /// A dependency has landed: those it was the last one for may start.
    mutating func dependencyLanded(_ id: TicketID) {
        for dependant in (dependants.removeValue(forKey: id) ?? []).sorted() {
            unmet[dependant]?.remove(id)
            guard unmet[dependant]?.isEmpty == true else { continue }
            unmet[dependant] = nil
            insertInScheduler(tickets[dependant]!)
        }
    }

    /// A dependency will never land: a human has to say what becomes of those that wait for it.
    mutating func dependencyCancelled(_ id: TicketID) {
        for dependant in (dependants[id] ?? []).sorted() {
            askHuman(dependant, .dependency(id, .cancelled), resume: .work)
        }
    }

    /// Why the queued ticket waits, as things stand; and that everything is halted, of one in the landing queue.
    public func waiting(_ id: TicketID) -> Waiting? {
        guard let ticket = tickets[id] else { return nil }
        if let standstill, ticket.waitsInLandingQueue { return .halted(reason: standstill.reason) }
        guard case .queued = ticket.state else { return nil }
        if isDraining { return .draining }
        if let standstill { return .halted(reason: standstill.reason) }
        if isDiskFull { return .diskFull }
        if let missing = unmet[id] { return .dependencies(missing.sorted()) }
        switch blocker(of: id) {
        case .lock(let pattern, .ticket(let holder))?: return .lock(pattern, holder: holder)
        case .lock(let pattern, .person(let name))?:
            let grant = personalGrant(pattern, of: name, in: ticket.repository)
            guard let person = grant?.person else { preconditionFailure("\(name) does not hold \(pattern)") }
            return .person(pattern, person)
        case .reservation(let pattern, let behind)?: return .reservation(pattern, behind: behind)
        case .quota(let quota, let limit)?: return .quota(quota, limit: limit)
        case .budget(let shortfall)?: return .budget(shortfall)
        case nil:
            if !freeAgents.isEmpty, case .short(let shortage, _) = measure { return .shortage(shortage) }
            return .agent(busy: agents.count - freeAgents.count)
        }
    }
}

extension Ticket {
    /// Whether an agent is to work on it next: what has only to be verified costs nothing.
    fileprivate var startsAgent: Bool { state == .queued(resume: .work) }

    fileprivate var waitsInLandingQueue: Bool {
        guard case .landing(let landing) = state, landing.halt == nil, case .waiting = landing.step else {
            return false
        }
        return true
    }
}
