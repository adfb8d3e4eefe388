import Foundation
import Glibc
import IPC
import Measuring

/// From asking for a ticket to its agent's first instruction, against `git worktree add` and starting the same agent by
/// hand, and with a worktree that was made ahead: `start [FOLDER OF orch] [--pairs N] [--files N]`.
@main struct Start {
    static func main() {
        do {
            let programs = try programsFolder()
            let (pairs, files) = (option("--pairs", 20), option("--files", 2000))
            print("ticket enqueued -> its agent's first instruction, \(files) files, \(pairs) pairs in turns")
            for durability in ["full", "normal"] {
                try measure(durability, programs: programs, pairs: pairs, files: files)
            }
        } catch {
            complain("start: \(error)")
            exit(1)
        }
    }

    private static func measure(_ durability: String, programs: String, pairs: Int, files: Int) throws {
        let cold = try Contender(durability, programs: programs, files: files, spares: 0)
        let warm = try Contender(durability, programs: programs, files: files, spares: 1)
        var byHand = Hand(scratch: cold.scratch, agent: cold.agent)
        var (orch, spare, hand) = (Sample(), Sample(), Sample())
        var stages = Stages()
        // The first round warms caches and is not counted.
        for round in 0...pairs {
            // Each goes first in every other round.
            var manual = round % 2 == 0 ? try byHand.start() : 0
            let (time, arrivals) = try cold.start()
            let (warmTime, _) = try warm.start()
            if round % 2 == 1 { manual = try byHand.start() }
            guard round > 0 else { continue }
            orch.add(time)
            spare.add(warmTime)
            hand.add(manual)
            for (name, at) in arrivals { stages.add(name, at) }
        }
        print("\ndurability \(durability), \(load)")
        print(Sample.header)
        print("orch".padded(-24) + orch.row)
        print("orch, warm".padded(-24) + spare.row)
        print("by hand".padded(-24) + hand.row)
        print("orch / by hand: \(orch.ratio(to: hand))")
        print("orch, warm / by hand: \(spare.ratio(to: hand))")
        print("events at the client, since the request: " + stages.text)
    }
}

/// A daemon with a repository of its own, which keeps so many spare worktrees.
private struct Contender {
    let scratch: Scratch
    let agent: [String]
    private let daemon: LiveDaemon
    private let spares: Int

    init(_ durability: String, programs: String, files: Int, spares: Int) throws {
        self.spares = spares
        scratch = try Scratch(files: files)
        agent = [neighbour("agent"), scratch.stamps]
        daemon = try LiveDaemon(
            scratch,
            programs: programs,
            agent: agent,
            durability: durability,
            approve: "human",
            more: ["warmWorktrees": JSONValue(spares)]
        )
    }

    /// A ticket, from its request to its agent's first instruction, and which events arrived when; then it is put away.
    func start() throws -> (time: Int64, arrivals: [(String, Int64)]) {
        let began = monotonic()
        let ticket = try daemon.enqueue(["title": "Nothing to do"])
        var arrivals: [(String, Int64)] = []
        try daemon.wait(for: "run.started", of: ticket) { arrivals.append(($0, $1 - began)) }
        let time = try scratch.stamp(of: ticket) - began
        try daemon.finish(ticket)
        if spares > 0 { try waitForSpare() }
        return (time, arrivals)
    }

    /// Until the next one is there, five minutes at most.
    private func waitForSpare() throws {
        let folder = scratch.repository + "/.git/worktrees"
        for _ in 0..<30_000 {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            if names.contains(where: { access("\(folder)/\($0)/orch-spare", F_OK) == 0 }) { return }
            // Not measured: nothing tells of a spare, and a look now and then disturbs nobody.
            usleep(10_000)
        }
        throw Trouble("orch makes no spare worktree")
    }
}

/// When events arrived, in the order of the first ticket's.
private struct Stages {
    private var names: [String] = []
    private var samples: [String: Sample] = [:]

    mutating func add(_ name: String, _ time: Int64) {
        if samples[name] == nil { names.append(name) }
        samples[name, default: Sample()].add(time)
    }

    var text: String { names.map { "\($0) \(fixed(samples[$0]!.median / 1e6, 1)) ms" }.joined(separator: ", ") }
}

/// What someone without orch would do.
private struct Hand {
    let scratch: Scratch
    let agent: [String]
    private var number = 0

    init(scratch: Scratch, agent: [String]) {
        self.scratch = scratch
        self.agent = agent
    }

    /// A branch, a worktree, and the agent in it; how long until the agent ran.
    mutating func start() throws -> Int64 {
        number += 1
        let name = "hand-\(number)"
        let path = "\(scratch.folder)/\(name)"
        var environment = scratch.environment
        environment["ORCH_TICKET"] = name
        let began = monotonic()
        try scratch.git("worktree", "add", "--quiet", "--no-track", "-b", name, path, "main")
        let child = try Child(agent, in: path, environment: environment)
        try child.wait("the agent")
        let time = try scratch.stamp(of: name) - began
        try scratch.git("worktree", "remove", "--force", path)
        try scratch.git("branch", "-q", "-D", name)
        return time
    }
}

extension LiveDaemon {
    /// Puts away a ticket whose agent changed nothing, worktree and branch included.
    fileprivate func finish(_ ticket: String) throws {
        try wait(for: "ticket.needs_human_review", of: ticket)
        try client.request("ticket.cancel", ["ticket": .string(ticket)])
        try wait(for: "ticket.tidied", of: ticket)
    }
}
