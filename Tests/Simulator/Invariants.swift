import Core

// What is always true (docs/architecture.md), asked of a shell between two turns.

extension SimulatedShell {
    /// What costs next to nothing: asked after every turn.
    mutating func checkTurn() throws(Violation) {
        try checkMoves()
        // A day that begins is no deadline of a clock that went back.
        if let next = core.nextDeadline, next != core.spendingRenewal, unstored == nil {
            // A clock that went back since is told with the next input.
            let latest = max(now, core.heardAt) + .seconds(600)
            try require(next < latest, "I4: the clock went back, and \(next) is far away")
        }
        for decided in decided {
            for fact in decided.decision.facts {
                try checkFact(fact.event)
                if decided.isHalted { try checkStandstill(fact.event) }
                try checkBudget(fact.event, decided)
                guard case .ticketStarted(let id, _, _, _) = fact.event else { continue }
                try require(!decided.isDiskFull, "I4: \(id) starts on a full disk")
                try require(!decided.isInNeed, "I4: \(id) starts on a machine that is short of memory")
            }
        }
    }

    mutating func check(thoroughly: Bool) throws(Violation) {
        guard unstored == nil else { return }
        try checkStored()
        try checkLocks()
        try checkDealings()
        try checkOwners()
        try checkAgents()
        try checkEffects()
        try checkMessages()
        try checkPushes()
        try checkQueues()
        try checkStandstill()
        try checkSpending()
        if isOneThing, let last = decided.last { try checkQuotas(last) }
        // The rule itself, without any index, takes the square of their number.
        let isCrowd = core.tickets.count >= Simulation.crowd
        if !isCrowd { for decided in decided { try checkOrder(decided) } }
        if !isCrowd, decided.last?.decision.refusal == nil { try checkNobodyIdles() }
        guard thoroughly else { return }
        try broadcaster.check(stored: facts)
        if let problem = core.inconsistency { throw Violation("I4: \(problem)") }
        for id in stored.tickets.keys { try world.checkKept(id) }
    }

    /// Whether `core` is what came of one input, and of what the machine was found to be like for it.
    private var isOneThing: Bool {
        decided.count { if case .machineMeasured? = $0.input { false } else { true } } == 1
    }

    // MARK: budgets

    /// No agent is started while what may be used is used up.
    private mutating func checkBudget(_ event: Event, _ decided: Decided) throws(Violation) {
        switch event {
        case .runRequested(let run, _, "work"):
            for span in [BudgetSpan.day, .month] {
                guard let cap = limits.budgets[span].cost else { continue }
                let spent = decided.spent[span].cost
                try require(spent < cap, "I4: \(run) starts, and \(spent) of \(cap) for the \(span) are used")
            }
        case .humanNeeded(_, .budget): world.coverage.count(.budgetUsedUp)
        default: break
        }
    }

    /// Every sum is that of the runs; and nobody goes on once a report has used a budget up.
    private mutating func checkSpending() throws(Violation) {
        try require(stored.ledger == core.ledger, "I7: the ledger is \(core.ledger), the facts say \(stored.ledger)")
        guard let last = decided.last, last.decision.refusal == nil, decided.count == 1 else { return }
        try require(core.spent == last.spent, "I4: spent is \(core.spent), on that day it was \(last.spent)")
        if core.tickets.values.contains(where: { if case .budget? = core.waiting($0.id) { true } else { false } }) {
            world.coverage.count(.budgetAwaited)
        }
        guard case .usageSeen(let run, _)? = last.input else { return }
        let isUsedUp = [BudgetSpan.day, .month].contains { span in
            limits.budgets[span].cost.map { last.spent[span].cost >= $0 } ?? false
        }
        for ticket in core.tickets.values {
            guard case .running(let running) = ticket.state, case .working = running.step, running.halt == nil else {
                continue
            }
            let own = limits.budgets.ticket.cost.map { ticket.id == run.ticket && ticket.usage?.cost ?? 0 >= $0 }
            try require(!isUsedUp && own != true, "I4: \(ticket.id) goes on, and its budget is used up")
        }
    }

    // MARK: halted

