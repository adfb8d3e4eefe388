import Glibc

// What comes in: lines, cut and read, one at a time and only while the connection takes its answers.
extension EventLoop {
    /// Reads what has arrived.
    func read(_ connection: Connection) {
        let (count, bytes) = receive(connection)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        if count <= 0 {
            connection.hasEnded = true
        } else {
            unfinished -= connection.framer.unfinished
            connection.framer.feed(bytes) { connection.incoming.append($0) }
            unfinished += connection.framer.unfinished
            if unfinished > limits.unfinishedBytes { endLongest() }
            if connection.framer.dropped > limits.hopelessLineBytes {
                return sayGoodbye(connection, "too_large", afterPending: true)
            }
        }
        markDirty(connection)
    }

    /// Whoever has sent the most of a line without its end, leaves: each is within its limit, and all together are not.
    private func endLongest() {
        guard let longest = everyone.max(by: { $0.framer.unfinished < $1.framer.unfinished }) else { return }
        unfinished -= longest.framer.unfinished
        longest.framer = LineFramer(limit: limits.lineBytes)
        sayGoodbye(longest, "too_large", afterPending: true)
    }

    /// Whether bytes from this connection are wanted now.
    func mayRead(_ connection: Connection) -> Bool {
        !connection.hasEnded && connection.incoming.isEmpty && connection.next == nil && mayProcess(connection)
    }

    private func mayProcess(_ connection: Connection) -> Bool {
        !connection.isSubscribing && !connection.isLeaving && connection.inFlight < limits.requestsInFlight
            && connection.outboxBytes < limits.outboxBytes
    }

    /// Has a connection wait for its turn, if there is something it may ask.
    func queue(_ connection: Connection) {
        guard !connection.isInTurn, !connection.isClosed, mayProcess(connection), let next = look(connection) else {
            return
        }
        connection.isInTurn = true
        turns[Self.lane(of: next, callbacks)].append(connection)
    }

    /// The next line, read but not dealt with.
    private func look(_ connection: Connection) -> Connection.Next? {
        if let next = connection.next { return next }
        guard let outcome = connection.incoming.popFirst() else { return nil }
        let next: Connection.Next
        switch outcome {
        case .oversized:
            let problem = RPCError(.tooLarge, "the line is longer than \(limits.lineBytes) bytes; it is ignored")
            next = .refused(id: .null, problem)
        case .line(let line):
            do throws(Request.Malformed) { next = .request(try Request(line: line)) } catch {
                next = .refused(id: error.id, error.error)
            }
        }
        connection.next = next
        return next
    }

    private static func lane(of next: Connection.Next, _ callbacks: EventServer.Callbacks) -> Int {
        switch next {
        case .request(let request): callbacks.lane(request.method).rawValue
        case .refused: Lane.quick.rawValue
        }
    }

    /// Hands over one request of each connection that has some, then the next of each, as far as its lane has room. So
    /// whoever asks for one thing waits for one thing of everyone else, however many they have asked for.
    func takeTurns() {
        for lane in Lane.allCases.indices {
            while inHand[lane] < limits.inHand(Lane.allCases[lane]), let connection = turns[lane].popFirst() {
                connection.isInTurn = false
                guard !connection.isClosed, mayProcess(connection), let next = connection.next else { continue }
                connection.next = nil
                handle(connection, next, lane: Lane.allCases[lane])
                // Also what only answers may have made room to be read again.
                markDirty(connection)
            }
        }
    }

    private func handle(_ connection: Connection, _ next: Connection.Next, lane: Lane) {
        switch next {
        case .refused(let id, let error): refuse(connection, id: id, error)
        case .request(let request):
            connection.malformedInARow = 0
            guard request.method != "subscribe" else { return subscribe(connection, request) }
            connection.inFlight += 1
            inHand[lane.rawValue] += 1
            callbacks.handler(Asker(connection: connection.id, lane: lane), connection.peer, request)
        }
    }

    /// Answers a line that is no request; enough of them in a row, and the connection is beyond hope.
    private func refuse(_ connection: Connection, id: JSONValue, _ error: RPCError) {
        respond(connection, id, .failure(error))
        connection.malformedInARow += 1
        if connection.malformedInARow >= limits.malformedInARow {
            sayGoodbye(connection, "malformed", afterPending: true)
        }
    }

    func respond(_ connection: Connection, _ id: JSONValue?, _ result: Result<JSONValue, RPCError>) {
        if let id { answer(connection, Response(id: id, result: result).bytes) }
    }

    /// Puts a response behind everything published so far.
    func answer(_ connection: Connection, _ bytes: [UInt8]) {
        switch connection.feed {
        case .live: connection.add(bytes, barrier: ring.head)
        case .replaying(var replay) where replay.position < ring.through:
            replay.held.append((ring.through, bytes))
            connection.outboxBytes += bytes.count
            connection.feed = .replaying(replay)
        case .replaying: connection.add(bytes, barrier: 0)
        case .none: break
        }
        markDirty(connection)
    }
}
