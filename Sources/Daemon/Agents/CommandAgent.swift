import Core

/// Any program: it finds its assignment in its environment, works in its worktree, and its exit says how it went.
struct CommandAgent: AgentAdapter {
    let profile: AgentProfile

    func conversation(for assignment: Assignment) -> (any Conversation)? { nil }

    func invocation(for assignment: Assignment) -> Invocation {
        var environment = profile.environment
        environment["ORCH_TICKET"] = assignment.ticket.text
        environment["ORCH_TITLE"] = assignment.title
        environment["ORCH_PROMPT_FILE"] = assignment.promptFile
        environment["ORCH_FEEDBACK_FILE"] = assignment.feedbackFile
        environment["ORCH_BRANCH"] = assignment.branch
        environment["ORCH_WORKTREE"] = assignment.worktree
        environment.merge(assignment.tools?.environment ?? [:]) { $1 }
        environment["ORCH_ATTEMPT"] = String(assignment.attempt)
        environment["ORCH_MODEL"] = profile.model
        return Invocation(
            arguments: profile.program + profile.arguments
                + (profile.prompt == .argument ? [assignment.prompt] : []),
            environment: environment,
            standardInput: profile.prompt == .stdin ? .file(assignment.promptFile) : .null
        )
    }
}
