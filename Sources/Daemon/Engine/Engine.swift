import Core
import Foundation
import IPC
import Logging

/// The only owner of the Core value: one thread, one mailbox, one writer.
///
/// Its loop takes what has arrived, lets Core decide each input in order, stores all of it in one transaction, and
/// only then publishes the events, answers those who asked, and starts the effects. Nothing outside is told what is
/// not durable, and nothing is attempted whose intent is not.
///
/// `@unchecked`: the state below `MARK: the loop's own` is touched by the loop's thread alone.
final class Engine: @unchecked Sendable {
    /// What is true at one event: handed to those who ask.
    struct View: Sendable {
        let core: Orchestrator
        let seq: Int
        /// Of the tickets that Core has in mind.
        var evidence: [TicketID: String]
        let rows: PictureRows
        /// Why nothing can be stored now.
        var trouble: String?
    }

    struct Hooks: Sendable {
        var publish: @Sendable ([PublishedLine]) -> Void
        var perform: @Sendable (Effect, Ticket, Core.Repository) -> Void
        var push: @Sendable (PushOrder, Core.Repository) -> Void
        /// Something is wrong with the store, or right again (nil).
        var trouble: @Sendable (String?) -> Void
        /// Locks of these repositories have been taken or released.
        var locksChanged: @Sendable (Set<RepositoryID>) -> Void = { _ in }
        /// How many tickets are unfinished now, and how many agents there are.
        var counted: @Sendable (Int, Int) -> Void
        /// What the machine is short of for another ticket to start.
        var measure: @Sendable () -> Shortage? = { nil }

        /// For a store that is changed while nobody listens.
        static let none = Hooks(
            publish: { _ in },
            perform: { _, _, _ in },
            push: { _, _ in },
            trouble: { _ in },
            locksChanged: { _ in },
            counted: { _, _ in }
        )
    }

    /// Gets what an input came to, and what is true after it.
    typealias Answer = @Sendable (Result<[Fact], Refusal>, View) -> Void

    /// What somebody asks for, put in terms of what is true at the moment it is decided: an agent's name, say, means the
    /// ticket it works on when everything that was asked before has been carried out.
    typealias Question = @Sendable (Orchestrator) -> Result<Input, Refusal>

    enum Item: Sendable {
        case input(Question, descriptions: [String], answer: Answer?)
        case read(@Sendable (View) -> Void)
        case wait(@Sendable (Orchestrator) -> Bool, then: @Sendable () -> Void)
        case start
    }

    let mailbox = Mailbox<Item>()
    let store: Store
    let rows: PictureRows
    let redactor: Redactor
    let hooks: Hooks
    let logger: Logger
    let reserve: Reserve?
    private let ended = DispatchSemaphore(value: 0)

    // MARK: the loop's own
    var core: Orchestrator
    var evidence: [TicketID: String]
    private var seq: Int
    private var unfinished: Int
    private var opening: (daemonRow: JSONObject, before: JSONObject, agents: [Change<Agent>])
    var waiters: [(condition: @Sendable (Orchestrator) -> Bool, then: @Sendable () -> Void)] = []
    private var waiting: [String: String] = [:]
    private var waitingIsDue: SuspendingClock.Instant?
    /// What subscribers were last told that the machine is short of.
    private var toldShortage: Shortage?
    private var clock: SteadyClock
    /// What arrived while the store could not be written, and comes next.
    var held: [Item] = []
    /// A write has found no room since there was room last.
    var diskIsFull = false
    /// When to look for room again.
    var roomIsDue: SuspendingClock.Instant?

    /// The longest queue for which everybody's reason to wait is published as it changes.
    static let publishedReasons = 500
    static let batchLimit = 256

    /// - Parameter recovering: whether its first fact is that the daemon has started, and every effect that was pending is
    ///   asked for again.
    init(
        core: Orchestrator,
        loaded: Store.Loaded,
        daemonRow: JSONObject,
        store: Store,
        rows: PictureRows,
        redactor: Redactor = .none,
        hooks: Hooks,
        logger: Logger,
        reserve: Reserve? = nil,
        clock sources: SteadyClock.Sources = .system,
        recovering: Bool = true
    ) {
        self.core = core
        self.store = store
        self.rows = rows
        self.redactor = redactor
        self.hooks = hooks
        self.logger = logger
        self.reserve = reserve
        clock = SteadyClock(after: loaded.lastEvent, sources)
        evidence = loaded.evidence
        seq = loaded.seq
        unfinished = core.tickets.values.count { !$0.isFinal }
        let stored = Dictionary(uniqueKeysWithValues: loaded.agents.map { ($0.id, $0) })
        let agents = Set(stored.keys).union(core.agents.keys).sorted().compactMap { id -> Change<Agent>? in
            stored[id] == core.agents[id] ? nil : Change(old: stored[id], new: core.agents[id])
        }
        opening = (daemonRow, loaded.daemonRow, agents)
        // Before anything that a client may ask for.
        if recovering { mailbox.send(.start) }
    }

