import Core
import IPC

/// The dialogue with Claude Code, and with Amp, which speaks a part of its language.
struct ClaudeConversation: Conversation {
    enum Dialect: Sendable {
        case claude
        /// Messages and nothing else: no questions, no interruption, no marks on messages.
        case amp
    }

    /// A question of its that waits for its answer.
    private struct Question {
        enum Form { case permission, hook }
        let form: Form
        let input: JSONValue
        let tool: String
    }

    private let dialect: Dialect
    private let opening: String
    private let marks: MessageMarks

    private var hasBegun = false
    /// A turn is under way.
    private var isWorking = false
    /// One is to come: it has been told something, or a task in its background has ended.
    private var expectsTurn = true
    /// Messages that were given to it and that it has not taken in.
    private var awaited: [Int: String] = [:]
    /// Messages that need not be waited for: they were taken in, or refused.
    private var done: Set<Int> = []
    /// Echoes of messages whose number is not known yet; of a dialect without marks.
    private var echoes: [String] = []
    private var tasks: Set<String> = []
    private var questions: [String: Question] = [:]
    private var denied: Set<String> = []
    /// What its last answer that was an error in the place of one is called.
    private var apiError: String?
    private var meter: ClaudeMeter
    private var turns = TurnVerdict()

    init(_ dialect: Dialect, _ assignment: Assignment) {
        self.dialect = dialect
        opening = assignment.opening
        marks = MessageMarks(assignment)
        meter = ClaudeMeter(countsOutput: dialect == .amp, isResumed: assignment.session != nil)
    }

    var canBeSteered: Bool { true }
    var isOpen: Bool { true }
    var isBusy: Bool { isWorking || expectsTurn || !tasks.isEmpty || !awaited.isEmpty }

    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome { turns.verdict(outcome, error: error) }

    // MARK: what it is told

    mutating func begin() -> Exchange {
        var exchange = Exchange()
        if dialect == .claude {
            // Its own settings, and those of the repository, may allow changes unasked: this asks whatever they say. A person
            // may take long to answer.
            let hook: JSONValue = [
                "matcher": .string(ClaudeTools.writers), "hookCallbackIds": ["write"], "timeout": 604_800,
            ]
            exchange.send(
                "initialize",
                [
                    "type": "control_request", "request_id": "initialize",
                    "request": ["subtype": "initialize", "hooks": ["PreToolUse": [hook]]],
                ]
            )
        }
        exchange.send("prompt", message(opening, mark: marks.opening))
        return exchange
    }

    private func message(_ text: String, mark: String) -> JSONValue {
        switch dialect {
        case .claude:
            [
                "type": "user", "message": ["role": "user", "content": .string(text)], "parent_tool_use_id": nil,
                "session_id": "default", "uuid": .string(mark),
            ]
        case .amp:
            ["type": "user", "message": ["role": "user", "content": [["type": "text", "text": .string(text)]]]]
        }
    }

    mutating func take(_ order: ConversationOrder) -> Exchange {
        var exchange = Exchange()
        switch order {
        case .say(let number, let text):
            exchange.send("message-\(number)", message(text, mark: marks.mark(of: number)))
            guard !done.contains(number) else { break }
            if let place = echoes.firstIndex(of: text) {
                echoes.remove(at: place)
                took(number, &exchange)
            } else {
                awaited[number] = text
            }
        case .interrupt(let number):
            guard dialect == .claude else {
                exchange.events.append(.noted("it cannot be interrupted within a turn"))
                break
            }
            let id = "interrupt-\(number)"
            exchange.send(
                id,
                ["type": "control_request", "request_id": .string(id), "request": ["subtype": "interrupt"]]
            )
        case .answer(let request, let answer):
            // One that it does not wait for any more would be an answer to nothing.
            guard let question = questions[request] else { break }
            exchange.send("answer-\(request)", Self.response(to: request, Self.form(answer, question)))
        }
        return seen(exchange)
    }

