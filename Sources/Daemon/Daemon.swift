import CSystem
public import Core
import Dispatch
import Foundation
import Glibc
import IPC
public import Logging
import Synchronization

/// The headless daemon: put together here, started in order, and ended in the reverse order.
public final class Daemon: Sendable {
    /// What a daemon is started with, besides the configuration.
    public struct Options: Sendable {
        public var paths: StatePaths
        public var user: UserSettings
        public var environment: [String: String]
        /// The program that owns a run; beside `orch` itself.
        public var runner: String
        public var version: String
        public var onStop: OnStop
        /// Knows the values that are neither stored nor told.
        public var redactor: Redactor

        public init(
            paths: StatePaths,
            user: UserSettings,
            environment: [String: String],
            runner: String,
            version: String,
            onStop: OnStop,
            redactor: Redactor = .none
        ) {
            self.paths = paths
            self.user = user
            self.environment = environment
            self.runner = runner
            self.version = version
            self.onStop = onStop
            self.redactor = redactor
        }
    }

    private let options: Options
    private let logger: Logger
    private let lock: StateLock
    private let store: Store
    private let engine: Engine
    private let effects: EffectRunner
    private let branches: BranchWatch?
    /// Nil where it is not wanted.
    private let locks: LockTableMirror?
    private let metrics: MetricsWriter
    private let backlog: BacklogWatch
    private let server: EventServer
    private let ending = Ending()
    private let signals: StopSignals

