// What people ask of tickets. Each command says what it does in each state; one that finds its wish already fulfilled
// changes nothing and succeeds, so that all are safe to repeat.

extension Orchestrator {
    mutating func obey(_ command: Command, _ id: TicketID) throws(Refusal) {
        guard knows(id) else {
            throw Refusal(.notFound, "there is no ticket \(id)", hint: "`orch list --all` shows every ticket")
        }
        if let end = end(of: id) { return try refuseEnded(command, id, end) }
        switch command {
        case .continue, .retry: try goOn(id, command)
        case .stop: try stop(id)
        case .cancel(let reason): try cancel(id, reason)
        case .approve(let comment): try approve(id, comment)
        case .requestChanges(let comment): try requestChanges(id, comment)
        case .steer(let message): try steer(id, message)
        }
    }

    /// Nothing can be done any more; what has been done already need not be.
    private func refuseEnded(_ command: Command, _ id: TicketID, _ end: End) throws(Refusal) {
        switch (command, end) {
        case (.cancel, .cancelled), (.approve, .merged): return
        case (.continue, _), (.retry, _): throw refused(command, id, "it is \(end.name)", "file a new ticket")
        case (.stop, _): throw refused(command, id, "it is \(end.name)", "nothing of it is left to stop")
        // `reject` asks for the same.
        case (.cancel, .merged):
            throw Refusal(.refused, "cannot give \(id) up: it has landed", hint: "revert its commit instead")
        case (.approve, .cancelled): throw refused(command, id, "it is \(end.name)", "file a new ticket")
        case (.requestChanges, _): throw notWaiting(command, id, end.name)
        case (.steer, _): throw refused(command, id, "it is \(end.name)", "file a new ticket")
        }
    }

    private mutating func goOn(_ id: TicketID, _ command: Command) throws(Refusal) {
        switch tickets[id]!.state {
        case .queued, .running, .landing:
            if tickets[id]!.halt != nil {
                throw refused(command, id, "it is being stopped", "wait until it has stopped")
            }
            // What was asked for a moment ago waits in the queue; there it may be asked again.
            if case .queued = tickets[id]!.state { return }
            if command == .retry {
                throw refused(command, id, "it is \(tickets[id]!.state.name)", "`orch stop \(id)` first")
            }
        case .stopped(let stage, _), .needsHuman(_, let stage):
            try refuseUnlandable(id, command)
            if stage == .work { try refuseOverBudget(id, command) }
            if command == .retry {
                change(id) { ticket in
                    ticket.feedback = nil
                    ticket.session = nil
                }
            }
            resume(id, at: stage, command)
        case .awaitingApproval:
            guard command == .continue else {
                throw refused(command, id, "it waits for approval", "use `orch approve` or `orch request-changes`")
            }
            try approve(id, nil)
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        }
    }

    /// In the queue it would wait for ever for a dependency that will never land.
    private func refuseUnlandable(_ id: TicketID, _ command: Command) throws(Refusal) {
        for dependency in tickets[id]!.dependsOn {
            switch problem(withDependency: dependency) {
            case .unknown?:
                throw refused(
                    command,
                    id,
                    "it depends on \(dependency), which does not exist",
                    "cancel it, or file \(dependency)"
                )
            case .cancelled?:
                throw refused(
                    command,
                    id,
                    "it depends on \(dependency), which was cancelled",
                    "cancel it, and file it again without that dependency"
                )
            case nil: continue
            }
        }
    }

    private mutating func resume(_ id: TicketID, at stage: Stage, _ command: Command) {
        enter(id, .queued(resume: stage))
        emit(.ticketContinued(id, command))
    }

    private mutating func stop(_ id: TicketID) throws(Refusal) {
        switch tickets[id]!.state {
        case .stopped(_, nil):
            return
        case .queued(let stage), .stopped(let stage, _):
            enter(id, .stopped(resume: stage))
            emit(.ticketStopped(id))
        case .running, .landing:
            try halt(id, .stop, naming: .stop)
        case .awaitingApproval, .needsHuman:
            throw refused(.stop, id, "nothing of it runs: it waits for a human", "use `orch cancel` to end it")
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        }
    }

    private mutating func cancel(_ id: TicketID, _ reason: String) throws(Refusal) {
        switch tickets[id]!.state {
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        case .running, .landing: try halt(id, .cancel(reason: reason), naming: .cancel(reason: reason))
        case .queued, .stopped, .awaitingApproval, .needsHuman: becomeCancelled(id, reason)
        }
    }

