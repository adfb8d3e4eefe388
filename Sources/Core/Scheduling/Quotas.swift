// Only so many agents work at once, not for orch as a whole alone but by profile and by repository too.

/// What only so many agents may work for at once.
public enum Quota: Hashable, Sendable {
    case profile(String)
    case repository(RepositoryID)
    /// What may be used today and this month, by a run of that profile with what is set aside for it.
    case budget(profile: String)

    /// Whether who waits for it keeps its locks from those behind it: not where that may take until the next month.
    var reservesLocks: Bool {
        switch self {
        case .profile, .repository: true
        case .budget: false
        }
    }
}

extension Orchestrator {
    private func limit(of quota: Quota) -> Int? {
        switch quota {
        case .profile(let name): limits.profiles[name]
        case .repository(let id): repositories[id]?.agents
        case .budget: nil
        }
    }

    private func isFull(_ quota: Quota) -> Bool {
        if case .budget(let profile) = quota { return shortfall(for: profile) != nil }
        guard let limit = limit(of: quota), !isPlanted(.limitsIgnored) else { return false }
        return working[quota, default: 0] >= limit
    }

    /// The first quota of the ticket's that is used up.
    func fullQuota(for ticket: Ticket) -> (quota: Quota, limit: Int)? {
        [Quota.repository(ticket.repository), .profile(ticket.profile)].first(where: isFull).map {
            ($0, limit(of: $0)!)
        }
    }

    /// An agent takes up the ticket, or lets go of it.
    mutating func count(_ ticket: Ticket, by step: Int) {
        for quota in [Quota.repository(ticket.repository), .profile(ticket.profile)] {
            let count = working[quota, default: 0] + step
            working[quota] = count == 0 ? nil : count
        }
    }

    /// The first ticket that may be startable, those included whose quota has room by now.
    mutating func nextInScheduler() -> TicketID? {
        for quota in scheduler.quotas where !isFull(quota) { scheduler.wakeFirst(for: quota) }
        return scheduler.first
    }

    /// What the target says of a repository by now. Those that work there beyond the limit go on.
    mutating func noteLimit(_ rules: Rules, in id: RepositoryID) {
        guard rules.problem == nil, repositories[id]!.agents != rules.policy.agents else { return }
        change(id) { $0.agents = rules.policy.agents }
        emit(.repositoryChanged(id))
    }
}
