// What the machine orch runs on does to it: a full disk, and a clock that jumps.

extension Orchestrator {
    /// What runs goes on; nothing new starts. Told once.
    mutating func diskFilled() {
        guard !isDiskFull else { return }
        isDiskFull = true
        emit(.diskFilled)
    }

    mutating func diskHasRoom() {
        guard isDiskFull else { return }
        isDiskFull = false
        emit(.diskFreed)
    }

    /// What was due in a minute still is.
    mutating func clockJumped(_ by: Duration) {
        for (id, retry) in retries { retries[id]!.at = retry.at.map { $0 + by } }
        for (id, retry) in pushRetries { pushRetries[id]!.at = retry.at.map { $0 + by } }
        putOffWaits(by)
        measure.putOffDue(by)
    }
}

extension Orchestrator {
    /// What was true before these changes, oldest first, came to be: for a shell that could not store them, and goes on
    /// saying what is durable.
    public func before(
        _ changes: [Changes],
        counters: Counters,
        isDiskFull: Bool,
        standstill: Standstill?,
        ledger: [UTCDay: Usage],
        at now: Instant
    ) -> Orchestrator {
        var tickets = tickets
        var repositories = repositories
        var grants = grants
        var since = agents.mapValues(\.since)
        for changes in changes.reversed() {
            for change in changes.tickets { Self.undo(change, \.id, in: &tickets) }
            for change in changes.repositories { Self.undo(change, \.id, in: &repositories) }
            for change in changes.grants.reversed() { Self.undo(change, \.fence, in: &grants) }
            for change in changes.agents { since[(change.old ?? change.new)!.id] = change.old?.since }
        }
        let stored = StoredState(
            tickets: Array(tickets.values),
            settled: settled,
            repositories: Array(repositories.values),
            grants: Array(grants.values),
            counters: counters,
            agentsSince: since,
            standstill: standstill,
            ledger: ledger
        )
        var earlier = Orchestrator(limits: limits, restoring: stored, at: now)
        earlier.isDraining = isDraining
        earlier.isDiskFull = isDiskFull
        return earlier
    }

    private static func undo<ID: Hashable, Value>(
        _ change: Change<Value>,
        _ id: KeyPath<Value, ID>,
        in values: inout [ID: Value]
    ) {
        if let old = change.old { values[old[keyPath: id]] = old } else { values[change.new![keyPath: id]] = nil }
    }
}
