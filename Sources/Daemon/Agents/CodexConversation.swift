import Core
import IPC

/// The dialogue with Codex's app server: one thread of its, whose turns are started, steered and interrupted.
struct CodexConversation: Conversation {
    private enum Phase: Equatable {
        /// The thread is not there yet.
        case opening
        /// A turn has been asked for, and has not begun.
        case starting
        case turn(String)
        case idle
        /// There will be no thread.
        case broken
    }

    /// A message that has not been taken in yet.
    private struct Message: Equatable {
        /// Nil as long as this conversation has not been told it: an earlier one sent it.
        var text: String?
        /// A request with it is under way, or the turn it named has it.
        var isSent = false
        /// The turn that has accepted it, and will take it in when it next asks the model.
        var turn: String?
    }

    private let worktree: String
    private let opening: String
    private let session: String?
    private let model: String?

    private var phase = Phase.opening
    private var thread: AgentEvent.Session?
    private var messages: [Int: Message] = [:]
    private var taken: Set<Int> = []
    /// How often a request had to be made again, by the base of its key.
    private var attempts: [String: Int] = [:]
    private var interruption: Int?
    private var questions: [String: CodexQuestion] = [:]
    private var tools = RunningTools()
    /// What the agent said last in this turn.
    private var lastWords = ""
    /// Turns of sub-agents that are under way.
    private var subturns: Set<String> = []
    /// The call that a sub-agent's thread came from.
    private var parents: [String: String] = [:]
    private var usage: CodexUsage
    private var verdict = TurnVerdict()

    private static let mostAttempts = 5

    init(assignment: Assignment, model: String?) {
        worktree = assignment.worktree
        opening = assignment.opening
        session = assignment.session
        self.model = model
        usage = CodexUsage(isResumed: assignment.session != nil)
    }

    // MARK: Conversation

    let canBeSteered = true
    let isOpen = true

    var isBusy: Bool {
        switch phase {
        case .opening, .starting, .turn: true
        case .idle: !messages.isEmpty || !subturns.isEmpty
        case .broken: false
        }
    }

