import Core

/// What an agent does now, since when, and by what that is known: the fold of its events. Never guessed.
struct AgentActivity: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// Its program runs, and has said nothing yet.
        case starting
        /// Its model thinks, or writes.
        case working
        case tool(ToolCall)
        /// It waits for leave to use one.
        case permission(PermissionRequest)
        /// It waits for a person to answer what it asks with orch's tool.
        case question(ToolCall)
        /// It goes round in circles, and has done nothing else since.
        case stuck(LoopDetector.Finding)
        /// Its provider lets it wait.
        case limited(reason: String, until: Instant?)
        case retrying(reason: String, attempt: Int)
        /// Its turn has ended, and nothing is under way.
        case idle
    }

    private(set) var state = State.starting
    private(set) var since: Instant
    /// The event that says so, and where in the run's output it is; nil at first.
    private(set) var evidence: (event: String, offset: Int)?
    private var tools: [ToolCall] = []
    private var questions: [PermissionRequest] = []
    private var loops = LoopDetector()

    init(since: Instant) { self.since = since }

    /// What it waits for, that is not its own doing.
    var waitsFor: RunHolds.Reason? {
        switch state {
        case .permission: .permission
        case .limited, .retrying: .provider
        // What waits inside a tool of orch's, `ToolWaits` knows.
        case .starting, .working, .tool, .question, .stuck, .idle: nil
        }
    }

    static func == (a: Self, b: Self) -> Bool {
        a.state == b.state && a.since == b.since && a.evidence?.offset == b.evidence?.offset
    }

    /// Returns what it was found out to repeat by this event.
    @discardableResult
    mutating func saw(_ event: AgentEvent, at now: Instant, offset: Int) -> LoopDetector.Finding? {
        let finding = loops.saw(event)
        follow(event, at: now, offset: offset)
        return finding
    }

    private mutating func follow(_ event: AgentEvent, at now: Instant, offset: Int) {
        switch event {
        case .toolStarted(let call): tools.append(call)
        case .toolEnded(let result): tools.removeAll { $0.id == result.id }
        case .asked(let request): questions.append(request)
        case .withdrew(let id): questions.removeAll { $0.id == id }
        case .turnEnded: (tools, questions) = ([], [])
        case .limited(let reason, let until):
            return become(.limited(reason: reason, until: until), event, now, offset)
        case .retrying(let reason, let attempt):
            return become(.retrying(reason: reason, attempt: attempt), event, now, offset)
        case .turnStarted, .said: break
        // Says nothing of what it does.
        case .session, .used, .tookMessage, .refusedMessage, .noted, .unknown: return
        }
        if case .turnEnded = event { return become(.idle, event, now, offset) }
        become(underWay, event, now, offset)
    }

    private var underWay: State {
        if let question = questions.first { return .permission(question) }
        if let tool = tools.last, tool.asksHuman { return .question(tool) }
        if let finding = loops.finding { return .stuck(finding) }
        return tools.last.map(State.tool) ?? .working
    }

    /// A question has been answered.
    mutating func answered(_ request: String, at now: Instant) {
        guard questions.contains(where: { $0.id == request }) else { return }
        questions.removeAll { $0.id == request }
        state = underWay
        since = now
        evidence = evidence.map { ("answered", $0.offset) }
    }

    private mutating func become(_ new: State, _ event: AgentEvent, _ now: Instant, _ offset: Int) {
        guard new != state else { return }
        state = new
        since = now
        evidence = (event.name, offset)
    }
}

extension ToolCall {
    /// Whether it is orch's `ask_human`, which ends with the answer.
    fileprivate var asksHuman: Bool { kind == .orch && (name.hasSuffix("ask_human") || title.hasSuffix("ask_human")) }
}

extension AgentEvent {
    /// The word of the wire.
    var name: String {
        switch self {
        case .session: "session"
        case .turnStarted: "turn_started"
        case .said: "said"
        case .toolStarted: "tool_started"
        case .toolEnded: "tool_ended"
        case .used: "used"
        case .asked: "permission_asked"
        case .withdrew: "permission_withdrawn"
        case .tookMessage: "message_taken"
        case .refusedMessage: "message_refused"
        case .limited: "limited"
        case .retrying: "retrying"
        case .turnEnded: "turn_ended"
        case .noted: "noted"
        case .unknown: "unknown"
        }
    }
}
