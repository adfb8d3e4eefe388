// The landing queue of a repository: approved tickets land one after the other, each as exactly the tree that was
// tested on top of the one before.

extension Orchestrator {
    /// Into the queue, with a word given for exactly this head.
    mutating func land(_ id: TicketID, _ candidate: Candidate, _ approval: Approval) {
        if approval.by == .human {
            change(id) { ticket in
                ticket.approvedHead = approval.head
                ticket.approvedAt = approval.at
            }
        }
        if isPlanted(.locksReleasedBeforeLanding) { releaseLocks(of: id) }
        enter(id, .landing(Landing(approval: approval, step: .waiting(candidate))))
        emit(.ticketApproved(id, approval.by))
    }

    /// The first of the queue moves; those behind it wait.
    mutating func advanceQueue(_ repository: RepositoryID) {
        while let first = repositories[repository]!.landingQueue.first,
            case .landing(let landing) = tickets[first]!.state, case .waiting(let candidate) = landing.step
        {
            if let candidate, candidate.tip == repositories[repository]!.tip,
                candidate.rules.verifiers.isEmpty || candidate.hasPassed(for: tickets[first]!)
            {
                // The target has not moved since this very commit was tested: it can land as it is.
                readyToLand(first, candidate, landing.approval)
            } else {
                setStep(first, .trying(.building))
                emit(.landingStarted(first))
            }
        }
    }

    mutating func setStep(_ id: TicketID, _ step: LandingStep) {
        guard case .landing(var landing) = tickets[id]!.state else { preconditionFailure("\(id) is not landing") }
        landing.step = step
        landing.mayHaveLanded = nil
        enter(id, .landing(landing))
    }

    /// Built and tested. What is left to ask: does the word given still hold, and does it leave others' locks alone?
    mutating func readyToLand(_ id: TicketID, _ candidate: Candidate, _ approval: Approval) {
        let ticket = tickets[id]!
        if let limit = limitPassed(by: approval, candidate) { return askAgain(id, candidate, after: limit) }
        // A word is given for one head: the policy's is looked at again, a human's is asked for again.
        let isAnother = approval.head != candidate.head && !isPlanted(.approvalKeptOverAnotherDiff)
        if approval.by == .policy || isAnother {
            let reasons = approvalReasons(candidate, ticket)
            guard reasons.isEmpty else {
                enter(id, .awaitingApproval(candidate, reasons))
                emit(.approvalRequested(id, reasons))
                return
            }
        }
        if !ticket.isBounded, !(approval.waivesLocks && approval.head == candidate.head) {
            let holders = holders(of: candidate.paths, in: ticket.repository, except: id)
            guard holders.isEmpty else {
                // It may hold what its agent took at work, and others may wait for that.
                let others = holders.compactMap(\.asTicket)
                if closesCycle(id, waitingFor: others) {
                    let wanted = candidate.paths.filter { isHeld($0, in: ticket.repository, byOthersThan: id) }
                    let problem = Problem.lockCycle(
                        wanted: wanted.compactMap { try? LockPattern(path: $0) },
                        holders: others
                    )
                    return askHuman(id, problem, resume: .verify)
                }
                setStep(id, .waitingForPaths(candidate, of: holders))
                emit(.landingWaited(id, of: holders))
                return
            }
        }
        setStep(id, .advancing(candidate))
        emit(.landingStarted(id))
    }

    private func isHeld(_ path: String, in repository: RepositoryID, byOthersThan id: TicketID) -> Bool {
        held[repository]?.owners(covering: path).contains { $0 != .ticket(id) } ?? false
    }

    func holders(of paths: [String], in repository: RepositoryID, except id: TicketID) -> [LockHolder] {
        guard let index = held[repository] else { return [] }
        return Set(paths.flatMap { index.owners(covering: $0) }).subtracting([.ticket(id)]).sorted()
    }

    // MARK: outcomes

    private func advancing(_ id: TicketID) -> Candidate? {
        guard case .landing(let landing) = tickets[id]?.state else { return nil }
        switch landing.step {
        case .advancing(let candidate), .blocked(let candidate, _): return candidate
        case .waiting, .trying, .waitingForPaths: return nil
        }
    }

    mutating func targetAdvanced(_ id: TicketID, to commit: ObjectID) {
        guard let candidate = advancing(id), case .landing(let landing) = tickets[id]!.state else { return }
        let repository = tickets[id]!.repository
        leaveTip(of: repository)
        change(repository) { repository in
            repository.tip = commit
            // A human who approved a change of `.orch/` has accepted what it asks orch to execute.
            if landing.approval.by == .human { repository.trusted.insert(candidate.ownDigest) }
        }
        owePush(of: repository, commit, under: candidate.rules)
        becomeMerged(id, commit)
    }

