/// What the agent of a run and orch have between them while it works: what it waits for, what it has asked, and what it
/// has said last. It ends with the run, or when somebody wants the run to end.
public struct Dealings: Equatable, Sendable, Codable {
    /// Locks it waits for, in the order it asked for them. Only the first is looked at.
    public internal(set) var claims: [PathClaim] = []
    /// In the order it asked them; also those that have been answered, for an agent that asks again what became of them.
    public internal(set) var questions: [Question] = []
    public internal(set) var progress: Progress?

    init() {}

    /// The question that a person should answer first.
    public var openQuestion: Question? { questions.first { $0.answer == nil } }
}

/// Locks that a working agent wants to hold as well, and waits for.
public struct PathClaim: Equatable, Sendable, Codable {
    /// By this whoever asked knows it again.
    public let key: String
    public let patterns: [LockPattern]
    public let asked: Instant
    /// When it is given up.
    public let until: Instant
    /// Its place among all that wait: who has a smaller one comes first.
    public let place: Int

    /// Why one that was not granted is waited for no longer.
    public enum End: Equatable, Sendable {
        case limit
        /// By whoever asked, who may be gone.
        case withdrawn
        /// These wait for what the ticket holds, directly or through others, and hold what it wants.
        case cycle([TicketID])
    }
}

/// What an agent says about how far it is.
public struct Progress: Equatable, Sendable, Codable {
    public let text: String
    /// From 0 to 100.
    public let percent: Int?
    public let at: Instant
}

extension Ticket {
    /// Whether its author has said what it changes. Else it may change whatever nobody else holds, whatever locks its agent
    /// has taken at work.
    public var isBounded: Bool {
        guard let claimed, !claimed.isEmpty else { return !locks.isEmpty }
        return locks.contains { !claimed.contains($0) }
    }

    /// The run of its agent, while it works and nobody wants it to end.
    package var workingRun: RunID? {
        guard case .running(let running) = state, running.halt == nil, case .working(let run, let stale) = running.step,
            stale?.next != .ending
        else { return nil }
        return RunID(ticket: id, number: run)
    }
}
