@testable import Core

// What is always true (docs/architecture.md), asked of a shell between two turns.

extension SimulatedShell {
    mutating func check(thoroughly: Bool) throws(Violation) {
        try checkStored()
        try checkLocks()
        try checkOwners()
        try checkEffects()
        try checkQueues()
        for decided in decided { try checkOrder(decided) }
        if decided.last?.decision.refusal == nil { try checkNobodyIdles() }
        try checkSeen(thoroughly: thoroughly)
        if thoroughly { try checkIndexes() }
    }

    // MARK: I7

    private func checkStored() throws(Violation) {
        try require(stored.tickets == core.tickets, "tickets folded from facts differ from what is")
        try require(stored.repositories == core.repositories, "repositories folded from facts differ from what is")
        try require(stored.agents == core.agents, "agents folded from facts differ from what is")
        try require(stored.grants == core.grants, "grants folded from facts differ from what is")
        for last in decided where last.decision.refusal != nil {
            try require(last.decision.facts.isEmpty && last.decision.effects.isEmpty, "a refusal has consequences")
            guard decided.count == 1, let before = last.before else { continue }
            try require(before.stored == core.stored, "a refusal changed something")
        }
    }

    private mutating func checkSeen(thoroughly: Bool) throws(Violation) {
        try require(seen.count <= facts.count, "a subscriber was told what never happened")
        guard thoroughly else { return }
        let new = seenAndChecked..<seen.count
        try require(seen[new] == facts[new], "a subscriber was told what did not happen")
        seenAndChecked = seen.count
    }

    // MARK: I1

    private func checkLocks() throws(Violation) {
        let grants = core.grants.values.sorted { $0.fence < $1.fence }
        for (index, a) in grants.enumerated() {
            for b in grants.dropFirst(index + 1) where a.ticket != b.ticket && a.repository == b.repository {
                try require(!a.pattern.conflicts(with: b.pattern), "I1: \(a.ticket) and \(b.ticket) hold \(a.pattern)")
            }
        }
        for ticket in core.tickets.values {
            let held = grants.filter { $0.ticket == ticket.id }.map(\.pattern.text).sorted()
            if ticket.isFinal {
                try require(held.isEmpty, "\(ticket.id) is \(ticket.state.name) and holds \(held)")
            } else if ticket.worktree != nil {
                try require(
                    held == ticket.locks.map(\.text).sorted(),
                    "I1: \(ticket.id) does not hold its locks: \(held)"
                )
            }
        }
    }

    // MARK: I4

    private func checkOwners() throws(Violation) {
        for (id, ticket) in core.tickets {
            switch ticket.state {
            case .queued:
                for dependency in ticket.dependsOn {
                    guard let state = core.tickets[dependency]?.state else {
                        throw Violation("I4: \(id) waits for \(dependency), which does not exist")
                    }
                    if case .cancelled = state {
                        throw Violation("I4: \(id) waits for \(dependency), which is cancelled")
                    }
                }
            case .running(let running):
                if case .trying(.waitingForSlot) = running.step { break }
                try require(!ticket.pendingEffects.isEmpty, "I4: nothing is under way for \(id): \(running)")
            case .landing(let landing):
                if case .waitingForPaths(_, let holders) = landing.step {
                    try require(
                        holders.contains { core.fences[$0] != nil },
                        "I4: \(id) waits for \(holders), who hold nothing"
                    )
                }
            case .stopped, .awaitingApproval, .needsHuman: break  // a human's turn
            case .merged, .cancelled: break
            }
            if ticket.halt != nil {
                try require(!ticket.pendingEffects.isEmpty, "I4: \(id) is being stopped, and nothing is awaited")
            }
        }
        for id in core.retries.keys {
            guard case .landing(let landing)? = core.tickets[id]?.state, case .blocked = landing.step else {
                throw Violation("\(id) is to be tried again, and is not blocked")
            }
        }
    }

