import Core
import Foundation
import IPC

extension Gateway {
    /// Takes tickets in, all or none.
    func enqueue(_ params: Params, _ reply: Reply) throws(RPCError) {
        let path = try params.string("repository")
        let items = try params.array("tickets")
        guard !items.isEmpty else { throw RPCError(.invalidParams, "there is no ticket to enqueue") }
        let parsed = TicketFile.parse(JSONValue.array(items).bytes, name: "tickets")
        guard parsed.problems.isEmpty else {
            throw RPCError(.invalidParams, parsed.problems.map(\.message).joined(separator: "; "))
        }
        let tickets = try parsed.drafts.map { draft throws(RPCError) in try newTicket(draft) }
        let descriptions = parsed.drafts.map(\.description)
        FaultPoint.enqueueRead.pass()
        enqueue(tickets, descriptions, at: path, reply) { [effects] result in
            // A registered repository is known by its top level, and its tickets are taken in the order in which they
            // were sent. Only for another path git is asked which repository holds it.
            guard case .failure(let error) = result, error.code == .notFound else { return reply(result) }
            effects.read {
                do {
                    self.enqueue(tickets, descriptions, at: try effects.find(path).path, reply) { reply($0) }
                } catch {
                    reply(.failure(RPCError(.notFound, sentence(error))))
                }
            }
        }
    }

    private func enqueue(
        _ tickets: [NewTicket],
        _ descriptions: [String],
        at top: String,
        _ reply: Reply,
        _ answer: @escaping @Sendable (Result<JSONValue, RPCError>) -> Void
    ) {
        let question: Engine.Question = { core in
            if let known = core.repository(at: top) { return .success(.enqueueAsked(known, tickets)) }
            let hint = "run `orch init` in it first"
            return .failure(Refusal(.notFound, "the repository \(top) is not registered", hint: hint))
        }
        ask(question, descriptions: descriptions, reply) { result, _ in
            switch result {
            case .failure(let refusal): answer(.failure(RPCError(refusal)))
            case .success(let facts):
                let ids = facts.compactMap { fact -> String? in
                    guard case .ticketEnqueued(let id) = fact.event else { return nil }
                    return id.text
                }
                answer(.success(["ids": JSONValue(ids)]))
            }
        }
    }

    /// The ticket as Core takes it. Throws what is wrong with it here: its profile, or a secret in a name.
    func newTicket(_ draft: TicketDraft) throws(RPCError) -> NewTicket {
        // What something is found by cannot be told differently.
        let names =
            draft.locks.map(\.description) + draft.dependsOn.map(\.text)
            + [draft.id?.text, draft.agent].compactMap(\.self)
        if names.contains(where: effects.environment.redactor.holds) {
            throw RPCError(
                .invalidParams,
                "an id, lock or agent of the ticket \(quoted(draft.title)) holds the value of a secret",
                hint: "secrets may stand in titles and descriptions, where they are redacted"
            )
        }
        guard let profile = user.profileName(for: draft.agent) else {
            let known = user.profiles.keys.sorted()
            if let agent = draft.agent {
                throw RPCError(
                    .invalidParams,
                    "there is no agent profile \(quoted(agent))",
                    hint: known.isEmpty
                        ? "add it under \"profiles\" in the configuration" : "known: \(known.joined(separator: ", "))"
                )
            }
            throw RPCError(
                .invalidParams,
                "the ticket \(quoted(draft.title)) names no agent profile, and there is no default",
                hint: "set \"defaultProfile\" in the configuration, or give the ticket an `agent`"
            )
        }
        return NewTicket(
            id: draft.id,
            title: draft.title,
            priority: draft.priority,
            locks: draft.locks,
            dependsOn: draft.dependsOn,
            profile: profile
        )
    }
}
