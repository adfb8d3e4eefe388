/// Mistakes the simulator must be able to find. A test plants one, and shows that it is found; nothing else does.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// A ticket lets go of its locks when it is approved rather than when it has landed.
    case locksReleasedBeforeLanding
    /// Nobody reserves a lock: a wide one waits for ever behind a stream of narrow ones.
    case starvation
    /// A ticket starts before what it depends on has landed.
    case dependenciesIgnored
    /// The end of an earlier run is taken for the end of the one under way.
    case staleRunAccepted
    /// A human's word for one diff holds for the next one, too.
    case approvalKeptOverAnotherDiff
    /// After a restart, a landing that was under way is not asked for again.
    case recoveryForgetsLandings
    /// A verification slot stays taken when its trial is over.
    case slotLeaked
    /// After a restart, an agent whose run is adopted counts as free.
    case adoptedAgentIsFree
    /// A lost run is tried again before what it left is saved.
    case lostWorkNotSaved
    /// A ticket claims what another holds.
    case heldPathsClaimed
    /// A deadline has to be past before it is acted on.
    case deadlineMissed
    /// Work that is collected clears the count of what went wrong before.
    case failuresForgotten
    /// Tickets start while the disk is full.
    case startsOnAFullDisk
    /// Tickets start and land while everything is halted.
    case startsWhileHalted
    /// What halt has stopped stays so when everything goes on.
    case resumeForgets
    /// A ticket starts although as many of its profile, or of its repository, work as may.
    case limitsIgnored
    /// A ticket starts although the machine is short of something.
    case startsInNeed
    /// What is blocked by another git when it is put away is not tried again.
    case blockedTidyForgotten
    /// A person lets go of a lock, and those that waited for it go on waiting.
    case personalReleaseWakesNobody
    /// After a restart, a person's lock is held beyond its end.
    case personalEndForgottenAtRestart
    /// After a restart, what a remote has yet to get is not pushed.
    case recoveryForgetsPushes
    /// An agent at work is granted what others hold.
    case heldPathsGrantedAtWork
    /// Agents wait for each other.
    case claimCycleIgnored
    /// A lock is let go of, and the agent that waits for it goes on waiting.
    case releaseGrantsNothing
    /// After a restart, an agent waits beyond the end of its wait.
    case waitEndForgottenAtRestart
    /// A report that replaces another is added to it.
    case usageCountedAgain
    /// Runs start, and go on, although the budget is used up.
    case budgetIgnored
    /// What was used up stays so on the next day.
    case budgetNotRenewed
}

extension Orchestrator {
    /// Whether a test has planted the mistake. A release build has no place to plant one in.
    func isPlanted(_ bug: PlantedBug) -> Bool {
        #if DEBUG
            plantedBugs.contains(bug)
        #else
            false
        #endif
    }
}
