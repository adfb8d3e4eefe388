// What its author may still change about a ticket, and when.

/// Other words for a ticket; what is nil stays.
public struct TicketEdit: Equatable, Sendable {
    public var title: String?
    public var priority: Int?
    public var locks: [LockPattern]?
    public var profile: String?
    public var dependsOn: [TicketID]?
    /// There is another description, which Core does not keep.
    public var changesDescription = false
    public init(
        title: String? = nil,
        priority: Int? = nil,
        locks: [LockPattern]? = nil,
        profile: String? = nil,
        dependsOn: [TicketID]? = nil,
        changesDescription: Bool = false
    ) {
        self.title = title
        self.priority = priority
        self.locks = locks
        self.profile = profile
        self.dependsOn = dependsOn
        self.changesDescription = changesDescription
    }
}

extension Orchestrator {
    /// Changes a ticket that nothing is under way for. One that is queued has its place in the queue by what it is now.
    mutating func edit(_ id: TicketID, _ edit: TicketEdit) throws(Refusal) {
        guard knows(id) else {
            throw Refusal(.notFound, "there is no ticket \(id)", hint: "`orch list --all` shows every ticket")
        }
        if let end = end(of: id) { throw uneditable(id, "it is \(end.name)", "file a new ticket") }
        let old = tickets[id]!
        let locks = edit.locks.map { Array(Set($0)).sorted { $0.description < $1.description } }
        switch old.state {
        case .queued, .stopped, .needsHuman: break
        case .running, .landing: throw uneditable(id, "it is \(old.state.name)", "`orch stop \(id)` first")
        case .awaitingApproval:
            throw uneditable(id, "it waits for approval", "use `orch request-changes`, or `orch approve`")
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        }
        if let locks, locks != old.locks, fences[id] != nil {
            throw uneditable(id, "it holds its locks, which others count on", "leave its locks as they are")
        }
        if let dependsOn = edit.dependsOn, dependsOn != old.dependsOn {
            if old.worktree != nil {
                throw uneditable(id, "it has begun, and waits for no other ticket", "leave `depends_on` as it is")
            }
            try refuseCycles([(id, dependsOn)])
        }
        var new = old
        new.title = edit.title ?? old.title
        new.priority = edit.priority ?? old.priority
        new.locks = locks ?? old.locks
        // What its author says now is what it changes.
        if new.locks != old.locks { new.claimed = nil }
        new.profile = edit.profile ?? old.profile
        new.dependsOn = edit.dependsOn ?? old.dependsOn
        let fields = Self.differences(old, new) + (edit.changesDescription ? [.description] : [])
        if fields.isEmpty { return }
        change(id) { $0 = new }
        guard case .queued(let stage) = new.state else { return emit(.ticketEdited(id, fields)) }
        dropFromScheduler(id)
        enqueueInScheduler(new)
        emit(.ticketEdited(id, fields))
        if let problem = dependencyProblem(of: new) { askHuman(id, problem, resume: stage) }
    }

    private static func differences(_ old: Ticket, _ new: Ticket) -> [TicketDraft.Field] {
        var fields: [TicketDraft.Field] = []
        if old.title != new.title { fields.append(.title) }
        if old.priority != new.priority { fields.append(.priority) }
        if old.locks != new.locks { fields.append(.locks) }
        if old.profile != new.profile { fields.append(.agent) }
        if old.dependsOn != new.dependsOn { fields.append(.dependsOn) }
        return fields
    }

    private func uneditable(_ id: TicketID, _ why: String, _ hint: String) -> Refusal {
        Refusal(.refused, "cannot edit \(id): \(why)", hint: hint)
    }
}
