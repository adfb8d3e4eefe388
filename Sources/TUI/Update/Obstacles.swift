import IPC

// Why a key cannot be used now, each in a sentence that says what would have to be so; nil where it can.

private let nothingSelected = "no ticket is selected"

func disconnectedObstacle(_ model: Model) -> String? {
    model.connection == .live ? nil : "not possible now: the daemon is not connected"
}

private func noTicket(_ model: Model) -> String {
    if model.focus == .landing { return "nothing is landing" }
    guard model.focus == .agents, let agent = model.agentInHand else { return nothingSelected }
    return "\(agent.id) works on no ticket"
}

func continueObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running": return "\(ticket.id) is \(ticket.reason == "stopping" ? "still stopping" : "running already")"
    case "queued": return "\(ticket.id) starts by itself: \(model.waiting[ticket.id] ?? "it waits for its turn")"
    case "landing": return "\(ticket.id) is landing already"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): nothing is left to do"
    default: return disconnectedObstacle(model)
    }
}

func stopObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "stopped": return "\(ticket.id) is stopped already"
    case "awaiting_approval", "needs_human_review": return "\(ticket.id) waits for you: no agent works on it"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): no agent works on it"
    default: return disconnectedObstacle(model)
    }
}

func openObstacle(_ model: Model) -> String? { model.ticketInHand == nil ? noTicket(model) : nil }

func approveObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running" where ticket.question != nil: return disconnectedObstacle(model)
    case "queued", "running": return "\(ticket.id) is \(ticket.state): it asks for your word once it is verified"
    case "stopped": return "\(ticket.id) is stopped: it has to go on first"
    case "landing": return "\(ticket.id) is landing already"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): nothing is left to approve"
    default: return disconnectedObstacle(model)
    }
}

func changesObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running" where ticket.question?.isPermission == true: return disconnectedObstacle(model)
    case "running" where ticket.question != nil: return "\(ticket.id) asks for an answer, not for leave"
    case "queued", "running", "landing":
        return "\(ticket.id) is \(ticket.state): changes can be asked for while it waits for you"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): nothing is left to change"
    default: return disconnectedObstacle(model)
    }
}

func messageObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): no agent will work on it any more"
    default: return disconnectedObstacle(model)
    }
}

func retryObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running", "landing": return "\(ticket.id) is \(ticket.state): stop it first"
    case "awaiting_approval": return "\(ticket.id) waits for your approval: approve it, or request changes"
    default: return continueObstacle(model)
    }
}

func cancelObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "merged", "pr_open", "done":
        return "\(ticket.id) is \(stateWord(ticket.state)): it cannot be given up any more"
    case "cancelled": return "\(ticket.id) is cancelled already"
    default: return disconnectedObstacle(model)
    }
}

func editObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running", "landing": return "\(ticket.id) is \(ticket.state): stop it first"
    case "awaiting_approval": return "\(ticket.id) waits for your approval: request changes instead"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): file a new ticket instead"
    default: return disconnectedObstacle(model)
    }
}

func worktreeObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    guard ticket.worktree == nil else { return nil }
    let isFinished = TicketGroup(state: ticket.state) == .done
    return isFinished ? "the worktree of \(ticket.id) has been put away" : "\(ticket.id) has no worktree yet"
}

func newTicketObstacle(_ model: Model) -> String? {
    disconnectedObstacle(model)
        ?? (model.repositories.isEmpty ? "orch knows no repository yet: run orch init in one" : nil)
}

/// The word of a key that the status bar names only where it can be used.
func whenPossible(_ word: String, _ model: Model, unless obstacle: (Model) -> String?) -> String? {
    model.ticketInHand != nil && obstacle(model) == nil ? word : nil
}

extension TicketRow {
    /// Its agent asks whether it may do something.
    var asksLeave: Bool { state == "running" && question?.isPermission == true }

    /// What a person who is for it does, in a word; nil where it asks nobody.
    var yesWord: String? {
        switch state {
        case "awaiting_approval": "with comment"
        case "running" where question != nil: asksLeave ? "allow" : "answer"
        default: nil
        }
    }
}
