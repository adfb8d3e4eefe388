import IPC

/// A question of Codex's that orch, or a person, answers: may it run this, write that, use that tool?
struct CodexQuestion: Equatable, Sendable {
    private enum Kind: Equatable, Sendable {
        case decision
        case elicitation
        /// What it asks for, which is what it is given.
        case permissions(JSONValue)
    }

    let request: PermissionRequest
    var isAnswered = false
    private let id: JSONValue
    private let kind: Kind
    private let thread: String
    private let turn: String?

    /// Nil if it is a question that nobody is to be asked.
    init?(id: JSONValue, method: String, params: JSONValue, tools: RunningTools) {
        let item = params.text("itemId") ?? ""
        let call: ToolCall
        var reason = params.text("reason")
        switch method {
        case "item/commandExecution/requestApproval":
            kind = .decision
            let command = params.text("command").map(CodexItem.unwrapped) ?? tools[item]?.command
            call = ToolCall(
                id: item,
                name: "command_execution",
                kind: .execute,
                title: (command ?? "input to a terminal").oneLine(),
                command: command
            )
            if let host = params["networkApprovalContext"]?.text("host") {
                reason = [reason, "it wants to reach \(host)"].compactMap { $0 }.joined(separator: "; ")
            }
        case "item/fileChange/requestApproval":
            kind = .decision
            let root = params.text("grantRoot").map { [$0] } ?? []
            var change =
                tools[item]
                ?? ToolCall(
                    id: item,
                    name: "file_change",
                    kind: .edit,
                    title: root.first?.oneLine() ?? "a change to files"
                )
            change.paths += root
            call = change
        case "item/permissions/requestApproval":
            let permissions = params["permissions"] ?? [:]
            kind = .permissions(permissions)
            call = ToolCall(
                id: item,
                name: "request_permissions",
                kind: .other,
                title: permissions.description.oneLine(),
                paths: (permissions["fileSystem"]?["write"]?.elements ?? []).compactMap(\.stringValue)
            )
        case "mcpServer/elicitation/request":
            // Anything else that a tool's server asks takes a form to be filled in.
            guard params["_meta"]?.text("codex_approval_kind") == "mcp_tool_call" else { return nil }
            kind = .elicitation
            let server = params.text("serverName") ?? ""
            let name = "mcp__\(server)__"
            let title = (params.text("message") ?? "a tool of \(server)").oneLine()
            call = tools.last(named: name) ?? ToolCall(id: item, name: name, kind: .other, title: title)
            reason = reason ?? params.text("message")?.oneLine()
        default: return nil
        }
        self.id = id
        thread = params.text("threadId") ?? ""
        turn = params.text("turnId")
        request = PermissionRequest(id: Self.text(id), call: call, reason: reason)
    }

    /// The id of a request of Codex's, which is a number or a string.
    static func text(_ id: JSONValue) -> String { id.stringValue ?? id.description }

    /// The lines that answer. What a denial says goes into the turn as a message of its own, and before the denial, so that
    /// the model is given both at once: the denial itself carries no words.
    func reply(_ answer: PermissionAnswer) -> [Exchange.Outgoing] {
        var outgoing: [Exchange.Outgoing] = []
        if case .deny(let message) = answer, let turn, !message.isEmpty {
            let key = "denied-\(request.id)"
            let params: JSONValue = [
                "threadId": .string(thread), "expectedTurnId": .string(turn), "clientUserMessageId": .string(key),
                "input": [["type": "text", "text": .string(message)]],
            ]
            let line: JSONValue = ["id": .string(key), "method": "turn/steer", "params": params]
            outgoing.append(.init(key: key, line: line.description))
        }
        let isAllowed = answer == .allow
        let result: JSONValue =
            switch kind {
            case .decision: ["decision": isAllowed ? "accept" : "decline"]
            case .elicitation: ["action": isAllowed ? "accept" : "decline", "content": isAllowed ? [:] : nil]
            case .permissions(let asked): ["permissions": isAllowed ? asked : [:], "scope": "turn"]
            }
        let line: JSONValue = ["id": id, "result": result]
        outgoing.append(.init(key: "answer-\(request.id)", line: line.description))
        return outgoing
    }

    /// The answer to what nobody is to be asked, so that it is not waited for, and what there is to say about it.
    static func refusal(_ id: JSONValue, _ method: String, _ params: JSONValue) -> (Exchange.Outgoing, note: String) {
        var reply: JSONObject = ["id": id]
        let note: String
        switch method {
        case "item/tool/requestUserInput":
            reply["result"] = ["answers": [:]]
            let questions = (params["questions"]?.elements ?? []).compactMap { $0.text("question") }
            note = "It asked, and nobody answers here: \(questions.joined(separator: " ").oneLine())"
        case "mcpServer/elicitation/request":
            reply["result"] = ["action": "decline", "content": nil]
            note =
                "The tool server \(params.text("serverName") ?? "?") asked, and nobody answers here: "
                + (params.text("message") ?? "").oneLine()
        default:
            let message = "orch does not answer \(method)"
            reply["error"] = ["code": JSONValue(RPCMessage.RPCFailure.unknownMethod), "message": .string(message)]
            note = "It made a request that orch does not know: \(method)"
        }
        return (.init(key: "reply-\(text(id))", line: JSONValue.object(reply).description), note)
    }
}
