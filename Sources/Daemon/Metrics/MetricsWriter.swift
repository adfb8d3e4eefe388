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
        let descriptor = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Problem(description: GitFiles.reason()) }
        defer { close(descriptor) }
        let last = try lastRow(descriptor)
        for end in try store.endings(after: last) {
            let from = first.withLock { $0.removeValue(forKey: end.ticket.text) } ?? 0
            var history = TicketHistory()
            for line in try store.events(of: end.ticket, from: from, through: end.seq) {
                guard let params = try? JSONValue(parsing: line.bytes)["params"] else { continue }
                history.take(line.topic, params, ticket: end.ticket)
            }
            history.waited(forDependenciesUntil: try store.lastEnd(of: history.dependencies))
            let path = try history.repository.flatMap { try store.path(ofRepository: $0) }
            let changed = path.flatMap { changedLines($0, history) }
            try append(
                MetricsTable.row(end.seq, end.ticket, history, repository: path, changed: changed),
                to: descriptor
            )
        }
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
