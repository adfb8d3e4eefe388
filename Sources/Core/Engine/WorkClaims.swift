// Locks that an agent takes while it works. What is free is granted at once; what others hold, or others have asked for
// before, is waited for: first come, first served, up to a limit. Claims of tickets at work come before tickets in the
// queue, as they hold locks and an agent while they wait.
//
// A ticket waits for one claim at a time: those it makes meanwhile come after it. So whoever is granted something waits
// for nothing at that moment, and no grant can close a cycle of waits; a claim that would is refused, and so is one that
// finds itself in a cycle because somebody else has begun to wait.

extension Orchestrator {
    /// How many patterns a claim, and how many claims a ticket, may have.
    static let patternsOfClaim = 64
    static let claimsOfTicket = 16
    static let locksOfTicket = 512

    /// How a claim stands.
    public enum Standing: Equatable {
        case free
        case waits(of: [LockHolder])
        case cycle([TicketID])
    }

    /// Asking again under the same key is the same claim, and changes nothing; so does asking for what the ticket holds.
    mutating func claim(
        _ run: RunID,
        _ key: String,
        _ patterns: [LockPattern],
        for limit: Duration
    ) throws(Refusal) {
        let ticket = try dealing(run, "claim")
        guard !patterns.isEmpty, patterns.count <= Self.patternsOfClaim else {
            throw Refusal(.invalid, "a claim has between 1 and \(Self.patternsOfClaim) patterns, not \(patterns.count)")
        }
        let waiting = ticket.dealings?.claims ?? []
        if waiting.contains(where: { $0.key == key }) { return }
        let lacking = lacking(patterns, of: ticket)
        guard !lacking.isEmpty else { return }
        guard ticket.locks.count + lacking.count <= Self.locksOfTicket else {
            let hint = "claim a directory with DIR/** in place of its files"
            throw Refusal(.refused, "\(ticket.id) would hold more than \(Self.locksOfTicket) locks", hint: hint)
        }
        guard waiting.count < Self.claimsOfTicket else {
            throw Refusal(
                .refused,
                "\(Self.claimsOfTicket) claims of this run wait already",
                hint: "wait for one of them"
            )
        }
        let place = (claiming.flatMap { tickets[$0]!.dealings!.claims }.map(\.place).max() ?? 0) + 1
        let limit = Self.bounded(limit)
        let claim = PathClaim(key: key, patterns: lacking, asked: now, until: now + limit, place: place)
        var standing = Standing.waits(of: [])
        if waiting.isEmpty { standing = standings(with: (ticket.id, claim)).first { $0.id == ticket.id }!.standing }
        switch standing {
        case .free: grant(claim, to: run)
        case .cycle(let others): throw refusal(ofCycle: claim, others)
        case .waits(let holders):
            guard limit > .zero else { throw refusal(of: claim, holders) }
            deal(ticket.id) { $0.claims.append(claim) }
            emit(.claimWaits(run, lacking, of: holders, until: claim.until))
        }
    }

    /// Whoever asked does not wait any more.
    mutating func withdrawClaim(_ run: RunID, _ key: String) {
        guard let ticket = tickets[run.ticket], ticket.workingRun == run,
            ticket.dealings?.claims.contains(where: { $0.key == key }) ?? false
        else { return }
        endClaim(key, of: ticket.id, .withdrawn)
    }

    mutating func endClaim(_ key: String, of id: TicketID, _ end: PathClaim.End) {
        guard let run = tickets[id]!.workingRun,
            let claim = tickets[id]!.dealings?.claims.first(where: { $0.key == key })
        else { preconditionFailure("\(id) has no claim \(key)") }
        deal(id) { $0.claims.removeAll { $0.key == key } }
        emit(.claimEnded(run, claim.patterns, end))
    }

