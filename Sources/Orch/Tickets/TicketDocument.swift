import Core
import IPC

/// A ticket as the daemon is told of it.
enum TicketDocument {
    static func json(_ draft: TicketDraft) -> JSONValue {
        var ticket: JSONObject = [:]
        ticket["id"] = draft.id.map { .string($0.text) }
        ticket["title"] = .string(draft.title)
        if !draft.description.isEmpty { ticket["description"] = .string(draft.description) }
        ticket["priority"] = JSONValue(draft.priority)
        ticket["locks"] = JSONValue(draft.locks.map(\.description))
        ticket["depends_on"] = JSONValue(draft.dependsOn.map(\.text))
        ticket["agent"] = draft.agent.map(JSONValue.string)
        ticket["workflow"] = draft.workflow.map(JSONValue.string)
        return .object(ticket)
    }
}

extension Client {
    /// Enqueues tickets, all or none, and returns their ids.
    func enqueue(_ drafts: [TicketDraft], repository: String) throws -> [String] {
        let result = try request(
            "ticket.enqueue",
            ["repository": .string(repository), "tickets": .array(drafts.map(TicketDocument.json))]
        )
        return (result["ids"]?.arrayValue ?? []).compactMap(\.stringValue)
    }
}
