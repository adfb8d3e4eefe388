/// An immutable fact, in the past tense: what subscribers are told and the store keeps.
/// docs/protocol.md lists them; the values that changed travel beside it in a `Fact`.
public enum Event: Equatable, Sendable {
    case repositoryAdded(RepositoryID)
    case repositoryTrusted(RepositoryID, digest: String)
    /// Its tickets land on another branch from now on.
    case repositoryChanged(RepositoryID)
    /// The target branch is not where orch left it.
    case targetMoved(RepositoryID, from: ObjectID, to: ObjectID)

    /// The tickets of a file of the backlog folder have been taken in.
    case backlogTaken(RepositoryID, BacklogFile, [TicketID])
    /// A file of the backlog folder was none that can be taken in.
    case backlogRefused(RepositoryID, BacklogFile, problems: [String])

    case ticketEnqueued(TicketID)
    /// Its author has changed these parts of it.
    case ticketEdited(TicketID, [TicketDraft.Field])
    /// It is the first since the machine was too short of something for another, where there is a moment.
    case ticketStarted(TicketID, AgentID, Stage, shortSince: Instant? = nil)
    /// `notes` name what could not be brought into it.
    case worktreePrepared(TicketID, branch: String, base: ObjectID, notes: [String] = [])
    case runRequested(RunID, name: String, stage: String)
    case runStarted(RunID)
    case runEnded(RunID, RunOutcome)
    /// What the run has used so far, in all.
    case runUsed(RunID, Usage)
    /// Something inside the run asked for what is for people, and was refused.
    case agentForbidden(RunID, method: String)
    /// The run's agent gives no sign of life.
    case agentStale(RunID, AgentID, Stale)
    /// It has given one after all; nil when its profile waits longer by now, or for ever.
    case agentActive(RunID, AgentID, SignOfLife?)
    /// The run's agent remembers what it is told in a session of that id.
    case sessionOpened(RunID, String)
    /// The run's agent may not use a tool as it wanted to, without a person having been asked; what, and why.
    case permissionDenied(RunID, String, reason: String)
    /// The run's agent goes round in circles, and this is done about it.
    case agentLooped(RunID, AgentID, String, Loop.Step)
    /// There is no such session as it was to go on in: the next run begins a new one.
    case sessionLost(RunID)
    /// A person wants the ticket's agent to know something.
    case messageQueued(TicketID, Message)
    /// The run's agent has taken it in.
    case messageTaken(RunID, Int)
    /// The agent at work cannot take it: it waits for the next run.
    case messageDeferred(TicketID, Int, reason: String)
    case workCollected(TicketID, head: ObjectID, committedLeftovers: Bool)
    case candidateBuilt(TicketID, commit: ObjectID, tree: ObjectID, tip: ObjectID)
    case candidateConflicted(TicketID, tip: ObjectID, paths: [String])
    case verificationStarted(TicketID, slot: Int)
    case ticketVerified(TicketID, tree: ObjectID, reused: Bool)
    case verificationFailed(TicketID, verifier: String, outcome: String)
    case verificationErred(TicketID, reason: String)
    case sentBack(TicketID, Feedback, attempt: Int)
    case approvalRequested(TicketID, [ApprovalReason])
    /// What a human said with a word given.
    case ticketCommented(TicketID, comment: String)
    case ticketApproved(TicketID, Approval.Approver)
    case landingStarted(TicketID)
    case landingWaited(TicketID, of: [LockHolder])
    case landingBlocked(TicketID, reason: String)
    case lockViolationAllowed(TicketID, paths: [String])
    /// It left its locks, nobody held these paths, and now it does.
    case locksClaimed(TicketID, paths: [String])
    /// It left its locks, and others hold what it lacks: it waits in the queue, with what it holds, to be verified.
    case claimWaited(TicketID, paths: [String], of: [LockHolder])
    /// Its agent holds these as well, from now on.
    case claimGranted(RunID, [LockPattern])
    /// Others hold them, or have asked before: its agent waits for them.
    case claimWaits(RunID, [LockPattern], of: [LockHolder], until: Instant)
    /// Its agent waits for them no longer, and has not been given them.
    case claimEnded(RunID, [LockPattern], PathClaim.End)
    case claimReleased(RunID, [LockPattern])
    case questionAsked(RunID, Question)
    case questionAnswered(RunID, Question)
    /// Nobody has answered in time; or it is not asked any more.
    case questionEnded(RunID, Question, expired: Bool)
    case progressReported(RunID, Progress)
    case workSummarised(RunID, summary: String)
    case ticketEvicted(TicketID, reason: String)
    case ticketMerged(TicketID, commit: ObjectID)
    /// The remote of a repository has the target branch as of this commit.
    case landingPushed(RepositoryID, remote: String, commit: ObjectID)
    /// It could not be pushed there, and will be tried again.
    case pushFailed(RepositoryID, remote: String, commit: ObjectID, Push.Problem)
    case ticketStopping(TicketID)
    case ticketStopped(TicketID)
    case ticketContinued(TicketID, Command)
    case snapshotTaken(TicketID, number: Int)
    case snapshotFailed(TicketID, reason: String)
    /// A snapshot, whatever it was taken for, holds something otherwise than in its commit, or could not hold it.
    case snapshotNoted(TicketID, number: Int, notes: [String])
    case humanNeeded(TicketID, Problem)
    /// It has waited for a human for as long as its locks are kept.
    case locksReleased(TicketID, after: Duration)
    /// A person holds it from now on.
    case lockTaken(RepositoryID, LockPattern, Grant.Person)
    /// A person's lock is free again: let go of, or at its end.
    case lockReleased(RepositoryID, LockPattern, of: String, expired: Bool)
    case ticketCancelled(TicketID, reason: String)
    case ticketTidied(TicketID)
    case ticketLeft(TicketID, reason: String)
    /// A ticket's facts changed in a way no other event names.
    case ticketChanged(TicketID)
    /// People have said what it may use.
    case budgetGiven(TicketID)
    /// Another day has begun, or another month: what is counted for it begins anew.
    case spendingRenewed

