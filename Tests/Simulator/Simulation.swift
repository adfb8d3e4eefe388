package import Core

/// A history in the making: tickets, people, agents, a world in which much goes wrong, and a daemon that dies. It does
/// what its actions say, checks what is always true as it goes, and in the end nobody may be stuck.
package struct Simulation {
    /// Which mistakes are made.
    package struct Planted: Sendable {
        package var core: Set<PlantedBug> = []
        package var shell: Set<SimulatedShell.Bug> = []
        package var world: Set<FakeWorld.Bug> = []
        package var broadcaster: Set<Broadcaster.Bug> = []
        package init() {}

        /// Each mistake there is, by its name.
        package static let each: [(name: String, planted: Planted)] =
            PlantedBug.allCases.map { bug in (bug.rawValue, with { $0.core = [bug] }) }
            + SimulatedShell.Bug.allCases.map { bug in (bug.rawValue, with { $0.shell = [bug] }) }
            + FakeWorld.Bug.allCases.map { bug in (bug.rawValue, with { $0.world = [bug] }) }
            + Broadcaster.Bug.allCases.map { bug in (bug.rawValue, with { $0.broadcaster = [bug] }) }

        private static func with(_ body: (inout Self) -> Void) -> Self {
            var planted = Self()
            body(&planted)
            return planted
        }
    }

    package internal(set) var shell: SimulatedShell
    package internal(set) var step = 0
    package internal(set) var crashes = 0
    /// What has happened so far.
    package private(set) var script: Script
    /// Told of everything that happens, where somebody wants to know; all is checked after every step then.
    private let tell: (@Sendable (String) -> Void)?
    private var turns = 0
    /// With so many tickets, what takes time is looked at now and then.
    static let crowd = 100
    var isAtRest = false
    let repositories: [RepositoryID]

    /// The beginning of a history: the repositories of the script are registered, and none of its actions is done.
    init(_ beginning: Script, planted: Planted, tell: (@Sendable (String) -> Void)? = nil) {
        script = beginning
        script.actions = []
        self.tell = tell
        var world = FakeWorld()
        world.bugs = planted.world
        let limits = Self.limits(agents: beginning.agents, slots: beginning.slots, budget: beginning.budget)
        repositories = (1...max(1, beginning.repositories.count)).map { RepositoryID("r\($0)") }
        var tips: [ObjectID] = []
        for (id, config) in zip(repositories, beginning.repositories) {
            tips.append(world.addPlace(id, config: config))
        }
        shell = SimulatedShell(limits: limits, world: world, planted: planted.core)
        shell.bugs = planted.shell
        shell.broadcaster.bugs = planted.broadcaster
        for id in repositories { post(registration(of: id)) }
    }

    /// A human's time is short here, so that locks are let go of in the course of a history.
    private static func limits(agents: Int, slots: Int, budget: Int) -> Orchestrator.Limits {
        var budgets = Budgets()
        if budget > 0 {
            budgets.ticket.cost = budget / 2
            budgets.day.cost = budget
            budgets.month.cost = 3 * budget
        }
        return Orchestrator.Limits(
            agents: agents,
            verificationSlots: slots,
            reviewHold: .seconds(300),
            profiles: ["heavy": (agents + 1) / 2],
            measuresMachine: true,
            budgets: budgets,
            reserves: ["heavy": Allowance(cost: budget / 4)]
        )
    }

    /// Makes the repositories known, before anything can go wrong.
    mutating func begin() throws(Violation) {
        for _ in repositories { try turn(1, dying: nil) }
    }

    func note(_ text: @autoclosure () -> String) { tell?("\(step)  \(text())") }

    // MARK: actions

    /// Does one thing, and remembers it.
    mutating func take(_ action: Action) throws(Violation) {
        script.actions.append(action)
        try perform(action)
    }

    mutating func perform(_ action: Action) throws(Violation) {
        if case .proceed(let count) = action {
            note("\(action)")
            for _ in 0..<max(0, count) {
                guard let next = nextAtRest else { return }
                try perform(next)
            }
            return
        }
        step += 1
        shell.now = shell.now + .milliseconds(137)
        note("\(action)")
        switch action {
        case .enqueue(let repository, let wishes): post(.enqueueAsked(repository, wishes.map(\.ticket)))
        case .tell(let id, let command): ask(command, of: id)
        case .edit(let id, let priority, let locks, let dependsOn):
            if case .queued? = shell.core.tickets[id]?.state { count(.editedInTheQueue) }
            // Literals of the chooser's, or of a script, which are left out where they are no patterns.
            let patterns = locks.map { $0.compactMap { try? LockPattern($0) } }
            post(.editAsked(id, TicketEdit(priority: priority, locks: patterns, dependsOn: dependsOn)))
        case .trust(let repository, let configuration):
            count(.trustGiven)
            post(.trustGiven(repository, digest: FakeWorld.digest(configuration)))
        case .register(let repository):
            guard shell.world.places[repository].map({ !$0.isGone }) ?? false else { return }
            count(.registeredAgain)
            post(registration(of: repository))
        case .drain:
            count(.drained)
            post(.drainAsked)
        case .halt:
            count(.halted)
            if !shell.world.unended.isEmpty { count(.haltedAtWork) }
            post(.haltAsked(reason: "enough"))
        case .resume:
            if shell.core.standstill != nil { count(.resumed) }
            if shell.core.tickets.values.contains(where: { $0.halt == .standstill }) { count(.resumedWhileStopping) }
            post(.resumeAsked)
        case .hold(let repository, let pattern, let name, let seconds):
            guard let pattern = try? LockPattern(pattern) else { return }
            let duration = seconds.map { Duration.seconds($0) }
            post(.lockAsked(repository, pattern, by: name, reason: "by hand", for: duration))
        case .letGo(let repository, let pattern):
            guard let pattern = try? LockPattern(pattern) else { return }
            post(.lockReleaseAsked(.pattern(repository, pattern)))
        case .need(let isShort):
            if isShort { count(.machineShort) }
            shell.world.isInNeed = isShort
        case .userWrites, .userDirties, .userCommits, .userMoves, .userLocks: userActs(action)
        case .turn(let count, let dying): try turn(count, dying: dying)
        case .deadline: try deadline()
        case .proceed: break
        case .crash(let crash):
            count(.crashBetweenTurns)
            try self.crash(crash)
        case .perform(let id, let fails): if try shell.perform(id, fails: fails) == false { try check() }
        case .hear(let id):
            let isLate = shell.core.tickets[id]?.halt != nil
            if shell.hear(id), isLate { count(.newsLate) }
        case .hearAgain, .write, .escape, .use, .end, .quiet, .killRunner, .noticeRunner: run(action)
        case .claim, .unclaim, .release, .ask: deal(action)
        case .answer(let id):
            let question = shell.core.tickets[id]?.dealings?.openQuestion
            let allows = question?.kind == .permission ? true : nil
            post(.answerGiven(id, question: question?.number, text: "yes", allows: allows))
        case .clock(let milliseconds):
            count(milliseconds < 0 ? .clockBack : .clockForward)
            shell.now = shell.now + .milliseconds(milliseconds)
            shell.jump += milliseconds
        case .reserve(let spent):
            guard shell.world.reserveIsSpent != spent else { return }
            if spent { count(.reserveSpent) }
            shell.world.reserveIsSpent = spent
            post(spent ? .diskFilled : .diskHasRoom)
        case .look(let id):
            guard let place = shell.world.places[id], !place.isGone else { return }
            count(.targetSeen)
            post(.targetSeen(id, at: place.tip, known: shell.core.repositories[id]?.tip))
        case .push(let id, let fails):
            if let news = try shell.world.push(of: id, fails: fails) { post(news) }
        case .disk(let full): shell.world.diskIsFull = full
        case .send(let subscriber, let lines):
            guard shell.broadcaster.subscribers.indices.contains(subscriber) else { return }
            if shell.broadcaster.send(subscriber, lines, stored: shell.facts) { count(.slowSubscriber) }
        case .reconnect(let subscriber):
            guard shell.broadcaster.subscribers.indices.contains(subscriber) else { return }
            count(.subscriberReconnects)
            shell.broadcaster.subscribers[subscriber].isReplaying = true
        case .noise(let seed):
            count(.noise)
            try Noise.throwInputs(seed, at: shell)
        }
    }

    mutating func count(_ fault: Fault) { shell.world.coverage.count(fault) }

    mutating func post(_ input: Input) { shell.mailbox.append(SimulatedShell.Mail(input: input)) }

    private mutating func registration(of id: RepositoryID) -> Input {
        let place = shell.world.places[id]!
        let agents = shell.world.rules(shell.world.files(place.tip)).policy.agents
        return .repositoryAsked(
            path: "/r/\(id)",
            target: "main",
            tip: place.tip,
            trusted: place.trusted,
            agents: agents
        )
    }

    private mutating func ask(_ command: Command, of id: TicketID) {
        if !shell.core.knows(id) { count(.commandForNobody) }
        if shell.mailbox.last?.input == .commandGiven(command, id) { count(.commandRepeated) }
        if case .cancel = command,
            shell.core.tickets.values.contains(where: { !$0.isFinal && $0.dependsOn.contains(id) })
        {
            count(.dependencyCancelled)
        }
        post(.commandGiven(command, id))
    }

    private mutating func userActs(_ action: Action) {
        switch action {
        case .userWrites(let id, let path, let content):
            guard shell.world.places[id] != nil else { return }
            count(path == FakeWorld.config ? .rulesChanged : .targetMoved)
            shell.world.move(id, writing: path, content)
        case .userDirties(let id, let dirty):
            guard shell.world.places[id].map({ $0.isDirty != dirty }) ?? false else { return }
            count(dirty ? .checkoutDirty : .checkoutCleaned)
            shell.world.places[id]!.isDirty = dirty
        case .userMoves(let id, let away): shell.world.places[id]?.isGone = away
        case .userLocks(let id, let locked): shell.world.places[id]?.isLocked = locked
        case .userCommits(let id, let content):
            if shell.world.userCommits(on: id, content) { count(.userCommits) }
        default: preconditionFailure("\(action) is not the user's")
        }
    }

    // MARK: runs

    private mutating func run(_ action: Action) {
        switch action {
        case .hearAgain(let run):
            guard let outcome = shell.world.runs[run]?.outcome, shell.stored.runs[run] == true else { return }
            count(shell.core.tickets[run.ticket]?.currentRun == nil ? .newsTwice : .newsFromBefore)
            post(.runEnded(run, outcome, at: shell.now))
        case .write(let run, let files, let commits):
            guard isRunning(run) else { return }
            let ticket = shell.core.tickets[run.ticket]
            let locks = ticket?.locks ?? []
            if ticket?.isBounded ?? false,
                files.contains(where: { file in !locks.contains { $0.covers(path: file.key) } })
            {
                count(.strayWrite)
            }
            shell.world.write(run, files, commits: commits)
            guard case .agent = shell.world.runs[run]!.order, shell.world.watched.contains(run) else { return }
            shell.send([.sessionOpened(run, "s\(run.number)"), .openingTaken(run)], of: run.ticket)
            // Seldom: who goes round in circles lands nothing.
            if !commits, run.number % 5 == 3 {
                shell.send([.agentLooped(run, "it called Bash 5 times in a row")], of: run.ticket)
            }
        case .escape(let run):
            guard isRunning(run) else { return }
            count(.processEscapes)
            shell.world.runs[run]!.escaped += 1
        case .use(let run, let cost):
            guard isRunning(run), case .agent = shell.world.runs[run]!.order else { return }
            count(cost > 0 ? .agentUses : .usageRepeated)
            shell.world.runs[run]!.used = max(0, shell.world.runs[run]!.used + cost)
            guard shell.world.watched.contains(run) else { return }
            shell.send(shell.world.usage(of: run), of: run.ticket)
        case .end(let run, let end):
            guard isRunning(run) else { return }
            if case .with(.failed) = end, case .agent(_, _, _, _, let opening) = shell.world.runs[run]!.order,
                opening?.session != nil, shell.world.watched.contains(run)
            {
                count(.sessionLost)
                shell.send([.sessionLost(run)], of: run.ticket)
            }
            shell.send(shell.world.endRun(run, outcome(of: run, end), at: shell.now), of: run.ticket)
        case .quiet(let run, let quietness):
            guard isRunning(run), shell.world.watched.contains(run) else { return }
            if quietness == .went { count(.agentFallsSilent) }
            shell.send([quietness.input(run, at: shell.now)], of: run.ticket)
        case .killRunner(let run):
            guard isRunning(run) else { return }
            count(shell.world.watched.contains(run) ? .runnerKilled : .runnerKilledUnseen)
            shell.world.runs[run]!.isRunnerAlive = false
        case .noticeRunner(let run):
            guard shell.world.watched.contains(run), !isRunning(run) else { return }
            shell.send(shell.world.noticeDeadRunner(run, at: shell.now), of: run.ticket)
        default: preconditionFailure("\(action) is not a run's")
        }
    }

    /// What an agent has to do with orch while it works.
    private mutating func deal(_ action: Action) {
        switch action {
        case .claim(let run, let patterns, let seconds):
            guard isRunning(run) else { return }
            let patterns = patterns.compactMap { try? LockPattern($0) }
            post(.claimAsked(run, key: "c\(step)", patterns, for: .seconds(seconds)))
        case .unclaim(let run):
            guard let claim = shell.core.tickets[run.ticket]?.dealings?.claims.first else { return }
            post(.claimWithdrawn(run, key: claim.key))
        case .release(let run, let changed):
            guard let claimed = shell.core.tickets[run.ticket]?.claimed, isRunning(run) else { return }
            post(.claimReleaseAsked(run, claimed, changed: changed))
        case .ask(let run, let permission, let seconds):
            guard isRunning(run) else { return }
            let kind = permission ? Question.Kind.permission : .question
            post(
                .questionAsked(run, NewQuestion(key: "q\(step)", kind: kind, text: "may I?", limit: .seconds(seconds)))
            )
        default: preconditionFailure("\(action) is not an agent's")
        }
    }

    private func isRunning(_ run: RunID) -> Bool {
        shell.world.unended.contains(run) && shell.world.runs[run]!.isRunnerAlive
    }

    private mutating func outcome(of run: RunID, _ end: Action.End) -> RunOutcome {
        let order = shell.world.runs[run]!.order
        if case .with(let outcome) = end {
            switch (outcome, order) {
            case (_, .verifier): count(.flakyVerifier)
            case (.timedOut, _): count(.runTimesOut)
            default: count(.agentFails)
            }
            return outcome
        }
        guard case .verifier(let verifier, let slot, let candidate) = order else { return .exited(0) }
        if end == .afterChangingTheTree {
            count(.verifierChangesTree)
            shell.world.places[shell.world.runs[run]!.repository]!.checkouts[slot]!.changed.append("src/a/one.txt")
        }
        return shell.world.judge(run, verifier, slot, candidate)
    }

    // MARK: the daemon

    /// One turn of the daemon's loop; sometimes its last.
    private mutating func turn(_ count: Int, dying: SimulatedShell.CrashPoint?) throws(Violation) {
        guard !shell.mailbox.isEmpty || shell.unstored != nil else { return }
        shell.looksClosely = tell != nil || turns % 8 == 7 && shell.core.tickets.count < Self.crowd
        let survived = try shell.turn(count, dying: dying)
        tellDecisions()
        guard survived else {
            self.count(dying!.fault)
            return try crash(
                Action.Crash(agents: shell.limits.agents, slots: shell.limits.verificationSlots)
            )
        }
        try check()
    }

    private func tellDecisions() {
        guard tell != nil else { return }
        for decided in shell.decided {
            if let input = decided.input { note("     hears   \(input)") }
            for fact in decided.decision.facts { note("     fact    \(fact.event)") }
            for effect in decided.decision.effects { note("     effect  \(effect)") }
            if let refusal = decided.decision.refusal { note("     refuses \(refusal.message)") }
        }
        if shell.unstored != nil { note("     which cannot be stored") }
    }

    /// A history that is told is looked at after every step; others often enough.
    mutating func check() throws(Violation) {
        turns += 1
        try shell.checkTurn()
        let tickets = shell.core.tickets.count
        let interval = tickets < Self.crowd ? (isAtRest ? 24 : 8) : tickets
        if tell != nil || turns % interval == 0 {
            try shell.check(thoroughly: true)
        } else if turns % 3 == 0, !isAtRest, tickets < Self.crowd {
            try shell.check(thoroughly: false)
        }
    }

    private mutating func crash(_ crash: Action.Crash) throws(Violation) {
        crashes += 1
        if crash.powerLoss { count(.powerLoss) }
        if crash.slots < shell.limits.verificationSlots || crash.agents < shell.limits.agents { count(.fewerSlots) }
        if crash.slots > shell.limits.verificationSlots || crash.agents > shell.limits.agents { count(.moreSlots) }
        let limits = Self.limits(agents: crash.agents, slots: crash.slots, budget: script.budget)
        var dying = crash.dying
        // It dies once while it recovers, and not for ever.
        while true {
            let survived = try shell.restart(
                limits: limits,
                orphans: dying == crash.dying ? Set(crash.orphans) : [],
                powerLoss: crash.powerLoss,
                dying: dying
            )
            tellDecisions()
            if survived { break }
            count(.crashWhileRecovering)
            crashes += 1
            dying = nil
        }
        try shell.check(thoroughly: true)
    }

    private mutating func deadline() throws(Violation) {
        guard shell.unstored == nil, let deadline = shell.core.nextDeadline else { return }
        shell.now = max(shell.now, deadline)
        shell.mailbox.insert(SimulatedShell.Mail(input: .deadlineReached), at: 0)
        try turn(1, dying: nil)
        if shell.unstored == nil, let next = shell.core.nextDeadline {
            try require(next > shell.now, "I4: nextDeadline is not later than now: the daemon spins")
        }
    }
}

extension Action.Wish {
    fileprivate var ticket: NewTicket {
        NewTicket(
            id: id,
            title: "A ticket",
            priority: priority,
            locks: locks.compactMap { try? LockPattern($0) },
            dependsOn: dependsOn,
            profile: priority > 0 ? "heavy" : "script"
        )
    }
}
