import Glibc

// What comes in: lines, cut and read, one at a time and only while the connection takes its answers.
extension EventLoop {
    /// Reads what has arrived; everything up to its end from a client that has hung up.
    func read(_ connection: Connection, hasHungUp: Bool) {
        repeat {
            let (count, bytes) = receive(connection)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { break }
            guard count > 0 else {
                connection.hasEnded = true
                break
            }
            connection.framer.feed(bytes) { connection.incoming.append($0) }
            if connection.framer.dropped > limits.hopelessLineBytes {
                return sayGoodbye(connection, "too_large", afterPending: true)
            }
        } while hasHungUp
        if hasHungUp {
            // Nobody will read an answer, so nothing needs to wait for one.
            while !connection.incoming.isEmpty { handle(connection, connection.incoming.removeFirst()) }
            drop(connection)
        } else {
            markDirty(connection)
        }
    }

    /// Whether bytes from this connection are wanted now.
    func mayRead(_ connection: Connection) -> Bool {
        !connection.hasEnded && connection.incoming.isEmpty && mayProcess(connection)
    }

    private func mayProcess(_ connection: Connection) -> Bool {
        !connection.isSubscribing && !connection.isLeaving && connection.inFlight < limits.requestsInFlight
            && connection.outboxBytes < limits.outboxBytes
    }

    /// Looks at the lines that have arrived, as long as there is room for answers.
    func process(_ connection: Connection) {
        guard !connection.incoming.isEmpty else { return }
        var count = 0
        while count < connection.incoming.count, mayProcess(connection) {
            handle(connection, connection.incoming[count])
            count += 1
        }
        connection.incoming.removeFirst(min(count, connection.incoming.count))
    }

    private func handle(_ connection: Connection, _ outcome: LineFramer.Outcome) {
        switch outcome {
        case .oversized:
            refuse(
                connection,
                id: .null,
                RPCError(.tooLarge, "the line is longer than \(limits.lineBytes) bytes; it is ignored")
            )
        case .line(let line):
            do throws(Request.Malformed) {
                let request = try Request(line: line)
                connection.malformedInARow = 0
                handle(connection, request)
            } catch {
                refuse(connection, id: error.id, error.error)
            }
        }
    }

    private func handle(_ connection: Connection, _ request: Request) {
        if request.method == "subscribe" {
            subscribe(connection, request)
        } else {
            if request.id != nil { connection.inFlight += 1 }
            callbacks.handler(connection.id, connection.peer, request)
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