    private static func form(_ answer: PermissionAnswer, _ question: Question) -> JSONValue {
        switch (question.form, answer) {
        case (.permission, .allow): return ["behavior": "allow", "updatedInput": question.input]
        case (.permission, .deny(let message)): return ["behavior": "deny", "message": .string(message)]
        case (.hook, .allow):
            return ["hookSpecificOutput": ["hookEventName": "PreToolUse", "permissionDecision": "allow"]]
        case (.hook, .deny(let message)):
            return [
                "hookSpecificOutput": [
                    "hookEventName": "PreToolUse", "permissionDecision": "deny",
                    "permissionDecisionReason": .string(message),
                ]
            ]
        }
    }

    private static func response(to request: String, _ response: JSONValue) -> JSONValue {
        [
            "type": "control_response",
            "response": ["subtype": "success", "request_id": .string(request), "response": response],
        ]
    }

    private mutating func took(_ number: Int, _ exchange: inout Exchange) {
        awaited[number] = nil
        guard done.insert(number).inserted else { return }
        exchange.events.append(.tookMessage(number))
    }

    // MARK: what it says

    mutating func read(_ line: ArraySlice<UInt8>) -> Exchange {
        var exchange = Exchange()
        switch StreamLine(line) {
        case .blank: return .nothing
        case .text(let text): exchange.events.append(.noted(text))
        case .object(let object): read(.object(object), &exchange)
        }
        return seen(exchange)
    }

    private mutating func seen(_ exchange: Exchange) -> Exchange {
        for event in exchange.events { turns.saw(event) }
        return exchange
    }

    private mutating func read(_ line: JSONValue, _ exchange: inout Exchange) {
        switch line["type"]?.stringValue {
        case "system"?: readSystem(line, &exchange)
        case "assistant"?: readAssistant(line, &exchange)
        case "user"?: readUser(line, &exchange)
        case "result"?: readResult(line, &exchange)
        case "control_request"?: readRequest(line, &exchange)
        case "control_response"?: readResponse(line, &exchange)
        case "control_cancel_request"?:
            guard let id = line["request_id"]?.stringValue, questions.removeValue(forKey: id) != nil else { break }
            exchange.events.append(.withdrew(request: id))
        case "command_lifecycle"?: readLifecycle(line, &exchange)
        case "rate_limit_event"?: readLimit(line["rate_limit_info"] ?? nil, &exchange)
        // Pieces of what comes whole, and signs of life.
        case "stream_event"?, "keep_alive"?, "tool_progress"?: break
        case let kind: exchange.events.append(.unknown(kind: (kind ?? "no type").oneLine(100)))
        }
    }

    private mutating func beginTurn(_ exchange: inout Exchange) {
        expectsTurn = false
        guard !isWorking else { return }
        isWorking = true
        apiError = nil
        exchange.events.append(.turnStarted)
    }

    private mutating func readSystem(_ line: JSONValue, _ exchange: inout Exchange) {
        let subtype = line["subtype"]?.stringValue ?? "no subtype"
        switch subtype {
        case "init":
            if let session = Self.session(line) { exchange.events.append(.session(session)) }
            beginTurn(&exchange)
        case "api_retry": readRetry(line, &exchange)
        case "task_started":
            if line["is_backgrounded"]?.boolValue != false { line["task_id"]?.stringValue.map { _ = tasks.insert($0) } }
        case "task_updated":
            let status = line["patch"]?["status"]?.stringValue
            if ["completed", "failed", "stopped", "killed", "cancelled"].contains(status) { endTask(line, status) }
        case "task_notification": endTask(line, line["status"]?.stringValue)
        case "background_tasks_changed":
            tasks = Set((line["tasks"]?.arrayValue ?? []).compactMap { $0["task_id"]?.stringValue })
        case "permission_denied":
            line["tool_use_id"]?.stringValue.map { _ = denied.insert($0) }
        case "compact_boundary": exchange.events.append(.noted("its context was compacted"))
        case "status", "thinking_tokens", "task_progress", "session_state_changed", "hook_started", "hook_progress",
            "hook_response", "files_persisted":
            break
        default: exchange.events.append(.unknown(kind: "system/\(subtype.oneLine(100))"))
        }
    }

