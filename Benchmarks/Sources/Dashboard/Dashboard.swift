import Foundation
import Glibc
import IPC
import Measuring

/// The dashboard as its user has it, on a terminal: how soon a key shows, what a flood of events and doing nothing cost,
/// how soon it is there. Beside it a list in ncurses that does nothing else, and tig:
/// `dashboard [FOLDER OF orch] [--tickets N] [--agents N] [--starts N] [--rounds N] [--events N] [--seconds N] [--idle N]`.
@main struct Dashboard {
    static func main() {
        do {
            try measure()
        } catch {
            complain("dashboard: \(error)")
            exit(1)
        }
    }

    private static func measure() throws {
        let tickets = option("--tickets", 10_000)
        let scratch = try Scratch(files: 1)
        let daemon = try StandIn(path: "\(scratch.folder)/orch.sock", tickets: tickets, agents: option("--agents", 60))
        // Before its folder goes: a server whose folder is gone makes it again.
        defer { withExtendedLifetime(scratch) { daemon.stop() } }
        let programs = try Programs(scratch, socket: daemon.path, tickets: tickets)
        var stage = Stage(daemon, eventsPerSecond: option("--events", 1000))
        print("\(tickets) tickets, \(option("--agents", 60)) agents, a snapshot of \(daemon.snapshotBytes / 1024) KiB")
        try measureStarts(programs, &stage, rounds: option("--starts", 15))
        stage.terminals = try programs.names.map { try programs.start($0) }
        try stage.go(for: 2_000_000_000)
        for terminal in stage.terminals { printMemory(of: terminal) }
        try measureIdling(&stage, seconds: option("--idle", 10))
        try measureKeys(&stage, rounds: option("--rounds", 20))
        try measureFlood(&stage, seconds: option("--seconds", 5))
        printMemory(of: stage.terminals[0])
    }

    // MARK: Starting

    /// From starting the program until the last of the first rows is drawn.
    private static func measureStarts(_ programs: Programs, _ stage: inout Stage, rounds: Int) throws {
        let mark = Array(Titles.mark(StandIn.waiting - 1).utf8)
        var samples = programs.names.map { _ in Sample() }
        // In turns, so that what else the machine does falls on all of them. The first round reads files into the cache.
        for round in 0...rounds {
            for (index, name) in programs.names.enumerated() {
                let terminal = try programs.start(name)
                stage.terminals = [terminal]
                guard try stage.go(for: 20_000_000_000, until: { terminal.shows(mark) }) else {
                    throw Trouble("\(name) showed no list within 20 seconds")
                }
                if round > 0 { samples[index].add(terminal.lastRead - terminal.began) }
                stage.terminals = []
            }
        }
        show("start to the first picture, \(rounds) times", programs.names, samples)
    }

    private static func printMemory(of terminal: Terminal) {
        let (peak, own) = (terminal.status("VmHWM"), terminal.status("RssAnon"))
        print("\(terminal.name.padded(-12)) peak \(peak / 1024) MiB, of its own now \(own / 1024) MiB")
    }

    // MARK: Keys

    private static func measureKeys(_ stage: inout Stage, rounds: Int) throws {
        var quiet = stage.terminals.map { _ in Sample() }
        var busy = stage.terminals.map { _ in Sample() }
        for _ in 0..<rounds {
            for index in stage.terminals.indices { try press(index, &stage, down: true, &quiet[index]) }
            stage.isBusy = true
            try stage.go(for: 200_000_000)
            for index in stage.terminals.indices { try press(index, &stage, down: false, &busy[index]) }
            stage.isBusy = false
            try stage.go(for: 200_000_000)
        }
        let names = stage.terminals.map(\.name)
        show("key to screen, quiet, \(quiet[0].values.count) keys each", names, quiet)
        show("key to screen, while events come, \(busy[0].values.count) keys each", names, busy)
    }

    /// Through the first rows, from one end to the other.
    private static func press(_ index: Int, _ stage: inout Stage, down: Bool, _ sample: inout Sample) throws {
        for step in 1..<StandIn.waiting {
            let row = down ? step : StandIn.waiting - 1 - step
            let key: Character = down ? "j" : "k"
            sample.add(try stage.press(key, stage.terminals[index], until: Titles.mark(row)))
        }
    }

