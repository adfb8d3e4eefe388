// A ticket that waits for a human keeps its locks for a while, and then lets go of them: others need not wait for a
// person who has gone home. It takes them again when it goes on, in its turn.

extension Orchestrator {
    mutating func markReviewHold(_ ticket: Ticket) {
        if case .needsHuman = ticket.state, fences[ticket.id] != nil {
            reviewHolds.set(ticket.id, min(ticket.since, now) + limits.reviewHold)
        } else {
            reviewHolds.remove(ticket.id)
        }
    }

    /// The clock went back: none is kept longer for that than it is to be kept at all.
    mutating func boundReviewHolds(at now: Instant) {
        let latest = now + limits.reviewHold
        for id in fences.keys where reviewHolds[id].map({ $0 > latest }) ?? false { reviewHolds.set(id, latest) }
    }

    mutating func endReviewHolds() {
        while let (deadline, id) = reviewHolds.min, deadline <= now {
            releaseLocks(of: id)
            emit(.locksReleased(id, after: limits.reviewHold))
        }
    }

    /// When the locks of this ticket are let go of, as things stand; nil when they are not.
    public func lockExpiry(of id: TicketID) -> Instant? {
        if case .ends(let at)? = tickets[id]?.stale?.next { return at }
        return reviewHolds[id]
    }
}
