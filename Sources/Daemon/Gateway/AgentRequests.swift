import Core
import Dispatch
import IPC
import Synchronization

// What the agent of a run asks through orch's tool server: each in the name of its run, which its token shows.

/// A call in the name of a run.
struct AgentCall: Sendable {
    let run: RunID
    let connection: ConnectionID
    let params: Params

    /// How long the daemon may take before it says that the call still waits.
    func patience() throws(RPCError) -> Duration {
        .milliseconds(min(try params.int("wait_ms", default: 0), 600_000))
    }

    /// By what a call that waits is known when it is made again.
    func key() throws(RPCError) -> String {
        let key = try params.string("key")
        guard (1...128).contains(key.utf8.count) else {
            throw RPCError(.invalidParams, "a key has between 1 and 128 bytes")
        }
        return key
    }

    func seconds(_ name: String) throws(RPCError) -> Duration {
        .seconds(min(try params.int(name, default: 0), Int(Int32.max)))
    }
}

extension Gateway {
    /// Checks in whose name the request is.
    func agentCall(_ params: Params, _ connection: ConnectionID, _ peer: Peer) throws(RPCError) -> AgentCall {
        let name = try params.string("run")
        let token = try params.string("token")
        guard let run = RunID(name) else {
            throw RPCError(.invalidParams, "\(quoted(name)) is not a run; runs are named like T-7.2")
        }
        if case .agent(let own?) = peer.role, own != run.description {
            throw RPCError(.forbidden, "run \(own) cannot speak for run \(run)", hint: "use the token of your own run")
        }
        guard tokens.hold(token, for: run) else {
            throw RPCError(.forbidden, "this is not the token of run \(run)", hint: "orch gives it to the run's agent")
        }
        return AgentCall(run: run, connection: connection, params: params)
    }

    // MARK: looking

