import CSystem
import Core
import Glibc

/// A place between two steps at which a test kills the daemon, to see what the next one makes of it.
///
/// Inert (a load and a branch) unless the daemon is started with `ORCH_FAULT=name[:n][:stop]`: then it kills itself with
/// SIGKILL, or stops itself with SIGSTOP, the n-th time it passes the point of that name. With `ORCH_FAULT_ONCE=file` it
/// does so only if it can make that file, so that of several processes one is struck. They are in every build, as what
/// is tested is to be what is shipped. docs/reliability.md says what the next start finds at each.
package enum FaultPoint: String, CaseIterable, Sendable {
    // The daemon's start, recovery included.
    case startDirectories = "start.directories"
    case startLocked = "start.locked"
    case startStoreOpened = "start.store-opened"
    case startRestored = "start.restored"
    case startListening = "start.listening"
    case startRecovering = "start.recovering"
    case startRecovered = "start.recovered"

    // What clients ask.
    case registrationFound = "registration.found"
    case enqueueRead = "enqueue.read"

    // A file of the backlog folder is taken.
    case backlogClaimed = "backlog.claimed"
    case backlogStored = "backlog.stored"
    case backlogTold = "backlog.told"

    // The engine's loop.
    case engineDecided = "engine.decided"
    case engineCommitted = "engine.committed"
    case enginePublished = "engine.published"
    case engineAnswered = "engine.answered"

    // Every effect, before it and after it.
    case prepareWorktreeBegun = "prepare-worktree.begun"
    case prepareWorktreeDone = "prepare-worktree.done"
    case startRunBegun = "start-run.begun"
    case startRunDone = "start-run.done"
    case stopRunBegun = "stop-run.begun"
    case stopRunDone = "stop-run.done"
    case runEndReported = "run.end-reported"
    case collectWorkBegun = "collect-work.begun"
    case collectWorkDone = "collect-work.done"
    case takeSnapshotBegun = "take-snapshot.begun"
    case takeSnapshotDone = "take-snapshot.done"
    case buildCandidateBegun = "build-candidate.begun"
    case buildCandidateDone = "build-candidate.done"
    case prepareCheckoutBegun = "prepare-checkout.begun"
    case prepareCheckoutDone = "prepare-checkout.done"
    case concludeBegun = "conclude.begun"
    case concludeDone = "conclude.done"
    case advanceTargetBegun = "advance-target.begun"
    case advanceTargetDone = "advance-target.done"
    case tidyBegun = "tidy.begun"
    case tidyDone = "tidy.done"

    // A git of the daemon's.
    case gitStarted = "git.started"

    // A small file of orch's is written, and does not have its name yet.
    case fileWritten = "file.written"

    // A worktree is made.
    case worktreeNoted = "worktree.noted"
    case worktreeAdded = "worktree.added"
    case worktreeMarked = "worktree.marked"
    case worktreeMade = "worktree.made"
    case fileCopied = "worktree.file-copied"

    // A worktree is taken out of the way, and its files are deleted.
    case worktreeDiscarded = "worktree.discarded"
    case fileDeleted = "folder.file-deleted"

    // A spare worktree is made, given to a ticket, removed.
    case spareNoted = "spare.noted"
    case spareAdded = "spare.added"
    case spareFilled = "spare.filled"
    case spareMarked = "spare.marked"
    case spareBranchMade = "spare.branch-made"
    case spareTaken = "spare.taken"
    case spareMoved = "spare.moved"
    case spareLinked = "spare.linked"
    case spareUnmarked = "spare.unmarked"

    // A run is started, stopped, and fenced when its runner has died.
    case runPromptWritten = "run.prompt-written"
    case runFolderMade = "run.folder-made"
    case runFileWritten = "run.file-written"
    case runSpecWritten = "run.spec-written"
    case runRunnerSpawned = "run.runner-spawned"
    case runStopWritten = "run.stop-written"
    case runFenced = "run.fenced"
    case runFenceRecorded = "run.fence-recorded"

    // A snapshot is taken.
    case snapshotBegun = "snapshot.begun"
    case snapshotFilesAdded = "snapshot.files-added"
    case snapshotPacked = "snapshot.packed"
    case snapshotTreeWritten = "snapshot.tree-written"
    case snapshotArchiveWritten = "snapshot.archive-written"
    case snapshotArchived = "snapshot.archived"
    case snapshotCommitted = "snapshot.committed"
    case snapshotReferenced = "snapshot.referenced"

    // Work is taken up.
    case workHeadTakenUp = "work.head-taken-up"
    case workCommitted = "work.committed"
    case workBranchMoved = "work.branch-moved"
    case workIndexReset = "work.index-reset"

    // A candidate is built.
    case candidateCheckedOut = "candidate.checked-out"
    case candidateMerged = "candidate.merged"
    case candidateCommitted = "candidate.committed"
    case candidateReferenced = "candidate.referenced"
    case statusReused = "status.reused"

    // A verification checkout is prepared, and looked at.
    case checkoutMade = "checkout.made"
    case checkoutCleaned = "checkout.cleaned"
    case checkoutIndexCopied = "checkout.index-copied"
    case setupForgotten = "setup.forgotten"
    case setupIntended = "setup.intended"
    case setupNoted = "setup.noted"
    case checkoutInspected = "checkout.inspected"
    case statusWritten = "status.written"

    // The target branch is moved.
    case landingBegun = "landing.begun"
    case landingSwapped = "landing.swapped"
    case landingNoted = "landing.noted"
    case landingForwarded = "landing.forwarded"
    case landingSettled = "landing.settled"

    // The branch of locks is brought up to date.
    case lockTableTakenUp = "locks.taken-up"
    case lockTableNoted = "locks.noted"

    // The target branch is pushed.
    case pushBegun = "push.begun"
    case pushAsked = "push.asked"
    case pushDone = "push.done"

    // A ticket is put away.
    case tidySnapshotTaken = "tidy.snapshot-taken"
    case tidyTrashed = "tidy.trashed"
    case tidyWorktreeRemoved = "tidy.worktree-removed"
    case tidyBranchDeleted = "tidy.branch-deleted"
    case tidyCandidateCleared = "tidy.candidate-cleared"

    // The daemon's end.
    case stopAsked = "stop.asked"
    case stopHalting = "stop.halting"
    case stopDetached = "stop.detached"
    case stopEngineEnded = "stop.engine-ended"
    case stopEffectsFinished = "stop.effects-finished"
    case stopServerEnded = "stop.server-ended"
    case stopStoreClosed = "stop.store-closed"

    @inline(__always)
    func pass() {
        if cs_fault_is_armed() != 0 { cs_fault_pass(rawValue) }
    }

    // MARK: Arming

    static let variable = "ORCH_FAULT"
    static let onceVariable = "ORCH_FAULT_ONCE"
    /// What begins a name among orch-runner's points, which are armed there.
    private static let runners = "runner."

    /// Arms the point that the environment asks for, if any.
    ///
    /// - Throws: a sentence when there is no such point.
    static func arm(_ environment: [String: String]) throws(Problem) {
        guard let text = environment[variable], !text.hasPrefix(runners) else { return }
        guard cs_fault_arm(text, environment[onceVariable]) == 0,
            FaultPoint(rawValue: String(cString: cs_fault_name())) != nil
        else { throw Problem(text: text) }
    }

    /// An environment for anything the daemon starts: nothing of this is in it.
    static func disarmed(_ environment: [String: String]) -> [String: String] {
        environment.filter { $0.key != variable && $0.key != onceVariable }
    }

    /// An environment for orch-runner, which is told of its own points.
    static func forRunners(_ environment: [String: String]) -> [String: String] {
        environment[variable]?.hasPrefix(runners) == true ? environment : disarmed(environment)
    }

    struct Problem: Error, CustomStringConvertible {
        let text: String
        var description: String {
            "\(FaultPoint.variable)=\(text) names no fault point; unset it, or see docs/reliability.md for the names"
        }
    }
}

