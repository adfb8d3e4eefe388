// Agents that give no sign of life: said at once, and ended after a grace. Who looks for signs is the daemon's monitor.

extension Orchestrator {
    /// The ticket's working step, if this run is it and nobody wants it to end already.
    func working(_ run: RunID) -> Running? {
        guard let ticket = tickets[run.ticket], ticket.currentRun == run, case .running(let running) = ticket.state,
            running.halt == nil, case .working(_, let stale) = running.step, stale?.next != .ending
        else { return nil }
        return running
    }

    private mutating func set(_ stale: Stale?, _ run: RunID, _ running: Running) {
        var running = running
        running.step = .working(run: run.number, stale: stale)
        enter(run.ticket, .running(running))
    }

    mutating func runWentQuiet(_ run: RunID, since: Instant, _ lookedAt: [SignOfLife], grace: Duration) {
        guard let running = working(run) else { return }
        let stale = Stale(since: since, lookedAt: lookedAt, next: .ends(at: now + grace))
        guard tickets[run.ticket]!.stale != stale else { return }
        set(stale, run, running)
        emit(.agentStale(run, running.agent, stale))
    }

    mutating func runStirred(_ run: RunID, by sign: SignOfLife?) {
        guard let running = working(run), tickets[run.ticket]!.stale != nil else { return }
        set(nil, run, running)
        emit(.agentActive(run, running.agent, sign))
    }

    mutating func runStayedQuiet(_ run: RunID) {
        guard let running = working(run), var stale = tickets[run.ticket]!.stale else { return }
        stale.next = .ending
        set(stale, run, running)
        emit(.ticketChanged(run.ticket))
    }
}