    func ticketOfRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        look(reply) { [effects, store] view in
            guard let ticket = view.core.workingTicket(call.run) else { return reply(.failure(.over(call.run))) }
            effects.read {
                reply(
                    Self.result {
                        var result: JSONObject = [
                            "ticket": .object(view.row(ticket)),
                            "description": .string(try store.description(of: ticket.id)),
                            "claimed": JSONValue((ticket.claimed ?? []).map(\.text)),
                        ]
                        result["feedback"] = ticket.feedback.map { .string($0.sentence) }
                        result["summary"] = ticket.summary.map(JSONValue.string)
                        return .object(result)
                    }
                )
            }
        }
    }

    /// The other tickets of the repository that are under way, and who holds or wants what conflicts with the ticket's
    /// locks, or with the paths that are asked about.
    func conflictsOfRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let asked = try Self.patterns(call.params.optionalStrings("paths"))
        look(reply) { view in
            guard let ticket = view.core.workingTicket(call.run) else { return reply(.failure(.over(call.run))) }
            let neighbours = view.core.neighbours(of: ticket, near: asked)
            let rows = neighbours.prefix(100).map { neighbour -> JSONValue in
                var row: JSONObject = ["holder": .string(neighbour.holder.name)]
                if let other = neighbour.ticket {
                    row["title"] = .string(other.title)
                    row["state"] = .string(other.state.name)
                    row["reason"] = other.reason.map(JSONValue.string)
                } else {
                    row["reason"] = neighbour.reason.map(JSONValue.string)
                }
                row["locks"] = JSONValue(neighbour.holds.map(\.text))
                row["waits_for"] = JSONValue(neighbour.wants.map(\.text))
                row["conflicts"] = JSONValue(neighbour.conflicts.map(\.text))
                return .object(row)
            }
            reply(.success(["others": .array(rows), "count": JSONValue(neighbours.count)]))
        }
    }

    // MARK: saying

    func progressOfRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let text = try call.params.string("text")
        let percent = try call.params.optionalInt("percent")
        ask(.progressReported(call.run, text: text, percent: percent), reply) { result, _ in
            reply(result.map { ["noted": .bool(!$0.isEmpty)] }.mapError { RPCError($0) })
        }
    }

    func completeRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let summary = try call.params.string("summary")
        ask(.summaryGiven(call.run, text: summary), reply) { result, _ in
            reply(result.map { _ in ["noted": true] }.mapError { RPCError($0) })
        }
    }

    // MARK: locks

    func claimForRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let patterns = try Self.patterns(call.params.optionalStrings("paths"))
        let (key, patience) = (try call.key(), try call.patience())
        let limit = try call.seconds("seconds")
        if patterns.contains(where: { effects.environment.redactor.holds($0.text) }) {
            throw RPCError(.invalidParams, "a path holds the value of a secret")
        }
        let wait = ToolWaits.Call.claim(call.run, key: key)
        waits.begin(wait, on: call.connection)
        ask(.claimAsked(call.run, key: key, patterns, for: limit), reply) { [self] result, view in
            if case .failure(let refusal) = result {
                waits.end(wait)
                return reply(.failure(RPCError(refusal)))
            }
            let until = view.core.claim(key, of: call.run)?.until
            let isWaiting: @Sendable (Orchestrator) -> Bool = { $0.claim(key, of: call.run) != nil }
            follow(wait, patience, view, reply, while: isWaiting) { core in
                guard let ticket = core.workingTicket(call.run) else { return .over(.failure(.over(call.run))) }
                if let claim = core.claim(key, of: call.run) {
                    let holders = core.standings().first { $0.claim == claim && $0.id == ticket.id }
                    var row: JSONObject = [
                        "outcome": "waiting", "until": .string(Timestamp.text(claim.until)),
                        "locks": JSONValue(claim.patterns.map(\.text)),
                    ]
                    if case .waits(let of)? = holders?.standing { row["holders"] = .array(core.rows(of: of)) }
                    return .waits(.object(row))
                }
                if core.holds(patterns, ticket) {
                    return .over(
                        .success(["outcome": "granted", "locks": JSONValue(ticket.locks.map(\.text))])
                    )
                }
                if let until, until <= Timestamp.now() { return .over(.success(["outcome": "timed_out"])) }
                return .over(
                    .failure(
                        RPCError(
                            .refused,
                            "cannot claim \(patterns.map(\.text).joined(separator: ", ")): who holds it waits for what "
                                + "this ticket holds, and neither would ever go on; or it is not asked for any more",
                            hint: "release what you do not need, do without it, or ask a human"
                        )
                    )
                )
            }
        }
    }

    func releaseForRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let patterns = try Self.patterns(call.params.optionalStrings("paths"))
        look(reply) { [self] view in
            guard let ticket = view.core.workingTicket(call.run) else { return reply(.failure(.over(call.run))) }
            let repository = view.core.repositories[ticket.repository]!
            effects.read { [self] in
                do {
                    let changed = try effects.changedPaths(of: ticket, in: repository)
                    ask(.claimReleaseAsked(call.run, patterns, changed: changed), reply) { result, view in
                        let locks = view.core.tickets[call.run.ticket]?.locks ?? []
                        reply(
                            result.map { _ in
                                ["released": JSONValue(patterns.map(\.text)), "locks": JSONValue(locks.map(\.text))]
                            }
                            .mapError { RPCError($0) }
                        )
                    }
                } catch {
                    reply(.failure(RPCError(describing: error)))
                }
            }
        }
    }

    // MARK: verifiers

    func verifyForRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let (key, patience) = (try call.key(), try call.patience())
        let wait = ToolWaits.Call.verification(call.run, key: key)
        waits.begin(wait, on: call.connection)
        look(reply) { [self] view in
            guard let ticket = view.core.workingTicket(call.run) else {
                waits.end(wait)
                return reply(.failure(.over(call.run)))
            }
            let repository = view.core.repositories[ticket.repository]!
            let once = OneAnswer(reply)
            verifications.verify(call.run, key, answer: { once($0) }, ended: { [waits] in waits.end(wait) }) {
                [effects] tell in
                try effects.verifyWorktree(of: ticket, in: repository, tell)
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(patience.milliseconds)) {
                [verifications] in
                once(.success(["outcome": "waiting", "message": .string(verifications.step(of: call.run))]))
            }
        }
    }

    // MARK: people

    func askForRun(_ call: AgentCall, _ reply: Reply) throws(RPCError) {
        let question = NewQuestion(
            key: try call.key(),
            kind: .question,
            text: try call.params.string("question"),
            limit: try call.seconds("seconds")
        )
        let patience = try call.patience()
        let wait = ToolWaits.Call.question(call.run, key: question.key)
        waits.begin(wait, on: call.connection)
        ask(.questionAsked(call.run, question), reply) { [self] result, view in
            if case .failure(let refusal) = result {
                waits.end(wait)
                return reply(.failure(RPCError(refusal)))
            }
            let isWaiting: @Sendable (Orchestrator) -> Bool = { core in
                core.question(question.key, of: call.run).map { $0.answer == nil } ?? false
            }
            follow(wait, patience, view, reply, while: isWaiting) { core in
                guard core.workingTicket(call.run) != nil else { return .over(.failure(.over(call.run))) }
                guard let asked = core.question(question.key, of: call.run) else {
                    return .over(.success(["outcome": "unanswered"]))
                }
                guard let answer = asked.answer else {
                    return .waits(
                        [
                            "outcome": "waiting", "question": JSONValue(asked.number),
                            "until": .string(Timestamp.text(asked.until)),
                        ]
                    )
                }
                return .over(.success(["outcome": "answered", "answer": .string(answer.text)]))
            }
        }
    }

    /// A person answers what an agent has asked.
    func answerQuestion(_ params: Params, _ reply: Reply) throws(RPCError) {
        let text = try params.optionalString("text") ?? ""
        let number = try params.optionalInt("question")
        let allows = try params.optionalBool("allow")
        ask(of: try params.string("ticket"), reply) {
            .answerGiven($0, question: number, text: text, allows: allows)
        }
    }

    // MARK: waiting

    enum Finding {
        case waits(JSONValue)
        case over(Result<JSONValue, RPCError>)
    }

    /// Answers as soon as the call is over; or, when its caller's patience is at an end, that it waits. What it waits for
    /// goes on then, until it is over or the connection ends.
    private func follow(
        _ wait: ToolWaits.Call,
        _ patience: Duration,
        _ view: Engine.View,
        _ reply: Reply,
        while isWaiting: @escaping @Sendable (Orchestrator) -> Bool,
        _ find: @escaping @Sendable (Orchestrator) -> Finding
    ) {
        let once = OneAnswer(reply)
        let answer: @Sendable (Orchestrator) -> Void = { [waits] core in
            switch find(core) {
            case .waits(let row): once(.success(row))
            case .over(let result):
                waits.end(wait)
                once(result)
            }
        }
        guard isWaiting(view.core) else { return answer(view.core) }
        // However it ends, and whoever still listens.
        engine.when({ !isWaiting($0) }) { [waits] in waits.end(wait) }
        guard patience > .zero else { return answer(view.core) }
        engine.when({ once.isGiven || !isWaiting($0) }) { [engine] in
            if !once.isGiven, !engine.read({ answer($0.core) }) { once(.failure(.stopping)) }
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(patience.milliseconds)) { [engine] in
            guard !once.isGiven else { return }
            if !engine.read({ answer($0.core) }) { once(.failure(.stopping)) }
        }
    }

    /// Whoever waited on the connection is gone, and waits for nothing any more.
    func connectionGone(_ connection: ConnectionID) {
        for call in waits.calls(on: connection) {
            waits.end(call)
            switch call {
            case .claim(let run, let key): engine.submit(.claimWithdrawn(run, key: key))
            case .question(let run, let key): engine.submit(.questionWithdrawn(run, key: key))
            case .verification: break
            }
        }
    }

    private static func patterns(_ texts: [String]) throws(RPCError) -> [LockPattern] {
        try texts.map { text throws(RPCError) in
            do throws(LockPatternError) {
                return try LockPattern(text)
            } catch {
                throw RPCError(.invalidParams, error.description)
            }
        }
    }
}

/// A reply that is given once, by whoever comes first.
private final class OneAnswer: Sendable {
    private let given = Mutex(false)
    private let reply: Gateway.Reply
    init(_ reply: Gateway.Reply) { self.reply = reply }

    var isGiven: Bool { given.withLock { $0 } }

    func callAsFunction(_ result: Result<JSONValue, RPCError>) {
        if given.withLock({ exchange(&$0, with: true) }) { return }
        reply(result)
    }
}

extension RPCError {
    static func over(_ run: RunID) -> RPCError {
        RPCError(
            .refused,
            "run \(run) is over, or is being ended",
            hint: "end your work here: what you have done so far is kept"
        )
    }
}

extension Duration {
    fileprivate var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}

extension Orchestrator {
    /// Who they are, and what keeps each.
    fileprivate func rows(of holders: [LockHolder]) -> [JSONValue] {
        holders.map { holder in
            var row: JSONObject = ["holder": .string(holder.name)]
            if case .ticket(let id) = holder, let ticket = tickets[id] {
                row["state"] = .string(ticket.state.name)
                row["title"] = .string(ticket.title)
            }
            return .object(row)
        }
    }
}
