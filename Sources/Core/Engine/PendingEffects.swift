extension Ticket {
    /// What is under way for a ticket in the state it is in. Everything orch does to the world is here.
    public var pendingEffects: [Effect] {
        switch state {
        case .queued, .stopped, .awaitingApproval, .needsHuman:
            []
        case .running(let running):
            effects(of: running)
        case .landing(let landing):
            switch landing.step {
            case .waiting, .waitingForPaths: []
            case .trying(let trial): effects(of: trial, halting: landing.halt != nil)
            case .advancing(let candidate), .blocked(let candidate, _): [.advanceTarget(id, candidate)]
            }
        case .merged(_, let tidy), .cancelled(_, let tidy):
            tidy == .pending ? [.tidy(id, snapshot: lastSnapshot)] : []
        }
    }

    private func effects(of running: Running) -> [Effect] {
        let halting = running.halt != nil
        switch running.step {
        case .preparing:
            return [.prepareWorktree(id)]
        case .settingUp(let run, let setup):
            return execute(run, .setup(setup), halting: halting)
        case .working(let run, let stale):
            let order = RunOrder.agent(running.agent, profile: profile, attempt: attempts, feedback, opening)
            let loop = loop.flatMap { $0.run == run ? $0.step : nil }
            let isEnding = halting || stale?.next == .ending || loop == .ended
            let handed = (messages ?? []).filter { $0.delivery == .handed(run: run) }
            return execute(run, order, halting: isEnding)
                + handed.map { .deliver(RunID(ticket: id, number: run), $0) }
                + (loop == .interrupted ? [.interrupt(RunID(ticket: id, number: run))] : [])
        case .collecting:
            return [.collectWork(id, snapshot: lastSnapshot)]
        case .trying(let trial):
            return effects(of: trial, halting: halting)
        case .snapshotting:
            return [.takeSnapshot(id, snapshot: lastSnapshot)]
        }
    }

    private func effects(of trial: Trial, halting: Bool) -> [Effect] {
        switch trial {
        case .building:
            return [.buildCandidate(id)]
        case .waitingForSlot:
            return []
        case .checkingOut(let candidate, let slot):
            return [.prepareCheckout(id, candidate, slot: slot)]
        case .verifying(let candidate, let slot, let index, let run, _):
            let verifier = candidate.rules.checks[index]
            return execute(run, .verifier(verifier, slot: slot, candidate), halting: halting)
        case .concluding(let candidate, let slot, let verdict):
            return [.concludeVerification(id, candidate, slot: slot, verdict)]
        }
    }

    private func execute(_ number: Int, _ order: RunOrder, halting: Bool) -> [Effect] {
        let run = RunID(ticket: id, number: number)
        return halting ? [.startRun(run, order), .stopRun(run)] : [.startRun(run, order)]
    }
}

extension Orchestrator {
    /// Goes on after `init(limits:restoring:)`: asks again for every effect a ticket waits for, and starts what can be.
    public mutating func recover(at now: Instant) -> Decision {
        self.now = now
        journal = Journal()
        if isPlanted(.adoptedAgentIsFree) { freeAgents = agents.keys.sorted(by: >) }
        if isPlanted(.personalEndForgottenAtRestart) { personalEnds = IndexedHeap() }
        if isPlanted(.waitEndForgottenAtRestart) { waitEnds = IndexedHeap() }
        giveLandingPlaces()
        askPoliciesAgain()
        journal.forgetEffects()
        var pending = tickets.values.sorted { $0.serial < $1.serial }.flatMap(\.pendingEffects)
        if isPlanted(.recoveryForgetsLandings) {
            pending.removeAll { if case .advanceTarget = $0 { true } else { false } }
        }
        settleClaims()
        schedule()
        settleClaims()
        measure.forgetSufficiency()
        emitLeftovers()
        var decision = Decision()
        decision.facts = journal.facts
        decision.effects = pending + journal.effects(now: tickets)
        decision.pushes = askForPushesAgain()
        return decision
    }

    /// What an older orch has stored knows their order by the queue alone.
    private mutating func giveLandingPlaces() {
        for repository in repositories.values.sorted(by: { $0.id < $1.id }) {
            guard repository.landingQueue.contains(where: { tickets[$0]!.landingPlace == nil }) else { continue }
            for (index, id) in repository.landingQueue.enumerated() {
                change(id) { $0.landingPlace = index + 1 }
                emit(.ticketChanged(id))
            }
        }
    }

    /// The user's settings may be others than before: what a policy, not a human, has let land is built anew, with the
    /// rules read again. One that was being landed goes on: it may have landed already.
    private mutating func askPoliciesAgain() {
        for repository in repositories.values.sorted(by: { $0.id < $1.id }) {
            for id in repository.landingQueue {
                guard case .landing(var landing) = tickets[id]!.state, landing.approval.by == .policy else { continue }
                switch landing.step {
                case .waiting(.some): landing.step = .waiting(nil)
                case .waiting(nil), .trying, .waitingForPaths, .advancing, .blocked: continue
                }
                enter(id, .landing(landing))
                emit(.ticketChanged(id))
            }
        }
    }
}
