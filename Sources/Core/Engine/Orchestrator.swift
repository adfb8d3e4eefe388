/// The whole of orch's thinking: what is true, and what follows from what happens. Pure: no I/O, no clock, no task.
///
/// `handle` takes one input and returns the facts it comes to and the effects to perform. Effects are a function of
/// state (`Ticket.pendingEffects`): a transition asks for exactly what the state it enters needs, and after a crash
/// `recover` asks again for what every unfinished ticket was waiting for.
public struct Orchestrator: Sendable {
    /// How much may go on at once: at least one of each.
    public struct Limits: Equatable, Sendable {
        public let agents: Int
        /// Verification checkouts per repository.
        public let verificationSlots: Int
        /// Before `T-7-avatar-upload` in a branch's name; `{agent}` stands for `agent-1`.
        public var branchPrefix: String
        /// How long a ticket that waits for a human keeps its locks.
        public var reviewHold: Duration
        /// How many agents of a profile work at once; any number where there is none.
        public var profiles: [String: Int]
        /// Whether the machine is measured before a ticket starts.
        public var measuresMachine: Bool
        public var budgets: Budgets
        /// What is set aside before a run of a profile starts.
        public var reserves: [String: Allowance]
        public init(
            agents: Int,
            verificationSlots: Int,
            branchPrefix: String = "{agent}/",
            reviewHold: Duration = .seconds(24 * 60 * 60),
            profiles: [String: Int] = [:],
            measuresMachine: Bool = false,
            budgets: Budgets = Budgets(),
            reserves: [String: Allowance] = [:]
        ) {
            self.agents = max(1, agents)
            self.verificationSlots = max(1, verificationSlots)
            self.branchPrefix = branchPrefix
            self.reviewHold = reviewHold
            self.profiles = profiles.mapValues { max(1, $0) }
            self.measuresMachine = measuresMachine
            self.budgets = budgets
            self.reserves = reserves
        }
    }

    /// The numbers given out so far. Each only grows.
    public struct Counters: Equatable, Sendable, Codable {
        public var ticket = 0
        public var serial = 0
        public var fence = 0
        public var repository = 0
        public init() {}
    }

    public let limits: Limits
    /// Every ticket that something can still become of, and settled ones that nobody has asked to `forget`.
    public internal(set) var tickets: [TicketID: Ticket] = [:]
    /// How the others ended.
    public internal(set) var settled: [TicketID: End] = [:]
    public internal(set) var repositories: [RepositoryID: Repository] = [:]
    public internal(set) var agents: [AgentID: Agent] = [:]
    /// By fence.
    public internal(set) var grants: [Int: Grant] = [:]
    public internal(set) var counters = Counters()
    /// Everything is halted, by people.
    public internal(set) var standstill: Standstill?
    /// Nothing new starts.
    public internal(set) var isDraining = false
    /// There is no room on the disk, and nothing new starts. Not stored: a restart looks again.
    public internal(set) var isDiskFull = false

    /// What was used on each day.
    public internal(set) var ledger: [UTCDay: Usage] = [:]
    /// What was used today, and this month: the ledger's sums.
    public internal(set) var spent = Spent([:], on: UTCDay(number: 0))

    /// What the machine knows of itself, for whether a ticket may start. Not stored: a restart looks again.
    var measure = Measure.none
    /// Since when a ticket could start, were there room on the machine; for whoever asks later what tickets waited for.
    var shortSince: Instant?

    /// The tickets that wait to be started.
    public internal(set) var queuedTickets: Set<TicketID> = []