    /// Somebody else has moved the target: what was tested is not what would land any more.
    mutating func targetMoved(_ id: TicketID, to tip: ObjectID) {
        guard let candidate = advancing(id) else { return }
        let repository = repositories[tickets[id]!.repository]!
        // Somebody else may have brought newer news meanwhile.
        let isNews = repository.tip == candidate.tip && !isBeingLanded(tip, in: repository)
        if isNews { noticeTip(tip, in: repository.id) }
        guard repository.landingQueue.first == id, standstill == nil else {
            // It had been set aside, and takes its place behind the others; or nothing is built now.
            setStep(id, .waiting(nil))
            return emit(.ticketChanged(id))
        }
        setStep(id, .trying(.building))
        emit(.landingStarted(id))
    }

    /// The user's checkout is in the way. Said once; tried again later and later, up to every half minute. Meanwhile the
    /// others land past it.
    mutating func targetBlocked(_ id: TicketID, _ reason: String, mayHaveLanded: Bool = false) {
        guard let candidate = advancing(id), case .landing(var landing) = tickets[id]!.state else { return }
        let old = landing
        landing.step = .blocked(candidate, reason: reason)
        landing.mayHaveLanded = mayHaveLanded ? true : nil
        if landing != old {
            enter(id, .landing(landing))
            emit(.landingBlocked(id, reason: reason))
        }
        tryAgainLater(id)
    }

    mutating func targetFailed(_ id: TicketID, _ reason: String) {
        guard advancing(id) != nil else { return }
        askHuman(id, .landingFailed(reason), resume: .verify)
    }

    /// What another git stood in the way of is tried again. Nothing has changed yet, so no fact.
    mutating func retryWhatIsBlocked() {
        for id in retries.keys.sorted() where mayRetry(id) {
            guard let at = retries[id]!.at, isPlanted(.deadlineMissed) ? at < now : at <= now else { continue }
            retries[id]!.at = nil
            if let candidate = advancing(id) {
                tryToAdvance(id, candidate)
            } else {
                for effect in tickets[id]!.pendingEffects { journal.ask(effect) }
            }
        }
    }

    /// Once more, unless the word it was to land by has become too old meanwhile. What may have landed is looked for
    /// whatever the word.
    private mutating func tryToAdvance(_ id: TicketID, _ candidate: Candidate) {
        guard case .landing(let landing) = tickets[id]!.state, landing.mayHaveLanded == nil,
            let limit = limitPassed(by: landing.approval, candidate)
        else { return journal.ask(.advanceTarget(id, candidate)) }
        askAgain(id, candidate, after: limit)
    }

    // MARK: words that are too old

    /// How old an approval may be, where this one is older.
    func limitPassed(by approval: Approval, _ candidate: Candidate) -> Duration? {
        guard let limit = candidate.rules.policy.approvalTimeLimit, let at = approval.at, at + limit <= now else {
            return nil
        }
        return limit
    }

    /// The word is void, and its human is asked for another.
    mutating func askAgain(_ id: TicketID, _ candidate: Candidate, after limit: Duration) {
        change(id) { ticket in
            ticket.approvedHead = nil
            ticket.approvedAt = nil
        }
        let reasons = approvalReasons(candidate, tickets[id]!) + [.approvalExpired(after: limit)]
        enter(id, .awaitingApproval(candidate, reasons))
        emit(.approvalRequested(id, reasons))
    }

    /// What was to be tried in half a minute is not put off until the clock is where it was.
    mutating func clockWentBack(to now: Instant) {
        for (id, retry) in retries { retries[id]!.at = retry.at.map { min($0, now + retry.delay) } }
        for (id, retry) in pushRetries { pushRetries[id]!.at = retry.at.map { min($0, now + retry.delay) } }
    }

    /// When to try something that is blocked again: later and later, up to every half minute.
    mutating func tryAgainLater(_ id: TicketID) {
        let delay = min((retries[id]?.delay ?? .seconds(1)) * 2, .seconds(30))
        retries[id] = Retry(at: now + delay, delay: delay)
    }

    /// The target is being moved for it at this moment, or may be.
    func isAdvancing(_ id: TicketID, _ landing: Landing) -> Bool {
        switch landing.step {
        case .advancing: true
        case .blocked: retries[id]?.at == nil
        case .waiting, .trying, .waitingForPaths: false
        }
    }
}
