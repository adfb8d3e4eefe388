import Core

/// What one run of an agent is about, whatever kind of agent it is.
struct Assignment: Sendable {
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
}

/// How an agent is started: what an adapter makes of an assignment.
struct Invocation: Sendable, Equatable {
    var arguments: [String]
    /// Added to what every run is given.
    var environment: [String: String]
    var standardInput: RunCommand.StandardInput
}

/// How one kind of agent is driven: the only place that knows its command line, and, for kinds that speak a protocol,
/// its stream. Core and the engine see runs and their ends alone, so that a new kind is a case of `AgentProfile.Kind` and
/// one file here.
protocol AgentAdapter: Sendable {
    func invocation(for assignment: Assignment) -> Invocation
}

extension AgentProfile {
    var adapter: any AgentAdapter {
        switch kind {
        case .command: CommandAgent(profile: self)
        }
    }
}
