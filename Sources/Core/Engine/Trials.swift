// A trial: the ticket's work merged onto the target and judged by every verifier, on exactly the tree that would land.
// The verify stage and the head of the landing queue both go through here; `trialPassed` and `trialFailed` tell them
// apart.

extension Orchestrator {
    /// Moves the trial on, whichever of the two it belongs to.
    private mutating func setTrial(_ id: TicketID, _ trial: Trial) {
        switch tickets[id]!.state {
        case .running(var running):
            running.step = .trying(trial)
            enter(id, .running(running))
        case .landing(var landing):
            landing.step = .trying(trial)
            enter(id, .landing(landing))
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled:
            preconditionFailure("\(id) has no trial")
        }
    }

    /// True when the ticket's trial stands where this outcome belongs. A halted ticket is settled instead.
    private mutating func goesOn(_ id: TicketID, where fits: (Trial) -> Bool) -> Bool {
        guard let trial = tickets[id]?.trial, fits(trial) else { return false }
        guard tickets[id]!.halt == nil else {
            settleHalt(id)
            return false
        }
        return true
    }

    private static func isBuilding(_ trial: Trial) -> Bool { trial == .building }
    private static func isInCheckout(_ trial: Trial) -> Bool {
        switch trial {
        case .checkingOut, .concluding: true
        case .building, .waitingForSlot, .verifying: false
        }
    }

    // MARK: building

    mutating func candidateBuilt(_ id: TicketID, _ candidate: Candidate, passes: [Proof]) {
        guard goesOn(id, where: Self.isBuilding) else { return }
        let ticket = tickets[id]!
        noteLimit(candidate.rules, in: ticket.repository)
        noticeTip(candidate.tip, ofCandidateFor: id, askedAt: tipWhenAsked[id])
        let built = Event.candidateBuilt(id, commit: candidate.commit, tree: candidate.tree, tip: candidate.tip)
        if let problem = unusable(candidate.rules, in: ticket.repository) {
            emit(built)
            return askHuman(id, problem, resume: .verify)
        }
        switch lockVerdict(on: ticket, candidate) {
        case .mayGoOn: break
        case .asksHuman(let problem):
            emit(built)
            return askHuman(id, problem, resume: .verify)
        case .waits(let patterns, let paths, let holders):
            emit(built)
            return awaitClaim(id, patterns, paths: paths, of: holders)
        }
        if candidate.rules.verifiers.isEmpty {
            emit(built)
            return trialPassed(id, candidate)
        }
        if candidate.hasPassed(for: ticket, or: passes) {
            emit(built)
            change(id) { $0.proof = candidate.proof }
            emit(.ticketVerified(id, tree: candidate.tree, reused: true))
            return trialPassed(id, candidate)
        }
        setTrial(id, .waitingForSlot(candidate))
        emit(built)
    }

    mutating func candidateEmpty(_ id: TicketID, tip: ObjectID) {
        guard goesOn(id, where: Self.isBuilding) else { return }
        noticeTip(tip, ofCandidateFor: id, askedAt: tipWhenAsked[id])
        askHuman(id, .nothingLeft, resume: .work)
    }

    mutating func candidateConflicted(_ id: TicketID, tip: ObjectID, paths: [String]) {
        guard goesOn(id, where: Self.isBuilding) else { return }
        noticeTip(tip, ofCandidateFor: id, askedAt: tipWhenAsked[id])
        emit(.candidateConflicted(id, tip: tip, paths: paths))
        let attempts = tickets[id]!.failures["conflict", default: 0]
        sendBack(
            id,
            .conflict(paths: paths, tip: tip),
            limit: 2,
            otherwise: .conflict(paths: paths, attempts: attempts)
        )
    }

    // MARK: verifying

    /// Gives free verification slots to those who have waited longest.
    mutating func assignSlots(_ id: RepositoryID) {
        while let first = repositories[id]!.waitingToVerify.first,
            let slot = (0..<limits.verificationSlots).first(where: { repositories[id]!.verifying[$0] == nil })
        {
            guard case .waitingForSlot(let candidate)? = tickets[first]!.trial else {
                preconditionFailure("\(first) does not wait for a slot")
            }
            setTrial(first, .checkingOut(candidate, slot: slot))
            emit(.verificationStarted(first, slot: slot))
        }
    }

    mutating func checkoutReady(_ id: TicketID, isSetUp: Bool) {
        guard let trial = tickets[id]?.trial, case .checkingOut(let candidate, let slot) = trial,
            goesOn(id, where: { _ in true })
        else { return }
        // The first check is the setup, where there is one.
        verify(id, candidate, slot: slot, index: isSetUp && candidate.rules.setup != nil ? 1 : 0)
    }

    private mutating func verify(_ id: TicketID, _ candidate: Candidate, slot: Int, index: Int) {
        let name = candidate.rules.checks[index].name
        let run = newRun(of: id, name: name, stage: "verify", judging: candidate)
        setTrial(id, .verifying(candidate, slot: slot, index: index, run: run, since: now))
        emit(.runRequested(RunID(ticket: id, number: run), name: name, stage: "verify"))
    }

