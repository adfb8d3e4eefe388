// What the simulator asks of the indexes: that they say what the facts they are made from say.

extension Orchestrator {
    /// How its indexes differ from ones made afresh; nil in an orchestrator that is as it should be. Takes as long as a
    /// start does.
    package var inconsistency: String? {
        let rebuilt = Orchestrator(limits: limits, restoring: stored)
        if rebuilt.held.filter({ !$0.value.isEmpty }) != held.filter({ !$0.value.isEmpty }) {
            return "held locks differ from the grants"
        }
        if rebuilt.fences != fences { return "fences differ from the grants" }
        if rebuilt.agents != agents { return "agents differ from the tickets: \(agents)" }
        if rebuilt.freeAgents != freeAgents { return "free agents are \(freeAgents)" }
        if rebuilt.working != working { return "agents at work are \(working)" }
        if rebuilt.unmet != unmet { return "unmet dependencies are \(unmet)" }
        if rebuilt.dependants != dependants { return "dependants are \(dependants)" }
        if rebuilt.queuedTickets != queuedTickets { return "queued tickets are \(queuedTickets)" }
        if rebuilt.waitingForPaths != waitingForPaths { return "wait for paths: \(waitingForPaths)" }
        if rebuilt.blockedLandings != blockedLandings { return "blocked landings are \(blockedLandings)" }
        if rebuilt.scheduler.members != scheduler.members { return "the scheduler has \(scheduler.members)" }
        if rebuilt.claiming != claiming { return "agents that wait for locks are those of \(claiming)" }
        if rebuilt.waitingAgents != waitingAgents { return "agents that wait are those of \(waitingAgents)" }
        if rebuilt.waitEnds.count != waitEnds.count { return "\(waitEnds.count) waits end by themselves" }
        if spent != Spent(ledger, on: spent.day) { return "spent is \(spent), the ledger says \(ledger)" }
        return scheduler.inconsistency.map { "the scheduler: \($0)" }
    }

    /// The moment of the last input.
    package var heardAt: Instant { now }

    /// Whether an agent slot has nothing to do.
    package var hasFreeAgent: Bool { !freeAgents.isEmpty }

    /// Repositories whose target could not be pushed, and when it is tried again; nil while it is.
    package var nextPushes: [RepositoryID: Instant?] { pushRetries.mapValues(\.at) }

    /// Landings that the user's checkout is in the way of, and when they are tried again; nil while they are.
    package var nextTries: [TicketID: Instant?] { retries.mapValues(\.at) }
}
