import CSystem
import Core
import Glibc
import Logging

/// The thread behind `Conversations`: sleeps until a run prints something, somebody asks for something, or a time is up.
final class ConversationDesk {
    /// Usage and activity are told of at most so often for each run, in milliseconds.
    private static let telling: Int64 = 250
    private static let metering: Int64 = 1000

    private struct Seat {
        let conversation: LiveConversation
        let permissions: PermissionPolicy
        var watch: Int32
        /// What was told last, and when; what is new is told when its time has come.
        var toldActivity: AgentActivity?
        var toldBytes = 0
        var newsDue: Int64?
        var newsToldAt: Int64 = 0
        var toldUsage: UsageReport?
        var usageDue: Int64?
        var usageToldAt: Int64 = 0
        /// What it waits for, that is not its own doing.
        var waitsFor: RunHolds.Reason?
        var session: String?
        var hasBegun = false

        var hasNews: Bool { conversation.activity != toldActivity || conversation.eventBytes != toldBytes }
    }

    private let directory: String
    private let inbox: OrderInbox<Conversations.Order>
    private let notifications: RunNotifications
    private let limits: LiveConversation.Limits
    private let logger: Logger
    private let hooks: Conversations.Hooks
    private let note: (RunID, AgentActivity?) -> Void
    private var seats: [RunID: Seat] = [:]
    private var runOfWatch: [Int32: RunID] = [:]
    /// Those of which there is more to read.
    private var unread: Set<RunID> = []

    /// - Parameter note: gets what each run does, and nil when it has ended.
    init(
        _ directory: String,
        _ inbox: OrderInbox<Conversations.Order>,
        _ notifications: RunNotifications,
        _ limits: LiveConversation.Limits,
        _ logger: Logger,
        _ hooks: Conversations.Hooks,
        note: @escaping (RunID, AgentActivity?) -> Void
    ) {
        self.directory = directory
        self.inbox = inbox
        self.notifications = notifications
        self.limits = limits
        self.logger = logger
        self.hooks = hooks
        self.note = note
    }