    // Indexes over the above, rebuilt from it at load.
    var scheduler = Scheduler()
    var held: [RepositoryID: LockIndex<LockHolder>] = [:]
    var fences: [TicketID: [Int]] = [:]
    /// The locks that people hold, by fence.
    var personalFences: Set<Int> = []
    /// When those of them that end by themselves do.
    var personalEnds = IndexedHeap<Int, Instant>()
    var freeAgents: [AgentID] = []
    /// How many agents work for each.
    var working: [Quota: Int] = [:]
    /// Who waits for a ticket to land.
    var dependants: [TicketID: Set<TicketID>] = [:]
    /// How many unlanded dependencies a queued ticket has; absent when none.
    var unmet: [TicketID: Set<TicketID>] = [:]
    /// What the user's checkout or another git is in the way of, a landing or the putting away of a final ticket, and
    /// when to try again. Not stored: a restart tries at once.
    var retries: [TicketID: Retry] = [:]
    struct Retry: Sendable {
        /// Nil while it is being tried.
        var at: Instant?
        var delay: Duration
    }
    /// What is being pushed. Not stored: a restart asks again for what is owed.
    package internal(set) var pushesUnderWay: [RepositoryID: PushOrder] = [:]
    /// When to push again what could not be pushed. Not stored: a restart tries at once.
    var pushRetries: [RepositoryID: Retry] = [:]
    /// Until when the tickets that wait for a human, and hold locks, keep these.
    var reviewHolds = IndexedHeap<TicketID, Instant>()
    /// Where the target was known to be when a ticket's candidate was asked for. Not stored: a restart asks again.
    var tipWhenAsked: [TicketID: ObjectID] = [:]
    /// Where orch has lately moved each target on from. Not stored: who asked before a restart is not answered after it.
    var tipsLeft: [RepositoryID: [ObjectID]] = [:]
    /// The tickets whose agents wait for locks, and those whose agents wait for anything.
    package internal(set) var claiming: Set<TicketID> = []
    var waitingAgents: Set<TicketID> = []
    /// Until when they do.
    var waitEnds = IndexedHeap<AgentWait, Instant>()
    /// Landing tickets that the user's checkout is in the way of, out of their queue as well.
    var blockedLandings: Set<TicketID> = []
    /// Landing tickets that change paths others hold, out of their queue until these are released.
    var waitingForPaths: Set<TicketID> = []

    // While an input is handled.
    var now = Instant(milliseconds: 0)
    var journal = Journal()
    #if DEBUG
        /// Empty but in the simulator's own tests.
        package var plantedBugs: Set<PlantedBug> = []
    #endif

    /// Begins with nothing, at `now`: from then on its agents are idle.
    public init(limits: Limits, at now: Instant = Instant(milliseconds: 0)) {
        self.limits = limits
        self.now = now
        for number in 1...limits.agents {
            let agent = AgentID(number)
            agents[agent] = Agent(id: agent, ticket: nil, since: now, stopping: false)
        }
        freeAgents = agents.keys.sorted(by: >)
        spent = Spent([:], on: UTCDay(now))
    }

    /// Takes one input in, and says what it comes to. A refused input changes nothing.
    public mutating func handle(_ input: Input, at now: Instant) -> Decision {
        if now < self.now {
            clockWentBack(to: now)
            measure.boundDue(at: now)
            boundReviewHolds(at: now)
            boundPersonalLocks(at: now)
            boundWaits(at: now)
        }
        self.now = now
        journal = Journal()
        do throws(Refusal) {
            try take(input)
        } catch {
            var decision = Decision()
            decision.refusal = error
            return decision
        }
        settleClaims()
        schedule()
        settleClaims()
        measure.forgetSufficiency()
        emitLeftovers()
        var decision = Decision()
        decision.facts = journal.facts
        decision.effects = journal.effects(now: tickets)
        decision.pushes = journal.pushes
        return decision
    }

