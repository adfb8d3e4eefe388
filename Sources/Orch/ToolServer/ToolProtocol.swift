import IPC

/// The Model Context Protocol as a server speaks it on one connection: a value. Lines of the client's go in; lines for it, and
/// tools to be called, come out. It does no I/O and knows no clock.
///
/// It speaks both eras, in that of the client's first request, as the official SDKs do: a request that carries the
/// envelope of 2026-07-28 in its `_meta` opens a connection on which all do; any other opens one that begins with `initialize`.
struct ToolProtocol {
    /// What a step comes to.
    enum Output: Equatable {
        case send([UInt8])
        /// A tool is to be called; `finish` takes what comes of it.
        case call(Call)
        /// Nobody waits for the call any more.
        case cancel(Int)
    }

    struct Call: Equatable {
        /// Which of the calls on this connection, from 1.
        let number: Int
        let tool: String
        let arguments: JSONObject
    }

    /// What came of a call.
    struct Outcome: Equatable {
        /// For the model.
        var text: String
        var details: JSONObject?
        var isError = false
    }

    static let handshakeVersions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
    static let modernVersions = ["2026-07-28"]
    static let callLimit = 32

    private enum Era: Equatable {
        case unknown, modern
        /// The version, once it has been negotiated.
        case handshake(String?)
    }

    private struct Pending {
        let number: Int
        let id: JSONValue
        let progressToken: JSONValue?
        /// Progress never goes back.
        var progress = 0
    }

    private enum Code: Int {
        case parseError = -32700
        case invalidRequest = -32600
        case methodNotFound = -32601
        case invalidParams = -32602
        case unsupportedVersion = -32022
    }

    private struct Failure: Error {
        let code: Code
        let message: String
        var data: JSONValue?
        init(_ code: Code, _ message: String, data: JSONValue? = nil) {
            (self.code, self.message, self.data) = (code, message, data)
        }
    }

    let server: JSONObject
    let instructions: String
    let tools: [Tool]
    private var era = Era.unknown
    private var pending: [Pending] = []
    private var lastCall = 0

    init(version: String, tools: [Tool] = Tool.all) {
        server = ["name": "orch", "title": "orch", "version": .string(version)]
        self.tools = tools
        instructions = """
            orch runs you on a ticket, in a git worktree of its own, beside other agents. Claim paths outside your \
            ticket's locks before you change them, and say what you have done with `complete` before you end.
            """
    }

    /// Calls that have not been answered.
    var openCalls: [Int] { pending.map(\.number) }

    // MARK: what the client says

    mutating func read(_ outcome: LineFramer.Outcome) -> [Output] {
        switch outcome {
        case .oversized: return [refuse(.null, Failure(.parseError, "the line is too long; it is ignored"))]
        case .line(let bytes): return read(bytes)
        }
    }

    private mutating func read(_ line: [UInt8]) -> [Output] {
        guard let value = try? JSONValue(parsing: line) else {
            return [refuse(.null, Failure(.parseError, "the line is not JSON"))]
        }
        guard case .object(let message) = value else {
            let why =
                value.arrayValue == nil
                ? "a message is a JSON object" : "batches are not taken; send one message per line"
            return [refuse(.null, Failure(.invalidRequest, why))]
        }
        guard let method = message["method"]?.stringValue else {
            // An answer to a request: this server makes none.
            if message["result"] != nil || message["error"] != nil { return [] }
            return [refuse(message["id"] ?? .null, Failure(.invalidRequest, "a message needs a method"))]
        }
        let params = message["params"]?.objectValue
        guard let id = message["id"] else { return hear(method, params ?? [:]) }
        do throws(Failure) {
            guard id.stringValue != nil || id.intValue != nil else {
                throw Failure(.invalidRequest, "an id is a string or a whole number")
            }
            if let params = message["params"], params.objectValue == nil, !params.isNull {
                throw Failure(.invalidParams, "params have to be an object")
            }
            return try answer(id, method, params ?? [:])
        } catch {
            return [refuse(id, error)]
        }
    }

    /// A notification.
    private mutating func hear(_ method: String, _ params: JSONObject) -> [Output] {
        guard method == "notifications/cancelled", let id = params["requestId"],
            let index = pending.firstIndex(where: { $0.id == id })
        else { return [] }
        // What is cancelled is never answered.
        return [.cancel(pending.remove(at: index).number)]
    }

    private mutating func answer(_ id: JSONValue, _ method: String, _ params: JSONObject) throws(Failure) -> [Output] {
        let version = params["_meta"]?["io.modelcontextprotocol/protocolVersion"]
        if era == .unknown { era = version != nil && method != "initialize" ? .modern : .handshake(nil) }
        switch era {
        case .modern, .unknown:
            try checkEnvelope(method, params, version)
            if method == "server/discover" { return [succeed(id, discovery)] }
        case .handshake(let negotiated):
            if method == "initialize" { return [succeed(id, try initialise(params))] }
            if version != nil {
                throw Failure(
                    .invalidRequest,
                    "this connection began with `initialize`; requests with the envelope of 2026-07-28 are not taken on it"
                )
            }
            if method == "ping" { return [succeed(id, [:])] }
            guard negotiated != nil else {
                // Nothing can be said of a method before it is known in which version.
                let isKnown = ["tools/list", "tools/call"].contains(method)
                throw isKnown
                    ? Failure(.invalidParams, "the connection has to begin with `initialize`")
                    : Failure(.methodNotFound, "Method not found", data: .string(method))
            }
        }
        switch method {
        case "tools/list": return [succeed(id, listing)]
        case "tools/call": return try call(id, params)
        default: throw Failure(.methodNotFound, "Method not found", data: .string(method))
        }
    }

