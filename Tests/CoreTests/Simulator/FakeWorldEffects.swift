import Core

// How the world performs what orch asks of it, and what it refuses.

extension FakeWorld {
    // MARK: beginning

    /// Takes an effect up. `stored` is the ticket as a daemon that crashed at this moment would find it.
    mutating func begin(_ effect: Effect, stored: Ticket?, at now: Instant) throws(Violation) {
        guard let stored else { throw Violation("\(effect) is for a ticket that is not stored") }
        if case .stopRun(let run) = effect, stored.currentRun != run { return }  // It has ended by itself meanwhile.
        try require(stored.pendingEffects.contains(effect), "\(effect) is not stored as intended: \(stored.state)")
        try require(!operations.contains { $0.effect == effect }, "\(effect) is asked for while it is under way")
        let id = effect.ticket
        switch effect {
        case .startRun(let run, _):
            try require(!watched.contains(run), "\(run) is asked for while it is watched")
        case .collectWork, .takeSnapshot, .tidy, .prepareWorktree:
            try require(!hasLiveRun(id), "\(effect) while a run of \(id) is alive")
        case .stopRun, .buildCandidate, .prepareCheckout, .concludeVerification, .advanceTarget:
            break
        }
        if let slot = effect.slot {
            for other in operations where other.repository == stored.repository && other.effect.slot == slot {
                try require(other.effect.ticket == id, "\(effect) while slot \(slot) is in use: \(other.effect)")
            }
            for (run, other) in runs where other.outcome == nil && other.repository == stored.repository {
                guard case .verifier(_, slot, _) = other.order else { continue }
                try require(run.ticket == id, "\(effect) while \(run) runs in slot \(slot)")
            }
        }
        operations.append(Operation(effect: effect, repository: stored.repository))
    }

    private func hasLiveRun(_ id: TicketID) -> Bool { runs.contains { $0.key.ticket == id && $0.value.outcome == nil } }

    /// The operations that may end now: those of one ticket in the order they were asked for.
    var endable: [Int] {
        var seen: Set<TicketID> = []
        return operations.indices.filter { seen.insert(operations[$0].effect.ticket).inserted }
    }

    // MARK: performing

    /// Performs an operation, and says what the daemon would hear.
    mutating func perform(_ index: Int, _ random: inout SplitMix64, at now: Instant) throws(Violation) -> [Input] {
        let operation = operations.remove(at: index)
        let place = operation.repository
        var fails = failures && random.chance(4)
        if case .advanceTarget = operation.effect { fails = failures && random.chance(12) }
        switch operation.effect {
        case .prepareWorktree(let id): return [prepareWorktree(id, place, fails)]
        case .startRun(let run, let order): return try startRun(run, order, place, fails, at: now)
        case .stopRun(let run): return stopRun(run)
        case .collectWork(let id, let snapshot): return [try collectWork(id, snapshot, fails)]
        case .takeSnapshot(let id, let snapshot):
            if fails { return [.snapshotFailed(id, reason: "disk full")] }
            snapshots[id, default: []].insert(snapshot)
            return [.snapshotTaken(id)]
        case .buildCandidate(let id): return [try buildCandidate(id, place, fails)]
        case .prepareCheckout(let id, let candidate, let slot):
            if fails { return [.checkoutFailed(id, reason: "disk full")] }
            places[place]!.checkouts[slot] = Checkout(candidate: candidate, ticket: id)
            return [.checkoutReady(id)]
        case .concludeVerification(let id, let candidate, let slot, _):
            let checkout = try checkout(place, slot, candidate, id)
            return fails
                ? [.checkoutFailed(id, reason: "disk full")] : [.checkoutInspected(id, changed: checkout.changed)]
        case .advanceTarget(let id, let candidate): return [try advanceTarget(id, candidate, place, fails)]
        case .tidy(let id, let snapshot):
            if failures, random.chance(15) { return [.tidied(id, .left(reason: "in use"))] }
            if worktrees.removeValue(forKey: id) != nil { snapshots[id, default: []].insert(snapshot) }
            return [.tidied(id, .done)]
        }
    }

    private mutating func prepareWorktree(_ id: TicketID, _ place: RepositoryID, _ fails: Bool) -> Input {
        if fails { return .worktreeFailed(id, reason: "disk full") }
        let tip = places[place]!.tip
        if worktrees[id] == nil { worktrees[id] = Worktree(base: tip, head: tip) }
        let worktree = worktrees[id]!
        return .worktreeReady(
            id,
            branch: "b/\(id)",
            base: worktree.base,
            head: worktree.head,
            Self.rules(files(tip))
        )
    }

    private mutating func collectWork(_ id: TicketID, _ snapshot: Int, _ fails: Bool) throws(Violation) -> Input {
        guard var worktree = worktrees[id] else { throw Violation("\(id) is collected without a worktree") }
        if fails { return .collectFailed(id, reason: "disk full") }
        snapshots[id, default: []].insert(snapshot)
        let leftovers = worktree.uncommitted
        if let leftovers {
            worktree.head = commit(leftovers, parent: worktree.head)
            worktree.uncommitted = nil
            worktrees[id] = worktree
        }
        return .workCollected(
            id,
            head: worktree.head,
            changed: files(worktree.head) != files(worktree.base),
            committedLeftovers: leftovers != nil
        )
    }

