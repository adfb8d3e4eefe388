/// Something that the agent of a run asks a person. A fact of its ticket until the run ends.
public struct Question: Equatable, Sendable, Codable {
    public enum Kind: String, Equatable, Sendable, Codable, CaseIterable {
        /// Answered by a text.
        case question
        /// Whether it may do something: answered by yes or no, and a text for the agent.
        case permission
    }

    /// Counted per ticket, from 1: what people name it by.
    public let number: Int
    /// By this whoever asked knows it again.
    public let key: String
    public let kind: Kind
    public let text: String
    public let asked: Instant
    /// When nobody waits for an answer any more.
    public let until: Instant
    public internal(set) var answer: Answer?

    public struct Answer: Equatable, Sendable, Codable {
        public let text: String
        /// Of a permission alone.
        public let allows: Bool?
        public let at: Instant
    }
}

/// A question as it is asked.
public struct NewQuestion: Equatable, Sendable {
    public var key: String
    public var kind: Question.Kind
    public var text: String
    /// For how long an answer is waited for.
    public var limit: Duration

    public init(key: String, kind: Question.Kind, text: String, limit: Duration) {
        self.key = key
        self.kind = kind
        self.text = text
        self.limit = limit
    }
}
