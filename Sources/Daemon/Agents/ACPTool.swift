import Core
import IPC

// Uses of tools, questions and costs, as the Agent Client Protocol has them.

extension ToolCall {
    /// What an update says comes over what is known.
    init(acp update: JSONValue, id: String, known: ToolCall?) {
        let input = update["rawInput"] ?? [:]
        let command =
            input.text("command")
            ?? input["command"]?.arrayValue.map {
                $0.compactMap(\.stringValue).joined(separator: " ")
            }
        var paths = (update["locations"]?.elements ?? []).compactMap { $0.text("path") }
        paths += (update["content"]?.elements ?? []).compactMap { $0.text("type") == "diff" ? $0.text("path") : nil }
        paths += ["file_path", "filePath", "path", "abs_path", "notebook_path"].compactMap { input.text($0) }
        var unique: [String] = known?.paths ?? []
        for path in paths where !unique.contains(path) { unique.append(path) }
        let meta = update["_meta"]?["claudeCode"]?.text("toolName")
        let kind =
            update.text("kind").flatMap(Self.kind)
            ?? known.flatMap { [.other, .orch].contains($0.kind) ? nil : $0.kind }
        let title = update.text("title")?.oneLine() ?? known?.title ?? ""
        let name = meta ?? known?.name ?? update.text("kind") ?? "tool"
        let guess = kind ?? Self.kind(input, command: command ?? known?.command, paths: unique)
        self.init(
            id: id,
            name: name,
            // A title may be of the model's making: what runs a command or names a file is not orch's, whatever it is called.
            kind: guess == .other && unique.isEmpty && Self.isOfOrch(name, title) ? .orch : guess,
            title: title,
            paths: unique,
            command: command ?? known?.command
        )
    }

    private static func isOfOrch(_ name: String, _ title: String) -> Bool {
        let prefix = "mcp__\(Assignment.ToolServer.name)__"
        return name.hasPrefix(prefix) || title.hasPrefix(prefix)
    }

    private static func kind(_ name: String) -> Kind? {
        switch name {
        case "read", "edit", "delete", "move", "search", "execute", "fetch", "think": Kind(rawValue: name)
        default: nil
        }
    }

    /// Of a use whose kind the agent does not say, from what it is to be given.
    private static func kind(_ input: JSONValue, command: String?, paths: [String]) -> Kind {
        if command != nil { return .execute }
        let writing = ["content", "new_string", "newString", "old_string", "edits", "diff", "patch", "new_source"]
        if !paths.isEmpty, writing.contains(where: { input[$0] != nil }) { return .edit }
        return .other
    }
}

extension ToolResult.Outcome {
    /// Nil as long as it goes on.
    init?(acp status: String?) {
        switch status {
        case "completed": self = .succeeded
        case "failed": self = .failed
        default: return nil
        }
    }
}

/// What came of a use of a tool.
enum ACPOutput {
    static func text(_ update: JSONValue) -> String {
        let parts = (update["content"]?.elements ?? []).compactMap { part in
            part["content"]?.text("text")
                ?? (part.text("type") == "diff" ? part.text("path").map { "changed \($0)" } : nil)
        }
        if !parts.isEmpty { return parts.joined(separator: "\n") }
        guard let output = update["rawOutput"], !output.isNull else { return "" }
        return output.stringValue ?? output.description
    }
}

/// A question of leave, and the options that the agent gives for its answer.
struct ACPQuestion: Equatable, Sendable {
    let request: PermissionRequest
    private let id: JSONValue
    private let options: [(id: String, kind: String)]

    init(id: JSONValue, params: JSONValue, calls: RunningTools) {
        self.id = id
        let tool = params["toolCall"] ?? [:]
        let number = tool.text("toolCallId") ?? ""
        request = PermissionRequest(
            id: Self.text(id),
            call: ToolCall(acp: tool, id: number, known: calls[number]),
            reason: params.text("description")?.oneLine()
        )
        options = (params["options"]?.elements ?? []).compactMap { option in
            guard let id = option.text("optionId"), let kind = option.text("kind") else { return nil }
            return (id, kind)
        }
    }

    static func == (a: Self, b: Self) -> Bool { a.request == b.request && a.id == b.id }
    static func text(_ id: JSONValue) -> String { id.stringValue ?? id.description }

    /// This once, where that can be said: what is asked the next time is orch's to answer again.
    func reply(_ answer: PermissionAnswer) -> Exchange.Outgoing {
        let kinds = answer == .allow ? ["allow_once", "allow_always"] : ["reject_once", "reject_always"]
        for kind in kinds {
            guard let option = options.first(where: { $0.kind == kind }) else { continue }
            return outgoing(["outcome": "selected", "optionId": .string(option.id)])
        }
        return cancellation
    }

    var cancellation: Exchange.Outgoing { outgoing(["outcome": "cancelled"]) }

    private func outgoing(_ outcome: JSONValue) -> Exchange.Outgoing {
        let line: JSONValue = ["jsonrpc": "2.0", "id": id, "result": ["outcome": outcome]]
        return .init(key: "answer-\(request.id)", line: line.description)
    }
}

/// What a run over ACP has cost, where its agent says so. It counts by session. Of tokens it says how full the context is,
/// which is no usage.
struct ACPCost {
    private let before: UsageReport?
    private let model: String
    private var isNoted = false

    /// Nil if what the session had cost before this run is not known.
    init(before: UsageReport?, model: String?) {
        self.before = before
        self.model = model ?? ""
    }

    mutating func update(_ update: JSONValue) -> [AgentEvent] {
        guard let cost = update["cost"], !cost.isNull else { return [] }
        guard let before else { return once("It says what the whole session has cost, and not what this run has.") }
        guard cost.text("currency")?.uppercased() == "USD", let amount = cost["amount"]?.microdollars else {
            return once("It says its cost in another currency than US dollars.")
        }
        let earlier = before.models.values.reduce(0) { $0 + ($1.cost ?? 0) }
        return [.used(UsageReport(models: [model: .init(cost: max(0, amount - earlier))]))]
    }

    private mutating func once(_ note: String) -> [AgentEvent] {
        defer { isNoted = true }
        return isNoted ? [] : [.noted(note)]
    }
}
