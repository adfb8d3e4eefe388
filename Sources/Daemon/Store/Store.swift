import Core
import Foundation
import GRDB
import GRDBSQLite
import Glibc
import IPC
import Synchronization

/// The only place that speaks SQL. One writer, the engine's loop; readers never wait for it (WAL).
///
/// Everything orch knows is here: the values Core decides on, and the events as they were sent. Both change in one
/// transaction, so that a subscriber's picture and the daemon's own can not differ.
final class Store: Sendable {
    let pool: DatabasePool
    /// What was read before anything could be written; whoever loads first gets it.
    let first: Mutex<Loaded?>

    /// Pages that each of the five connections keeps, in KiB; SQLite's own 2000 would be most of the memory a daemon takes. What
    /// is beyond that the system has in its cache of files.
    private static let cacheKiB = 256

    /// Opens the database, making it if there is none, and brings its schema up to date.
    ///
    /// - Parameter isFirst: whether there may be none. Where other files of the state directory are left of an earlier
    ///   one, a database that is gone is not taken for one that never was.
    /// - Throws: `StoreError` when the database is newer than this program, damaged, or cannot be opened. What is
    ///   there is never replaced, and nothing has been written.
    init(path: String, durability: Durability = .full, isFirst: Bool = true) throws(StoreError) {
        do {
            let file = try DatabaseFile(path: path, durability: durability)
            guard !file.isNew || isFirst else {
                throw StoreError.damaged(path, "it is gone, and what it knew of is still there")
            }
            guard file.version <= Schema.version else { throw StoreError.newer(path) }
            first = Mutex(try Self.look(at: file))
            // For the user alone from its first moment; the log beside it gets the same mode.
            let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            if descriptor >= 0 { Glibc.close(descriptor) }
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.maximumReaderCount = 4
            configuration.label = "orch"
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -\(Self.cacheKiB)") }
            pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB sets NORMAL when it switches to WAL, after `prepareDatabase`; so it is said here.
            let level = durability == .full ? "FULL" : "NORMAL"
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = \(level); PRAGMA journal_size_limit = 67108864")
            }
            try Schema.migrator.migrate(pool)
            if file.version < Schema.version {
                // Where an older orch looks.
                _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            }
        } catch {
            throw StoreError(error, opening: path)
        }
        chmod(path, 0o600)
    }

    /// Reads what is stored by a connection that cannot change it, and sees what the file alone does not say: of the
    /// first version it has no number, and a newer orch may have been killed before its number came into the file.
    ///
    /// - Returns: nil for a database that is to be made, or made newer, first.
    private static func look(at file: DatabaseFile) throws -> Loaded? {
        guard !file.isNew else { return nil }
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: file.path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { database in
            if try Schema.migrator.hasBeenSuperseded(database) { throw StoreError.newer(file.path) }
            guard try Schema.migrator.hasCompletedMigrations(database) else {
                let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
                guard try isEmpty || database.tableExists("grdb_migrations") else {
                    throw StoreError.unusable(file.path, "it is another program's database")
                }
                return nil
            }
            for table in Schema.tables where try !database.tableExists(table) {
                throw StoreError.damaged(file.path, "its table \(table) is missing")
            }
            return try read(database, path: file.path)
        }
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
    /// - Throws: `StoreError.rejected` when it breaks a rule of the schema, `.full` when there is no room, `.unwritable`
    ///   for all else.
    func commit(_ batch: Batch) throws(StoreError) {
        do {
            try pool.writeWithoutTransaction { database in
                do {
                    try database.inTransaction(.immediate) {
                        try Self.write(batch, database)
                        return .commit
                    }
                } catch let error as DatabaseError where error.resultCode == .SQLITE_IOERR {
                    // SQLite knows one way in which a disk is full; a quota and a limit on a file's size are others.
                    let cause = sqlite3_system_errno(database.sqliteConnection)
                    guard [ENOSPC, EDQUOT, EFBIG].contains(cause) else { throw error }
                    throw StoreError.full(FullDisk(holding: pool.path))
                }
            }
        } catch let error as StoreError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw .rejected("\(error)")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw .full(FullDisk(holding: pool.path))
        } catch let error as DatabaseError {
            throw .unwritable(error.message ?? "\(error.resultCode)")
        } catch {
            throw .unwritable("\(error)")
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
            try database.cachedStatement(sql: "INSERT INTO locks VALUES (?, ?, ?, ?, ?, ?)").execute(
                arguments: [
                    grant.fence, grant.repository.text, grant.ticket?.text, grant.person?.name,
                    grant.pattern.description, try encode(grant),
                ])
        }
        for run in step.changes.runs { try write(run, step.time, database) }
        for used in step.changes.usage { try write(used, database) }
        for pass in step.changes.passes { try write(pass, step.time, database) }
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
        case .requested(let id, let name, let stage, let tree, let commit):
            let sql = """
                INSERT INTO runs (ticket, number, name, stage, tree, commit_id, state, requested)
                VALUES (?, ?, ?, ?, ?, ?, 'starting', ?)
                """
            try database.cachedStatement(sql: sql).execute(
                arguments: [
                    id.ticket.text, id.number, name, stage, tree?.text, commit?.text, time.milliseconds,
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

extension RunOutcome {
    /// The word of the wire: `passed`, `failed`, `stopped`, `timed_out`, `lost`.
    var stateName: String {
        switch self {
        case .exited(0): "passed"
        case .exited, .signalled, .notStarted: "failed"
        case .stopped, .stale: "stopped"
        case .timedOut: "timed_out"
        case .failed: "failed"
        case .unknown: "unknown"
        case .lost: "lost"
        }
    }
}
