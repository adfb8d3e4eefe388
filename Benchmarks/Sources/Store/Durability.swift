import Glibc
import IPC
import Measuring

/// What `durability: full` costs against `normal`: the time from sending `ticket.enqueue` to its answer, one at a time. A
/// daemon of each kind is alive throughout, and they take turns every few tickets, on the same disk.
enum Durability {
    private static let turn = 10

    static func measure(programs: String, rounds: Int, tickets: Int) throws {
        let modes = ["full", "normal"]
        let scratches = try modes.map { _ in try Scratch(files: 1) }
        let daemons = try zip(modes, scratches).map {
            try busyDaemon($1, programs: programs, durability: $0)
        }
        print("a ticket enqueued, one at a time, to its answer: \(rounds * tickets) of each kind, \(turn) at a turn")
        var samples = [Sample(), Sample()]
        for _ in 0..<2 { for daemon in daemons { _ = try enqueue(daemon) } }  // Warms what is cold.
        for _ in 0..<max(1, rounds * tickets / turn) {
            for (index, daemon) in daemons.enumerated() {
                for time in try enqueue(daemon) { samples[index].add(time) }
            }
        }
        print("".padded(-12) + ["median", "p99", "least"].map { $0.padded(12) }.joined())
        for (mode, sample) in zip(modes, samples) {
            let columns = [sample.median, sample.p99, sample.least].map { (fixed($0 / 1e6, 3) + " ms").padded(12) }
            print(mode.padded(-12) + columns.joined())
        }
        let ratio = fixed(samples[0].p99 / samples[1].p99, 2)
        print("full: \(samples[0].ratio(to: samples[1])), of the p99: \(ratio)×; \(Measuring.load)")
    }

    /// What each ticket of one turn took. They are cancelled afterwards, so that the queue stays short.
    private static func enqueue(_ daemon: LiveDaemon) throws -> [Int64] {
        var (times, ids): ([Int64], [String]) = ([], [])
        for number in 1...turn {
            let began = monotonic()
            ids.append(try daemon.enqueue(["title": .string("Ticket \(number)"), "locks": ["src/\(number)/**"]]))
            times.append(monotonic() - began)
        }
        for id in ids { try daemon.client.request("ticket.cancel", ["ticket": .string(id)]) }
        return times
    }
}
