import Core
import IPC

// How the daemon is, and what stops everything: the halt, its end.

extension Gateway {
    func status(_ params: Params, _ reply: Reply) {
        look(reply) { [about, effects] view in
            var status = about
            status["seq"] = JSONValue(view.seq)
            status["tickets"] = JSONValue(view.core.tickets.values.count { !$0.isFinal })
            status["agents"] = JSONValue(view.core.agents.count)
            status["working"] = JSONValue(view.core.agents.values.count { $0.ticket != nil })
            status["draining"] = .bool(view.core.isDraining)
            if view.core.isDiskFull { status["disk"] = "full" }
            status["halted"] = view.core.standstill.map { .object($0.row) }
            for (key, value) in view.rows.spent(view.core.spent) { status[key] = value }
            status["budgets"] = view.core.limits.budgets.row.map(JSONValue.object)
            status["shortage"] = view.core.shortage.map { .string($0.sentence) }
            status["trouble"] = view.trouble.map(JSONValue.string)
            guard effects.spares.count > 0 else { return reply(.success(.object(status))) }
            let (known, repositories) = (status, view.core.repositories.keys.sorted())
            effects.read {
                var status = known
                status["spares"] = effects.spareRow(of: repositories)
                reply(.success(.object(status)))
            }
        }
    }

    func haltEverything(_ params: Params, _ reply: Reply) throws(RPCError) {
        ask(.haltAsked(reason: try params.optionalString("reason") ?? ""), reply) {
            Self.answerStandstill($0, $1, reply)
        }
    }

    /// Whether anything of any run is alive, as the machine says and not as orch believes; and what orch still waits for.
    func stillness(_ params: Params, _ reply: Reply) {
        look(reply) { [effects, peers] view in
            effects.read {
                reply(
                    Self.result {
                        let processes = try peers.alive()
                        let tickets = view.core.unsettled
                        return [
                            "halted": view.core.standstill.map { .object($0.row) } ?? .null,
                            "still": .bool(processes.isEmpty && tickets.isEmpty),
                            "tickets": JSONValue(tickets.map(\.text)),
                            "processes": .array(
                                processes.map { ["pid": JSONValue(Int($0.pid)), "run": .string($0.run.description)] }
                            ),
                        ]
                    }
                )
            }
        }
    }

    func resumeEverything(_ params: Params, _ reply: Reply) {
        ask(.resumeAsked, reply) { Self.answerStandstill($0, $1, reply) }
    }

    /// How things stand, and which tickets it concerned.
    private static func answerStandstill(_ result: Result<[Fact], Refusal>, _ view: Engine.View, _ reply: Reply) {
        switch result {
        case .failure(let refusal): reply(.failure(RPCError(refusal)))
        case .success(let facts):
            let tickets = facts.compactMap { fact -> String? in
                switch fact.event {
                case .ticketStopping(let id), .ticketContinued(let id, _): id.text
                default: nil
                }
            }
            reply(
                .success([
                    "halted": view.core.standstill.map { .object($0.row) } ?? .null, "tickets": JSONValue(tickets),
                ])
            )
        }
    }

    func quitDaemon(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.optionalString("onStop") ?? OnStop.detach.rawValue
        guard let onStop = OnStop(rawValue: name) else {
            throw RPCError(.invalidParams, "onStop \(quoted(name)) is unknown; there are detach, wait and halt")
        }
        reply(.success([:]))
        quit(onStop)
    }
}

/// What becomes of running agents when the daemon ends.
public enum OnStop: String, CaseIterable, Sendable {
    /// They go on, each under its runner; the next daemon finds them.
    case detach
    /// The daemon waits for them, and starts nothing new.
    case wait
    /// They are stopped first, their work saved.
    case halt
}
