import CStore
import Glibc
import IPC
import Measuring

/// How long a daemon needs to take up a large state, and how much memory that takes: from its start to its first answer,
/// with live runs to find again: `recovery [FOLDER OF orch] [--tickets N] [--events N] [--live N] [--rounds N]`.
@main struct Recovery {
    static func main() {
        do {
            let (tickets, events) = (option("--tickets", 100_000), option("--events", 1_000_000))
            let (live, rounds) = (option("--live", 50), option("--rounds", 5))
            let scratch = try Scratch(files: 1)
            let daemon = try LiveDaemon(
                scratch,
                programs: try programsFolder(),
                agent: ["/bin/sleep", "550"],
                agents: live,
                durability: "normal",
                approve: "human"
            )
            for _ in 0..<live { try daemon.wait(for: "run.started", of: daemon.enqueue(["title": "Lives"])) }
            print("a store with \(live) live runs, then with \(tickets) tickets and \(events) events besides")
            print("".padded(-24) + ["median", "least", "RSS", "peak"].map { $0.padded(12) }.joined())
            try measure("small", daemon, rounds)
            try daemon.quit()
            let began = monotonic()
            guard cstore_run(daemon.state + "/orch.db", Self.filling(tickets, events)) == 0 else {
                throw Trouble("the store could not be filled")
            }
            complain("filled in \(fixed(Double(monotonic() - began) / 1e9, 1)) s")
            _ = try daemon.restart()
            try measure("large", daemon, rounds)
            for (name, method) in [("all tickets listed", "ticket.list"), ("the whole picture", "snapshot")] {
                let began = monotonic()
                try daemon.client.request(method, timeout: .seconds(120))
                let time = (fixed(Double(monotonic() - began) / 1e6, 1) + " ms").padded(12)
                print(name.padded(-24) + time + "".padded(24) + "\(daemon.memory("VmHWM") >> 10) MiB".padded(12))
            }
            print("goal: 1000 ms, 150 MiB; \(load)")
        } catch {
            complain("recovery: \(error)")
            exit(1)
        }
    }

    private static func measure(_ name: String, _ daemon: LiveDaemon, _ rounds: Int) throws {
        var sample = Sample()
        var (resident, peak) = (0, 0)
        for _ in 0..<rounds {
            try daemon.quit()
            sample.add(try daemon.restart())
            resident = max(resident, daemon.memory("VmRSS"))
            peak = max(peak, daemon.memory("VmHWM"))
        }
        let times = [sample.median, sample.least].map { (fixed($0 / 1e6, 1) + " ms").padded(12) }
        let sizes = [resident, peak].map { "\($0 >> 10) MiB".padded(12) }
        print(name.padded(-24) + (times + sizes).joined())
    }

    /// Tickets that have landed, each with what a landed one has, and the events of their lives.
    private static func filling(_ tickets: Int, _ events: Int) -> String {
        let name = String(repeating: "a1b2c3d4", count: 5)
        return """
            PRAGMA synchronous = OFF;
            BEGIN;
            CREATE TEMP TABLE base AS SELECT json_extract(body, '$.serial') AS serial FROM counters;
            CREATE TEMP TABLE last AS SELECT max(seq) AS seq FROM events;
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < \(tickets))
            INSERT INTO tickets
                SELECT 'B-' || n, base.serial + n, t.repository, 'merged', t.created, t.since, t.since, t.evidence,
                    json_set(t.body, '$.id', 'B-' || n, '$.serial', base.serial + n, '$.title', 'Ticket number ' || n,
                        '$.state', json('{"merged":{"commit":"\(name)","tidy":"done"}}'), '$.head', '\(name)',
                        '$.proof', json('{"tree":"\(name)","fingerprint":"\(name)"}'))
                FROM n, base, (SELECT * FROM tickets ORDER BY serial LIMIT 1) t;
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < \(tickets))
            INSERT INTO descriptions SELECT 'B-' || n, 'What is to be done, in a line or two of text.' FROM n;
            UPDATE counters SET body = json_set(body, '$.serial', (SELECT serial FROM base) + \(tickets));
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < \(events))
            INSERT INTO events
                SELECT last.seq + n, 'ticket.changed', 'B-' || (n % \(tickets) + 1), CAST(printf(
                    '{"jsonrpc":"2.0","method":"ticket.changed","params":{"seq":%d,"time":"2026-11-20T21:52:49.120Z",'
                        || '"ticket":"B-%d","patch":{"tickets":{"B-%d":{"reason":"its work is being collected",'
                        || '"run":"B-%d.1","commit":"\(name)"}}}}}',
                    last.seq + n, n % \(tickets) + 1, n % \(tickets) + 1, n % \(tickets) + 1) AS BLOB)
                FROM n, last;
            COMMIT;
            PRAGMA wal_checkpoint(TRUNCATE);
            """
    }
}
