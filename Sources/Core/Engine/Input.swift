/// Everything that can happen to the orchestrator. Past tense: by the time Core hears of it, it has happened.
public enum Input: Equatable, Sendable {
    // MARK: asked by people
    case enqueueAsked(RepositoryID, [NewTicket])
    case commandGiven(Command, TicketID)
    case editAsked(TicketID, TicketEdit)
    /// The ticket may use as much; where that says nothing, what is configured.
    case budgetGiven(TicketID, Allowance)
    /// A file of a repository's backlog folder holds these tickets: all of them are taken in, or none.
    case backlogFileRead(RepositoryID, BacklogFile, [NewTicket])
    /// Such a file cannot be taken in; every problem with its place.
    case backlogFileRefused(RepositoryID, BacklogFile, problems: [String])
    /// `moved` is the repository that was at another path before, and is there no longer.
    case repositoryAsked(
        path: String,
        target: String,
        tip: ObjectID,
        trusted: Set<String>,
        moved: RepositoryID? = nil,
        agents: Int? = nil
    )
    case trustGiven(RepositoryID, digest: String)
    /// A person wants to hold it, for so long, or until it is released.
    case lockAsked(RepositoryID, LockPattern, by: String, reason: String, for: Duration?)
    /// A person's lock is to be let go of.
    case lockReleaseAsked(PersonalLock)
    /// Everything is to stop, and nothing to start or land, until people say otherwise.
    case haltAsked(reason: String)
    /// It may go on.
    case resumeAsked
    /// The daemon starts nothing new from here on.
    case drainAsked
    /// Something inside a run asked for what is for people, and was refused.
    case forbiddenAsked(RunID, method: String)

    // MARK: asked by the agent of a run
    /// It wants to hold these as well, and waits for them for so long. `key` names the claim: asked again, it is the same.
    case claimAsked(RunID, key: String, [LockPattern], for: Duration)
    /// Whoever waited for it does not any more.
    case claimWithdrawn(RunID, key: String)
    /// It gives back what it has claimed. `changed` is what its work changes.
    case claimReleaseAsked(RunID, [LockPattern], changed: [String])
    case questionAsked(RunID, NewQuestion)
    /// Whoever waited for an answer does not any more.
    case questionWithdrawn(RunID, key: String)
    /// A person answers. `question` is its number; nil for the one asked first. `allows` is for permissions.
    case answerGiven(TicketID, question: Int?, text: String, allows: Bool?)
    case progressReported(RunID, text: String, percent: Int?)
    /// What it says it has done.
    case summaryGiven(RunID, text: String)

    // MARK: facts about the machine
    /// There is no room left on the disk that holds the state: nothing new starts until there is.
    case diskFilled
    /// There is room again.
    case diskHasRoom
    /// What the machine lacks for another run; nil when it has enough. Answers `wantsMeasure`.
    case machineMeasured(Shortage?)
    /// The clock went this much further than time passed: it was set, or the machine slept. Given before the first input
    /// at the new time, so that nothing is due earlier for it.
    case clockJumped(by: Duration)

    // MARK: outcomes of effects
    /// `notes` name what could not be brought into it.
    case worktreeReady(TicketID, branch: String, base: ObjectID, head: ObjectID, Rules, notes: [String] = [])
    case worktreeFailed(TicketID, reason: String)
    case workCollected(TicketID, head: ObjectID, changed: Bool, committedLeftovers: Bool)
    case collectFailed(TicketID, reason: String)
    case snapshotTaken(TicketID)
    case snapshotFailed(TicketID, reason: String)
    /// What a person should know about a snapshot that was taken; comes before the outcome it was taken for.
    case snapshotNoted(TicketID, number: Int, notes: [String])
    /// `passes` is what the store knows that tree to have passed as, in this repository and for whatever ticket.
    case candidateBuilt(TicketID, Candidate, passes: [Proof] = [])
    /// The ticket's work is in the target already, or changes nothing on top of it.
    case candidateEmpty(TicketID, tip: ObjectID)
    case candidateConflicted(TicketID, tip: ObjectID, paths: [String])
    case candidateFailed(TicketID, reason: String)
    /// `isSetUp` where what an earlier setup made there is still in place, and would come out the same.
    case checkoutReady(TicketID, isSetUp: Bool = false)
    case checkoutFailed(TicketID, reason: String)
    /// `changed` names tracked files that differ from the candidate's after its verifiers ran; `surroundings`
    /// are those of the candidate by then.
    case checkoutInspected(TicketID, changed: [String], surroundings: String? = nil)
    case targetAdvanced(TicketID, to: ObjectID)
    case targetMoved(TicketID, to: ObjectID)
    case targetBlocked(TicketID, reason: String)
    case targetFailed(TicketID, reason: String)
    case tidied(TicketID, TidyOutcome)
    /// What was under way for the ticket needs its repository, which is not where it was.
    case repositoryGone(TicketID, reason: String)

