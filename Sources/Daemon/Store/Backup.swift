import Core
import GRDB
import GRDBSQLite
import Glibc

/// A copy of everything orch knows, as it was at one moment: made while a daemon works, or without one.
public enum Backup {
    /// What has been copied.
    public struct Copy: Equatable, Sendable {
        public let path: String
        /// The newest event in it.
        public let seq: Int
        public let tickets: Int
        public let bytes: Int
    }

    public enum Problem: Error, CustomStringConvertible {
        /// There is a file of that name, or its directory cannot be written.
        case destination(String, String)
        case nothing(String)
        case failed(String, String)

        public var description: String {
            switch self {
            case .destination(let path, let reason): "cannot write \(path): \(reason)"
            case .nothing(let path):
                "there is nothing to copy: no daemon has made \(path) yet; "
                    + "name the place with --state-dir if it is another"
            case .failed(let path, let reason): "cannot copy to \(path): \(reason); nothing is left there"
            }
        }
    }

    /// Copies the store to a new file, whole and on the disk when it returns; nothing is left of a copy that fails.
    ///
    /// - Throws: `Problem`, or a `StoreError` when the store is newer than this program or damaged.
    public static func make(of paths: StatePaths, to path: String) throws -> Copy {
        let file = try DatabaseFile(path: paths.database, durability: .normal)
        guard !file.isNew else { throw Problem.nothing(paths.database) }
        guard file.version <= Schema.version else { throw StoreError.newer(paths.database) }
        guard access(path, F_OK) != 0 else { throw Problem.destination(path, "it exists, and is left as it is") }
        let unfinished = "\(path).\(getpid()).unfinished"
        let made = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard made >= 0 else { throw Problem.destination(path, String(cString: strerror(errno))) }
        close(made)
        defer { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(unfinished + suffix) } }
        let (seq, tickets) = try copy(paths.database, to: unfinished, for: path)
        try keep(unfinished, as: path)
        var status = stat()
        stat(path, &status)
        return Copy(path: path, seq: seq, tickets: tickets, bytes: Int(status.st_size))
    }

    private static func copy(_ database: String, to unfinished: String, for path: String) throws -> (Int, Int) {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let source: DatabaseQueue
        do { source = try DatabaseQueue(path: database, configuration: configuration) } catch {
            throw StoreError(error, opening: database)
        }
        defer { try? source.close() }
        do {
            let copy = try DatabaseQueue(path: unfinished)
            defer { try? copy.close() }
            try source.backup(to: copy)
            return try copy.writeWithoutTransaction { database in
                // One file that needs no other beside it.
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
                let problem = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
                guard problem == "ok" else { throw Problem.failed(path, "the store is damaged: \(problem)") }
                return (
                    try Int.fetchOne(database, sql: "SELECT max(seq) FROM events") ?? 0,
                    try Int.fetchOne(database, sql: "SELECT count(*) FROM tickets") ?? 0
                )
            }
        } catch let error as DatabaseError {
            throw Problem.failed(path, error.message ?? "\(error.resultCode)")
        }
    }

    /// Under its name once it is on the disk, and over nothing that has come there meanwhile.
    private static func keep(_ unfinished: String, as path: String) throws {
        try flush(unfinished, for: path)
        guard link(unfinished, path) == 0 else { throw Problem.destination(path, String(cString: strerror(errno))) }
        try flush(directory(of: path), for: path)
    }

    private static func flush(_ name: String, for path: String) throws {
        let descriptor = open(name, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw Problem.failed(path, String(cString: strerror(errno)))
        }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// What `orch doctor` can say about the store.
public enum StoreCheck {
    /// The version of SQLite that is there to be used.
    public static var library: String { String(cString: sqlite3_libversion()) }
    /// Whether it is as new as GRDB asks.
    public static var isEnough: Bool { sqlite3_libversion_number() >= 3_020_000 }

    /// How the store is, in a phrase.
    ///
    /// - Throws: when it cannot be opened, or is damaged anywhere: one sentence. Nothing is written.
    public static func look(at paths: StatePaths) throws -> String {
        let file = try DatabaseFile(path: paths.database, durability: .full)
        guard !file.isNew else { return "\(paths.database) is not there yet" }
        guard file.version <= Schema.version else { throw StoreError.newer(paths.database) }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        do {
            let queue = try DatabaseQueue(path: paths.database, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { database in
                let problem = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") ?? "no answer"
                guard problem == "ok" else { throw StoreError.damaged(paths.database, problem) }
                guard try Schema.migrator.hasCompletedMigrations(database) else {
                    return "\(paths.database) is of an older version; the next daemon brings it up to date"
                }
                let loaded = try Store.read(database, path: paths.database)
                // A start takes what it does not need for readable.
                try Store.eachSettled(database) { _ in }
                let count = loaded.state.tickets.count + loaded.state.settled.count
                return "\(paths.database), whole: \(count) tickets, \(loaded.seq) events"
            }
        } catch {
            throw StoreError(error, opening: paths.database)
        }
    }
}
