import IPC

/// Everything that can happen to the dashboard.
enum Input: Sendable {
    case key(Key)
    case mouse(Mouse)
    /// What is pasted follows as keys, each a `.character`, line ends (`\n`) and tabs included, until `pasteEnded`.
    case pasteBegan
    case pasteEnded
    case resized(Size)
    /// Time has passed; only ages change.
    case clock
    /// The daemon cannot be reached, or has gone; the shell is trying again.
    case connectionLost(reason: String)
    /// No daemon listens, and one could be started.
    case daemonMissing
    /// One that was started has not come up, for this reason.
    case daemonFailed(String, hint: String?)
    /// The whole picture, on connecting and wherever following it event by event is not possible. Tickets are by id, as the
    /// follower has them: ten thousand are not copied.
    case snapshot(tickets: [String: TicketRow], agents: [AgentRow], waiting: [String: String])
    /// The repositories orch knows.
    case repositories([RepositoryRow])
    /// The picture is followed again from where it was lost.
    case connectionRegained
    /// All that happened while the connection was lost has been told.
    case caughtUp
    /// Rows that changed, by id; nil: gone.
    case changed(tickets: [String: TicketRow?], agents: [String: AgentRow?])
    /// Why tickets wait now; nil: no longer.
    case waiting([String: String?])
    /// Everyone who holds something now.
    case locksHeld([LockRow])
    /// An event of a ticket's, as it was sent.
    case happened(ticket: String, Notification)
    /// What is wrong with the daemon, in two or three words; nil: nothing any more.
    case troubled(String?)
    /// Everything is halted, for this reason, which may be empty; nil: it goes on.
    case halted(String?)
    /// What is used today, or may be, is another amount.
    case spent(Spending)
    /// From now on `outputGrew` comes for every growth; what grew before is not known.
    case outputWatched
    /// A run's output has grown to `size` bytes.
    case outputGrew(run: String, stream: String, size: Int)
    /// A ticket's run has printed something, then or now. Told now and then while it does.
    case printed(ticket: String, at: Moment? = nil)
    /// What the agent of a run does now.
    case acts(run: String, ActivityRow)
    case answered(request: Int, Answer)
    /// The user's editor has been left, with this text.
    case edited(String)
    /// What came of something that was wanted of the world.
    case reported(Message)
}

enum Key: Hashable, Sendable {
    case character(Unicode.Scalar)
    /// With the control key held: `.control("d")`.
    case control(Unicode.Scalar)
    /// With the Alt key held. An escape with a key right behind it looks the same.
    case alt(Unicode.Scalar)
    /// F1 to F12.
    case function(Int)
    case up, down, left, right, home, end, pageUp, pageDown, enter, escape, tab, backTab, backspace, insert, delete
    case controlUp, controlDown, controlLeft, controlRight
}

struct Mouse: Hashable, Sendable {
    enum Kind: Sendable {
        case press
        /// The second press in one place, in place of `press`.
        case doublePress
        /// Moved with the button held.
        case drag
        case release
        case wheelUp, wheelDown
    }
    var kind: Kind
    var x: Int
    var y: Int
}

/// What the dashboard wants of the world.
enum Command: Equatable, Sendable {
    case send(id: Int, DaemonRequest)
    case quit
    /// Have the user's editor change a text: `edited`, or a report.
    case edit(String)
    /// Open the user's shell in a folder, with a line that says where one is.
    case openShell(folder: String, notice: String)
    case copy(String)
    /// Report clicks and the wheel, or leave them to the terminal.
    case reportMouse(Bool)
    case theme(ThemeChoice)
    case startDaemon
    /// Tell the user, who may look elsewhere, as they prefer.
    case alert(String)
    /// Write the whole screen anew: something else has written on it.
    case repaint
}