    private func checkEnvelope(_ method: String, _ params: JSONObject, _ version: JSONValue?) throws(Failure) {
        let supported = JSONValue(Self.modernVersions)
        if method == "initialize" {
            var data: JSONObject = ["supported": supported]
            data["requested"] = params["protocolVersion"]?.stringValue.map(JSONValue.string)
            throw Failure(
                .unsupportedVersion,
                "the connection is serving the 2026-07-28 protocol; `initialize` is not taken on it",
                data: .object(data)
            )
        }
        guard let version = version?.stringValue,
            params["_meta"]?["io.modelcontextprotocol/clientCapabilities"]?.objectValue != nil
        else {
            throw Failure(
                .invalidParams,
                "params._meta has to carry io.modelcontextprotocol/protocolVersion and "
                    + "io.modelcontextprotocol/clientCapabilities"
            )
        }
        guard Self.modernVersions.contains(version) else {
            throw Failure(
                .unsupportedVersion,
                "Unsupported protocol version",
                data: ["supported": supported, "requested": .string(version)]
            )
        }
    }

    private mutating func initialise(_ params: JSONObject) throws(Failure) -> JSONObject {
        guard let asked = params["protocolVersion"]?.stringValue else {
            throw Failure(.invalidParams, "`initialize` needs a protocolVersion")
        }
        let version = Self.handshakeVersions.contains(asked) ? asked : Self.handshakeVersions.last!
        era = .handshake(version)
        return [
            "protocolVersion": .string(version), "capabilities": ["tools": ["listChanged": false]],
            "serverInfo": .object(server), "instructions": .string(instructions),
        ]
    }

    private var discovery: JSONObject {
        [
            "supportedVersions": JSONValue(Self.modernVersions), "capabilities": ["tools": ["listChanged": false]],
            "instructions": .string(instructions), "cacheScope": "private", "ttlMs": 0,
        ]
    }

    private var listing: JSONObject {
        var listing: JSONObject = ["tools": .array(tools.map(\.json))]
        if era == .modern {
            listing["cacheScope"] = "private"
            listing["ttlMs"] = 0
        }
        return listing
    }

    // MARK: calls

    private mutating func call(_ id: JSONValue, _ params: JSONObject) throws(Failure) -> [Output] {
        guard let name = params["name"]?.stringValue else { throw Failure(.invalidParams, "`tools/call` needs a name") }
        let arguments = params["arguments"] ?? .null
        guard arguments.isNull || arguments.objectValue != nil else {
            throw Failure(.invalidParams, "the arguments of a tool are an object")
        }
        guard !pending.contains(where: { $0.id == id }) else {
            throw Failure(.invalidRequest, "a request with this id is under way")
        }
        guard let tool = tools.first(where: { $0.name == name }) else {
            let names = tools.map(\.name).joined(separator: ", ")
            return [end(id, Outcome(text: "Unknown tool: \(name). There are \(names).", isError: true))]
        }
        if let problem = tool.problem(with: arguments.objectValue ?? [:]) {
            return [end(id, Outcome(text: problem + ".", isError: true))]
        }
        guard pending.count < Self.callLimit else {
            let text = "\(Self.callLimit) calls are under way already; wait for one of them to end."
            return [end(id, Outcome(text: text, isError: true))]
        }
        lastCall += 1
        let token = params["_meta"]?["progressToken"].flatMap { $0.isNull ? nil : $0 }
        pending.append(Pending(number: lastCall, id: id, progressToken: token))
        return [.call(Call(number: lastCall, tool: name, arguments: arguments.objectValue ?? [:]))]
    }

    /// What came of a call; nothing, where nobody waits for it any more.
    mutating func finish(_ number: Int, _ outcome: Outcome) -> [Output] {
        guard let index = pending.firstIndex(where: { $0.number == number }) else { return [] }
        return [end(pending.remove(at: index).id, outcome)]
    }

    /// A call that waits has done so for `seconds`, of `total` at most.
    mutating func progress(_ number: Int, seconds: Int, total: Int, _ message: String) -> [Output] {
        guard let index = pending.firstIndex(where: { $0.number == number }),
            let token = pending[index].progressToken
        else { return [] }
        pending[index].progress = max(pending[index].progress + 1, seconds)
        let params: JSONObject = [
            "progressToken": token, "progress": JSONValue(pending[index].progress),
            "total": JSONValue(max(total, pending[index].progress)), "message": .string(message),
        ]
        return [.send(Notification("notifications/progress", params).bytes)]
    }

    private func end(_ id: JSONValue, _ outcome: Outcome) -> Output {
        var result: JSONObject = ["content": [["type": "text", "text": .string(outcome.text)]]]
        if let details = outcome.details, takesDetails { result["structuredContent"] = .object(details) }
        result["isError"] = .bool(outcome.isError)
        return succeed(id, result)
    }

    private var takesDetails: Bool {
        switch era {
        case .modern: true
        case .handshake(let version?): version >= "2025-06-18"
        case .handshake(nil), .unknown: false
        }
    }

    // MARK: lines

    private func succeed(_ id: JSONValue, _ result: JSONObject) -> Output {
        var result = result
        if era == .modern {
            result["resultType"] = "complete"
            result["_meta"] = ["io.modelcontextprotocol/serverInfo": .object(server)]
        }
        return .send((["jsonrpc": "2.0", "id": id, "result": .object(result)] as JSONObject).bytes)
    }

    private func refuse(_ id: JSONValue, _ failure: Failure) -> Output {
        var error: JSONObject = ["code": JSONValue(failure.code.rawValue), "message": .string(failure.message)]
        error["data"] = failure.data
        return .send((["jsonrpc": "2.0", "id": id, "error": .object(error)] as JSONObject).bytes)
    }
}
