import Glibc

// Subscriptions, and the way of a subscriber from the past to the present: pages from the history as it reads them,
// until the ring holds what comes next.
extension EventLoop {
    func subscribe(_ connection: Connection, _ request: Request) {
        let params: SubscribeParams
        do throws(RPCError) {
            params = try SubscribeParams(request.params)
        } catch {
            return respond(connection, request.id, .failure(error))
        }
        connection.isSubscribing = true
        connection.epoch += 1
        connection.pendingSubscribe = (request.id, params)
        switch params.since {
        case nil: accept(connection, replayingFrom: ring.through, page: nil)
        case let since? where since > ring.through:
            decline(
                connection,
                RPCError(
                    .gone,
                    "there is no event \(since) yet, the last one is \(ring.through)",
                    hint: "take a snapshot, and subscribe from its seq"
                )
            )
        case let since? where ring.offset(after: since) != nil: accept(connection, replayingFrom: since, page: nil)
        case let since?: requestPage(connection, after: since)
        }
    }

    /// Responds to the pending `subscribe`; from the response on the new subscription holds.
    private func accept(_ connection: Connection, replayingFrom since: Int, page: [PublishedLine]?) {
        guard let (id, params) = connection.pendingSubscribe else { return }
        connection.pendingSubscribe = nil
        var replay: Connection.Replay? = Connection.Replay(position: since, page: page)
        if params.since == nil, case .live = connection.feed { replay = nil }
        let response = id.map { Response(id: $0, result: .success(["seq": JSONValue(ring.through)])).bytes }
        connection.add(response, barrier: ring.head, then: .subscribe(params.subscription, replay: replay))
        markDirty(connection)
    }

    private func decline(_ connection: Connection, _ error: RPCError) {
        guard let (id, _) = connection.pendingSubscribe else { return }
        connection.pendingSubscribe = nil
        connection.isSubscribing = false
        respond(connection, id, .failure(error))
    }

    /// The response has been sent.
    func begin(_ subscription: Subscription, _ replay: Connection.Replay?, for connection: Connection) {
        connection.isSubscribing = false
        connection.subscription = subscription
        guard var replay else {
            connection.known = ring.through(before: connection.cursor)
            connection.skipped = connection.known
            return
        }
        if case .replaying(let abandoned) = connection.feed { replay.held = abandoned.held }
        connection.known = replay.position
        connection.skipped = replay.position
        let page = exchange(&replay.page, with: nil)
        connection.feed = .replaying(replay)
        if let page { give(page, to: connection) }
    }

    /// Goes on with a replay all of whose lines have been sent: live if the ring has what follows, else by another
    /// page. False when there is nothing to do but wait.
    func advance(_ connection: Connection) -> Bool {
        guard case .replaying(var replay) = connection.feed, !replay.isWaitingForPage else { return false }
        if let offset = ring.offset(after: replay.position) {
            connection.cursor = offset
            connection.feed = .live
            slowest = min(slowest, offset)
            for (_, bytes) in replay.held {
                connection.outboxBytes -= bytes.count
                connection.add(bytes, barrier: ring.head)
            }
            return true
        }
        replay.isWaitingForPage = true
        connection.feed = .replaying(replay)
        requestPage(connection, after: replay.position)
        return false
    }

    private func requestPage(_ connection: Connection, after seq: Int) {
        replayer.add(
            Replayer.Job(connection: connection.id, epoch: connection.epoch, after: seq, limit: limits.pageLines)
        )
    }

    /// A page from the history: the first one of a pending `subscribe`, or the next one of a replay under way.
    func receive(_ page: HistoryPage, for connection: Connection) {
        switch (page, connection.pendingSubscribe) {
        case (.gone(let oldest), _?):
            decline(
                connection,
                RPCError(
                    .gone,
                    "events before \(oldest) have been pruned",
                    hint: "take a snapshot, and subscribe from its seq"
                )
            )
        case (.failed(let reason), _?):
            decline(
                connection,
                RPCError(
                    .internal,
                    "cannot read the stored events: \(reason)",
                    hint: "`orch doctor` looks at the store"
                )
            )
        case (.page(let lines), let pending?):
            accept(connection, replayingFrom: pending.params.since ?? 0, page: lines)
        case (.gone, nil): sayGoodbye(connection, "gone", afterPending: true)
        case (.failed, nil): sayGoodbye(connection, "internal", afterPending: true)
        case (.page(let lines), nil):
            guard case .replaying(var replay) = connection.feed else { return }
            replay.isWaitingForPage = false
            connection.feed = .replaying(replay)
            give(lines, to: connection)
        }
    }

    /// Puts the wanted lines of a page into the outbox. What has not been published yet is left to come through the
    /// ring, and what would take too much memory is read again later.
    private func give(_ page: [PublishedLine], to connection: Connection) {
        guard case .replaying(var replay) = connection.feed else { return }
        let start = replay.position
        var bytes: [UInt8] = []
        for line in page {
            guard let seq = line.seq, seq <= ring.through, bytes.count < limits.pageBytes else { break }
            guard seq == replay.position + 1 else { return sayGoodbye(connection, "internal", afterPending: true) }
            replay.position = seq
            let isWanted = connection.subscription.takes(
                topic: line.topic,
                ticket: line.ticket,
                isChatter: Subscription.isChatter(line.topic)
            )
            if isWanted {
                bytes.append(contentsOf: line.bytes)
                bytes.append(0x0A)
                connection.known = seq
            } else {
                connection.skipped = seq
            }
        }
        // A history without the events that were published would make us ask for ever.
        guard replay.position > start || ring.offset(after: start) != nil else {
            return sayGoodbye(connection, "internal", afterPending: true)
        }
        if !bytes.isEmpty {
            bytes.removeLast()
            connection.add(bytes, barrier: 0)
        }
        release(&replay, connection)
        connection.feed = .replaying(replay)
        markDuringReplay(connection)
        markDirty(connection)
    }

    /// Sends the responses that have waited for events which are now ahead of them.
    private func release(_ replay: inout Connection.Replay, _ connection: Connection) {
        while let first = replay.held.first, first.seq <= replay.position {
            replay.held.removeFirst()
            connection.outboxBytes -= first.bytes.count
            connection.add(first.bytes, barrier: 0)
        }
    }

    private func markDuringReplay(_ connection: Connection) {
        let now = monotonicMilliseconds()
        if connection.skipped > connection.known, connection.markedAt + limits.markMilliseconds <= now {
            mark(connection, now)
        }
    }
}
