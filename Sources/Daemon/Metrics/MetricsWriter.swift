import Core
import Dispatch
import Foundation
import GRDB
import Glibc
import IPC
import Logging
import Synchronization

/// Keeps `metrics/tickets.csv` and `metrics/usage.csv`: each ticket that ends gets one row, and each run of an agent. What is in
/// them is derived from the events, on a queue of its own, after they have been told; a daemon that was killed in between finds
/// by the last row what is missing. Whoever deletes a file gets it anew at the next end.
final class MetricsWriter: Sendable {
    private let tickets: MetricsFile
    private let usage: MetricsFile
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
        tickets = MetricsFile(path: paths.metrics + "/tickets.csv", heading: MetricsTable.heading)
        usage = MetricsFile(path: paths.metrics + "/usage.csv", heading: UsageTable.heading)
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
            case "ticket.merged", "ticket.cancelled", "run.ended": hasEnded = true
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
                if isNew { logger.warning("the metrics are behind, and are tried again when a ticket ends: \(error)") }
            }
        }
    }

    /// Waits for what is under way.
    func finish() { queue.sync {} }

    // MARK: on the queue

    private func write() throws {
        try writeTickets()
        try writeUsage()
    }

    private func writeTickets() throws {
        try tickets.write { rows in
            try rows.map(widened)
        } after: { last, append in
            for end in try store.endings(after: last) {
                let from = first.withLock { $0.removeValue(forKey: end.ticket.text) } ?? 0
                let history = try history(of: end, from: from)
                let path = try history.repository.flatMap { try store.path(ofRepository: $0) }
                let changed = path.flatMap { changedLines($0, history) }
                try append(MetricsTable.row(end.seq, end.ticket, history, repository: path, changed: changed))
            }
        }
    }

    private func writeUsage() throws {
        try usage.write { last, append in
            for run in try store.endedRuns(after: last) { try append(UsageTable.row(run)) }
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

    /// A row that an older orch has written, with the columns it lacks.
    private func widened(_ row: [String]) throws -> [String] {
        guard let seq = Int(row[0]) else { return row }
        let ticket = TicketID(row[1])
        let history = try history(of: Store.EndOfTicket(seq: seq, ticket: ticket), from: 0)
        return row + MetricsTable.row(seq, ticket, history, repository: nil, changed: nil)[row.count...]
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
