import Core
import Foundation
import Glibc
import IPC
import Logging
import Synchronization

/// Turns requests into questions and commands, and what comes of them into replies. One line per method in `routes`;
/// one small function each.
///
/// Requests arrive on the server's thread, which must not wait: a request that needs Core goes through the engine's
/// mailbox, one that needs git or a file runs on a reader's queue.
final class Gateway: Sendable {
    /// Answers one request, once.
    struct Reply: Sendable {
        enum Answer: Sendable {
            case result(Result<JSONValue, RPCError>)
            /// A result, as JSON.
            case encoded([UInt8])
        }
        let send: @Sendable (Answer) -> Void
        func callAsFunction(_ result: Result<JSONValue, RPCError>) { send(.result(result)) }
    }
    private typealias Route = @Sendable (Gateway) -> (Params, Reply) throws(RPCError) -> Void
    private typealias AgentRoute = @Sendable (Gateway) -> (AgentCall, Reply) throws(RPCError) -> Void

    let engine: Engine
    let effects: EffectRunner
    let store: Store
    let user: UserSettings
    let about: JSONObject
    /// Begins the end of the daemon.
    let quit: @Sendable (OnStop) -> Void
    /// Which processes belong to which runs.
    let peers: RunPeers
    /// What agents have tried in vain, and has been told of.
    private let forbidden = Mutex<Set<String>>([])
    private let listings = Listings()
    let tokens: RunTokens
    let waits: ToolWaits
    let verifications = WorktreeVerifications()

    init(
        engine: Engine,
        effects: EffectRunner,
        store: Store,
        user: UserSettings,
        about: JSONObject,
        waiting: @escaping @Sendable (RunID, Bool) -> Void,
        peers: RunPeers,
        quit: @escaping @Sendable (OnStop) -> Void
    ) {
        self.engine = engine
        self.effects = effects
        self.store = store
        self.user = user
        self.about = about
        tokens = RunTokens { RunFolder(path: effects.supervisor.folder(of: $0)) }
        waits = ToolWaits(changed: waiting)
        self.peers = peers
        self.quit = quit
    }

    private static let routes: [String: Route] = [
        "tick": { $0.tick },
        "snapshot": { $0.snapshot },
        "output.read": { $0.readOutput },
        "ticket.enqueue": { $0.enqueue },
        "ticket.edit": { $0.editTicket },
        "ticket.list": { $0.listTickets },
        "ticket.show": { $0.showTicket },
        "ticket.events": { $0.listEvents },
        "ticket.budget": { $0.giveBudget },
        "ticket.continue": { $0.command { _ in .continue } },
        "ticket.stop": { $0.command { _ in .stop } },
        "ticket.retry": { $0.command { _ in .retry } },
        "ticket.approve": {
            $0.command { params throws(RPCError) in .approve(comment: try params.optionalString("comment")) }
        },
        "ticket.cancel": {
            $0.command { params throws(RPCError) in .cancel(reason: try params.optionalString("reason") ?? "") }
        },
        "ticket.reject": { $0.command { params throws(RPCError) in .cancel(reason: try params.string("comment")) } },
        "ticket.request_changes": {
            $0.command { params throws(RPCError) in .requestChanges(comment: try params.string("comment")) }
        },
        "ticket.steer": { $0.steer },
        "ticket.answer": { $0.answerQuestion },
        "ticket.diff": { $0.diff },
        "ticket.checks": { $0.checks },
        "snapshot.list": { $0.listSnapshots },
        "snapshot.restore": { $0.restoreSnapshot },
        "prune": { $0.prune },
        "agent.list": { $0.listAgents },
        "lock.list": { $0.listLocks },
        "lock.take": { $0.takeLock },
        "lock.release": { $0.releaseLock },
        "repository.add": { $0.addRepository },
        "repository.trust": { $0.trustRepository },
        "repository.list": { $0.listRepositories },
        "profile.list": { $0.listProfiles },
        "costs.list": { $0.listCosts },
        "daemon.status": { $0.status },
        "daemon.stillness": { $0.stillness },
        "daemon.halt": { $0.haltEverything },
        "daemon.resume": { $0.resumeEverything },
        "daemon.quit": { $0.quitDaemon },
    ]

    /// What the agent of a run asks in its name.
    private static let agentRoutes: [String: AgentRoute] = [
        "run.ticket": { $0.ticketOfRun },
        "run.conflicts": { $0.conflictsOfRun },
        "run.claim": { $0.claimForRun },
        "run.release": { $0.releaseForRun },
        "run.ask": { $0.askForRun },
        "run.verify": { $0.verifyForRun },
        "run.progress": { $0.progressOfRun },
        "run.complete": { $0.completeRun },
    ]