    private static func show(_ what: String, _ names: [String], _ samples: [Sample]) {
        print("\n\(what); \(load)")
        print("".padded(-16) + ["median", "p99", "least", "most"].map { $0.padded(12) }.joined())
        for (name, sample) in zip(names, samples) {
            let figures = [sample.median, sample.p99, sample.least, sample.values.max() ?? .nan]
            let row = figures.map { (fixed($0 / 1e6, 2) + " ms").padded(12) }.joined()
            print(name.padded(-16) + row)
        }
        for (name, sample) in zip(names, samples).dropFirst() {
            let ratios = (fixed(samples[0].median / sample.median, 2), fixed(samples[0].p99 / sample.p99, 2))
            print("\(names[0]) / \(name): median \(ratios.0)×, p99 \(ratios.1)×")
        }
    }

    // MARK: What it costs

    private static func measureIdling(_ stage: inout Stage, seconds: Int) throws {
        let before = stage.terminals.map { ($0.use, $0.bytes) }
        try stage.go(for: Int64(seconds) * 1_000_000_000)
        print("\nnothing happens for \(seconds) s; \(load)")
        for (terminal, before) in zip(stage.terminals, before) {
            let use = terminal.use - before.0
            print(
                "\(terminal.name.padded(-12)) \(use.ticks) ticks (\(fixed(Double(use.cpu) / 1e6, 2)) ms), "
                    + "\(use.wakeups) wake-ups, \(terminal.bytes - before.1) bytes"
            )
        }
    }

    private static func measureFlood(_ stage: inout Stage, seconds: Int) throws {
        let terminal = stage.terminals[0]
        print("")
        for _ in 0..<3 {
            stage.isBusy = true
            try stage.go(for: 500_000_000)
            let (use, bytes, frames, events) = (terminal.use, terminal.bytes, terminal.frames, stage.events)
            let began = monotonic()
            try stage.go(for: Int64(seconds) * 1_000_000_000)
            let time = Double(monotonic() - began)
            let used = terminal.use - use
            stage.isBusy = false
            let happened = Double(stage.events - events)
            print(
                "\(fixed(happened / time * 1e9, 0)) events/s for \(seconds) s: "
                    + "\(fixed(Double(used.cpu) / time * 100, 1)) % of a core (\(used.ticks) ticks), "
                    + "\(fixed(Double(used.cpu) / happened / 1000, 1)) us an event, \(used.wakeups) wake-ups, "
                    + "\(fixed(Double(terminal.bytes - bytes) / happened, 1)) bytes an event, "
                    + "\(fixed(Double(terminal.frames - frames) / time * 1e9, 1)) pictures/s; \(load)"
            )
            try stage.go(for: 500_000_000)
        }
    }
}

/// What is compared: how each is started, with the same rows to show.
private struct Programs {
    let names: [String]
    private let commands: [String: [String]]
    private let scratch: Scratch
    private let environment: [String: String]

    init(_ scratch: Scratch, socket: String, tickets: Int) throws {
        self.scratch = scratch
        var environment = scratch.environment
        environment["TERM"] = "xterm-256color"
        // Nobody answers what the background is.
        environment["COLORFGBG"] = "15;0"
        environment["ORCH_STATE_DIR"] = scratch.folder
        environment["ORCH_SOCKET"] = socket
        self.environment = environment
        let titles = (0..<tickets).map(Titles.title)
        try scratch.write(titles.joined(separator: "\n") + "\n", to: "titles")
        var commands = [
            "orch": ["\(try programsFolder())/orch", "tui"],
            "ncurses": [neighbour("plainlist"), "\(scratch.folder)/titles"],
        ]
        var names = ["orch", "ncurses"]
        let places = ["/usr/bin/tig", "/usr/local/bin/tig"]
        if let tig = places.first(where: { (path: String) in access(path, X_OK) == 0 }) {
            try Self.commit(titles, in: scratch)
            commands["tig"] = [tig]
            names.append("tig")
        } else {
            complain("dashboard: tig is not installed, and not compared")
        }
        self.commands = commands
        self.names = names
    }

    func start(_ name: String) throws -> Terminal {
        try Terminal(name, commands[name] ?? [], in: scratch.repository, environment: environment)
    }

    /// A commit for each title; the first title is the newest.
    private static func commit(_ titles: [String], in scratch: Scratch) throws {
        var stream = ""
        for (number, title) in titles.reversed().enumerated() {
            stream += "commit refs/heads/many\n"
            stream += "committer Uma User <uma@example.org> \(1_700_000_000 + number * 60) +0000\n"
            stream += "data \(title.utf8.count)\n\(title)\n\n"
        }
        try scratch.write(stream, to: "commits")
        let script = "git fast-import --quiet < ../commits && git checkout -q many"
        try Child(["/bin/sh", "-c", script], in: scratch.repository, environment: scratch.environment)
            .wait("git fast-import")
    }
}
