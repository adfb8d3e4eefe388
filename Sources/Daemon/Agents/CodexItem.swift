import IPC

/// A piece of a Codex thread: what is said, and each use of a tool. `codex exec` writes `command_execution` and
/// `exit_code` where the app server writes `commandExecution` and `exitCode`; here both are read, in the words of the first.
struct CodexItem {
    let id: String
    let type: String
    private let fields: JSONObject

    init?(_ value: JSONValue?) {
        guard let fields = value?.objectValue, let id = fields["id"]?.stringValue,
            let type = fields["type"]?.stringValue
        else { return nil }
        self.id = id
        self.type = Self.snake(type)
        self.fields = fields
    }

    /// The member of that name, in either spelling.
    subscript(name: String) -> JSONValue? { fields[name] ?? fields[Self.camel(name)] }

    private func text(_ name: String) -> String { self[name]?.stringValue ?? "" }

    private static func snake(_ name: String) -> String {
        var result = ""
        for character in name.prefix(64) {
            if character.isUppercase { result += "_" + character.lowercased() } else { result.append(character) }
        }
        return result
    }

    private static func camel(_ name: String) -> String {
        let words = name.split(separator: "_")
        return words.dropFirst().reduce(String(words.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
    }

    // MARK: What is said

    /// What the agent says or thinks, once it has said it.
    var said: (text: String, isThought: Bool)? {
        switch type {
        case "agent_message", "plan":
            let text = text("text")
            return text.isEmpty ? nil : (text, false)
        case "reasoning":
            let parts = (self["summary"]?.elements ?? []) + (self["content"]?.elements ?? [])
            let whole = text("text").isEmpty ? parts.compactMap(\.stringValue).joined(separator: "\n\n") : text("text")
            return whole.isEmpty ? nil : (whole, true)
        default: return nil
        }
    }

    /// The text of a message to the agent.
    var message: String {
        (self["content"]?.elements ?? []).compactMap { $0.text("text") }.joined(separator: "\n")
    }

    // MARK: What is done

    /// The use of a tool it is about; nil for what is none.
    func call(parent: String? = nil) -> ToolCall? {
        guard var call = bareCall else { return nil }
        call.parent = parent
        return call
    }

    private var bareCall: ToolCall? {
        switch type {
        case "command_execution":
            let command = Self.unwrapped(text("command"))
            return ToolCall(id: id, name: type, kind: .execute, title: command.oneLine(), command: command)
        case "file_change":
            return fileChange
        case "mcp_tool_call":
            let server = text("server")
            let kind: ToolCall.Kind = server == Assignment.ToolServer.name ? .orch : .other
            let name = "mcp__\(server)__\(text("tool"))"
            let said = self["arguments"].flatMap { $0.text("question") ?? $0.text("summary") }
            return ToolCall(id: id, name: name, kind: kind, title: (said ?? "\(server): \(text("tool"))").oneLine())
        case "web_search":
            return ToolCall(id: id, name: type, kind: .fetch, title: text("query").oneLine())
        case "collab_agent_tool_call", "collab_tool_call":
            let title = "\(text("tool")) \(text("prompt").oneLine())"
            return ToolCall(id: id, name: "collab_tool_call", kind: .delegate, title: title.oneLine())
        case "image_view":
            return ToolCall(id: id, name: type, kind: .read, title: text("path").oneLine(), paths: [text("path")])
        case "dynamic_tool_call":
            return ToolCall(id: id, name: type, kind: .other, title: text("tool").oneLine())
        case "sleep", "image_generation":
            return ToolCall(id: id, name: type, kind: .other, title: type)
        default: return nil
        }
    }

    private var changes: [(path: String, kind: String, to: String?)] {
        (self["changes"]?.elements ?? []).compactMap { change in
            guard let path = change.text("path") else { return nil }
            let kind = change.text("kind") ?? change["kind"]?.text("type") ?? "update"
            return (path, kind, change["kind"]?.text("move_path"))
        }
    }

    private var fileChange: ToolCall {
        let changes = changes
        let kind: ToolCall.Kind =
            if changes.isEmpty {
                .edit
            } else if changes.allSatisfy({ $0.kind == "delete" }) {
                .delete
            } else if changes.allSatisfy({ $0.to != nil }) {
                .move
            } else {
                .edit
            }
        let title = changes.count == 1 ? "\(changes[0].kind) \(changes[0].path)" : "\(changes.count) files"
        return ToolCall(
            id: id,
            name: type,
            kind: kind,
            title: title.oneLine(),
            paths: changes.flatMap { [$0.path] + ($0.to.map { [$0] } ?? []) }
        )
    }

    /// How it went, now that it has ended.
    var result: ToolResult { ToolResult(id, outcome, output) }

    private var outcome: ToolResult.Outcome {
        switch self["status"]?.stringValue {
        case "completed": .succeeded
        case "declined": .denied
        // Pictures looked at and searches have none.
        case nil where self["status"] == nil: .succeeded
        default: .failed
        }
    }

    private var output: String {
        switch type {
        case "command_execution": return text("aggregated_output")
        case "file_change": return changes.map { "\($0.kind) \($0.path)" }.joined(separator: "\n")
        case "mcp_tool_call":
            if let error = self["error"]?.text("message") { return error }
            return (self["result"]?["content"]?.elements ?? []).compactMap { $0.text("text") }.joined(separator: "\n")
        default: return ""
        }
    }

    /// The sub-agents' threads that a use of a tool is about.
    var receivers: [String] { (self["receiver_thread_ids"]?.elements ?? []).compactMap(\.stringValue) }

    /// What a shell is told to run, without the shell.
    static func unwrapped(_ command: String) -> String {
        for shell in [
            "/bin/bash", "/usr/bin/bash", "/bin/zsh", "/usr/bin/zsh", "/bin/sh", "/usr/bin/sh", "bash", "zsh", "sh",
        ] {
            for option in ["-lc", "-c"] where command.hasPrefix("\(shell) \(option) ") {
                return unquoted(command.dropFirst(shell.count + option.count + 2)) ?? command
            }
        }
        return command
    }

    /// The one word of a shell's language that the text is; nil if it is more than one, or not only quoted.
    private static func unquoted(_ text: Substring) -> String? {
        var (result, quote): (String, Character?) = ("", nil)
        var rest = text.makeIterator()
        while let character = rest.next() {
            switch (character, quote) {
            case ("'", "'"), ("\"", "\""): quote = nil
            case (_, "'"): result.append(character)
            case ("\\", "\""):
                guard let next = rest.next() else { return nil }
                if !"\\\"$`".contains(next) { result.append(character) }
                result.append(next)
            case (_, "\""): result.append(character)
            case ("'", _), ("\"", _): quote = character
            case ("\\", _):
                guard let next = rest.next() else { return nil }
                result.append(next)
            case (_, _) where character.isWhitespace: return nil
            default: result.append(character)
            }
        }
        return quote == nil ? result : nil
    }
}

extension TurnEnd {
    /// The end of a Codex turn that failed, from its error.
    init(codex error: JSONValue?) {
        let message = error?.text("message") ?? "its turn failed, and it did not say why"
        let details = error?.text("additionalDetails").map { " (\($0))" } ?? ""
        let reason = Self.worded(message + details).oneLine(500)
        self = .failed(Self.failure(error?["codexErrorInfo"], message), reason: reason)
    }

    /// What a provider says in the JSON that a message quotes, in the place of that JSON.
    static func worded(_ message: String) -> String {
        guard let first = message.firstIndex(of: "{"), let last = message.lastIndex(of: "}"), first < last,
            let body = try? JSONValue(parsing: String(message[first...last])),
            let said = body["error"]?.text("message") ?? body.text("message")
        else { return message }
        return message[..<first] + said + message[message.index(after: last)...]
    }

    /// `codex exec` says the message alone; its statuses of HTTP are in it.
    private static func failure(_ info: JSONValue?, _ message: String) -> Failure {
        let status = info.flatMap(Self.status) ?? Self.status(in: message)
        switch (info?.stringValue, status) {
        case ("unauthorized", _), (_, 401?), (_, 403?): return .credentials
        case ("sessionBudgetExceeded", _): return .budget
        case ("cyberPolicy", _), ("misalignmentPolicyViolation", _): return .refusal
        case ("usageLimitExceeded", _), ("rateLimitExceeded", _), ("serverOverloaded", _), ("internalServerError", _),
            ("flexUnavailable", _), ("badRequest", _):
            return .provider
        case (_, .some): return .provider
        case (_, nil):
            let isOfTheWay = info?.objectValue != nil || message.contains("stream disconnected")
            return isOfTheWay ? .provider : .other
        }
    }

    /// Of `{"httpConnectionFailed": {"httpStatusCode": 529}}`.
    static func status(_ info: JSONValue) -> Int? {
        guard let object = info.objectValue else { return nil }
        for (_, value) in object { if let code = value["httpStatusCode"]?.intValue { return code } }
        return nil
    }

    /// Of `unexpected status 529 Overloaded`, `last status: 429 Too Many Requests`.
    private static func status(in message: String) -> Int? {
        for sign in ["unexpected status ", "last status: "] {
            guard let range = message.firstRange(of: sign) else { continue }
            return Int(message[range.upperBound...].prefix { $0.isNumber && $0.isASCII })
        }
        return nil
    }
}
