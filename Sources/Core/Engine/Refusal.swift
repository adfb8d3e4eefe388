/// Why Core does not do what it was asked. Nothing has changed when it is returned.
public struct Refusal: Error, Equatable, Sendable {
    public enum Code: String, Sendable {
        case notFound, refused, invalid
        /// Not for anything in the request: the daemon cannot store it now.
        case unavailable
    }
    public let code: Code
    public let message: String
    public let hint: String?
    public init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

/// What one input comes to.
public struct Decision: Equatable, Sendable {
    /// In the order they happened.
    public var facts: [Fact] = []
    /// To be performed once the facts are durable.
    public var effects: [Effect] = []
    /// Likewise.
    public var pushes: [PushOrder] = []
    public var refusal: Refusal?
    public init() {}
}
