import Core

/// The dialogue with one run of an agent that speaks a protocol: a value. What it printed and what it is to be told go in;
/// what that means, and lines to be sent to it, come out.
///
/// It is a function of what it is given. After a restart of the daemon a new one reads the run's output from its
/// beginning and comes to the same state, and to the same lines with the same keys: one that was sent before is not sent
/// again. So a key names what the line is about (`prompt`, `message-3`, `answer-req_7`), never a count of what was sent;
/// and an id that the agent's answer repeats is made from the key, so that it can be understood without having been told
/// of the request.
protocol Conversation: Sendable {
    /// Whether a message can be given to it while it works.
    var canBeSteered: Bool { get }
    /// Whether it takes messages at all: else its input is not open, and it ends when its turn does.
    var isOpen: Bool { get }
    /// Something is under way of which more is to come, such as a turn or a task in its background: its input must stay open.
    var isBusy: Bool { get }

    /// What daemons before this one have sent, by its keys in their order; told before anything else.
    mutating func recall(_ sent: [String])
    /// What is to be sent before anything is read.
    mutating func begin() -> Exchange
    /// A whole line of its standard output, without its newline; any bytes. Never fails: what it does not understand is
    /// `noted` or `unknown`.
    mutating func read(_ line: ArraySlice<UInt8>) -> Exchange
    /// What is wanted of it. A message is told of by `tookMessage` once it has been taken in, or by `refusedMessage`.
    mutating func take(_ order: ConversationOrder) -> Exchange
    /// What the run came to, now that it has ended and all that it printed has been read. `error` is the end of what it
    /// printed on standard error.
    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome
}

extension Conversation {
    /// What is printed says it all.
    mutating func recall(_ sent: [String]) {}
}

enum ConversationOrder: Equatable, Sendable {
    /// A message of a person's, or of orch's.
    case say(message: Int, String)
    /// The turn is to end; what the agent has done stays. The number tells one interruption of the run from another.
    case interrupt(Int)
    case answer(request: String, PermissionAnswer)
}

/// What one step of a conversation comes to.
struct Exchange: Equatable, Sendable {
    var events: [AgentEvent] = []
    var outgoing: [Outgoing] = []

    static let nothing = Exchange()

    struct Outgoing: Equatable, Sendable {
        let key: String
        /// Without a newline, and holding none.
        let line: String
    }
}
