import Core
import IPC

// What a ticket went through, from the events as they were sent.

extension Gateway {
    /// The most events one answer holds.
    private static let longestTimeline = 1000

    /// The newest events of a ticket, without what they change in the picture.
    func listEvents(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.string("ticket")
        let after = try params.int("after", default: 0)
        let before = try params.int("before", default: .max)
        let limit = min(try params.int("limit", default: 200), Self.longestTimeline)
        find(name, reply) { [store] view, ticket in
            reply(
                Self.result {
                    // What is stored and not yet told is for the stream to tell.
                    let end = min(before, view.seq + 1)
                    let (lines, hasMore) = try store.events(of: ticket.id, after: after, before: end, limit: limit)
                    var result: JSONObject = ["events": .array(try lines.map { .object(try $0.timelineEntry()) })]
                    result["first"] = lines.first?.seq.map(JSONValue.init)
                    result["more"] = .bool(hasMore)
                    return .object(result)
                }
            )
        }
    }
}

extension PublishedLine {
    /// A stored event as `ticket.events` lists it: its name, and what it says.
    fileprivate func timelineEntry() throws -> JSONObject {
        var entry: JSONObject = ["event": .string(topic)]
        for (key, value) in try JSONValue(parsing: bytes)["params"]?.objectValue ?? [:] where key != "patch" {
            entry[key] = value
        }
        return entry
    }
}

extension Store {
    /// The events that may hold people's words: where these are in them, and what the words were for.
    private static let commenting: [String: (field: String, kind: String)] = [
        "ticket.commented": ("comment", "approved"), "ticket.continued": ("comment", "changes_requested"),
        "ticket.cancelled": ("reason", "rejected"),
    ]

    /// What people have said of a ticket, oldest first.
    func comments(on ticket: TicketID, through last: Int) throws -> [JSONValue] {
        try events(of: ticket, named: Self.commenting.keys.sorted(), through: last).compactMap { line in
            let (field, kind) = Self.commenting[line.topic]!  // One of those that were asked for.
            let params = try JSONValue(parsing: line.bytes)["params"]
            guard let text = params?[field], let seq = params?["seq"], text != "" else { return nil }
            return ["time": params?["time"] ?? .null, "kind": .string(kind), "text": text, "seq": seq]
        }
    }
}
