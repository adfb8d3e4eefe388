import CSystem
import Foundation
import IPC
import Synchronization
import Testing

/// A directory that is removed with its owner. Short, since socket paths must be.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/orch-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Seeded numbers, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The daemon's side around a real server: a history in memory, and a handler for a few methods.
final class TestDaemon: Sendable {
    let path: String
    let server: EventServer
    private let directory: TemporaryDirectory
    private let backend: Backend

    init(stored count: Int = 0, _ adjust: (inout EventServer.Limits) -> Void = { _ in }) throws {
        directory = TemporaryDirectory()
        path = directory.path + "/run/orch.sock"
        let backend = Backend(stored: (0..<count).map { Self.event($0 + 1) })
        var limits = EventServer.Limits()
        adjust(&limits)
        server = try EventServer(
            path: path,
            lastSeq: count,
            limits: limits,
            callbacks: .init(
                greeting: { ["protocol": 1, "daemon": "0.1.0", "seq": 0, "tickets": 12, "agents": 3] },
                lane: { $0 == "list" ? .listing : .quick },
                handler: { asker, _, request in backend.handle(asker, request) },
                history: { after, limit in backend.read(after, limit) }
            )
        )
        self.backend = backend
        backend.state.withLock { $0.server = server }
    }

    deinit {
        server.stop()
        backend.state.withLock { $0.server = nil }
    }

    var requests: [Request] { backend.state.withLock { $0.requests } }
    var pagesRead: Int { backend.state.withLock { $0.pagesRead } }
    var seq: Int { backend.state.withLock { $0.stored.count } }
    func connect() throws -> Client { try Client.connect(path: path) }
    func prune(before oldest: Int) { backend.state.withLock { $0.oldest = oldest } }
    func failHistory(_ reason: String) { backend.state.withLock { $0.failure = reason } }

    /// Answers what `hold` has kept.
    func releaseHeld() {
        let held = backend.state.withLock { exchange(&$0.held, with: []) }
        for (connection, id) in held { server.reply(to: connection, id: id, .success("released")) }
    }

    static func event(_ seq: Int, topic: String = "ticket.started", ticket: String? = "T-7", padding: Int = 0)
        -> PublishedLine
    {
        var params: JSONObject = ["seq": JSONValue(seq), "ticket": ticket.map(JSONValue.string) ?? .null]
        if padding > 0 { params["padding"] = .string(String(repeating: "p", count: padding)) }
        return PublishedLine(IPC.Notification(topic, params), ticket: ticket)
    }

    /// Stores and publishes the next events.
    func emit(_ count: Int = 1, topic: String = "ticket.started", ticket: String? = "T-7", padding: Int = 0) {
        let lines = backend.state.withLock { state in
            let lines = (0..<count).map {
                Self.event(state.stored.count + 1 + $0, topic: topic, ticket: ticket, padding: padding)
            }
            state.stored += lines
            return lines
        }
        server.publish(lines)
    }

    /// Stores an event that is published only later.
    func storeOnly() -> PublishedLine {
        backend.state.withLock { state in
            state.stored.append(Self.event(state.stored.count + 1))
            return state.stored.last!
        }
    }

    func emitEphemeral(_ topic: String, _ params: JSONObject = [:], ticket: String? = nil) {
        server.publish([PublishedLine(IPC.Notification(topic, params), ticket: ticket)])
    }
}

/// What the server's callbacks reach.
private final class Backend: Sendable {
    struct State {
        var server: EventServer?
        var stored: [PublishedLine] = []
        var oldest = 1
        var failure: String?
        var held: [(Asker, JSONValue?)] = []
        var requests: [Request] = []
        var pagesRead = 0
    }

    let state: Mutex<State>

    init(stored: [PublishedLine]) { state = Mutex(State(stored: stored)) }

    func handle(_ connection: Asker, _ request: Request) {
        let server = state.withLock { state in
            state.requests.append(request)
            return state.server
        }
        let result: Result<JSONValue, RPCError>
        switch request.method {
        case "tick": result = .success(["seq": JSONValue(state.withLock { $0.stored.count })])
        case "list": result = .success([])
        case "echo": result = .success(.object(request.params))
        case "big": result = .success(.string(String(repeating: "x", count: request.params["size"]?.intValue ?? 0)))
        case "hold": return state.withLock { $0.held.append((connection, request.id)) }
        default: result = .failure(RPCError(.unknownMethod, "there is no method \(request.method)"))
        }
        server?.reply(to: connection, id: request.id, result)
    }

    func read(_ after: Int, _ limit: Int) -> HistoryPage {
        state.withLock { state in
            state.pagesRead += 1
            if let failure = state.failure { return .failed(failure) }
            if after + 1 < state.oldest { return .gone(oldest: state.oldest) }
            return .page(Array(state.stored.dropFirst(after).prefix(limit)))
        }
    }
}

let patience = Duration.seconds(30)

extension Client {
    /// The next notification; fails the test when none comes.
    func event() throws -> IPC.Notification {
        guard case .notification(let notification)? = try next(timeout: patience) else {
            throw RPCError(.timedOut, "no notification came")
        }
        return notification
    }

    /// The numbers of the next events; other notifications are passed over.
    func seqs(through last: Int) throws -> [Int] {
        var seqs: [Int] = []
        while seqs.last != last {
            let event = try event()
            if event.method != "through", let seq = event.seq { seqs.append(seq) }
        }
        return seqs
    }

    /// Reads until the daemon closes, and returns what it said.
    func untilClosed() -> [ServerLine] {
        var lines: [ServerLine] = []
        while let line = try? next(timeout: patience) { lines.append(line) }
        return lines
    }
}

/// A connection of bare bytes.
final class RawSocket {
    let descriptor: Int32
    private var framer = LineFramer()
    private var lines: [[UInt8]] = []

    init(_ path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let failed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(failed == 0)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Writes all of it; false when the other end has closed.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// The next line; nil at the end of the stream.
    func line() -> String? {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while lines.isEmpty {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            for case .line(let line) in framer.feed(Array(chunk[..<count])) { lines.append(line) }
        }
        return String(decoding: lines.removeFirst(), as: UTF8.self)
    }

    func remaining() -> [String] {
        var all: [String] = []
        while let line = line() { all.append(line) }
        return all
    }
}

/// Runs `body` on a thread of its own (it may block) and waits for it without blocking the pool.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: .init(catching: body)) }
    }
}