    /// In which lane a method waits for its turn.
    static let lane: @Sendable (String) -> Lane = { method in
        switch method {
        case "snapshot", "ticket.list", "agent.list": .listing
        case "output.read", "ticket.show", "ticket.events", "ticket.checks", "ticket.diff", "repository.add",
            "repository.trust",
            "snapshot.list", "snapshot.restore", "prune", "costs.list", "daemon.stillness":
            .slow
        case "run.ticket", "run.release": .slow
        case "run.claim", "run.ask", "run.verify": .waiting
        default: .quick
        }
    }

    /// What an agent may ask as well: to look, and to file tickets, which then go the way of every other. What is neither
    /// named here nor in `agentRoutes` is for people.
    private static let openToAgents: Set<String> = [
        "tick", "snapshot", "output.read", "ticket.enqueue", "ticket.list", "ticket.show", "ticket.events",
        "ticket.diff", "ticket.checks", "snapshot.list", "agent.list", "lock.list", "repository.list", "profile.list",
        "daemon.status", "costs.list",
    ]

    /// Answers the request, now or later.
    func handle(_ request: Request, from peer: Peer, on connection: ConnectionID, reply: Reply) {
        if let route = Self.agentRoutes[request.method] {
            do throws(RPCError) {
                let params = Params(request.params, method: request.method)
                return try route(self)(try agentCall(params, connection, peer), reply)
            } catch {
                return reply(.failure(error))
            }
        }
        guard let route = Self.routes[request.method] else {
            let hint = NearestName.of(
                request.method,
                among: Array(Self.routes.keys) + Self.agentRoutes.keys
            ).map { "did you mean \($0)?" }
            return reply(.failure(RPCError(.unknownMethod, "there is no method \(quoted(request.method))", hint: hint)))
        }
        if case .agent(let run) = peer.role, !Self.openToAgents.contains(request.method) {
            return reply(.failure(forbid(request.method, run, peer)))
        }
        do throws(RPCError) {
            try route(self)(Params(request.params, method: request.method), reply)
        } catch {
            reply(.failure(error))
        }
    }

    /// Has everybody told that an agent has tried what is for people; once for each run and method, so that one that
    /// tries again and again does not fill the store.
    private func forbid(_ method: String, _ run: String?, _ peer: Peer) -> RPCError {
        guard let run, let id = RunID(run) else {
            effects.environment.logger.warning(
                "refused what only people may ask",
                metadata: ["method": "\(method)", "pid": "\(peer.pid)"]
            )
            return .forbidden(method, run: nil)
        }
        if forbidden.withLock({ $0.insert("\(run) \(method)").inserted }) {
            effects.environment.logger.warning(
                "an agent asked for what only people may ask",
                metadata: ["method": "\(method)", "run": "\(run)", "pid": "\(peer.pid)"]
            )
            engine.submit(.forbiddenAsked(id, method: method))
        }
        return .forbidden(method, run: run)
    }

    // MARK: asking the engine

    /// Calls `body` with what is true now; or answers that the daemon is ending.
    func look(_ reply: Reply, _ body: @escaping @Sendable (Engine.View) -> Void) {
        if !engine.read(body) { reply(.failure(.stopping)) }
    }

    /// Hands an input to Core; or answers that the daemon is ending.
    func ask(_ input: Input, _ reply: Reply, _ answer: @escaping Engine.Answer) {
        ask({ _ in .success(input) }, reply, answer)
    }

    /// Asks what depends on what is true by then; or answers that the daemon is ending.
    func ask(
        _ question: @escaping Engine.Question,
        descriptions: [String] = [],
        _ reply: Reply,
        _ answer: @escaping Engine.Answer
    ) {
        if !engine.ask(question, descriptions: descriptions, answer: answer) { reply(.failure(.stopping)) }
    }

    /// Calls `body`, off the engine's loop, with what is true now and the ticket meant; or answers that there is none.
    func find(_ name: String, _ reply: Reply, _ body: @escaping @Sendable (Engine.View, Ticket) -> Void) {
        look(reply) { view in
            guard let id = view.core.ticketID(named: name) else { return reply(.failure(.noTicket(name))) }
            self.recall(id, view, reply, body)
        }
    }

    /// Calls `body`, off the engine's loop, with the ticket of that id, which there is, and the view that knows of it.
    private func recall(
        _ id: TicketID,
        _ view: Engine.View,
        _ reply: Reply,
        _ body: @escaping @Sendable (Engine.View, Ticket) -> Void
    ) {
        effects.read { [store] in
            if let ticket = view.core.tickets[id] { return body(view, ticket) }
            do {
                guard let stored = try store.ticket(id) else { return reply(.failure(.noTicket(id.text))) }
                var view = view
                view.evidence[id] = stored.evidence
                body(view, stored.ticket)
            } catch {
                reply(.failure(RPCError(.internal, sentence(error))))
            }
        }
    }

    // MARK: the stream

    private func tick(_ params: Params, _ reply: Reply) {
        look(reply) { reply(.success(["seq": JSONValue($0.seq)])) }
    }

    private func snapshot(_ params: Params, _ reply: Reply) {
        look(reply) { [about, effects, store] view in
            effects.read { reply(Self.result { try view.snapshot(daemon: about, from: store) }) }
        }
    }

