import Core

/// How long one decision takes with many tickets in the queue, over 1,000 directories: a ticket ends, its agent and
/// its lock are free, and the next one starts. Making the queue, and asking for the end, are not counted.
@main struct Scheduling {
    static func main() {
        print("queued     decision: median       p99     worst   ratio | wide lock released: median     worst")
        var base: Duration?
        for queued in [1000, 10_000, 100_000] {
            let decisions = Backlog(queued: queued).decisions(2000)
            let releases = Backlog(queued: queued).releases(50)
            base = base ?? decisions.median
            let ratio = decisions.median / base!
            print(
                "\(queued)".padded(7),
                decisions.median.text.padded(20),
                decisions.p99.text.padded(9),
                decisions.max()!.text.padded(9),
                "\(Double(Int(ratio * 100)) / 100)×".padded(7),
                "|",
                releases.median.text.padded(26),
                releases.max()!.text.padded(9)
            )
        }
    }
}

/// A queue that is kept as long as it was.
struct Backlog {
    private static let directories = 1000
    private static let agents = 5

    private var orchestrator: Orchestrator
    private let repository = RepositoryID("r1")
    private let now = Instant(milliseconds: 0)
    private var number = 0
    private let locks: [[LockPattern]]

    init(queued: Int) {
        orchestrator = Orchestrator(limits: Orchestrator.Limits(agents: Self.agents, verificationSlots: 1))
        locks = (0..<Self.directories).map { Self.pattern("src/module\($0)/**") }
        let tip = ObjectID("0")
        _ = orchestrator.handle(.repositoryAsked(path: "/r", target: "main", tip: tip, trusted: []), at: now)
        while number < queued {
            let new = (0..<1000).map { _ in nextTicket() }
            _ = orchestrator.handle(.enqueueAsked(repository, new), at: now)
        }
    }

    private static func pattern(_ text: String) -> [LockPattern] {
        guard let pattern = try? LockPattern(text) else { preconditionFailure("\(text) is a pattern") }
        return [pattern]
    }

    private mutating func nextTicket() -> NewTicket {
        number += 1
        return NewTicket(
            title: "Ticket \(number)",
            priority: number % 7 == 0 ? 1 : 0,
            locks: locks[number * 31 % Self.directories],
            profile: "script"
        )
    }

    private mutating func enqueue(_ ticket: NewTicket) {
        _ = orchestrator.handle(.enqueueAsked(repository, [ticket]), at: now)
    }

    private func running(_ agent: Int) -> TicketID {
        guard let ticket = orchestrator.agents[AgentID(agent)]?.ticket else { preconditionFailure("agents are busy") }
        return ticket
    }

    /// Its agent and its locks are free once this has been handled.
    private mutating func end(_ ticket: TicketID) -> Duration {
        _ = orchestrator.handle(.commandGiven(.cancel(reason: "ended"), ticket), at: now)
        let clock = ContinuousClock()
        let start = clock.now
        let decision = orchestrator.handle(.worktreeFailed(ticket, reason: ""), at: now)
        let duration = clock.now - start
        precondition(decision.effects.contains { if case .prepareWorktree = $0 { true } else { false } })
        return duration
    }

    /// What it takes to start the next ticket when one ends.
    consuming func decisions(_ count: Int) -> [Duration] {
        var backlog = self
        return (0..<count).map { turn in
            let duration = backlog.end(backlog.running(1 + turn % Self.agents))
            let ticket = backlog.nextTicket()
            backlog.enqueue(ticket)
            return duration
        }
    }

    /// The worst there is: a ticket ends that held everything, and so kept every directory's tickets waiting.
    consuming func releases(_ count: Int) -> [Duration] {
        var backlog = self
        return (0..<count).map { turn in
            let wide = TicketID("wide\(turn)")
            let new = NewTicket(
                id: wide,
                title: "All",
                priority: 1_000_000,
                locks: Self.pattern("**"),
                profile: "script"
            )
            backlog.enqueue(new)
            // It reserves everything: the others end, and nobody starts until it has.
            for agent in 1...Self.agents {
                guard let ticket = backlog.orchestrator.agents[AgentID(agent)]?.ticket, ticket != wide else { continue }
                _ = backlog.orchestrator.handle(.commandGiven(.cancel(reason: "ended"), ticket), at: backlog.now)
                _ = backlog.orchestrator.handle(.worktreeFailed(ticket, reason: ""), at: backlog.now)
            }
            for _ in 1...Self.agents {
                let ticket = backlog.nextTicket()
                backlog.enqueue(ticket)
            }
            return backlog.end(wide)
        }
    }
}

extension [Duration] {
    var median: Duration { sorted()[count / 2] }
    var p99: Duration { sorted()[count * 99 / 100] }
}

extension Duration {
    /// In microseconds.
    var text: String {
        let nanoseconds = components.attoseconds / 1_000_000_000 + components.seconds * 1_000_000_000
        return "\(Double(nanoseconds / 100) / 10) µs"
    }
}

extension String {
    func padded(_ width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }
}
