package import Core

/// The daemon around Core, with everything that matters for crashes: what has arrived is decided, stored, published,
/// answered and performed, in this order, and the daemon may die between any two of these.
package struct SimulatedShell {
    /// Something that arrived.
    struct Mail {
        let input: Input
        /// Whom it is news of; nil for what people ask.
        var ticket: TicketID?
        /// The effect whose outcome it is.
        var outcomeOf: Effect?
    }

    package enum CrashPoint: String, CaseIterable, Sendable {
        case beforeStoring, beforePublishing, beforePerforming, whilePerforming

        var fault: Fault {
            switch self {
            case .beforeStoring: .crashBeforeStoring
            case .beforePublishing: .crashBeforePublishing
            case .beforePerforming: .crashBeforePerforming
            case .whilePerforming: .crashWhilePerforming
            }
        }
    }

    /// Mistakes of a shell that the simulator must be able to find.
    package enum Bug: String, CaseIterable, Sendable {
        /// Effects are performed before they are stored as intended.
        case intentNotStored
        /// Subscribers are told before what they are told is stored.
        case publishedBeforeStored
        /// Who asked is answered before what it comes to is stored.
        case answeredBeforeStored
        /// After a crash the runs that were under way are forgotten.
        case recoveryForgetsRuns
        /// Effects of what could be stored only at the second attempt are forgotten.
        case effectsOfLateStoreForgotten
    }

    var core: Orchestrator
    var world: FakeWorld
    var broadcaster = Broadcaster()
    var mailbox: [Mail] = []
    /// What has happened and has not arrived yet. News of different tickets comes in any order.
    var onTheWay: [Mail] = []
    var now = Instant(milliseconds: 1_000_000)
    /// By how many milliseconds the clock was set since Core was last asked.
    var jump = 0
    // What is on disk.
    private(set) var stored: Fold
    package private(set) var facts: [Fact] = []
    private(set) var counters = Orchestrator.Counters()
    private(set) var standstill: Standstill?
    /// What Core decided in the last turn.
    private(set) var decided: [Decided] = []
    /// What is decided and could not be stored yet.
    private(set) var unstored: [Decided]?
    /// The last fact that somebody's answer rests on.
    private var answeredUpTo = 0
    /// Whether what was before each decision is kept, for a closer look.
    var looksClosely = false

    struct Decided {
        let input: Input?
        /// The state of the ticket a command was for.
        let state: TicketState?
        let lastFence: Int
        let before: Orchestrator?
        let decision: Decision
        /// Whether Core held the disk for full when it had decided.
        let isDiskFull: Bool
        let isHalted: Bool
        let isInNeed: Bool
        /// What was used on the day and in the month by then, as the ledger says.
        let spent: Spent
    }
    var bugs: Set<Bug> = []
    var limits: Orchestrator.Limits
    let plantedBugs: Set<PlantedBug>

    init(limits: Orchestrator.Limits, world: FakeWorld, planted: Set<PlantedBug> = []) {
        self.limits = limits
        self.world = world
        plantedBugs = planted
        core = Orchestrator(limits: limits)
        stored = Fold(agents: core.agents)
        plant()
    }

    private mutating func plant() {
        #if DEBUG
            core.plantedBugs = plantedBugs
        #else
            precondition(plantedBugs.isEmpty, "a release build of Core has no place for a mistake")
        #endif
    }

    // MARK: the loop

    /// Takes up to `count` of what has arrived, as one batch; none while the last one is not stored. Returns false when
    /// the daemon died on the way.
    mutating func turn(_ count: Int, dying: CrashPoint?) throws(Violation) -> Bool {
        if unstored == nil {
            let batch = mailbox.prefix(count)
            mailbox.removeFirst(batch.count)
            decided = []
            // The daemon looks at the clock before anything else; that it went back, it sees by the times themselves.
            let jump = Input.clockJumped(by: .milliseconds(jump))
            if self.jump > 0 { decide(jump) { $0.handle(jump, at: $1) } }
            self.jump = 0
            for mail in batch { decide(mail.input) { $0.handle(mail.input, at: $1) } }
        }
        return try commit(dying)
    }

    private mutating func decide(_ input: Input?, _ body: (inout Orchestrator, Instant) -> Decision) {
        var state: TicketState?
        if case .commandGiven(_, let id)? = input { state = core.tickets[id]?.state }
        let before = looksClosely ? core : nil
        let lastFence = core.counters.fence
        let decision = body(&core, now)
        decided.append(
            Decided(
                input: input,
                state: state,
                lastFence: lastFence,
                before: before,
                decision: decision,
                isDiskFull: core.isDiskFull,
                isHalted: core.standstill != nil,
                isInNeed: world.isInNeed,
                spent: Spent(core.ledger, on: UTCDay(now))
            )
        )
        guard core.wantsMeasure else { return }
        let measure = Input.machineMeasured(world.isInNeed ? .memory(free: 1, wanted: 2) : nil)
        decide(measure) { $0.handle(measure, at: $1) }
    }

    private mutating func commit(_ dying: CrashPoint?) throws(Violation) -> Bool {
        let new = decided.flatMap(\.decision.facts)
        let effects = decided.flatMap(\.decision.effects)
        let pushes = decided.flatMap(\.decision.pushes)
        let isLate = unstored != nil
        if !isLate {
            if bugs.contains(.intentNotStored) { try begin(effects, pushes) }
            if bugs.contains(.publishedBeforeStored) { broadcaster.publish(new) }
            if bugs.contains(.answeredBeforeStored) { answer(upTo: facts.count + new.count) }
        }
        if dying == .beforeStoring { return false }
        if world.diskIsFull, !new.isEmpty {
            if !isLate { world.coverage.count(.storeFails) }
            unstored = decided
            return true
        }
        unstored = nil
        for fact in new {
            try stored.apply(fact)
            switch fact.event {
            case .halted(let new): standstill = new
            case .resumed: standstill = nil
            case .lockTaken: world.coverage.count(.personHolds)
            case .lockReleased(_, _, _, let expired):
                world.coverage.count(expired ? .personalLockExpires : .personLetsGo)
            case .claimGranted: world.coverage.count(.agentClaims)
            case .claimWaits: world.coverage.count(.agentWaits)
            case .claimEnded(_, _, .cycle): world.coverage.count(.agentIsRefusedACycle)
            case .claimEnded(_, _, .limit): world.coverage.count(.agentWaitsInVain)
            case .claimReleased: world.coverage.count(.agentLetsGo)
            case .questionAsked: world.coverage.count(.agentAsks)
            case .questionAnswered: world.coverage.count(.agentIsAnswered)
            default: break
            }
            for pass in fact.changes.passes { world.knownPasses[pass.repository, default: []].insert(pass.proof) }
        }
        for decided in decided {
            guard case .claimAsked? = decided.input, let refusal = decided.decision.refusal,
                refusal.message.hasSuffix("neither would ever go on")
            else { continue }
            world.coverage.count(.agentIsRefusedACycle)
        }
        facts += new
        counters = core.counters
        hearWords()
        if dying == .beforePublishing { return false }
        if !bugs.contains(.publishedBeforeStored) { broadcaster.publish(new) }
        answer(upTo: facts.count)
        core.forget(settled: core.tickets.values.filter(\.isSettled).map(\.id))
        if dying == .beforePerforming { return false }
        if bugs.contains(.intentNotStored) || isLate && bugs.contains(.effectsOfLateStoreForgotten) { return true }
        guard dying == .whilePerforming else {
            try begin(effects, pushes)
            return true
        }
        try begin(Array(effects.prefix((effects.count + 1) / 2)), [])
        return false
    }

    private mutating func answer(upTo seq: Int) {
        if decided.contains(where: { $0.input?.isAsked ?? false }) { answeredUpTo = seq }
    }

    private mutating func begin(_ effects: [Effect], _ pushes: [PushOrder]) throws(Violation) {
        for effect in effects { try world.begin(effect, stored: stored.tickets[effect.ticket]) }
        for push in pushes { try world.begin(push) }
    }

    /// What people have said, once it is stored: the world holds orch to it.
    private mutating func hearWords() {
        for decided in decided where decided.decision.refusal == nil {
            switch decided.input {
            case .commandGiven(let command, let id)?:
                switch (command, decided.state) {
                case (.approve, .awaitingApproval(let candidate, _)?),
                    (.continue, .awaitingApproval(let candidate, _)?),
                    (.approve, .needsHuman(.lockViolation(_, let candidate), _)?):
                    world.approved.insert(FakeWorld.Word(ticket: id, head: candidate.head))
                default: break
                }
            case .trustGiven(let repository, let digest)?:
                world.places[repository]?.trusted.insert(digest)
            case .repositoryAsked(let path, _, _, let trusted, _, _)?:
                guard let known = core.repositories.values.first(where: { $0.path == path }) else { break }
                world.places[known.id]?.trusted.formUnion(trusted)
            default: break
            }
        }
    }

    // MARK: crashes

    /// The daemon dies with all it knew and had not stored, and is started again. Returns false when the new one died
    /// while it recovered.
    mutating func restart(
        limits: Orchestrator.Limits,
        orphans: Set<TicketID>,
        powerLoss: Bool,
        dying: CrashPoint?
    ) throws(Violation) -> Bool {
        if unstored != nil { world.coverage.count(.crashWhileStoreFails) }
        try require(answeredUpTo <= facts.count, "I7: what a command was answered is not stored")
        // The next one sees at its start that it has no reserve.
        jump = 0
        mailbox = world.reserveIsSpent ? [Mail(input: .diskFilled)] : []
        onTheWay = []
        unstored = nil
        try world.daemonCrashed(orphans: orphans, powerLoss: powerLoss, at: now)
        self.limits = limits
        core = Orchestrator(limits: limits, restoring: storedState, at: now)
        plant()
        stored.open(agents: core.agents)
        broadcaster.restart(stored: facts)
        decided = []
        let forgets = bugs.contains(.recoveryForgetsRuns)
        decide(nil) { core, now in
            var decision = core.recover(at: now)
            if forgets { decision.effects.removeAll { if case .startRun = $0 { true } else { false } } }
            return decision
        }
        return try commit(dying)
    }

    private var storedState: StoredState {
        StoredState(
            tickets: stored.tickets.values.filter { !$0.isSettled }.sorted { $0.serial < $1.serial },
            settled: stored.tickets.values.filter(\.isSettled).reduce(into: [:]) { $0[$1.id] = $1.end },
            repositories: stored.repositories.values.sorted { $0.id < $1.id },
            grants: stored.grants.values.sorted { $0.fence < $1.fence },
            counters: counters,
            agentsSince: stored.agents.mapValues(\.since),
            standstill: standstill,
            ledger: stored.ledger
        )
    }

    // MARK: the world's answers

    /// The next half of what a ticket waits for is done. Nil when there is more to come.
    mutating func perform(_ id: TicketID, fails: Bool) throws(Violation) -> Bool? {
        guard let index = world.operation(of: id) else { return nil }
        let effect = world.operations[index].effect
        guard let news = try world.perform(index, fails: fails, at: now) else { return nil }
        send(news, of: id, outcomeOf: effect)
        return !news.isEmpty
    }

    mutating func send(_ news: [Input], of id: TicketID, outcomeOf effect: Effect? = nil) {
        onTheWay += news.map { Mail(input: $0, ticket: id, outcomeOf: effect) }
    }

    /// The oldest news of a ticket arrives.
    mutating func hear(_ id: TicketID) -> Bool {
        guard let index = onTheWay.firstIndex(where: { $0.ticket == id }) else { return false }
        mailbox.append(onTheWay.remove(at: index))
        return true
    }
}

extension Input {
    /// Somebody waits for an answer.
    fileprivate var isAsked: Bool {
        switch self {
        case .enqueueAsked, .commandGiven, .editAsked, .repositoryAsked, .trustGiven, .drainAsked, .haltAsked,
            .resumeAsked, .lockAsked, .lockReleaseAsked, .claimAsked, .claimReleaseAsked, .questionAsked, .answerGiven:
            true
        default: false
        }
    }
}
