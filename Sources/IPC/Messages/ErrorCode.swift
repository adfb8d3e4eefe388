/// What went wrong, by the one set of names that wire, log and exit status share.
public enum ErrorCode: String, CaseIterable, Sendable {
    // The request itself.
    case parseError = "parse_error"
    case invalidRequest = "invalid_request"
    case unknownMethod = "unknown_method"
    case invalidParams = "invalid_params"
    case `internal` = "internal"
    // What it asked for.
    case notFound = "not_found"
    /// Refused in this state.
    case refused = "refused"
    /// Pruned, or from another life of the state directory.
    case gone = "gone"
    case tooLarge = "too_large"
    /// The connection's role may not do this.
    case forbidden = "forbidden"
    case stopping = "stopping"
    /// The daemon cannot store anything now: the disk is full. Or, for a client, it lives and cannot be reached.
    case unavailable = "unavailable"
    // What only a client can find out; these never travel.
    case usage = "usage"
    case daemonNotRunning = "daemon_not_running"
    /// The connection ended before the answer came.
    case disconnected = "disconnected"
    case timedOut = "timed_out"

    /// The number in a JSON-RPC error object.
    public var number: Int {
        switch self {
        case .parseError: -32700
        case .invalidRequest: -32600
        case .unknownMethod: -32601
        case .invalidParams: -32602
        case .internal: -32603
        case .notFound: -32004
        case .refused: -32005
        case .gone: -32006
        case .tooLarge: -32007
        case .forbidden: -32008
        case .stopping: -32009
        case .unavailable: -32010
        case .usage: -32090
        case .daemonNotRunning: -32091
        case .disconnected: -32092
        case .timedOut: -32093
        }
    }

    /// The exit status of a command that failed with this.
    public var exitStatus: Int32 {
        switch self {
        case .usage, .invalidParams: 2
        case .daemonNotRunning, .disconnected: 3
        case .notFound: 4
        case .refused: 5
        case .parseError, .invalidRequest, .unknownMethod, .internal, .gone, .tooLarge, .forbidden, .stopping,
            .unavailable, .timedOut:
            1
        }
    }

    /// The code with that number on the wire.
    public init?(number: Int) {
        guard let code = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = code
    }
}

/// An error for a person: what could not be done, on what and why, and what to do about it.
public struct RPCError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Which kind it is.
    public var code: ErrorCode
    /// One sentence.
    public var message: String
    /// What to do next, when there is something.
    public var hint: String?

    public init(_ code: ErrorCode, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    public var description: String { hint.map { "\(message) (\($0))" } ?? message }

    /// As it travels in a response: `{"code":-32004,"message":…,"data":{"code":"not_found","hint":…}}`.
    public var json: JSONValue {
        var data: JSONObject = ["code": .string(code.rawValue)]
        if let hint { data["hint"] = .string(hint) }
        return ["code": JSONValue(code.number), "message": .string(message), "data": .object(data)]
    }

    /// Reads what travelled. A code this client does not know is `internal`; its message stands for itself.
    public init(json: JSONValue) {
        let named = json["data"]?["code"]?.stringValue.flatMap(ErrorCode.init(rawValue:))
        self.init(
            named ?? json["code"]?.intValue.flatMap(ErrorCode.init(number:)) ?? .internal,
            json["message"]?.stringValue ?? "the daemon answered with an error it did not describe",
            hint: json["data"]?["hint"]?.stringValue
        )
    }
}
