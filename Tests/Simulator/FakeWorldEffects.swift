import Core

// How the world performs what orch asks of it, half by half, and what it refuses.

extension FakeWorld {
    // MARK: beginning

    /// Takes an effect up. `stored` is the ticket as a daemon that crashed at this moment would find it.
    mutating func begin(_ effect: Effect, stored: Ticket?) throws(Violation) {
        guard let stored else { throw Violation("I5: \(effect) is for a ticket that is not stored") }
        switch effect {
        // It has ended by itself meanwhile.
        case .stopRun(let run), .deliver(let run, _), .interrupt(let run): if stored.currentRun != run { return }
        default: break
        }
        try require(stored.pendingEffects.contains(effect), "I5: \(effect) is not stored as intended: \(stored.state)")
        try require(!operations.contains { $0.effect == effect }, "I5: \(effect) is asked for while it is under way")
        let id = effect.ticket
        switch effect {
        case .startRun(let run, _):
            try require(!watched.contains(run), "I5: \(run) is asked for while it is watched")
        case .collectWork, .takeSnapshot, .tidy, .prepareWorktree:
            try require(!unended.contains { $0.ticket == id }, "I6: \(effect) while a run of \(id) is alive")
        case .deliver, .interrupt, .answer, .stopRun, .buildCandidate, .prepareCheckout, .concludeVerification,
            .advanceTarget:
            break
        }
        if let slot = effect.slot { try requireFree(slot, for: effect, in: stored.repository) }
        operations.append(Operation(effect: effect, repository: stored.repository))
    }

    private func requireFree(_ slot: Int, for effect: Effect, in repository: RepositoryID) throws(Violation) {
        for other in operations where other.repository == repository && other.effect.slot == slot {
            try require(
                other.effect.ticket == effect.ticket,
                "I5: \(effect) while slot \(slot) is in use: \(other.effect)"
            )
        }
        for run in unended where run.ticket != effect.ticket && runs[run]!.repository == repository {
            guard case .verifier(_, slot, _) = runs[run]!.order else { continue }
            throw Violation("I6: \(effect) while \(run) runs in slot \(slot)")
        }
    }

    /// The operation that may go on for a ticket: the one that was asked for first.
    func operation(of id: TicketID) -> Int? { operations.firstIndex { $0.effect.ticket == id } }

    // MARK: performing

    /// Performs the next half of an operation. Says what the daemon would hear, or nil when there is more to do.
    mutating func perform(_ index: Int, fails wish: Bool, at now: Instant) throws(Violation) -> [Input]? {
        let operation = operations[index]
        let effect = operation.effect
        let fails = (wish || diskIsFull) && effect.canFail
        if fails { coverage.count(diskIsFull ? .effectFailsOnFullDisk : .effectFails) }
        let isGone = places[operation.repository]!.isGone && effect.withoutRepository != nil
        if !fails, !isGone, operation.halves + 1 < effect.halves {
            operations[index].halves += 1
            try performHalf(operation)
            return nil
        }
        operations.remove(at: index)
        if places[operation.repository]!.isGone, let news = effect.withoutRepository {
            coverage.count(.repositoryGone)
            worktrees[operation.effect.ticket]?.isUnsaved = false  // Saving it was tried; it lies where it is.
            return [news]
        }
        return fails && !hasLanded(operation) ? fail(operation) : try finish(operation, at: now)
    }