    /// Nothing starts and nothing lands.
    private func checkStandstill(_ event: Event) throws(Violation) {
        switch event {
        case .ticketStarted, .runRequested, .verificationStarted, .landingStarted:
            throw Violation("I4: \(event), and everything is halted")
        default: break
        }
    }

    /// What ran is being stopped; and only then is anything stopped that nobody named.
    private func checkStandstill() throws(Violation) {
        try require(standstill == core.standstill, "I7: \(standstill as Any) is stored, not \(core.standstill as Any)")
        for ticket in core.tickets.values {
            if core.standstill == nil {
                guard case .stopped(_, true?) = ticket.state else { continue }
                throw Violation("I4: \(ticket.id) is halted with all, and nothing else is")
            }
            switch ticket.state {
            case .running: try require(ticket.halt != nil, "I4: \(ticket.id) goes on, and everything is halted")
            case .landing(let landing):
                guard case .trying(let trial) = landing.step, !trial.isWaitingForSlot else { continue }
                try require(landing.halt != nil, "I4: \(ticket.id) is tested, and everything is halted")
            default: break
            }
        }
    }

    /// No more than may work where a ticket has just started.
    private func checkQuotas(_ last: Decided) throws(Violation) {
        for case .ticketStarted(let id, _, _, _) in last.decision.facts.map(\.event) {
            guard let ticket = core.tickets[id], ticket.agent != nil, core.usedUp(for: ticket, without: [], spare: 1)
            else {
                continue
            }
            throw Violation("I4: \(id) starts, and as many work as may")
        }
    }

    // MARK: I7

    private func checkStored() throws(Violation) {
        try require(stored.agrees(with: core), "I7: tickets folded from facts differ from what is")
        try require(stored.repositories == core.repositories, "I7: repositories folded from facts differ from what is")
        try require(stored.agents == core.agents, "I7: agents folded from facts differ from what is")
        try require(stored.grants == core.grants, "I7: grants folded from facts differ from what is")
        for last in decided where last.decision.refusal != nil {
            try require(last.decision.facts.isEmpty && last.decision.effects.isEmpty, "I9: a refusal has consequences")
            guard decided.count == 1, let before = last.before else { continue }
            try require(before.stored == core.stored, "I9: a refusal changed something")
        }
    }

    private func checkFact(_ event: Event) throws(Violation) {
        switch event {
        case .runEnded(let id, _):
            guard let run = world.runs[id] else { throw Violation("I6: \(id) ends, and has never been") }
            try require(run.outcome != nil, "I6: \(id) is said to have ended, and runs")
            try require(
                run.processes + run.escaped == 0,
                "I6: \(id) has ended, and \(run.processes) processes and \(run.escaped) escaped ones are alive"
            )
        case .ticketStarted(let id, _, _, _):
            for dependency in (core.tickets[id] ?? stored.tickets[id])!.dependsOn {
                guard core.end(of: dependency) == .merged else {
                    throw Violation("I4: \(id) starts before \(dependency), which it depends on, has landed")
                }
            }
        case .ticketMerged(let id, let commit):
            let history = world.places[(core.tickets[id] ?? stored.tickets[id])!.repository]!.history
            try require(history.contains(commit), "I5: \(id) has landed as \(commit), which is nowhere")
        default: break
        }
    }

    // MARK: I1

    private func checkLocks() throws(Violation) {
        let grants = core.grants.values.sorted { $0.fence < $1.fence }
        for (index, a) in grants.enumerated() {
            for b in grants.dropFirst(index + 1) where a.holder != b.holder && a.repository == b.repository {
                try require(!a.pattern.conflicts(with: b.pattern), "I1: \(a.holder) and \(b.holder) hold \(a.pattern)")
            }
        }
        for grant in grants where grant.person?.expires != nil {
            let end = core.personalLockEnd(grant.fence)
            try require(end != nil, "I4: lock \(grant.fence) of \(grant.holder) ends, and nothing waits for that")
        }
        for ticket in stored.tickets.values {
            let held = grants.filter { $0.ticket == ticket.id }.map(\.pattern.text).sorted()
            if ticket.isFinal {
                try require(held.isEmpty, "I1: \(ticket.id) is \(ticket.state.name) and holds \(held)")
            } else if ticket.worktree != nil, !(held.isEmpty && ticket.mayHaveLetGo) {
                // One that waits for a claim, or did when it was halted, holds all but that.
                let isWhole = held == ticket.locks.map(\.text).sorted()
                try require(
                    isWhole || ticket.mayHaveLetGo && Set(held).isSubset(of: ticket.locks.map(\.text)),
                    "I1: \(ticket.id) does not hold its locks: \(held)"
                )
            }
        }
    }

