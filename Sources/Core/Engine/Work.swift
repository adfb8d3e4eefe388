// A running ticket, from its worktree to its commits: prepare, set up, work, collect; and the snapshot that comes
// before anything else when it goes wrong or is halted.

extension Orchestrator {
    /// The ticket's step, if it is running. Outcomes may come late (after a restart the same effect may have been
    /// asked twice); one that no longer fits is dropped by whoever asks for the step it belongs to.
    private func running(_ id: TicketID) -> Running? {
        guard case .running(let running) = tickets[id]?.state else { return nil }
        return running
    }

    private mutating func step(_ id: TicketID, _ step: Step) {
        guard var running = running(id) else { preconditionFailure("\(id) is not running") }
        running.step = step
        enter(id, .running(running))
    }

    mutating func worktreeReady(
        _ id: TicketID,
        branch: String,
        base: ObjectID,
        head: ObjectID,
        _ rules: Rules,
        _ notes: [String]
    ) {
        guard let running = running(id), case .preparing(let stage) = running.step else { return }
        noteLimit(rules, in: tickets[id]!.repository)
        change(id) { ticket in
            ticket.worktree?.branch = branch
            ticket.worktree?.lockViolation = rules.policy.lockViolation
            if ticket.worktree?.base == nil { ticket.worktree?.base = base }
            ticket.head = head
        }
        let prepared = Event.worktreePrepared(id, branch: branch, base: base, notes: notes)
        if running.halt != nil {
            emit(prepared)
            return settleHalt(id)
        }
        if let refusal = unusable(rules, in: tickets[id]!.repository) {
            emit(prepared)
            return askHuman(id, refusal, resume: stage)
        }
        switch stage {
        case .verify:
            step(id, .trying(.building))
            emit(prepared)
        case .work:
            emit(prepared)
            if let setup = rules.setup, tickets[id]!.worktree?.isSetUp == false { setUp(id, setup) } else { work(id) }
        }
    }

    /// Why the repository's rules at this commit cannot be followed.
    func unusable(_ rules: Rules, in repository: RepositoryID) -> Problem? {
        if let problem = rules.problem { return .configuration(problem) }
        guard repositories[repository]!.trusts(rules) else { return .untrusted(digest: rules.digest) }
        return nil
    }

    mutating func worktreeFailed(_ id: TicketID, _ reason: String) {
        guard let running = running(id), case .preparing(let stage) = running.step else { return }
        if running.halt != nil { return settleHalt(id) }
        askHuman(id, .worktreeFailed(reason), resume: stage)
    }

    private mutating func setUp(_ id: TicketID, _ setup: Setup) {
        let run = newRun(of: id, name: "setup", stage: "setup")
        step(id, .settingUp(run: run, setup))
        emit(.runRequested(RunID(ticket: id, number: run), name: "setup", stage: "setup"))
    }

    /// Starts the agent, with the feedback there is, where the budgets let it.
    mutating func work(_ id: TicketID) {
        guard mayWork(id) else { return }
        let agent = running(id)!.agent
        let run = newRun(of: id, name: agent.description, stage: "work")
        change(id) { ticket in
            ticket.attempts += 1
            ticket.lastAgentRun = run
        }
        open(id, run: run)
        step(id, .working(run: run))
        emit(.runRequested(RunID(ticket: id, number: run), name: agent.description, stage: "work"))
    }

    // MARK: runs

    mutating func runStarted(_ run: RunID, _ at: Instant) {
        guard let ticket = tickets[run.ticket], ticket.currentRun == run else { return }
        journal.record(.started(run, at))
        emit(.runStarted(run))
    }

    mutating func runEnded(_ run: RunID, _ outcome: RunOutcome, _ at: Instant) {
        guard let ticket = tickets[run.ticket], let current = ticket.currentRun,
            current == run || isPlanted(.staleRunAccepted)
        else { return }
        // Its runner knows only that it was to stop it.
        let outcome = outcome == .stopped && ticket.stale != nil ? .stale : outcome
        journal.record(.ended(run, at, outcome))
        emit(.runEnded(run, outcome))
        if ticket.trial != nil { return verifierEnded(run, outcome) }
        guard let running = running(run.ticket) else { return }
        if case .working = running.step { settleMessages(run, outcome) }
        if running.halt != nil, !goOnOverBudget(run, outcome) { return settleHalt(run.ticket) }
        switch running.step {
        case .settingUp: setupEnded(run, outcome)
        case .working: agentEnded(run, outcome)
        case .preparing, .collecting, .trying, .snapshotting: break
        }
    }

