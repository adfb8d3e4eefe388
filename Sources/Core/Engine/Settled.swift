// Tickets of which nothing more can come. A daemon that has landed a hundred thousand need not keep them all in mind:
// how each ended is all that a decision can depend on.

/// How a final ticket ended.
public enum End: Equatable, Sendable {
    case merged, cancelled

    /// The word of the wire.
    var name: String {
        switch self {
        case .merged: "merged"
        case .cancelled: "cancelled"
        }
    }
}

extension Ticket {
    /// How it ended; nil while it has not.
    public var end: End? {
        switch state {
        case .merged: .merged
        case .cancelled: .cancelled
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman: nil
        }
    }

    /// Whether it is final and put away, or left where it is for good: it never changes again.
    public var isSettled: Bool {
        switch state {
        case .merged(_, let tidy), .cancelled(_, let tidy): tidy != .pending
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman: false
        }
    }
}

extension Orchestrator {
    /// Lets go of what is known of settled tickets, but for how they ended. What they were is for the store to say.
    public mutating func forget(settled ids: some Sequence<TicketID>) {
        for id in ids {
            guard let ticket = tickets[id], ticket.isSettled, let end = ticket.end else {
                preconditionFailure("\(id) has not settled")
            }
            tickets[id] = nil
            settled[id] = end
        }
    }

    /// Whether there is such a ticket, or was one.
    public func knows(_ id: TicketID) -> Bool { tickets[id] != nil || settled[id] != nil }

    /// How the ticket ended; nil while it has not, and for one that never was.
    public func end(of id: TicketID) -> End? { settled[id] ?? tickets[id]?.end }

    /// Why the ticket will never land, and whoever depends on it with it; nil when it has, or still may.
    func problem(withDependency id: TicketID) -> Problem.DependencyProblem? {
        if !knows(id) { return .unknown }
        return end(of: id) == .cancelled ? .cancelled : nil
    }
}