    // MARK: what agents wait for

    /// Nobody waits for what is free, and nobody for ever: no cycle of tickets that hold locks and wait for each other's.
    private func checkDealings() throws(Violation) {
        let grants = core.grants.values
        func holders(of patterns: [LockPattern], _ ticket: Ticket) -> Set<TicketID> {
            Set(
                grants.filter { grant in
                    grant.repository == ticket.repository && patterns.contains { $0.conflicts(with: grant.pattern) }
                }.compactMap(\.ticket)
            ).subtracting([ticket.id])
        }
        var waits: [TicketID: Set<TicketID>] = [:]
        var heads: [(Ticket, PathClaim)] = []
        for (id, ticket) in core.tickets {
            if let dealings = ticket.dealings {
                try require(ticket.workingRun != nil, "I4: \(id) has dealings, and no agent at work: \(dealings)")
                if let claim = dealings.claims.first {
                    heads.append((ticket, claim))
                    waits[id] = holders(of: claim.patterns, ticket)
                }
            }
            guard grants.contains(where: { $0.ticket == id }) else { continue }
            switch ticket.state {
            case .queued: waits[id] = holders(of: core.lockedLater(ticket), ticket)
            case .landing(let landing):
                guard case .waitingForPaths(let candidate, _) = landing.step else { continue }
                waits[id] = holders(of: candidate.paths.compactMap { try? LockPattern(path: $0) }, ticket)
            default: break
            }
        }
        for (ticket, claim) in heads {
            let isHeld = grants.contains { grant in
                grant.holder != .ticket(ticket.id) && grant.repository == ticket.repository
                    && claim.patterns.contains { $0.conflicts(with: grant.pattern) }
            }
            let isBehind = heads.contains { other, earlier in
                other.repository == ticket.repository && earlier.place < claim.place
                    && claim.patterns.contains { mine in earlier.patterns.contains { $0.conflicts(with: mine) } }
            }
            try require(isHeld || isBehind, "I4: \(ticket.id) waits for \(claim.patterns), which are free")
            var seen: Set<TicketID> = []
            var next = Array(waits[ticket.id] ?? [])
            while let id = next.popLast() {
                try require(id != ticket.id, "I4: \(id) waits for itself, through \(seen.sorted())")
                if seen.insert(id).inserted { next += waits[id] ?? [] }
            }
        }
    }

    // MARK: I4

