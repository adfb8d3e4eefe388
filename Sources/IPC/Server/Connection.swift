import CSystem
import Glibc

/// One connection, for as long as the server lives; never used again for another.
public struct ConnectionID: Hashable, Sendable {
    let number: UInt64

    package init(number: UInt64) { self.number = number }
}

/// What a connection may do.
public enum Role: Equatable, Sendable {
    /// A person, or a program of theirs: everything.
    case user
    /// It comes from inside a run (nil: from one that nobody can name): it may look, but decide nothing.
    case agent(run: String?)

    /// The word of the wire.
    public var name: String {
        switch self {
        case .user: "user"
        case .agent: "agent"
        }
    }
}

/// Who is at the other end.
public struct Peer: Equatable, Sendable {
    public let pid: Int32
    public let uid: UInt32
    public let role: Role
}

/// The process that connected, as the kernel knows it, while its role is being decided.
public struct PeerProcess: ~Copyable {
    /// 0 where it is in no pid namespace that we see.
    public let pid: Int32
    public let uid: UInt32
    /// -1 where there is none.
    private let pidfd: Int32

    /// Nil when the kernel says nothing.
    init?(socket: Int32) {
        var credentials = cs_peer()
        guard cs_peer_credentials(socket, &credentials) == 0 else { return nil }
        pid = credentials.pid
        uid = credentials.uid
        let given = cs_peer_pidfd(socket)
        // An older kernel: the number may have been given to another process by now, and nobody can tell.
        pidfd = given < 0 && errno == ENOPROTOOPT && pid > 0 ? cs_pidfd_open(pid) : given
    }

    deinit { if pidfd >= 0 { close(pidfd) } }

    /// Whether the process that connected has not ended: what /proc said about its number until now was about it.
    public var isAlive: Bool {
        guard pidfd >= 0 else { return false }
        var end = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        return poll(&end, 1, 0) == 0
    }

    /// Whether it may talk to a daemon of `owner`: only the owner, and root, who may do everything anyway.
    func mayConnect(to owner: UInt32) -> Bool { uid == owner || uid == 0 }
}

/// What the event loop knows of one connection. Owned by the loop's thread.
final class Connection {
    /// Something for this connection alone.
    struct Item {
        /// The ring offset that is sent before it.
        var barrier: Int
        var bytes: [UInt8]
        var then: Action?
    }

    /// A line that has been read.
    enum Next: Equatable {
        case request(Request)
        /// It is none, and what is answered.
        case refused(id: JSONValue, RPCError)
    }

    /// What happens once an item has been sent.
    enum Action {
        /// The subscription holds from here on; `replay` says from where when not from here.
        case subscribe(Subscription, replay: Replay?)
        case close
    }

    /// A subscriber that is still being told of stored events.
    struct Replay {
        /// The last event it has been given.
        var position: Int
        /// The page that comes next, when it is already here.
        var page: [PublishedLine]?
        var isWaitingForPage = false
        /// Responses that may not overtake the events up to `seq`.
        var held: [(seq: Int, bytes: [UInt8])] = []
    }

    /// Where its lines come from.
    enum Feed {
        /// From the ring, at the cursor.
        case live
        case replaying(Replay)
        /// From nowhere: it is leaving, or has closed its end for reading.
        case none
    }

    let id: ConnectionID
    let descriptor: Int32
    let peer: Peer
    /// Where it is among all connections.
    var place = 0

    // What it sends us.
    var framer: LineFramer
    /// Lines not looked at yet, because earlier ones come first.
    var incoming = Deque<LineFramer.Outcome>()
    /// What comes next, read but not dealt with.
    var next: Next?
    /// It waits in one of the loop's lanes.
    var isInTurn = false
    var hasEnded = false
    var malformedInARow = 0
    /// Requests handed to the handler and not answered.
    var inFlight = 0
    /// A `subscribe` waits for its first page, or for its response to be sent.
    var isSubscribing = false
    /// The `subscribe` that waits for its first page.
    var pendingSubscribe: (id: JSONValue?, params: SubscribeParams)?

    // What we send it.
    var feed = Feed.live
    var subscription = Subscription.standard
    var cursor: Int
    var outbox: [Item] = []
    var outboxBytes = 0
    var sentOfFirst = 0
    /// Its socket is full; epoll says when to go on.
    var isBlocked = false
    /// Its goodbye is on the way; nothing more is read from it.
    var isLeaving = false
    var isClosed = false
    /// Counts subscriptions, to tell the page of an abandoned replay.
    var epoch = 0
    /// The last event it was sent or told of by a mark, and the last one left out.
    var known = 0
    var skipped = 0
    var markedAt: Int64 = .min / 2

    /// What epoll watches it for.
    var interest: UInt32 = 0
    var isDirty = false

    init(id: ConnectionID, descriptor: Int32, peer: Peer, cursor: Int, lineLimit: Int) {
        self.id = id
        self.descriptor = descriptor
        self.peer = peer
        self.cursor = cursor
        framer = LineFramer(limit: lineLimit)
    }

    /// Adds a line (nil: none, only the action) behind everything up to `barrier`.
    func add(_ line: [UInt8]?, barrier: Int, then action: Action? = nil) {
        var bytes = line ?? []
        if line != nil { bytes.append(0x0A) }
        outbox.append(Item(barrier: barrier, bytes: bytes, then: action))
        outboxBytes += bytes.count
    }
}