    // MARK: facts about the world
    /// Somebody changed the target's ref, and this is where it is now. `known` is what Core knew when it was read.
    case targetSeen(RepositoryID, at: ObjectID, known: ObjectID?)
    case runStarted(RunID, at: Instant)
    case runEnded(RunID, RunOutcome, at: Instant)
    /// The run's agent remembers what it is told in a session of that id.
    case sessionOpened(RunID, String)
    /// The run's agent asks leave to use a tool.
    case permissionAsked(RunID, PermissionQuestion)
    /// The run's agent goes round in circles: what it does, as a sentence about it.
    case agentLooped(RunID, String)
    /// There is no such session as the run's agent was to go on in.
    case sessionLost(RunID)
    /// The run's agent has begun with what it was told first.
    case openingTaken(RunID)
    /// The run's agent has taken the message of that number in.
    case messageTaken(RunID, Int)
    /// It cannot take it in this run.
    case messageRefused(RunID, Int, reason: String)
    /// An agent has given no sign of life `since` then, which is too long. It has `grace` left to give one.
    ///
    /// Said again when the machine has slept meanwhile or its clock was set, as that moves the end of the grace.
    case runWentQuiet(RunID, since: Instant, lookedAt: [SignOfLife], grace: Duration)
    /// It has given one; nil when its profile waits longer by now, or for ever.
    case runStirred(RunID, by: SignOfLife?)
    /// Its grace is over, and it has given none. Who looks counts the time, not Core: while the machine sleeps, or when
    /// its clock is set, none passes.
    case runStayedQuiet(RunID)
    /// The remote has the commit, by this push or from before.
    case targetPushed(PushOrder)
    case pushFailed(PushOrder, Push.Problem)
    /// What the run has used so far, in all. It takes the place of what was said of it before.
    case usageSeen(RunID, Usage)
    /// A deadline of `nextDeadline` has come.
    case deadlineReached
}

public enum TidyOutcome: Equatable, Sendable {
    case done
    case left(reason: String)
    /// Another git is in the way; it is tried again.
    case blocked(reason: String)
}

/// Which lock of a person's.
public enum PersonalLock: Equatable, Sendable {
    case fence(Int)
    case pattern(RepositoryID, LockPattern)
}

/// A ticket as it is asked for: checked, and without an id where its author left that to orch.
public struct NewTicket: Equatable, Sendable {
    public var id: TicketID?
    public var title: String
    public var priority: Int
    public var locks: [LockPattern]
    public var dependsOn: [TicketID]
    public var profile: String
    public init(
        id: TicketID? = nil,
        title: String,
        priority: Int = 0,
        locks: [LockPattern] = [],
        dependsOn: [TicketID] = [],
        profile: String
    ) {
        self.id = id
        self.title = title
        self.priority = priority
        self.locks = locks
        self.dependsOn = dependsOn
        self.profile = profile
    }
}

/// A file out of a repository's backlog folder.
public struct BacklogFile: Equatable, Sendable {
    public var name: String
    /// Given to it when it was taken, and to no other: by this a daemon that died knows that it has told of it.
    public var key: String
    public init(name: String, key: String) {
        self.name = name
        self.key = key
    }
}

/// What a person can ask of a ticket. All of them are safe to repeat.
public enum Command: Equatable, Sendable {
    case `continue`
    case stop
    case cancel(reason: String)
    case retry
    case approve(comment: String? = nil)
    case requestChanges(comment: String)
    /// The ticket's agent is to know this.
    case steer(message: String)

    /// The word a person types.
    public var name: String {
        switch self {
        case .continue: "continue"
        case .stop: "stop"
        case .cancel: "cancel"
        case .retry: "retry"
        case .approve: "approve"
        case .requestChanges: "request-changes"
        case .steer: "steer"
        }
    }
}

/// How a run ended.
public enum RunOutcome: Equatable, Sendable, Codable {
    case exited(Int)
    case signalled(Int)
    case stopped
    case timedOut
    /// It was stopped because it gave no sign of life.
    case stale
    /// The program ended, and what it had said by then is that it failed: its stream decides, not its exit.
    case failed(String)
    /// The program ended, and nothing says that it did what it was to do. Never taken for success.
    case unknown(String)
    /// It never ran.
    case notStarted(String)
    /// Its runner ended without saying how; what was left of its tree is dead.
    case lost(String)

    /// One phrase, the same for the same outcome: it is counted by.
    public var phrase: String {
        switch self {
        case .exited(let code): "exit \(code)"
        case .signalled(let signal): "ended by signal \(signal)"
        case .stopped: "stopped"
        case .timedOut: "ran into its time limit"
        case .stale: "ended for want of a sign of life"
        case .failed(let reason): "failed: \(reason)"
        case .unknown(let reason): "ended without a result: \(reason)"
        case .notStarted(let reason): "could not be started: \(reason)"
        case .lost(let reason): "lost: \(reason)"
        }
    }
}