    private mutating func take(_ input: Input) throws(Refusal) {
        switch input {
        case .enqueueAsked(let repository, let tickets): try enqueue(tickets, in: repository)
        case .commandGiven(let command, let ticket): try obey(command, ticket)
        case .editAsked(let ticket, let edit): try self.edit(ticket, edit)
        case .budgetGiven(let ticket, let budget): try giveBudget(ticket, budget)
        case .backlogFileRead(let repository, let file, let tickets): try take(file, tickets, in: repository)
        case .backlogFileRefused(let repository, let file, let problems):
            if repositories[repository] != nil { emit(.backlogRefused(repository, file, problems: problems)) }
        case .repositoryAsked(let path, let target, let tip, let trusted, let moved, let agents):
            addRepository(path: path, target: target, tip: tip, trusted: trusted, moved: moved, agents: agents)
        case .trustGiven(let repository, let digest): try trust(digest, in: repository)
        case .lockAsked(let repository, let pattern, let person, let reason, let duration):
            try takeLock(pattern, in: repository, person, reason, for: duration)
        case .lockReleaseAsked(let which): try releaseLock(which)
        case .haltAsked(let reason): try haltEverything(reason)
        case .resumeAsked: resumeEverything()
        case .drainAsked: isDraining = true
        case .forbiddenAsked(let run, let method):
            if knows(run.ticket) { emit(.agentForbidden(run, method: method)) }
        case .claimAsked(let run, let key, let patterns, let limit): try claim(run, key, patterns, for: limit)
        case .claimWithdrawn(let run, let key): withdrawClaim(run, key)
        case .claimReleaseAsked(let run, let patterns, let changed): try release(run, patterns, changed: changed)
        case .questionAsked(let run, let question): try ask(run, question)
        case .questionWithdrawn(let run, let key): withdrawQuestion(run, key)
        case .answerGiven(let id, let question, let text, let allows):
            try answer(id, question: question, text, allows: allows)
        case .progressReported(let run, let text, let percent): try reportProgress(run, text, percent)
        case .summaryGiven(let run, let text): try summarise(run, text)
        case .diskFilled: diskFilled()
        case .diskHasRoom: diskHasRoom()
        case .machineMeasured(let shortage): machineMeasured(shortage)
        case .clockJumped(let by): clockJumped(by)

        case .worktreeReady(let id, let branch, let base, let head, let rules, let notes):
            worktreeReady(id, branch: branch, base: base, head: head, rules, notes)
        case .worktreeFailed(let id, let reason): worktreeFailed(id, reason)
        case .runStarted(let run, let at): runStarted(run, at)
        case .runEnded(let run, let outcome, let at): runEnded(run, outcome, at)
        case .usageSeen(let run, let usage): usageSeen(run, usage)
        case .runWentQuiet(let run, let since, let lookedAt, let grace):
            runWentQuiet(run, since: since, lookedAt, grace: grace)
        case .runStirred(let run, let sign): runStirred(run, by: sign)
        case .runStayedQuiet(let run): runStayedQuiet(run)
        case .sessionOpened(let run, let id): sessionOpened(run, id)
        case .sessionLost(let run): sessionLost(run)
        case .permissionAsked(let run, let question): permissionAsked(run, question)
        case .agentLooped(let run, let finding): agentLooped(run, finding)
        case .openingTaken(let run): openingTaken(run)
        case .messageTaken(let run, let number): messageTaken(run, number)
        case .messageRefused(let run, let number, let reason): messageRefused(run, number, reason)
        case .workCollected(let id, let head, let changed, let leftovers):
            workCollected(id, head: head, changed: changed, committedLeftovers: leftovers)
        case .collectFailed(let id, let reason): collectFailed(id, reason)
        case .snapshotTaken(let id): snapshotEnded(id, failure: nil)
        case .snapshotFailed(let id, let reason): snapshotEnded(id, failure: reason)
        case .snapshotNoted(let id, let number, let notes):
            if knows(id) { emit(.snapshotNoted(id, number: number, notes: notes)) }

        case .candidateBuilt(let id, let candidate, let passes): candidateBuilt(id, candidate, passes: passes)
        case .candidateEmpty(let id, let tip): candidateEmpty(id, tip: tip)
        case .candidateConflicted(let id, let tip, let paths): candidateConflicted(id, tip: tip, paths: paths)
        case .candidateFailed(let id, let reason): candidateFailed(id, reason)
        case .checkoutReady(let id, let isSetUp): checkoutReady(id, isSetUp: isSetUp)
        case .checkoutFailed(let id, let reason): checkoutFailed(id, reason)
        case .checkoutInspected(let id, let changed, let surroundings):
            checkoutInspected(id, changed: changed, surroundings: surroundings)

        case .targetAdvanced(let id, let commit): targetAdvanced(id, to: commit)
        case .targetMoved(let id, let tip): targetMoved(id, to: tip)
        case .targetBlocked(let id, let reason): targetBlocked(id, reason)
        case .targetFailed(let id, let reason): targetFailed(id, reason)
        case .tidied(let id, let outcome): tidied(id, outcome)
        case .repositoryGone(let id, let reason): repositoryGone(id, reason)
        case .targetSeen(let id, let tip, let known): targetSeen(id, at: tip, known: known)
        case .targetPushed(let order): targetPushed(order)
        case .pushFailed(let order, let problem): pushFailed(order, problem)
        case .deadlineReached:
            retryWhatIsBlocked()
            retryPushes()
            endShortage()
            endReviewHolds()
            endPersonalLocks()
            endWaits()
        }
    }

    /// The next moment at which `deadlineReached` would change something.
    public var nextDeadline: Instant? {
        let retry = retries.lazy.filter { mayRetry($0.key) }.compactMap(\.value.at).min()
        let push = pushRetries.values.compactMap(\.at).min()
        let ends = [reviewHolds.min?.key, personalEnds.min?.key, waitEnds.min?.key]
        return ([retry, push, measure.due, spendingRenewal] + ends).compactMap(\.self).min()
    }
}
