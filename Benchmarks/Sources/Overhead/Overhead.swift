import Foundation
import Glibc
import IPC
import Measuring

/// What agents at work cost besides themselves: the daemon that understands what they print, and their orch-runners, against
/// the tmux one would have them in. All work at once, and are looked at over the same seconds:
/// `overhead [FOLDER OF orch] [--agents N] [--seconds N] [--rounds N]`.
@main struct Overhead {
    static func main() {
        do {
            try measure(
                try programsFolder(),
                agents: option("--agents", 8),
                seconds: option("--seconds", 10),
                rounds: option("--rounds", 3)
            )
        } catch {
            complain("overhead: \(error)")
            exit(1)
        }
    }

    /// Prints what Claude Code would, ten tools a second with results of a kilobyte; never twice the same.
    private static let agent = """
        #!/bin/sh
        text=$(printf '%01000d' 0)
        echo '{"type":"system","subtype":"init","session_id":"'$$'","cwd":"/","model":"m","tools":[],"mcp_servers":[]}'
        number=0
        while :; do
            number=$((number + 1))
            echo '{"type":"assistant","session_id":"'$$'","message":{"id":"m'$number'","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t'$number'","name":"Bash","input":{"command":"make '$number'"}}],"usage":{"input_tokens":10,"output_tokens":1}}}'
            echo '{"type":"user","session_id":"'$$'","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t'$number'","content":"'$number$text'"}]}}'
            sleep 0.1
        done
        """

    private static func measure(_ programs: String, agents: Int, seconds: Int, rounds: Int) throws {
        let scratch = try Scratch(files: 20)
        try scratch.write(agent, to: "agent.sh")
        let script = scratch.folder + "/agent.sh"
        let profile: JSONValue = ["kind": "claude", "command": ["/bin/sh", .string(script)], "timeLimit": "10m"]
        let daemon = try LiveDaemon(
            scratch,
            programs: programs,
            agent: [],
            agents: agents,
            durability: "normal",
            approve: "human",
            more: ["profiles": ["bench": profile]]
        )
        let before = daemon.memory("RssAnon")
        for number in 1...agents {
            try daemon.wait(for: "run.started", of: try daemon.enqueue(["title": .string("Ticket \(number)")]))
        }
        let tmux = try Tmux(scratch, command: "/bin/sh \(script)", windows: agents)
        defer { tmux?.end() }
        let runners = try Process.all(named: "orch-runner", with: scratch.folder)
        guard runners.count == agents else { throw Trouble("\(runners.count) orch-runners for \(agents) agents") }

        var (ours, theirs, others) = (Sample(), Sample(), Sample())
        for _ in 0..<rounds {
            let start = (monotonic(), daemon.cpu, runners.cpu, tmux?.server.cpu ?? 0)
            sleep(UInt32(seconds))
            // Nanoseconds of CPU in a second.
            let second = Double(monotonic() - start.0) / 1e9
            ours.add(Int64(Double(daemon.cpu - start.1) / second))
            theirs.add(Int64(Double(runners.cpu - start.2) / second))
            others.add(Int64(Double((tmux?.server.cpu ?? 0) - start.3) / second))
        }

        print("\(agents) agents, 20 lines a second of each, \(rounds) times \(seconds) s, \(load)")
        print("".padded(-16) + ["of a core", "an agent", "memory", "an agent"].map { $0.padded(12) }.joined())
        let grown = daemon.memory("RssAnon") - before
        row("orch daemon", ours, agents, memory: daemon.memory("RssAnon"), each: grown / agents)
        let memory = runners.reduce(0) { $0 + $1.memory }
        row("orch-runners", theirs, agents, memory: memory, each: memory / agents)
        guard let tmux else { return print("there is no tmux to compare with") }
        row("tmux", others, agents, memory: tmux.server.memory, each: tmux.server.memory / agents)
        print("orch / tmux: \(fixed((ours.median + theirs.median) / others.median, 2))× of the CPU")
    }

    private static func row(_ name: String, _ cpu: Sample, _ agents: Int, memory: Int, each: Int) {
        let cells = [
            fixed(cpu.median / 1e7, 2) + " %", fixed(cpu.median / 1e7 / Double(agents), 2) + " %", "\(memory) KiB",
            "\(each) KiB",
        ]
        print(name.padded(-16) + cells.map { $0.padded(12) }.joined())
    }
}

/// A process that is not ours to wait for.
private struct Process {
    let pid: Int

    /// Those of a name in whose arguments a text stands.
    static func all(named name: String, with text: String) throws -> [Process] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int($0) }.map(Process.init).filter {
            $0.read("comm").hasPrefix(name) && $0.read("cmdline").contains(text)
        }
    }

    private func read(_ name: String) -> String {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/\(name)") else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Nanoseconds it has been on a CPU.
    var cpu: Int64 { read("schedstat").split(separator: " ").first.flatMap { Int64($0) } ?? 0 }

    /// KiB of its own.
    var memory: Int {
        let line = read("status").split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}

extension [Process] {
    fileprivate var cpu: Int64 { reduce(0) { $0 + $1.cpu } }
}

/// A server of its own, with the same agents in windows.
private struct Tmux {
    private static let program = "/usr/bin/tmux"
    private let environment: [String: String]
    private let socket: String
    let server: Process

    /// nil where there is none.
    init?(_ scratch: Scratch, command: String, windows: Int) throws {
        guard access(Self.program, X_OK) == 0 else { return nil }
        socket = scratch.folder + "/tmux"
        environment = scratch.environment.merging(["TERM": "xterm-256color"]) { $1 }
        let tmux = [Self.program, "-f", "/dev/null", "-S", socket]
        for window in 0..<windows {
            let how = window == 0 ? ["new-session", "-d", "-x", "200", "-y", "50"] : ["new-window", "-d"]
            try Child(tmux + how + [command], environment: environment).wait("tmux")
        }
        guard let server = try Process.all(named: "tmux: server", with: socket).first else {
            throw Trouble("tmux has no server")
        }
        self.server = server
    }

    func end() {
        try? Child([Self.program, "-S", socket, "kill-server"], environment: environment).wait("tmux")
    }
}
