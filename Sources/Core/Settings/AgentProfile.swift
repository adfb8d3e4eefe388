/// How to start one kind of agent.
public struct AgentProfile: Hashable, Codable, Sendable {
    public enum Kind: String, CaseIterable, Codable, Sendable {
        /// Any program: it works in its worktree, and its exit says how it went.
        case command
    }

    /// How the agent gets its prompt.
    public enum Prompt: String, CaseIterable, Codable, Sendable {
        /// In the file that `ORCH_PROMPT_FILE` names.
        case file
        /// On its standard input, which then ends.
        case stdin
        /// As one more argument behind the command's own.
        case argument
    }

    public var kind: Kind
    /// How many agents of it work at once; any number if nil.
    public var limit: Int?
    /// The program and its arguments; never empty.
    public var command: [String]
    public var prompt: Prompt
    /// How long one run may take.
    public var timeLimit: Duration
    /// After how long without a sign of life an agent is stale; never if nil.
    public var heartbeatTimeout: Duration?
    /// How long a stale agent is waited for before its run is ended.
    public var staleGrace: Duration
    /// Added to what every agent is given.
    public var environment: [String: String]

    public init(
        kind: Kind = .command,
        command: [String],
        prompt: Prompt = .file,
        timeLimit: Duration = .seconds(60 * 60),
        heartbeatTimeout: Duration? = nil,
        staleGrace: Duration = .seconds(2 * 60),
        environment: [String: String] = [:],
        limit: Int? = nil
    ) {
        self.kind = kind
        self.command = command
        self.prompt = prompt
        self.timeLimit = timeLimit
        self.heartbeatTimeout = heartbeatTimeout
        self.staleGrace = staleGrace
        self.environment = environment
        self.limit = limit
    }
}