    /// Every effect that a ticket waits for is under way, and nothing else is.
    private func checkEffects() throws(Violation) {
        for ticket in core.tickets.values {
            for effect in ticket.pendingEffects {
                try require(isUnderWay(effect), "I4: \(ticket.id) waits for \(effect), which is not under way")
            }
        }
        for operation in world.operations {
            if case .stopRun(let run) = operation.effect, world.runs[run]?.outcome != nil { continue }
            guard core.tickets[operation.effect.ticket]!.pendingEffects.contains(operation.effect) else {
                throw Violation("\(operation.effect) is under way, and nobody waits for it")
            }
        }
        for run in world.watched {
            try require(core.tickets[run.ticket]?.currentRun == run, "\(run) runs, and nobody waits for it")
        }
    }

    private func isUnderWay(_ effect: Effect) -> Bool {
        if world.operations.contains(where: { $0.effect == effect }) { return true }
        let news = mailbox + onTheWay
        if news.contains(where: { $0.outcomeOf == effect }) { return true }
        switch effect {
        case .startRun(let run, _):
            return world.watched.contains(run)
                || news.contains { if case .runEnded(run, _, _) = $0.input { true } else { false } }
        case .stopRun(let run): return world.runs[run]?.outcome != nil
        case .advanceTarget(let id, _): return core.retries[id]?.at.map { core.nextDeadline! <= $0 } ?? false
        case .prepareWorktree, .collectWork, .takeSnapshot, .buildCandidate, .prepareCheckout, .concludeVerification,
            .tidy:
            return false
        }
    }

    /// I2: a move by somebody else is said when there was one, and only then.
    func checkMoves() throws(Violation) {
        for case .targetMoved(let id, let from, let to) in decided.flatMap(\.decision.facts).map(\.event) {
            let place = world.places[id]!
            try require(place.foreign.contains(to), "\(to) is said to be somebody else's")
            guard let old = place.history.firstIndex(of: from), let new = place.history.firstIndex(of: to) else {
                throw Violation("the target never was at \(from) and \(to)")
            }
            try require(old < new, "the target is said to have moved back, from \(from) to \(to)")
        }
    }

    private func checkQueues() throws(Violation) {
        for (id, repository) in core.repositories {
            let tickets = core.tickets.values.filter { $0.repository == id }
            let landing = tickets.filter(\.state.isInLandingQueue).map(\.id)
            try require(
                repository.landingQueue.sorted() == landing.sorted(),
                "the landing queue is \(repository.landingQueue), not \(landing)"
            )
            for (index, id) in repository.landingQueue.enumerated() {
                guard case .landing(let landing) = core.tickets[id]!.state else { continue }
                if case .waiting = landing.step {
                    try require(index > 0, "I4: \(id) is first in the landing queue, and waits")
                } else {
                    try require(index == 0, "\(id) lands out of its turn")
                }
            }
            var slots: [Int: TicketID] = [:]
            for ticket in tickets {
                guard let slot = ticket.trial?.slot else { continue }
                try require(slots.updateValue(ticket.id, forKey: slot) == nil, "slot \(slot) is taken twice")
            }
            try require(repository.verifying == slots, "slots are \(repository.verifying), not \(slots)")
            let waiting = tickets.filter { $0.trial?.isWaitingForSlot ?? false }.map(\.id)
            try require(repository.waitingToVerify.sorted() == waiting.sorted(), "wait for a slot: \(waiting)")
            try require(
                waiting.isEmpty || slots.count >= limits.verificationSlots,
                "I4: \(waiting) wait for a slot that is free"
            )
        }
    }

    // MARK: the order of starting

    /// Nobody has started ahead of one that comes first and could have.
    private func checkOrder(_ last: Decided) throws(Violation) {
        let started = last.decision.facts.compactMap { fact -> Ticket? in
            guard case .ticketStarted(let id, _, _) = fact.event else { return nil }
            return fact.changes.tickets.first { $0.new?.id == id }?.new
        }
        guard decided.count == 1, !started.isEmpty else { return }  // In a batch, `core` is what came after the last.
        for ticket in started {
            let isNew = (core.fences[ticket.id]?.first ?? 0) > last.lastFence
            if isNew, let first = core.reserver(against: ticket) {
                throw Violation("I4: \(ticket.id) takes what \(first.id), which comes first, waits for")
            }
            for first in core.waitingInOrder where first.repository == ticket.repository && first.isAhead(of: ticket) {
                // What was granted only now, and to one behind it, is no reason.
                let later = started.filter { ticket in
                    first.isAhead(of: ticket) && (core.fences[ticket.id]?.first ?? 0) > last.lastFence
                }
                try require(
                    core.reasonToWait(first, without: Set(later.map(\.id))) != nil,
                    "\(ticket.id) starts ahead of \(first.id), which could start"
                )
            }
        }
    }

