import Core
import IPC

/// The dialogue with an agent that speaks ACP: one session, a prompt at a time. The protocol has no way to say something while
/// it works, so what is said meanwhile is the next prompt.
struct ACPConversation: Conversation {
    private enum Phase: Equatable {
        case opening
        /// The history of a session that is loaded goes by, or its model is being chosen.
        case entering
        /// The base of the key of the prompt it works on.
        case prompted(String)
        case idle
        /// There will be no session.
        case broken
    }

    private let worktree: String
    private let opening: String
    private let tools: Assignment.ToolServer?
    private let model: String?
    private let resumed: String?

    private var phase = Phase.opening
    private var session: AgentEvent.Session?
    private var version: String?
    /// What it has said or thought in pieces, and not to the end.
    private var saying: (by: AgentEvent.Speaker, text: String)?
    private var lastWords = ""
    private var calls = RunningTools()
    private var questions: [String: ACPQuestion] = [:]
    private var messages: [Int: String] = [:]
    private var taken: Set<Int> = []
    /// Prompts that daemons before this one have sent, and whose turns have not begun in what has been read.
    private var sentBefore: [String] = []
    /// What denials say: the protocol has no place for it, and so it is said when the turn is over.
    private var denials: [(key: String, text: String)] = []
    private var interruption: Int?
    /// The turn is to end.
    private var isCancelled = false
    private var cost: ACPCost
    private var verdict = TurnVerdict()

    init(assignment: Assignment, model: String?) {
        worktree = assignment.worktree
        opening = assignment.opening
        tools = assignment.tools
        self.model = model
        resumed = assignment.session
        cost = ACPCost(before: assignment.session == nil ? UsageReport() : assignment.usedBefore, model: model)
    }

    // MARK: Conversation

    let canBeSteered = false
    let isOpen = true

    var isBusy: Bool {
        switch phase {
        case .opening, .entering, .prompted: true
        case .idle: !messages.isEmpty || !denials.isEmpty
        case .broken: false
        }
    }

    mutating func recall(_ sent: [String]) {
        sentBefore = sent.filter { $0.hasPrefix("denied-") || RequestKey($0).message != nil }
    }

    mutating func begin() -> Exchange {
        let capabilities: JSONValue = ["fs": ["readTextFile": false, "writeTextFile": false], "terminal": false]
        return Exchange(outgoing: [
            request(
                "initialize",
                "initialize",
                [
                    "protocolVersion": 1, "clientCapabilities": capabilities,
                    "clientInfo": ["name": "orch", "title": "orch", "version": "1"],
                ]
            )
        ])
    }

    mutating func read(_ line: ArraySlice<UInt8>) -> Exchange { judged(understand(StreamLine(line))) }
    mutating func take(_ order: ConversationOrder) -> Exchange { judged(obey(order)) }

    private mutating func judged(_ exchange: Exchange) -> Exchange {
        for event in exchange.events { verdict.saw(event) }
        return exchange
    }

    private mutating func understand(_ line: StreamLine) -> Exchange {
        switch line {
        case .blank: return .nothing
        case .text(let text): return Exchange(events: [.noted(text)])
        case .object(let object):
            switch RPCMessage(object) {
            case .notification("session/update", let params): return Exchange(events: updated(params))
            case .notification("$/cancel_request", let params): return cancelled(params["requestId"])
            case .notification(let method, _): return Exchange(events: [.unknown(kind: method.oneLine(60))])
            case .request(let id, let method, let params): return asked(id, method, params)
            case .result(let id, let result): return succeeded(id, result)
            case .failure(let id, let failure): return failed(id, failure)
            case nil: return Exchange(events: [.unknown(kind: "a message without method and id")])
            }
        }
    }

    private mutating func obey(_ order: ConversationOrder) -> Exchange {
        switch order {
        case .say(let number, let text):
            guard !taken.contains(number) else { return .nothing }
            guard phase != .broken else {
                return Exchange(events: [.refusedMessage(number, reason: "it has no session to take it in")])
            }
            // It is with the agent.
            guard phase != .prompted(RequestKey.message(number)) else { return .nothing }
            messages[number] = text
            return prompt()
        case .interrupt(let number): return interrupt(number)
        case .answer(let id, let answer):
            guard let question = questions.removeValue(forKey: id) else { return .nothing }
            if case .deny(let text) = answer, !text.isEmpty { denials.append(("denied-\(id)", text)) }
            return Exchange(outgoing: [question.reply(answer)])
        }
    }

    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome { verdict.verdict(outcome, error: error) }

