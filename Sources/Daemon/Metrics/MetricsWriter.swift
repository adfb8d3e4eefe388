import Core
import Dispatch
import Foundation
import GRDB
import Glibc
import IPC
import Logging
import Synchronization

/// Keeps `metrics/tickets.csv`: each ticket that ends gets one row. What is in it is derived from the events, on a queue of
/// its own, after they have been told; a daemon that was killed in between finds by the last row what is missing. Whoever
/// deletes the file gets it anew at the next end.
final class MetricsWriter: Sendable {
    private let file: String
    private let store: Store
    private let stateDirectory: String
    private let git: Git
    private let logger: Logger
    private let queue = DispatchQueue(label: "orch.metrics", qos: .utility)
    /// The first events of the tickets that were filed in this daemon's time: there is no need to look before them.
    private let first = Mutex<[String: Int]>([:])
    /// What kept tickets from starting, as far as it has been asked for.
    private let hindrances = Mutex<Hindrances?>(nil)
    /// Said once, not at every end.
    private let hasFailed = Mutex(false)

    init(paths: StatePaths, store: Store, git: Git, logger: Logger) {
        file = paths.metrics + "/tickets.csv"
        stateDirectory = paths.directory
        self.store = store
        self.git = git
        self.logger = logger
    }

    /// Takes note of what has just been told. Costs next to nothing where no ticket has ended.
    func see(_ lines: [PublishedLine]) {
        var hasEnded = false
        for line in lines {
            switch line.topic {
            case "ticket.enqueued": if let id = line.ticket { first.withLock { $0[id] = line.seq } }
            case "ticket.merged", "ticket.cancelled": hasEnded = true
            default: break
            }
        }
        if hasEnded { catchUp() }
    }

    /// Writes the rows that are missing.
    func catchUp() {
        queue.async { [self] in
            do {
                try write()
                hasFailed.withLock { $0 = false }
            } catch {
                let isNew = hasFailed.withLock { failed in
                    defer { failed = true }
                    return !failed
                }
                if isNew { logger.warning("\(file) is behind, and is tried again when a ticket ends: \(error)") }
            }
        }
    }

    /// Waits for what is under way.
    func finish() { queue.sync {} }

    // MARK: on the queue

    private func write() throws {
        var descriptor = try openTable()
        defer { close(descriptor) }
        if try addColumns(descriptor) {
            close(descriptor)
            descriptor = -1
            descriptor = try openTable()
        }
        let last = try lastRow(descriptor)
        for end in try store.endings(after: last) {
            let from = first.withLock { $0.removeValue(forKey: end.ticket.text) } ?? 0
            let history = try history(of: end, from: from)
            let path = try history.repository.flatMap { try store.path(ofRepository: $0) }
            let changed = path.flatMap { changedLines($0, history) }
            let row = MetricsTable.row(end.seq, end.ticket, history, repository: path, changed: changed)
            try append(MetricsTable.line(row), to: descriptor)
        }
    }

    private func history(of end: Store.EndOfTicket, from: Int) throws -> TicketHistory {
        var history = TicketHistory()
        let lines = try store.events(of: end.ticket, from: from, through: end.seq)
        for line in lines {
            guard let params = try? JSONValue(parsing: line.bytes)["params"] else { continue }
            history.take(line.topic, params, ticket: end.ticket)
        }
        history.waited(forDependenciesUntil: try store.lastEnd(of: history.dependencies))
        guard let repository = history.repository, let first = lines.first?.seq else { return history }
        let stays = history.stays
        history.waits = try hindrances.withLock { hindrances in
            try store.bring(&hindrances, from: first)
            return hindrances!.split(stays, of: end.ticket, in: RepositoryID(repository), through: end.seq)
        }
        return history
    }