    /// Grants what can be granted by now, and refuses what would wait for ever.
    mutating func settleClaims() {
        // Each turn ends a wait.
        while !claiming.isEmpty, !isPlanted(.releaseGrantsNothing) {
            let next = standings().first { if case .waits = $0.standing { false } else { true } }
            guard let (id, claim, standing) = next else { return }
            switch standing {
            case .free: grant(claim, to: tickets[id]!.workingRun!)
            case .cycle(let others): endClaim(claim.key, of: id, .cycle(others))
            case .waits: return
            }
        }
    }

    private mutating func grant(_ claim: PathClaim, to run: RunID) {
        let wanted = lacking(claim.patterns, of: tickets[run.ticket]!)
        change(run.ticket) { ticket in
            ticket.locks += wanted
            if !wanted.isEmpty { ticket.claimed = (ticket.claimed ?? []) + wanted }
        }
        deal(run.ticket) { $0.claims.removeAll { $0.key == claim.key } }
        takeLocks(of: run.ticket)
        emit(.claimGranted(run, claim.patterns))
    }

    /// Those that are neither held as they are nor, where they name one path, as a part of something.
    func lacking(_ patterns: [LockPattern], of ticket: Ticket) -> [LockPattern] {
        var lacking: [LockPattern] = []
        for pattern in patterns where !lacking.contains(pattern) {
            let isHeld = ticket.locks.contains {
                $0 == pattern || pattern.namesOnePath && $0.covers(path: pattern.text)
            }
            if !isHeld { lacking.append(pattern) }
        }
        return lacking
    }

    // MARK: letting go

    /// Gives back what the ticket has claimed at work, all of it or nothing.
    ///
    /// - Parameter changed: the paths that its branch and its worktree change.
    mutating func release(_ run: RunID, _ patterns: [LockPattern], changed: [String]) throws(Refusal) {
        let ticket = try dealing(run, "release")
        for pattern in patterns {
            guard let why = keeping(pattern, ticket, changed) else { continue }
            throw Refusal(.refused, "cannot release \(pattern): \(why.reason)", hint: why.hint)
        }
        let gone = Set(patterns)
        guard !gone.isEmpty else { return }
        let fences = fences[ticket.id] ?? []
        for fence in fences where gone.contains(grants[fence]!.pattern) {
            let grant = grants.removeValue(forKey: fence)!
            held[grant.repository]?.remove(grant.pattern, owner: grant.holder)
            journal.released(grant)
        }
        let left = fences.filter { grants[$0] != nil }
        self.fences[ticket.id] = left.isEmpty ? nil : left
        change(ticket.id) { ticket in
            ticket.locks.removeAll { gone.contains($0) }
            ticket.claimed?.removeAll { gone.contains($0) }
            if ticket.claimed?.isEmpty ?? false { ticket.claimed = nil }
        }
        emit(.claimReleased(run, patterns.filter { gone.contains($0) }))
        wake(waitingFor: .ticket(ticket.id))
    }

    private func keeping(
        _ pattern: LockPattern,
        _ ticket: Ticket,
        _ changed: [String]
    ) -> (reason: String, hint: String)? {
        guard ticket.claimed?.contains(pattern) ?? false else {
            if ticket.locks.contains(pattern) {
                return ("it is a lock of the ticket's own", "it is let go of when the ticket has landed")
            }
            let claimed = (ticket.claimed ?? []).map(\.text)
            let hint = claimed.isEmpty ? "you have claimed nothing" : "you have claimed \(list(claimed))"
            return ("you have not claimed it under this name", hint)
        }
        guard let path = changed.first(where: { pattern.covers(path: $0) }) else { return nil }
        return ("your work changes \(path)", "undo that first, or keep it: it is let go of when the ticket has landed")
    }

    // MARK: who waits for whom

