import CSystem
import Glibc

/// A client's end of the socket, for one thread. Its descriptor never blocks; calls that wait do so by poll(2).
/// Requests get their answers while events keep arriving: those are kept and come out of `next` and `receive`.
public final class Client {
    /// What is known once `connect` returns.
    public struct Hello: Equatable, Sendable {
        /// The version of the protocol.
        public let version: Int
        /// The daemon's own version.
        public let daemon: String
        /// The last event before those that arrive.
        public let seq: Int
        public let params: JSONObject
    }

    /// To be watched for reading, and for writing while `hasPendingOutput`.
    public let fileDescriptor: Int32
    /// The daemon's greeting.
    public private(set) var hello: Hello
    /// The daemon's last words, when it has closed the connection with some.
    public private(set) var goodbye: JSONObject?

    private let path: String
    private var framer = LineFramer(limit: 256 << 20)
    /// Lines not taken yet are those from `taken` on.
    private var queue: [ServerLine] = []
    private var taken = 0
    private var output: [UInt8] = []
    private var lastID: Int64 = 0
    private var hasEnded = false

    private init(path: String, fileDescriptor: Int32) {
        self.path = path
        self.fileDescriptor = fileDescriptor
        hello = Hello(version: 0, daemon: "", seq: 0, params: [:])
    }

    deinit { close(fileDescriptor) }

    /// Connects and waits for the greeting. Throws `daemonNotRunning` when nobody listens on `path`.
    public static func connect(path: String, timeout: Duration = .seconds(10)) throws(RPCError) -> Client {
        let client = Client(path: path, fileDescriptor: try UnixSocket.make())
        let deadline = Deadline(timeout)
        while true {
            switch try UnixSocket.connect(client.fileDescriptor, to: path) {
            case 0:
                try client.checkOwner()
                try client.greet(deadline)
                return client
            case EAGAIN where !deadline.hasPassed:
                // The backlog is full; Linux offers nothing to wait on here.
                usleep(2000)
            case ENOENT, ECONNREFUSED:
                throw RPCError(
                    .daemonNotRunning,
                    "no daemon is listening on \(path)",
                    hint: "start one with: orch daemon"
                )
            case let failed:
                throw RPCError(
                    .daemonNotRunning,
                    "cannot connect to \(path): \(systemError(failed))",
                    hint: Self.advice
                )
            }
        }
    }

    /// What is told a daemon, and believed of it, is not for somebody else who listens where it should.
    private func checkOwner() throws(RPCError) {
        var peer = cs_peer()
        guard cs_peer_credentials(fileDescriptor, &peer) == 0, geteuid() != 0, peer.uid != 0, peer.uid != geteuid()
        else { return }
        throw RPCError(
            .refused,
            "what listens on \(path) belongs to another user (uid \(peer.uid))",
            hint: "set ORCH_SOCKET to the socket of your own daemon"
        )
    }

    private func greet(_ deadline: Deadline) throws(RPCError) {
        guard case .notification(let greeting)? = try next(deadline), greeting.method == "hello",
            let version = greeting.params["protocol"]?.intValue
        else {
            throw goodbye.map(Self.farewell)
                ?? RPCError(
                    .daemonNotRunning,
                    "what listens on \(path) did not greet as orch does",
                    hint: "it is something else's socket; set ORCH_SOCKET to the daemon's"
                )
        }
        hello = Hello(
            version: version,
            daemon: greeting.params["daemon"]?.stringValue ?? "",
            seq: greeting.seq ?? 0,
            params: greeting.params
        )
    }
}

// MARK: Waiting calls

extension Client {
    /// Asks, and waits for the answer. Throws what the daemon answered, `disconnected`, or `timedOut`.
    @discardableResult
    public func request(
        _ method: String,
        _ params: JSONObject = [:],
        timeout: Duration? = nil
    ) throws(RPCError) -> JSONValue {
        let (index, response) = try response(to: method, params, timeout)
        queue.remove(at: index)
        return try response.result.get()
    }

    /// Sends a request and waits for its response; also tells where in the queue that is.
    private func response(
        to method: String,
        _ params: JSONObject,
        _ timeout: Duration?
    ) throws(RPCError) -> (index: Int, Response) {
        let id = send(method, params)
        let deadline = Deadline(timeout)
        forgetTaken()
        var looked = 0
        while true {
            while looked < queue.count {
                if case .response(let response) = queue[looked], response.id == id { return (looked, response) }
                looked += 1
            }
            guard try waitForLines(deadline) else {
                throw RPCError(
                    .timedOut,
                    "the daemon has not answered \(method) in time",
                    hint: "it may still do it; see what has come of it before you ask again"
                )
            }
        }
    }