    private func readOutput(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("run")
        guard let run = RunID(name) else {
            throw RPCError(.invalidParams, "\(quoted(name)) is not a run; runs are named like T-7.2")
        }
        let stream = try params.optionalString("stream") ?? "stdout"
        guard let stream = RunStream(rawValue: stream) else {
            throw RPCError(.invalidParams, "there is no stream \(quoted(stream)); there are stdout, stderr and events")
        }
        let offset = try params.int("offset", default: 0)
        let length = try params.int("length", default: 65_536)
        look(reply) { [effects] view in
            guard view.core.knows(run.ticket) else { return reply(.failure(.noRun(name))) }
            self.recall(run.ticket, view, reply) { view, ticket in
                // One that has been asked for but not started yet has written nothing so far.
                guard run.number > 0, run.number <= ticket.lastRun else { return reply(.failure(.noRun(name))) }
                if ticket.isFinal, access(effects.supervisor.folder(of: run), F_OK) != 0 {
                    return reply(
                        .failure(
                            RPCError(
                                .gone,
                                "the output of run \(name) has been pruned",
                                hint: "what it came to is in `orch show`"
                            )
                        )
                    )
                }
                reply(effects.output(of: run, stream, offset: offset, length: length))
            }
        }
    }

    // MARK: tickets

    private func listTickets(_ params: Params, _ reply: Reply) throws(RPCError) {
        let all = try params.bool("all", default: true)
        look(reply) { [effects, listings, store] view in
            let version = Listings.Version(
                seq: view.seq,
                isDraining: view.core.isDraining,
                shortage: view.core.shortage,
                all: all
            )
            if let bytes = listings.encoded(version) { return reply.send(.encoded(bytes)) }
            effects.read {
                do {
                    let bytes = try listings.encode(version) {
                        ["tickets": .array(try view.tickets(all: all, from: store).map(JSONValue.object))]
                    }
                    reply.send(.encoded(bytes))
                } catch {
                    reply(.failure(RPCError(.internal, sentence(error))))
                }
            }
        }
    }

    private func showTicket(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        let wantsDisk = try params.bool("disk", default: false)
        find(name, reply) { [store, effects] view, ticket in
            reply(
                Self.result {
                    let description = try store.description(of: ticket.id)
                    let runs = try store.runs(of: ticket.id).map { run in
                        var run = run
                        run.waited_ms = effects.waited(run)
                        return try JSONValue(encoding: run)
                    }
                    var result: JSONObject = [
                        "ticket": .object(view.row(ticket)), "description": .string(description),
                        "runs": .array(runs),
                        "comments": .array(try store.comments(on: ticket.id, through: view.seq)),
                    ]
                    result["summary"] = ticket.summary.map(JSONValue.string)
                    if wantsDisk { result["disk"] = effects.disk(of: ticket) }
                    return .object(result)
                }
            )
        }
    }

    private func checks(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        find(name, reply) { [store] _, ticket in
            reply(
                Self.result {
                    let own = try store.runs(of: ticket.id, checksOnly: true)
                    let runs = try own + store.reusedRuns(for: ticket, having: own)
                    return ["runs": .array(try runs.map { try JSONValue(encoding: $0) })]
                }
            )
        }
    }

    private func diff(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        find(name, reply) { [effects] view, ticket in
            reply(effects.diff(of: ticket, in: view.core.repositories[ticket.repository]!))
        }
    }

    /// A route for a command on one ticket.
    private func command(
        _ make: @escaping @Sendable (Params) throws(RPCError) -> Command
    ) -> (Params, Reply) throws(RPCError) -> Void {
        { [self] params, reply throws(RPCError) in
            let command = try make(params)
            ask(of: try params.string("ticket"), reply) { .commandGiven(command, $0) }
        }
    }

    /// Asks something of one ticket, and answers with its row.
    func ask(
        of name: String,
        descriptions: [String] = [],
        _ reply: Reply,
        _ input: @escaping @Sendable (TicketID) -> Input
    ) {
        // The ticket meant: an agent may have gone on to another by the time of the answer.
        let meant = Mutex<TicketID?>(nil)
        let question: Engine.Question = { core in
            guard let id = core.ticketID(named: name) else { return .failure(.noTicket(name)) }
            meant.withLock { $0 = id }
            return .success(input(id))
        }
        ask(question, descriptions: descriptions, reply) { result, view in
            switch result {
            case .failure(let refusal): reply(.failure(RPCError(refusal)))
            case .success:
                let id = meant.withLock { $0 }!
                if let ticket = view.core.tickets[id] {
                    return reply(.success(["ticket": .object(view.row(ticket))]))
                }
                self.recall(id, view, reply) { reply(.success(["ticket": .object($0.row($1))])) }
            }
        }
    }

    static func result(_ body: () throws -> JSONValue) -> Result<JSONValue, RPCError> {
        do { return .success(try body()) } catch { return .failure(RPCError(describing: error)) }
    }
}