    /// Opens everything and takes up where the last daemon left off; nothing runs yet.
    ///
    /// - Throws: one error that says what is in the way: another daemon, a newer database, an unusable directory.
    public init(_ options: Options, logger: Logger) throws {
        try FaultPoint.arm(options.environment)
        let memory = FreedMemory()
        signal(SIGPIPE, SIG_IGN)
        // Writing past a limit on a file's size is an error like a full disk, and no reason to die.
        signal(SIGXFSZ, SIG_IGN)
        // Before anybody can know that there is a daemon to be ended.
        signals = StopSignals { [ending] in ending.ask(options.onStop) }
        self.options = options
        self.logger = logger
        var limits = EventServer.Limits()
        limits.connections = DescriptorLimit.raise()
        try options.paths.makeDirectories()
        FaultPoint.startDirectories.pass()
        lock = try StateLock(path: options.paths.lock)
        FaultPoint.startLocked.pass()
        let reserve = Reserve(directory: options.paths.directory)
        store = try options.paths.openStore(options.user.durability, reserve)
        FaultPoint.startStoreOpened.pass()
        let loaded = try store.load()
        let core = Orchestrator(
            limits: Orchestrator.Limits(options.user),
            restoring: loaded.state,
            at: Timestamp.now()
        )
        FaultPoint.startRestored.pass()
        let containment = try ContainmentProbe(
            runs: options.paths.runs,
            runner: options.runner,
            limits: options.user.limits
        ).choose(options.user.containment)
        logger.info("containment", metadata: ["kind": "\(containment.name)", "reach": "\(containment.reach)"])
        for shortcoming in containment.shortcomings { logger.notice("containment: \(shortcoming)") }
        let about: JSONObject = [
            "version": .string(options.version), "pid": JSONValue(Int(getpid())),
            "started": .string(Timestamp.text(Timestamp.now())), "state_directory": .string(options.paths.directory),
            "containment": .object([
                "kind": .string(containment.name), "reach": .string(containment.reach),
                "shortcomings": .array(containment.shortcomings.map(JSONValue.string)),
            ]),
        ]
        // The three need each other: what they report goes through boxes that are filled before anything is started.
        let toEngine = Box<Engine>()
        let toServer = Box<EventServer>()
        let toEffects = Box<EffectRunner>()
        let toGateway = Box<Gateway>()
        let toLocks = Box<LockTableMirror?>()
        let counts = Counts(tickets: core.tickets.values.count { !$0.isFinal }, agents: core.agents.count)
        let monitor = ActivityMonitor { toEngine.value.submit($0) }
        let (prices, profiles) = (PriceTable(options.user.prices), options.user.profiles)
        let conversations = try Conversations(
            directory: options.paths.runs,
            logger: logger,
            hooks: Conversations.Hooks(
                report: { toEngine.value.submit($0) },
                stop: { toEffects.value.supervisor.stop($0) },
                waits: { toEffects.value.holds.set($1, $2, for: $0) },
                used: { run, report in
                    let began = RunFolder(path: toEffects.value.supervisor.folder(of: run)).identity(in: "started")?.at
                    let day = UTCDay(began.map { Instant(milliseconds: $0) } ?? Timestamp.now())
                    toEngine.value.submit { core in
                        let profile = core.tickets[run.ticket].flatMap { profiles[$0.profile] }
                        return .success(.usageSeen(run, prices.usage(report, model: profile?.model, on: day)))
                    }
                },
                announce: { run, activity in
                    let line = Notification("agent.activity", activity.row(of: run, redactedBy: options.redactor))
                    toServer.value.publish([PublishedLine(line, ticket: run.ticket.text)])
                },
                wrote: { run, bytes in
                    let params: JSONObject = ["run": .string(run.description), "events": JSONValue(bytes)]
                    toServer.value.publish([PublishedLine(Notification("output", params), ticket: run.ticket.text)])
                }
            )
        )
        let supervisor = try RunSupervisor(
            directory: options.paths.runs,
            runnerPath: options.runner,
            containment: containment,
            redactor: options.redactor
        ) { report in
            switch report {
            case .started(let run, _, let at): toEngine.value.submit(.runStarted(run, at: at))
            case .ended(let run, let end):
                monitor.forget(run)
                memory.expect()
                toEffects.value.holds.clear(run)
                FaultPoint.runEndReported.pass()
                if !conversations.ended(run, RunOutcome(end), at: end.ended) {
                    toEngine.value.submit(.runEnded(run, RunOutcome(end), at: end.ended))
                }
            case .output(let run, let stdout, let stderr):
                conversations.look(at: run)
                let params: JSONObject = [
                    "run": .string(run.description), "stdout": JSONValue(stdout), "stderr": JSONValue(stderr),
                ]
                toServer.value.publish([PublishedLine(Notification("output", params), ticket: run.ticket.text)])
            }
        }
        let isMirrored = options.user.locks.mirror
        branches = BranchWatch { id, branch in
            toEngine.value.read { view in
                guard let repository = view.core.repositories[id] else { return }
                if branch == repository.target { toEffects.value.seeTarget(of: repository) }
            }
            if branch == GitRepository.lockBranch { toLocks.value?.look(at: id) }
        }
        let git = try Git(
            environment: options.environment,
            isDurable: options.user.durability == .full,
            notice: { logger.warning("\($0)") }
        )
        metrics = MetricsWriter(paths: options.paths, store: store, git: git, logger: logger)
        backlog = BacklogWatch { watch, repository in
            BacklogIntake(gateway: toGateway.value, watch: watch).look(at: repository)
        }
        effects = EffectRunner(
            environment: .init(
                paths: options.paths,
                user: options.user,
                inherited: options.environment,
                git: git,
                runner: options.runner,
                store: store,
                redactor: options.redactor,
                logger: logger
            ),
            supervisor: supervisor,
            conversations: conversations,
            monitor: monitor,
            watch: { [branches, backlog] repository, common in
                let followed = [repository.target] + (isMirrored ? [GitRepository.lockBranch] : [])
                branches?.watch(repository.id, common, followed)
                backlog.watch(repository)
            },
            report: { toEngine.value.submit($0) }
        )
        let gauge = MachineGauge(options.user.admission, directory: options.paths.directory)
        engine = Engine(
            core: core,
            loaded: loaded,
            daemonRow: about,
            store: store,
            rows: PictureRows(worktrees: options.paths.worktrees),
            redactor: options.redactor,
            hooks: Engine.Hooks(
                publish: { [metrics] lines in
                    toServer.value.publish(lines)
                    metrics.see(lines)
                },
                perform: { toEffects.value.perform($0, $1, $2) },
                push: { toEffects.value.push($0, $1) },
                trouble: { trouble in
                    let params: JSONObject = ["problem": trouble.map(JSONValue.string) ?? .null]
                    toServer.value.publish([PublishedLine(Notification("daemon.trouble", params))])
                },
                locksChanged: { for id in $0 { toLocks.value?.look(at: id) } },
                counted: { counts.set(tickets: $0, agents: $1) },
                measure: { gauge.shortage() }
            ),
            logger: logger,
            reserve: reserve
        )
        let version = options.version
        let redactor = options.redactor
        let history = store
        let peers = RunPeers(
            directory: options.paths.runs,
            group: try CgroupPlan.name(ofRuns: options.paths.runs),
            daemon: getpid()
        )
        server = try EventServer(
            path: options.paths.socket,
            lastSeq: loaded.seq,
            limits: limits,
            callbacks: EventServer.Callbacks(
                greeting: {
                    let (tickets, agents) = counts.now
                    return [
                        "protocol": 1, "daemon": .string(version), "tickets": JSONValue(tickets),
                        "agents": JSONValue(agents),
                    ]
                },
                role: { process in
                    let answer = peers.run(ofPeer: process.pid)
                    // Whoever cannot be looked at any more is not taken for a person.
                    guard process.pid == 0 || process.isAlive else { return .agent(run: nil) }
                    switch answer {
                    case .outside: return .user
                    case .inside(let run): return .agent(run: run?.description)
                    case .unknown: return .agent(run: nil)
                    }
                },
                lane: Gateway.lane,
                handler: { asker, peer, request in
                    let reply = Gateway.Reply { answer in
                        switch answer {
                        case .result(let result):
                            // A sentence may quote what was asked, or what git said.
                            let result = result.mapError { $0.redacted(by: redactor) }
                            toServer.value.reply(to: asker, id: request.id, result)
                        case .encoded(let bytes): toServer.value.reply(to: asker, id: request.id, encoded: bytes)
                        }
                    }
                    toGateway.value.handle(request, from: peer, on: asker.connection, reply: reply)
                },
                gone: {
                    toGateway.value.connectionGone($0)
                    memory.expect()
                },
                notice: { logger.warning("\($0)") },
                history: { after, limit in history.page(after: after, limit: limit) }
            )
        )
        FaultPoint.startListening.pass()
        lock.tell(listeningOn: options.paths.socket)
        toServer.fill(server)
        toEffects.fill(effects)
        toEngine.fill(engine)
        locks = isMirrored ? LockTableMirror(engine: engine, effects: effects) : nil
        toLocks.fill(locks)
        // In order, and not on the thread that serves the socket: it waits for the disk.
        let holding = DispatchQueue(label: "orch.holding")
        toGateway.fill(
            Gateway(
                engine: engine,
                effects: effects,
                store: store,
                user: options.user,
                about: about,
                waiting: { run, isWaiting in
                    holding.async { toEffects.value.holds.set(.tool, isWaiting, for: run) }
                },
                peers: peers,
                quit: { [ending] in ending.ask($0) }
            )
        )
    }

