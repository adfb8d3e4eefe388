import Core
import Foundation
import GRDB
import IPC
import Synchronization

extension Store {
    /// Everything a restarted daemon needs to go on.
    struct Loaded {
        var state: StoredState
        /// The agents, as their rows were last published.
        var agents: [Agent]
        /// For every ticket of the state, the event that brought it into its own.
        var evidence: [TicketID: String]
        /// The newest event that brought any ticket into its state.
        var newestEvidence: Int
        /// A ticket of each repository that has any.
        var repositories: [RepositoryID: TicketID]
        /// The daemon's own row of the picture, as it was last published.
        var daemonRow: JSONObject
        /// The number of the newest event.
        var seq: Int
        /// When that was.
        var lastEvent: Instant?
    }

    /// - Throws: `StoreError` when it cannot be read, naming the row; nothing has been written by then. A row that cannot
    ///   be read is never passed over: a daemon that does not know of a ticket would give its locks to another.
    func load() throws(StoreError) -> Loaded {
        if let first = first.withLock({ $0.take() }) { return first }
        do {
            return try pool.read { try Self.read($0, path: pool.path) }
        } catch {
            throw StoreError(error, opening: pool.path)
        }
    }

    static func read(_ database: Database, path: String) throws -> Loaded {
        let agents: [Agent] = try bodies("agents", "number", database)
        let tickets = try Tickets(database)
        let text = try String.fetchOne(database, sql: "SELECT row FROM daemon")
        let daemonRow = try text.flatMap { try JSONValue(parsing: $0).objectValue } ?? [:]
        let last = try Row.fetchOne(database, sql: "SELECT seq, line FROM events ORDER BY seq DESC LIMIT 1")
        let loaded = Loaded(
            state: StoredState(
                tickets: tickets.unsettled,
                settled: tickets.settled,
                repositories: try bodies("repositories", "id", database),
                grants: try bodies("locks", "fence", database),
                counters: try counters(database),
                agentsSince: Dictionary(uniqueKeysWithValues: agents.map { ($0.id, $0.since) }),
                standstill: Standstill(row: daemonRow["halted"]),
                ledger: try ledger(database)
            ),
            agents: agents,
            evidence: tickets.evidence,
            newestEvidence: tickets.newestEvidence,
            repositories: tickets.repositories,
            daemonRow: daemonRow,
            seq: last?[0] ?? 0,
            lastEvent: last.flatMap { Self.time(ofLine: $0[1]) }
        )
        if let problem = loaded.inconsistency { throw StoreError.damaged(path, problem) }
        return loaded
    }

    private static func counters(_ database: Database) throws -> Orchestrator.Counters {
        let only: [Orchestrator.Counters] = try bodies("counters", "only", database)
        return only.first ?? .init()
    }

    /// Every value of a table, or the row that cannot be read.
    static func bodies<Value: Decodable>(_ table: String, _ key: String, _ database: Database) throws -> [Value] {
        let decoder = JSONDecoder()
        let rows = try Row.fetchCursor(database, sql: "SELECT \(key), body FROM \(table)")
        var values: [Value] = []
        while let row = try rows.next() {
            values.append(try value(row[1], row: row[0], of: table, decoder))
        }
        return values
    }

