/// The answer to one request.
public struct Response: Equatable, Sendable {
    /// The request's id; null when the request could not be read.
    public var id: JSONValue
    public var result: Result<JSONValue, RPCError>

    public init(id: JSONValue, result: Result<JSONValue, RPCError>) {
        self.id = id
        self.result = result
    }

    /// The response on one line, without a newline.
    public var bytes: [UInt8] {
        var object: JSONObject = ["jsonrpc": "2.0", "id": id]
        switch result {
        case .success(let value): object["result"] = value
        case .failure(let error): object["error"] = error.json
        }
        return object.bytes
    }

    /// The line of a response whose result has been encoded already.
    static func bytes(id: JSONValue, encoded result: [UInt8]) -> [UInt8] {
        let head: JSONObject = ["jsonrpc": "2.0", "id": id]
        return head.bytes.dropLast() + Array(#","result":"#.utf8) + result + [UInt8(ascii: "}")]
    }
}

/// What the daemon says unasked: an event, or an ephemeral line.
public struct Notification: Equatable, Sendable {
    /// `ticket.started`.
    public var method: String
    public var params: JSONObject

    public init(_ method: String, _ params: JSONObject = [:]) {
        self.method = method
        self.params = params
    }

    /// The event's number; nil when the line is ephemeral.
    public var seq: Int? { params["seq"]?.intValue }

    /// The notification on one line, without a newline.
    public var bytes: [UInt8] {
        (["jsonrpc": "2.0", "method": .string(method), "params": .object(params)] as JSONObject).bytes
    }
}

/// One line from the daemon.
public enum ServerLine: Equatable, Sendable {
    case notification(Notification)
    case response(Response)

    /// Reads a line; nil when it is neither, as a later version's might be.
    public init?(line: [UInt8]) {
        guard let value = try? JSONValue(parsing: line), case .object(let object) = value else { return nil }
        if let method = object["method"]?.stringValue {
            self = .notification(Notification(method, object["params"]?.objectValue ?? [:]))
        } else if let error = object["error"] {
            self = .response(Response(id: object["id"] ?? .null, result: .failure(RPCError(json: error))))
        } else if let result = object["result"] {
            self = .response(Response(id: object["id"] ?? .null, result: .success(result)))
        } else {
            return nil
        }
    }
}
