import CStore
import Glibc
import IPC
import Measuring

/// Events stored through the engine, asked for over the socket, against SQLite by itself with the same pragmas:
/// `store [FOLDER OF orch] [--rounds N] [--events N]`. With `--durability`, what a commit costs in either mode instead.
@main struct Store {
    static func main() {
        do {
            let programs = try programsFolder()
            let (rounds, events) = (option("--rounds", 15), option("--events", 200))
            if CommandLine.arguments.contains("--durability") {
                return try Durability.measure(programs: programs, rounds: rounds, tickets: events)
            }
            print("events stored: tickets enqueued and cancelled over the socket, \(rounds) rounds of \(events)")
            for durability in ["full", "normal"] {
                try measure(durability, programs: programs, rounds: rounds, events: events)
            }
        } catch {
            complain("store: \(error)")
            exit(1)
        }
    }

    private static func measure(_ durability: String, programs: String, rounds: Int, events: Int) throws {
        let scratch = try Scratch(files: 1)
        let daemon = try busyDaemon(scratch, programs: programs, durability: durability)
        guard let sqlite = cstore_open("\(scratch.folder)/alone.db", durability.uppercased()) else {
            throw Trouble("cannot open a database in \(scratch.folder)")
        }
        defer { cstore_close(sqlite) }
        var load = Load(daemon: daemon, repository: scratch.repository)
        let rows = ["orch, one request at a time", "orch, 48 requests on their way"]
        let baselines = ["SQLite, one a transaction", "SQLite, 48 a transaction"]
        var costs = Dictionary(uniqueKeysWithValues: (rows + baselines).map { ($0, Cost()) })
        // The first round warms caches and is not counted; its lines give the size.
        for round in 0...rounds {
            var now: [String: (events: Int, time: Int64, cpu: Int64)] = [:]
            for (name, window, count) in [(rows[0], 1, events), (rows[1], 48, events * 5)] {
                let before = daemon.cpu
                let time = try load.run(events: count, window: window)
                now[name] = (count, time, daemon.cpu - before)
            }
            for (name, batch, count) in [(baselines[0], 1, events), (baselines[1], 48, events * 5)] {
                let before = ownCPU()
                let time = cstore_insert(sqlite, Int32(count), Int32(load.meanLine), Int32(batch))
                guard time > 0 else { throw Trouble("SQLite by itself failed") }
                now[name] = (count, time, ownCPU() - before)
            }
            guard round > 0 else { continue }
            for (name, measured) in now { costs[name]!.add(measured.events, measured.time, measured.cpu) }
        }
        print("\ndurability \(durability), \(load.meanLine) bytes a line, \(Measuring.load)")
        print("".padded(-36) + ["us/event", "events/s", "CPU us/event"].map { $0.padded(14) }.joined())
        for name in rows + baselines { print(name.padded(-36) + costs[name]!.row) }
        let base = costs[baselines[0]]!
        for name in rows {
            print(
                "\(name): \(fixed(base.time.median / costs[name]!.time.median, 2))× of SQLite's rate, one a transaction"
            )
        }
    }
}

/// A daemon whose one agent is busy throughout: everything else stays in the queue until it is cancelled.
func busyDaemon(_ scratch: Scratch, programs: String, durability: String) throws -> LiveDaemon {
    let daemon = try LiveDaemon(
        scratch,
        programs: programs,
        agent: ["/bin/sleep", "550"],
        durability: durability,
        approve: "human"
    )
    try daemon.wait(for: "run.started", of: daemon.enqueue(["title": "Keeps the agent busy"]))
    return daemon
}

/// What an event took.
private struct Cost {
    var time = Sample()
    var cpu = Sample()

    mutating func add(_ events: Int, _ time: Int64, _ cpu: Int64) {
        self.time.add(time / Int64(events))
        self.cpu.add(cpu / Int64(events))
    }

    var row: String {
        [fixed(time.median / 1000, 1), fixed(1e9 / time.median, 0), fixed(cpu.median / 1000, 1)]
            .map { $0.padded(14) }.joined()
    }
}

/// Requests that make one event each: a ticket is enqueued, then cancelled.
private struct Load {
    let daemon: LiveDaemon
    let repository: String
    /// Of the events that have arrived.
    private var lines = 0
    private var bytes = 0
    private var number = 0
    var meanLine: Int { bytes / max(1, lines) }

    init(daemon: LiveDaemon, repository: String) {
        self.daemon = daemon
        self.repository = repository
    }

    /// Asks for `events` events, at most `window` of them unanswered; how long until all were answered.
    mutating func run(events: Int, window: Int) throws -> Int64 {
        let client = daemon.client
        let first = try client.request("tick")["seq"]?.intValue ?? 0
        var (asked, answered, queued) = (0, 0, [String]())
        let began = monotonic()
        while answered < events {
            while asked < events, asked - answered < window {
                // A ticket that is there is cancelled before another is enqueued, so that the queue stays short.
                if let ticket = queued.popLast() {
                    client.send("ticket.cancel", ["ticket": .string(ticket)])
                } else {
                    number += 1
                    let ticket: JSONObject = ["title": .string("Ticket \(number)"), "locks": ["src/\(number)/**"]]
                    client.send("ticket.enqueue", ["repository": .string(repository), "tickets": [.object(ticket)]])
                }
                asked += 1
            }
            guard let line = try client.next(timeout: .seconds(60)) else { throw Trouble("no answer for a minute") }
            switch line {
            case .notification(let event) where event.seq != nil:
                lines += 1
                bytes += event.bytes.count
            case .notification: break
            case .response(let response):
                answered += 1
                let result = try response.result.get()
                if let id = result["ids"]?.arrayValue?.first?.stringValue { queued.append(id) }
            }
        }
        let time = monotonic() - began
        for ticket in queued { try client.request("ticket.cancel", ["ticket": .string(ticket)]) }
        let last = try client.request("tick")["seq"]?.intValue ?? 0
        guard last - first == events + queued.count else {
            throw Trouble("\(events + queued.count) requests made \(last - first) events")
        }
        return time
    }
}
