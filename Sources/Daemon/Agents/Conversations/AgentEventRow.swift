import Core
import IPC

extension AgentEvent {
    /// The event as `events.jsonl` and the wire write it. docs/protocol.md describes every field.
    ///
    /// - Parameter offset: where in the run's `stdout` the line begins that says so.
    func row(at now: Instant, offset: Int) -> JSONObject {
        var row: JSONObject = [
            "time": .string(Timestamp.text(now)), "offset": JSONValue(offset), "event": .string(name),
        ]
        for (key, value) in fields { row[key] = value }
        return row
    }

    private var fields: [(String, JSONValue?)] {
        switch self {
        case .session(let session):
            [
                ("session", .string(session.id)), ("model", session.model.map(JSONValue.string)),
                ("version", session.version.map(JSONValue.string)),
            ]
        case .turnStarted: []
        case .said(let text, let speaker): [("by", .string(speaker.rawValue)), ("text", .string(text))]
        case .toolStarted(let call): call.fields
        case .toolEnded(let result):
            [
                ("call", .string(result.id)), ("outcome", .string(result.outcome.rawValue)),
                ("output", .string(result.output)),
            ]
        case .used(let report): [("models", .object(report.row))]
        case .asked(let request):
            [("request", .string(request.id)), ("reason", request.reason.map(JSONValue.string))] + request.call.fields
        case .withdrew(let request): [("request", .string(request))]
        case .tookMessage(let number): [("message", JSONValue(number))]
        case .refusedMessage(let number, let reason): [("message", JSONValue(number)), ("reason", .string(reason))]
        case .limited(let reason, let until):
            [("reason", .string(reason)), ("until", until.map { .string(Timestamp.text($0)) })]
        case .retrying(let reason, let attempt): [("reason", .string(reason)), ("attempt", JSONValue(attempt))]
        case .turnEnded(.completed(let text)): [("outcome", "completed"), ("text", .string(text))]
        case .turnEnded(.interrupted): [("outcome", "interrupted")]
        case .turnEnded(.failed(let failure, let reason)):
            [("outcome", "failed"), ("failure", .string(failure.rawValue)), ("reason", .string(reason))]
        case .noted(let text): [("text", .string(text))]
        case .unknown(let kind): [("kind", .string(kind))]
        }
    }
}

extension ToolCall {
    var fields: [(String, JSONValue?)] {
        [
            ("call", .string(id)), ("tool", .string(name)), ("kind", .string(kind.rawValue)), ("title", .string(title)),
            ("paths", paths.isEmpty ? nil : JSONValue(paths)), ("command", command.map(JSONValue.string)),
            ("parent", parent.map(JSONValue.string)),
        ]
    }
}

extension UsageReport {
    fileprivate var row: JSONObject {
        JSONObject(
            models.sorted { $0.key < $1.key }.map { model, used in
                var row: JSONObject = [
                    "input": JSONValue(used.tokens.input), "output": JSONValue(used.tokens.output),
                    "cache_read": JSONValue(used.tokens.cacheRead), "cache_write": JSONValue(used.tokens.cacheWrite),
                ]
                row["cost_usd"] = used.cost.map { .double(Double($0) / 1_000_000) }
                return (model, .object(row))
            }
        )
    }
}