    /// People have stopped everything.
    case halted(Standstill)
    /// It may go on.
    case resumed

    /// Nothing new starts for want of room on the disk.
    case diskFilled
    /// There is room on the disk again.
    case diskFreed

    /// What a person says of the ticket with it; nil where nobody says anything.
    public var words: String? {
        let words: String? =
            switch self {
            case .ticketCommented(_, let comment), .ticketContinued(_, .requestChanges(let comment)): comment
            case .ticketCancelled(_, let reason): reason
            default: nil
            }
        return words == "" ? nil : words
    }

    /// The ticket it is about.
    public var ticket: TicketID? {
        switch self {
        case .repositoryAdded, .repositoryTrusted, .repositoryChanged, .targetMoved, .backlogTaken, .backlogRefused,
            .halted, .resumed, .diskFilled, .diskFreed, .lockTaken, .lockReleased, .landingPushed, .pushFailed,
            .spendingRenewed:
            nil
        case .runRequested(let run, _, _), .runStarted(let run), .runEnded(let run, _), .agentForbidden(let run, _),
            .runUsed(let run, _),
            .agentStale(let run, _, _), .agentActive(let run, _, _), .sessionOpened(let run, _), .sessionLost(let run),
            .messageTaken(let run, _), .agentLooped(let run, _, _, _), .permissionDenied(let run, _, _),
            .claimGranted(let run, _),
            .claimWaits(let run, _, _, _),
            .claimEnded(let run, _, _), .claimReleased(let run, _), .questionAsked(let run, _),
            .questionAnswered(let run, _), .questionEnded(let run, _, _), .progressReported(let run, _),
            .workSummarised(let run, _):
            run.ticket
        case .ticketEnqueued(let id), .ticketEdited(let id, _), .ticketStarted(let id, _, _, _),
            .worktreePrepared(let id, _, _, _),
            .workCollected(let id, _, _), .candidateBuilt(let id, _, _, _), .candidateConflicted(let id, _, _),
            .verificationStarted(let id, _), .ticketVerified(let id, _, _),
            .verificationFailed(let id, _, _), .verificationErred(let id, _), .sentBack(let id, _, _),
            .approvalRequested(let id, _), .ticketApproved(let id, _), .ticketCommented(let id, _),
            .landingStarted(let id),
            .landingWaited(let id, _), .landingBlocked(let id, _), .lockViolationAllowed(let id, _),
            .locksClaimed(let id, _), .claimWaited(let id, _, _), .ticketEvicted(let id, _), .ticketMerged(let id, _),
            .ticketStopping(let id), .ticketStopped(let id),
            .ticketContinued(let id, _), .snapshotTaken(let id, _), .snapshotFailed(let id, _),
            .snapshotNoted(let id, _, _),
            .humanNeeded(let id, _), .locksReleased(let id, _), .ticketCancelled(let id, _), .ticketTidied(let id),
            .ticketLeft(let id, _), .budgetGiven(let id), .messageQueued(let id, _), .messageDeferred(let id, _, _),
            .ticketChanged(let id):
            id
        }
    }
}

