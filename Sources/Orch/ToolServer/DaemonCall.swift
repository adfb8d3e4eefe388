import Dispatch
import Foundation
import Glibc
import IPC
import Synchronization

/// One call of a tool, carried to the daemon on a connection of its own: closing that is how it is given up. A thread of its
/// own waits for the answer. When the daemon ends meanwhile, the next one is asked the same again, under the same key, as
/// long as the call may wait.
final class DaemonCall: Sendable {
    enum News: Sendable {
        /// It waits, has done so for so many seconds, and may for so many.
        case waits(seconds: Int, of: Int, JSONValue)
        case ended(Result<JSONValue, RPCError>)
    }

    /// In whose name it is.
    struct Identity: Sendable {
        let socket: String
        let run: String
        let token: String
    }

    private struct State {
        var isCancelled = false
        /// Of the connection, while there is one.
        var descriptor: Int32?
    }

    private let tool: Tool
    private let arguments: JSONObject
    private let identity: Identity
    private let key: String
    private let tell: @Sendable (News) -> Void
    private let state = Mutex(State())
    private let cancelled = DispatchSemaphore(value: 0)

    /// How often who waits is told that it does.
    private static let patience = 5
    /// For how long a daemon that is not there is waited for, where the call itself does not say.
    private static let absence = 15

    init(
        _ tool: Tool,
        _ arguments: JSONObject,
        _ identity: Identity,
        tell: @escaping @Sendable (News) -> Void
    ) {
        self.tool = tool
        self.arguments = arguments
        self.identity = identity
        self.tell = tell
        key = UUID().uuidString.lowercased()
    }

    func start() {
        let thread = Thread { [self] in run() }
        thread.name = tool.name
        thread.start()
    }

    /// Gives the call up. No news comes of it any more, but for what is on its way.
    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            if let descriptor = state.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        cancelled.signal()
    }

    private var isCancelled: Bool { state.withLock { $0.isCancelled } }

    // MARK: on its thread

    private func run() {
        let began = Monotonic.seconds
        let limit = arguments["wait_seconds"]?.intValue ?? tool.wait?.usual
        let end = began + (limit ?? Self.absence)
        while true {
            do throws(RPCError) {
                let result = try attempt(began: began, limit: limit)
                return isCancelled ? () : tell(.ended(.success(result)))
            } catch {
                if isCancelled { return }
                guard error.isPassing, Monotonic.seconds < max(end, began + Self.absence) else {
                    return tell(.ended(.failure(error)))
                }
                _ = cancelled.wait(timeout: .now() + .milliseconds(200))
                if isCancelled { return }
            }
        }
    }

    private func attempt(began: Int, limit: Int?) throws(RPCError) -> JSONValue {
        let client = try Client.connect(path: identity.socket, timeout: .seconds(10))
        let isCancelled = state.withLock { state in
            state.descriptor = client.fileDescriptor
            return state.isCancelled
        }
        defer { state.withLock { $0.descriptor = nil } }
        if isCancelled { throw RPCError(.disconnected, "the call was given up") }
        // Of what happens elsewhere it need not know.
        try client.subscribe(topics: ["nothing"])
        while true {
            let waited = Monotonic.seconds - began
            let result = try client.request(tool.method, params(left: limit.map { max(0, $0 - waited) }))
            guard result["outcome"] == "waiting" else { return result }
            tell(.waits(seconds: Monotonic.seconds - began, of: limit ?? 0, result))
            _ = try client.receive()
        }
    }

    private func params(left: Int?) -> JSONObject {
        var params: JSONObject = ["run": .string(identity.run), "token": .string(identity.token)]
        for (name, value) in arguments where name != "wait_seconds" && !value.isNull { params[name] = value }
        guard tool.wait != nil else { return params }
        params["key"] = .string(key)
        params["seconds"] = left.map(JSONValue.init)
        params["wait_ms"] = JSONValue(Self.patience * 1000)
        return params
    }
}

extension RPCError {
    /// The daemon is not there, or ends: the next one can be asked.
    fileprivate var isPassing: Bool {
        switch code {
        case .daemonNotRunning, .disconnected, .stopping, .timedOut: true
        default: false
        }
    }
}

/// Time that is never set.
private enum Monotonic {
    static var seconds: Int { Int(DispatchTime.now().uptimeNanoseconds / 1_000_000_000) }
}