    /// Subscribes from after event `since`, or from now on; what follows comes out of `next`. With `since`, events
    /// of the subscription before are dropped, as the new one repeats them. Returns the last event published so far.
    /// Throws `gone` when the events after `since` are no longer stored; then nothing has changed.
    @discardableResult
    public func subscribe(
        since: Int? = nil,
        topics: [String]? = nil,
        tickets: [String]? = nil
    ) throws(RPCError) -> Int {
        var params: JSONObject = [:]
        params["since"] = since.map { JSONValue($0) }
        params["topics"] = topics.map { JSONValue($0) }
        params["tickets"] = tickets.map { JSONValue($0) }
        let (index, response) = try response(to: "subscribe", params, nil)
        queue.remove(at: index)
        let seq = try response.result.get()["seq"]?.intValue ?? 0
        if since != nil {
            let earlier = queue[..<index].filter { if case .response = $0 { true } else { false } }
            queue.replaceSubrange(..<index, with: earlier)
        }
        return seq
    }

    /// The next line, waiting for it if need be; nil when `timeout` has passed without one. Throws `disconnected`
    /// once the daemon has closed the connection and everything it sent has been taken.
    public func next(timeout: Duration? = nil) throws(RPCError) -> ServerLine? { try next(Deadline(timeout)) }

    private func next(_ deadline: Deadline) throws(RPCError) -> ServerLine? {
        while taken == queue.count {
            forgetTaken()
            guard try waitForLines(deadline) else { return nil }
        }
        taken += 1
        return queue[taken - 1]
    }

    private func forgetTaken() {
        queue.removeFirst(taken)
        taken = 0
    }

    /// Waits until lines have arrived; false when the deadline came first.
    private func waitForLines(_ deadline: Deadline) throws(RPCError) -> Bool {
        let known = queue.count
        while true {
            drain()
            if queue.count > known { return true }
            guard !hasEnded else { throw disconnected }
            var watched = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
            if hasPendingOutput { watched.events |= Int16(POLLOUT) }
            guard poll(&watched, 1, deadline.remainingMilliseconds) != 0 || !deadline.hasPassed else { return false }
        }
    }
}

// MARK: Calls that never wait

extension Client {
    /// Sends a request, or as much of it as the socket takes, and returns its id; the answer comes out of `receive`.
    @discardableResult
    public func send(_ method: String, _ params: JSONObject = [:]) -> JSONValue {
        lastID += 1
        let id = JSONValue.int(lastID)
        output.append(contentsOf: Request(id: id, method: method, params: params).bytes)
        output.append(0x0A)
        flush()
        return id
    }

    /// Whether a request has not been sent whole; call `flush` when the descriptor can be written.
    public var hasPendingOutput: Bool { !output.isEmpty }

    /// Sends what is left of earlier requests, as far as the socket takes it.
    public func flush() {
        while !output.isEmpty {
            let sent = Glibc.send(fileDescriptor, output, output.count, Int32(MSG_NOSIGNAL))
            if sent >= 0 {
                output.removeFirst(sent)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                // The daemon has closed the connection. Reading will come to its end, after its last words.
                output = []
            }
        }
    }

    /// Every line that has arrived. Throws `disconnected` once there will be no more and all have been taken.
    public func receive() throws(RPCError) -> [ServerLine] {
        drain()
        if hasEnded, taken == queue.count { throw disconnected }
        defer { taken = 0 }
        return Array(exchange(&queue, with: [])[taken...])
    }

    /// Reads what there is, at most some megabytes at a time.
    private func drain() {
        flush()
        guard !hasEnded else { return }
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            for _ in 0..<64 {
                let count = recv(fileDescriptor, buffer.baseAddress, buffer.count, 0)
                if count > 0 {
                    framer.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { take($0) }
                } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                    hasEnded = true
                    return
                } else if errno == EAGAIN {
                    return
                }
            }
        }
    }

    private func take(_ outcome: LineFramer.Outcome) {
        guard case .line(let bytes) = outcome, let line = ServerLine(line: bytes) else { return }
        if case .notification(let last) = line, last.method == "goodbye" { goodbye = last.params }
        queue.append(line)
    }

    private var disconnected: RPCError {
        goodbye.map(Self.farewell)
            ?? RPCError(.disconnected, "the daemon has closed the connection", hint: Self.advice)
    }

    private static let advice = "`orch status` says whether a daemon runs; what it had answered is done"

    private static func farewell(_ goodbye: JSONObject) -> RPCError {
        let reason = goodbye["reason"]?.stringValue ?? "no reason given"
        return RPCError(.disconnected, "the daemon has closed the connection: \(reason)", hint: advice)
    }
}

/// A moment to wait for at most.
private struct Deadline {
    /// Nil: for ever.
    private let moment: Int64?

    init(_ timeout: Duration?) {
        moment = timeout.map { timeout in
            let (seconds, attoseconds) = timeout.components
            return monotonicMilliseconds() + seconds * 1000 + attoseconds / 1_000_000_000_000_000
        }
    }

    var hasPassed: Bool { moment.map { $0 <= monotonicMilliseconds() } ?? false }
    var remainingMilliseconds: Int32 { moment.map { Int32(clamping: max(0, $0 - monotonicMilliseconds())) } ?? -1 }
}
