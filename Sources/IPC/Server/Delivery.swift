import Glibc

// What goes out: lines from the ring at each subscriber's own pace, and items for one connection in their place
// between them.
extension EventLoop {
    /// Appends lines to the ring. Whoever is about to be overrun gets one more chance to read before the rest is
    /// appended, and is then closed.
    func append(_ lines: [PublishedLine]) {
        for line in lines {
            makeRoom(for: line.bytes.count + 1)
            if line.bytes.count < ring.capacity {
                ring.append(line, isChatter: Subscription.isChatter(line.topic))
            } else {
                skipOver(line)
            }
        }
    }

    /// Sends on what has been appended: all of it together, so that a burst costs each subscriber one call.
    func distribute() {
        // Nearly everyone is at the same place, and is sent the same bytes.
        var start = -1
        var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        for connection in everyone where !connection.isBlocked {
            guard isPlain(connection) else {
                markDirty(connection)
                continue
            }
            if connection.cursor != start {
                start = connection.cursor
                bytes = ring.bytes(from: start, to: ring.head)
            }
            let sent = send(connection.descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if sent > 0 { connection.cursor = start + sent }
            if connection.cursor < ring.head { markDirty(connection) }
        }
    }

    /// The common case, and the cost of the whole server: someone who wants every line and is owed nothing else gets
    /// one call to the system, and as little else as possible.
    private func isPlain(_ connection: Connection) -> Bool {
        guard connection.outbox.isEmpty, connection.cursor >= ring.chatterEnd, connection.cursor < ring.head,
            !connection.subscription.isFiltered, case .live = connection.feed
        else { return false }
        return true
    }

    private func makeRoom(for count: Int) {
        guard ring.head + count - slowest > ring.capacity else { return }
        for connection in everyone where !connection.isBlocked { deliver(connection) }
        slowest = ring.head
        for connection in everyone {
            guard case .live = connection.feed else { continue }
            if ring.head + count - connection.cursor > ring.capacity {
                sayGoodbye(connection, "slow", afterPending: false)
            } else {
                slowest = min(slowest, connection.cursor)
            }
        }
    }

    /// A line longer than the ring has just made everyone live slow; the ring goes on behind it.
    private func skipOver(_ line: PublishedLine) {
        ring.clear(through: line.seq)
        slowest = ring.head
    }

    /// Sends all that can be sent. Returns when the socket is full or nothing is left.
    func deliver(_ connection: Connection) {
        while !connection.isClosed, !connection.isBlocked {
            if let item = connection.outbox.first, isDue(item, connection) {
                guard sendFirstItem(connection) else { return }
            } else if case .live = connection.feed, connection.cursor < limit(connection) {
                guard sendLines(connection, to: limit(connection)) else { return }
            } else if !continueWhenDrained(connection) {
                return
            }
        }
    }

    private func isDue(_ item: Connection.Item, _ connection: Connection) -> Bool {
        guard case .live = connection.feed else { return true }
        return connection.cursor >= item.barrier
    }

    private func limit(_ connection: Connection) -> Int { connection.outbox.first?.barrier ?? ring.head }

    /// What there is to do once everything has been sent; false when that is nothing.
    private func continueWhenDrained(_ connection: Connection) -> Bool {
        switch connection.feed {
        case .none: false
        case .replaying: advance(connection)
        case .live: markIfDue(connection)
        }
    }

    /// Hands bytes to the socket: how many it took, or nil when the connection can take no more now, or never will.
    private func transmit(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Int? {
        while true {
            let sent = send(connection.descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if sent >= 0 { return sent }
            switch errno {
            case EINTR: continue
            case EAGAIN: connection.isBlocked = true
            default: stopSending(connection)
            }
            markDirty(connection)
            return nil
        }
    }

    /// The client has gone. What it sent before may still be waiting to be read: a command sent by someone who did
    /// not wait for the answer.
    private func stopSending(_ connection: Connection) {
        connection.feed = .none
        connection.outbox = []
        connection.outboxBytes = 0
        connection.sentOfFirst = 0
        connection.pendingSubscribe = nil
        connection.isSubscribing = false
        if connection.hasEnded || connection.isLeaving { drop(connection) }
    }

    private func sendFirstItem(_ connection: Connection) -> Bool {
        let bytes = connection.outbox[0].bytes
        while connection.sentOfFirst < bytes.count {
            let sent = bytes.withUnsafeBytes {
                transmit(connection, UnsafeRawBufferPointer(rebasing: $0[connection.sentOfFirst...]))
            }
            guard let sent else { return false }
            connection.sentOfFirst += sent
        }
        connection.sentOfFirst = 0
        connection.outboxBytes -= bytes.count
        switch connection.outbox.removeFirst().then {
        case nil: break
        case .subscribe(let subscription, let replay): begin(subscription, replay, for: connection)
        case .close: drop(connection)
        }
        return !connection.isClosed
    }

    /// Sends from the ring up to `limit`, which lies between two lines.
    private func sendLines(_ connection: Connection, to limit: Int) -> Bool {
        while connection.cursor < limit {
            let run = nextRun(connection, limit)
            while connection.cursor < run.end {
                guard let sent = transmit(connection, ring.bytes(from: connection.cursor, to: run.end)) else {
                    return false
                }
                connection.cursor += sent
            }
            connection.known = max(connection.known, run.seq)
        }
        return true
    }

    /// The next lines in a row that the connection wants, after passing over those it does not: where they end, and
    /// the last event among them (0 when nobody asks).
    private func nextRun(_ connection: Connection, _ limit: Int) -> (end: Int, seq: Int) {
        let subscription = connection.subscription
        if !subscription.isFiltered, connection.cursor >= ring.chatterEnd { return (limit, 0) }
        var number = ring.lineNumber(at: connection.cursor)
        var end = connection.cursor
        var seq = 0
        let enough = connection.cursor + 256 << 10
        while end < limit, end < enough {
            let line = ring.line(number)
            // A line that has been begun is sent to its end.
            if line.start >= connection.cursor, !subscription.takes(line) {
                if end > connection.cursor { break }
                connection.cursor = line.end
                if let skipped = line.seq { connection.skipped = skipped }
            } else if let sent = line.seq {
                seq = sent
            }
            end = line.end
            number += 1
        }
        return (end, seq)
    }
}

// MARK: Lines of the server's own

extension EventLoop {
    /// Tells a filtered subscriber how far it has not missed anything, when lines were left out since; at most every
    /// so often. The last one of a row comes by a timer, which exists only until then.
    private func markIfDue(_ connection: Connection) -> Bool {
        guard connection.subscription.isFiltered, connection.skipped > connection.known else { return false }
        let now = monotonicMilliseconds()
        let due = connection.markedAt + limits.markMilliseconds
        guard due <= now else {
            setDeadline(connection, due)
            return false
        }
        mark(connection, now)
        return true
    }

    func mark(_ connection: Connection, _ now: Int64) {
        connection.markedAt = now
        connection.known = connection.skipped
        connection.add(
            Notification("through", ["seq": JSONValue(connection.known)]).bytes,
            barrier: connection.cursor
        )
    }

    /// Ends a connection with a last line, after what it is still owed or (`afterPending` false) at once.
    func sayGoodbye(_ connection: Connection, _ reason: String, afterPending: Bool) {
        guard !connection.isLeaving else { return }
        connection.isLeaving = true
        connection.incoming = Deque()
        connection.next = nil
        var seq = ring.through
        switch connection.feed {
        case .none: return drop(connection)
        case .replaying(let replay):
            seq = replay.position
            connection.feed = .none
        case .live where !afterPending:
            seq = abandon(connection)
            connection.feed = .none
        case .live: break
        }
        let params: JSONObject = ["reason": .string(reason), "seq": JSONValue(seq)]
        connection.add(Notification("goodbye", params).bytes, barrier: ring.head, then: .close)
        setDeadline(connection, monotonicMilliseconds() + limits.goodbyeMilliseconds)
        markDirty(connection)
    }

    /// Keeps of what a live connection is owed only the rest of the line it is in the middle of. Returns the last
    /// event it will have had.
    private func abandon(_ connection: Connection) -> Int {
        let first = connection.sentOfFirst > 0 ? connection.outbox.first : nil
        connection.outbox = first.map { [Connection.Item(barrier: 0, bytes: $0.bytes)] } ?? []
        connection.outboxBytes = first?.bytes.count ?? 0
        let number = ring.lineNumber(at: connection.cursor)
        guard number < ring.endLine, ring.line(number).start < connection.cursor else {
            return ring.through(before: connection.cursor)
        }
        let end = ring.line(number).end
        var rest: [UInt8] = []
        while connection.cursor < end {
            let piece = ring.bytes(from: connection.cursor, to: end)
            rest.append(contentsOf: piece)
            connection.cursor += piece.count
        }
        rest.removeLast()
        connection.add(rest, barrier: 0)
        return ring.through(before: end)
    }
}