    /// All but the last half. A half that was done before is passed over.
    private mutating func performHalf(_ operation: Operation) throws(Violation) {
        let place = operation.repository
        switch operation.effect {
        case .prepareWorktree(let id):
            if branches[id] == nil { branches[id] = places[place]!.tip }
        case .startRun(let run, let order):
            if runs[run] == nil {
                runs[run] = Run(order: order, repository: place)
                unended.insert(run)
            } else {
                coverage.count(.askedAgain)
            }
        case .collectWork(let id, _):
            if bugs.contains(.collectingStartsOver), worktrees[id]?.uncommitted != nil {
                worktrees[id]!.uncommitted = nil
            }
            save(id)
        case .prepareCheckout(_, _, let slot): places[place]!.checkouts[slot] = nil
        case .tidy(let id, _):
            if operation.halves == 0 {
                if !bugs.contains(.tidiedUnsaved) { save(id) }
            } else {
                if worktrees[id] == nil { coverage.count(.askedAgain) }
                if isSaved(id) { worktrees[id] = nil }
                try checkKept(id)
            }
        case .advanceTarget, .deliver, .interrupt, .answer, .stopRun, .takeSnapshot, .buildCandidate,
            .concludeVerification:
            break
        }
    }

    private mutating func fail(_ operation: Operation) -> [Input] {
        let reason = diskIsFull ? "disk full" : "permission denied"
        switch operation.effect {
        case .prepareWorktree(let id): return [.worktreeFailed(id, reason: reason)]
        case .collectWork(let id, _):
            worktrees[id]?.isUnsaved = false
            return [.collectFailed(id, reason: reason)]
        case .takeSnapshot(let id, _):
            worktrees[id]?.isUnsaved = false
            return [.snapshotFailed(id, reason: reason)]
        case .buildCandidate(let id): return [.candidateFailed(id, reason: reason)]
        case .prepareCheckout(let id, _, _), .concludeVerification(let id, _, _, _):
            return [.checkoutFailed(id, reason: reason)]
        case .advanceTarget(let id, _): return [.targetFailed(id, reason: reason)]
        case .tidy(let id, _): return [.tidied(id, .left(reason: reason))]
        case .startRun, .deliver, .interrupt, .answer, .stopRun:
            preconditionFailure("\(operation.effect) fails by ending the run")
        }
    }

    private mutating func finish(_ operation: Operation, at now: Instant) throws(Violation) -> [Input] {
        let place = operation.repository
        switch operation.effect {
        case .prepareWorktree(let id): return [prepareWorktree(id, place)]
        case .startRun(let run, let order): return try startRun(run, order, at: now)
        case .interrupt, .answer: return []
        case .deliver(let run, let message): return [deliver(message, to: run)]
        case .stopRun(let run): return unended.contains(run) ? endRun(run, .stopped) : []
        case .collectWork(let id, _): return [try collectWork(id)]
        case .takeSnapshot(let id, _):
            save(id)
            return [.snapshotTaken(id)]
        case .buildCandidate(let id): return [try buildCandidate(id, place)]
        case .prepareCheckout(let id, let candidate, let slot):
            let isSetUp = places[place]!.checkouts[slot]?.candidate.rules == candidate.rules
            places[place]!.checkouts[slot] = Checkout(candidate: candidate, ticket: id)
            return [.checkoutReady(id, isSetUp: isSetUp)]
        case .concludeVerification(let id, let candidate, let slot, _):
            let changed = try checkout(place, slot, candidate, id).changed
            return [.checkoutInspected(id, changed: changed, surroundings: Self.surroundings)]
        case .advanceTarget(let id, let candidate): return [try advanceTarget(id, candidate, place)]
        case .tidy(let id, _):
            if places[place]!.isLocked {
                coverage.count(.userGitInTheWay)
                return [.tidied(id, .blocked(reason: "packed-refs.lock"))]
            }
            guard worktrees[id] == nil, isSaved(id) else { return [.tidied(id, .left(reason: "it has changed"))] }
            branches[id] = nil
            try checkKept(id)
            return [.tidied(id, .done)]
        }
    }

    private mutating func prepareWorktree(_ id: TicketID, _ place: RepositoryID) -> Input {
        let head = branches[id]!
        if worktrees[id] == nil { worktrees[id] = Worktree(base: head) }
        return .worktreeReady(
            id,
            branch: "b/\(id)",
            base: worktrees[id]!.base,
            head: head,
            rules(files(places[place]!.tip))
        )
    }

