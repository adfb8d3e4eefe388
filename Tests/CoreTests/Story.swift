import Testing

@testable public import Core

/// One orchestrator and a hand-driven clock: events go in, and what they come to is compared.
struct Story {
    var core: Orchestrator
    var now = Instant(milliseconds: 1000)
    let repository = RepositoryID("r1")

    init(
        agents: Int = 2,
        slots: Int = 1,
        trusting digests: Set<String> = ["d"],
        tip: ObjectID = "m0",
        profiles: [String: Int] = [:],
        repositoryLimit: Int? = nil,
        measuresMachine: Bool = false,
        budgets: Budgets = Budgets(),
        reserves: [String: Allowance] = [:]
    ) {
        core = Orchestrator(
            limits: Orchestrator.Limits(
                agents: agents,
                verificationSlots: slots,
                profiles: profiles,
                measuresMachine: measuresMachine,
                budgets: budgets,
                reserves: reserves
            ),
            at: now
        )
        hear(.repositoryAsked(path: "/repo", target: "main", tip: tip, trusted: digests, agents: repositoryLimit))
    }

    /// An input, and everything it comes to.
    @discardableResult mutating func hear(_ input: Input) -> Decision { core.handle(input, at: now) }

    /// An input, and exactly the events and effects it must come to.
    mutating func hear(
        _ input: Input,
        says events: [Event],
        asks effects: [Effect] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let decision = core.handle(input, at: now)
        #expect(decision.refusal == nil, sourceLocation: sourceLocation)
        #expect(decision.facts.map(\.event) == events, sourceLocation: sourceLocation)
        #expect(decision.effects == effects, sourceLocation: sourceLocation)
    }

    /// An input that is refused, and changes nothing.
    mutating func hear(
        _ input: Input,
        isRefused message: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let before = core.stored
        let decision = core.handle(input, at: now)
        #expect(decision.refusal?.message == message, sourceLocation: sourceLocation)
        #expect(decision.facts.isEmpty && decision.effects.isEmpty, sourceLocation: sourceLocation)
        #expect(core.stored == before, sourceLocation: sourceLocation)
    }

    subscript(id: TicketID) -> Ticket { core.tickets[id]! }
    func state(_ id: TicketID) -> TicketState { self[id].state }

    // MARK: shorter ways

    @discardableResult mutating func enqueue(_ new: NewTicket...) -> Decision { hear(.enqueueAsked(repository, new)) }

    @discardableResult mutating func tell(_ command: Command, _ id: TicketID) -> Decision {
        hear(.commandGiven(command, id))
    }

    mutating func prepare(_ id: TicketID, _ rules: Rules = .test()) {
        hear(.worktreeReady(id, branch: "b/\(id)", base: "m0", head: "m0", rules))
    }

    /// The current run of the ticket ends.
    @discardableResult mutating func endRun(_ id: TicketID, _ outcome: RunOutcome = .exited(0)) -> Decision {
        hear(.runEnded(self[id].currentRun!, outcome))
    }

    /// Its agent, which works, gives no sign of life until it is ended, and its worktree is saved.
    mutating func goSilent(_ id: TicketID) {
        let run = self[id].currentRun!
        hear(.wentQuiet(run))
        hear(.runStayedQuiet(run))
        endRun(id, .stopped)
        hear(.snapshotTaken(id))
    }

    /// Up to where its candidate is built.
    mutating func collect(_ id: TicketID, _ rules: Rules = .test(), head: ObjectID? = nil) {
        if case .running(let running) = state(id), case .preparing = running.step { prepare(id, rules) }
        endRun(id)
        hear(.workCollected(id, head: head ?? .head(of: id), changed: true, committedLeftovers: false))
    }

    /// Up to where its verifier runs.
    mutating func verify(_ id: TicketID, _ candidate: Candidate) {
        hear(.candidateBuilt(id, candidate))
        if case .checkingOut = self[id].trial { hear(.checkoutReady(id)) }
    }

    /// Its verifier, which runs, passes.
    mutating func pass(_ id: TicketID) {
        while self[id].currentRun != nil { endRun(id) }
        hear(.checkoutInspected(id, changed: []))
    }

    /// From its enqueuing to its verdict.
    mutating func finish(_ id: TicketID, _ candidate: Candidate) {
        collect(id, candidate.rules)
        verify(id, candidate)
        pass(id)
    }
}

extension TicketID: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}

extension LockHolder: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}

extension ObjectID: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
    static func head(of id: TicketID) -> ObjectID { ObjectID("h-\(id)") }
}

extension RepositoryID: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}

extension LockPattern {
    static func at(_ text: String) -> LockPattern { (try? LockPattern(text))! }  // Literals in tests are patterns.
}

extension NewTicket {
    static func new(
        _ id: TicketID? = nil,
        priority: Int = 0,
        locks: [String] = [],
        dependsOn: [TicketID] = [],
        profile: String = "script"
    ) -> NewTicket {
        NewTicket(
            id: id,
            title: "Add x",
            priority: priority,
            locks: locks.map(LockPattern.at),
            dependsOn: dependsOn,
            profile: profile
        )
    }
}

extension Rules {
    /// One verifier, unless told otherwise.
    static func test(
        _ approve: ApprovalPolicy = .auto,
        digest: String = "d",
        _ change: (inout Policy) -> Void = { _ in }
    )
        -> Rules
    {
        var policy = Policy()
        policy.approve = approve
        policy.verifiers = [.test]
        change(&policy)
        return Rules(digest: digest, policy: policy)
    }
}

extension Verifier {
    static let test = Verifier(name: "test", command: ["make", "test"])
}

extension Candidate {
    static func of(
        _ id: TicketID,
        on tip: ObjectID = "m0",
        paths: [String] = ["src/a.txt"],
        rules: Rules = .test(),
        head: ObjectID? = nil,
        tree: ObjectID? = nil
    ) -> Candidate {
        Candidate(
            commit: ObjectID("\(id)@\(tip)"),
            tree: tree ?? ObjectID("tree-\(id)@\(tip)"),
            tip: tip,
            head: head ?? .head(of: id),
            paths: paths,
            rules: rules,
            ownDigest: rules.digest
        )
    }
}

extension Input {
    /// An agent has been silent for a while, and has two minutes left.
    static func wentQuiet(_ run: RunID, since: Instant = Instant(milliseconds: 400)) -> Input {
        .runWentQuiet(run, since: since, lookedAt: [.output, .cpu, .files], grace: .seconds(120))
    }

    /// A run that has ended, at a moment that does not matter.
    static func runEnded(_ run: RunID, _ outcome: RunOutcome) -> Input {
        .runEnded(run, outcome, at: Instant(milliseconds: 0))
    }
}