    /// An agent that was done before it was stopped for a budget has cost what it has cost: its work is taken. While everything
    /// is halted nothing goes on, and a human is asked.
    private mutating func goOnOverBudget(_ run: RunID, _ outcome: RunOutcome) -> Bool {
        guard outcome == .exited(0), standstill == nil, var running = running(run.ticket),
            case .budget? = running.halt
        else { return false }
        running.halt = nil
        enter(run.ticket, .running(running))
        return true
    }

    private mutating func setupEnded(_ run: RunID, _ outcome: RunOutcome) {
        guard outcome == .exited(0) else {
            return snapshot(run.ticket, .needsHuman(.setupFailed(run: run.number, outcome.phrase), resume: .work))
        }
        change(run.ticket) { $0.worktree?.isSetUp = true }
        work(run.ticket)
    }

    private mutating func agentEnded(_ run: RunID, _ outcome: RunOutcome) {
        let id = run.ticket
        switch outcome {
        case .exited(0):
            change(id) { $0.lastSnapshot += 1 }
            step(id, .collecting)
            emit(.ticketChanged(id))
        case .stopped where tickets[id]!.loop?.run == run.number && tickets[id]!.loop?.step == .ended:
            let finding = tickets[id]!.loop!.finding
            snapshot(id, .needsHuman(.agentLooped(run: run.number, finding), resume: .work))
        case .stopped:
            snapshot(id, .stopped(resume: .work))
        case .lost(let reason):
            guard countFailure(id, .runLost(run)) else {
                return snapshot(id, .needsHuman(.agentFailed(run: run.number, "lost: \(reason)"), resume: .work))
            }
            if isPlanted(.lostWorkNotSaved) { return work(id) }
            snapshot(id, .again)
        case .stale:
            let attempts = tickets[id]!.failures["stale", default: 0]
            guard countFailure(id, .runStale(run)) else {
                return snapshot(id, .needsHuman(.agentStale(run: run.number, attempts: attempts), resume: .work))
            }
            snapshot(id, .queue(.runStale(run)))
        case .failed where tickets[id]!.lostSession == run.number:
            // It has done nothing, and a new one knows nothing yet: it is told what a first one would be.
            snapshot(id, .again)
        case .exited, .signalled, .timedOut, .notStarted, .failed, .unknown:
            snapshot(id, .needsHuman(.agentFailed(run: run.number, outcome.phrase), resume: .work))
        }
    }

    /// Counts a failure that could go back to the agent. False when its kind has gone back often enough.
    mutating func countFailure(_ id: TicketID, _ feedback: Feedback, limit: Int = 2) -> Bool {
        guard let fingerprint = feedback.fingerprint else { return true }
        let count = tickets[id]!.failures[fingerprint, default: 0]
        guard count < limit else { return false }
        change(id) { ticket in
            ticket.failures[fingerprint] = count + 1
            // A run that came to nothing has told the agent nothing: what it was to be told still holds.
            switch feedback {
            case .runLost, .runStale: ticket.feedback = ticket.feedback ?? feedback
            case .verifierFailed, .conflict, .changesRequested: ticket.feedback = feedback
            }
        }
        return true
    }

    /// Counts a verifier whose runner died. False when that has happened often enough to this ticket.
    mutating func countFailure(_ id: TicketID, lostVerifier run: RunID, limit: Int = 2) -> Bool {
        let count = tickets[id]!.failures["lost verifier", default: 0]
        guard count < limit else { return false }
        change(id) { $0.failures["lost verifier"] = count + 1 }
        return true
    }

    // MARK: collecting

