package import Core

/// One thing that happens in a history: somebody does something, something ends, something goes wrong. A history is a
/// list of them and nothing else; one that makes no sense where it stands does nothing, so that any part of a history
/// is a history too.
package enum Action: Equatable, Sendable {
    // MARK: people
    case enqueue(RepositoryID, [Wish])
    case tell(TicketID, Command)
    /// The priority of a ticket changes, and its locks and dependencies unless these are nil.
    case edit(TicketID, priority: Int, locks: [String]?, dependsOn: [TicketID]? = nil)
    case trust(RepositoryID, configuration: Int)
    /// The repository is registered once more, with the target at its tip.
    case register(RepositoryID)
    case drain
    case halt
    case resume
    /// Somebody takes a lock, for so many seconds or until it is let go of.
    case hold(RepositoryID, pattern: String, by: String, seconds: Int?)
    case letGo(RepositoryID, pattern: String)
    case userWrites(RepositoryID, path: String, content: Int)
    case userDirties(RepositoryID, Bool)
    /// The repository is not where it was, until it is put back.
    case userMoves(RepositoryID, away: Bool)
    /// A git of the user's holds the refs and the checkout, until it ends.
    case userLocks(RepositoryID, Bool)
    case userCommits(TicketID, content: Int)

    // MARK: the daemon
    case turn(Int, dying: SimulatedShell.CrashPoint?)
    /// The deadline Core asked for has come.
    case deadline
    case crash(Crash)

    // MARK: the world
    /// So many steps of what happens by itself, nothing going wrong. Shrinking puts it where details do not matter.
    case proceed(Int)
    /// The next half of what the ticket waits for is done, or fails.
    case perform(TicketID, fails: Bool)
    /// The oldest news of a ticket arrives.
    case hear(TicketID)
    /// The end of a run is told once more.
    case hearAgain(RunID)
    case write(RunID, FakeWorld.Files, commits: Bool)
    case escape(RunID)
    /// An agent has used so much more, or less than it said before; a report of that is on its way.
    case use(RunID, Int)
    case end(RunID, End)
    /// The monitor tells of an agent.
    case quiet(RunID, Quietness)
    case killRunner(RunID)
    /// An agent wants these locks as well, and waits so many seconds for them; or waits no longer for the oldest it waits
    /// for; or gives back what it has claimed, of which its work changes these paths.
    case claim(RunID, [String], seconds: Int)
    case unclaim(RunID)
    case release(RunID, changed: [String])
    /// An agent asks something, and waits so many seconds for an answer, which somebody gives.
    case ask(RunID, permission: Bool, seconds: Int)
    case answer(TicketID)
    /// The daemon sees that a run's runner is dead.
    case noticeRunner(RunID)
    case clock(milliseconds: Int)
    case disk(full: Bool)
    /// The daemon gives up the room it keeps; or there is room to make it again.
    case reserve(spent: Bool)
    /// What is being pushed arrives at the remote, or does not.
    case push(RepositoryID, fails: Bool)
    /// The machine is short of something, or no longer.
    case need(Bool)
    /// The target's ref is read because it was written.
    case look(RepositoryID)
    /// A subscriber is sent some lines.
    case send(Int, Int)
    case reconnect(Int)
    /// Inputs made from this number are thrown at a copy of Core.
    case noise(UInt64)

    /// A ticket as somebody files it.
    package struct Wish: Equatable, Sendable {
        var id: TicketID?
        var priority = 0
        var locks: [String] = []
        var dependsOn: [TicketID] = []
    }

    package struct Crash: Equatable, Sendable {
        var powerLoss = false
        /// Those whose effects a child of the daemon goes on with for one more half.
        var orphans: [TicketID] = []
        /// As many agents and verification slots as the next daemon is told to have.
        var agents: Int
        var slots: Int
        /// The next daemon dies as well, while it recovers.
        var dying: SimulatedShell.CrashPoint?
    }

    /// How a run ends.
    package enum End: Equatable, Sendable {
        /// An agent or a setup that is content; a verifier that says what is so.
        case well
        /// A verifier that says so after it has changed the tree.
        case afterChangingTheTree
        case with(RunOutcome)
    }
}