    /// Of the end of a task in its background it tells the model, in a turn.
    private mutating func endTask(_ line: JSONValue, _ status: String?) {
        guard let id = line["task_id"]?.stringValue, tasks.remove(id) != nil else { return }
        if !isWorking, status == "completed" || status == "failed" { expectsTurn = true }
    }

    private static func session(_ line: JSONValue) -> AgentEvent.Session? {
        guard let id = line["session_id"]?.stringValue else { return nil }
        var session = AgentEvent.Session(
            id: id,
            model: line["model"]?.stringValue,
            version: line["claude_code_version"]?.stringValue
        )
        for server in line["mcp_servers"]?.arrayValue ?? [] {
            guard let name = server["name"]?.stringValue, let status = server["status"]?.stringValue else { continue }
            if status != "connected", status != "pending" { session.missingServers[name] = status }
        }
        return session
    }

    private mutating func readRetry(_ line: JSONValue, _ exchange: inout Exchange) {
        let attempt = line["attempt"]?.intValue ?? 1
        let status = line["error_status"]?.intValue
        let reason = [status.map(String.init), line["error"]?.stringValue].compactMap { $0 }.joined(separator: " ")
        switch status {
        case 429?: exchange.events.append(.limited(reason: reason, until: nil))
        // Once is what it takes to have a login renewed; after that it goes on asking for minutes.
        case 401? where attempt > 1, 403? where attempt > 1:
            guard isWorking || expectsTurn else { break }
            endTurn(.failed(.credentials, reason: "its provider refuses its credentials: \(reason)"), &exchange)
        default: exchange.events.append(.retrying(reason: reason, attempt: attempt))
        }
    }

    private mutating func readAssistant(_ line: JSONValue, _ exchange: inout Exchange) {
        let parent = line["parent_tool_use_id"]?.stringValue
        guard let message = line["message"], let blocks = message["content"]?.arrayValue else {
            return exchange.events.append(.unknown(kind: "assistant without content"))
        }
        if let error = line["error"]?.stringValue { apiError = error }
        beginTurn(&exchange)
        for block in blocks { readBlock(block, parent, &exchange) }
        if meter.saw(message: message) { exchange.events.append(.used(meter.report)) }
    }

    private func readBlock(_ block: JSONValue, _ parent: String?, _ exchange: inout Exchange) {
        switch block["type"]?.stringValue {
        case "text"?:
            guard let text = block["text"]?.stringValue, !text.isEmpty else { break }
            exchange.events.append(.said(text, by: parent == nil ? .agent : .subagent))
        case "thinking"?:
            guard let text = block["thinking"]?.stringValue, !text.isEmpty else { break }
            exchange.events.append(.said(text, by: .thinking))
        case "redacted_thinking"?: break
        case "tool_use"?, "server_tool_use"?:
            guard let id = block["id"]?.stringValue, let name = block["name"]?.stringValue else { break }
            let input = block["input"] ?? nil
            exchange.events.append(.toolStarted(ClaudeTools.call(id: id, name: name, input: input, parent: parent)))
        case let kind?: readToolEnd(block, kind, isDenied: false, &exchange)
        case nil: break
        }
    }

    private func readToolEnd(_ block: JSONValue, _ kind: String, isDenied: Bool, _ exchange: inout Exchange) {
        guard kind.hasSuffix("tool_result"), let id = block["tool_use_id"]?.stringValue else { return }
        let failed = block["is_error"]?.boolValue == true
        exchange.events.append(
            .toolEnded(
                ToolResult(
                    id: id,
                    outcome: !failed ? .succeeded : isDenied || denied.contains(id) ? .denied : .failed,
                    output: ClaudeTools.output(block["content"])
                )
            )
        )
    }