    mutating func workCollected(_ id: TicketID, head: ObjectID, changed: Bool, committedLeftovers: Bool) {
        guard let running = running(id), case .collecting = running.step else { return }
        change(id) { ticket in
            ticket.head = head
            ticket.feedback = nil
        }
        if isPlanted(.failuresForgotten) { change(id) { $0.failures = [:] } }
        emit(.workCollected(id, head: head, committedLeftovers: committedLeftovers))
        let hasMessages = tickets[id]!.messages != nil
        if running.halt != nil { return settleHalt(id, resume: changed && !hasMessages ? .verify : .work) }
        if hasMessages { return work(id) }
        guard changed else { return askHuman(id, .noChange(run: tickets[id]!.lastRun), resume: .work) }
        step(id, .trying(.building))
        emit(.ticketChanged(id))
    }

    mutating func collectFailed(_ id: TicketID, _ reason: String) {
        guard let running = running(id), case .collecting = running.step else { return }
        if running.halt != nil { return settleHalt(id) }
        askHuman(id, .collectFailed(reason), resume: .work)
    }

    // MARK: snapshots

    /// Saves the worktree before the ticket goes on.
    mutating func snapshot(_ id: TicketID, _ aftermath: Aftermath) {
        change(id) { $0.lastSnapshot += 1 }
        step(id, .snapshotting(aftermath))
        emit(.ticketChanged(id))
    }

    mutating func snapshotEnded(_ id: TicketID, failure: String?) {
        guard let running = running(id), case .snapshotting(let aftermath) = running.step else { return }
        if let failure {
            emit(.snapshotFailed(id, reason: failure))
        } else {
            emit(.snapshotTaken(id, number: tickets[id]!.lastSnapshot))
        }
        // A human's word given meanwhile goes before what was going to happen.
        switch (running.halt, aftermath) {
        case (.cancel(let reason), _), (_, .cancelled(let reason)): becomeCancelled(id, reason)
        case (.standstill, .stopped(let stage)): becomeStill(id, resume: stage)
        case (_, .stopped(let stage)): becomeStopped(id, resume: stage)
        case (.standstill, .again): becomeStill(id, resume: .work)
        case (.stop, .again), (.stop, .queue): becomeStopped(id, resume: .work)
        case (.budget(let problem), .again), (.budget(let problem), .queue):
            askHuman(id, .budget(problem), resume: .work)
        case (_, .needsHuman(let problem, let stage)): askHuman(id, problem, resume: stage)
        case (nil, .again): work(id)
        case (nil, .queue(let feedback)), (.standstill, .queue(let feedback)):
            releaseLocks(of: id)
            enter(id, .queued(resume: .work))
            emit(.sentBack(id, feedback, attempt: tickets[id]!.failures[feedback.fingerprint!]!))
        }
    }

    private mutating func becomeStopped(_ id: TicketID, resume stage: Stage) {
        enter(id, .stopped(resume: stage))
        emit(.ticketStopped(id))
    }

    /// What was under way for a halted ticket has ended. It goes on at `resume`, else with the step it was at.
    mutating func settleHalt(_ id: TicketID, resume: Stage? = nil) {
        let ticket = tickets[id]!
        guard let halt = ticket.halt else { preconditionFailure("\(id) is not being halted") }
        switch ticket.state {
        case .running(let running):
            let stage = resume ?? running.step.stage
            let nothingToSave = ticket.worktree?.base == nil
            switch halt {
            case .stop where nothingToSave: becomeStopped(id, resume: stage)
            case .cancel(let reason) where nothingToSave: becomeCancelled(id, reason)
            case .standstill where nothingToSave: becomeStill(id, resume: stage)
            case .stop, .standstill: snapshot(id, .stopped(resume: stage))
            case .cancel(let reason): snapshot(id, .cancelled(reason: reason))
            case .budget(let problem): snapshot(id, .needsHuman(.budget(problem), resume: stage))
            }
        case .landing:
            // Its work was collected before it was approved: there is nothing left to save.
            switch halt {
            case .stop: becomeStopped(id, resume: .verify)
            case .standstill: stayInLandingQueue(id)
            case .cancel(let reason): becomeCancelled(id, reason)
            case .budget: preconditionFailure("no agent works on \(id)")
            }
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled:
            preconditionFailure("nothing of \(id) was under way")
        }
    }
}

extension Step {
    /// The stage of the workflow it belongs to.
    fileprivate var stage: Stage {
        switch self {
        case .preparing(let stage): stage
        case .settingUp, .working, .collecting, .snapshotting: .work
        case .trying: .verify
        }
    }
}
