import Core
import IPC

/// Any agent that speaks the Agent Client Protocol, version 1, on its standard input and output.
struct ACPAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        Invocation(
            arguments: profile.program + profile.arguments,
            environment: assignment.environment(of: profile),
            standardInput: .messages
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? {
        ACPConversation(assignment: assignment, model: profile.model)
    }
}
