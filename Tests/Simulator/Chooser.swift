import Core

/// What happens next, by chance: mostly what is under way comes to something, sometimes people want something, and
/// sometimes something goes wrong. Each seed has troubles of its own, so that some histories are all crashes and others
/// all conflicts.
struct Chooser {
    var random: SplitMix64
    private let crashes: Int
    private let effectsFail: Int
    private let runsFail: Int
    private let diskFills: Int
    private let clockJumps: Int
    private let needs: Int
    private let halts: Int
    private let holds: Int
    private let claims: Int
    private let isCrowded: Bool
    /// Tickets asked for so far.
    private var asked = 0
    let beginning: Script
    let steps: Int

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        isCrowded = seed % 2000 == 500
        steps = isCrowded ? 3000 : 260
        crashes = random.pick([0, 1, 1, 3])
        effectsFail = random.pick([0, 2, 6])
        runsFail = random.pick([0, 10, 24, 40])
        diskFills = random.pick([0, 0, 1])
        clockJumps = random.pick([0, 1])
        needs = random.pick([0, 1])
        halts = random.pick([0, 0, 1])
        holds = random.pick([0, 0, 2])
        claims = random.pick([0, 0, 15, 45])
        var beginning = Script()
        beginning.agents = isCrowded ? 40 : 1 + random.below(4)
        beginning.slots = isCrowded ? 4 : 1 + random.below(2)
        beginning.budget = !isCrowded && seed % 4 == 3 ? 200 : 0
        beginning.repositories = (0...(random.chance(25) ? 1 : 0)).map { _ in
            random.below(FakeWorld.configurations - 1)
        }
        self.beginning = beginning
        self.random = random
    }

    mutating func next(_ simulation: Simulation) -> Action {
        let shell = simulation.shell
        if asked == 0 || isCrowded && asked < 1000 { return enqueue(simulation) }
        let alive = shell.world.unended.isEmpty ? [] : shell.world.liveRuns
        let dead = shell.world.watched.isEmpty ? [] : shell.world.deadRunners
        switch random.weighted([
            shell.mailbox.isEmpty && shell.unstored == nil ? 0 : 60, shell.world.operations.isEmpty ? 0 : 70,
            alive.isEmpty ? 0 : 30, shell.onTheWay.isEmpty ? 0 : 40, dead.isEmpty ? 0 : 20, isCrowded ? 1 : 10, 6,
            crashes, shell.core.nextDeadline == nil ? 0 : 6, 10, shell.world.diskIsFull ? 12 : diskFills, clockJumps, 3,
            shell.world.reserveIsSpent ? 4 : diskFills, shell.world.isInNeed ? 6 : needs,
            shell.core.standstill == nil ? halts : 4, holds, shell.world.pushes.isEmpty ? 0 : 6,
        ]) {
        case 0: return .turn(random.chance(70) ? 1 : 1 + random.below(isCrowded ? 20 : 4), dying: death())
        case 1: return .perform(random.pick(shell.world.operations).effect.ticket, fails: random.chance(effectsFail))
        case 2: return run(random.pick(alive), simulation)
        case 3: return .hear(random.pick(shell.onTheWay).ticket!)
        case 4: return .noticeRunner(random.pick(dead))
        case 5: return people(simulation)
        case 6: return user(simulation)
        case 7: return crash(simulation)
        case 8: return .deadline
        case 9:
            let index = random.below(shell.broadcaster.subscribers.count)
            return random.chance(5) ? .reconnect(index) : .send(index, 1 + random.below(12))
        case 10: return .disk(full: !shell.world.diskIsFull)
        case 11: return .clock(milliseconds: random.pick([-3_600_000, -500, 40_000, 86_400_000]))
        case 12: return stale(simulation)
        case 13: return .reserve(spent: !shell.world.reserveIsSpent)
        case 14: return .need(!shell.world.isInNeed)
        case 15: return shell.core.standstill == nil || random.chance(10) ? .halt : .resume
        case 16: return holdOrLetGo(simulation)
        default: return .push(random.pick(shell.world.pushes).repository, fails: random.chance(3 * effectsFail))
        }
    }

    private mutating func death() -> SimulatedShell.CrashPoint? {
        crashes > 0 && random.chance(crashes) ? random.pick(SimulatedShell.CrashPoint.allCases) : nil
    }

    private mutating func crash(_ simulation: Simulation) -> Action {
        let limits = simulation.shell.limits
        var crash = Action.Crash(agents: limits.agents, slots: limits.verificationSlots)
        crash.powerLoss = random.chance(15)
        let under = simulation.shell.world.operations.map(\.effect.ticket)
        crash.orphans = under.filter { _ in random.chance(30) }.reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }
        if random.chance(20) {
            crash.agents = 1 + random.below(5)
            crash.slots = 1 + random.below(3)
        }
        if random.chance(20) { crash.dying = random.pick(SimulatedShell.CrashPoint.allCases) }
        return .crash(crash)
    }

    /// Something that was said before is said again, or something that never should be.
    private mutating func stale(_ simulation: Simulation) -> Action {
        let ended = simulation.shell.stored.runs.filter(\.value).keys
        guard !isCrowded, random.chance(50), !ended.isEmpty else { return .noise(random.next() % 1_000_000) }
        return .hearAgain(random.pick(ended.sorted()))
    }

    // MARK: runs

    private mutating func run(_ id: RunID, _ simulation: Simulation) -> Action {
        let order = simulation.shell.world.runs[id]!.order
        if random.chance(runsFail / 5) { return random.chance(50) ? .killRunner(id) : .escape(id) }
        switch order {
        case .setup: return .end(id, random.chance(runsFail / 4) ? .with(.exited(2)) : .well)
        case .agent:
            if beginning.budget > 0, random.chance(30) {
                return .use(id, random.pick([0, 5, 10, 20, 40, 60, -10]))
            }
            let isStale = simulation.shell.core.tickets[id.ticket]?.stale != nil
            if random.chance(isStale ? 50 : runsFail / 6) { return quiet(id, simulation) }
            // Who waits for something mostly goes on waiting.
            let waits = simulation.shell.core.tickets[id.ticket]?.dealings?.claims.isEmpty == false
            if random.chance(waits ? 80 : claims) { return deal(id, simulation) }
            if random.chance(60) { return write(id, simulation) }
            guard random.chance(runsFail) else { return .end(id, .well) }
            let outcomes: [RunOutcome] = [
                .exited(1), .signalled(9), .timedOut, .lost("no exit.json"), .stopped,
                .failed("the provider answers 529"), .unknown("no turn was completed"),
            ]
            return .end(id, .with(outcomes[random.weighted([4, 3, 3, 8, 2, 2, 2])]))
        case .verifier:
            guard random.chance(runsFail / 3) else { return .end(id, .well) }
            if random.chance(40) { return .end(id, .afterChangingTheTree) }
            return .end(
                id,
                .with(random.pick([.lost("no exit.json"), .timedOut, .signalled(9), .stopped, .exited(1)]))
            )
        }
    }

    /// Agents want what others have, and wait for each other.
    private mutating func deal(_ id: RunID, _ simulation: Simulation) -> Action {
        let ticket = simulation.shell.core.tickets[id.ticket]
        let seconds = random.pick([0, 20, 120, 500])
        switch random.weighted([
            ticket?.dealings?.claims.isEmpty ?? true ? 10 : 1, ticket?.dealings?.claims.isEmpty ?? true ? 0 : 1,
            ticket?.claimed == nil ? 0 : 3, 2,
            ticket?.dealings?.openQuestion == nil ? 0 : 6,
        ]) {
        case 0:
            // Often what others have.
            let held = simulation.shell.core.grants.values.filter { $0.ticket != id.ticket }.map(\.pattern.text)
                .sorted()
            let choices = held.isEmpty || random.chance(40) ? Self.locks.flatMap(\.self) : held
            let patterns = (0...random.below(2)).map { _ in random.pick(choices) }
            return .claim(id, patterns, seconds: seconds)
        case 1: return .unclaim(id)
        case 2: return .release(id, changed: random.chance(30) ? [random.pick(FakeWorld.paths)] : [])
        case 3: return .ask(id, permission: random.chance(50), seconds: seconds)
        default: return .answer(id.ticket)
        }
    }

    /// Mostly what its ticket may change.
    private mutating func write(_ id: RunID, _ simulation: Simulation) -> Action {
        let locks = simulation.shell.core.tickets[id.ticket]?.locks ?? []
        let allowed = FakeWorld.paths.filter { path in locks.contains { $0.covers(path: path) } }
        // Where they may take the locks they lack, they stray more often.
        let strays = simulation.repositories.contains { simulation.shell.world.claims(in: $0) } ? 30 : 6
        let isBounded = simulation.shell.core.tickets[id.ticket]?.isBounded ?? false
        let choices = !isBounded || allowed.isEmpty || random.chance(strays) ? FakeWorld.paths : allowed
        var files: FakeWorld.Files = [:]
        for _ in 0...random.below(2) {
            let path = random.pick(choices)
            files[path] = path == FakeWorld.config ? random.below(FakeWorld.configurations) : random.below(60)
        }
        return .write(id, files, commits: random.chance(50))
    }

    // MARK: people

    static let locks: [[String]] = [
        [], ["src/a/**"], ["src/b/**"], ["src/a/one.txt"], ["src/**"], ["**"], ["docs/*.md", "src/b/two.txt"],
        ["resource:db", "src/a/two.txt"], ["resource:db"],
    ]

    private mutating func enqueue(_ simulation: Simulation) -> Action {
        let wishes = (0...(isCrowded ? 99 : random.below(3))).map { _ in
            asked += 1
            var wish = Action.Wish()
            if asked > 1, random.chance(25) { wish.dependsOn = [TicketID("T-\(1 + random.below(asked))")] }
            if !isCrowded, random.chance(10) { wish.id = TicketID("T-\(1 + random.below(asked + 2))") }
            wish.priority = random.below(3) - 1
            wish.locks = isCrowded && random.chance(80) ? ["many/\(random.below(500))/**"] : random.pick(Self.locks)
            return wish
        }
        return .enqueue(random.pick(simulation.repositories), wishes)
    }

    private mutating func people(_ simulation: Simulation) -> Action {
        let core = simulation.shell.core
        if let last = simulation.script.actions.last, case .tell = last, random.chance(30) { return last }
        let ids = (Array(core.tickets.keys) + core.settled.keys).sorted()
        guard !ids.isEmpty, asked > 10 || random.chance(75) else { return enqueue(simulation) }
        if random.chance(1) { return .drain }
        let open = ids.filter { core.end(of: $0) == nil }
        let id = random.chance(2) ? TicketID("T-none") : random.pick(random.chance(15) || open.isEmpty ? ids : open)
        if random.chance(8) {
            let locks = random.chance(50) ? random.pick(Self.locks) : nil
            let dependsOn =
                random.chance(30) ? random.chance(20) ? [] : [TicketID("T-\(1 + random.below(asked))")] : nil
            return .edit(id, priority: random.below(5) - 2, locks: locks, dependsOn: dependsOn)
        }
        let command: Command
        switch core.tickets[id]?.state {
        case .awaitingApproval? where random.chance(60): command = .approve()
        case .stopped? where random.chance(60), .needsHuman? where random.chance(50):
            command = random.pick([.continue, .retry, .approve(), .requestChanges(comment: "again")])
        default:
            command =
                [
                    .continue, .stop, .cancel(reason: "no"), .retry, .approve(), .requestChanges(comment: "again"),
                    .steer(message: random.pick(["tabs", "spaces", "names"])),
                ][random.weighted([3, 5, 1, 2, 2, 2, 1])]
        }
        return .tell(id, command)
    }

    /// Now and then somebody lets go of what a ticket holds, or nobody.
    private mutating func holdOrLetGo(_ simulation: Simulation) -> Action {
        let repository = random.pick(simulation.repositories)
        let held = simulation.shell.core.grants.values.filter { $0.repository == repository }.sorted {
            $0.fence < $1.fence
        }
        let persons = held.filter { $0.person != nil }
        if random.chance(persons.isEmpty ? 10 : 60) {
            let choices = (random.chance(10) ? held : persons).map(\.pattern.text)
            return .letGo(repository, pattern: choices.isEmpty ? "docs/*.md" : random.pick(choices))
        }
        return .hold(
            repository,
            pattern: random.pick(Self.locks.flatMap(\.self)),
            by: random.pick(["anna", "ben"]),
            seconds: random.chance(50) ? random.pick([10, 60, 300]) : nil
        )
    }

    private mutating func user(_ simulation: Simulation) -> Action {
        let shell = simulation.shell
        let id = random.pick(simulation.repositories)
        let place = shell.world.places[id]!
        switch random.weighted([4, 5, 4, 3, place.isGone ? 12 : 1, 2, place.isLocked ? 12 : 2, 3]) {
        case 0:
            if random.chance(15) {
                let content = random.below(FakeWorld.configurations)
                return .userWrites(id, path: FakeWorld.config, content: content)
            }
            let content = 9 * random.below(20) + 1 + random.below(6)
            return .userWrites(id, path: random.pick(FakeWorld.paths.dropLast()), content: content)
        case 1: return .userDirties(id, !place.isDirty)
        case 2:
            let ids = (Array(shell.core.tickets.keys) + shell.core.settled.keys).sorted()
            guard !ids.isEmpty else { return .register(id) }
            let waiting = ids.filter { id in
                shell.core.tickets[id].map { ["awaiting_approval", "landing"].contains($0.state.name) } ?? false
            }
            return .userCommits(random.pick(waiting.isEmpty ? ids : waiting), content: 9 * random.below(20) + 1)
        case 3: return .trust(id, configuration: shell.world.files(place.tip)[FakeWorld.config] ?? 0)
        case 4: return place.isGone ? .userMoves(id, away: false) : .register(id)
        case 5: return place.isGone || random.chance(60) ? .register(id) : .userMoves(id, away: true)
        case 6: return .userLocks(id, !place.isLocked)
        default: return .look(id)
        }
    }
}
