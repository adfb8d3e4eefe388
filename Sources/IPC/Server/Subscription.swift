/// Which of the published lines a connection receives.
struct Subscription {
    /// Nil: every topic but `output`, which is chatter.
    var topics: [String]?
    /// Nil: whatever ticket, and lines about none.
    var tickets: Set<String>?

    /// What a client receives that has asked for nothing.
    static let standard = Subscription()

    /// Whether it leaves out events, so that the client needs `through` marks to know what it has not missed.
    var isFiltered: Bool { topics != nil || tickets != nil }

    /// `output` lines are many, and say only where more output can be read; they come to those who ask.
    static func isChatter(_ topic: String) -> Bool { covers("output", topic) }

    func takes(_ line: Ring.Line) -> Bool { takes(topic: line.topic, ticket: line.ticket, isChatter: line.isChatter) }

    func takes(topic: String, ticket: String?, isChatter: @autoclosure () -> Bool) -> Bool {
        if let tickets, ticket.map(tickets.contains) != true { return false }
        if let topics { return topics.contains { Self.covers($0, topic) } }
        return !isChatter()
    }

    /// `ticket` covers `ticket` and `ticket.started`.
    private static func covers(_ wanted: String, _ topic: String) -> Bool {
        topic.utf8.starts(with: wanted.utf8)
            && (topic.utf8.count == wanted.utf8.count || topic.utf8.dropFirst(wanted.utf8.count).first == 0x2E)
    }
}

/// The params of `subscribe`.
struct SubscribeParams {
    var since: Int?
    var subscription: Subscription

    init(_ params: JSONObject) throws(RPCError) {
        if let since = params["since"] {
            guard let number = since.intValue, number >= 0 else {
                throw RPCError(.invalidParams, "since must be the number of an event, or 0: \(since)")
            }
            self.since = number
        }
        let tickets = try Self.names("tickets", params)
        subscription = Subscription(topics: try Self.names("topics", params), tickets: tickets.map(Set.init))
    }

    private static func names(_ key: String, _ params: JSONObject) throws(RPCError) -> [String]? {
        guard let value = params[key] else { return nil }
        let names = value.arrayValue?.compactMap(\.stringValue)
        guard let names, names.count == value.arrayValue?.count, names.count <= 1000 else {
            throw RPCError(.invalidParams, "\(key) must be an array of at most 1000 strings")
        }
        return names
    }
}