extension Effect {
    /// Passed before the effect is attempted.
    var begun: FaultPoint {
        switch self {
        case .prepareWorktree: .prepareWorktreeBegun
        case .startRun: .startRunBegun
        case .deliver, .interrupt, .answer: preconditionFailure("it passes no point")
        case .stopRun: .stopRunBegun
        case .collectWork: .collectWorkBegun
        case .takeSnapshot: .takeSnapshotBegun
        case .buildCandidate: .buildCandidateBegun
        case .prepareCheckout: .prepareCheckoutBegun
        case .concludeVerification: .concludeBegun
        case .advanceTarget: .advanceTargetBegun
        case .tidy: .tidyBegun
        }
    }

    /// Passed when it has been carried out, and nobody knows yet.
    var done: FaultPoint {
        switch self {
        case .prepareWorktree: .prepareWorktreeDone
        case .startRun: .startRunDone
        case .deliver, .interrupt, .answer: preconditionFailure("it passes no point")
        case .stopRun: .stopRunDone
        case .collectWork: .collectWorkDone
        case .takeSnapshot: .takeSnapshotDone
        case .buildCandidate: .buildCandidateDone
        case .prepareCheckout: .prepareCheckoutDone
        case .concludeVerification: .concludeDone
        case .advanceTarget: .advanceTargetDone
        case .tidy: .tidyDone
        }
    }
}