    // MARK: candidates

    private mutating func buildCandidate(_ id: TicketID, _ place: RepositoryID, _ fails: Bool) throws(Violation)
        -> Input
    {
        guard let worktree = worktrees[id] else { throw Violation("\(id) is built without a worktree") }
        try require(worktree.uncommitted == nil, "\(id) is built, and some of its work is not collected")
        if fails { return .candidateFailed(id, reason: "disk full") }
        let tip = places[place]!.tip
        let (base, ours, theirs) = (files(worktree.base), files(worktree.head), files(tip))
        var merged = theirs
        var conflicts: [String] = []
        for path in Self.difference(base, ours) where theirs[path] != ours[path] {
            if theirs[path] == base[path] { merged[path] = ours[path] } else { conflicts.append(path) }
        }
        guard conflicts.isEmpty else { return .candidateConflicted(id, tip: tip, paths: conflicts) }
        guard merged != theirs else { return .candidateEmpty(id, tip: tip) }
        let candidate = Candidate(
            commit: commit(merged, parent: tip),
            tree: tree(merged),
            tip: tip,
            head: worktree.head,
            paths: Self.difference(theirs, merged),
            rules: Self.rules(theirs),
            ownDigest: Self.rules(merged).digest
        )
        return .candidateBuilt(id, candidate)
    }

    private func checkout(
        _ place: RepositoryID,
        _ slot: Int,
        _ candidate: Candidate,
        _ id: TicketID
    ) throws(Violation) -> Checkout {
        guard let checkout = places[place]!.checkouts[slot], checkout.candidate == candidate, checkout.ticket == id
        else { throw Violation("slot \(slot) does not hold the candidate of \(id)") }
        return checkout
    }

    // MARK: landing

    private mutating func advanceTarget(
        _ id: TicketID,
        _ candidate: Candidate,
        _ name: RepositoryID,
        _ fails: Bool
    ) throws(Violation) -> Input {
        let place = places[name]!
        if place.history.contains(candidate.commit) { return .targetAdvanced(id, to: candidate.commit) }
        if place.tip != candidate.tip, !bugs.contains(.noCompareAndSwap) { return .targetMoved(id, to: place.tip) }
        if place.isDirty { return .targetBlocked(id, reason: "your checkout has changes") }
        if fails { return .targetFailed(id, reason: "disk full") }

        try require(place.tip == commits[candidate.commit]!.parent, "\(id) lands and \(place.tip) is lost")
        let files = files(candidate.commit)
        let rules = Self.rules(self.files(candidate.tip))
        for verifier in rules.verifiers {
            try require(
                passes.contains(Pass(tree: tree(files), verifier: verifier)),
                "\(id) lands a tree that \(verifier.name) never passed"
            )
        }
        if rules.policy.approve == .human || rules.verifiers.isEmpty
            || !rules.sensitivePaths(among: Self.difference(self.files(candidate.tip), files)).isEmpty
        {
            try require(
                approved.contains(Word(ticket: id, head: candidate.head)),
                "\(id) lands \(candidate.head), which no human has approved"
            )
        }
        try require(rules.problem == nil, "\(id) lands under rules that cannot be read")
        places[name]!.tip = candidate.commit
        places[name]!.history.append(candidate.commit)
        if approved.contains(Word(ticket: id, head: candidate.head)) {
            places[name]!.trusted.insert(candidate.ownDigest)
        }
        landings[id, default: 0] += 1
        try require(landings[id] == 1, "\(id) lands again")
        return .targetAdvanced(id, to: candidate.commit)
    }

    // MARK: runs

    private mutating func startRun(
        _ id: RunID,
        _ order: RunOrder,
        _ place: RepositoryID,
        _ fails: Bool,
        at now: Instant
    ) throws(Violation) -> [Input] {
        if let run = runs[id] {
            try require(run.order == order, "\(id) is asked for again as something else: \(order), was \(run.order)")
            if bugs.contains(.runExecutedAgain) { try execute(id) }
            if let outcome = run.outcome { return [.runEnded(id, outcome)] }
            watched.insert(id)
            return [.runStarted(id, at: now)]
        }
        runs[id] = Run(order: order, repository: place)
        if fails {
            runs[id]!.outcome = .notStarted("no such program")
            return [.runEnded(id, .notStarted("no such program"))]
        }
        try execute(id)
        watched.insert(id)
        return [.runStarted(id, at: now)]
    }

    private mutating func execute(_ id: RunID) throws(Violation) {
        runs[id]!.executions += 1
        let run = runs[id]!
        try require(run.executions == 1, "\(id) is executed \(run.executions) times")
        try require(
            !runs.contains { $0.key.ticket == id.ticket && $0.key != id && $0.value.outcome == nil },
            "\(id) starts beside another run of its ticket"
        )
        switch run.order {
        case .setup, .agent:
            try require(worktrees[id.ticket] != nil, "\(id) starts without a worktree")
        case .verifier(_, let slot, let candidate):
            _ = try checkout(run.repository, slot, candidate, id.ticket)
            try require(
                places[run.repository]!.trusted.contains(candidate.rules.digest),
                "\(id) executes \(candidate.rules.digest), which nobody trusts"
            )
        }
    }

