// What the agent of a run is told about who else is at work.

/// Somebody else who holds locks in the same repository, or works there.
public struct Neighbour: Equatable, Sendable {
    public let holder: LockHolder
    /// Nil where it is a person.
    public let ticket: Ticket?
    /// Why, in a person's words.
    public let reason: String?
    public let holds: [LockPattern]
    /// What it waits for.
    public let wants: [LockPattern]
    /// Of what it holds or wants, what conflicts with what was asked about.
    public let conflicts: [LockPattern]
}

extension Orchestrator {
    /// The ticket whose agent this run is, while it works and nobody wants it to end.
    public func workingTicket(_ run: RunID) -> Ticket? {
        tickets[run.ticket].flatMap { $0.workingRun == run ? $0 : nil }
    }

    public func claim(_ key: String, of run: RunID) -> PathClaim? {
        workingTicket(run)?.dealings?.claims.first { $0.key == key }
    }

    public func question(_ key: String, of run: RunID) -> Question? {
        workingTicket(run)?.dealings?.questions.first { $0.key == key }
    }

    /// Whether the ticket holds all of these.
    public func holds(_ patterns: [LockPattern], _ ticket: Ticket) -> Bool { lacking(patterns, of: ticket).isEmpty }

    /// Whoever else holds locks in the ticket's repository, or works there: first those in conflict with these patterns, or
    /// with the ticket's own locks where none are given; then in the order of their names.
    public func neighbours(of ticket: Ticket, near asked: [LockPattern]) -> [Neighbour] {
        let near = asked.isEmpty ? ticket.locks : asked
        var holds: [LockHolder: [LockPattern]] = [:]
        var reasons: [LockHolder: String] = [:]
        for grant in grants.values.sorted(by: { $0.fence < $1.fence })
        where grant.repository == ticket.repository && grant.holder != .ticket(ticket.id) {
            holds[grant.holder, default: []].append(grant.pattern)
            reasons[grant.holder] = grant.person?.reason
        }
        for other in tickets.values
        where other.repository == ticket.repository && other.agent != nil && other.id != ticket.id {
            holds[.ticket(other.id)] = holds[.ticket(other.id)] ?? []
        }
        let all = holds.map { holder, held in
            let other = holder.asTicket.flatMap { tickets[$0] }
            let wants = (other?.dealings?.claims ?? []).flatMap(\.patterns)
            return Neighbour(
                holder: holder,
                ticket: other,
                reason: reasons[holder],
                holds: held,
                wants: wants,
                conflicts: (held + wants).filter { theirs in near.contains { $0.conflicts(with: theirs) } }
            )
        }
        return all.sorted { a, b in
            a.conflicts.isEmpty == b.conflicts.isEmpty ? a.holder < b.holder : !a.conflicts.isEmpty
        }
    }
}
