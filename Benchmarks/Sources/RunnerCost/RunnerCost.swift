import Foundation
import Glibc
import Measuring

/// What an orch-runner costs: the time until its program runs, against starting that by hand; and its memory while the
/// program is at work: `runner [FOLDER OF orch] [--pairs N] [--in namespace|CGROUP]`, where CGROUP is a folder in which each
/// run gets a cgroup of its own.
@main struct RunnerCost {
    static func main() {
        do {
            let runner = try programsFolder() + "/orch-runner"
            let scratch = try Scratch(files: 0)
            let pairs = option("--pairs", 200)
            try times(runner, scratch, pairs)
            try memory(runner, scratch)
        } catch {
            complain("runner: \(error)")
            exit(1)
        }
    }

    private static func times(_ runner: String, _ scratch: Scratch, _ pairs: Int) throws {
        let agent = [neighbour("agent"), scratch.stamps]
        var (ours, hand) = (Sample(), Sample())
        for pair in 0...pairs {
            var environment = scratch.environment
            func byHand() throws -> Int64 {
                environment["ORCH_TICKET"] = "hand-\(pair)"
                let began = monotonic()
                try Child(agent, in: scratch.folder, environment: environment).wait("the agent")
                return try scratch.stamp(of: "hand-\(pair)") - began
            }
            func byRunner() throws -> Int64 {
                environment["ORCH_TICKET"] = "run-\(pair)"
                let folder = try runFolder("run-\(pair)", agent, environment, scratch)
                let began = monotonic()
                try Child([runner, folder], environment: scratch.environment).wait("orch-runner")
                return try scratch.stamp(of: "run-\(pair)") - began
            }
            let (first, second) = pair % 2 == 0 ? (try byHand(), try byRunner()) : (try byRunner(), try byHand())
            // The first pair warms caches and is not counted.
            guard pair > 0 else { continue }
            hand.add(pair % 2 == 0 ? first : second)
            ours.add(pair % 2 == 0 ? second : first)
        }
        print("spawn -> the program's first instruction, \(pairs) pairs in turns, \(load)")
        print(Sample.header)
        print("orch-runner".padded(-24) + ours.row)
        print("posix_spawn".padded(-24) + hand.row)
        print("orch-runner adds \(fixed((ours.median - hand.median) / 1e6, 2)) ms (medians)")
    }

    /// Reads the memory of a runner that waits for a program that waits.
    private static func memory(_ runner: String, _ scratch: Scratch) throws {
        let folder = try runFolder("idle", ["/bin/sleep", "60"], scratch.environment, scratch)
        let child = try Child([runner, folder], environment: scratch.environment)
        defer { try? child.wait("orch-runner") }
        // SIGTERM is the runner's order to stop its program, and then to end.
        defer { kill(child.pid, SIGTERM) }
        for _ in 0..<10_000 where access(folder + "/started", F_OK) != 0 { usleep(1000) }
        guard access(folder + "/started", F_OK) == 0 else { throw Trouble("orch-runner did not start its program") }
        try waitUntilAsleep(child.pid)
        let file = "/proc/\(child.pid)/smaps_rollup"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Trouble("cannot read \(file)")
        }
        func kib(_ key: String) -> String {
            let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
            return line?.split(separator: " ").dropFirst().first.map(String.init) ?? "?"
        }
        print("\nan idle orch-runner: anonymous \(kib("Anonymous")) KiB, RSS \(kib("Rss")) KiB, PSS \(kib("Pss")) KiB")
    }

    /// What comes after the start, such as making files durable, is over when the process sleeps in poll.
    private static func waitUntilAsleep(_ pid: pid_t) throws {
        var asleep = 0
        for _ in 0..<10_000 where asleep < 20 {
            let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
            let state = stat.split(separator: ")").last?.split(separator: " ").first
            asleep = state == "S" ? asleep + 1 : 0
            usleep(5000)
        }
        guard asleep == 20 else { throw Trouble("orch-runner does not come to rest") }
    }

    /// A run folder as the daemon makes it; the format of `spec` is described in Sources/Runner/Spec.swift.
    private static func runFolder(
        _ name: String,
        _ arguments: [String],
        _ environment: [String: String],
        _ scratch: Scratch
    ) throws -> String {
        let folder = "\(scratch.folder)/\(name)"
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        var pairs = [("version", "1"), ("boot", String(boot.prefix(36))), ("run", "T-1.1")]
        pairs += arguments.map { ("argument", $0) }
        pairs += environment.map { ("environment", "\($0.key)=\($0.value)") }
        let marker = "ORCH_RUN_FOLDER=\(folder)"
        if let flag = CommandLine.arguments.firstIndex(of: "--in"), flag + 1 < CommandLine.arguments.count {
            let containment = CommandLine.arguments[flag + 1]
            pairs += [
                containment == "namespace" ? ("namespace", "pid") : ("group", "\(containment)/orch-bench/\(name)")
            ]
        }
        pairs += [("environment", marker), ("marker", marker), ("directory", scratch.folder), ("end", "")]
        try scratch.write(pairs.map { "\($0.0)\0\($0.1)\0" }.joined(), to: "\(name)/spec")
        return folder
    }
}
