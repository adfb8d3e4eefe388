import Core

/// How one kind of agent is driven: the only place that knows its command line and, for kinds that speak a protocol, its
/// stream. A new kind is a case of `AgentProfile.Kind` and one file here.
protocol AgentAdapter: Sendable {
    func invocation(for assignment: Assignment) -> Invocation
    /// Nil for a program whose exit says how it went, and whose output is text.
    func conversation(for assignment: Assignment) -> (any Conversation)?
}

/// What one run of an agent is about, whatever kind of agent it is.
struct Assignment: Sendable, Codable {
    let ticket: TicketID
    let title: String
    /// The ticket's description, ended by a newline, and the file that holds it.
    let prompt: String
    let promptFile: String
    /// What went wrong last time, in a file; nil for a first attempt.
    let feedbackFile: String?
    let branch: String
    let worktree: String
    /// How often the ticket's agent has been started, this time included.
    let attempt: Int
    /// What an agent that speaks a protocol is told first: the whole of it, or, where it goes on in its own session, what is
    /// new.
    var opening = ""
    /// The session it is to go on in; of the same profile.
    var session: String?
    /// What the runs before this one have used in that session, for agents that report nothing but the whole of it; nil if
    /// that is not known.
    var usedBefore: UsageReport?
    /// What the budgets leave it, in millionths of a US dollar; nil where dollars are not limited.
    var cost: Int?
    /// The tools orch has for it; nil where it is to have none.
    var tools: ToolServer?

    /// How the agent starts orch's own tool server, which speaks MCP on its standard input and output.
    struct ToolServer: Equatable, Sendable, Codable {
        /// As agents call it; a part of the names of its tools.
        static let name = "orch"
        var command: [String]
        var environment: [String: String]
    }
}

/// How an agent is started: what an adapter makes of an assignment.
struct Invocation: Sendable, Equatable {
    var arguments: [String]
    /// Added to what every run is given.
    var environment: [String: String]
    var standardInput: RunCommand.StandardInput
}

extension AgentProfile {
    var adapter: any AgentAdapter {
        switch kind {
        case .command: CommandAgent(profile: self)
        case .codex: CodexAgent(profile: self)
        case .codexExec: CodexExecAgent(profile: self)
        case .acp: ACPAgent(profile: self)
        case .gemini: GeminiAgent(profile: self)
        case .opencode: OpencodeAgent(profile: self)
        case .claude: ClaudeAgent(profile: self)
        case .amp: AmpAgent(profile: self)
        case .aider: AiderAgent(profile: self)
        }
    }
}
