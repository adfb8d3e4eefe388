import Core
import Foundation
import GRDB
import IPC

extension Store {
    /// Everything a restarted daemon needs to go on.
    struct Loaded {
        var state: StoredState
        /// The agents, as their rows were last published.
        var agents: [Agent]
        /// For every ticket, the event that brought it into its state.
        var evidence: [TicketID: String]
        /// The daemon's own row of the picture, as it was last published.
        var daemonRow: JSONObject
        /// The number of the newest event.
        var seq: Int
    }

    /// - Throws: `StoreError` when it cannot be read; nothing has been written by then.
    func load() throws -> Loaded {
        do { return try read() } catch { throw StoreError.unusable(pool.path, String(describing: error)) }
    }

    private func read() throws -> Loaded {
        try pool.read { database in
            let decoder = JSONDecoder()
            func bodies<Value: Decodable>(_ table: String, as type: Value.Type) throws -> [Value] {
                let rows = try String.fetchCursor(database, sql: "SELECT body FROM \(table)")
                var values: [Value] = []
                while let body = try rows.next() { values.append(try decoder.decode(type, from: Data(body.utf8))) }
                return values
            }
            let agents = try bodies("agents", as: Agent.self)
            var evidence: [TicketID: String] = [:]
            let rows = try Row.fetchCursor(database, sql: "SELECT id, evidence FROM tickets")
            while let row = try rows.next() { evidence[TicketID(row[0])] = row[1] }
            let daemonRow = try String.fetchOne(database, sql: "SELECT row FROM daemon")
            return Loaded(
                state: StoredState(
                    tickets: try bodies("tickets", as: Ticket.self),
                    repositories: try bodies("repositories", as: Core.Repository.self),
                    grants: try bodies("locks", as: Grant.self),
                    counters: try bodies("counters", as: Orchestrator.Counters.self).first ?? .init(),
                    agentsSince: Dictionary(uniqueKeysWithValues: agents.map { ($0.id, $0.since) })
                ),
                agents: agents,
                evidence: evidence,
                daemonRow: try daemonRow.flatMap { try JSONValue(parsing: $0).objectValue } ?? [:],
                seq: try Int.fetchOne(database, sql: "SELECT max(seq) FROM events") ?? 0
            )
        }
    }

    // MARK: history

    /// The events after `seq`, oldest first, at most `limit` of them.
    func events(after seq: Int, limit: Int) throws -> [PublishedLine] {
        try pool.read { database in
            let sql = "SELECT seq, name, ticket, line FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [seq, limit]).map { row in
                PublishedLine(seq: row[0], topic: row[1], ticket: row[2], bytes: [UInt8](row[3] as Data))
            }
        }
    }

    func description(of ticket: TicketID) throws -> String {
        try pool.read { database in
            try String.fetchOne(
                database,
                sql: "SELECT text FROM descriptions WHERE ticket = ?",
                arguments: [ticket.text]
            )
                ?? ""
        }
    }

    /// The runs of a ticket, oldest first; only those that judged a tree if `checksOnly`.
    func runs(of ticket: TicketID, checksOnly: Bool = false) throws -> [RunRow] {
        try pool.read { database in
            let sql = """
                SELECT number, name, stage, tree, state, started, ended, outcome FROM runs
                WHERE ticket = ? \(checksOnly ? "AND stage = 'verify'" : "") ORDER BY number
                """
            return try Row.fetchAll(database, sql: sql, arguments: [ticket.text]).map { row in
                RunRow(
                    id: "\(ticket).\(row[0] as Int)",
                    ticket: ticket.text,
                    number: row[0],
                    stage: row[2],
                    name: row[1],
                    state: row[4],
                    outcome: row[7],
                    started: (row[5] as Int64?).map { Timestamp.text(Instant(milliseconds: $0)) },
                    ended: (row[6] as Int64?).map { Timestamp.text(Instant(milliseconds: $0)) },
                    tree: row[3]
                )
            }
        }
    }
}

extension Store {
    /// The newest run of each verifier on this tree, in the order they ran.
    func checks(of ticket: TicketID, tree: ObjectID) throws -> [Check] {
        try pool.read { database in
            let sql = """
                SELECT max(number), name, state, outcome, coalesce(ended - started, 0) FROM runs
                WHERE ticket = ? AND tree = ? AND ended IS NOT NULL GROUP BY name ORDER BY 1
                """
            return try Row.fetchAll(database, sql: sql, arguments: [ticket.text, tree.text]).map { row in
                Check(
                    name: row[1],
                    run: RunID(ticket: ticket, number: row[0]),
                    outcome: .init(state: row[2], phrase: row[3]),
                    seconds: Double(row[4] as Int64) / 1000
                )
            }
        }
    }
}

extension Store {
    /// What a subscriber that asks for the past gets next.
    func page(after seq: Int, limit: Int) -> HistoryPage {
        // Nothing is ever pruned yet, so nothing is gone; a read that fails is not taken for an empty one.
        do { return .page(try events(after: seq, limit: limit)) } catch { return .failed("\(error)") }
    }
}
