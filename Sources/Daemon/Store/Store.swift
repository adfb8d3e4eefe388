import Core
import Foundation
import GRDB
import Glibc
import IPC

/// The only place that speaks SQL. One writer, the engine's loop; readers never wait for it (WAL).
///
/// Everything orch knows is here: the values Core decides on, and the events as they were sent. Both change in one
/// transaction, so that a subscriber's picture and the daemon's own can not differ.
final class Store: Sendable {
    let pool: DatabasePool

    /// Opens the database, making it if there is none, and brings its schema up to date.
    ///
    /// - Throws: `StoreError` when the database is newer than this program, damaged, or can not be opened. What is
    ///   there is never replaced.
    init(path: String, durability: Durability = .full) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 4
        configuration.label = "orch"
        do {
            try Self.look(at: path)
            // For the user alone from its first moment; the log beside it gets the same mode.
            let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            if descriptor >= 0 { Glibc.close(descriptor) }
            pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB sets NORMAL when it switches to WAL, after `prepareDatabase`; so it is said here.
            let level = durability == .full ? "FULL" : "NORMAL"
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = \(level); PRAGMA journal_size_limit = 67108864")
            }
            try Schema.migrator.migrate(pool)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError.unusable(path, String(describing: error))
        }
        chmod(path, 0o600)
    }

    /// Whether what is at `path` can be read and is ours, by a connection that cannot change it.
    private static func look(at path: String) throws {
        guard access(path, F_OK) == 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        if try queue.read(Schema.migrator.hasBeenSuperseded) { throw StoreError.newer(path) }
    }

    /// Ends every connection, the writer's last: read-only ones could not bring the log back into the database, and a
    /// daemon that has ended is to leave one file.
    func close() throws {
        pool.invalidateReadOnlyConnections()
        try pool.close()
    }

    // MARK: writing

    /// Stores everything one batch of inputs has come to; when it returns, all of it is durable, or none.
    ///
    /// - Throws: `StoreError.rejected` when it breaks a rule of the schema, else what SQLite says (the disk is full).
    func commit(_ batch: Batch) throws {
        do {
            try pool.write { try Self.write(batch, $0) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw StoreError.rejected("\(error)")
        }
    }

    private static func write(_ batch: Batch, _ database: Database) throws {
        for step in batch.steps { try write(step, database) }
        if let counters = batch.counters {
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO counters VALUES (1, ?)")
                .execute(arguments: [try encode(counters)])
        }
        if let row = batch.daemonRow {
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO daemon VALUES (1, ?)")
                .execute(arguments: [String(decoding: row.bytes, as: UTF8.self)])
        }
    }

    private static func write(_ step: Batch.Step, _ database: Database) throws {
        // Repositories before tickets before what refers to them.
        for change in step.changes.repositories {
            guard let repository = change.new else { continue }
            let sql = """
                INSERT INTO repositories VALUES (?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET path = excluded.path, target = excluded.target, body = excluded.body
                """
            try database.cachedStatement(sql: sql).execute(
                arguments: [repository.id.text, repository.path, repository.target, try encode(repository)])
        }
        for change in step.changes.grants where change.new == nil {
            try database.cachedStatement(sql: "DELETE FROM locks WHERE fence = ?")
                .execute(arguments: [change.old?.fence])
        }
        for change in step.changes.tickets {
            guard let ticket = change.new else { continue }
            try write(ticket, evidence: step.evidence[ticket.id] ?? "", database)
        }
        for (ticket, text) in step.descriptions {
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO descriptions VALUES (?, ?)")
                .execute(arguments: [ticket.text, text])
        }
        // First those that let go of a ticket, then those that take one up: two agents never have the same.
        for change in step.changes.agents where change.new?.ticket == nil { try write(change, database) }
        for change in step.changes.agents where change.new?.ticket != nil { try write(change, database) }
        for change in step.changes.grants {
            guard let grant = change.new else { continue }
            try database.cachedStatement(sql: "INSERT INTO locks VALUES (?, ?, ?, ?, ?)").execute(
                arguments: [
                    grant.fence, grant.repository.text, grant.ticket.text, grant.pattern.description,
                    try encode(grant),
                ])
        }
        for run in step.changes.runs { try write(run, step.time, database) }
        try database.cachedStatement(sql: "INSERT INTO events VALUES (?, ?, ?, ?)").execute(
            arguments: [step.seq, step.name, step.ticket?.text, Data(step.line)])
    }

    private static func write(_ ticket: Ticket, evidence: String, _ database: Database) throws {
        let sql = """
            INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, since = excluded.since,
                finished = excluded.finished, evidence = excluded.evidence, body = excluded.body
            """
        try database.cachedStatement(sql: sql).execute(
            arguments: [
                ticket.id.text, ticket.serial, ticket.repository.text, ticket.state.name, ticket.created.milliseconds,
                ticket.since.milliseconds, ticket.isFinal ? ticket.since.milliseconds : nil, evidence,
                try encode(ticket),
            ])
    }

    private static func write(_ change: Change<Agent>, _ database: Database) throws {
        guard let agent = change.new else {
            try database.cachedStatement(sql: "DELETE FROM agents WHERE number = ?")
                .execute(arguments: [change.old?.id.number])
            return
        }
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO agents VALUES (?, ?, ?)")
            .execute(arguments: [agent.id.number, agent.ticket?.text, try encode(agent)])
    }

    private static func write(_ run: RunRecord, _ time: Instant, _ database: Database) throws {
        switch run {
        case .requested(let id, let name, let stage, let tree):
            let sql = """
                INSERT INTO runs (ticket, number, name, stage, tree, state, requested)
                VALUES (?, ?, ?, ?, ?, 'starting', ?)
                """
            try database.cachedStatement(sql: sql).execute(
                arguments: [
                    id.ticket.text, id.number, name, stage, tree?.text, time.milliseconds,
                ])
        case .started(let id, let at):
            let sql = "UPDATE runs SET state = 'running', started = ? WHERE ticket = ? AND number = ? AND ended IS NULL"
            try database.cachedStatement(sql: sql)
                .execute(arguments: [at.milliseconds, id.ticket.text, id.number])
        case .ended(let id, let at, let outcome):
            let sql = """
                UPDATE runs SET state = ?, ended = ?, outcome = ? WHERE ticket = ? AND number = ? AND ended IS NULL
                """
            try database.cachedStatement(sql: sql).execute(
                arguments: [
                    outcome.stateName, at.milliseconds, outcome.phrase, id.ticket.text, id.number,
                ])
        }
    }

    private static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Everything one batch of inputs has come to.
struct Batch {
    /// One fact, as it is stored and published.
    struct Step {
        var seq: Int
        var time: Instant
        var name: String
        var ticket: TicketID?
        /// The whole line, without its line feed.
        var line: [UInt8]
        var changes: Changes
        /// For every changed ticket, the event that brought it into its state.
        var evidence: [TicketID: String]
        var descriptions: [(TicketID, String)]
    }
    var steps: [Step] = []
    var counters: Orchestrator.Counters?
    var daemonRow: JSONObject?
}

enum StoreError: Error, CustomStringConvertible {
    case newer(String)
    case unusable(String, String)
    case rejected(String)

    var description: String {
        switch self {
        case .newer(let path):
            "cannot open \(path): a newer orch has written it; start that version, or choose another --state-dir"
        case .rejected(let reason):
            "the store rejected a change: \(reason)"
        case .unusable(let path, let reason):
            "cannot open \(path): \(reason); it has been left as it is; choose another --state-dir to go on without it"
        }
    }
}

extension RunOutcome {
    /// The word of the wire: `passed`, `failed`, `stopped`, `timed_out`, `lost`.
    var stateName: String {
        switch self {
        case .exited(0): "passed"
        case .exited, .signalled, .notStarted: "failed"
        case .stopped, .stale: "stopped"
        case .timedOut: "timed_out"
        case .lost: "lost"
        }
    }
}
