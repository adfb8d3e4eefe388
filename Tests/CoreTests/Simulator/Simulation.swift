@testable import Core

/// A history made from a seed: tickets, people, agents, a world in which much goes wrong, and a daemon that crashes.
/// After every turn all invariants are checked; at the end, with everybody friendly, nobody may be stuck.
struct Simulation {
    struct Failure: CustomStringConvertible {
        let seed: UInt64
        let violation: Violation
        let step: Int
        let trace: [String]

        var description: String {
            """
            seed \(seed), step \(step): \(violation)
            again: ORCH_SEED=\(seed) swift test --filter CoreTests.SimulatorTests
            \(trace.suffix(40).joined(separator: "\n"))
            """
        }
    }

    let seed: UInt64
    var random: SplitMix64
    var shell: SimulatedShell
    var step = 0
    private let trace = Trace()
    let isTracing: Bool
    let steps: Int
    /// Tickets asked for so far.
    private var asked = 0
    private var repositories: [RepositoryID] = []
    private let crashes: Int
    private var turns = 0
    private var isAtRest = false

    init(seed: UInt64, planted: Planted = Planted(), isTracing: Bool = false, steps: Int = 160) {
        self.seed = seed
        self.isTracing = isTracing
        self.steps = steps
        random = SplitMix64(seed: seed)
        var world = FakeWorld()
        world.bugs = planted.world
        let limits = Orchestrator.Limits(agents: 1 + random.below(4), verificationSlots: 1 + random.below(2))
        crashes = random.pick([0, 1, 3])
        shell = SimulatedShell(limits: limits, world: world, planted: planted.core)
        shell.bugs = planted.shell
    }

    /// Which mistakes are made.
    struct Planted: Sendable {
        var core: Set<PlantedBug> = []
        var shell: Set<SimulatedShell.Bug> = []
        var world: Set<FakeWorld.WorldBug> = []
    }

    /// Runs one history; a failing one runs again to tell its story.
    static func failure(seed: UInt64, planted: Planted = Planted(), steps: Int = 160) -> Failure? {
        var simulation = Simulation(seed: seed, planted: planted, steps: steps)
        guard simulation.run() != nil else { return nil }
        var again = Simulation(seed: seed, planted: planted, isTracing: true, steps: steps)
        return again.run()
            ?? Failure(seed: seed, violation: Violation("fails only sometimes"), step: 0, trace: again.trace.lines)
    }

    mutating func run() -> Failure? {
        do throws(Violation) {
            try begin()
            while step < steps { try takeStep() }
            try comeToRest()
            return nil
        } catch {
            return Failure(seed: seed, violation: error, step: step, trace: trace.lines)
        }
    }

    private final class Trace {
        var lines: [String] = []
    }

    private func note(_ text: @autoclosure () -> String) {
        if isTracing { trace.lines.append("\(step)  \(text())") }
    }

    // MARK: steps

    private mutating func begin() throws(Violation) {
        for number in 1...(random.chance(25) ? 2 : 1) {
            let config = random.below(FakeWorld.configurations - 1)
            let id = RepositoryID("r\(number)")
            let tip = shell.world.addPlace(id, config: config)
            repositories.append(id)
            let input = Input.repositoryAsked(
                path: "/r/\(number)",
                target: "main",
                tip: tip,
                trusted: [FakeWorld.rules(config).digest]
            )
            shell.mailbox.append(SimulatedShell.Mail(input: input))
            try turn(1)
        }
        shell.mailbox.append(SimulatedShell.Mail(input: enqueued()))
        try turn(1)
    }

    private mutating func takeStep() throws(Violation) {
        step += 1
        shell.now = shell.now + .milliseconds(random.below(400))
        let operations = shell.world.operations.count
        let runs = shell.world.liveRuns
        switch random.weighted([
            shell.mailbox.isEmpty ? 0 : 60, operations == 0 ? 0 : 40, runs.isEmpty ? 0 : 18, 10, 5, crashes,
            shell.core.nextDeadline == nil ? 0 : 10, shell.onTheWay.isEmpty ? 0 : 40,
        ]) {
        case 0: try turn(random.chance(70) ? 1 : 1 + random.below(4))
        case 1: try endOperation()
        case 2: endRun(random.pick(runs))
        case 3: try somebodyAsks()
        case 4: try userActs()
        case 5: try crash(nil)
        case 6: try timePasses()
        default: shell.receive(&random)
        }
    }

