import Core
import IPC

/// Codex, driven through its app server: JSON-RPC on its standard input and output, by which a turn can be steered,
/// interrupted and asked about while it runs.
struct CodexAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        Invocation(
            arguments: profile.program + ["app-server"] + Self.settings(profile, assignment, approval: "on-request")
                + profile.arguments,
            environment: assignment.environment(of: profile),
            standardInput: .messages
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? {
        CodexConversation(assignment: assignment, model: profile.model)
    }

    /// As command-line settings, so that the profile's own, behind them, take their place.
    static func settings(_ profile: AgentProfile, _ assignment: Assignment, approval: String) -> [String] {
        var settings = [("sandbox_mode", quoted("workspace-write")), ("approval_policy", quoted(approval))]
        if let model = profile.model { settings.append(("model", quoted(model))) }
        if let tools = assignment.tools {
            let server = "mcp_servers.\(Assignment.ToolServer.name)"
            settings += [
                ("\(server).command", quoted(tools.command.first ?? "")),
                ("\(server).args", list(tools.command.dropFirst())),
                // By name: a command line is for all of the machine to read.
                ("\(server).env_vars", list(tools.environment.keys.sorted())),
                ("\(server).default_tools_approval_mode", quoted("approve")),
                // Else the first turn begins without its tools where they are not there in a second.
                ("\(server).required", "true"),
                // A call may wait for a lock, a check or a person; Codex gives up after a minute.
                ("\(server).tool_timeout_sec", "86400"),
            ]
        }
        return settings.flatMap { ["-c", "\($0.0)=\($0.1)"] }
    }

    /// A string of TOML: JSON's are.
    private static func quoted(_ text: String) -> String { JSONValue.string(text).description }
    private static func list(_ texts: some Sequence<String>) -> String { JSONValue(texts).description }
}

extension Assignment {
    /// What every agent finds in its environment, for its hooks and the commands it runs.
    func environment(of profile: AgentProfile) -> [String: String] {
        var environment = profile.environment
        environment["ORCH_TICKET"] = ticket.text
        environment["ORCH_TITLE"] = title
        environment["ORCH_PROMPT_FILE"] = promptFile
        environment["ORCH_FEEDBACK_FILE"] = feedbackFile
        environment["ORCH_BRANCH"] = branch
        environment["ORCH_WORKTREE"] = worktree
        environment["ORCH_ATTEMPT"] = String(attempt)
        return environment.merging(tools?.environment ?? [:]) { $1 }
    }
}