    /// What is under way is awaited; what can be ended at once, is.
    mutating func halt(_ id: TicketID, _ halt: Halt, naming command: Command) throws(Refusal) {
        switch (tickets[id]!.halt, halt) {
        // It is ending already; to be cancelled is to be stopped.
        case (halt?, _), (.cancel?, .stop), (.cancel?, .standstill), (.stop?, .standstill): return
        // A human is asked already, and nothing of it goes on by itself.
        case (.budget?, .standstill): return
        case (nil, _), (.stop?, _), (.cancel?, _), (.standstill?, _), (.budget?, _): break
        }
        switch tickets[id]!.state {
        case .running(var running):
            switch (running.step, halt) {
            case (.snapshotting(.stopped), .stop), (.snapshotting(.cancelled), .stop): return
            default: break
            }
            running.halt = halt
            enter(id, .running(running))
            emit(.ticketStopping(id))
            if case .trying(.waitingForSlot) = running.step { settleHalt(id) }
        case .landing(var landing):
            if isAdvancing(id, landing) {
                // Its outcome is on the way, and decides.
                throw refused(command, id, "it is landing at this moment", "look again in a second")
            }
            if landing.mayHaveLanded == true {
                throw refused(
                    command,
                    id,
                    "it may have landed, and its repository is not there to be asked",
                    "put the repository back, or run `orch init` where it is now"
                )
            }
            landing.halt = halt
            enter(id, .landing(landing))
            emit(.ticketStopping(id))
            switch landing.step {
            case .waiting, .waitingForPaths, .blocked, .trying(.waitingForSlot): settleHalt(id)
            case .trying, .advancing: break
            }
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled:
            preconditionFailure("nothing of \(id) is under way")
        }
    }

    private mutating func approve(_ id: TicketID, _ comment: String?) throws(Refusal) {
        switch tickets[id]!.state {
        case .landing: return
        case .awaitingApproval(let candidate, _):
            note(comment, on: id)
            let waives = tickets[id]!.waivedHead == candidate.head
            land(id, candidate, Approval(by: .human, head: candidate.head, waivesLocks: waives, at: now))
        case .needsHuman(.lockViolation(_, let candidate), _):
            note(comment, on: id)
            change(id) { [now] ticket in
                ticket.approvedHead = candidate.head
                ticket.approvedAt = now
                ticket.waivedHead = candidate.head
            }
            guard candidate.hasPassed(for: tickets[id]!), tickets[id]!.locks.isEmpty || fences[id] != nil else {
                // Let through, but not yet tested, or its locks have been let go of meanwhile: the verify stage comes
                // first, and remembers the word given.
                return resume(id, at: .verify, .approve())
            }
            land(id, candidate, Approval(by: .human, head: candidate.head, waivesLocks: true, at: now))
        case .queued(.verify) where tickets[id]!.approvedHead != nil:
            return  // Its word has been given, and it is on its way to being tested.
        case .queued: throw refused(.approve(), id, "it is queued", "it asks for your word once it has been verified")
        case .running(let running):
            throw refused(
                .approve(),
                id,
                "it is running (\(running.reason))",
                "it asks for your word once it is verified"
            )
        case .stopped: throw refused(.approve(), id, "it is stopped", "`orch continue \(id)` lets it go on first")
        case .needsHuman(let problem, _): throw unapprovable(id, problem)
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        }
    }

    private mutating func requestChanges(_ id: TicketID, _ comment: String) throws(Refusal) {
        switch tickets[id]!.state {
        case .awaitingApproval, .needsHuman, .stopped:
            try refuseUnlandable(id, .requestChanges(comment: comment))
            try refuseOverBudget(id, .requestChanges(comment: comment))
            change(id) { ticket in
                ticket.feedback = .changesRequested(comment: comment)
                // Who asks for changes takes back what was approved before, and wants to see what comes of it.
                if ticket.approvedHead != nil { ticket.wasSentBack = true }
                ticket.approvedHead = nil
                ticket.waivedHead = nil
            }
            forgetClaims(of: id)
            resume(id, at: .work, .requestChanges(comment: comment))
        case .queued, .running, .landing:
            throw notWaiting(.requestChanges(comment: comment), id, tickets[id]!.state.name)
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        }
    }

    private mutating func note(_ comment: String?, on id: TicketID) {
        if let comment, !comment.isEmpty { emit(.ticketCommented(id, comment: comment)) }
    }

    /// There is nothing verified that could land.
    private func unapprovable(_ id: TicketID, _ problem: Problem) -> Refusal {
        let hint = "`orch continue \(id)` takes the stage again that failed; `orch request-changes \(id)` sends it back"
        return refused(.approve(), id, problem.sentence, hint)
    }

    private func notWaiting(_ command: Command, _ id: TicketID, _ state: String) -> Refusal {
        refused(command, id, "it is \(state)", "changes can be asked for while it waits for a human")
    }

    func refused(_ command: Command, _ id: TicketID, _ why: String, _ hint: String?) -> Refusal {
        Refusal(.refused, "cannot \(command.name) \(id): \(why)", hint: hint)
    }
}
