// Agents that go round in circles: told so first, then interrupted, then ended, and a human is asked. Who notices is the
// daemon, from what their streams say.

/// How often an agent was found to go round in circles in one run.
public struct Loop: Equatable, Sendable, Codable {
    public let run: Int
    public internal(set) var count: Int
    /// What it did, as a sentence about it.
    public internal(set) var finding: String

    /// What is done about it.
    public enum Step: String, Equatable, Sendable, Codable {
        case nudged, interrupted, ended
    }

    public var step: Step {
        switch count {
        case ...1: .nudged
        case 2: .interrupted
        default: .ended
        }
    }
}

extension Orchestrator {
    mutating func agentLooped(_ run: RunID, _ finding: String) {
        guard let running = working(run) else { return }
        var loop = Loop(run: run.number, count: 0, finding: finding)
        if let known = tickets[run.ticket]!.loop, known.run == run.number { loop = known }
        guard loop.step != .ended else { return }
        loop.count += 1
        loop.finding = finding
        let message = Message(
            number: (tickets[run.ticket]!.lastMessage ?? 0) + 1,
            text: """
                You are going round in circles: \(finding). Stop and think about what else could be the cause, and do \
                something different. If you cannot go on, say what is in the way.
                """,
            at: now,
            delivery: .handed(run: run.number)
        )
        change(run.ticket) { ticket in
            ticket.loop = loop
            guard loop.step != .ended else { return }
            ticket.lastMessage = message.number
            ticket.messages = (ticket.messages ?? []) + [message]
        }
        emit(.agentLooped(run, running.agent, finding, loop.step))
    }
}