    /// Starts the loop.
    func start() {
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.name = "engine"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Ends the loop once everything that has arrived is dealt with, and waits for that. What cannot be stored is dropped:
    /// nobody has been told of it.
    func stop() {
        mailbox.close()
        ended.wait()
    }

    /// Something has happened.
    func submit(_ input: Input) { submit { _ in .success(input) } }

    /// Something has happened that is put in terms of what is true by then.
    func submit(_ question: @escaping Question) {
        mailbox.send(.input(question, descriptions: [], answer: nil))
    }

    /// Somebody asks for something. The answer is called on the loop's thread once its effect is durable and every
    /// event before it has been published; never, if the daemon ends first.
    ///
    /// - Parameter descriptions: of the tickets that come in, in their order; or the new one of an `editAsked`.
    /// - Returns: false when the daemon is ending, and nothing will come of it.
    @discardableResult
    func ask(
        _ input: Input,
        descriptions: [String] = [],
        answer: @escaping Answer
    ) -> Bool {
        ask({ _ in .success(input) }, descriptions: descriptions, answer: answer)
    }

    /// Somebody asks for something that depends on what is true by then. Questions are decided in the order in which
    /// they are asked.
    @discardableResult
    func ask(
        _ question: @escaping Question,
        descriptions: [String] = [],
        answer: @escaping Answer
    ) -> Bool {
        mailbox.send(.input(question, descriptions: descriptions, answer: answer))
    }

    /// Calls `body` on the loop's thread with what is true between two inputs. False when the daemon is ending, and it
    /// will not be called.
    @discardableResult
    func read(_ body: @escaping @Sendable (View) -> Void) -> Bool { mailbox.send(.read(body)) }

    /// Calls `then` once, on the loop's thread, as soon as `condition` holds between two inputs.
    func when(_ condition: @escaping @Sendable (Orchestrator) -> Bool, then: @escaping @Sendable () -> Void) {
        mailbox.send(.wait(condition, then: then))
    }

    // MARK: the loop

    private func run() {
        while let items = next() {
            let (now, jump) = clock.now()
            var round = Round(now: now, before: .init(core, seq: seq))
            let (wasDraining, shortage) = (core.isDraining, core.shortage)
            if let jump { decide(.clockJumped(by: jump), now, &round) }
            lookAtDisk(now, &round)
            for item in items { take(item, now, &round) }
            if core.nextDeadline.map({ $0 <= now }) ?? false { decide(.deadlineReached, now, &round) }
            let hasFacts = !round.batch.steps.isEmpty
            if hasFacts { FaultPoint.engineDecided.pass() }
            guard commit(&round) else { return }
            if hasFacts { FaultPoint.engineCommitted.pass() }
            hooks.counted(unfinished, core.agents.count)
            publish(round)
            if hasFacts { FaultPoint.engineAnswered.pass() }
            forgetSettled(round)
            for (repository, ticket, effect) in round.effects { hooks.perform(effect, ticket, repository) }
            for (repository, order) in round.pushes { hooks.push(order, repository) }
            waiters.removeAll { waiter in
                guard waiter.condition(core) else { return false }
                waiter.then()
                return true
            }
            publishShortage()
            // Draining and need come to no fact, and are reasons to wait.
            publishWaiting(changed: hasFacts || core.isDraining != wasDraining || core.shortage != shortage)
        }
    }

    /// What comes next: what had to wait for the store, then what arrives. Nil when the loop is to end.
    private func next() -> [Item]? {
        guard held.isEmpty else {
            defer { held = [] }
            return held
        }
        return mailbox.take(limit: Self.batchLimit, within: untilDue)
    }

    /// How long nothing is due.
    private var untilDue: Duration? {
        // What the disk has come to is told in a round of its own.
        if diskIsFull && !core.isDiskFull || core.isDiskFull && roomIsDue == nil { return .zero }
        let due = [roomIsDue, waitingIsDue].compactMap(\.self).min().map { SuspendingClock.now.duration(to: $0) }
        let deadline = core.nextDeadline.map { clock.untilReal($0) }
        return [due, deadline].compactMap(\.self).min()
    }

    /// What one turn of the loop has come to.
    struct Round {
        let now: Instant
        /// What was true before it.
        var before: Before
        var batch = Batch()
        var lines: [PublishedLine] = []
        var answers: [Reply] = []
        var effects: [(Core.Repository, Ticket, Effect)] = []
        var pushes: [(Core.Repository, PushOrder)] = []

        struct Before {
            let counters: Orchestrator.Counters
            let isDiskFull: Bool
            let standstill: Standstill?
            let ledger: [UTCDay: Usage]
            let seq: Int
            /// Of the tickets that have changed; nil where there was none.
            var evidence: [TicketID: String?] = [:]

            init(_ core: Orchestrator, seq: Int) {
                counters = core.counters
                isDiskFull = core.isDiskFull
                standstill = core.standstill
                ledger = core.ledger
                self.seq = seq
            }
        }

        /// Given once the round is durable.
        enum Reply {
            case read(@Sendable (View) -> Void)
            case answer(Answer, Result<[Fact], Refusal>)

            func give(_ view: View) {
                switch self {
                case .read(let body): body(view)
                case .answer(let answer, let result): answer(result, view)
                }
            }
        }

        /// Those who only look are told what is true without it.
        mutating func answerReads(_ view: View) {
            answers.removeAll { reply in
                guard case .read(let body) = reply else { return false }
                body(view)
                return true
            }
        }

        /// Those who wait for it are told why they wait in vain for now.
        mutating func giveUpAnswers(_ refusal: Refusal, _ view: View) {
            for case .answer(let answer, _) in answers { answer(.failure(refusal), view) }
            answers = []
        }
    }

    private func take(_ item: Item, _ now: Instant, _ round: inout Round) {
        switch item {
        case .read(let body):
            round.answers.append(.read(body))
        case .wait(let condition, let then):
            waiters.append((condition, then))
        case .start:
            open(now, &round)
        case .input(let question, let descriptions, let answer):
            let result = question(core).flatMap { decide($0, descriptions: descriptions, now, &round) }
            if let answer { round.answers.append(.answer(answer, result)) }
        }
    }

    @discardableResult
    func decide(
        _ input: Input,
        descriptions: [String] = [],
        _ now: Instant,
        _ round: inout Round
    ) -> Result<[Fact], Refusal> {
        let counters = core.counters
        let decision = core.handle(input.redacted(by: redactor), at: now)
        if let refusal = decision.refusal { return .failure(refusal) }
        if core.counters != counters { round.batch.counters = core.counters }
        note(decision, descriptions: descriptions, now, &round)
        measureIfWanted(now, &round)
        return .success(decision.facts)
    }

    /// Core is told what it asks about the machine before anything else.
    private func measureIfWanted(_ now: Instant, _ round: inout Round) {
        guard core.wantsMeasure else { return }
        decide(.machineMeasured(hooks.measure()), now, &round)
    }

    private func note(_ decision: Decision, descriptions: [String] = [], _ now: Instant, _ round: inout Round) {
        var texts = descriptions[...]
        for fact in decision.facts { record(fact, now, description: &texts, &round) }
        for effect in decision.effects { round.effects.append(located(effect)) }
        for order in decision.pushes { round.pushes.append((core.repositories[order.repository]!, order)) }
    }

    private func record(_ fact: Fact, _ now: Instant, description texts: inout ArraySlice<String>, _ round: inout Round)
    {
        seq += 1
        let line = FactLine(fact, seq: seq, time: now, rows: rows, known: evidence) { core.tickets[$0] }
        for id in line.evidence.keys where round.before.evidence[id] == nil {
            round.before.evidence[id] = .some(evidence[id])
        }
        evidence.merge(line.evidence) { _, new in new }
        for change in fact.changes.tickets {
            unfinished += (change.new?.isFinal == false ? 1 : 0) - (change.old?.isFinal == false ? 1 : 0)
        }
        var step = Batch.Step(
            seq: seq,
            time: now,
            name: line.name,
            ticket: line.ticket,
            line: line.bytes,
            changes: fact.changes,
            evidence: line.evidence,
            descriptions: []
        )
        switch fact.event {
        case .ticketEnqueued(let id):
            if let text = texts.popFirst() { step.descriptions = [(id, redactor.redact(text))] }
        case .ticketEdited(let id, let fields) where fields.contains(.description):
            if let text = texts.popFirst() { step.descriptions = [(id, redactor.redact(text))] }
        case .diskFilled, .diskFreed, .halted, .resumed, .runUsed, .spendingRenewed:
            round.batch.daemonRow = rows.daemon(opening.daemonRow, core)
        default: break
        }
        round.batch.steps.append(step)
        round.lines.append(
            PublishedLine(seq: seq, topic: line.name, ticket: line.ticket?.text, bytes: line.bytes)
        )
    }

    private func located(_ effect: Effect) -> (Core.Repository, Ticket, Effect) {
        let ticket = core.tickets[effect.ticket]!
        return (core.repositories[ticket.repository]!, ticket, effect)
    }

    /// The first fact of a daemon's life: what it is, and which agents it has.
    private func open(_ now: Instant, _ round: inout Round) {
        seq += 1
        var agents = JSONObject()
        for change in opening.agents {
            let lookup = { (agent: Agent) in agent.ticket.flatMap { self.core.tickets[$0] } }
            let old = change.old.map { rows.agent($0, ticket: lookup($0)) }
            guard let new = change.new else {
                agents[change.old!.id.description] = .null
                continue
            }
            agents[new.id.description] = .object(
                MergePatch.diff(from: old ?? [:], to: rows.agent(new, ticket: lookup(new)))
            )
        }
        let daemonRow = rows.daemon(opening.daemonRow, core)
        let daemon = MergePatch.diff(from: opening.before, to: daemonRow)
        let params: JSONObject = [
            "seq": JSONValue(seq), "time": .string(Timestamp.text(now)),
            "patch": ["daemon": .object(daemon), "agents": .object(agents)],
        ]
        let bytes = Notification("daemon.started", params).bytes
        var changes = Changes()
        changes.agents = opening.agents
        round.batch.steps.append(
            Batch.Step(
                seq: seq,
                time: now,
                name: "daemon.started",
                ticket: nil,
                line: bytes,
                changes: changes,
                evidence: [:],
                descriptions: []
            )
        )
        round.batch.daemonRow = daemonRow
        round.lines.append(PublishedLine(seq: seq, topic: "daemon.started", bytes: bytes))
        FaultPoint.startRecovering.pass()
        note(core.recover(at: now), now, &round)
        measureIfWanted(now, &round)
        FaultPoint.startRecovered.pass()
    }

    private func publish(_ round: Round) {
        if !round.lines.isEmpty {
            hooks.publish(round.lines)
            FaultPoint.enginePublished.pass()
            let grants = round.batch.steps.flatMap(\.changes.grants)
            if !grants.isEmpty { hooks.locksChanged(Set(grants.compactMap { ($0.new ?? $0.old)?.repository })) }
        }
        guard !round.answers.isEmpty else { return }
        let view = View(core: core, seq: seq, evidence: evidence, rows: rows)
        for answer in round.answers { answer.give(view) }
    }

    /// What is settled is in the store, and need not be in memory as well.
    private func forgetSettled(_ round: Round) {
        let settled = Set(
            round.batch.steps.flatMap(\.changes.tickets).compactMap { $0.new?.id }
                .filter { core.tickets[$0]?.isSettled ?? false }
        )
        core.forget(settled: settled)
        for id in settled { evidence[id] = nil }
    }

    /// Tells subscribers what the machine is short of for another ticket to start, where that is another now.
    private func publishShortage() {
        guard core.shortage != toldShortage else { return }
        toldShortage = core.shortage
        let sentence = toldShortage.map { JSONValue.string($0.sentence) } ?? .null
        hooks.publish([PublishedLine(Notification("daemon.shortage", ["shortage": sentence]))])
    }

    // MARK: why the queued wait

    /// Tells subscribers why queued tickets wait, where that has changed. Computed a moment after the last fact, so
    /// that a burst of them costs one computation.
    private func publishWaiting(changed: Bool) {
        if changed, waitingIsDue == nil { waitingIsDue = SuspendingClock.now + .milliseconds(30) }
        guard let due = waitingIsDue, due <= SuspendingClock.now else { return }
        waitingIsDue = nil
        let now = core.waitingSentences(limit: Self.publishedReasons)
        var changes = JSONObject()
        for (id, reason) in now where waiting[id] != reason { changes[id] = .string(reason) }
        for id in waiting.keys where now[id] == nil { changes[id] = .null }
        waiting = now
        guard !changes.isEmpty else { return }
        let line = Notification("ticket.waiting", ["waiting": .object(changes)])
        hooks.publish([PublishedLine(line)])
    }
}

extension Orchestrator {
    /// Why each queued ticket waits; empty when there are more than `limit`.
    func waitingSentences(limit: Int) -> [String: String] {
        guard queuedTickets.count <= limit else { return [:] }
        var sentences: [String: String] = [:]
        for id in queuedTickets { sentences[id.text] = waiting(id)?.sentence }
        return sentences
    }
}

extension Effect {
    var ticket: TicketID {
        switch self {
        case .prepareWorktree(let id), .collectWork(let id, _), .takeSnapshot(let id, _), .buildCandidate(let id),
            .prepareCheckout(let id, _, _), .concludeVerification(let id, _, _, _), .advanceTarget(let id, _),
            .tidy(let id, _):
            id
        case .startRun(let run, _), .deliver(let run, _), .interrupt(let run), .answer(let run, _, _),
            .stopRun(let run):
            run.ticket
        }
    }
}