/// A value before and after. Either side is nil where the value did not, or does no longer, exist.
public struct Change<Value: Equatable & Sendable>: Equatable, Sendable {
    public let old: Value?
    public let new: Value?
    public init(old: Value?, new: Value?) {
        self.old = old
        self.new = new
    }
}

/// Which values differ between the last fact and this one.
public struct Changes: Equatable, Sendable {
    public var tickets: [Change<Ticket>] = []
    public var repositories: [Change<Repository>] = []
    public var agents: [Change<Agent>] = []
    public var grants: [Change<Grant>] = []
    public var runs: [RunRecord] = []
    public var passes: [Pass] = []
    public var usage: [UsageRecord] = []
    /// What was used today and this month.
    public var spent: Change<Spent>?
    public init() {}
}

/// Something that happened, and everything it changed: the unit that is stored and published.
public struct Fact: Equatable, Sendable {
    public let event: Event
    public let changes: Changes
    public init(event: Event, changes: Changes) {
        self.event = event
        self.changes = changes
    }
}

/// What history learns about a run.
public enum RunRecord: Equatable, Sendable {
    /// - Parameters:
    ///   - name: the agent slot, the verifier, or `setup`.
    ///   - tree: the tree a verifier judges.
    ///   - commit: the commit that has it.
    case requested(RunID, name: String, stage: String, tree: ObjectID?, commit: ObjectID?)
    case started(RunID, Instant)
    case ended(RunID, Instant, RunOutcome)
}

/// An agent slot.
public struct Agent: Equatable, Sendable, Codable {
    public let id: AgentID
    public internal(set) var ticket: TicketID?
    /// When it took up, or let go of, a ticket.
    public internal(set) var since: Instant
    /// Its ticket is being stopped.
    public internal(set) var stopping: Bool
    /// It gives no sign of life.
    public internal(set) var stale: Stale?
}

/// One granted lock: a ticket's or a person's.
public struct Grant: Equatable, Sendable, Codable {
    /// Grows with every grant, so that what an earlier holder still does can be told from what the present one does.
    public let fence: Int
    public let pattern: LockPattern
    public let repository: RepositoryID
    /// The ticket that holds it; nil where a person does.
    public let ticket: TicketID?
    /// The person who holds it; nil where a ticket does.
    public let person: Person?
    public let since: Instant

    /// Somebody who keeps tickets away from something.
    public struct Person: Equatable, Sendable, Codable {
        public let name: String
        /// Why, in the person's words.
        public let reason: String
        /// When it is let go of by itself; nil where that is for people alone.
        public let expires: Instant?

        package init(name: String, reason: String, expires: Instant?) {
            self.name = name
            self.reason = reason
            self.expires = expires
        }
    }

    public var holder: LockHolder {
        if let person { return .person(person.name) }
        guard let ticket else { preconditionFailure("lock \(fence) is nobody's") }
        return .ticket(ticket)
    }

    init(fence: Int, pattern: LockPattern, repository: RepositoryID, ticket: TicketID, since: Instant) {
        (self.fence, self.pattern, self.repository, self.since) = (fence, pattern, repository, since)
        (self.ticket, person) = (ticket, nil)
    }

    init(fence: Int, pattern: LockPattern, repository: RepositoryID, person: Person, since: Instant) {
        (self.fence, self.pattern, self.repository, self.since) = (fence, pattern, repository, since)
        (ticket, self.person) = (nil, person)
    }
}
