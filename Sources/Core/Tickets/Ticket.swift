/// One unit of work, and everything that has been decided about it. Its description stays in the store.
public struct Ticket: Equatable, Sendable, Codable {
    public let id: TicketID
    /// The order of arrival, from 1; names the ticket's worktree.
    public let serial: Int
    public let repository: RepositoryID
    public var title: String
    /// Higher first.
    public var priority: Int
    public var locks: [LockPattern]
    public var dependsOn: [TicketID]
    /// The agent profile that works on it.
    public var profile: String
    public let created: Instant

    public internal(set) var state: TicketState
    /// When it entered `state`.
    public internal(set) var since: Instant
    public internal(set) var worktree: Worktree?
    /// The head of its branch when it was last looked at; the landed commit once merged.
    public internal(set) var head: ObjectID?
    /// How often its agent has been started.
    public internal(set) var attempts: Int
    /// The number of its newest run.
    public internal(set) var lastRun: Int
    /// That of the newest run of an agent; nil where no agent has worked on it, or it was stored before that was noted.
    public internal(set) var lastAgentRun: Int?
    /// The number of its newest snapshot.
    public internal(set) var lastSnapshot: Int
    /// How often each kind of failure has gone back to the agent; never reset.
    public internal(set) var failures: [String: Int]
    /// What the next run of its agent is told.
    public internal(set) var feedback: Feedback?
    /// What its work last passed as.
    public internal(set) var proof: Proof?
    /// The head a human has approved. Another head needs a new word.
    public internal(set) var approvedHead: ObjectID?
    /// When a human approved that.
    public internal(set) var approvedAt: Instant?
    /// A human had approved it and then asked for changes: the next head needs a word, whatever the policy says.
    public internal(set) var wasSentBack = false
    /// The head whose paths a human let land although others, or nobody, hold them.
    public internal(set) var waivedHead: ObjectID?
    /// Its place in the landing queue of its repository while it is in there: who has a smaller one lands sooner. It is
    /// given when the ticket takes its place, and stays.
    public internal(set) var landingPlace: Int?
    /// How many of its events hold people's words; nil where none does.
    public internal(set) var comments: Int?
    /// What people want its agent to know, and no agent is known to have taken in, in order; nil where there is none.
    public internal(set) var messages: [Message]?
    /// The number of its newest message; nil before the first.
    public internal(set) var lastMessage: Int?
    /// What the newest run of its agent was told first, beside the ticket; nil where that was nothing.
    public internal(set) var opening: Opening?
    /// In which its agent can go on.
    public internal(set) var session: AgentSession?
    /// That the agent of its newest run went round in circles; nil before the first time.
    public internal(set) var loop: Loop?
    /// The run whose agent did not find the session it was to go on in.
    public internal(set) var lostSession: Int?
    /// Of `locks`, what its agents have taken at work; nil where they have not.
    public internal(set) var claimed: [LockPattern]?
    /// What the agent of the run under way and orch have between them; nil where that is nothing.
    public internal(set) var dealings: Dealings?
    /// How many questions its agents have asked; nil where they have not.
    public internal(set) var lastQuestion: Int?
    /// What its agent says it has done; nil where it has not said.
    public internal(set) var summary: String?
    /// What its agents have used so far; nil where nobody has said.
    public internal(set) var usage: Usage?
    /// The part of it that is of the newest run which has reported anything.
    public internal(set) var runUsage: RunUsage?
    /// What people let it use, where that is not what is configured.
    public internal(set) var budget: Allowance?

    public struct Worktree: Equatable, Sendable, Codable {
        /// Its folder's name under the state directory; opaque.
        public var name: String
        public var branch: String
        /// The commit the branch started from; nil until the worktree has been made.
        public var base: ObjectID?
        /// The repository's setup command has succeeded in it.
        public var isSetUp: Bool
        /// What its repository's rules say to a change outside its locks; nil in what was stored before this was kept.
        public var lockViolation: LockViolation?
    }

    /// Whether nothing more will happen to it, but for putting its worktree away.
    public var isFinal: Bool {
        switch state {
        case .merged, .cancelled: true
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman: false
        }
    }

    /// The run under way.
    public var currentRun: RunID? {
        if let run = trial?.run { return RunID(ticket: id, number: run) }
        guard case .running(let running) = state else { return nil }
        switch running.step {
        case .settingUp(let run, _), .working(let run, _): return RunID(ticket: id, number: run)
        case .preparing, .collecting, .trying, .snapshotting: return nil
        }
    }

    /// The candidate being built and tested, in the verify stage or in the landing queue.
    public var trial: Trial? {
        switch state {
        case .running(let running):
            guard case .trying(let trial) = running.step else { return nil }
            return trial
        case .landing(let landing):
            guard case .trying(let trial) = landing.step else { return nil }
            return trial
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled:
            return nil
        }
    }

    /// The user's checkout was in the way when its landing was last tried.
    public var isLandingBlocked: Bool {
        guard case .landing(let landing) = state, case .blocked = landing.step else { return false }
        return true
    }

    /// Why a human wants it to end, while it does.
    public var halt: Halt? {
        switch state {
        case .running(let running): running.halt
        case .landing(let landing): landing.halt
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled: nil
        }
    }

    /// That its agent gives no sign of life, while nobody else wants it to end.
    public var stale: Stale? {
        guard case .running(let running) = state, running.halt == nil, case .working(_, let stale) = running.step
        else { return nil }
        return stale
    }

    /// The agent slot that works on it.
    public var agent: AgentID? {
        guard case .running(let running) = state else { return nil }
        return running.agent
    }
}
