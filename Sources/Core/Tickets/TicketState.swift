/// Where a ticket is. Each case holds exactly what is true in it; docs/state-machine.md draws it.
public enum TicketState: Equatable, Sendable, Codable {
    /// Waits to be started; why it waits is computed, never stored. Left by the scheduler, `stop` or `cancel`.
    case queued(resume: Stage)
    /// Has an agent slot, and one thing under way. Left by that thing's outcome.
    case running(Running)
    /// Halted by a human, everything kept. Left by `continue`, `retry`, `request-changes` or `cancel`; where it is because
    /// everything is halted (else nil), by `resume` as well.
    case stopped(resume: Stage, withAll: Bool? = nil)
    /// Verified (or without verifiers) and waiting for a human's word. Left by `approve`, `request-changes`, `reject`.
    case awaitingApproval(Candidate, [ApprovalReason])
    /// Approved, in the landing queue or at its head. Left by landing, or by eviction.
    case landing(Landing)
    /// orch cannot go on alone. Left by `continue`, `retry`, `request-changes`, `approve` (of a lock violation) or `cancel`.
    case needsHuman(Problem, resume: Stage)
    /// Landed on the target branch as `commit`. Final.
    case merged(commit: ObjectID, tidy: Tidy)
    /// Ended by a human. Final.
    case cancelled(reason: String, tidy: Tidy)
}

/// The steps of the workflow a ticket can be resumed at.
public enum Stage: String, Equatable, Sendable, Codable {
    case work, verify
}

/// What happens to a final ticket's worktree and branch.
public enum Tidy: String, Equatable, Sendable, Codable {
    /// Snapshot, then put away: asked for and not yet confirmed.
    case pending
    /// Nothing is left but snapshots.
    case done
    /// They could not be put away and stay where they are; the events say why.
    case left
}

/// A ticket that has an agent slot.
public struct Running: Equatable, Sendable, Codable {
    public var agent: AgentID
    public var step: Step
    /// A human, or a budget, wants it to end; the step's outcome is awaited first.
    public var halt: Halt?
    public init(agent: AgentID, step: Step, halt: Halt? = nil) {
        self.agent = agent
        self.step = step
        self.halt = halt
    }
}

/// The one thing under way for a running ticket.
public enum Step: Equatable, Sendable, Codable {
    /// Its worktree is being made, or found again.
    case preparing(then: Stage)
    /// The repository's setup command runs in the worktree.
    case settingUp(run: Int, Setup)
    /// Its agent runs; `stale` while it has given no sign of life for too long.
    case working(run: Int, stale: Stale? = nil)
    /// The agent ended well: leftovers are committed on its branch.
    case collecting
    /// Its work is merged onto the target and tested.
    case trying(Trial)
    /// The worktree's whole state is saved, before the ticket goes where `Aftermath` says.
    case snapshotting(Aftermath)
}

/// Where a ticket goes once its worktree is saved.
public enum Aftermath: Equatable, Sendable, Codable {
    case stopped(resume: Stage)
    case cancelled(reason: String)
    case needsHuman(Problem, resume: Stage)
    /// The same stage again.
    case again
    /// Back to the queue with its locks released, for an agent that is told this.
    case queue(Feedback)
}

/// A working agent that has given no sign of life for as long as its profile allows.
public struct Stale: Equatable, Sendable, Codable {
    /// The last sign of life there was.
    public var since: Instant
    /// What has been looked at, in vain.
    public var lookedAt: [SignOfLife]
    public var next: Next

    public enum Next: Equatable, Sendable, Codable {
        /// Its run is ended then, unless it moves.
        case ends(at: Instant)
        /// Its run is being ended.
        case ending
    }

    public init(since: Instant, lookedAt: [SignOfLife], next: Next) {
        self.since = since
        self.lookedAt = lookedAt
        self.next = next
    }
}

/// What shows that a run is alive.
public enum SignOfLife: String, Equatable, Sendable, Codable {
    /// It printed something.
    case output
    /// The processes of its tree computed.
    case cpu
    /// Something changed in its worktree, or in its branch.
    case files
    /// It waits for orch, for a person or for its provider, and says so.
    case waits
}

/// Why a running or landing ticket is to end.
public enum Halt: Equatable, Sendable, Codable {
    case stop
    /// As everything is: it goes on by itself when everything may.
    case standstill
    case cancel(reason: String)
    /// Nobody asked for it: its run has used up a budget.
    case budget(BudgetProblem)
}

/// Building a candidate on the target branch and running every verifier on exactly its tree. The verify stage and the
/// landing queue do the same thing, so they share it.
public enum Trial: Equatable, Sendable, Codable {
    case building
    case waitingForSlot(Candidate)
    case checkingOut(Candidate, slot: Int)
    /// The check `index` of `candidate.rules.checks` runs, asked for at `since`; nil in what was stored before this was
    /// kept.
    case verifying(Candidate, slot: Int, index: Int, run: Int, since: Instant? = nil)
    /// The verifiers have spoken: was the tree left as it was? The result is written down.
    case concluding(Candidate, slot: Int, Verdict)