    private mutating func readUser(_ line: JSONValue, _ exchange: inout Exchange) {
        let parent = line["parent_tool_use_id"]?.stringValue
        let content = line["message"]?["content"]
        var texts: [String] = []
        switch content {
        case .string(let text)?: texts = [text]
        case .array(let blocks)?:
            let rejected = Set(
                (line["tool_result_meta"]?.arrayValue ?? []).compactMap { meta in
                    meta["permission_decision"]?["decision"]?.stringValue == "reject" ? meta["id"]?.stringValue : nil
                }
            )
            for block in blocks {
                switch block["type"]?.stringValue {
                case "text"?: block["text"]?.stringValue.map { texts.append($0) }
                case let kind?:
                    let id = block["tool_use_id"]?.stringValue
                    readToolEnd(block, kind, isDenied: id.map(rejected.contains) ?? false, &exchange)
                    if let id { denied.remove(id) }
                case nil: break
                }
            }
        default: return exchange.events.append(.unknown(kind: "user without content"))
        }
        // What it tells its sub-agents is in the call that began them.
        guard parent == nil, !texts.isEmpty else { return }
        let text = texts.joined(separator: "\n")
        let isEcho = line["isReplay"]?.boolValue == true || (dialect == .amp && line["isSynthetic"] == nil)
        guard isEcho else { return exchange.events.append(.noted(text)) }
        readEcho(of: text, mark: line["uuid"]?.stringValue, &exchange)
    }

    /// It has taken in what it was told.
    private mutating func readEcho(of text: String, mark: String?, _ exchange: inout Exchange) {
        beginTurn(&exchange)
        exchange.events.append(.said(text, by: .person))
        switch dialect {
        case .claude:
            if let number = mark.flatMap(marks.message) { took(number, &exchange) }
        case .amp:
            if text == opening, !hasBegun {
                hasBegun = true
            } else if let number = awaited.filter({ $0.value == text }).keys.min() {
                took(number, &exchange)
            } else {
                echoes.append(text)
            }
        }
    }

    private mutating func readLifecycle(_ line: JSONValue, _ exchange: inout Exchange) {
        guard let number = line["command_uuid"]?.stringValue.flatMap(marks.message),
            ["cancelled", "discarded"].contains(line["state"]?.stringValue), done.insert(number).inserted
        else { return }
        awaited[number] = nil
        exchange.events.append(.refusedMessage(number, reason: "it was dropped before it came to the model"))
    }

    private func readLimit(_ info: JSONValue, _ exchange: inout Exchange) {
        let kind = info["rateLimitType"]?.stringValue ?? "rate limit"
        switch info["status"]?.stringValue {
        case "rejected"?:
            let until = info["resetsAt"]?.intValue.flatMap { (0...1 << 40).contains($0) ? $0 : nil }
            exchange.events.append(
                .limited(reason: kind, until: until.map { Instant(milliseconds: Int64($0) * 1000) })
            )
        case "allowed_warning"?:
            let share = info["utilization"]?.doubleValue.map { ", \(min(999, max(0, ($0 * 100).rounded())))% used" }
            exchange.events.append(.noted("near its limit: \(kind)\(share ?? "")"))
        default: break
        }
    }

    // MARK: questions

    private mutating func readRequest(_ line: JSONValue, _ exchange: inout Exchange) {
        guard let id = line["request_id"]?.stringValue else {
            return exchange.events.append(.unknown(kind: "control_request without id"))
        }
        let request = line["request"] ?? nil
        switch request["subtype"]?.stringValue {
        case "can_use_tool"?:
            ask(id, .permission, request["tool_name"], request["input"], request["tool_use_id"], request, &exchange)
        case "hook_callback"? where request["input"]?["hook_event_name"]?.stringValue == "PreToolUse":
            let input = request["input"] ?? nil
            ask(id, .hook, input["tool_name"], input["tool_input"], input["tool_use_id"], request, &exchange)
        case let subtype:
            // It waits for an answer.
            exchange.events.append(.unknown(kind: "control_request/\((subtype ?? "no subtype").oneLine(100))"))
            let error: JSONValue = ["subtype": "error", "request_id": .string(id), "error": "orch does not do that"]
            exchange.send("answer-\(id)", ["type": "control_response", "response": error])
        }
    }