    private mutating func stopRun(_ id: RunID) -> [Input] {
        guard let run = runs[id], run.outcome == nil else { return [] }
        return end(id, .stopped)
    }

    private mutating func end(_ id: RunID, _ outcome: RunOutcome) -> [Input] {
        runs[id]!.outcome = outcome
        return watched.remove(id) == nil ? [] : [.runEnded(id, outcome)]
    }

    var liveRuns: [RunID] { runs.filter { $0.value.outcome == nil }.keys.sorted() }

    /// A run comes to its end, one way or another.
    mutating func endRun(_ id: RunID, locks: [LockPattern], _ random: inout SplitMix64) -> [Input] {
        let run = runs[id]!
        switch run.order {
        case .setup:
            return end(id, failures && random.chance(6) ? .exited(2) : .exited(0))
        case .agent(_, _, _, let feedback):
            let kind = failures ? random.weighted([76, 4, 4, 3, 3, 8, 2]) : 0
            if kind != 1 { edit(id.ticket, run.repository, locks, feedback, &random) }
            let outcomes: [RunOutcome] = [
                .exited(0), .exited(0), .exited(1), .signalled(9), .timedOut, .lost("no exit.json"), .stopped,
            ]
            return end(id, outcomes[kind])
        case .verifier(let verifier, let slot, let candidate):
            if failures, random.chance(4) {
                return end(id, random.pick([.lost("no exit.json"), .timedOut, .signalled(9), .stopped]))
            }
            let files = files(candidate.commit)
            let isGreen = Self.passes(files, verifier)
            if failures, random.chance(3) { places[run.repository]!.checkouts[slot]!.changed.append("src/a/one.txt") }
            if isGreen, places[run.repository]!.checkouts[slot]!.changed.isEmpty {
                passes.insert(Pass(tree: tree(files), verifier: verifier))
            }
            return end(id, .exited(isGreen ? 0 : 1))
        }
    }

    /// What an agent does: it changes files, mostly ones it may, and commits some of it.
    private mutating func edit(
        _ id: TicketID,
        _ place: RepositoryID,
        _ locks: [LockPattern],
        _ feedback: Feedback?,
        _ random: inout SplitMix64
    ) {
        guard var worktree = worktrees[id] else { return }
        var files = worktree.uncommitted ?? files(worktree.head)
        if case .conflict = feedback {
            // It merges the target into its branch, taking its own side.
            let own = Self.difference(self.files(worktree.base), files)
            worktree.base = places[place]!.tip
            var merged = self.files(worktree.base)
            for path in own { merged[path] = files[path] }
            files = merged
        }
        let allowed = Self.paths.filter { path in locks.contains { $0.covers(path: path) } }
        let strays = failures && random.chance(6)
        let choices = allowed.isEmpty || strays ? Self.paths : allowed
        for _ in 0...random.below(2) {
            let path = random.pick(choices)
            if path == Self.config {
                files[path] = random.below(failures ? Self.configurations : 4)
            } else {
                // Without failures never a content that is bad by itself.
                files[path] = failures ? random.below(60) : 9 * random.below(20) + 1 + random.below(6)
            }
        }
        if random.chance(50) {
            worktree.head = commit(files, parent: worktree.head)
            worktree.uncommitted = nil
        } else {
            worktree.uncommitted = files
        }
        worktrees[id] = worktree
    }

    // MARK: the user

    mutating func userMovesTarget(_ id: RepositoryID, _ random: inout SplitMix64) {
        var files = files(places[id]!.tip)
        if random.chance(15) {
            files[Self.config] = random.below(Self.configurations)
        } else {
            files[random.pick(Self.paths.dropLast())] = 9 * random.below(20) + 1 + random.below(6)
        }
        let tip = commit(files, parent: places[id]!.tip)
        move(id, to: tip)
    }

    mutating func move(_ id: RepositoryID, to tip: ObjectID) {
        places[id]!.tip = tip
        places[id]!.history.append(tip)
        places[id]!.foreign.insert(tip)
    }

    mutating func userCommitsOnBranch(_ id: TicketID, _ random: inout SplitMix64) {
        guard var worktree = worktrees[id] else { return }
        var files = files(worktree.head)
        files["src/a/one.txt"] = 9 * random.below(20) + 1
        worktree.head = commit(files, parent: worktree.head)
        worktrees[id] = worktree
    }

    // MARK: the daemon is gone

    /// What was under way is lost, or comes to its end with nobody there to hear of it.
    mutating func daemonCrashed(_ random: inout SplitMix64, at now: Instant) throws(Violation) {
        watched = []
        while !endable.isEmpty {
            let index = random.pick(endable)
            if random.chance(50) {
                _ = try perform(index, &random, at: now)
            } else {
                let id = operations[index].effect.ticket
                operations.removeAll { $0.effect.ticket == id }
            }
        }
        watched = []
    }
}
