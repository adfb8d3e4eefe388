import Core

// Runs, their processes, and the people who write beside them.

extension FakeWorld {
    /// Starts a run, adopts it, or says how it ended.
    mutating func startRun(_ id: RunID, _ order: RunOrder, at now: Instant) throws(Violation) -> [Input] {
        let run = runs[id]!
        try require(run.order == order, "I5: \(id) is asked for again as something else: \(order), was \(run.order)")
        if bugs.contains(.runExecutedAgain), run.executions > 0 { try execute(id) }
        if let outcome = run.outcome {
            coverage.count(.askedAgain)
            return usage(of: id) + [.runEnded(id, outcome, at: now)]
        }
        watched.insert(id)
        if run.executions == 0 {
            if diskIsFull { return endRun(id, .notStarted("disk full"), at: now) }
            try execute(id)
        } else if !run.isRunnerAlive {
            return noticeDeadRunner(id, at: now)
        } else {
            coverage.count(.askedAgain)
        }
        return [.runStarted(id, at: now)] + usage(of: id)
    }

    /// What the run's agent has said of what it used, as a daemon that begins to listen hears it as well.
    func usage(of id: RunID) -> [Input] {
        guard case .agent = runs[id]!.order else { return [] }
        let used = runs[id]!.used
        return [.usageSeen(id, Usage(tokens: Tokens(output: 10 * used), cost: used))]
    }

    /// Every third message finds an agent that takes none while it works.
    mutating func deliver(_ message: Message, to id: RunID) -> Input {
        guard unended.contains(id), runs[id]!.isRunnerAlive, message.number % 3 != 0 else {
            coverage.count(.messageRefused)
            return .messageRefused(id, message.number, reason: "it takes no messages")
        }
        coverage.count(.messageTaken)
        told[id.ticket, default: []].insert(message.number)
        return .messageTaken(id, message.number)
    }

    private mutating func execute(_ id: RunID) throws(Violation) {
        runs[id]!.executions += 1
        if case .agent(_, _, _, _, let opening?) = runs[id]!.order {
            told[id.ticket, default: []].formUnion(opening.messages.map(\.number))
        }
        runs[id]!.isRunnerAlive = true
        runs[id]!.processes = 2
        let run = runs[id]!
        try require(run.executions == 1, "I5: \(id) is executed \(run.executions) times")
        let others = unended.filter { $0.ticket == id.ticket && $0 != id }
        try require(others.isEmpty, "I5: \(id) starts beside \(others.sorted())")
        switch run.order {
        case .setup:
            try require(worktrees[id.ticket] != nil, "I5: \(id) starts without a worktree")
        case .agent:
            guard let worktree = worktrees[id.ticket] else { throw Violation("I5: \(id) starts without a worktree") }
            try require(!worktree.isUnsaved, "I3: \(id) starts, and what was left by the run before it is not saved")
        case .verifier(_, let slot, let candidate):
            let place = places[run.repository]!
            guard let checkout = place.checkouts[slot], checkout.candidate == candidate, checkout.ticket == id.ticket
            else { throw Violation("I2: slot \(slot) does not hold the candidate of \(id)") }
            try require(
                place.trusted.contains(candidate.rules.digest),
                "I2: \(id) executes \(candidate.rules.digest), which nobody trusts"
            )
        }
    }

    /// The run ends, and everything of its tree with it.
    mutating func endRun(_ id: RunID, _ outcome: RunOutcome, at now: Instant = Instant(milliseconds: 0)) -> [Input] {
        let isLost = if case .lost = outcome { true } else { false }
        if !(isLost && bugs.contains(.lostTreeSurvives)) {
            runs[id]!.processes = 0
            if !bugs.contains(.escapedSurvive) { runs[id]!.escaped = 0 }
        }
        runs[id]!.isRunnerAlive = false
        runs[id]!.outcome = outcome
        unended.remove(id)
        if case .agent = runs[id]!.order, worktrees[id.ticket] != nil, runs[id]!.executions > 0 {
            worktrees[id.ticket]!.isUnsaved = true
        }
        return watched.remove(id) == nil ? [] : usage(of: id) + [.runEnded(id, outcome, at: now)]
    }

    /// Its runner is dead, and says nothing any more: what is left of the tree is killed, and the run is lost.
    mutating func noticeDeadRunner(_ id: RunID, at now: Instant) -> [Input] {
        endRun(id, .lost("its runner died"), at: now)
    }

    var liveRuns: [RunID] { unended.filter { runs[$0]!.isRunnerAlive }.sorted() }
    var deadRunners: [RunID] { watched.filter { !runs[$0]!.isRunnerAlive }.sorted() }

    /// What a verifier has to say of the tree it looks at.
    mutating func judge(_ id: RunID, _ verifier: Verifier, _ slot: Int, _ candidate: Candidate) -> RunOutcome {
        let files = files(candidate.commit)
        let isGreen = Self.passes(files, verifier)
        let repository = runs[id]!.repository
        if isGreen, places[repository]!.checkouts[slot]!.changed.isEmpty {
            passes.insert(Pass(tree: tree(files), verifier: verifier))
        }
        return .exited(isGreen ? 0 : 1)
    }

    /// What an agent does: it changes files, and commits what is there or leaves it lying. After a conflict it first
    /// merges the target into its branch, taking its own side.
    mutating func write(_ id: RunID, _ writes: Files, commits: Bool) {
        let run = runs[id]!
        guard case .agent(_, _, _, let feedback, _) = run.order, var files = contents(id.ticket) else { return }
        if case .conflict = feedback {
            let own = Self.difference(self.files(worktrees[id.ticket]!.base), files)
            worktrees[id.ticket]!.base = places[run.repository]!.tip
            var merged = self.files(worktrees[id.ticket]!.base)
            for path in own { merged[path] = files[path] }
            files = merged
        }
        files.merge(writes) { _, new in new }
        if commits {
            branches[id.ticket] = commit(files, parent: branches[id.ticket], author: id.ticket)
            worktrees[id.ticket]!.uncommitted = nil
        } else {
            worktrees[id.ticket]!.uncommitted = files
        }
        written[id.ticket] = files
    }

    // MARK: the user

    mutating func move(_ id: RepositoryID, writing path: String, _ content: Int) {
        var files = files(places[id]!.tip)
        files[path] = content
        let tip = commit(files, parent: places[id]!.tip)
        places[id]!.tip = tip
        places[id]!.history.append(tip)
        places[id]!.foreign.insert(tip)
    }

    /// False where there is no worktree, or work in it that the user leaves alone.
    mutating func userCommits(on id: TicketID, _ content: Int) -> Bool {
        guard let worktree = worktrees[id], worktree.uncommitted == nil else { return false }
        var files = files(branches[id]!)
        files["src/a/one.txt"] = content
        branches[id] = commit(files, parent: branches[id], author: id)
        written[id] = files
        return true
    }
}
