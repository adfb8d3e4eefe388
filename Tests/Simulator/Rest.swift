import Core

// The end of every history: faults stop, people answer whatever they are asked, and everything ends.

extension Simulation {
    /// After this every ticket has landed or is cancelled, and nothing is left over. Nothing is left to chance.
    mutating func rest() throws(Violation) {
        isAtRest = true
        try makeFriendly()
        try settle()
        for id in repositories {
            for pattern in endless(in: id) { try perform(.letGo(id, pattern: pattern)) }
        }
        try settle()
        if shell.core.isDraining {
            try perform(.crash(Action.Crash(agents: shell.limits.agents, slots: shell.limits.verificationSlots)))
            try settle()
        }
        // Of tickets that depend on each other in a line, a round may end only one.
        for round in 0..<60 + openTickets.count {
            let open = openTickets
            if open.isEmpty { return try checkRest() }
            for id in open { answer(id, round: round) }
            try settle()
        }
        throw Violation("I4: stuck: \(openTickets.map { "\($0) \(shell.core.tickets[$0]!.state)" })")
    }

    private var openTickets: [TicketID] {
        shell.core.tickets.values.filter { !$0.isFinal }.map(\.id).sorted()
    }

    private mutating func makeFriendly() throws(Violation) {
        try perform(.disk(full: false))
        try perform(.reserve(spent: false))
        try perform(.need(false))
        try perform(.resume)
        for id in repositories {
            try perform(.userLocks(id, false))
            try perform(.userMoves(id, away: false))
            try perform(.register(id))
            try perform(.userDirties(id, false))
            // The configuration is one that works, without a human.
            shell.world.move(id, writing: FakeWorld.config, 0)
            post(.trustGiven(id, digest: FakeWorld.digest(0)))
        }
    }

    /// What people hold until they let go of it; other locks of theirs have to end by themselves.
    private func endless(in repository: RepositoryID) -> [String] {
        shell.core.grants.values
            .filter { $0.repository == repository && $0.person.map { $0.expires == nil } ?? false }
            .sorted { $0.fence < $1.fence }
            .map(\.pattern.text)
    }

    /// All that is under way comes to its end, in the order it was begun.
    private mutating func settle() throws(Violation) {
        var left = 4000 + 200 * shell.core.tickets.count
        while let action = nextAtRest {
            left -= 1
            try require(left > 0, "I4: it never comes to rest; next is \(action)")
            try perform(action)
        }
    }

    /// What happens next where nobody wants anything and nothing goes wrong; nil when nothing is under way.
    var nextAtRest: Action? {
        if !shell.mailbox.isEmpty || shell.unstored != nil { return .turn(1, dying: nil) }
        if let id = shell.onTheWay.first?.ticket { return .hear(id) }
        if let operation = shell.world.operations.first { return .perform(operation.effect.ticket, fails: false) }
        if let push = shell.world.pushes.first { return .push(push.repository, fails: false) }
        if let run = shell.world.deadRunners.first { return .noticeRunner(run) }
        if let run = shell.world.liveRuns.first { return next(of: run) }
        return shell.core.nextDeadline == nil ? nil : .deadline
    }

    /// An agent writes something it may, once in a run, and ends well; nothing it writes is bad by itself.
    private func next(of run: RunID) -> Action {
        guard case .agent = shell.world.runs[run]!.order else { return .end(run, .well) }
        let content = 9 * (run.number % 20 + 20) + 1 + (shell.core.tickets[run.ticket]!.serial + run.number) % 6
        let ticket = shell.core.tickets[run.ticket]!
        let allowed = FakeWorld.paths.filter { path in
            path != FakeWorld.config && (!ticket.isBounded || ticket.locks.contains { $0.covers(path: path) })
        }
        let path = allowed.isEmpty ? "docs/guide.md" : allowed[run.number % allowed.count]
        guard shell.world.contents(run.ticket)?[path] != content else { return .end(run, .well) }
        return .write(run, [path: content], commits: false)
    }

    private mutating func answer(_ id: TicketID, round: Int) {
        let command: Command? =
            switch shell.core.tickets[id]!.state {
            case .awaitingApproval: .approve()
            case .stopped where round > 1: .cancel(reason: "enough")
            case .stopped: .continue
            case .needsHuman(.dependency, _): .cancel(reason: "its dependency will not land")
            case .needsHuman where round > 1: .cancel(reason: "enough")
            case .needsHuman(.lockViolation, _): .approve()
            case .needsHuman where round.isMultiple(of: 2): .continue
            case .needsHuman: .requestChanges(comment: "once more")
            case .queued, .running, .landing, .merged, .cancelled: nil
            }
        if let command { post(.commandGiven(command, id)) }
    }

    private mutating func checkRest() throws(Violation) {
        try shell.check(thoroughly: true)
        let core = shell.core
        try require(core.grants.isEmpty, "I1: locks are left: \(core.grants)")
        try require(core.agents.values.allSatisfy { $0.ticket == nil }, "I4: agents are busy: \(core.agents)")
        for (id, ticket) in shell.stored.tickets {
            switch ticket.state {
            case .merged(let commit, let tidy):
                try require(tidy != .pending, "I4: \(id) is not put away")
                try require(shell.world.landings[id] == 1, "I5: \(id) is merged and has not landed")
                try require(
                    shell.world.places[ticket.repository]!.history.contains(commit),
                    "I5: \(commit) is nowhere"
                )
            case .cancelled(_, let tidy):
                try require(tidy != .pending, "I4: \(id) is not put away")
                try require(shell.world.landings[id] == nil, "I5: \(id) is cancelled and has landed")
            default: throw Violation("I4: \(id) is \(ticket.state)")
            }
        }
        for (id, run) in shell.world.runs {
            let counted = shell.stored.used[id]?.cost ?? 0
            try require(counted == run.used, "I7: \(id) has used \(run.used), and \(counted) is counted")
            try require(run.outcome != nil && run.processes + run.escaped == 0, "I6: \(id) is alive")
        }
        try shell.world.checkPushed()
        try checkEverybodyWasTold()
    }

    private mutating func checkEverybodyWasTold() throws(Violation) {
        for index in shell.broadcaster.subscribers.indices {
            for _ in 0...shell.facts.count where shell.broadcaster.subscribers[index].seen.count < shell.facts.count {
                _ = shell.broadcaster.send(index, Broadcaster.batch, stored: shell.facts)
            }
            let seen = shell.broadcaster.subscribers[index].seen.count
            try require(seen == shell.facts.count, "I7: subscriber \(index) was told \(seen) of \(shell.facts.count)")
        }
        try shell.broadcaster.check(stored: shell.facts)
    }
}
