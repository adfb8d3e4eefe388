/// What a client asks.
public struct Request: Equatable, Sendable {
    /// A string, a number or null; nil in a notification, which gets no response.
    public var id: JSONValue?
    /// `ticket.continue`.
    public var method: String
    public var params: JSONObject

    public init(id: JSONValue?, method: String, params: JSONObject = [:]) {
        self.id = id
        self.method = method
        self.params = params
    }

    /// The request on one line, without a newline.
    public var bytes: [UInt8] {
        var object: JSONObject = ["jsonrpc": "2.0"]
        object["id"] = id
        object["method"] = .string(method)
        if !params.isEmpty { object["params"] = .object(params) }
        return object.bytes
    }

    /// A line that is no request: what is wrong with it, and its id as far as it could be read (else null).
    public struct Malformed: Error, Equatable, Sendable {
        public var id: JSONValue
        public var error: RPCError
    }

    /// Reads one line.
    public init(line: [UInt8]) throws(Malformed) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: line)
        } catch {
            throw Malformed(
                id: .null,
                error: RPCError(
                    .parseError,
                    "the line is not JSON: \(error)",
                    hint: "one JSON-RPC 2.0 object per line, ended by a newline"
                )
            )
        }
        try self.init(json: value)
    }

    private init(json: JSONValue) throws(Malformed) {
        guard case .object(let object) = json else {
            let isBatch = json.arrayValue != nil
            throw Malformed(
                id: .null,
                error: RPCError(
                    .invalidRequest,
                    isBatch ? "batches are not taken" : "a request is a JSON object",
                    hint: isBatch ? "send one request per line" : Self.example
                )
            )
        }
        let id = object["id"]
        switch id {
        case nil, .null, .int, .double, .string: break
        case .bool, .array, .object:
            throw Malformed(id: .null, error: RPCError(.invalidRequest, "an id is a string or a number"))
        }
        guard object["jsonrpc"] == "2.0", let method = object["method"]?.stringValue else {
            throw Malformed(
                id: id ?? .null,
                error: RPCError(.invalidRequest, "a request needs \"jsonrpc\":\"2.0\" and a method", hint: Self.example)
            )
        }
        guard let params = (object["params"] ?? [:]).objectValue else {
            throw Malformed(id: id ?? .null, error: RPCError(.invalidParams, "params of \(method) must be an object"))
        }
        self.init(id: id, method: method, params: params)
    }

    private static let example = #"for example {"jsonrpc":"2.0","id":1,"method":"snapshot"}"#
}