    private mutating func ask(
        _ id: String,
        _ form: Question.Form,
        _ name: JSONValue?,
        _ input: JSONValue?,
        _ tool: JSONValue?,
        _ request: JSONValue,
        _ exchange: inout Exchange
    ) {
        let input = input ?? [:]
        let tool = tool?.stringValue ?? id
        let call = ClaudeTools.call(id: tool, name: name?.stringValue ?? "?", input: input, parent: nil)
        let reason = request["decision_reason"]?.stringValue ?? request["blocked_path"]?.stringValue
        questions[id] = Question(form: form, input: input, tool: tool)
        exchange.events.append(.asked(PermissionRequest(id: id, call: call, reason: reason)))
    }

    /// An answer to what orch asked, or the echo of one that orch gave.
    private mutating func readResponse(_ line: JSONValue, _ exchange: inout Exchange) {
        let response = line["response"] ?? nil
        guard let id = response["request_id"]?.stringValue else { return }
        if response["subtype"]?.stringValue == "error" {
            let error = response["error"]?.stringValue ?? "no reason"
            exchange.events.append(.noted("\(id.oneLine(100)) was refused: \(error.oneLine(300))"))
        }
        guard let question = questions.removeValue(forKey: id) else { return }
        let answer = response["response"] ?? nil
        let isDenied =
            answer["behavior"]?.stringValue == "deny"
            || answer["hookSpecificOutput"]?["permissionDecision"]?.stringValue == "deny"
        if isDenied { denied.insert(question.tool) }
    }

    // MARK: the end of a turn

    private mutating func readResult(_ line: JSONValue, _ exchange: inout Exchange) {
        let before = meter.report
        meter.saw(result: line)
        if meter.report != before { exchange.events.append(.used(meter.report)) }
        endTurn(end(line), &exchange)
        expectsTurn = (line["queued_turn_count"]?.intValue ?? 0) > 0
    }

    private mutating func endTurn(_ end: TurnEnd, _ exchange: inout Exchange) {
        isWorking = false
        expectsTurn = false
        exchange.events.append(.turnEnded(end))
    }

    private func end(_ line: JSONValue) -> TurnEnd {
        let text = line["result"]?.stringValue
        if line["subtype"]?.stringValue == "success", line["is_error"]?.boolValue == false {
            return line["stop_reason"]?.stringValue == "refusal"
                ? .failed(.refusal, reason: "the model refused: \((text ?? "").oneLine(300))")
                : .completed(text ?? "")
        }
        if line["terminal_reason"]?.stringValue?.hasPrefix("aborted") == true { return .interrupted }
        let errors = (line["errors"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: "; ")
        let said = [text, line["error"]?.stringValue, errors, line["subtype"]?.stringValue]
        let reason = said.lazy.compactMap { $0 }.map { $0.oneLine(300) }.first { !$0.isEmpty }
        return .failed(failure(line, reason ?? ""), reason: reason ?? "it does not say why")
    }

    private func failure(_ line: JSONValue, _ reason: String) -> TurnEnd.Failure {
        switch line["subtype"]?.stringValue {
        case "error_max_turns"?: return .turns
        case "error_max_budget_usd"?: return .budget
        default: break
        }
        if reason.hasPrefix("No conversation found") { return .noSession }
        let status = line["api_error_status"]?.intValue
        let isRefused =
            status == 401 || status == 403 || apiError == "authentication_failed"
            || line["api_error_type"]?.stringValue == "authentication_error"
            // Who never logged in gets no answer to have a status.
            || reason.hasPrefix("Not logged in") || reason.hasPrefix("Invalid API key")
        if isRefused { return .credentials }
        return status != nil || apiError != nil || line["terminal_reason"]?.stringValue == "api_error"
            ? .provider : .other
    }
}

extension Exchange {
    fileprivate mutating func send(_ key: String, _ line: JSONValue) {
        outgoing.append(Outgoing(key: key, line: line.description))
    }
}
