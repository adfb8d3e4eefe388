import Core
import IPC

extension AgentActivity {
    /// What is told of it: `{"run": …, "state": "tool", "tool": "Bash", "title": "make test", "since": …, …}`.
    func row(of run: RunID, redactedBy redactor: Redactor) -> JSONObject {
        var row: JSONObject = ["run": .string(run.description), "state": .string(state.word)]
        for (key, value) in state.fields { row[key] = value.stringValue.map { .string(redactor.redact($0)) } ?? value }
        row["since"] = .string(Timestamp.text(since))
        if let evidence {
            row["evidence"] = ["event": .string(evidence.event), "offset": JSONValue(evidence.offset)]
        }
        return row
    }
}

extension AgentActivity.State {
    fileprivate var word: String {
        switch self {
        case .starting: "starting"
        case .working: "working"
        case .tool: "tool"
        case .permission: "permission"
        case .question: "question"
        case .stuck: "stuck"
        case .limited: "limited"
        case .retrying: "retrying"
        case .idle: "idle"
        }
    }

    fileprivate var fields: [(String, JSONValue)] {
        switch self {
        case .starting, .working, .idle: []
        case .tool(let call), .question(let call): [("tool", .string(call.name)), ("title", .string(call.title))]
        case .permission(let request):
            [
                ("tool", .string(request.call.name)), ("title", .string(request.call.title)),
                ("request", .string(request.id)),
            ]
        case .stuck(let finding): [("reason", .string(finding))]
        case .limited(let reason, let until):
            [("reason", .string(reason))] + (until.map { [("until", .string(Timestamp.text($0)))] } ?? [])
        case .retrying(let reason, let attempt): [("reason", .string(reason)), ("attempt", JSONValue(attempt))]
        }
    }
}

extension Message.Delivery {
    /// The word of the wire.
    var word: String {
        switch self {
        case .waiting: "queued"
        case .handed, .opening: "sent"
        }
    }
}
