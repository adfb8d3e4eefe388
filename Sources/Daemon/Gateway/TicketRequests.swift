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
                    reply(.failure(RPCError(describing: error)))
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

    /// Tells the agent of a ticket something. Answers with the ticket's row and the message's number.
    func steer(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        let text = try params.string("message")
        guard !text.allSatisfy(\.isWhitespace) else { throw RPCError(.invalidParams, "the message is empty") }
        ask(of: name, reply) { .commandGiven(.steer(message: text), $0) }
    }

    /// The ticket as Core takes it. Throws what is wrong with it here: its profile, or a secret in a name.
    func newTicket(_ draft: TicketDraft) throws(RPCError) -> NewTicket {
        try refuseSecrets(in: draft)
        let profile = try profile(of: draft)
        return NewTicket(
            id: draft.id,
            title: draft.title,
            priority: draft.priority,
            locks: draft.locks,
            dependsOn: draft.dependsOn,
            profile: profile
        )
    }

    private func refuseSecrets(in draft: TicketDraft) throws(RPCError) {
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
    }

    private func profile(of draft: TicketDraft) throws(RPCError) -> String {
        if let profile = user.profileName(for: draft.agent) { return profile }
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

    /// Changes what the request names of a ticket, all or nothing.
    func editTicket(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        let given = params.object.filter { $0.key != "ticket" && !$0.value.isNull }
        let editable: [TicketDraft.Field] = [.title, .description, .priority, .locks, .dependsOn, .agent]
        let names = editable.map(\.rawValue)
        if let key = given.map(\.key).first(where: { !names.contains($0) }) {
            let hint = "these can: \(names.joined(separator: ", "))"
            throw RPCError(.invalidParams, "\(quoted(key)) of a ticket cannot be changed", hint: hint)
        }
        guard !given.isEmpty else { throw RPCError(.invalidParams, "there is nothing to change") }
        // Judged as a ticket that is filed, with a title where that is not what changes.
        var ticket = JSONObject(given.map { ($0.key, $0.value) })
        if ticket["title"] == nil { ticket["title"] = "title" }
        let parsed = TicketFile.parse(JSONValue.object(ticket).bytes, name: "ticket")
        guard parsed.problems.isEmpty, let draft = parsed.drafts.first else {
            throw RPCError(.invalidParams, parsed.problems.map(\.message).joined(separator: "; "))
        }
        try refuseSecrets(in: draft)
        var edit = TicketEdit()
        if given.contains(where: { $0.key == "title" }) { edit.title = draft.title }
        if ticket["priority"] != nil { edit.priority = draft.priority }
        if ticket["locks"] != nil { edit.locks = draft.locks }
        if ticket["depends_on"] != nil { edit.dependsOn = draft.dependsOn }
        if ticket["agent"] != nil { edit.profile = try profile(of: draft) }
        edit.changesDescription = ticket["description"] != nil
        ask(of: name, descriptions: [draft.description], reply) { [edit] id in .editAsked(id, edit) }
    }
}