    /// One turn of the daemon's loop; sometimes its last.
    private mutating func turn(_ count: Int) throws(Violation) {
        for mail in shell.mailbox.prefix(count) { note("in   \(mail.input)") }
        let dying =
            step > 0 && crashes > 0 && random.chance(crashes) ? random.pick(SimulatedShell.CrashPoint.allCases) : nil
        let survived = try shell.turn(count, dying: dying, &random)
        for decision in shell.decided.map(\.decision) {
            for fact in decision.facts { note("     fact   \(fact.event)") }
            for effect in decision.effects { note("     effect \(effect)") }
            if let refusal = decision.refusal { note("     refused: \(refusal.message)") }
        }
        guard survived else { return try crash(dying) }
        try check()
    }

    /// A history that is told again is looked at after every step; others often enough.
    private mutating func check() throws(Violation) {
        turns += 1
        try shell.checkMoves()
        shell.looksClosely = isTracing || turns % 8 == 7
        if isTracing || turns % 8 == 0 {
            try shell.check(thoroughly: true)
        } else if turns % 2 == 0, !isAtRest {
            try shell.check(thoroughly: false)
        }
    }

    private mutating func endOperation() throws(Violation) {
        let index = random.pick(shell.world.endable)
        note("done \(shell.world.operations[index].effect)")
        let mail = try shell.performOperation(index, &random)
        // It happened, and the daemon dies before it hears of it.
        if crashes > 0, random.chance(crashes) { return try crash(.beforeHearing) }
        shell.onTheWay += mail
        if mail.isEmpty { try check() }
    }

    private mutating func endRun(_ id: RunID) {
        let mail = shell.endRun(id, &random)
        note("end  \(id): \(shell.world.runs[id]!.outcome!)")
        shell.onTheWay += mail
    }

    private mutating func crash(_ point: SimulatedShell.CrashPoint?) throws(Violation) {
        note("CRASH \(point.map { "\($0)" } ?? "")")
        // It may die again while it recovers; not for ever.
        for attempt in 0...2 {
            let dying = attempt < 2 && random.chance(20) ? random.pick(SimulatedShell.CrashPoint.allCases) : nil
            let survived = try shell.restart(dying: dying, &random)
            for effect in shell.decided[0].decision.effects { note("     again  \(effect)") }
            if survived { break }
        }
        try shell.check(thoroughly: true)
    }

    private mutating func timePasses() throws(Violation) {
        guard let deadline = shell.core.nextDeadline else { return }
        shell.now = max(shell.now, deadline)
        note("time \(deadline)")
        shell.mailbox.insert(SimulatedShell.Mail(input: .deadlineReached), at: 0)
        try turn(1)
        if let next = shell.core.nextDeadline {
            try require(next > shell.now, "nextDeadline is not later than now: the daemon spins")
        }
    }

    // MARK: people

    static let locks: [[LockPattern]] = [
        [], ["src/a/**"], ["src/b/**"], ["src/a/one.txt"], ["src/**"], ["**"], ["docs/*.md", "src/b/two.txt"],
        ["resource:db", "src/a/two.txt"], ["resource:db"],
    ].map { $0.map { text in (try? LockPattern(text))! } }  // They are patterns.

    private mutating func enqueued() -> Input {
        let new = (0...random.below(3)).map { _ -> NewTicket in
            asked += 1
            var depends: [TicketID] = []
            if asked > 1, random.chance(25) { depends.append(TicketID("T-\(1 + random.below(asked))")) }
            return NewTicket(
                id: random.chance(10) ? TicketID("T-\(1 + random.below(asked + 2))") : nil,
                title: "Ticket \(asked)",
                priority: random.below(3) - 1,
                locks: random.pick(Self.locks),
                dependsOn: depends,
                profile: "script"
            )
        }
        return .enqueueAsked(random.pick(repositories), new)
    }

    private var ticketIDs: [TicketID] { shell.core.tickets.keys.sorted() }

    private mutating func somebodyAsks() throws(Violation) {
        let ids = ticketIDs
        guard ids.count > 0, asked > 10 || random.chance(75) else {
            shell.mailbox.append(SimulatedShell.Mail(input: enqueued()))
            return
        }
        let open = ids.filter { !shell.core.tickets[$0]!.isFinal }
        let id = random.chance(2) ? TicketID("T-none") : random.pick(random.chance(15) || open.isEmpty ? ids : open)
        let command: Command
        switch shell.core.tickets[id]?.state {
        case .awaitingApproval? where random.chance(60): command = .approve()
        case .stopped? where random.chance(60), .needsHuman? where random.chance(50):
            command = random.pick([.continue, .retry, .approve(), .requestChanges(comment: "more")])
        default:
            command =
                [
                    .continue, .stop, .cancel(reason: "no"), .retry, .approve(), .requestChanges(comment: "again"),
                ][random.weighted([3, 5, 1, 2, 2, 2])]
        }
        shell.mailbox.append(SimulatedShell.Mail(input: .commandGiven(command, id)))
        if random.chance(10) { shell.mailbox.append(SimulatedShell.Mail(input: .commandGiven(command, id))) }
    }