    /// Returns when the inbox is closed.
    func run() {
        defer { end() }
        while true {
            var waits = [
                pollfd(fd: inbox.wake, events: Int16(POLLIN), revents: 0),
                pollfd(fd: notifications.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waits, 2, timeout())
            if waits[0].revents != 0 {
                guard let orders = inbox.take() else { return }
                for order in orders { perform(order) }
            }
            if waits[1].revents != 0 {
                notifications.take { watch, name in
                    if watch < 0 { unread.formUnion(seats.keys) }
                    if name == "stdout", let run = runOfWatch[watch] { unread.insert(run) }
                }
            }
            // A piece of each, so that one that talks a lot keeps none waiting.
            for run in unread where !read(run) { unread.remove(run) }
            lookAtTheClock()
        }
    }

    private func end() {
        for seat in seats.values { seat.conversation.close() }
        close(notifications.descriptor)
    }

    private func perform(_ order: Conversations.Order) {
        switch order {
        case .begin(let run, let conversation, let place): begin(run, conversation, place)
        case .look(let run): if seats[run] != nil { unread.insert(run) }
        case .take(let run, let order): seats[run]?.conversation.take(order) { tell(run, $0, $1) }
        case .stop(let run):
            guard let conversation = seats[run]?.conversation else { return hooks.stop(run) }
            if !conversation.stop({ tell(run, $0, $1) }) { hooks.stop(run) }
        case .ended(let run, let outcome, let at): ended(run, outcome, at)
        }
        if let run = order.run { noteActivity(run) }
    }

    private func begin(_ run: RunID, _ conversation: any Conversation, _ place: Conversations.Place) {
        guard seats[run] == nil else { return }
        let folder = RunFolder(path: directory + "/" + run.folderName)
        do throws(RunFailure) {
            _ = try folder.create()
            let live = try LiveConversation(run, conversation, folder, worktree: place.worktree, limits: limits)
            // Before it is read, so that nothing is missed.
            let watch = notifications.watch(folder, for: IN_MODIFY)
            seats[run] = Seat(conversation: live, permissions: place.permissions, watch: watch)
            runOfWatch[watch] = run
            live.begin { tell(run, $0, $1) }
            unread.insert(run)
        } catch {
            // Its output is kept, and its end is told; what it says is not known.
            logger.error("cannot speak with a run", metadata: ["run": "\(run)", "why": "\(error)"])
        }
    }

    /// False when there is nothing more to read for now.
    private func read(_ run: RunID) -> Bool {
        guard let conversation = seats[run]?.conversation else { return false }
        let hasRead = conversation.read { tell(run, $0, $1) }
        noteActivity(run)
        return hasRead
    }

    private func ended(_ run: RunID, _ outcome: RunOutcome, _ at: Instant) {
        unread.remove(run)
        guard let seat = seats[run] else {
            note(run, nil)
            let verdict = outcome == .exited(0) ? .unknown("its output could not be read") : outcome
            return hooks.report(.runEnded(run, verdict, at: at))
        }
        let verdict = seat.conversation.end(outcome) { tell(run, $0, $1) }
        tellUsage(run, at: RunClock.steady())
        tellNews(run, at: RunClock.steady())
        if let waitsFor = seats[run]?.waitsFor { hooks.waits(run, waitsFor, false) }
        seat.conversation.close()
        notifications.end(seat.watch)
        runOfWatch[seat.watch] = nil
        seats[run] = nil
        note(run, nil)
        hooks.report(.runEnded(run, verdict, at: at))
    }

    // MARK: telling

    private func tell(_ run: RunID, _ event: AgentEvent, _ finding: LoopDetector.Finding?) {
        if let finding { hooks.report(.agentLooped(run, finding)) }
        switch event {
        case .session(let session):
            guard seats[run]?.session != session.id else { return }
            seats[run]?.session = session.id
            hooks.report(.sessionOpened(run, session.id))
        case .tookMessage(let number): hooks.report(.messageTaken(run, number))
        case .refusedMessage(let number, let reason): hooks.report(.messageRefused(run, number, reason: reason))
        case .turnEnded(.failed(.noSession, _)): hooks.report(.sessionLost(run))
        case .said(_, by: .agent), .said(_, by: .thinking), .toolStarted:
            // It answers what it was told first.
            guard seats[run]?.hasBegun == false else { return }
            seats[run]?.hasBegun = true
            hooks.report(.openingTaken(run))
        case .asked(let request):
            // One that was answered before a restart is read again.
            guard let seat = seats[run], !seat.conversation.hasAnswered(request.id) else { return }
            hooks.report(.permissionAsked(run, PermissionQuestion(request, under: seat.permissions)))
        case .used:
            let due = (seats[run]?.usageToldAt ?? 0) + Self.metering
            if seats[run]?.usageDue == nil { seats[run]?.usageDue = due }
        case .turnStarted, .said, .toolEnded, .withdrew, .limited, .retrying, .turnEnded, .noted, .unknown:
            break
        }
    }

    private func tellUsage(_ run: RunID, at now: Int64) {
        guard let seat = seats[run], let usage = seat.conversation.usage, usage != seat.toldUsage else { return }
        seats[run]?.toldUsage = usage
        seats[run]?.usageToldAt = now
        hooks.used(run, usage)
    }

    private func noteActivity(_ run: RunID) {
        guard let seat = seats[run] else { return }
        let waitsFor = seat.conversation.activity.waitsFor
        if waitsFor != seat.waitsFor {
            if let before = seat.waitsFor { hooks.waits(run, before, false) }
            if let waitsFor { hooks.waits(run, waitsFor, true) }
            seats[run]?.waitsFor = waitsFor
        }
        guard seat.hasNews, seat.newsDue == nil else { return }
        note(run, seat.conversation.activity)
        seats[run]?.newsDue = seat.newsToldAt + Self.telling
    }

    private func tellNews(_ run: RunID, at now: Int64) {
        guard let seat = seats[run], seat.hasNews else { return }
        let (activity, bytes) = (seat.conversation.activity, seat.conversation.eventBytes)
        note(run, activity)
        if activity != seat.toldActivity { hooks.announce(run, activity) }
        if bytes != seat.toldBytes { hooks.wrote(run, bytes) }
        seats[run]?.toldActivity = activity
        seats[run]?.toldBytes = bytes
        seats[run]?.newsToldAt = now
    }

    // MARK: the clock

    private func timeout() -> Int32 {
        guard unread.isEmpty else { return 0 }
        var due = Int64.max
        for seat in seats.values {
            for time in [seat.conversation.endsAt, seat.newsDue, seat.usageDue] { due = min(due, time ?? .max) }
        }
        return due == .max ? -1 : Int32(clamping: max(0, due - RunClock.steady()))
    }

    private func lookAtTheClock() {
        let now = RunClock.steady()
        for (run, seat) in seats {
            if seat.conversation.isOverdue(at: now) { hooks.stop(run) }
            if let due = seat.newsDue, due <= now {
                seats[run]?.newsDue = nil
                tellNews(run, at: now)
            }
            if let due = seat.usageDue, due <= now {
                seats[run]?.usageDue = nil
                tellUsage(run, at: now)
            }
        }
    }
}

extension Conversations.Order {
    fileprivate var run: RunID? {
        switch self {
        case .begin(let run, _, _), .look(let run), .take(let run, _), .stop(let run): run
        case .ended: nil
        }
    }
}