    /// Runs until it is asked to end, by a client or a signal. Blocks the calling thread.
    public func run() {
        engine.start()
        effects.clearRemovedWorktrees()
        // From here on a target that somebody moves is noticed, and so is one that was moved meanwhile.
        engine.read { [effects, locks] view in
            for repository in view.core.repositories.values {
                effects.seeTarget(of: repository)
                effects.keepSpares(of: repository)
                locks?.look(at: repository.id)
            }
        }
        metrics.catchUp()
        logger.info("orch \(options.version) is listening", metadata: ["socket": "\(options.paths.socket)"])
        end()
        signals.cancel()
    }

    /// Nothing new starts; then what runs is left, awaited or stopped; then the parts end, last first. A second word
    /// given meanwhile counts if it is a quicker one.
    private func end() {
        var word = ending.next(after: nil)
        FaultPoint.stopAsked.pass()
        engine.submit(.drainAsked)
        engine.when({ $0.isAtRest }) { [ending] in ending.rest() }
        while true {
            logger.info("ending", metadata: ["on-stop": "\(word.rawValue)"])
            if word == .detach { break }
            if word == .halt { stopEverything() }
            FaultPoint.stopHalting.pass()
            guard let quicker = ending.restOrNext(after: word) else { break }
            word = quicker
        }
        effects.monitor.stop()
        effects.supervisor.detach()
        effects.conversations.detach()
        branches?.end()
        locks?.end()
        backlog.end()
        FaultPoint.stopDetached.pass()
        engine.stop()
        FaultPoint.stopEngineEnded.pass()
        effects.finish()
        FaultPoint.stopEffectsFinished.pass()
        lock.tell(listeningOn: nil)
        server.stop()
        FaultPoint.stopServerEnded.pass()
        metrics.finish()
        try? store.close()
        FaultPoint.stopStoreClosed.pass()
        lock.release()
        logger.info("ended")
    }

