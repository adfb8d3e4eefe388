// How a ticket leaves the queue and the agents' hands: to a human, landed, or cancelled; and how what it leaves behind is
// put away.

extension Orchestrator {
    /// A human has to say how it goes on. Whatever it occupied is free; its locks stay its own for a while, so that what
    /// it has done does not grow old under the human's hands.
    mutating func askHuman(_ id: TicketID, _ problem: Problem, resume stage: Stage) {
        // Nobody was seen at work under them for a long time already.
        if case .agentStale = problem { releaseLocks(of: id) }
        enter(id, .needsHuman(problem, resume: stage))
        emit(.humanNeeded(id, problem))
    }

    mutating func becomeCancelled(_ id: TicketID, _ reason: String) {
        let tidy = beginTidy(id)
        releaseLocks(of: id)
        enter(id, .cancelled(reason: reason, tidy: tidy))
        emit(.ticketCancelled(id, reason: reason))
        dependencyCancelled(id)
    }

    mutating func becomeMerged(_ id: TicketID, _ commit: ObjectID) {
        let tidy = beginTidy(id)
        releaseLocks(of: id)
        change(id) { $0.head = commit }
        enter(id, .merged(commit: commit, tidy: tidy))
        emit(.ticketMerged(id, commit: commit))
        dependencyLanded(id)
    }

    private mutating func beginTidy(_ id: TicketID) -> Tidy {
        guard tickets[id]!.worktree != nil else { return .done }
        change(id) { $0.lastSnapshot += 1 }
        return .pending
    }

    mutating func tidied(_ id: TicketID, _ outcome: TidyOutcome) {
        guard let ticket = tickets[id] else { return }
        if case .blocked(let reason) = outcome { return tidyBlocked(ticket, reason) }
        let tidy: Tidy = if case .done = outcome { .done } else { .left }
        switch ticket.state {
        case .merged(let commit, .pending): enter(id, .merged(commit: commit, tidy: tidy))
        case .cancelled(let reason, .pending): enter(id, .cancelled(reason: reason, tidy: tidy))
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman, .merged, .cancelled: return
        }
        switch outcome {
        case .done: emit(.ticketTidied(id))
        case .left(let reason), .blocked(let reason): emit(.ticketLeft(id, reason: reason))
        }
    }

    /// Still to be put away, once another git is out of the way. Said once.
    private mutating func tidyBlocked(_ ticket: Ticket, _ reason: String) {
        switch ticket.state {
        case .merged(_, .pending), .cancelled(_, .pending): break
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman, .merged, .cancelled: return
        }
        if retries[ticket.id] == nil { emit(.ticketLeft(ticket.id, reason: reason)) }
        if !isPlanted(.blockedTidyForgotten) { tryAgainLater(ticket.id) }
    }
}
