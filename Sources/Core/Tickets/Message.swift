/// What a person wants the agent of a ticket to know. It stays with the ticket until an agent has taken it in.
public struct Message: Equatable, Sendable, Codable {
    /// Counts the ticket's messages from 1.
    public let number: Int
    public let text: String
    public let at: Instant
    public internal(set) var delivery: Delivery

    /// How far it has come.
    public enum Delivery: Equatable, Sendable, Codable {
        /// It waits for the next run of the ticket's agent.
        case waiting
        /// It is being handed to the agent of this run, which is at work.
        case handed(run: Int)
        /// It is a part of what the agent of this run is told first.
        case opening(run: Int)
    }

    /// The longest there may be, in bytes.
    public static let longest = 64 << 10
    /// How many may wait for one ticket.
    public static let limit = 100
}

/// What the agent of a run is told first, beside the ticket itself. Stays as it is for as long as the run goes on.
public struct Opening: Equatable, Sendable, Codable {
    /// The agent's own session, which it is to go on in; nil for one that begins anew.
    public var session: String?
    public var messages: [Message] = []
    /// What the budgets leave it, in millionths of a US dollar, for agents that can keep within it by themselves; nil where
    /// dollars are not limited.
    public var cost: Int?
    public init(session: String? = nil, messages: [Message] = [], cost: Int? = nil) {
        self.session = session
        self.messages = messages
        self.cost = cost
    }
}

/// An agent's own memory of a ticket, by which it can go on.
public struct AgentSession: Equatable, Sendable, Codable {
    public let id: String
    /// The profile it is of: another kind of agent does not know it.
    public let profile: String
}
