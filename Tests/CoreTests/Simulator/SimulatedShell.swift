@testable import Core

/// The daemon around Core, with everything that matters for crashes: what has arrived is decided, stored, published
/// and performed, in this order, and the daemon may die between any two of these.
struct SimulatedShell {
    /// Something that arrived, and the effect whose outcome it is.
    struct Mail {
        let input: Input
        /// Whom it is news of.
        var ticket: TicketID?
        var outcomeOf: Effect?
    }

    enum CrashPoint: CaseIterable {
        case beforeStoring, beforePublishing, beforePerforming, whilePerforming, beforeHearing
    }

    /// Mistakes of a shell that the simulator must be able to find.
    enum Bug: Hashable {
        /// Effects are performed before they are stored as intended.
        case intentNotStored
        /// Subscribers are told before what they are told is stored.
        case publishedBeforeStored
        /// After a crash the runs that were under way are forgotten.
        case recoveryForgetsRuns
    }

    var core: Orchestrator
    var world: FakeWorld
    var mailbox: [Mail] = []
    /// What has happened and has not arrived yet. News of different tickets comes in any order.
    var onTheWay: [Mail] = []
    var now = Instant(milliseconds: 1_000_000)
    // What is on disk.
    private(set) var stored: Fold
    private(set) var facts: [Fact] = []
    private(set) var counters = Orchestrator.Counters()
    /// A subscriber that has asked for everything, and asks again from where it was after a crash.
    private(set) var seen: [Fact] = []
    /// So many of them are what happened: neither they nor what is stored changes afterwards.
    var seenAndChecked = 0
    /// What Core decided in the last turn.
    private(set) var decided: [Decided] = []
    /// Whether what was before each decision is kept, for a closer look.
    var looksClosely = false

    struct Decided {
        let input: Input?
        /// The state of the ticket a command was for.
        let state: TicketState?
        let lastFence: Int
        let before: Orchestrator?
        let decision: Decision
    }
    var bugs: Set<Bug> = []
    let limits: Orchestrator.Limits
    let plantedBugs: Set<PlantedBug>

    init(limits: Orchestrator.Limits, world: FakeWorld, planted: Set<PlantedBug> = []) {
        self.limits = limits
        self.world = world
        plantedBugs = planted
        core = Orchestrator(limits: limits)
        core.plantedBugs = planted
        stored = Fold(agents: core.agents)
    }

    // MARK: the loop

    /// Takes up to `count` of what has arrived, as one batch. Returns false when the daemon died on the way.
    mutating func turn(_ count: Int, dying: CrashPoint?, _ random: inout SplitMix64) throws(Violation) -> Bool {
        let batch = mailbox.prefix(count)
        mailbox.removeFirst(batch.count)
        decided = []
        for mail in batch {
            decide(mail.input) { $0.handle(mail.input, at: $1) }
        }
        return try commit(dying, &random)
    }

    private mutating func decide(_ input: Input?, _ body: (inout Orchestrator, Instant) -> Decision) {
        var state: TicketState?
        if case .commandGiven(_, let id)? = input { state = core.tickets[id]?.state }
        let before = looksClosely ? core : nil
        let lastFence = core.counters.fence
        let decision = body(&core, now)
        decided.append(
            Decided(input: input, state: state, lastFence: lastFence, before: before, decision: decision)
        )
    }

    private mutating func commit(_ dying: CrashPoint?, _ random: inout SplitMix64) throws(Violation) -> Bool {
        let new = decided.flatMap(\.decision.facts)
        let effects = decided.flatMap(\.decision.effects)
        if bugs.contains(.intentNotStored) { try begin(effects) }
        if bugs.contains(.publishedBeforeStored) { seen += new }
        if dying == .beforeStoring { return false }
        for fact in new { try stored.apply(fact) }
        facts += new
        counters = core.counters
        hearWords()
        if dying == .beforePublishing { return false }
        if !bugs.contains(.publishedBeforeStored) { seen += new }
        if dying == .beforePerforming { return false }
        if bugs.contains(.intentNotStored) { return true }
        guard dying == .whilePerforming else {
            try begin(effects)
            return true
        }
        try begin(Array(effects.prefix(random.below(effects.count + 1))))
        return false
    }

    private mutating func begin(_ effects: [Effect]) throws(Violation) {
        for effect in effects { try world.begin(effect, stored: stored.tickets[effect.ticket], at: now) }
    }

    /// What people have said, once it is stored: the world holds orch to it.
    private mutating func hearWords() {
        for decided in decided where decided.decision.refusal == nil {
            switch decided.input {
            case .commandGiven(.approve(_), let id)?, .commandGiven(.continue, let id)?:
                if case .awaitingApproval(let candidate, _)? = decided.state {
                    world.approved.insert(FakeWorld.Word(ticket: id, head: candidate.head))
                }
                if case .needsHuman(.lockViolation(_, let candidate), _)? = decided.state,
                    decided.input == .commandGiven(.approve(), id)
                {
                    world.approved.insert(FakeWorld.Word(ticket: id, head: candidate.head))
                }
            case .trustGiven(let repository, let digest)?:
                world.places[repository]?.trusted.insert(digest)
            default: break
            }
        }
    }

    // MARK: crashes

    /// The daemon dies, and is started again.
    mutating func restart(dying: CrashPoint?, _ random: inout SplitMix64) throws(Violation) -> Bool {
        mailbox = []
        onTheWay = []
        try world.daemonCrashed(&random, at: now)
        core = Orchestrator(limits: limits, restoring: storedState)
        core.plantedBugs = plantedBugs
        // The subscriber connects again, and is sent what it has not seen.
        seen += facts.dropFirst(seen.count)
        decided = []
        let forgets = bugs.contains(.recoveryForgetsRuns)
        decide(nil) { core, now in
            var decision = core.recover(at: now)
            if forgets { decision.effects.removeAll { if case .startRun = $0 { true } else { false } } }
            return decision
        }
        return try commit(dying, &random)
    }

    var storedState: StoredState {
        StoredState(
            tickets: stored.tickets.values.sorted { $0.serial < $1.serial },
            repositories: stored.repositories.values.sorted { $0.id < $1.id },
            grants: stored.grants.values.sorted { $0.fence < $1.fence },
            counters: counters,
            agentsSince: stored.agents.mapValues(\.since)
        )
    }

    // MARK: the world's answers

    /// Some of what is on the way arrives.
    mutating func receive(_ random: inout SplitMix64) {
        var seen: Set<TicketID?> = []
        let first = onTheWay.indices.filter { seen.insert(onTheWay[$0].ticket).inserted }
        mailbox.append(onTheWay.remove(at: random.pick(first)))
    }

    mutating func performOperation(_ index: Int, _ random: inout SplitMix64) throws(Violation) -> [Mail] {
        let effect = world.operations[index].effect
        return try world.perform(index, &random, at: now).map {
            Mail(input: $0, ticket: effect.ticket, outcomeOf: effect)
        }
    }

    mutating func endRun(_ id: RunID, _ random: inout SplitMix64) -> [Mail] {
        let locks = stored.tickets[id.ticket]?.locks ?? []
        return world.endRun(id, locks: locks, &random).map { Mail(input: $0, ticket: id.ticket) }
    }
}
