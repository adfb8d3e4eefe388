import Core

/// What the monitor of agents tells. It may come late, and in any order.
package enum Quietness: String, CaseIterable, Sendable {
    case went, stirred, stayed

    func input(_ run: RunID, at now: Instant) -> Input {
        switch self {
        case .went: .runWentQuiet(run, since: now + .seconds(-300), lookedAt: [.output, .files], grace: .seconds(120))
        case .stirred: .runStirred(run, by: .output)
        case .stayed: .runStayedQuiet(run)
        }
    }
}

extension Chooser {
    /// An agent falls silent; one that is stale already wakes up, or does not.
    mutating func quiet(_ run: RunID, _ simulation: Simulation) -> Action {
        let isStale = simulation.shell.core.tickets[run.ticket]?.stale != nil
        return .quiet(run, Quietness.allCases[random.weighted(isStale ? [1, 5, 4] : [8, 1, 1])])
    }
}
