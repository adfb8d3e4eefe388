import Core
import IPC

/// Amp: it speaks a part of Claude Code's language. Its own settings say what it may do: it asks nobody else.
struct AmpAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        var arguments = profile.program
        if let session = assignment.session { arguments += ["threads", "continue", session] }
        arguments += ["-x", "--stream-json", "--stream-json-input"]
        if let model = profile.model { arguments += ["--mode", model] }
        if let tools = assignment.tools {
            var environment = JSONObject()
            for (name, value) in tools.environment.sorted(by: { $0.key < $1.key }) {
                environment[name] = .string(value)
            }
            let servers: JSONValue = .object([
                Assignment.ToolServer.name: [
                    "command": .string(tools.command[0]), "args": JSONValue(tools.command.dropFirst()),
                    "env": .object(environment),
                ]
            ])
            arguments += ["--mcp-config", servers.description]
        }
        return Invocation(
            arguments: arguments + profile.arguments,
            environment: assignment.environment(of: profile),
            standardInput: .messages
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? { ClaudeConversation(.amp, assignment) }
}
