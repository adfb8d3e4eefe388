import Core
import IPC

/// opencode, one turn to a process: it is told all at its start, and says with each step what that cost.
struct OpencodeAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        var options = ["run", "--format", "json"]
        if let model = profile.model { options += ["--model", model] }
        if let session = assignment.session { options += ["--session", session] }
        var environment = assignment.environment(of: profile)
        if let tools = assignment.tools {
            let given = environment["OPENCODE_CONFIG_CONTENT"] ?? ""
            environment["OPENCODE_CONFIG_CONTENT"] = Self.configuration(given, with: tools)
        }
        return Invocation(
            arguments: profile.program + options + profile.arguments + ["--", assignment.openingArgument],
            environment: environment,
            standardInput: .null
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? { OpencodeConversation(model: profile.model) }

    /// What the profile gives it, and orch's tools.
    private static func configuration(_ given: String, with tools: Assignment.ToolServer) -> String {
        var configuration = (try? JSONValue(parsing: given))?.objectValue ?? JSONObject()
        var servers = configuration["mcp"]?.objectValue ?? JSONObject()
        let environment = tools.environment.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        servers[Assignment.ToolServer.name] = [
            "type": "local", "command": JSONValue(tools.command), "environment": .object(JSONObject(environment)),
            "enabled": true,
        ]
        configuration["mcp"] = .object(servers)
        return JSONValue.object(configuration).description
    }
}

/// What `opencode run --format json` prints, read.
struct OpencodeConversation: Conversation {
    private let model: String
    private var session: String?
    private var tools = RunningTools()
    private var lastWords = ""
    private var used = UsageReport.OfModel(cost: 0)
    private var isUnderWay = true
    /// A turn is made of steps, and nothing says that it begins.
    private var isInTurn = false
    private var verdict = TurnVerdict()

    init(model: String?) { self.model = model ?? "" }

    let canBeSteered = false
    let isOpen = false
    var isBusy: Bool { isUnderWay }

    mutating func begin() -> Exchange { .nothing }

    mutating func take(_ order: ConversationOrder) -> Exchange {
        guard case .say(let number, _) = order else { return .nothing }
        return Exchange(events: [.refusedMessage(number, reason: "opencode run takes no messages while it works")])
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

    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome { verdict.verdict(outcome, error: error) }

    private mutating func events(_ line: JSONValue) -> [AgentEvent] {
        var events: [AgentEvent] = []
        if session == nil, let id = line.text("sessionID") {
            session = id
            events.append(.session(.init(id: id, model: model.isEmpty ? nil : model)))
        }
        let part = line["part"] ?? [:]
        switch line.text("type") {
        case "step_start":
            guard !isInTurn else { return events }
            (isInTurn, isUnderWay) = (true, true)
            return events + [.turnStarted]
        case "text":
            lastWords = part.text("text") ?? ""
            return events + (lastWords.isEmpty ? [] : [.said(lastWords, by: .agent)])
        case "reasoning":
            let text = part.text("text") ?? ""
            return events + (text.isEmpty ? [] : [.said(text, by: .thinking)])
        case "tool_use": return events + tool(part)
        case "step_finish": return events + stepped(part)
        case "error": return events + ended(.failed(Self.failure(line["error"]), reason: Self.reason(line["error"])))
        case "done": return events + done(line)
        case let type: return events + [.unknown(kind: type?.oneLine(60) ?? "a line without a type")]
        }
    }

    private mutating func ended(_ end: TurnEnd) -> [AgentEvent] {
        (isInTurn, isUnderWay) = (false, false)
        return tools.endAll() + [.turnEnded(end)]
    }

    /// Told when it has ended, and then as a whole.
    private mutating func tool(_ part: JSONValue) -> [AgentEvent] {
        guard let id = part.text("callID"), let name = part.text("tool") else { return [.unknown(kind: "tool_use")] }
        let state = part["state"] ?? [:]
        let input = state["input"] ?? [:]
        let command = input.text("command")
        let paths = ["filePath", "path"].compactMap { input.text($0) }
        let kind: ToolCall.Kind =
            switch name {
            case "read", "list": .read
            case "write", "edit", "multiedit", "patch", "apply_patch": .edit
            case "glob", "grep": .search
            case "bash": .execute
            case "webfetch", "websearch": .fetch
            case "task": .delegate
            case "todowrite", "todoread": .think
            default: name.hasPrefix("\(Assignment.ToolServer.name)_") ? .orch : .other
            }
        let title = command ?? paths.first ?? state.text("title") ?? input.text("pattern") ?? name
        let call = ToolCall(id: id, name: name, kind: kind, title: title.oneLine(), paths: paths, command: command)
        switch state.text("status") {
        case "completed": return tools.end(ToolResult(id, .succeeded, state.text("output") ?? ""), of: call)
        case "error": return tools.end(ToolResult(id, .failed, state.text("error") ?? ""), of: call)
        default: return tools.start(call)
        }
    }

    private mutating func stepped(_ part: JSONValue) -> [AgentEvent] {
        let tokens = part["tokens"] ?? [:]
        used.tokens =
            used.tokens
            + Tokens(
                input: tokens.count("input"),
                // What it thinks is counted beside what it says, and costs the same.
                output: tokens.count("output") + tokens.count("reasoning"),
                cacheRead: tokens["cache"]?.count("read") ?? 0,
                cacheWrite: tokens["cache"]?.count("write") ?? 0
            )
        // A step whose cost it does not know is one whose cost nobody knows, and then so is that of them all.
        used.cost = used.cost.flatMap { sum in part["cost"]?.microdollars.map { sum + $0 } }
        let report = AgentEvent.used(UsageReport(models: [model: used]))
        switch part.text("reason") {
        case "tool-calls", "tool_calls": return [report]
        case "stop", "end_turn": return [report] + ended(.completed(lastWords))
        case "length": return [report] + ended(.failed(.other, reason: "its model has written as much as it may"))
        case "content-filter": return [report] + ended(.failed(.refusal, reason: "its model's answer was filtered"))
        case let reason:
            return [report, .noted("A step ended for a reason that orch does not know: \(reason ?? "none")")]
        }
    }

    /// In the newest versions: the end of all, with what was asked for and refused, since nobody answers here.
    private mutating func done(_ line: JSONValue) -> [AgentEvent] {
        isUnderWay = false
        let rejected = (line["rejected"]?.elements ?? []).map { $0.stringValue ?? $0.description }
        guard !rejected.isEmpty else { return [] }
        return [.noted("It was refused: \(rejected.joined(separator: ", "))".oneLine(500))]
    }

    private static func reason(_ error: JSONValue?) -> String {
        let text =
            error?.stringValue ?? error?["data"]?.text("message") ?? error?.text("message") ?? error?.text("name")
        return (text ?? "it does not say why").oneLine(500)
    }

    private static func failure(_ error: JSONValue?) -> TurnEnd.Failure {
        switch error?.text("name") {
        case "ProviderAuthError": .credentials
        case "APIError": [401, 403].contains(error?["data"]?["statusCode"]?.intValue) ? .credentials : .provider
        default: .other
        }
    }
}
