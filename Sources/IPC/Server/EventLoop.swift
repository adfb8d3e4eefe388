import CSystem
import Glibc

/// The thread that owns the ring, the connections and the socket. This file waits and distributes; the door, delivery,
/// requests and subscriptions are in the files beside it.
final class EventLoop {
    let mailbox: Mailbox
    let replayer: Replayer
    let limits: EventServer.Limits
    let callbacks: EventServer.Callbacks
    var ring: Ring

    private let poll: Int32
    private let buffer = UnsafeMutableRawBuffer(count: 64 << 10)
    private(set) var connections: [UInt64: Connection] = [:]
    /// The same connections, to go through quickly.
    private(set) var everyone: [Connection] = []
    private var nextConnection = Token.firstConnection
    /// No subscriber's cursor is before this offset.
    var slowest = 0
    /// Connections to be looked at before sleeping.
    private var dirty: [Connection] = []
    /// When a connection must be looked at again: a mark is due, or a goodbye has taken too long.
    private var deadlines: [UInt64: Int64] = [:]
    private var stopAt: Int64?
    /// Of each lane, the connections that have something to ask, in the order in which it is their turn; and how many
    /// requests have been handed over and not been answered.
    var turns = [Deque<Connection>](repeating: Deque(), count: Lane.allCases.count)
    var inHand = [Int](repeating: 0, count: Lane.allCases.count)
    /// How many bytes of lines that have not come to their end are kept, of all connections.
    var unfinished = 0

    let door: Door

    enum Token {
        static let listener: UInt64 = 0
        static let mailbox: UInt64 = 1
        static let place: UInt64 = 2
        static let firstConnection: UInt64 = 3
    }

    /// Listens on `path` from now on; whoever connects is served once the loop runs.
    init(
        path: String,
        mailbox: Mailbox,
        replayer: Replayer,
        lastSeq: Int,
        limits: EventServer.Limits,
        callbacks: EventServer.Callbacks
    ) throws(RPCError) {
        self.mailbox = mailbox
        self.replayer = replayer
        self.limits = limits
        self.callbacks = callbacks
        ring = Ring(capacity: limits.ringBytes, through: lastSeq)
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poll >= 0 else { throw RPCError(.internal, "cannot create an epoll descriptor: \(systemError())") }
        do throws(RPCError) { door = try Door(path: path) } catch {
            Glibc.close(poll)
            throw error
        }
        watch(mailbox.wakeup, Token.mailbox, EPOLLIN.rawValue | EPOLLET.rawValue)
        openDoor()
    }

    deinit { Glibc.close(poll) }

    /// Serves until a `stop` letter has been carried out.
    func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        while !isFinished {
            let timeout = mailbox.fallAsleep() ? timeoutMilliseconds() : 0
            let count = epoll_wait(poll, &events, Int32(events.count), timeout)
            for event in events.prefix(max(0, Int(count))) { take(event) }
            let before = ring.head
            for letter in mailbox.take() { open(letter) }
            if ring.head > before { distribute() }
            expire()
            repeat {
                settle()
                takeTurns()
            } while !dirty.isEmpty
        }
        for connection in everyone { drop(connection) }
        mailbox.stop()
        closeDoor()
    }

    private var isFinished: Bool {
        guard let stopAt else { return false }
        return everyone.isEmpty || monotonicMilliseconds() >= stopAt
    }

    private func take(_ event: epoll_event) {
        switch event.data.u64 {
        case Token.listener: accept()
        case Token.mailbox: break
        case Token.place: keepPlace()
        case let number:
            guard let connection = connections[number] else { return }
            // The client has gone. What it asked and nobody has taken up is dropped: it will not hear the answer, and a
            // crowd of those who ask and leave must not be a way round everybody's turn.
            if event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { return drop(connection) }
            if event.events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 { read(connection) }
            if event.events & EPOLLOUT.rawValue != 0 {
                connection.isBlocked = false
                markDirty(connection)
            }
        }
    }

    private func open(_ letter: Letter) {
        switch letter {
        case .lines(let lines): append(lines)
        case .reply(let asker, let bytes):
            inHand[asker.lane.rawValue] -= 1
            guard let connection = connections[asker.connection.number] else { return }
            connection.inFlight -= 1
            if let bytes { answer(connection, bytes) } else { markDirty(connection) }
        case .page(let id, let epoch, let page):
            guard let connection = connections[id.number], connection.epoch == epoch else { return }
            receive(page, for: connection)
        case .stop:
            stopAt = monotonicMilliseconds() + limits.stopMilliseconds
            shutDoor()
            mailbox.stop()
            for connection in everyone { sayGoodbye(connection, "stopping", afterPending: true) }
        }
    }

    /// Sends, processes and watches until nothing is left to be done for anyone.
    private func settle() {
        while let connection = dirty.popLast() {
            connection.isDirty = false
            guard !connection.isClosed else { continue }
            deliver(connection)
            guard !connection.isClosed else { continue }
            queue(connection)
            updateInterest(connection)
        }
    }

    /// Has a connection looked at before the loop sleeps.
    func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }
}

