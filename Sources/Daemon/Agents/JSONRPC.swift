import IPC

/// A message of JSON-RPC from an agent, with or without the member `jsonrpc`.
enum RPCMessage: Equatable {
    case notification(method: String, JSONValue)
    case request(id: JSONValue, method: String, JSONValue)
    case result(id: String, JSONValue)
    case failure(id: String, RPCFailure)

    struct RPCFailure: Equatable {
        var code: Int
        var message: String
        var data: JSONValue?

        static let overloaded = -32_001
        static let authenticationRequired = -32_000
        static let unknownMethod = -32_601
    }

    init?(_ object: JSONObject) {
        let id = object["id"].flatMap { $0.isNull ? nil : $0 }
        if let method = object["method"]?.stringValue {
            let params = object["params"] ?? [:]
            self = id.map { .request(id: $0, method: method, params) } ?? .notification(method: method, params)
        } else if let id {
            // orch's own ids are strings; what answers no request of orch's is nothing to anybody.
            if let error = object["error"], !error.isNull {
                let failure = RPCFailure(
                    code: error["code"]?.intValue ?? 0,
                    message: error.text("message") ?? error.description,
                    data: error["data"]
                )
                self = .failure(id: id.stringValue ?? id.description, failure)
            } else {
                self = .result(id: id.stringValue ?? id.description, object["result"] ?? .null)
            }
        } else {
            return nil
        }
    }
}

/// The keys of requests that may have to be made again: `message-3`, then `message-3-again-1`. A key is also the id of its
/// request, so that an answer is understood by who has not been told of the request.
struct RequestKey: Equatable {
    var base: String
    var attempt: Int

    init(_ base: String, attempt: Int = 0) { (self.base, self.attempt) = (base, attempt) }

    init(parsing text: String) {
        let parts = text.split(separator: "-again-", maxSplits: 1)
        if parts.count == 2, let attempt = Int(parts[1]), attempt > 0 {
            self.init(String(parts[0]), attempt: min(attempt, 1_000_000))
        } else {
            self.init(text)
        }
    }

    static func message(_ number: Int) -> String { "message-\(number)" }

    /// The number of the message it is about.
    var message: Int? { base.hasPrefix("message-") ? Int(base.dropFirst("message-".count)) : nil }

    var text: String { attempt == 0 ? base : "\(base)-again-\(attempt)" }
}