    // MARK: Requests

    private func request(_ key: String, _ method: String, _ params: JSONValue) -> Exchange.Outgoing {
        let line: JSONValue = ["jsonrpc": "2.0", "id": .string(key), "method": .string(method), "params": params]
        return .init(key: key, line: line.description)
    }

    private mutating func send(_ key: String, _ text: String) -> Exchange {
        let params: JSONValue = [
            "sessionId": .string(session?.id ?? ""), "prompt": [["type": "text", "text": .string(text)]],
        ]
        let prompt = request(key, "session/prompt", params)
        var exchange = started(key)
        exchange.outgoing.insert(prompt, at: 0)
        return exchange
    }

    /// A turn begins, with the prompt of that key.
    private mutating func started(_ key: String) -> Exchange {
        phase = .prompted(key)
        isCancelled = false
        lastWords = ""
        var exchange = Exchange(events: [.turnStarted])
        if let number = interruption {
            interruption = nil
            isCancelled = true
            exchange.outgoing.append(cancellation(number))
        }
        return exchange
    }

    /// The next prompt, where it works on none.
    private mutating func prompt() -> Exchange {
        guard phase == .idle else { return .nothing }
        if let key = sentBefore.first {
            sentBefore.removeFirst()
            if let number = RequestKey(key).message { messages[number] = nil } else { denials = [] }
            return started(key)
        }
        if let first = denials.first {
            defer { denials = [] }
            return send(first.key, denials.map(\.text).joined(separator: "\n\n"))
        }
        guard let number = messages.keys.min(), let text = messages.removeValue(forKey: number) else { return .nothing }
        return send(RequestKey.message(number), text)
    }

    private func cancellation(_ number: Int) -> Exchange.Outgoing {
        let line: JSONValue = [
            "jsonrpc": "2.0", "method": "session/cancel", "params": ["sessionId": .string(session?.id ?? "")],
        ]
        return .init(key: "interrupt-\(number)", line: line.description)
    }

    private mutating func interrupt(_ number: Int) -> Exchange {
        switch phase {
        case .idle, .broken: return .nothing
        case .opening, .entering:
            interruption = number
            return Exchange(events: refuseAll("the turn is interrupted before it could be told"))
        case .prompted:
            // Who cancels answers what was asked: the protocol wants it so.
            isCancelled = true
            let open = questions.sorted { $0.key < $1.key }
            questions = [:]
            denials = []
            return Exchange(
                events: refuseAll("the turn is interrupted before it could be told")
                    + open.map { .withdrew(request: $0.key) },
                outgoing: [cancellation(number)] + open.map { $0.value.cancellation }
            )
        }
    }

    /// What waits is for the time after.
    private mutating func refuseAll(_ reason: String) -> [AgentEvent] {
        defer { messages = [:] }
        return messages.keys.sorted().map { .refusedMessage($0, reason: reason) }
    }

    // MARK: Answers to requests

    private mutating func succeeded(_ key: String, _ result: JSONValue) -> Exchange {
        switch key {
        case "initialize": return initialized(result)
        case "session": return entered(result)
        case "model": return phase == .entering ? begin(with: []) : .nothing
        default:
            guard phase == .prompted(key) else { return .nothing }
            var events = took(key) + flush() + calls.endAll() + withdrawAll()
            events.append(.turnEnded(end(result.text("stopReason"))))
            phase = .idle
            isCancelled = false
            return followed(by: events)
        }
    }

    private func end(_ reason: String?) -> TurnEnd {
        switch reason {
        case "end_turn": .completed(lastWords)
        case "cancelled": .interrupted
        case "max_turn_requests": .failed(.turns, reason: "it has asked its model as often as it may in a turn")
        case "max_tokens": .failed(.other, reason: "its model has written as much as it may")
        case "refusal": .failed(.refusal, reason: "its model refused")
        default: .failed(.other, reason: "its turn ended for a reason that orch does not know: \(reason ?? "none")")
        }
    }