    private func checkOwners() throws(Violation) {
        for (id, ticket) in core.tickets {
            switch ticket.state {
            case .queued:
                for dependency in ticket.dependsOn {
                    guard core.knows(dependency) else {
                        throw Violation("I4: \(id) waits for \(dependency), which does not exist")
                    }
                    if core.end(of: dependency) == .cancelled {
                        throw Violation("I4: \(id) waits for \(dependency), which is cancelled")
                    }
                }
            case .running(let running):
                if case .trying(.waitingForSlot) = running.step { break }
                try require(!ticket.pendingEffects.isEmpty, "I4: nothing is under way for \(id): \(running)")
            case .landing(let landing):
                if case .waitingForPaths(_, let holders) = landing.step {
                    try require(
                        holders.contains { holder in core.grants.values.contains { $0.holder == holder } },
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
        for id in core.nextTries.keys {
            switch core.tickets[id]?.state {
            case .merged(_, .pending)?, .cancelled(_, .pending)?: break
            default:
                try require(
                    core.tickets[id]?.isLandingBlocked == true,
                    "I4: \(id) is to be tried again, and is not blocked"
                )
            }
        }
    }

    /// An agent works on one ticket, and says so.
    private func checkAgents() throws(Violation) {
        var busy: Set<AgentID> = []
        // In order: what is wrong in two ways is told in the same way each time.
        for ticket in core.tickets.values.sorted(by: { $0.serial < $1.serial }) {
            guard let agent = ticket.agent else { continue }
            try require(busy.insert(agent).inserted, "I4: \(agent) works on two tickets, one of them \(ticket.id)")
            try require(core.agents[agent]?.ticket == ticket.id, "I4: \(agent) does not know of \(ticket.id)")
        }
        for agent in core.agents.values where agent.ticket != nil {
            try require(busy.contains(agent.id), "I4: \(agent.id) is busy with \(agent.ticket!), which needs no agent")
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
            switch operation.effect {
            case .stopRun(let run), .deliver(let run, _): if world.runs[run]?.outcome != nil { continue }
            // Nobody waits for what comes to nothing that is heard.
            case .interrupt, .answer: continue
            default: break
            }
            guard core.tickets[operation.effect.ticket]?.pendingEffects.contains(operation.effect) ?? false else {
                throw Violation("I5: \(operation.effect) is under way, and nobody waits for it")
            }
        }
        for run in world.unended {
            try require(core.tickets[run.ticket]?.currentRun == run, "I6: \(run) runs, and nobody waits for it")
        }
    }

    /// What a person has said to an agent is kept until an agent has had it in hand.
    private func checkMessages() throws(Violation) {
        for ticket in core.tickets.values {
            guard let last = ticket.lastMessage else { continue }
            let kept = Set((ticket.messages ?? []).map(\.number))
            for number in 1...last where !kept.contains(number) {
                let isTold = world.told[ticket.id]?.contains(number) ?? false
                try require(isTold, "I3: message \(number) of \(ticket.id) is gone, and no agent has had it")
            }
            for message in ticket.messages ?? [] {
                switch message.delivery {
                case .waiting: break
                case .handed(let run), .opening(let run):
                    let current = ticket.currentRun?.number
                    try require(current == run, "I4: message \(message.number) of \(ticket.id) waits for run \(run)")
                }
            }
        }
    }

    /// What a remote has yet to get is on its way, or will be tried again.
    private func checkPushes() throws(Violation) {
        for id in core.repositories.keys where core.repositories[id]!.push != nil {
            let isHeard = mailbox.contains { mail in
                switch mail.input {
                case .targetPushed(let order), .pushFailed(let order, _): order.repository == id
                default: false
                }
            }
            let isUnderWay = isHeard || world.pushes.contains { $0.repository == id }
            try require(isUnderWay || core.nextPushes[id]??.milliseconds != nil, "I4: nobody makes the push \(id) owes")
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
        case .stopRun(let run), .deliver(let run, _): return world.runs[run]?.outcome != nil
        // It is asked once, and comes to nothing that is heard.
        case .interrupt, .answer: return true
        case .advanceTarget(let id, _), .tidy(let id, _): return core.nextTries[id]??.milliseconds != nil
        case .prepareWorktree, .collectWork, .takeSnapshot, .buildCandidate, .prepareCheckout, .concludeVerification:
            return false
        }
    }

    /// I2: a move by somebody else is said when there was one, and only then.
    private func checkMoves() throws(Violation) {
        for case .targetMoved(let id, let from, let to) in decided.flatMap(\.decision.facts).map(\.event) {
            let place = world.places[id]!
            try require(place.foreign.contains(to), "I2: \(to) is said to be somebody else's")
            guard let old = place.history.firstIndex(of: from), let new = place.history.firstIndex(of: to) else {
                throw Violation("I2: the target never was at \(from) and \(to)")
            }
            try require(old < new, "I2: the target is said to have moved back, from \(from) to \(to)")
        }
    }

    private func checkQueues() throws(Violation) {
        for (id, repository) in core.repositories {
            let tickets = core.tickets.values.filter { $0.repository == id }
            let landing = tickets.filter(\.state.isInLandingQueue).map(\.id)
            try require(
                repository.landingQueue.sorted() == landing.sorted(),
                "I4: the landing queue is \(repository.landingQueue), not \(landing)"
            )
            let places = repository.landingQueue.map { core.tickets[$0]!.landingPlace ?? 0 }
            try require(
                places == Set(places).subtracting([0]).sorted(),
                "I4: the landing queue is \(repository.landingQueue), with the places \(places)"
            )
            if let other = tickets.first(where: { $0.landingPlace != nil && !$0.state.isInLandingQueue }) {
                throw Violation("I4: \(other.id) has a place in the landing queue, and is not in it")
            }
            for (index, id) in repository.landingQueue.enumerated() {
                guard case .landing(let landing) = core.tickets[id]!.state else { continue }
                if case .waiting = landing.step {
                    if core.isDiskFull || core.standstill != nil { continue }
                    try require(index > 0, "I4: \(id) is first in the landing queue, and waits")
                } else {
                    try require(index == 0, "I5: \(id) lands out of its turn")
                }
            }
            var slots: [Int: TicketID] = [:]
            for ticket in tickets {
                guard let slot = ticket.trial?.slot else { continue }
                try require(slots.updateValue(ticket.id, forKey: slot) == nil, "I4: slot \(slot) is taken twice")
            }
            try require(repository.verifying == slots, "I4: slots are \(repository.verifying), not \(slots)")
            let waiting = tickets.filter { $0.trial?.isWaitingForSlot ?? false }.map(\.id)
            try require(repository.waitingToVerify.sorted() == waiting.sorted(), "I4: wait for a slot: \(waiting)")
            try require(
                waiting.isEmpty || core.isDiskFull || core.standstill != nil
                    || (0..<limits.verificationSlots).allSatisfy { slots[$0] != nil },
                "I4: \(waiting) wait for a slot that is free"
            )
        }
    }

    // MARK: the order of starting

    /// Nobody has started ahead of one that comes first and could have.
    private func checkOrder(_ last: Decided) throws(Violation) {
        let started = last.decision.facts.compactMap { fact -> Ticket? in
            guard case .ticketStarted(let id, _, _, _) = fact.event else { return nil }
            return fact.changes.tickets.first { $0.new?.id == id }?.new
        }
        guard isOneThing, !started.isEmpty else { return }  // In a batch, `core` is what came after the last.
        for ticket in started {
            // One that held locks before, and waited for more, need not wait behind others.
            let isNew = core.isGranted(ticket.id, after: last.lastFence)
            let isFirst = !core.grants.values.contains { $0.ticket == ticket.id && $0.fence <= last.lastFence }
            if isNew, isFirst, let first = core.reserver(against: ticket) {
                throw Violation("I4: \(ticket.id) takes what \(first.id), which comes first, waits for")
            }
            for first in core.waitingInOrder where first.repository == ticket.repository && first.isAhead(of: ticket) {
                // What was granted only now, and to one behind it, is no reason; what that one had before is.
                let later = started.filter { ticket in
                    first.isAhead(of: ticket) && core.isGranted(ticket.id, after: last.lastFence)
                }
                try require(
                    core.reasonToWait(first, without: Set(later.map(\.id)), after: last.lastFence) != nil,
                    "I4: \(ticket.id) starts ahead of \(first.id), which could start"
                )
            }
        }
    }

    /// No agent is idle while a ticket could start.
    private func checkNobodyIdles() throws(Violation) {
        guard core.hasFreeAgent, !core.isDraining, !core.isDiskFull, core.standstill == nil, core.shortage == nil else {
            return
        }
        for ticket in core.waitingInOrder {
            try require(core.reasonToWait(ticket, without: []) != nil, "I4: \(ticket.id) could start, and does not")
        }
    }
}

extension Ticket {
    /// Nobody works on it, and its locks may have been released: its agent was stale, or a human took too long.
    fileprivate var mayHaveLetGo: Bool {
        switch state {
        case .queued, .stopped, .needsHuman: true
        case .running, .awaitingApproval, .landing, .merged, .cancelled: false
        }
    }

    fileprivate func isAhead(of other: Ticket) -> Bool {
        priority != other.priority ? priority > other.priority : serial < other.serial
    }
}

extension Orchestrator {
    fileprivate func isGranted(_ id: TicketID, after fence: Int) -> Bool {
        grants.values.contains { $0.ticket == id && $0.fence > fence }
    }

    /// The queued tickets whose dependencies have landed, in the order they start: found without any index.
    fileprivate var waitingInOrder: [Ticket] {
        tickets.values.filter { ticket in
            guard case .queued = ticket.state else { return false }
            return ticket.dependsOn.allSatisfy { end(of: $0) == .merged }
        }
        .sorted { $0.isAhead(of: $1) }
    }

    /// Why a ticket does not start although an agent is free: the rule itself, without any index.
    /// - Parameters:
    ///   - without: tickets whose grants count for nothing,
    ///   - fence: if they are newer than this.
    fileprivate func reasonToWait(_ ticket: Ticket, without: Set<TicketID>, after fence: Int = 0) -> String? {
        if usedUp(for: ticket, without: without) { return "as many as may work for its profile or repository" }
        if lacksBudget(for: ticket, without: without) { return "its budget is used up or set aside" }
        let wanted = lockedLater(ticket)
        if wanted.isEmpty { return nil }
        if let holder = holder(against: ticket, without: without, after: fence) {
            return "\(holder) holds what it asks for"
        }
        if wanted.count < ticket.locks.count { return nil }
        return reserver(against: ticket, without: without, after: fence).map {
            "\($0.id) has reserved what it asks for"
        }
    }

    /// Whether as many agents work for its profile, or its repository, as may.
    fileprivate func usedUp(for ticket: Ticket, without: Set<TicketID>, spare: Int = 0) -> Bool {
        let working = tickets.values.filter { $0.agent != nil && !without.contains($0.id) }
        let ofProfile = working.count { $0.profile == ticket.profile }
        let ofRepository = working.count { $0.repository == ticket.repository }
        return limits.profiles[ticket.profile].map { ofProfile >= $0 + spare } ?? false
            || repositories[ticket.repository]!.agents.map { ofRepository >= $0 + spare } ?? false
    }

    /// Whether what it would set aside is more than is left.
    private func lacksBudget(for ticket: Ticket, without: Set<TicketID>) -> Bool {
        guard case .queued(.work) = ticket.state else { return false }
        let aside = tickets.values.reduce(0) { sum, other in
            guard !without.contains(other.id), other.id != ticket.id, case .running(let running) = other.state,
                let reserve = limits.reserves[other.profile]?.cost
            else { return sum }
            switch running.step {
            case .preparing(.work), .settingUp: return sum + reserve
            case .working(let run, _):
                let used = other.runUsage.map { $0.run == run ? $0.usage.cost : 0 } ?? 0
                return sum + max(0, reserve - used)
            case .preparing, .collecting, .trying, .snapshotting: return sum
            }
        }
        let own = max(1, limits.reserves[ticket.profile]?.cost ?? 0)
        return [BudgetSpan.day, .month].contains { span in
            limits.budgets[span].cost.map { spent[span].cost + aside + own > $0 } ?? false
        }
    }

    private func holder(against ticket: Ticket, without: Set<TicketID>, after fence: Int) -> LockHolder? {
        let wanted = lockedLater(ticket)
        return grants.values.first { grant in
            grant.repository == ticket.repository && grant.ticket != ticket.id
                && !(grant.fence > fence && grant.ticket.map(without.contains) ?? false)
                && wanted.contains { $0.conflicts(with: grant.pattern) }
        }?.holder
    }

    /// The first that a held lock blocks reserves what it asks for, and nobody else does: it, if `ticket` is behind
    /// it and asks for some of the same. What those behind it hold is looked away from.
    fileprivate func reserver(
        against ticket: Ticket,
        without: Set<TicketID>? = nil,
        after fence: Int = 0
    ) -> Ticket? {
        for first in waitingInOrder where first.repository == ticket.repository && first.isAhead(of: ticket) {
            let wanted = lockedLater(first)
            let others = without ?? [ticket.id]
            guard !wanted.isEmpty,
                holder(against: first, without: others, after: fence) != nil || usedUp(for: first, without: others)
            else { continue }
            let conflict = wanted.contains { lock in ticket.locks.contains { $0.conflicts(with: lock) } }
            return conflict ? first : nil
        }
        return nil
    }
}