    mutating func begin() -> Exchange {
        Exchange(outgoing: [
            request(
                "initialize",
                "initialize",
                [
                    "clientInfo": ["name": "orch", "title": "orch", "version": "1"],
                    "capabilities": ["experimentalApi": true],
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
            case .notification(let method, let params): return notified(method, params)
            case .request(let id, let method, let params): return asked(id, method, params)
            case .result(let id, let result): return succeeded(RequestKey(parsing: id), result)
            case .failure(let id, let failure): return failed(RequestKey(parsing: id), failure)
            case nil: return Exchange(events: [.unknown(kind: "a message without method and id")])
            }
        }
    }

    private mutating func obey(_ order: ConversationOrder) -> Exchange {
        switch order {
        case .say(let number, let text): return say(number, text)
        case .interrupt(let number):
            switch phase {
            case .opening, .starting:
                interruption = number
                return Exchange(events: refuseWaiting())
            case .turn(let turn): return Exchange(events: refuseWaiting(), outgoing: [interrupt(number, turn)])
            case .idle, .broken: return .nothing
            }
        case .answer(let request, let answer):
            guard let question = questions[request], !question.isAnswered else { return .nothing }
            questions[request]!.isAnswered = true
            return Exchange(outgoing: question.reply(answer))
        }
    }

    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome { verdict.verdict(outcome, error: error) }

    // MARK: Requests

    private func request(_ base: String, _ method: String, _ params: JSONValue) -> Exchange.Outgoing {
        let key = RequestKey(base, attempt: attempts[base] ?? 0).text
        let line: JSONValue = ["id": .string(key), "method": .string(method), "params": params]
        return .init(key: key, line: line.description)
    }

    private func openThread() -> Exchange.Outgoing {
        var params: JSONObject = ["cwd": .string(worktree)]
        if let model { params["model"] = .string(model) }
        guard let session else { return request("thread", "thread/start", .object(params)) }
        params["threadId"] = .string(session)
        params["excludeTurns"] = true
        return request("thread", "thread/resume", .object(params))
    }

    private func input(_ base: String, _ text: String) -> JSONObject {
        [
            "threadId": .string(thread?.id ?? ""),
            // Told again with the message once it has become a part of what the model is given.
            "clientUserMessageId": .string(base),
            "input": [["type": "text", "text": .string(text)]],
        ]
    }

    private func startTurn(_ base: String, _ text: String) -> Exchange.Outgoing {
        request(base, "turn/start", .object(input(base, text)))
    }

    private func interrupt(_ number: Int, _ turn: String) -> Exchange.Outgoing {
        let params: JSONValue = ["threadId": .string(thread?.id ?? ""), "turnId": .string(turn)]
        return request("interrupt-\(number)", "turn/interrupt", params)
    }

    // MARK: Messages

    private mutating func say(_ number: Int, _ text: String) -> Exchange {
        guard !taken.contains(number) else { return .nothing }
        if phase == .broken {
            return Exchange(events: [.refusedMessage(number, reason: "Codex has no thread to take it in")])
        }
        messages[number, default: Message()].text = text
        return Exchange(outgoing: send())
    }

    /// Sends what waits: into the turn that runs, or as a turn of its own.
    private mutating func send() -> [Exchange.Outgoing] {
        var outgoing: [Exchange.Outgoing] = []
        for number in messages.keys.sorted() {
            guard let message = messages[number], !message.isSent, let text = message.text else { continue }
            let base = RequestKey.message(number)
            switch phase {
            case .opening, .starting, .broken: return outgoing
            case .idle:
                outgoing.append(startTurn(base, text))
                phase = .starting
            case .turn(let turn):
                // A turn that refused it is not asked twice.
                guard message.turn != turn else { continue }
                var params = input(base, text)
                params["expectedTurnId"] = .string(turn)
                outgoing.append(request(base, "turn/steer", .object(params)))
            }
            messages[number]!.isSent = true
        }
        return outgoing
    }

    /// What has not been sent when the turn is to end is for the time after.
    private mutating func refuseWaiting() -> [AgentEvent] {
        let waiting = messages.filter { !$0.value.isSent && $0.value.text != nil }.keys.sorted()
        for number in waiting { messages[number] = nil }
        return waiting.map { .refusedMessage($0, reason: "the turn is interrupted before it could be told") }
    }

    /// What a model was never given, and now that the turn has ended never will be of itself.
    private mutating func release(from turn: String, isInterrupted: Bool) -> [AgentEvent] {
        var events: [AgentEvent] = []
        for (number, message) in messages.sorted(by: { $0.key < $1.key }) where message.turn == turn {
            if message.isSent { attempts[RequestKey.message(number), default: 0] += 1 }
            if message.isSent, isInterrupted {
                messages[number] = nil
                events.append(.refusedMessage(number, reason: "the turn was interrupted before it took the message in"))
            } else {
                messages[number]!.isSent = false
                messages[number]!.turn = nil
            }
        }
        return events
    }

    // MARK: Answers to requests

    private mutating func succeeded(_ key: RequestKey, _ result: JSONValue) -> Exchange {
        switch key.base {
        case "initialize":
            return Exchange(outgoing: [.init(key: "initialized", line: #"{"method":"initialized"}"#), openThread()])
        case "thread": return opened(result)
        default:
            // Where a turn is running, what was to start one has become a part of it.
            let turn = result["turn"]?.text("id") ?? result.text("turnId")
            if let number = key.message, !taken.contains(number) {
                messages[number, default: Message()].isSent = true
                messages[number]!.turn = turn
            }
            return .nothing
        }
    }

    private mutating func opened(_ result: JSONValue) -> Exchange {
        guard phase == .opening else { return .nothing }
        guard let id = result["thread"]?.text("id") else {
            return broken(.failed(.other, reason: "Codex has opened a thread and does not say which"))
        }
        let session = AgentEvent.Session(
            id: id,
            model: result.text("model"),
            version: result["thread"]?.text("cliVersion"),
            missingServers: thread?.missingServers ?? [:]
        )
        thread = session
        usage.begin(thread: id, model: session.model)
        phase = .starting
        return Exchange(events: [.session(session)], outgoing: [startTurn("prompt", opening)])
    }

    private mutating func failed(_ key: RequestKey, _ failure: RPCMessage.RPCFailure) -> Exchange {
        let reason = "Codex refused \(key.base): \(failure.message.oneLine(300))"
        attempts[key.base] = max(attempts[key.base] ?? 0, key.attempt + 1)
        let isLast = failure.code != RPCMessage.RPCFailure.overloaded || key.attempt + 1 >= Self.mostAttempts
        switch key.base {
        case "initialize": return isLast ? broken(.failed(.other, reason: reason)) : begin()
        case "thread":
            if !isLast { return Exchange(outgoing: [openThread()]) }
            let isMissing =
                session != nil && failure.message.contains("not found") || failure.message.contains("no rollout")
            return broken(.failed(isMissing ? .noSession : .other, reason: reason))
        case "prompt":
            if !isLast { return Exchange(outgoing: [startTurn("prompt", opening)]) }
            phase = .idle
            return Exchange(events: [.turnEnded(.failed(.other, reason: reason))], outgoing: send())
        default:
            guard let number = key.message, !taken.contains(number) else { return Exchange(events: [.noted(reason)]) }
            return refused(number, key, reason)
        }
    }

    /// A message that Codex did not accept is tried again where that may help: when the turn that would not have it is over.
    private mutating func refused(_ number: Int, _ key: RequestKey, _ reason: String) -> Exchange {
        if phase == .starting { phase = .idle }
        guard key.attempt + 1 < Self.mostAttempts else {
            messages[number] = nil
            return Exchange(events: [.refusedMessage(number, reason: reason)], outgoing: send())
        }
        messages[number, default: Message()].isSent = false
        if case .turn(let turn) = phase { messages[number]!.turn = turn }
        return Exchange(outgoing: send())
    }

    private mutating func broken(_ end: TurnEnd) -> Exchange {
        phase = .broken
        let refusals = messages.keys.sorted().map {
            AgentEvent.refusedMessage($0, reason: "Codex has no thread to take it in")
        }
        messages = [:]
        return Exchange(events: refusals + [.turnEnded(end)])
    }

    // MARK: Questions

    private mutating func asked(_ id: JSONValue, _ method: String, _ params: JSONValue) -> Exchange {
        guard let question = CodexQuestion(id: id, method: method, params: params, tools: tools) else {
            let (reply, note) = CodexQuestion.refusal(id, method, params)
            return Exchange(events: [.noted(note)], outgoing: [reply])
        }
        questions[question.request.id] = question
        return Exchange(events: [.asked(question.request)])
    }

    // MARK: Notifications

    private mutating func notified(_ method: String, _ params: JSONValue) -> Exchange {
        switch method {
        case "turn/started": return turnStarted(params)
        case "turn/completed": return turnCompleted(params)
        case "item/started", "item/completed":
            guard let item = CodexItem(params["item"]) else { return Exchange(events: [.unknown(kind: method)]) }
            return Exchange(events: method == "item/started" ? began(item, params) : ended(item, params))
        case "thread/tokenUsage/updated":
            return Exchange(events: usage.update(params).map { [.used($0)] } ?? [])
        case "serverRequest/resolved":
            let id = params["requestId"].map(CodexQuestion.text) ?? ""
            guard let question = questions.removeValue(forKey: id), !question.isAnswered else { return .nothing }
            return Exchange(events: [.withdrew(request: id)])
        case "error": return Exchange(events: [Self.trouble(params)])
        case "account/rateLimits/updated": return Exchange(events: Self.limit(params["rateLimits"]).map { [$0] } ?? [])
        case "mcpServer/startupStatus/updated": return Exchange(events: serverStands(params))
        case "model/rerouted":
            usage.rerouted(params)
            let to = params.text("toModel") ?? "another model"
            return Exchange(events: [
                .noted("It goes on with \(to) instead of \(params.text("fromModel") ?? "its own").")
            ])
        case "warning", "guardianWarning", "configWarning", "deprecationNotice":
            let text = params.text("message") ?? params.text("summary") ?? method
            return Exchange(events: [.noted(text.oneLine(500))])
        default:
            return Exchange(events: Self.isOfNoInterest(method) ? [] : [.unknown(kind: method.oneLine(60))])
        }
    }

    private func isOwn(_ params: JSONValue) -> Bool { thread == nil || params.text("threadId") == thread?.id }

    private mutating func turnStarted(_ params: JSONValue) -> Exchange {
        guard let turn = params["turn"]?.text("id") else { return Exchange(events: [.unknown(kind: "turn/started")]) }
        guard isOwn(params) else {
            subturns.insert(turn)
            return .nothing
        }
        guard phase != .turn(turn), phase != .broken else { return .nothing }
        phase = .turn(turn)
        lastWords = ""
        usage.began(turn: turn)
        var outgoing = send()
        if let number = interruption {
            interruption = nil
            outgoing.append(interrupt(number, turn))
        }
        return Exchange(events: [.turnStarted], outgoing: outgoing)
    }

    private mutating func turnCompleted(_ params: JSONValue) -> Exchange {
        guard let turn = params["turn"]?.text("id") else { return Exchange(events: [.unknown(kind: "turn/completed")]) }
        guard isOwn(params) else {
            subturns.remove(turn)
            return .nothing
        }
        guard phase != .broken else { return .nothing }
        let end: TurnEnd
        switch params["turn"]?.text("status") {
        case "completed": end = .completed(lastWords)
        case "interrupted": end = .interrupted
        case "failed": end = TurnEnd(codex: params["turn"]?["error"])
        case let status:
            end = .failed(.other, reason: "its turn ended in a way that orch does not know: \(status ?? "?")")
        }
        phase = .idle
        usage.ended(turn: turn)
        var events = tools.endAll()
        events += release(from: turn, isInterrupted: end == .interrupted)
        events.append(.turnEnded(end))
        return Exchange(events: events, outgoing: send())
    }

    private mutating func began(_ item: CodexItem, _ params: JSONValue) -> [AgentEvent] {
        for receiver in item.receivers { parents[receiver] = item.id }
        if item.type == "user_message" { return isOwn(params) ? tookMessage(item) : [] }
        return item.call(parent: params.text("threadId").flatMap { parents[$0] }).map { tools.start($0) } ?? []
    }

    private mutating func ended(_ item: CodexItem, _ params: JSONValue) -> [AgentEvent] {
        for receiver in item.receivers { parents[receiver] = item.id }
        if let (text, isThought) = item.said {
            if !isOwn(params) { return [.said(text, by: .subagent)] }
            if !isThought { lastWords = text }
            return [.said(text, by: isThought ? .thinking : .agent)]
        }
        switch item.type {
        case "user_message":
            guard isOwn(params) else { return [] }
            return tookMessage(item) + [.said(item.message, by: .person)]
        case "agent_message", "plan", "reasoning", "hook_prompt", "sub_agent_activity", "function_call_output":
            return []
        case "context_compaction": return [.noted("Its context was compacted.")]
        case "entered_review_mode", "exited_review_mode":
            return [.noted("It \(item.type.split(separator: "_").joined(separator: " ")).")]
        default:
            let parent = params.text("threadId").flatMap { parents[$0] }
            guard item.call() != nil else { return [.unknown(kind: "item \(item.type)")] }
            return tools.end(item.result, of: item.call(parent: parent))
        }
    }

    private mutating func tookMessage(_ item: CodexItem) -> [AgentEvent] {
        let name = item["client_id"]?.stringValue
        guard let number = name.map({ RequestKey(parsing: $0).message }) ?? number(of: item.message),
            taken.insert(number).inserted
        else { return [] }
        messages[number] = nil
        return [.tookMessage(number)]
    }

    /// Of a message that comes back without the name it was given, as from versions that know of no names.
    private func number(of text: String) -> Int? {
        let sent = messages.filter { $0.value.isSent }
        if let number = sent.filter({ $0.value.text == text }).keys.min() { return number }
        return text == opening ? nil : sent.filter { $0.value.text == nil }.keys.min()
    }

    private mutating func serverStands(_ params: JSONValue) -> [AgentEvent] {
        guard let name = params.text("name"), let status = params.text("status"), isOwn(params) else { return [] }
        guard status == "failed" || status == "cancelled" else { return [] }
        var session = thread ?? AgentEvent.Session(id: "")
        session.missingServers[name] = (params.text("error") ?? status).oneLine()
        thread = session
        return session.id.isEmpty ? [] : [.session(session)]
    }
}

// MARK: What is said in passing

extension CodexConversation {
    private static func trouble(_ params: JSONValue) -> AgentEvent {
        let error = params["error"]
        let message = error?.text("message") ?? "an error that it does not name"
        let details = error?.text("additionalDetails").map { ": \($0)" } ?? ""
        let reason = TurnEnd.worded(message + details).oneLine(500)
        guard params["willRetry"]?.boolValue == true else { return .noted(reason) }
        let info = error?["codexErrorInfo"]
        if info.flatMap(TurnEnd.status) == 429
            || ["rateLimitExceeded", "usageLimitExceeded"].contains(info?.stringValue)
        {
            return .limited(reason: reason, until: nil)
        }
        return .retrying(reason: reason, attempt: attempt(in: message))
    }

    /// Of `Reconnecting... 2/5`.
    static func attempt(in message: String) -> Int {
        guard let slash = message.firstIndex(of: "/") else { return 1 }
        return Int(
            message[..<slash].reversed().prefix { $0.isNumber && $0.isASCII }.reversed().map(String.init).joined()
        ) ?? 1
    }

    private static func limit(_ limits: JSONValue?) -> AgentEvent? {
        guard let kind = limits?.text("rateLimitReachedType") else { return nil }
        let full = ["primary", "secondary"].compactMap { limits?[$0] }.filter {
            ($0["usedPercent"]?.intValue ?? 0) >= 100
        }
        let until = full.compactMap { $0["resetsAt"]?.intValue }.filter { (0...253_402_300_799).contains($0) }.max()
        return .limited(
            reason: kind.split(separator: "_").joined(separator: " "),
            until: until.map { Instant(milliseconds: Int64($0) * 1000) }
        )
    }

    /// What is known and says nothing that is not said elsewhere.
    private static func isOfNoInterest(_ method: String) -> Bool {
        known.contains(method) || method.hasSuffix("Delta") || method.hasSuffix("/delta")
    }

    private static let known: Set<String> = [
        "thread/started", "thread/status/changed", "thread/readState/changed", "thread/archived", "thread/deleted",
        "thread/unarchived", "thread/closed", "thread/reverted", "thread/name/updated", "thread/attachment/updated",
        "thread/goal/updated", "thread/goal/cleared", "thread/prediction/updated", "thread/queue/changed",
        "thread/project/updated", "thread/environment/connected", "thread/environment/disconnected",
        "thread/settings/updated", "thread/compacted", "turn/diff/updated", "turn/plan/updated",
        "turn/moderationMetadata", "hook/started", "hook/completed", "item/autoApprovalReview/started",
        "item/autoApprovalReview/completed", "autoApprovalReview/strictReviewRequired", "process/exited",
        "item/commandExecution/terminalInteraction", "item/fileChange/patchUpdated", "item/mcpToolCall/progress",
        "item/reasoning/summaryPartAdded", "mcpServer/oauthLogin/completed", "mcpServer/event/stream/notification",
        "account/updated", "account/gatewayOAuth/changed", "account/login/completed", "app/list/updated",
        "remoteControl/status/changed", "skills/changed", "project/changed", "fs/changed", "model/verification",
        "model/safetyBuffering/updated", "modelProvider/authRecoveryStarted", "modelProvider/authRecoveryCompleted",
        "externalAgentConfig/import/progress", "externalAgentConfig/import/completed",
    ]
}
