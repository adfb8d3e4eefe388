import CSystem
import Core
import Foundation
import Glibc
import Logging
import Synchronization

/// The conversations with all runs whose agents speak a protocol; the only place that reads what they print as they
/// print it. Everything happens on one thread of its own.
final class Conversations: Sendable {
    enum Order: Sendable {
        case begin(RunID, any Conversation, Place)
        case look(RunID)
        case take(RunID, ConversationOrder)
        case stop(RunID)
        case ended(RunID, RunOutcome, at: Instant)
    }

    /// What is to be known of a run beside its conversation.
    struct Place: Sendable {
        /// Where its agent works.
        var worktree: String
        /// What it may do, where it asks.
        var permissions: PermissionPolicy
    }

    struct Hooks: Sendable {
        /// What Core has to know.
        var report: @Sendable (Input) -> Void
        /// Ends a run's program, and its whole tree.
        var stop: @Sendable (RunID) -> Void
        /// A run waits for something that is not its own doing, or does not any more.
        var waits: @Sendable (RunID, RunHolds.Reason, Bool) -> Void
        /// What a run has used so far, in all; at most once a second.
        var used: @Sendable (RunID, UsageReport) -> Void
        /// What a run does has changed.
        var announce: @Sendable (RunID, AgentActivity) -> Void
        /// So many bytes are in a run's `events.jsonl` now.
        var wrote: @Sendable (RunID, Int) -> Void
    }

    private let inbox: OrderInbox<Order>
    private let ended = DispatchSemaphore(value: 0)
    /// Those under way, and what each does. Changed by the thread, but for the first entry of a run.
    private let live = Mutex<[RunID: AgentActivity]>([:])

    /// - Parameter directory: holds a folder for each run.
    init(directory: String, limits: LiveConversation.Limits = .init(), logger: Logger, hooks: Hooks) throws {
        let inbox = try OrderInbox<Order>()
        let notifications = try RunNotifications()
        self.inbox = inbox
        let thread = Thread { [ended, weak self] in
            let desk = ConversationDesk(directory, inbox, notifications, limits, logger, hooks) { run, activity in
                self?.live.withLock { $0[run] = activity }
            }
            desk.run()
            ended.signal()
        }
        thread.name = "orch-agents"
        thread.start()
    }

    /// To be called before the run is started, or adopted: its end could come first.
    func begin(_ run: RunID, _ conversation: any Conversation, in place: Place) {
        live.withLock { $0[run] = AgentActivity(since: RunClock.now()) }
        inbox.post(.begin(run, conversation, place))
    }

    /// What the run does now; nil for one that is not spoken with.
    func activity(of run: RunID) -> AgentActivity? { live.withLock { $0[run] } }

    /// There may be something new to read.
    func look(at run: RunID) {
        if activity(of: run) != nil { inbox.post(.look(run)) }
    }

    /// False for a run that is not spoken with.
    func take(_ order: ConversationOrder, for run: RunID) -> Bool {
        guard activity(of: run) != nil else { return false }
        inbox.post(.take(run, order))
        return true
    }

    /// Asks the run to stop, and then has it stopped. False for a run that is not spoken with.
    func stop(_ run: RunID) -> Bool {
        guard activity(of: run) != nil else { return false }
        inbox.post(.stop(run))
        return true
    }

    /// The run's end is reported once all that it printed has been read. False for a run that is not spoken with.
    func ended(_ run: RunID, _ outcome: RunOutcome, at: Instant) -> Bool {
        guard activity(of: run) != nil else { return false }
        inbox.post(.ended(run, outcome, at: at))
        return true
    }

    /// Speaks with nobody any more, once this returns; the runs go on.
    func detach() {
        inbox.close()
        ended.wait()
        ended.signal()
    }
}