    private func openTable() throws -> Int32 {
        let descriptor = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Problem(description: GitFiles.reason()) }
        return descriptor
    }

    /// A table that an older orch began gets the columns it lacks, in a file that takes its place. What is in it stays as it
    /// is, and so does a row that is none of orch's.
    private func addColumns(_ descriptor: Int32) throws -> Bool {
        var start = [UInt8](repeating: 0, count: MetricsTable.heading.utf8.count)
        let count = pread(descriptor, &start, start.count, 0)
        guard count > 0, let end = start[..<count].firstIndex(of: UInt8(ascii: "\n")),
            MetricsTable.heading.utf8.starts(with: start[..<end] + [UInt8(ascii: ",")]),
            let bytes = FileManager.default.contents(atPath: file)
        else { return false }
        let rows = CSV.rows(String(decoding: bytes, as: UTF8.self))
        var text = MetricsTable.heading
        for row in rows.dropFirst() {
            var new = row
            if row.count == rows[0].count, let seq = Int(row[0]) {
                let ticket = TicketID(row[1])
                let history = try history(of: Store.EndOfTicket(seq: seq, ticket: ticket), from: 0)
                new += MetricsTable.row(seq, ticket, history, repository: nil, changed: nil)[row.count...]
            }
            text += MetricsTable.line(new)
        }
        let whole = file + ".new"
        try Data(text.utf8).write(to: URL(filePath: whole))
        guard chmod(whole, 0o600) == 0, rename(whole, file) == 0 else { throw Problem(description: GitFiles.reason()) }
        return true
    }

    /// The number of the last row; a row that was cut short by the machine's end or a full disk is taken away first.
    private func lastRow(_ descriptor: Int32) throws -> Int {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 0 else {
            try append(MetricsTable.heading, to: descriptor)
            return 0
        }
        // Rows are short; a path may take 4 KiB.
        let start = max(0, size - 64 << 10)
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        let count = pread(descriptor, &bytes, bytes.count, start)
        guard count == bytes.count else { throw Problem(description: "it cannot be read") }
        let newline = UInt8(ascii: "\n")
        guard let end = bytes.lastIndex(of: newline) else { throw Problem(description: "it is not orch's") }
        if end + 1 < bytes.count, ftruncate(descriptor, start + off_t(end) + 1) != 0 {
            throw Problem(description: GitFiles.reason())
        }
        let row = String(decoding: bytes[..<end].split(separator: newline).last ?? [], as: UTF8.self)
        if let seq = MetricsTable.seq(ofRow: row) { return seq }
        guard row.hasPrefix("seq,") else { throw Problem(description: "its last row is not orch's: \(row.prefix(60))") }
        return 0
    }

    private func append(_ text: String, to descriptor: Int32) throws {
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Problem(description: GitFiles.reason())
        }
    }

    /// Nil where git cannot say any more.
    private func changedLines(_ path: String, _ history: TicketHistory) -> ChangedLines? {
        guard history.hasLanded, let tip = history.tip, let commit = history.commit else { return nil }
        let call = Git.Call(
            ["diff", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", tip, commit],
            in: path
        )
        return (try? git.run(call, for: "count what \(commit) has changed")).map { ChangedLines(numstat: $0.lines) }
    }

    private struct Problem: Error, CustomStringConvertible { let description: String }
}

extension Store {
    struct EndOfTicket {
        let seq: Int
        let ticket: TicketID
    }

    /// The tickets that ended after the event `seq`, in the order they ended.
    fileprivate func endings(after seq: Int) throws -> [EndOfTicket] {
        try pool.read { database in
            let sql = """
                SELECT seq, ticket FROM events WHERE seq > ? AND name IN ('ticket.merged', 'ticket.cancelled')
                ORDER BY seq
                """
            return try Row.fetchAll(database, sql: sql, arguments: [seq]).map {
                EndOfTicket(seq: $0[0], ticket: TicketID($0[1]))
            }
        }
    }

    /// Brings what is known of what kept tickets from starting up to now, from the event `first` on at the latest.
    fileprivate func bring(_ known: inout Hindrances?, from first: Int) throws {
        try pool.read { database in
            let goesOn = known.map { $0.first <= first && !$0.isLong } ?? false
            if !goesOn { known = try begin(database, from: first) }
            let sql = "SELECT seq, name, line FROM events WHERE seq > ? AND \(Hindrances.telling) ORDER BY seq"
            let decoder = JSONDecoder()
            let rows = try Row.fetchCursor(database, sql: sql, arguments: [known!.last])
            while let row = try rows.next() {
                guard let params = try? JSONValue(parsing: [UInt8](row[2] as Data))["params"] else { continue }
                try known!.take(row[0], row[1], params) { try Self.ticket($0, database, decoder)?.ticket }
            }
            if !goesOn { known!.countAtFirst = known!.count }
        }
    }

    /// From when the oldest ticket was filed that has not ended: then nobody who holds anything now took it before, but for
    /// people; and those that end next are not asked about earlier.
    private func begin(_ database: Database, from first: Int) throws -> Hindrances {
        let sql = """
            SELECT seq, line FROM events WHERE seq = ? OR name = 'ticket.enqueued'
            AND ticket IN (SELECT id FROM tickets WHERE finished IS NULL) ORDER BY seq LIMIT 1
            """
        let row = try Row.fetchOne(database, sql: sql, arguments: [first])
        let time = row.flatMap { Self.time(ofLine: $0[1]) }
        let daemon = try String.fetchOne(database, sql: "SELECT row FROM daemon").flatMap { try JSONValue(parsing: $0) }
        return Hindrances(
            from: row?[0] ?? first,
            at: time ?? Instant(milliseconds: 0),
            grants: try Self.bodies("locks", "fence", database),
            standstill: Standstill(row: daemon?["halted"])
        )
    }

    fileprivate func events(of ticket: TicketID, from: Int, through last: Int) throws -> [PublishedLine] {
        try pool.read { database in
            let sql = "SELECT seq, name, line FROM events WHERE seq BETWEEN ? AND ? AND ticket = ? ORDER BY seq"
            return try Row.fetchAll(database, sql: sql, arguments: [from, last, ticket.text]).map {
                PublishedLine(seq: $0[0], topic: $0[1], ticket: ticket.text, bytes: [UInt8]($0[2] as Data))
            }
        }
    }

    /// When the last of these tickets ended.
    fileprivate func lastEnd(of tickets: [TicketID]) throws -> Instant? {
        try pool.read { database in
            try tickets.compactMap { ticket in
                let sql = "SELECT finished FROM tickets WHERE id = ?"
                return try Int64.fetchOne(database, sql: sql, arguments: [ticket.text]).map(Instant.init(milliseconds:))
            }.max()
        }
    }

    fileprivate func path(ofRepository id: String) throws -> String? {
        try pool.read { try String.fetchOne($0, sql: "SELECT path FROM repositories WHERE id = ?", arguments: [id]) }
    }
}