    /// No agent is idle while a ticket could start.
    private func checkNobodyIdles() throws(Violation) {
        guard !core.freeAgents.isEmpty, !core.isDraining else { return }
        for ticket in core.waitingInOrder {
            try require(core.reasonToWait(ticket, without: []) != nil, "I4: \(ticket.id) could start, and does not")
        }
    }

    // MARK: indexes

    private func checkIndexes() throws(Violation) {
        let rebuilt = Orchestrator(limits: limits, restoring: core.stored)
        try require(
            rebuilt.held.filter { !$0.value.isEmpty } == core.held.filter { !$0.value.isEmpty },
            "held locks differ from the grants"
        )
        try require(rebuilt.fences == core.fences, "fences differ from the grants")
        try require(rebuilt.agents == core.agents, "agents differ from the tickets: \(core.agents)")
        try require(rebuilt.freeAgents == core.freeAgents, "free agents are \(core.freeAgents)")
        try require(rebuilt.unmet == core.unmet, "unmet dependencies are \(core.unmet)")
        try require(rebuilt.dependants == core.dependants, "dependants are \(core.dependants)")
        try require(rebuilt.waitingForPaths == core.waitingForPaths, "wait for paths: \(core.waitingForPaths)")
        try require(rebuilt.scheduler.members == core.scheduler.members, "the scheduler has \(core.scheduler.members)")
        if let problem = core.scheduler.inconsistency { throw Violation("the scheduler: \(problem)") }
    }
}

extension Ticket {
    fileprivate func isAhead(of other: Ticket) -> Bool {
        priority != other.priority ? priority > other.priority : serial < other.serial
    }
}

extension Orchestrator {
    /// The queued tickets whose dependencies have landed, in the order they start: found without any index.
    fileprivate var waitingInOrder: [Ticket] {
        tickets.values.filter { ticket in
            guard case .queued = ticket.state else { return false }
            return ticket.dependsOn.allSatisfy {
                if case .merged? = tickets[$0]?.state { true } else { false }
            }
        }
        .sorted { $0.isAhead(of: $1) }
    }

    /// Why a ticket does not start although an agent is free: the rule itself, without any index.
    fileprivate func reasonToWait(_ ticket: Ticket, without: Set<TicketID>) -> String? {
        if ticket.locks.isEmpty || grants.values.contains(where: { $0.ticket == ticket.id }) { return nil }
        if let holder = holder(against: ticket, without: without) { return "\(holder) holds what it asks for" }
        return reserver(against: ticket, without: without).map { "\($0.id) has reserved what it asks for" }
    }

    private func holder(against ticket: Ticket, without: Set<TicketID>) -> TicketID? {
        grants.values.first { grant in
            grant.repository == ticket.repository && grant.ticket != ticket.id && !without.contains(grant.ticket)
                && ticket.locks.contains { $0.conflicts(with: grant.pattern) }
        }?.ticket
    }

    /// The first that a held lock blocks reserves what it asks for, and nobody else does: it, if `ticket` is behind
    /// it and asks for some of the same. What those behind it hold is looked away from.
    fileprivate func reserver(against ticket: Ticket, without: Set<TicketID>? = nil) -> Ticket? {
        for first in waitingInOrder where first.repository == ticket.repository && first.isAhead(of: ticket) {
            let takesLocks = !first.locks.isEmpty && !grants.values.contains { $0.ticket == first.id }
            guard takesLocks, holder(against: first, without: without ?? [ticket.id]) != nil else { continue }
            let conflict = first.locks.contains { lock in ticket.locks.contains { $0.conflicts(with: lock) } }
            return conflict ? first : nil
        }
        return nil
    }
}
