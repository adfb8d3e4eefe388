/// A name that is a text, and is coded as one.
public protocol TextIdentifier: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    var text: String { get }
    init(_ text: String)
}

extension TextIdentifier {
    public var description: String { text }
    public static func < (a: Self, b: Self) -> Bool { a.text < b.text }
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The name of a ticket, unique in the daemon: `T-7`, or what its author chose.
public struct TicketID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// A registered repository, by the opaque name orch gave it (`r1`): paths move, names do not.
public struct RepositoryID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// A git object id, as git writes it.
public struct ObjectID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
    /// The first ten characters, for people.
    public var short: String { String(text.prefix(10)) }
}

/// One attempt at a stage: the ticket, and the run's number within it, from 1. Written `T-7.2`.
public struct RunID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let ticket: TicketID
    public let number: Int
    public init(ticket: TicketID, number: Int) {
        self.ticket = ticket
        self.number = number
    }
    /// Reads `T-7.2`; nil when the text has no number behind its last dot.
    public init?(_ text: String) {
        guard let dot = text.lastIndex(of: "."), let number = Int(text[text.index(after: dot)...]), number > 0
        else { return nil }
        self.init(ticket: TicketID(String(text[..<dot])), number: number)
    }
    public var description: String { "\(ticket).\(number)" }
    public static func < (a: Self, b: Self) -> Bool { (a.ticket, a.number) < (b.ticket, b.number) }
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let run = RunID(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a run id: \(text)")
            )
        }
        self = run
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A named slot that works on one ticket at a time: `agent-1` … `agent-N`.
public struct AgentID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// From 1.
    public let number: Int
    public init(_ number: Int) { self.number = number }
    public var description: String { "agent-\(number)" }
    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
    public init(from decoder: any Decoder) throws { number = try decoder.singleValueContainer().decode(Int.self) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}
