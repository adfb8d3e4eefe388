import Core
import IPC

/// Claude Code, in its dialogue of JSON lines.
struct ClaudeAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        var arguments = profile.program
        arguments += ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
        // Its echo says when a message has come to the model, and the questions are orch's to answer.
        arguments += ["--replay-user-messages", "--permission-prompt-tool", "stdio", "--permission-mode", "default"]
        // With `=`, so that no value can be taken for an option.
        if let model = profile.model { arguments.append("--model=\(model)") }
        if let session = assignment.session { arguments.append("--resume=\(session)") }
        // What a turn costs it says at its end; before that, it alone can keep within a budget.
        if let cost = assignment.cost { arguments.append("--max-budget-usd=\(Dollars.exact(cost))") }
        if let tools = assignment.tools {
            let name = Assignment.ToolServer.name
            let server: JSONValue = [
                "mcpServers": .object([
                    name: ["command": .string(tools.command[0]), "args": JSONValue(tools.command.dropFirst())]
                ])
            ]
            arguments += ["--mcp-config=\(server)", "--strict-mcp-config", "--allowedTools=mcp__\(name)"]
            // A question of its own would wait for an answer that nobody can give it; orch has a tool for that.
            arguments.append("--disallowedTools=AskUserQuestion")
        }
        // With that of its tool server, which gets all of the agent's: a command line is seen by everyone.
        var environment = assignment.environment(of: profile)
        environment["CLAUDE_CODE_ENTRYPOINT"] = environment["CLAUDE_CODE_ENTRYPOINT"] ?? "orch"
        // Not under the hands of the agents at work.
        environment["DISABLE_AUTOUPDATER"] = environment["DISABLE_AUTOUPDATER"] ?? "1"
        return Invocation(
            arguments: arguments + profile.arguments,
            environment: environment,
            standardInput: .messages
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? {
        ClaudeConversation(.claude, assignment)
    }
}

/// What tells the messages of one run from those of any other: an id in the form of a UUID, which says by itself which message
/// it is of.
struct MessageMarks: Equatable, Sendable {
    private let prefix: String

    init(_ assignment: Assignment) {
        // FNV-1a.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(assignment.ticket) \(assignment.attempt) \(assignment.worktree)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let digits = Self.hexadecimal(hash, 16)
        prefix = "\(digits.prefix(8))-\(digits.dropFirst(8).prefix(4))-4\(digits.suffix(3))-8000-"
    }

    private static func hexadecimal(_ value: UInt64, _ count: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    /// The mark of what the agent is told first.
    var opening: String { prefix + "ffffffffffff" }

    func mark(of message: Int) -> String { prefix + Self.hexadecimal(UInt64(max(0, message)), 12) }

    /// The message of a mark; nil where it is of none of this run, or of the opening.
    func message(of mark: String) -> Int? {
        guard mark.hasPrefix(prefix), mark != opening else { return nil }
        return Int(mark.dropFirst(prefix.count), radix: 16)
    }
}
