import Glibc
import Synchronization

/// The daemon's end of the socket: one thread that greets clients, sends every subscriber what is published, hands
/// requests over and sends the responses. Each line is copied once, into a ring that all subscribers read; one that
/// falls behind by more than the ring is told so and closed. An idle server does not wake up.
public final class EventServer: Sendable {
    /// What bounds the server's memory and patience. The defaults are meant to be kept; tests use smaller ones.
    public struct Limits: Sendable {
        /// How far a subscriber may fall behind.
        public var ringBytes = 16 << 20
        /// The longest request.
        public var lineBytes = LineFramer.defaultLimit
        /// A request of so many bytes ends the connection.
        public var hopelessLineBytes = 64 << 20
        /// So many bytes of requests that have not come to their end, of all connections, end the one with the most.
        public var unfinishedBytes = 64 << 20
        /// So many connections; whoever comes then is told, and closed.
        public var connections = Int.max
        /// So many malformed lines one after the other end the connection.
        public var malformedInARow = 100
        /// No request is read from a connection while so many bytes of responses wait for it to read.
        public var outboxBytes = 1 << 20
        /// No request is read from a connection while so many are being answered.
        public var requestsInFlight = 64
        /// So many requests of each lane are handed over at a time, whoever asks: as many as the engine takes into one
        /// transaction, as many as encode at a time, as many as wait for git or the disk, and as many
        /// as wait for people or tickets.
        public var quickInHand = 256
        public var listingsInHand = 2
        public var slowInHand = 4
        public var waitingInHand = 4096
        /// How many events are read from the history at a time, and how many bytes of them are kept.
        public var pageLines = 512
        public var pageBytes = 256 << 10
        /// The least time between two `through` marks of a connection.
        public var markMilliseconds: Int64 = 250
        /// How long a connection being closed may take to read its `goodbye`.
        public var goodbyeMilliseconds: Int64 = 2000
        /// How long `stop` waits for clients to take what is left for them.
        public var stopMilliseconds: Int64 = 500

        public init() {}

        func inHand(_ lane: Lane) -> Int {
            switch lane {
            case .quick: quickInHand
            case .listing: listingsInHand
            case .slow: slowInHand
            case .waiting: waitingInHand
            }
        }
    }

    /// What the server asks of the daemon. All are called on threads of the server.
    public struct Callbacks: Sendable {
        /// The params of `hello`, for a new connection; the server sets `seq` and `role` in them. Must not block.
        public var greeting: @Sendable () -> JSONObject
        /// Decides what a new connection may do, by the process that opened it; once, before it is greeted. Must not
        /// block.
        public var role: @Sendable (borrowing PeerProcess) -> Role
        /// What kind of work a method makes.
        public var lane: @Sendable (_ method: String) -> Lane
        /// Takes a request, `subscribe` excepted. Must not block: it hands the request on, and whoever carries it
        /// out calls `reply` exactly once, also for a request without id.
        public var handler: @Sendable (Asker, Peer, Request) -> Void
        /// Is told that a connection has gone, after which nobody hears the answers to its requests. Must not block.
        public var gone: @Sendable (ConnectionID) -> Void
        /// Is told, in a sentence, what becomes of the socket's file. Must not block.
        public var notice: @Sendable (_ sentence: String) -> Void
        /// The stored events after a number, at most `limit`. May block; called on a thread of its own. It must
        /// know every event that has been published.
        public var history: @Sendable (_ after: Int, _ limit: Int) -> HistoryPage

        public init(
            greeting: @escaping @Sendable () -> JSONObject,
            role: @escaping @Sendable (borrowing PeerProcess) -> Role = { _ in .user },
            lane: @escaping @Sendable (_ method: String) -> Lane = { _ in .quick },
            handler: @escaping @Sendable (Asker, Peer, Request) -> Void,
            gone: @escaping @Sendable (ConnectionID) -> Void = { _ in },
            notice: @escaping @Sendable (_ sentence: String) -> Void = { _ in },
            history: @escaping @Sendable (_ after: Int, _ limit: Int) -> HistoryPage
        ) {
            self.greeting = greeting
            self.role = role
            self.lane = lane
            self.handler = handler
            self.gone = gone
            self.notice = notice
            self.history = history
        }
    }

    /// Where it listens.
    public let path: String
    private let mailbox: Mailbox
    private let replayer = Replayer()
    /// Nil once stopped.
    private let threads: Mutex<[OwnThread]>

    /// Listens on `path` and starts to serve. `lastSeq` is the number of the last event stored so far. Throws when
    /// the path is too long, another daemon listens there, or the system refuses.
    public init(path: String, lastSeq: Int, limits: Limits = Limits(), callbacks: Callbacks) throws(RPCError) {
        self.path = path
        mailbox = try Mailbox(limit: limits.ringBytes / 4, lastSeq: lastSeq)
        // Handed over whole: from here on only the loop's thread touches the loop.
        let handOver = HandOver(
            loop: try EventLoop(
                path: path,
                mailbox: mailbox,
                replayer: replayer,
                lastSeq: lastSeq,
                limits: limits,
                callbacks: callbacks
            )
        )
        let serve = OwnThread(name: "orch-socket") { handOver.serve() }
        let replay = OwnThread(name: "orch-replay") { [replayer, mailbox] in
            replayer.run(callbacks.history) { job, page in
                mailbox.post(.page(job.connection, epoch: job.epoch, page))
            }
        }
        threads = Mutex([serve, replay])
    }

    deinit { stop() }

    /// Sends lines to every subscriber that wants them, in this order and after everything published before. Events
    /// must be stored already, and their numbers must go on where the last ones ended. Does not wait for subscribers.
    public func publish(_ lines: [PublishedLine]) {
        if !lines.isEmpty { mailbox.publish(lines) }
    }

    /// Answers a request, after every line published before this call. `id` nil (a notification) answers nothing.
    /// From any thread; a connection that has gone is none of the caller's concern.
    public func reply(to asker: Asker, id: JSONValue?, _ result: Result<JSONValue, RPCError>) {
        mailbox.post(.reply(asker, id.map { Response(id: $0, result: result).bytes }))
    }

    /// As above, with a result that has been encoded already.
    public func reply(to asker: Asker, id: JSONValue?, encoded result: [UInt8]) {
        mailbox.post(.reply(asker, id.map { Response.bytes(id: $0, encoded: result) }))
    }

    /// Says goodbye to everyone, sends what is left for them as far as they take it quickly, closes and removes the
    /// socket. When it returns, no callback runs any more. Not to be called from a callback; repeating it is harmless.
    public func stop() {
        let running = threads.withLock { exchange(&$0, with: []) }
        guard !running.isEmpty else { return }
        mailbox.post(.stop)
        replayer.stop()
        for thread in running { thread.join() }
    }
}

/// Carries the loop to its thread. Right to send because the creator gives it away and only `serve` uses it, once.
private final class HandOver: @unchecked Sendable {
    private let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    func serve() { loop.run() }
}
