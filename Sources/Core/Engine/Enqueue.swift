extension Orchestrator {
    /// Takes the tickets of a file in, all or none; told after them, so that who knows of it knows of them.
    mutating func take(_ file: BacklogFile, _ new: [NewTicket], in repository: RepositoryID) throws(Refusal) {
        let ids = try enqueue(new, in: repository)
        emit(.backlogTaken(repository, file, ids))
    }

    /// Takes tickets in, all or none, and says what they are called.
    @discardableResult
    mutating func enqueue(_ new: [NewTicket], in repository: RepositoryID) throws(Refusal) -> [TicketID] {
        guard repositories[repository] != nil else {
            throw Refusal(.notFound, "no repository \(repository) is registered", hint: "run: orch init")
        }
        let (ids, number) = try assignIDs(new)
        try refuseCycles(zip(ids, new).map { ($0, $1.dependsOn) })
        counters.ticket = number
        for (id, draft) in zip(ids, new) { admit(id, draft, repository) }
        for id in ids { queueOrAsk(id) }
        return ids
    }

    /// The ids of all, and the last number given out for them.
    private func assignIDs(_ new: [NewTicket]) throws(Refusal) -> (ids: [TicketID], number: Int) {
        var taken = Set<TicketID>()
        for id in new.compactMap(\.id) {
            if let state = tickets[id]?.state.name ?? settled[id]?.name {
                throw Refusal(
                    .refused,
                    "ticket \(id) exists already (\(state))",
                    hint: "choose another id, or leave `id` out"
                )
            }
            guard taken.insert(id).inserted else {
                throw Refusal(.invalid, "ticket \(id) is given twice", hint: "ids are unique in the daemon")
            }
        }
        var number = counters.ticket
        var ids: [TicketID] = []
        for draft in new {
            if let id = draft.id {
                ids.append(id)
                continue
            }
            number += 1
            while isTaken(number) || taken.contains(Self.id(number)) { number += 1 }
            ids.append(Self.id(number))
        }
        return (ids, number)
    }

    private static func id(_ number: Int) -> TicketID { TicketID("T-\(number)") }
    private func isTaken(_ number: Int) -> Bool { knows(Self.id(number)) }

    /// Names the cycle that the new tickets would close. One that has ended waits for nobody.
    func refuseCycles(_ new: [(id: TicketID, dependsOn: [TicketID])]) throws(Refusal) {
        let fresh = Dictionary(new.map { ($0.id, $0.dependsOn) }) { first, _ in first }
        let alone = new.first { $0.dependsOn.contains($0.id) }.map { [$0.id] }
        let cycles = DependencyCycles.find(
            from: new.map(\.id),
            dependencies: { fresh[$0] ?? (end(of: $0) == nil ? tickets[$0]?.dependsOn : nil) ?? [] },
            limit: 1
        )
        guard let cycle = alone ?? cycles.first else { return }
        throw Refusal(
            .invalid,
            "tickets depend on each other in a circle: \(DependencyCycles.describe(cycle))",
            hint: "remove one of these from depends_on"
        )
    }

    private mutating func admit(_ id: TicketID, _ draft: NewTicket, _ repository: RepositoryID) {
        counters.serial += 1
        journal.touch(id, nil)
        tickets[id] = Ticket(
            id: id,
            serial: counters.serial,
            repository: repository,
            title: draft.title,
            priority: draft.priority,
            locks: Array(Set(draft.locks)).sorted { $0.description < $1.description },
            dependsOn: draft.dependsOn,
            profile: draft.profile,
            created: now,
            state: .queued(resume: .work),
            since: now,
            worktree: nil,
            head: nil,
            attempts: 0,
            lastRun: 0,
            lastSnapshot: 0,
            failures: [:],
            feedback: nil,
            proof: nil,
            approvedHead: nil,
            approvedAt: nil,
            waivedHead: nil
        )
        emit(.ticketEnqueued(id))
    }

    private mutating func queueOrAsk(_ id: TicketID) {
        let ticket = tickets[id]!
        if let problem = dependencyProblem(of: ticket) { return askHuman(id, problem, resume: .work) }
        enqueueInScheduler(ticket)
    }

    /// The first of its dependencies that will never land.
    func dependencyProblem(of ticket: Ticket) -> Problem? {
        for dependency in ticket.dependsOn {
            if let problem = problem(withDependency: dependency) { return .dependency(dependency, problem) }
        }
        return nil
    }
}
