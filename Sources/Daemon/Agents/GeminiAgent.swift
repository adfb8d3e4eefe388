import Core
import IPC

/// Gemini CLI, one turn to a process: it is told all at its start, and its exit has a code for what stopped it.
struct GeminiAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        var options = ["--output-format=stream-json"]
        // Given twice it is refused.
        let modes = ["--approval-mode", "--yolo", "-y"]
        let hasMode = (profile.command + profile.arguments).contains { argument in
            modes.contains { argument == $0 || argument.hasPrefix("\($0)=") }
        }
        if !hasMode { options.append("--approval-mode=auto_edit") }
        if let model = profile.model { options.append("--model=\(model)") }
        if let session = assignment.session { options.append("--resume=\(session)") }
        var environment = assignment.environment(of: profile)
        // The worktree is orch's own. A folder that is not trusted would have it ask for leave where nobody can give it.
        environment["GEMINI_CLI_TRUST_WORKSPACE"] = environment["GEMINI_CLI_TRUST_WORKSPACE"] ?? "true"
        return Invocation(
            arguments: profile.program + options + profile.arguments + ["--prompt=\(assignment.openingArgument)"],
            environment: environment,
            standardInput: .null
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? { GeminiConversation(model: profile.model) }
}

/// What `gemini --output-format stream-json` prints, read.
struct GeminiConversation: Conversation {
    private var model: String?
    private var tools = RunningTools()
    private var saying = ""
    private var lastWords = ""
    private var isUnderWay = true
    private var verdict = TurnVerdict()

    init(model: String?) { self.model = model }

    let canBeSteered = false
    let isOpen = false
    var isBusy: Bool { isUnderWay }

    mutating func begin() -> Exchange { .nothing }

    mutating func take(_ order: ConversationOrder) -> Exchange {
        guard case .say(let number, _) = order else { return .nothing }
        return Exchange(events: [.refusedMessage(number, reason: "Gemini CLI takes no messages while it works")])
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
        let judged = verdict.verdict(outcome, error: error)
        guard case .exited(let code) = outcome, let reason = Self.reason(code) else { return judged }
        let details = error.split(whereSeparator: \.isNewline).last.map { ": \(String($0).oneLine(300))" } ?? ""
        switch judged {
        case .unknown: return code == 130 ? .unknown(reason) : .failed(reason + details)
        case .exited: return .failed(reason + details)
        default: return judged
        }
    }

    /// What its exit codes of its own mean.
    private static func reason(_ code: Int) -> String? {
        switch code {
        case 41: "Gemini CLI is not signed in, or its key is not valid"
        case 42: "Gemini CLI does not accept what it was started with"
        case 44: "Gemini CLI could not set up its sandbox"
        case 52: "Gemini CLI finds a mistake in its settings"
        case 53: "Gemini CLI has taken as many turns as it may"
        case 54: "a tool that Gemini CLI cannot do without failed"
        case 55: "Gemini CLI does not trust the worktree's folder"
        case 130: "Gemini CLI was interrupted"
        default: nil
        }
    }

    private mutating func events(_ line: JSONValue) -> [AgentEvent] {
        let type = line.text("type") ?? ""
        if type == "message", line.text("role") == "assistant" { return said(line) }
        let before = flush()
        switch type {
        case "init":
            model = model ?? line.text("model")
            isUnderWay = true
            return before + [.session(.init(id: line.text("session_id") ?? "", model: model)), .turnStarted]
        case "message":
            return before + (line.text("content").map { [.said($0, by: .person)] } ?? [])
        case "tool_use": return before + began(line)
        case "tool_result":
            guard let id = line.text("tool_id") else { return before + [.unknown(kind: type)] }
            let hasSucceeded = line.text("status") == "success"
            let output = line.text("output") ?? line["error"]?.text("message") ?? ""
            return before + tools.end(ToolResult(id, hasSucceeded ? .succeeded : .failed, output), of: nil)
        case "error": return before + [.noted((line.text("message") ?? "an error that it does not name").oneLine(500))]
        case "result": return before + ended(line)
        default: return before + [.unknown(kind: type.isEmpty ? "a line without a type" : type.oneLine(60))]
        }
    }

    /// Comes in pieces, each marked as such.
    private mutating func said(_ line: JSONValue) -> [AgentEvent] {
        let text = line.text("content") ?? ""
        guard line["delta"]?.boolValue != true else {
            saying += text
            return []
        }
        let before = flush()
        saying = text
        return before + flush()
    }

    private mutating func flush() -> [AgentEvent] {
        defer { saying = "" }
        guard !saying.isEmpty else { return [] }
        lastWords = saying
        return [.said(saying, by: .agent)]
    }

    private mutating func began(_ line: JSONValue) -> [AgentEvent] {
        guard let id = line.text("tool_id"), let name = line.text("tool_name") else {
            return [.unknown(kind: "tool_use")]
        }
        let parameters = line["parameters"] ?? [:]
        let command = parameters.text("command")
        let paths = ["file_path", "absolute_path", "path", "dir_path"].compactMap { parameters.text($0) }
        let kind: ToolCall.Kind =
            switch name {
            case "read_file", "read_many_files", "list_directory": .read
            case "write_file", "replace", "edit": .edit
            case "glob", "grep_search", "search_file_content": .search
            case "run_shell_command": .execute
            case "web_fetch", "google_web_search": .fetch
            default: .other
            }
        let title = command ?? paths.first ?? parameters.text("pattern") ?? parameters.text("query") ?? name
        return tools.start(
            ToolCall(id: id, name: name, kind: kind, title: title.oneLine(), paths: paths, command: command)
        )
    }

    private mutating func ended(_ line: JSONValue) -> [AgentEvent] {
        isUnderWay = false
        let end: TurnEnd
        switch line.text("status") {
        case "success": end = .completed(lastWords)
        case "error":
            let error = line["error"]
            let reason = (error?.text("message") ?? "it does not say why").oneLine(500)
            end = .failed(Self.failure(error?.text("type") ?? ""), reason: reason)
        case let status: end = .failed(.other, reason: "its result is neither success nor error: \(status ?? "none")")
        }
        return tools.endAll() + used(line["stats"]) + [.turnEnded(end)]
    }

    private static func failure(_ type: String) -> TurnEnd.Failure {
        if type.contains("Auth") { return .credentials }
        if type.contains("Turn") { return .turns }
        if type.contains("Api") || type.contains("API") || type.contains("Quota") { return .provider }
        return .other
    }

    /// Its input includes what came from its cache.
    private func used(_ stats: JSONValue?) -> [AgentEvent] {
        guard let stats, stats.objectValue != nil else { return [] }
        func tokens(_ counts: JSONValue) -> Tokens {
            let cached = counts.count("cached")
            let (input, output) = (counts.count("input_tokens"), counts.count("output_tokens"))
            // Thoughts are in the total alone.
            let thoughts = max(0, counts.count("total_tokens") - input - output)
            return Tokens(input: max(0, input - cached), output: output + thoughts, cacheRead: cached)
        }
        var report = UsageReport()
        if let models = stats["models"]?.objectValue {
            for (name, counts) in models { report.models[name] = .init(tokens: tokens(counts)) }
        }
        if report.models.isEmpty { report.models[model ?? ""] = .init(tokens: tokens(stats)) }
        return [.used(report)]
    }
}
