/// How to start one kind of agent.
public struct AgentProfile: Hashable, Codable, Sendable {
    public enum Kind: String, CaseIterable, Codable, Sendable {
        /// Any program: it works in its worktree, and its exit says how it went.
        case command
        /// Codex, through its app server.
        case codex
        /// Codex, one turn to a process.
        case codexExec = "codex-exec"
        /// Any agent that speaks the Agent Client Protocol.
        case acp
        /// Gemini CLI, one turn to a process.
        case gemini
        /// opencode, one turn to a process.
        case opencode
        /// Claude Code.
        case claude
        case amp
        /// aider, one prompt to a process.
        case aider

        /// What is started where a profile names no program; nil where each has to.
        public var program: String? {
            switch self {
            case .command, .acp: nil
            case .codex, .codexExec: "codex"
            case .gemini: "gemini"
            case .opencode: "opencode"
            case .claude: "claude"
            case .amp: "amp"
            case .aider: "aider"
            }
        }
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
    /// The program and its first arguments; empty for the kind's own program.
    public var command: [String]
    /// Behind those that orch adds.
    public var arguments: [String]
    /// The agent's own choice if nil.
    public var model: String?
    /// Of the kind `command`; the others have a way of their own.
    public var prompt: Prompt
    /// How long one run may take.
    public var timeLimit: Duration
    /// After how long without a sign of life an agent is stale; never if nil.
    public var heartbeatTimeout: Duration?
    /// How long a stale agent is waited for before its run is ended.
    public var staleGrace: Duration
    /// Added to what every agent is given.
    public var environment: [String: String]
    /// What it may do, where it asks for leave.
    public var permissions = PermissionPolicy()
    /// Set aside of the day's and the month's budget before a run starts.
    public var reserve = Allowance()

    public init(
        kind: Kind = .command,
        command: [String] = [],
        arguments: [String] = [],
        model: String? = nil,
        prompt: Prompt = .file,
        timeLimit: Duration = .seconds(60 * 60),
        heartbeatTimeout: Duration? = nil,
        staleGrace: Duration = .seconds(2 * 60),
        environment: [String: String] = [:],
        limit: Int? = nil
    ) {
        self.kind = kind
        self.command = command
        self.arguments = arguments
        self.model = model
        self.prompt = prompt
        self.timeLimit = timeLimit
        self.heartbeatTimeout = heartbeatTimeout
        self.staleGrace = staleGrace
        self.environment = environment
        self.limit = limit
    }

    /// What is started, before orch adds its arguments; empty only where a program is missing.
    public var program: [String] { command.isEmpty ? kind.program.map { [$0] } ?? [] : command }
}