    /// A turn has ended: what waited for that follows.
    private mutating func followed(by events: [AgentEvent]) -> Exchange {
        let next = prompt()
        return Exchange(events: events + next.events, outgoing: next.outgoing)
    }

    private mutating func initialized(_ result: JSONValue) -> Exchange {
        guard phase == .opening else { return .nothing }
        guard result["protocolVersion"]?.intValue == 1 else {
            let version = result["protocolVersion"]?.description ?? "none"
            return broken(.failed(.other, reason: "it speaks another version of the protocol than 1: \(version)"))
        }
        let name = result["agentInfo"]?.text("name")
        version = [name, result["agentInfo"]?.text("version")].compactMap { $0 }.joined(separator: " ")
        var params: JSONObject = ["cwd": .string(worktree), "mcpServers": .array(servers)]
        guard let resumed else { return Exchange(outgoing: [request("session", "session/new", .object(params))]) }
        params["sessionId"] = .string(resumed)
        let capabilities = result["agentCapabilities"]
        if let resume = capabilities?["sessionCapabilities"]?["resume"], !resume.isNull {
            return Exchange(outgoing: [request("session", "session/resume", .object(params))])
        }
        guard capabilities?["loadSession"]?.boolValue == true else {
            return broken(.failed(.noSession, reason: "it cannot go on in a session of an earlier run"))
        }
        return Exchange(outgoing: [request("session", "session/load", .object(params))])
    }

    private var servers: [JSONValue] {
        guard let tools else { return [] }
        let environment = tools.environment.sorted { $0.key < $1.key }
        return [
            [
                "name": .string(Assignment.ToolServer.name), "command": .string(tools.command.first ?? ""),
                "args": JSONValue(tools.command.dropFirst()),
                "env": .array(environment.map { ["name": .string($0.key), "value": .string($0.value)] }),
            ]
        ]
    }

    private mutating func entered(_ result: JSONValue) -> Exchange {
        guard phase == .opening else { return .nothing }
        guard let id = resumed ?? result.text("sessionId") else {
            return broken(.failed(.other, reason: "it has opened a session and does not say which"))
        }
        let current = result["models"]?.text("currentModelId")
        let session = AgentEvent.Session(id: id, model: model ?? current, version: version)
        self.session = session
        saying = nil
        phase = .entering
        guard let model else { return begin(with: [.session(session)]) }
        // The choice of a model is an option of a session; before there were options it was a request of its own.
        let option = (result["configOptions"]?.elements ?? []).first { $0.text("category") == "model" }
        if let option = option?.text("id") {
            let params: JSONValue = ["sessionId": .string(id), "configId": .string(option), "value": .string(model)]
            return Exchange(
                events: [.session(session)],
                outgoing: [request("model", "session/set_config_option", params)]
            )
        }
        guard result["models"] != nil else {
            return begin(with: [.session(session), .noted("It lets nobody choose its model, \(model) or another.")])
        }
        let params: JSONValue = ["sessionId": .string(id), "modelId": .string(model)]
        return Exchange(events: [.session(session)], outgoing: [request("model", "session/set_model", params)])
    }

    private mutating func begin(with events: [AgentEvent]) -> Exchange {
        let first = send("prompt", opening)
        return Exchange(events: events + first.events, outgoing: first.outgoing)
    }

    private mutating func failed(_ key: String, _ failure: RPCMessage.RPCFailure) -> Exchange {
        let details = failure.data?.text("details") ?? failure.data?.text("message") ?? failure.data?.stringValue
        let reason = ([failure.message] + [details].compactMap { $0 }).joined(separator: ": ").oneLine(500)
        let isLocked = failure.code == RPCMessage.RPCFailure.authenticationRequired
        switch key {
        case "initialize", "session":
            guard phase == .opening else { return .nothing }
            let kind: TurnEnd.Failure =
                isLocked ? .credentials : key == "session" && resumed != nil ? .noSession : .other
            return broken(.failed(kind, reason: reason))
        case "model":
            guard phase == .entering else { return .nothing }
            return broken(.failed(.other, reason: "it does not take the model \(model ?? ""): \(reason)"))
        default:
            guard phase == .prompted(key) else { return Exchange(events: [.noted(reason)]) }
            var events = took(key) + flush() + calls.endAll() + withdrawAll()
            events.append(.turnEnded(.failed(isLocked ? .credentials : .other, reason: reason)))
            phase = .idle
            isCancelled = false
            return followed(by: events)
        }
    }