    private mutating func save(_ id: TicketID) {
        guard let files = contents(id) else { return }
        worktrees[id]!.isUnsaved = false
        let saved = Saved(head: branches[id]!, files: files)
        if snapshots[id]?.last != saved { snapshots[id, default: []].append(saved) }
    }

    /// Whether the last snapshot holds what is there now: somebody may have written meanwhile.
    private func isSaved(_ id: TicketID) -> Bool {
        if bugs.contains(.tidiedUnsaved) { return true }
        guard let head = branches[id] else { return true }
        guard let last = snapshots[id]?.last else { return worktrees[id] == nil && authored[id] == nil }
        return last.head == head && (contents(id).map { $0 == last.files } ?? true)
    }

    private mutating func collectWork(_ id: TicketID) throws(Violation) -> Input {
        guard let worktree = worktrees[id] else { throw Violation("I3: \(id) is collected without a worktree") }
        if let leftovers = worktree.uncommitted {
            branches[id] = commit(leftovers, parent: branches[id], author: id)
            worktrees[id]!.uncommitted = nil
        }
        try checkKept(id)
        let head = branches[id]!
        return .workCollected(
            id,
            head: head,
            changed: files(head) != files(worktree.base),
            committedLeftovers: worktree.uncommitted != nil
        )
    }

    // MARK: I3

    /// Everything that was written for a ticket is in its worktree, or reachable from its branch or its snapshots.
    func checkKept(_ id: TicketID) throws(Violation) {
        guard let last = written[id] else { return }
        var reachable: Set<ObjectID> = []
        for root in [branches[id]].compactMap(\.self) + (snapshots[id] ?? []).map(\.head) {
            var next: ObjectID? = root
            while let commit = next, reachable.insert(commit).inserted { next = commits[commit]!.parent }
        }
        for commit in authored[id] ?? [] {
            try require(reachable.contains(commit), "I3: \(commit) of \(id) is reachable from nowhere")
        }
        let isKept =
            contents(id) == last || snapshots[id]?.contains { $0.files == last } ?? false
            || reachable.contains { files($0) == last }
        try require(isKept, "I3: what was last written for \(id) is nowhere: \(last.sorted { $0.key < $1.key })")
    }

    // MARK: candidates

    /// Nothing outside of a tree decides what its verifiers say here.
    private static let surroundings = "all"

