import CBus
import Glibc

/// Measures what it costs to fan events out: orch's server, a C program doing the same, and redis, in turns on the
/// same machine. `swift run -c release bus [--rounds N] [--subscribers N] [--seconds N]
/// [--only SCENARIO]`.
@main
enum Bus {
    static func main() {
        cbus_flush_lines()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let role = arguments.first.flatMap(Role.init(rawValue:)) {
            exit(role.run(Array(arguments.dropFirst())))
        }
        func option(_ name: String, _ fallback: Int) -> Int {
            arguments.firstIndex(of: name).flatMap { Int(arguments[$0 + 1]) } ?? fallback
        }
        let subscribers = option("--subscribers", 100)
        let rounds = option("--rounds", 5)
        let seconds = option("--seconds", 3)
        let scenarios = [
            Scenario(name: "1,000 events/s", rate: 1000, events: 1000 * seconds, subscribers: subscribers),
            Scenario(name: "full speed", rate: 0, events: 15_000 * seconds, subscribers: subscribers),
            Scenario(
                name: "full speed, with \(subscribers / 5) that never read",
                rate: 0,
                events: 30_000 * seconds,
                subscribers: subscribers / 5,
                stalled: subscribers / 5
            ),
        ]
        var servers: [Server] = [.orch, .c]
        if let redis = Server.findRedis() {
            servers.append(.redis(program: redis))
        } else {
            print("redis not installed: skipped (REDIS_SERVER names a redis-server elsewhere)\n")
        }
        let only = option("--only", 0)
        for (number, scenario) in scenarios.enumerated() where only == 0 || only == number + 1 {
            measure(scenario, servers, rounds)
        }
    }

    private static func measure(_ scenario: Scenario, _ servers: [Server], _ rounds: Int) {
        var runs: [String: [Run]] = [:]
        for round in 0..<rounds {
            // Each round begins with another server, so that none always runs first.
            for turn in servers.indices {
                let server = servers[(turn + round) % servers.count]
                if let run = scenario.run(server) {
                    runs[server.name, default: []].append(run)
                } else {
                    print("\(server.name): a run of \(scenario.name) failed")
                }
            }
        }
        print(
            "\(scenario.name): \(scenario.subscribers) subscribers, \(scenario.events) events of 299 bytes, median of \(rounds)"
        )
        print("          CPU/delivery      p50      p99  deliveries/s  peak RSS  idle wake-ups/s")
        let medians = servers.compactMap { server in runs[server.name].map { (server.name, Run.median($0)) } }
        for (name, run) in medians { print(row(name, run)) }
        guard let orch = medians.first(where: { $0.0 == "orch" })?.1 else { return }
        for (name, run) in medians where name != "orch" {
            print(
                "orch / \(name): CPU \(fixed(orch.cpu / run.cpu, 2)), p99 \(fixed(orch.p99 / run.p99, 2)), "
                    + "deliveries/s \(fixed(orch.speed / run.speed, 2))"
            )
        }
        print("")
    }

    private static func row(_ name: String, _ run: Run) -> String {
        let columns = [
            (fixed(run.cpu, 3) + " us", 14), (fixed(run.p50 / 1000, 2) + " ms", 9),
            (fixed(run.p99 / 1000, 2) + " ms", 9),
            (fixed(run.speed, 0), 14), (fixed(run.peak, 0) + " MiB", 10), (fixed(run.idle, 1), 17),
        ]
        return columns.reduce(pad(name, -8)) { $0 + pad($1.0, $1.1) }
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        let spaces = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? text + spaces : spaces + text
    }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "-" }
        let scale = pow(10, Double(digits))
        let whole = Int((value * scale).rounded())
        guard digits > 0 else { return String(whole) }
        let fraction = String(whole % Int(scale))
        return "\(whole / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
