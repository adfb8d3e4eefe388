import Core
import IPC

/// Codex, one turn to a process: it is told all at its start, and takes no message, no question's answer and no interruption.
struct CodexExecAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        var arguments = profile.program + ["exec"]
        if assignment.session != nil { arguments.append("resume") }
        arguments.append("--json")
        arguments += CodexAgent.settings(profile, assignment, approval: "never")
        arguments += profile.arguments
        // Behind the dashes nothing is taken for an option, whatever it begins with.
        arguments.append("--")
        if let session = assignment.session { arguments.append(session) }
        arguments.append(assignment.openingArgument)
        return Invocation(
            arguments: arguments,
            environment: assignment.environment(of: profile),
            standardInput: .null
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? {
        CodexExecConversation(assignment: assignment, model: profile.model)
    }
}

/// What `codex exec --json` prints, read.
struct CodexExecConversation: Conversation {
    private let session: String?
    private let model: String
    /// What runs before this one have used in the session: Codex reports the whole of it. Nil if nobody knows.
    private let usedBefore: UsageReport?
    private var tools = RunningTools()
    private var lastWords = ""
    private var verdict = TurnVerdict()
    private var isUnderWay = true

    init(assignment: Assignment, model: String?) {
        session = assignment.session
        self.model = model ?? ""
        usedBefore = assignment.session == nil ? UsageReport() : assignment.usedBefore
    }

    let canBeSteered = false
    let isOpen = false
    var isBusy: Bool { isUnderWay }

    mutating func begin() -> Exchange { .nothing }

    mutating func take(_ order: ConversationOrder) -> Exchange {
        guard case .say(let number, _) = order else { return .nothing }
        return Exchange(events: [.refusedMessage(number, reason: "codex exec takes no messages while it works")])
    }

    mutating func read(_ line: ArraySlice<UInt8>) -> Exchange {
        let events: [AgentEvent]
        switch StreamLine(line) {
        case .blank: return .nothing
        case .text(let text): events = [.noted(text)]
        case .object(let object): events = self.events(.object(object))
        }
        for event in events { verdict.saw(event) }
        return Exchange(events: events)
    }

    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome {
        let outcome = verdict.verdict(outcome, error: error)
        guard case .unknown(let reason) = outcome, session != nil, error.contains("no rollout found") else {
            return outcome
        }
        return .failed(reason)
    }

    private mutating func events(_ line: JSONValue) -> [AgentEvent] {
        switch line.text("type") {
        case "thread.started":
            guard let id = line.text("thread_id") else { return [.unknown(kind: "thread.started")] }
            return [.session(.init(id: id, model: model.isEmpty ? nil : model))]
        case "turn.started":
            isUnderWay = true
            return [.turnStarted]
        case "turn.completed":
            isUnderWay = false
            return tools.endAll() + used(line["usage"]) + [.turnEnded(.completed(lastWords))]
        case "turn.failed":
            isUnderWay = false
            return tools.endAll() + [.turnEnded(TurnEnd(codex: line["error"]))]
        case "error": return [Self.trouble(line.text("message") ?? "an error that it does not name")]
        case "item.started", "item.updated", "item.completed":
            guard let item = CodexItem(line["item"]) else { return [.unknown(kind: "item")] }
            return line.text("type") == "item.completed" ? ended(item) : began(item)
        case "item.plan.delta": return []
        case let type: return [.unknown(kind: type ?? "a line without a type")]
        }
    }

    private mutating func began(_ item: CodexItem) -> [AgentEvent] { item.call().map { tools.start($0) } ?? [] }

    private mutating func ended(_ item: CodexItem) -> [AgentEvent] {
        if let (text, isThought) = item.said {
            if !isThought { lastWords = text }
            return [.said(text, by: isThought ? .thinking : .agent)]
        }
        switch item.type {
        case "agent_message", "reasoning", "plan", "todo_list": return []
        case "error": return [.noted((item["message"]?.stringValue ?? "an error that it does not name").oneLine(500))]
        default:
            guard item.call() != nil else { return [.unknown(kind: "item \(item.type)")] }
            return tools.end(item.result, of: item.call())
        }
    }

    /// `Reconnecting... 1/2 (unexpected status 529 ...)`, and what it then gives up with, which `turn.failed` says again.
    private static func trouble(_ message: String) -> AgentEvent {
        guard message.hasPrefix("Reconnecting...") else { return .noted(message.oneLine(500)) }
        let attempt = CodexConversation.attempt(in: String(message.prefix { $0 != "(" }))
        return .retrying(reason: message.oneLine(500), attempt: attempt)
    }

    private func used(_ counts: JSONValue?) -> [AgentEvent] {
        guard let counts, counts.objectValue != nil else { return [] }
        guard let usedBefore else {
            return [.noted("It says what the whole session has used, and not what this run has.")]
        }
        let before = usedBefore.models.values.reduce(Tokens()) { $0 + $1.tokens }
        let used = Tokens(codex: counts) - before
        let part = Tokens(
            input: max(0, used.input),
            output: max(0, used.output),
            cacheRead: max(0, used.cacheRead),
            cacheWrite: max(0, used.cacheWrite)
        )
        return [.used(UsageReport(models: [model: .init(tokens: part)]))]
    }
}
