import Core
import GRDB
import IPC

// What runs used, as it is stored: a row for each run and day. Every sum is one of these rows.

extension Store {
    /// What is told is how much more, or less, it is: each is stored once, with the fact it belongs to.
    static func write(_ used: UsageRecord, _ database: Database) throws {
        let sql = """
            INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (ticket, run, day) DO UPDATE SET input = input + excluded.input,
                output = output + excluded.output, cache_read = cache_read + excluded.cache_read,
                cache_write = cache_write + excluded.cache_write, cost = cost + excluded.cost,
                estimated = estimated + excluded.estimated, unpriced = unpriced + excluded.unpriced
            """
        let (usage, tokens) = (used.usage, used.usage.tokens)
        try database.cachedStatement(sql: sql).execute(
            arguments: [
                used.run.ticket.text, used.run.number, used.day.number, used.profile, tokens.input, tokens.output,
                tokens.cacheRead, tokens.cacheWrite, usage.cost, usage.estimated, usage.unpriced,
            ])
    }

    /// In SQL, the sums of some rows.
    private static let sums = """
        sum(usage.input), sum(usage.output), sum(usage.cache_read), sum(usage.cache_write), sum(usage.cost),
        sum(usage.estimated), sum(usage.unpriced)
        """

    /// What `sums` came to, from that column on.
    private static func usage(_ row: Row, from column: Int) -> Usage {
        Usage(
            tokens: Tokens(
                input: row[column],
                output: row[column + 1],
                cacheRead: row[column + 2],
                cacheWrite: row[column + 3]
            ),
            cost: row[column + 4],
            estimated: row[column + 5],
            unpriced: row[column + 6]
        )
    }

    /// What was used on each day.
    static func ledger(_ database: Database) throws -> [UTCDay: Usage] {
        let rows = try Row.fetchAll(database, sql: "SELECT day, \(sums) FROM usage GROUP BY day")
        return Dictionary(uniqueKeysWithValues: rows.map { (UTCDay(number: $0[0]), usage($0, from: 1)) })
    }

    /// What each run of a ticket has used, by its number.
    static func usage(of ticket: TicketID, _ database: Database) throws -> [Int: UsageRow] {
        let sql = "SELECT run, \(sums) FROM usage WHERE ticket = ? GROUP BY run"
        let rows = try Row.fetchAll(database, sql: sql, arguments: [ticket.text])
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], UsageRow(usage($0, from: 1))) })
    }

    /// What a run has used; nil where nobody has said.
    static func usage(of run: RunID, _ database: Database) throws -> Usage? {
        let sql = "SELECT \(sums) FROM usage WHERE ticket = ? AND run = ? GROUP BY run"
        return try Row.fetchOne(database, sql: sql, arguments: [run.ticket.text, run.number]).map { usage($0, from: 0) }
    }

    /// What costs are listed by.
    enum CostKey: String, CaseIterable {
        case ticket, agent, profile, day, month

        fileprivate var sql: String {
            switch self {
            case .ticket: "usage.ticket"
            case .agent: "runs.name"
            case .profile: "usage.profile"
            case .day: "date(usage.day * 86400, 'unixepoch')"
            case .month: "strftime('%Y-%m', usage.day * 86400, 'unixepoch')"
            }
        }

        /// Time goes on; of all else, what cost most comes first.
        fileprivate var order: String {
            switch self {
            case .day, .month: "1"
            case .ticket, .agent, .profile: "sum(usage.cost) DESC, sum(usage.input + usage.output) DESC, 1"
            }
        }
    }

    struct Costs {
        var key: String
        /// How many runs it is of.
        var runs: Int
        var usage: Usage
    }

    /// What was used, from a day on.
    func costs(by key: CostKey, since: UTCDay?) throws -> [Costs] {
        try pool.read { database in
            let join = key == .agent ? "JOIN runs ON runs.ticket = usage.ticket AND runs.number = usage.run" : ""
            let sql = """
                SELECT \(key.sql), count(DISTINCT usage.ticket || '.' || usage.run), \(Self.sums)
                FROM usage \(join) WHERE usage.day >= ? GROUP BY 1 ORDER BY \(key.order)
                """
            return try Row.fetchAll(database, sql: sql, arguments: [since?.number ?? Int.min]).map {
                Costs(key: $0[0], runs: $0[1], usage: Self.usage($0, from: 2))
            }
        }
    }
}

extension UsageRow {
    init(_ usage: Usage) {
        self.init(
            input: usage.tokens.input,
            output: usage.tokens.output,
            cache_read: usage.tokens.cacheRead,
            cache_write: usage.tokens.cacheWrite,
            tokens: usage.tokens.total,
            cost_usd: Double(usage.cost) / 1_000_000,
            estimated: Double(usage.estimated) / 1_000_000,
            unpriced: usage.unpriced
        )
    }
}
