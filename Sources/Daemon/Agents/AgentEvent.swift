import Core

/// One thing an agent's stream says, in words that are the same for every kind of agent.
enum AgentEvent: Equatable, Sendable {
    /// It has a session, by which it can be resumed. Said again when a turn begins, by some.
    case session(Session)
    case turnStarted
    case said(String, by: Speaker)
    case toolStarted(ToolCall)
    case toolEnded(ToolResult)
    /// What the run has used so far, in all: each report takes the place of the one before.
    case used(UsageReport)
    /// It waits for leave to use a tool.
    case asked(PermissionRequest)
    /// It does not wait for that answer any more.
    case withdrew(request: String)
    /// It has taken the message of that number into its context.
    case tookMessage(Int)
    /// It can take no message while it works: this one is for the time after.
    case refusedMessage(Int, reason: String)
    /// Its provider lets it wait; until when, where that is known.
    case limited(reason: String, until: Instant?)
    /// It asks its provider again after a failure.
    case retrying(reason: String, attempt: Int)
    case turnEnded(TurnEnd)
    /// A warning, or an error that ends nothing.
    case noted(String)
    /// Of a kind this version does not know. It is in the output as it came.
    case unknown(kind: String)

    struct Session: Equatable, Sendable {
        var id: String
        var model: String?
        /// Of the agent's program.
        var version: String?
        /// Tool servers that are not there although they were asked for, and how each stands.
        var missingServers: [String: String] = [:]
    }

    enum Speaker: String, Equatable, Sendable {
        case agent, thinking
        /// A sub-agent of its own.
        case subagent
        /// The person, through orch: an echo of what it was told.
        case person
    }
}

extension AgentEvent {
    /// The same with the paths of what lies in this folder counted from there.
    func within(_ folder: String) -> AgentEvent {
        switch self {
        case .toolStarted(var call):
            call.makeRelative(to: folder)
            return .toolStarted(call)
        case .asked(var request):
            request.call.makeRelative(to: folder)
            return .asked(request)
        default: return self
        }
    }
}

extension ToolCall {
    fileprivate mutating func makeRelative(to folder: String) {
        title = title.replacing(folder + "/", with: "")
        paths = paths.map { $0.hasPrefix(folder + "/") ? String($0.dropFirst(folder.count + 1)) : $0 }
    }
}

/// A use of a tool, from its beginning.
struct ToolCall: Equatable, Sendable {
    /// What its end is told by.
    var id: String
    /// As the agent calls it: `Bash`, `mcp__orch__claim_paths`.
    var name: String
    var kind: Kind
    /// One line: the command, the file.
    var title: String
    /// Files it writes or reads, as the agent names them; absolute, or relative to its worktree.
    var paths: [String] = []
    /// The command line, where it runs one.
    var command: String?
    /// The call of the agent's own whose sub-agent this is of.
    var parent: String?

    enum Kind: String, Equatable, Sendable, CaseIterable {
        case read, edit, delete, move, search, execute, fetch, think
        /// It asks orch.
        case orch
        /// It has a sub-agent do something.
        case delegate
        case other
    }
}

struct ToolResult: Equatable, Sendable {
    var id: String
    var outcome: Outcome
    /// What came of it, as text; cut at `outputLimit` characters.
    var output: String

    enum Outcome: String, Equatable, Sendable { case succeeded, failed, denied }
    static let outputLimit = 16_384
}

/// A question of an agent's that orch, or a person, answers.
struct PermissionRequest: Equatable, Sendable {
    /// What the answer is told by.
    var id: String
    var call: ToolCall
    /// What the agent says about why it asks, if anything.
    var reason: String?
}

enum PermissionAnswer: Equatable, Sendable {
    case allow
    /// The message is for the model.
    case deny(String)
}

/// What a run has used so far, by model.
struct UsageReport: Equatable, Sendable, Codable {
    struct OfModel: Equatable, Sendable, Codable {
        var tokens = Tokens()
        /// What the agent says it cost, in millionths of a US dollar; nil where it does not say.
        var cost: Int?
        /// The part of the tokens whose cost the agent has yet to say, at the end of its turn.
        var pending: Tokens?
    }
    /// The key is empty where the agent does not say which model.
    var models: [String: OfModel] = [:]
    /// Its agent has ended: what it has not said it never will.
    var isFinal: Bool?
}

/// How a turn of an agent ended.
enum TurnEnd: Equatable, Sendable {
    /// With what it said last.
    case completed(String)
    case interrupted
    case failed(Failure, reason: String)

    enum Failure: String, Equatable, Sendable {
        /// Its provider, or the way there: after all its retries.
        case provider
        case credentials
        /// As many turns as it may take.
        case turns
        /// A budget of its own.
        case budget
        case refusal
        /// There is no session of the id it was to resume.
        case noSession
        case other
    }
}