    private mutating func userActs() throws(Violation) {
        let place = random.pick(repositories)
        switch random.weighted([4, 5, 4, 3]) {
        case 0:
            shell.world.userMovesTarget(place, &random)
            note("user moves \(place)")
        case 1:
            shell.world.places[place]!.isDirty.toggle()
            note("user's checkout of \(place): \(shell.world.places[place]!.isDirty ? "dirty" : "clean")")
        case 2:
            guard !ticketIDs.isEmpty else { return }
            let waiting = ticketIDs.filter {
                ["awaiting_approval", "landing"].contains(shell.core.tickets[$0]!.state.name)
            }
            let id = random.pick(waiting.isEmpty ? ticketIDs : waiting)
            shell.world.userCommitsOnBranch(id, &random)
            note("user commits on \(id)")
        default:
            let digest = FakeWorld.rules(shell.world.files(shell.world.places[place]!.tip)).digest
            shell.mailbox.append(SimulatedShell.Mail(input: .trustGiven(place, digest: digest)))
        }
    }

    // MARK: the end

    /// Nothing goes wrong any more, and all that is under way comes to its end.
    private mutating func settle() throws(Violation) {
        var left = 3000
        while true {
            left -= 1
            try require(left > 0, "I4: it never comes to rest")
            step += 1
            let runs = shell.world.liveRuns
            let choices = [
                shell.mailbox.isEmpty ? 0 : 3, shell.onTheWay.isEmpty ? 0 : 2, shell.world.operations.isEmpty ? 0 : 2,
                runs.isEmpty ? 0 : 1,
            ]
            if choices.contains(where: { $0 > 0 }) {
                switch random.weighted(choices) {
                case 0: try turn(1)
                case 1: shell.receive(&random)
                case 2: try endOperation()
                default: endRun(random.pick(runs))
                }
            } else if shell.core.nextDeadline != nil {
                try timePasses()
            } else {
                break
            }
        }
    }

    /// People answer whatever is asked. Then every ticket has landed or is cancelled, and nothing is left over.
    private mutating func comeToRest() throws(Violation) {
        shell.world.failures = false
        isAtRest = true
        for id in repositories {
            shell.world.places[id]!.isDirty = false
            // The configuration is one that works, without a human.
            var files = shell.world.files(shell.world.places[id]!.tip)
            files[FakeWorld.config] = 0
            shell.world.move(id, to: shell.world.commit(files, parent: shell.world.places[id]!.tip))
            shell.mailbox.append(
                SimulatedShell.Mail(input: .trustGiven(id, digest: FakeWorld.rules(files).digest))
            )
        }
        try settle()
        for round in 0..<60 {
            let open = ticketIDs.filter { !shell.core.tickets[$0]!.isFinal }
            if open.isEmpty { return try checkRest() }
            for id in open { answer(id, round: round) }
            try settle()
        }
        let open = ticketIDs.filter { !shell.core.tickets[$0]!.isFinal }
        throw Violation("I4: stuck: \(open.map { "\($0) \(shell.core.tickets[$0]!.state)" })")
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
        if let command { shell.mailbox.append(SimulatedShell.Mail(input: .commandGiven(command, id))) }
    }

    private func checkRest() throws(Violation) {
        let core = shell.core
        try require(core.grants.isEmpty, "locks are left: \(core.grants)")
        try require(core.agents.values.allSatisfy { $0.ticket == nil }, "agents are busy: \(core.agents)")
        for (id, ticket) in core.tickets {
            switch ticket.state {
            case .merged(let commit, let tidy):
                try require(tidy != .pending, "\(id) is not put away")
                try require(shell.world.landings[id] == 1, "\(id) is merged and has not landed")
                try require(shell.world.places[ticket.repository]!.history.contains(commit), "\(commit) is nowhere")
            case .cancelled(_, let tidy):
                try require(tidy != .pending, "\(id) is not put away")
                try require(shell.world.landings[id] == nil, "\(id) is cancelled and has landed")
            default: throw Violation("\(id) is \(ticket.state)")
            }
        }
        for (id, run) in shell.world.runs { try require(run.outcome != nil, "\(id) is alive") }
    }
}