    /// How the first claim of each ticket stands, in the order of their places.
    ///
    /// - Parameter new: one that is not among them yet.
    public func standings(
        with new: (TicketID, PathClaim)? = nil
    ) -> [(id: TicketID, claim: PathClaim, standing: Standing)] {
        var heads = claiming.map { ($0, tickets[$0]!.dealings!.claims[0]) }
        if let new { heads.append(new) }
        heads.sort { $0.1.place < $1.1.place }
        var graph = WaitGraph()
        for id in fences.keys { graph.waits[id] = Set(ticketsAwaited(by: id)) }
        var holders: [TicketID: [LockHolder]] = [:]
        for (id, claim) in heads {
            holders[id] = self.holders(of: claim.patterns, in: tickets[id]!.repository, except: id)
            graph.waits[id] = Set(holders[id]!.compactMap(\.asTicket))
        }
        var cycles: [TicketID: [TicketID]] = [:]
        // The newest gives way.
        for (id, _) in heads.reversed() {
            let others = graph.waits[id]!.filter { graph.leads(from: $0, to: id) }.sorted()
            guard !others.isEmpty, !isPlanted(.claimCycleIgnored) else { continue }
            cycles[id] = others
            graph.waits[id] = []
        }
        var result: [(id: TicketID, claim: PathClaim, standing: Standing)] = []
        for (index, (id, claim)) in heads.enumerated() {
            if let others = cycles[id] {
                result.append((id, claim, .cycle(others)))
                continue
            }
            var waits = holders[id]!
            for (other, earlier) in heads[..<index] where cycles[other] == nil && !waits.contains(.ticket(other)) {
                guard tickets[other]!.repository == tickets[id]!.repository, claim.wantsSome(of: earlier),
                    // Who waits for this very ticket cannot come before it.
                    !graph.leads(from: other, to: id)
                else { continue }
                waits.append(.ticket(other))
                graph.waits[id]!.insert(other)
            }
            let isFree = waits.isEmpty || isPlanted(.heldPathsGrantedAtWork)
            result.append((id, claim, isFree ? .free : .waits(of: waits)))
        }
        return result
    }

    // MARK: what is said

    private func refusal(of claim: PathClaim, _ holders: [LockHolder]) -> Refusal {
        guard !holders.isEmpty else {
            let cannot = "cannot claim \(list(claim.patterns.map(\.text))) now: another claim of this run waits"
            return Refusal(.refused, cannot, hint: "wait for what becomes of that")
        }
        let cannot = "cannot claim \(list(claim.patterns.map(\.text))) now: held, or asked for before, by "
        return Refusal(
            .refused,
            cannot + list(holders.map(\.name)),
            hint: "claim it with a time to wait, work on something else meanwhile, or ask a human"
        )
    }

    private func refusal(ofCycle claim: PathClaim, _ others: [TicketID]) -> Refusal {
        Refusal(
            .refused,
            "cannot claim \(list(claim.patterns.map(\.text))): \(PathClaim.End.cycle(others).reason)",
            hint: "release what you do not need, do without it, or ask a human"
        )
    }
}

/// Who waits for whom.
private struct WaitGraph {
    var waits: [TicketID: Set<TicketID>] = [:]

    func leads(from start: TicketID, to end: TicketID) -> Bool {
        var seen: Set<TicketID> = []
        var next = [start]
        while let id = next.popLast() {
            if id == end { return true }
            if seen.insert(id).inserted { next += waits[id] ?? [] }
        }
        return false
    }
}

extension PathClaim {
    fileprivate func wantsSome(of other: PathClaim) -> Bool {
        patterns.contains { mine in other.patterns.contains { $0.conflicts(with: mine) } }
    }
}

extension PathClaim.End {
    /// Why, as a clause.
    public var reason: String {
        switch self {
        case .limit: "it was not free in time"
        case .withdrawn: "it is not asked for any more"
        case .cycle(let others):
            "\(list(others.map(\.text))) holds it, and waits for what this ticket holds: neither would ever go on"
        }
    }
}

extension LockPattern {
    /// Without wildcards or escapes: its text is the path.
    fileprivate var namesOnePath: Bool { !isResource && !text.utf8.contains { "*?[\\".utf8.contains($0) } }
}