    mutating func verifierEnded(_ run: RunID, _ outcome: RunOutcome) {
        let id = run.ticket
        guard let trial = tickets[id]?.trial,
            case .verifying(let candidate, let slot, let index, run.number, _) = trial,
            goesOn(id, where: { _ in true })
        else { return }
        switch outcome {
        case .exited(0) where index + 1 < candidate.rules.checks.count:
            verify(id, candidate, slot: slot, index: index + 1)
        case .exited(0):
            setTrial(id, .concluding(candidate, slot: slot, .passed))
            emit(.ticketChanged(id))
        case .exited, .signalled, .timedOut, .failed, .unknown:
            let verdict = Verdict.failed(index: index, run: run.number, outcome: outcome.phrase)
            setTrial(id, .concluding(candidate, slot: slot, verdict))
            emit(.ticketChanged(id))
        case .lost where countFailure(id, lostVerifier: run):
            // Its runner died; nothing is known about the tree, and nobody is to blame. From a clean checkout again.
            emit(.verificationErred(id, reason: outcome.phrase))
            setTrial(id, .waitingForSlot(candidate))
            emit(.ticketChanged(id))
        case .stopped, .stale, .notStarted, .lost:
            // It did not judge, so nothing is known about the tree: never a pass, and not the agent's fault.
            let name = candidate.rules.checks[index].name
            let reason = "verifier \(name) \(outcome.phrase)"
            trialErred(id, reason, problem: .verifyError(reason))
        }
    }

    mutating func checkoutInspected(_ id: TicketID, changed: [String], surroundings: String?) {
        guard let trial = tickets[id]?.trial, case .concluding(let candidate, _, let verdict) = trial,
            goesOn(id, where: { _ in true })
        else { return }
        switch verdict {
        case .failed(let index, let run, let outcome):
            let verifier = candidate.rules.checks[index]
            emit(.verificationFailed(id, verifier: verifier.name, outcome: outcome))
            let feedback = Feedback.verifierFailed(
                name: verifier.name,
                command: verifier.command,
                run: RunID(ticket: id, number: run),
                summary: outcome
            )
            let attempts = tickets[id]!.failures[feedback.fingerprint!, default: 0]
            sendBack(
                id,
                feedback,
                limit: candidate.rules.policy.maxFixAttempts,
                otherwise: .verifyFailed(verifier: verifier.name, run: run, outcome, attempts: attempts)
            )
        case .passed where !changed.isEmpty:
            let reason = Verifier.changed(changed)
            trialErred(id, reason, problem: .verifyError(reason))
        case .passed:
            let proof = candidate.proof
            change(id) { $0.proof = proof }
            // Where something was changed meanwhile, nobody knows which of the two was judged.
            if proof.surroundings != nil, proof.surroundings == surroundings {
                journal.record(Pass(repository: tickets[id]!.repository, proof: proof, ticket: id))
            }
            emit(.ticketVerified(id, tree: candidate.tree, reused: false))
            trialPassed(id, candidate)
        }
    }

    // MARK: ends of a trial

    mutating func candidateFailed(_ id: TicketID, _ reason: String) {
        guard goesOn(id, where: Self.isBuilding) else { return }
        trialErred(id, reason, problem: .candidateFailed(reason))
    }

    mutating func checkoutFailed(_ id: TicketID, _ reason: String) {
        guard goesOn(id, where: Self.isInCheckout) else { return }
        trialErred(id, reason, problem: .verifyError(reason))
    }

    /// The machinery failed, not the work.
    private mutating func trialErred(_ id: TicketID, _ reason: String, problem: Problem) {
        emit(.verificationErred(id, reason: reason))
        askHuman(id, problem, resume: .verify)
    }

    /// Back to the agent with what went wrong, as often as the rules say; then to a human.
    private mutating func sendBack(_ id: TicketID, _ feedback: Feedback, limit: Int, otherwise problem: Problem) {
        if case .landing = tickets[id]!.state {
            let reason =
                if case .conflict = feedback { "conflicts with the target" } else { "red on top of the target" }
            emit(.ticketEvicted(id, reason: reason))
        }
        guard countFailure(id, feedback, limit: limit) else { return askHuman(id, problem, resume: .verify) }
        let attempt = tickets[id]!.failures[feedback.fingerprint!]!
        if let overrun = ownOverrun(of: id) { return askHuman(id, .budget(overrun), resume: .work) }
        if case .running = tickets[id]!.state {
            work(id)
        } else {
            enter(id, .queued(resume: .work))
        }
        emit(.sentBack(id, feedback, attempt: attempt))
    }

    private mutating func trialPassed(_ id: TicketID, _ candidate: Candidate) {
        switch tickets[id]!.state {
        case .running: verified(id, candidate)
        case .landing(let landing): readyToLand(id, candidate, landing.approval)
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled:
            preconditionFailure("\(id) has no trial")
        }
    }

    /// The verify stage is over: who lets it land?
    private mutating func verified(_ id: TicketID, _ candidate: Candidate) {
        let ticket = tickets[id]!
        if ticket.approvedHead == candidate.head {
            let waives = ticket.waivedHead == candidate.head
            let word = Approval(by: .human, head: candidate.head, waivesLocks: waives, at: ticket.approvedAt)
            if let limit = limitPassed(by: word, candidate) { return askAgain(id, candidate, after: limit) }
            return land(id, candidate, word)
        }
        let reasons = approvalReasons(candidate, ticket)
        guard reasons.isEmpty else {
            enter(id, .awaitingApproval(candidate, reasons))
            emit(.approvalRequested(id, reasons))
            return
        }
        land(id, candidate, Approval(by: .policy, head: candidate.head))
    }

    /// Why a human is asked; empty when the policy may decide.
    func approvalReasons(_ candidate: Candidate, _ ticket: Ticket) -> [ApprovalReason] {
        var reasons: [ApprovalReason] = []
        if candidate.rules.policy.approve == .human { reasons.append(.policy) }
        if candidate.rules.verifiers.isEmpty { reasons.append(.noVerifier) }
        let sensitive = candidate.rules.sensitivePaths(among: candidate.paths)
        if !sensitive.isEmpty { reasons.append(.sensitivePaths(sensitive)) }
        if ticket.approvedHead.map({ $0 != candidate.head }) ?? ticket.wasSentBack { reasons.append(.afterChange) }
        return reasons
    }
}