// MARK: Time

extension EventLoop {
    /// -1, that is until something happens, unless something is due.
    private func timeoutMilliseconds() -> Int32 {
        var earliest = deadlines.values.min() ?? .max
        if let again = door.againAt { earliest = min(earliest, again) }
        if let stopAt { earliest = min(earliest, stopAt) }
        guard earliest < .max else { return -1 }
        return Int32(clamping: max(0, earliest - monotonicMilliseconds() + 1))
    }

    func setDeadline(_ connection: Connection, _ moment: Int64) { deadlines[connection.id.number] = moment }

    private func expire() {
        guard !deadlines.isEmpty || door.againAt != nil else { return }
        let now = monotonicMilliseconds()
        for (number, moment) in deadlines where moment <= now {
            deadlines[number] = nil
            guard let connection = connections[number] else { continue }
            if connection.isLeaving { drop(connection) } else { markDirty(connection) }
        }
        if let again = door.againAt, again <= now { tryDoorAgain() }
    }
}

// MARK: Coming and going

extension EventLoop {
    /// Takes in a new client, and greets it.
    func welcome(_ descriptor: Int32) {
        guard let process = PeerProcess(socket: descriptor), process.mayConnect(to: geteuid()) else {
            Glibc.close(descriptor)
            return
        }
        let peer = Peer(pid: process.pid, uid: process.uid, role: callbacks.role(process))
        let id = ConnectionID(number: nextConnection)
        nextConnection += 1
        let connection = Connection(
            id: id,
            descriptor: descriptor,
            peer: peer,
            cursor: ring.head,
            lineLimit: limits.lineBytes
        )
        guard watch(descriptor, id.number, 0) else {
            Glibc.close(descriptor)
            return
        }
        connections[id.number] = connection
        connection.place = everyone.count
        everyone.append(connection)
        var params = callbacks.greeting()
        params["role"] = .string(peer.role.name)
        if case .agent(let run?) = peer.role { params["run"] = .string(run) }
        params["seq"] = JSONValue(ring.through)
        connection.known = ring.through
        connection.add(Notification("hello", params).bytes, barrier: ring.head)
        markDirty(connection)
    }

    /// Closes a connection at once.
    func drop(_ connection: Connection) {
        guard !connection.isClosed else { return }
        connection.isClosed = true
        connection.feed = .none
        connection.outbox = []
        connections[connection.id.number] = nil
        callbacks.gone(connection.id)
        deadlines[connection.id.number] = nil
        everyone[connection.place] = everyone[everyone.count - 1]
        everyone[connection.place].place = connection.place
        everyone.removeLast()
        unfinished -= connection.framer.unfinished
        Glibc.close(connection.descriptor)
        if door.againAt != nil { tryDoorAgain() }
    }

    /// Reads what there is into the loop's buffer.
    func receive(_ connection: Connection) -> (count: Int, bytes: UnsafeRawBufferPointer) {
        let count = recv(connection.descriptor, buffer.base, buffer.count, 0)
        return (count, UnsafeRawBufferPointer(start: buffer.base, count: max(0, count)))
    }

    private func updateInterest(_ connection: Connection) {
        var wanted: UInt32 = 0
        if connection.isBlocked { wanted |= EPOLLOUT.rawValue }
        if mayRead(connection) { wanted |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        guard wanted != connection.interest else { return }
        connection.interest = wanted
        watch(connection.descriptor, connection.id.number, wanted, isNew: false)
    }

    @discardableResult
    func watch(_ descriptor: Int32, _ token: UInt64, _ events: UInt32, isNew: Bool = true) -> Bool {
        var event = epoll_event(events: events, data: epoll_data_t(u64: token))
        return epoll_ctl(poll, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event) == 0
    }
}

/// Bytes that live as long as their owner.
final class UnsafeMutableRawBuffer {
    let base: UnsafeMutableRawPointer
    let count: Int
    init(count: Int) {
        self.count = count
        base = .allocate(byteCount: count, alignment: 64)
    }
    deinit { base.deallocate() }
}
