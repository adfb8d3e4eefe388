/// Who holds a lock.
public enum LockHolder: Hashable, Comparable, Sendable {
    case ticket(TicketID)
    /// By the name the person goes by.
    case person(String)

    var asTicket: TicketID? { if case .ticket(let id) = self { id } else { nil } }

    /// What people read: a ticket's id, or a person's name.
    public var name: String {
        switch self {
        case .ticket(let id): id.text
        case .person(let name): name
        }
    }
}

/// Coded as one text: a person's begins with `@`, as no ticket's id does.
extension LockHolder: Codable, CustomStringConvertible {
    public var description: String {
        switch self {
        case .ticket(let id): id.text
        case .person(let name): "@" + name
        }
    }

    public init(_ text: String) {
        self = text.hasPrefix("@") ? .person(String(text.dropFirst())) : .ticket(TicketID(text))
    }

    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
