/// Where the daemon finds a value that must never be stored or told: a variable of its own environment, or a file.
public struct SecretSource: Hashable, Codable, Sendable {
    /// What stands in the value's place: `[secret NAME]`.
    public var name: String
    /// The variable that holds it; nil when a file does.
    public var environment: String?
    /// The file that holds it, and nothing else but a newline at its end; `~/` is the user's home.
    public var file: String?

    public init(name: String = "", environment: String? = nil, file: String? = nil) {
        self.name = name
        self.environment = environment
        self.file = file
    }
}