    /// The verification slot it holds.
    public var slot: Int? {
        switch self {
        case .building, .waitingForSlot: nil
        case .checkingOut(_, let slot), .verifying(_, let slot, _, _, _), .concluding(_, let slot, _): slot
        }
    }
    /// The run under way.
    public var run: Int? {
        guard case .verifying(_, _, _, let run, _) = self else { return nil }
        return run
    }
}

/// What a candidate's verifiers came to.
public enum Verdict: Equatable, Sendable, Codable {
    case passed
    /// The first verifier that did not exit with 0.
    case failed(index: Int, run: Int, outcome: String)
}

/// An approved ticket on its way to the target branch.
public struct Landing: Equatable, Sendable, Codable {
    public var approval: Approval
    public var step: LandingStep
    public var halt: Halt?
    /// True while it is blocked because its repository is not there to be asked: an attempt before a crash may have
    /// landed it. Else nil.
    public var mayHaveLanded: Bool?
    public init(approval: Approval, step: LandingStep, halt: Halt? = nil) {
        self.approval = approval
        self.step = step
        self.halt = halt
    }
}

/// The one thing under way for a landing ticket.
public enum LandingStep: Equatable, Sendable, Codable {
    /// In the queue with the candidate that was verified, which is landed as it is where the target has not moved since;
    /// or with none, to be built anew.
    case waiting(Candidate?)
    /// At the head: its candidate is built on the tip, and tested unless that tree is known good.
    case trying(Trial)
    /// It changes paths that others hold, and holds no lock itself. Out of the queue until they are released.
    case waitingForPaths(Candidate, of: [LockHolder])
    /// The target branch is being moved to its commit.
    case advancing(Candidate)
    /// The user's checkout is in the way. Out of the queue, and tried again from time to time.
    case blocked(Candidate, reason: String)
}

/// Who let a ticket land.
public struct Approval: Equatable, Sendable, Codable {
    public var by: Approver
    /// The branch's commit the word was given for: another one needs a new word.
    public var head: ObjectID
    /// The human was shown these lock violations and let them through.
    public var waivesLocks: Bool
    /// When a human gave it; nil where the policy did, and in what was stored before this was kept.
    public var at: Instant?
    public init(by: Approver, head: ObjectID, waivesLocks: Bool = false, at: Instant? = nil) {
        self.by = by
        self.head = head
        self.waivesLocks = waivesLocks
        self.at = at
    }
    public enum Approver: String, Equatable, Sendable, Codable { case human, policy }
}

/// Why a human is asked before a landing.
public enum ApprovalReason: Equatable, Sendable, Codable {
    case policy
    case noVerifier
    case sensitivePaths([String])
    case afterChange
    /// It was approved longer ago than an approval may be old.
    case approvalExpired(after: Duration)
}

/// Why orch cannot go on alone.
public enum Problem: Equatable, Sendable, Codable {
    case worktreeFailed(String)
    case setupFailed(run: Int, String)
    case agentFailed(run: Int, String)
    /// The agent gave no sign of life, again and again. Its locks are let go of at once.
    case agentStale(run: Int, attempts: Int)
    /// The agent went round in circles, and neither words nor an interruption helped.
    case agentLooped(run: Int, String)
    /// The agent ended well and changed nothing at all.
    case noChange(run: Int)
    /// The target has all of it already.
    case nothingLeft
    case collectFailed(String)
    case candidateFailed(String)
    case verifyFailed(verifier: String, run: Int, String, attempts: Int)
    /// A verifier could not judge: it changed the tree, or could not be run.
    case verifyError(String)
    case conflict(paths: [String], attempts: Int)
    case lockViolation(paths: [String], Candidate)
    /// It holds what those it waits for wait for: none of them would ever go on.
    case lockCycle(wanted: [LockPattern], holders: [TicketID])
    case untrusted(digest: String)
    case configuration(String)
    case dependency(TicketID, DependencyProblem)
    case landingFailed(String)
    /// Its repository is not where it was registered. It goes on when the repository is registered again.
    case repositoryGone(String)
    /// Its run was ended, or is not started, as a budget is used up.
    case budget(BudgetProblem)

    public enum DependencyProblem: String, Equatable, Sendable, Codable { case unknown, cancelled }
}

/// What the agent is told when it gets a ticket back.
public enum Feedback: Equatable, Sendable, Codable {
    case verifierFailed(name: String, command: [String], run: RunID, summary: String)
    case conflict(paths: [String], tip: ObjectID)
    case changesRequested(comment: String)
    case runLost(RunID)
    case runStale(RunID)

    /// What is counted: a failure of the same kind again.
    var fingerprint: String? {
        switch self {
        case .verifierFailed(let name, _, _, let summary): "verify:\(name):\(summary)"
        case .conflict: "conflict"
        case .changesRequested: nil
        case .runLost: "lost"
        case .runStale: "stale"
        }
    }
}