    private mutating func broken(_ end: TurnEnd) -> Exchange {
        phase = .broken
        let refusals = refuseAll("it has no session to take it in")
        return Exchange(events: refusals + [.turnEnded(end)])
    }

    // MARK: Questions

    private mutating func asked(_ id: JSONValue, _ method: String, _ params: JSONValue) -> Exchange {
        guard method == "session/request_permission" else {
            let key = ACPQuestion.text(id)
            let error: JSONValue = [
                "code": JSONValue(RPCMessage.RPCFailure.unknownMethod),
                "message": .string("orch does not offer \(method)"),
            ]
            let line: JSONValue = ["jsonrpc": "2.0", "id": id, "error": error]
            return Exchange(
                events: [.noted("It asked for what orch does not offer: \(method)".oneLine())],
                outgoing: [.init(key: "reply-\(key)", line: line.description)]
            )
        }
        let question = ACPQuestion(id: id, params: params, calls: calls)
        if isCancelled { return Exchange(events: flush(), outgoing: [question.cancellation]) }
        questions[question.request.id] = question
        return Exchange(events: flush() + [.asked(question.request)])
    }

    private mutating func cancelled(_ id: JSONValue?) -> Exchange {
        guard let id = id.map(ACPQuestion.text), let question = questions.removeValue(forKey: id) else {
            return .nothing
        }
        return Exchange(events: [.withdrew(request: id)], outgoing: [question.cancellation])
    }

    private mutating func withdrawAll() -> [AgentEvent] {
        defer { questions = [:] }
        return questions.keys.sorted().map { .withdrew(request: $0) }
    }

    // MARK: Updates

    private mutating func updated(_ params: JSONValue) -> [AgentEvent] {
        guard let update = params["update"], let kind = update.text("sessionUpdate") else {
            return [.unknown(kind: "session/update")]
        }
        // The history of a session that is loaded.
        guard session != nil else { return [] }
        var events: [AgentEvent] = []
        if case .prompted(let key) = phase { events = took(key) }
        let text = update["content"]?.text("text") ?? ""
        switch kind {
        case "agent_message_chunk": return events + say(.agent, text)
        case "agent_thought_chunk": return events + say(.thinking, text)
        case "user_message_chunk": return events + say(.person, text)
        case "tool_call", "tool_call_update": return events + flush() + tool(update)
        case "usage_update": return events + cost.update(update)
        case "plan", "plan_update", "plan_removed", "available_commands_update", "current_mode_update",
            "config_option_update", "session_info_update":
            return events
        default: return events + [.unknown(kind: "session/update \(kind.oneLine(60))")]
        }
    }

    private mutating func say(_ speaker: AgentEvent.Speaker, _ text: String) -> [AgentEvent] {
        if saying?.by == speaker {
            saying?.text += text
            return []
        }
        let events = flush()
        saying = (speaker, text)
        return events
    }

    /// What was said in pieces is said: something else follows.
    private mutating func flush() -> [AgentEvent] {
        guard let (speaker, text) = saying else { return [] }
        saying = nil
        guard !text.isEmpty else { return [] }
        if speaker == .agent { lastWords = text }
        return [.said(text, by: speaker)]
    }

    private mutating func tool(_ update: JSONValue) -> [AgentEvent] {
        guard let id = update.text("toolCallId") else { return [.unknown(kind: "tool_call")] }
        let call = ToolCall(acp: update, id: id, known: calls[id])
        guard let outcome = ToolResult.Outcome(acp: update.text("status")) else {
            if calls[id] == nil { return calls.start(call) }
            calls.update(call)
            return []
        }
        return calls.end(ToolResult(id, outcome, ACPOutput.text(update)), of: call)
    }

    /// Its first sign after a prompt says that it has it.
    private mutating func took(_ key: String) -> [AgentEvent] {
        guard let number = RequestKey(key).message, taken.insert(number).inserted else { return [] }
        messages[number] = nil
        return [.tookMessage(number)]
    }
}