    /// The value of a row, or the row that cannot be read.
    static func value<Value: Decodable>(
        _ body: String,
        row key: DatabaseValue,
        of table: String,
        _ decoder: JSONDecoder
    ) throws -> Value {
        do {
            return try decoder.decode(Value.self, from: Data(body.utf8))
        } catch {
            throw Unreadable(row: "row \(key) of its table \(table) cannot be read: \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
            .valueNotFound(_, let context):
            return context.debugDescription
        @unknown default: return "\(error)"
        }
    }

    /// A row that is no value of its table's.
    struct Unreadable: Error, CustomStringConvertible {
        let row: String
        var description: String { "\(row); `orch doctor` reads them all" }
    }

    static func time(ofLine line: Data) -> Instant? {
        (try? JSONValue(parsing: [UInt8](line)))?["params"]?["time"]?.stringValue.flatMap(Timestamp.instant)
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
        try pool.read { try Self.runs(of: ticket, where: checksOnly ? "stage = 'verify'" : "TRUE", [], $0) }
    }

    /// - Parameter condition: in SQL, with the arguments it takes.
    static func runs(
        of ticket: TicketID,
        where condition: String,
        _ arguments: StatementArguments,
        _ database: Database
    ) throws -> [RunRow] {
        let sql = """
            SELECT number, name, stage, tree, state, started, ended, outcome, commit_id FROM runs
            WHERE ticket = ? AND \(condition) ORDER BY number
            """
        let usage = try usage(of: ticket, database)
        return try Row.fetchAll(database, sql: sql, arguments: [ticket.text] + arguments).map { row in
            var run = RunRow(
                id: "\(ticket).\(row[0] as Int)",
                ticket: ticket.text,
                number: row[0],
                stage: row[2],
                name: row[1],
                state: row[4],
                outcome: row[7],
                started: (row[5] as Int64?).map { Timestamp.text(Instant(milliseconds: $0)) },
                ended: (row[6] as Int64?).map { Timestamp.text(Instant(milliseconds: $0)) },
                tree: row[3],
                commit: row[8]
            )
            run.usage = usage[row[0]]
            return run
        }
    }
}

extension Store.Loaded {
    /// What cannot be, were everything there that has been stored; nil when nothing is missing. A page that is lost can
    /// look like one that is empty.
    var inconsistency: String? {
        let counters = state.counters
        let count = state.tickets.count + state.settled.count
        if count != counters.serial { return "\(count) of \(counters.serial) tickets are there" }
        if state.repositories.count != counters.repository {
            return "\(state.repositories.count) of \(counters.repository) repositories are there"
        }
        let known = Set(state.repositories.map(\.id))
        if let lost = repositories.first(where: { !known.contains($0.key) }) {
            return "ticket \(lost.value) is of a repository \(lost.key) that is not there"
        }
        let tickets = Set(state.tickets.map(\.id))
        for grant in state.grants {
            guard let ticket = grant.ticket, !tickets.contains(ticket), state.settled[ticket] == nil else { continue }
            return "lock \(grant.fence) is held by a ticket \(ticket) that is not there"
        }
        if newestEvidence > seq { return "event \(newestEvidence) is not there, the last one is \(seq)" }
        return nil
    }
}

extension Store {
    /// The newest run of each verifier on this tree, in the order they ran.
    func checks(of ticket: TicketID, tree: ObjectID) throws -> [RunRow] {
        let runs = try pool.read {
            try Self.runs(of: ticket, where: "tree = ? AND ended IS NOT NULL", [tree.text], $0)
        }
        return Dictionary(runs.map { ($0.name, $0) }) { $1 }.values.sorted { $0.number < $1.number }
    }
}

extension Store {
    /// What a subscriber that asks for the past gets next.
    func page(after seq: Int, limit: Int) -> HistoryPage {
        // Nothing is ever pruned yet, so nothing is gone; a read that fails is not taken for an empty one.
        do { return .page(try events(after: seq, limit: limit)) } catch { return .failed("\(error)") }
    }
}

extension Store {
    /// What has been told of a file of the backlog folder.
    enum BacklogWord: Equatable {
        case taken(tickets: [String])
        case refused(problems: [String])
    }

    /// The word told of the file that was claimed under this key; nil where there is none. Looks through the whole history:
    /// asked only after a crash.
    func backlogWord(key: String) throws -> BacklogWord? {
        try pool.read { database in
            let sql = """
                SELECT name, line FROM events
                WHERE name IN ('backlog.taken', 'backlog.refused') AND instr(line, CAST(? AS BLOB)) > 0 ORDER BY seq DESC
                """
            for row in try Row.fetchAll(database, sql: sql, arguments: [key]) {
                let params = try JSONValue(parsing: [UInt8](row[1] as Data))["params"]
                guard params?["key"]?.stringValue == key else { continue }
                func texts(_ name: String) -> [String] { params?[name]?.arrayValue?.compactMap(\.stringValue) ?? [] }
                let isTaken = row[0] as String == "backlog.taken"
                return isTaken ? .taken(tickets: texts("tickets")) : .refused(problems: texts("problems"))
            }
            return nil
        }
    }
}