    private func stopEverything() {
        engine.read { [engine] view in
            for ticket in view.core.tickets.values.sorted(by: { $0.serial < $1.serial }) where ticket.halt == nil {
                switch ticket.state {
                case .running: break
                case .landing(let landing):
                    // What waits in the queue would be tested next.
                    switch landing.step {
                    case .waiting, .trying: break
                    case .waitingForPaths, .advancing, .blocked: continue
                    }
                case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled: continue
                }
                engine.submit(.commandGiven(.stop, ticket.id))
            }
        }
    }
}

extension Orchestrator {
    /// Nothing is under way.
    var isAtRest: Bool { tickets.values.allSatisfy(\.isAtRest) }

    /// The tickets for which something is under way that ends by itself: while everything is halted, nobody gives a slot to
    /// one that waits for it.
    var unsettled: [TicketID] {
        tickets.values.filter { ticket in
            if standstill != nil, ticket.halt == nil, case .waitingForSlot? = ticket.trial { return false }
            return !ticket.isAtRest
        }
        .map(\.id).sorted()
    }
}

extension Ticket {
    fileprivate var isAtRest: Bool {
        switch state {
        case .running: return false
        case .landing(let landing):
            switch landing.step {
            case .trying, .advancing: return false
            // The queue stands still behind one that waits for a person, or for another ticket.
            case .waiting, .waitingForPaths, .blocked: return true
            }
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled: return true
        }
    }
}

extension Orchestrator.Limits {
    init(_ user: UserSettings) {
        self.init(
            agents: user.agents,
            verificationSlots: user.verificationSlots,
            branchPrefix: user.branchPrefix,
            reviewHold: user.locks.reviewHold,
            profiles: user.profiles.compactMapValues(\.limit),
            measuresMachine: !user.admission.isOff,
            budgets: user.budgets,
            reserves: user.profiles.mapValues(\.reserve).filter { !$0.value.isEmpty }
        )
    }
}

/// What `hello` says there is.
private final class Counts: Sendable {
    private let content: Mutex<(tickets: Int, agents: Int)>
    init(tickets: Int, agents: Int) { content = Mutex((tickets, agents)) }
    var now: (tickets: Int, agents: Int) { content.withLock { $0 } }
    func set(tickets: Int, agents: Int) { content.withLock { $0 = (tickets, agents) } }
}

/// A value that is set once the daemon is put together. The server listens before that, so its thread may ask for it
/// earlier, and then waits: for some microseconds, as nothing between the two can fail or wait.
private final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)
    private let isFilled = DispatchSemaphore(value: 0)

    var value: Value {
        while true {
            if let value = content.withLock({ $0 }) { return value }
            isFilled.wait()
            // For the next one who waits.
            isFilled.signal()
        }
    }

    func fill(_ value: Value) {
        let wasEmpty = content.withLock { content in
            defer { content = value }
            return content == nil
        }
        if wasEmpty { isFilled.signal() }
    }
}
