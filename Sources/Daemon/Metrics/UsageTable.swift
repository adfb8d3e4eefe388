import Core
import Foundation
import GRDB
import IPC

/// The rows of `metrics/usage.csv`: one for each run of an agent that has ended, in the order they ended. What nobody has said
/// is empty. Columns may be added at the end.
enum UsageTable {
    static let columns =
        [
            "seq", "ticket", "run", "profile", "agent", "started", "ended", "outcome", "input", "output", "cache_read",
            "cache_write",
        ] + usageColumns

    /// Of every table of orch's that tells of it.
    static let usageColumns = ["tokens", "cost_usd", "estimated_usd", "unpriced_tokens"]

    static let heading = columns.joined(separator: ",") + "\n"

    static func row(_ run: Store.EndedRun) -> [String] {
        func moment(_ instant: Instant?) -> String { instant.map(Timestamp.text) ?? "" }
        let tokens = run.usage?.tokens
        let counts = [tokens?.input, tokens?.output, tokens?.cacheRead, tokens?.cacheWrite]
        return [
            "\(run.seq)", run.run.ticket.text, "\(run.run.number)", run.profile ?? "", run.agent, moment(run.started),
            moment(run.ended), run.outcome,
        ] + counts.map { $0.map(String.init) ?? "" } + fields(run.usage?.row ?? [:])
    }

    /// - Parameter usage: as a row of the picture has it.
    static func fields(_ usage: JSONObject) -> [String] {
        guard let tokens = usage["tokens"]?.intValue else { return usageColumns.map { _ in "" } }
        func dollars(_ name: String) -> String {
            Dollars.exact(Int(((usage[name]?.doubleValue ?? 0) * 1_000_000).rounded()))
        }
        return ["\(tokens)", dollars("cost_usd"), dollars("estimated"), "\(usage["unpriced"]?.intValue ?? 0)"]
    }
}

extension Store {
    /// A run of an agent that is over.
    struct EndedRun {
        /// The event that told its end.
        let seq: Int
        let run: RunID
        let agent: String
        /// Nil where nobody has said what it used.
        let profile: String?
        let started: Instant?
        let ended: Instant?
        let outcome: String
        let usage: Usage?
    }

    /// The runs of agents that ended after the event `seq`, in the order they ended.
    func endedRuns(after seq: Int) throws -> [EndedRun] {
        try pool.read { database in
            let sql = "SELECT seq, line FROM events WHERE seq > ? AND name = 'run.ended' ORDER BY seq"
            let rows = try Row.fetchCursor(database, sql: sql, arguments: [seq])
            var runs: [EndedRun] = []
            while let row = try rows.next() {
                let params = try? JSONValue(parsing: [UInt8](row[1] as Data))["params"]
                guard let run = params?["run"]?.stringValue.flatMap({ RunID($0) }) else { continue }
                if let ended = try Self.endedRun(run, seq: row[0], database) { runs.append(ended) }
            }
            return runs
        }
    }

    /// Nil of a run that is no agent's.
    private static func endedRun(_ run: RunID, seq: Int, _ database: Database) throws -> EndedRun? {
        let sql = """
            SELECT name, started, ended, outcome, (SELECT profile FROM usage WHERE ticket = runs.ticket AND run = number)
            FROM runs WHERE ticket = ? AND number = ? AND stage = 'work'
            """
        let statement = try database.cachedStatement(sql: sql)
        guard let row = try Row.fetchOne(statement, arguments: [run.ticket.text, run.number]) else { return nil }
        return EndedRun(
            seq: seq,
            run: run,
            agent: row[0],
            profile: row[4],
            started: (row[1] as Int64?).map { Instant(milliseconds: $0) },
            ended: (row[2] as Int64?).map { Instant(milliseconds: $0) },
            outcome: row[3] ?? "",
            usage: try usage(of: run, database)
        )
    }
}