    private mutating func buildCandidate(_ id: TicketID, _ place: RepositoryID) throws(Violation) -> Input {
        guard let worktree = worktrees[id], let head = branches[id] else {
            throw Violation("I3: \(id) is built without a worktree")
        }
        try require(worktree.uncommitted == nil, "I3: \(id) is built, and some of its work is not collected")
        let tip = places[place]!.tip
        let (base, ours, theirs) = (files(worktree.base), files(head), files(tip))
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
            head: head,
            paths: Self.difference(theirs, merged),
            rules: rules(theirs),
            ownDigest: rules(merged).digest,
            surroundings: Self.surroundings
        )
        let passes = (knownPasses[place] ?? []).filter { $0.tree == candidate.tree }
        return .candidateBuilt(id, candidate, passes: Array(passes))
    }

    private func checkout(
        _ place: RepositoryID,
        _ slot: Int,
        _ candidate: Candidate,
        _ id: TicketID
    ) throws(Violation) -> Checkout {
        guard let checkout = places[place]!.checkouts[slot], checkout.candidate == candidate, checkout.ticket == id
        else { throw Violation("I2: slot \(slot) does not hold the candidate of \(id)") }
        return checkout
    }

    // MARK: landing

    /// Whether an earlier attempt has moved the target: that is seen whatever keeps this one from moving it.
    private func hasLanded(_ operation: Operation) -> Bool {
        guard case .advanceTarget(_, let candidate) = operation.effect else { return false }
        return places[operation.repository]!.history.contains(candidate.commit)
    }

    private mutating func advanceTarget(
        _ id: TicketID,
        _ candidate: Candidate,
        _ name: RepositoryID
    ) throws(Violation) -> Input {
        let place = places[name]!
        if place.history.contains(candidate.commit), !bugs.contains(.landsAgain) {
            coverage.count(.askedAgain)
            return .targetAdvanced(id, to: candidate.commit)
        }
        if place.tip != candidate.tip, !bugs.contains(.noCompareAndSwap) { return .targetMoved(id, to: place.tip) }
        if place.isLocked {
            coverage.count(.userGitInTheWay)
            return .targetBlocked(id, reason: "index.lock")
        }
        if place.isDirty { return .targetBlocked(id, reason: "your checkout has changes") }
        try checkMayLand(id, candidate, place)
        places[name]!.tip = candidate.commit
        places[name]!.history.append(candidate.commit)
        if approved.contains(Word(ticket: id, head: candidate.head)) {
            places[name]!.trusted.insert(candidate.ownDigest)
        }
        places[name]!.owed = rules(files(candidate.tip)).policy.landing.push == nil ? nil : candidate.commit
        landings[id, default: 0] += 1
        try require(landings[id] == 1, "I5: \(id) lands again")
        return .targetAdvanced(id, to: candidate.commit)
    }

    /// I2: exactly this tree has passed, or a human has let it through.
    private mutating func checkMayLand(_ id: TicketID, _ candidate: Candidate, _ place: Place) throws(Violation) {
        try require(place.tip == commits[candidate.commit]!.parent, "I2: \(id) lands and \(place.tip) is lost")
        let files = files(candidate.commit)
        let rules = rules(self.files(candidate.tip))
        try require(rules.problem == nil, "I2: \(id) lands under rules that cannot be read")
        for verifier in rules.verifiers {
            try require(
                passes.contains(Pass(tree: tree(files), verifier: verifier)),
                "I2: \(id) lands a tree that \(verifier.name) never passed"
            )
        }
        let paths = Self.difference(self.files(candidate.tip), files)
        if rules.policy.approve == .human || rules.verifiers.isEmpty || !rules.sensitivePaths(among: paths).isEmpty {
            try require(
                approved.contains(Word(ticket: id, head: candidate.head)),
                "I2: \(id) lands \(candidate.head), which no human has approved"
            )
        }
    }

    // MARK: the daemon is gone

    /// What was under way is lost: cut where it is, but for what a child of the daemon that outlives it still does.
    mutating func daemonCrashed(orphans: Set<TicketID>, powerLoss: Bool, at now: Instant) throws(Violation) {
        watched = []
        pushes = []
        if operations.contains(where: { $0.halves > 0 }) { coverage.count(.effectCut) }
        for id in orphans.sorted() {
            guard !powerLoss, let index = operation(of: id) else { continue }
            coverage.count(.orphanFinishes)
            _ = try perform(index, fails: false, at: now)
        }
        operations = []
        watched = []
        guard powerLoss else { return }
        for run in unended {
            runs[run]!.processes = 0
            runs[run]!.escaped = 0
            runs[run]!.isRunnerAlive = false
        }
    }
}

extension Effect {
    /// What is told where the repository is not found; nil for what needs none.
    fileprivate var withoutRepository: Input? {
        let reason = "there is no /r/r1"
        switch self {
        case .startRun, .deliver, .interrupt, .answer, .stopRun: return nil
        case .prepareWorktree(let id), .collectWork(let id, _), .buildCandidate(let id), .prepareCheckout(let id, _, _),
            .concludeVerification(let id, _, _, _), .advanceTarget(let id, _):
            return .repositoryGone(id, reason: reason)
        case .takeSnapshot(let id, _): return .snapshotFailed(id, reason: reason)
        case .tidy(let id, _): return .tidied(id, .left(reason: reason))
        }
    }

    /// A run that cannot be started ends; one that is to be stopped is.
    fileprivate var canFail: Bool {
        switch self {
        case .startRun, .deliver, .interrupt, .answer, .stopRun: false
        case .prepareWorktree, .collectWork, .takeSnapshot, .buildCandidate, .prepareCheckout, .concludeVerification,
            .advanceTarget, .tidy:
            true
        }
    }
}
