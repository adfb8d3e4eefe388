import Core
import Glibc
import Logging

/// The conversation with one run: reads what it prints, and sends what it is to be told. Confined to one thread.
///
/// The input of an agent stays open for as long as something is under way; then it is closed, and the agent is given a
/// while to end by itself.
final class LiveConversation {
    /// What comes of a step, for the rest of the daemon: an event, and what the agent is found to repeat by it.
    typealias Tell = (AgentEvent, LoopDetector.Finding?) -> Void

    let run: RunID
    let folder: RunFolder
    private let worktree: String
    private(set) var activity: AgentActivity
    private(set) var usage: UsageReport?
    private var session: String?
    /// Bytes of its `events.jsonl`.
    var eventBytes: Int { log.size }
    private var conversation: any Conversation
    private var reader = LineReader()
    private var log: EventLog
    private var keys: SentKeys
    /// What could not be written down, in order; tried again at the next step.
    private var unsent: [Exchange.Outgoing] = []
    private var stdout: Int32 = -1
    private var hasTurnEnded = false
    /// All that was printed by now has been read. Before that nobody knows what is under way.
    private var hasCaughtUp = false
    private var isInputEnded: Bool
    private var wantsStop = false
    /// Messages it was handed, and has not said anything of.
    private var handed: Set<Int> = []
    /// Those it has said something of. After a restart that may be read before they are handed to it again.
    private var heard: Set<Int> = []
    private var limits: Limits
    /// When the program is ended, unless it has ended by then; on the clock that only grows.
    private(set) var endsAt: Int64?

    /// How long is waited, in milliseconds.
    struct Limits: Sendable {
        /// For an agent whose turn has ended to end by itself.
        var finish: Int64 = 30_000
        /// For one that is to stop to say how it stands.
        var interrupt: Int64 = 5_000
    }

    /// - Parameter worktree: where the agent works: what lies in it is told of by the rest of its path.
    init(
        _ run: RunID,
        _ conversation: any Conversation,
        _ folder: RunFolder,
        worktree: String,
        limits: Limits
    ) throws(RunFailure) {
        self.run = run
        self.worktree = worktree
        self.conversation = conversation
        self.folder = folder
        self.limits = limits
        activity = AgentActivity(since: RunClock.now())
        log = try EventLog(in: folder)
        keys = try SentKeys(in: folder)
        isInputEnded = folder.has("inbox.end")
    }

    func close() {
        log.end()
        keys.end()
        if stdout >= 0 { Glibc.close(stdout) }
        stdout = -1
    }

    /// Sends what comes before anything is read.
    func begin(_ tell: Tell) {
        conversation.recall(keys.inOrder)
        settle(conversation.begin(), at: 0, tell)
    }

    /// Reads a part of what there is to read. False when that was nothing.
    func read(_ tell: Tell) -> Bool {
        if stdout < 0 { stdout = open(folder.file("stdout"), O_RDONLY | O_CLOEXEC) }
        guard stdout >= 0 else { return false }
        let hasRead = (try? reader.readPiece(of: stdout) { read($0, tell) }) ?? false
        log.flush()
        hasCaughtUp = !hasRead
        closeIfDone()
        return hasRead
    }

    func take(_ order: ConversationOrder, _ tell: Tell) {
        if case .say(let number, _) = order, !conversation.isOpen || isInputEnded {
            return tell(.refusedMessage(number, reason: "it takes no message any more in this run"), nil)
        }
        if case .say(let number, _) = order, !heard.contains(number) { handed.insert(number) }
        if case .answer(let request, _) = order { activity.answered(request, at: RunClock.now()) }
        settle(conversation.take(order), at: 0, tell)
        closeIfDone()
        log.flush()
    }

    /// Whether it has been told what it may do, by this daemon or an earlier one.
    func hasAnswered(_ request: String) -> Bool { keys.hasNumber(of: "answer-\(request)") }

    /// It is to stop: asked first, where it can be. False when it cannot, and is to be ended at once.
    func stop(_ tell: Tell) -> Bool {
        guard !wantsStop else { return true }
        wantsStop = true
        guard conversation.isOpen, conversation.isBusy, !isInputEnded else { return false }
        endsAt = RunClock.steady() + limits.interrupt
        settle(conversation.take(.interrupt(0)), at: 0, tell)
        closeIfDone()
        return true
    }

    /// Whether the program is to be ended now: it had its time to end by itself.
    func isOverdue(at now: Int64) -> Bool {
        guard let endsAt, endsAt <= now else { return false }
        self.endsAt = nil
        // Lasts, so that a later daemon knows why it was ended.
        if !wantsStop { _ = try? folder.write(Self.finished, []) }
        return true
    }

    /// The program has ended: reads what is left, and says what the run came to.
    func end(_ outcome: RunOutcome, _ tell: Tell) -> RunOutcome {
        while read(tell) {}
        reader.finish { read($0, tell) }
        log.flush()
        usage?.isFinal = true
        if let session, let usage { SessionUsage(session: session, usage: usage).keep(in: folder) }
        let hasFinished = outcome == .stopped && !wantsStop && folder.has(Self.finished)
        let error = folder.tail(of: "stderr", 4096)
        return conversation.verdict(hasFinished ? .exited(0) : outcome, error: error)
    }

    private static let finished = "finished"

    private func read(_ line: LineReader.Line, _ tell: Tell) {
        switch line {
        case .whole(let bytes, let offset): settle(conversation.read(bytes), at: offset, tell)
        case .tooLong(let bytes, let offset):
            let note = "a line of \(bytes) bytes is too long to be read as a message"
            settle(Exchange(events: [.noted(note)]), at: offset, tell)
        }
    }

    private func settle(_ exchange: Exchange, at offset: Int, _ tell: Tell) {
        let now = RunClock.now()
        for event in exchange.events {
            let event = event.within(worktree)
            let finding = activity.saw(event, at: now, offset: offset)
            log.add(event, at: now, offset: offset)
            switch event {
            case .used(let report): usage = report
            case .session(let opened): session = opened.id
            case .turnStarted:
                hasTurnEnded = false
                if !wantsStop { endsAt = nil }
            case .turnEnded: hasTurnEnded = true
            case .tookMessage(let number), .refusedMessage(let number, _):
                handed.remove(number)
                heard.insert(number)
            default: break
            }
            tell(event, finding)
        }
        send(exchange.outgoing)
    }

    private func send(_ outgoing: [Exchange.Outgoing]) {
        unsent += outgoing
        guard !unsent.isEmpty else { return }
        do throws(RunFailure) {
            while let next = unsent.first {
                try folder.addMessage(next.line, number: try keys.number(of: next.key))
                unsent.removeFirst()
            }
        } catch {}
        folder.wakeRunner()
    }

    /// Nothing is under way any more, and nothing more will be asked of it in this run.
    private func closeIfDone() {
        guard hasCaughtUp, hasTurnEnded, !conversation.isBusy, unsent.isEmpty, handed.isEmpty || wantsStop else {
            return
        }
        if wantsStop {
            endsAt = min(endsAt ?? .max, RunClock.steady())
        } else if endsAt == nil {
            endsAt = RunClock.steady() + limits.finish
        }
        guard conversation.isOpen, !isInputEnded, (try? folder.endMessages()) != nil else { return }
        isInputEnded = true
        folder.wakeRunner()
    }
}
