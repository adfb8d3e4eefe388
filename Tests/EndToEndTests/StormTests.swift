import CSystem
import Foundation
import Glibc
import IPC
import Testing

/// SIGKILL at any moment, again and again: to daemons at work, daemons that recover, runners and orphaned gits, while
/// agents and verifiers run and tickets land.
///
/// `ORCH_STORM_KILLS` and `ORCH_STORM_SEED` (see `make storm`) ask for more than CI's, or for the same again.
@Suite("The storm, end to end", .ownThread)
struct StormTests {
    private static let worlds = 4
    private static let variables = ProcessInfo.processInfo.environment
    /// Of the daemons, in all worlds together.
    private static let kills = variables["ORCH_STORM_KILLS"].flatMap { Int($0) } ?? 160
    private static let seed = variables["ORCH_STORM_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)

    @Test(arguments: 1...worlds)
    func nothingIsLostAndEverythingLandsOnce(_ number: Int) throws {
        let seed = Self.seed
        print("storm \(number): \(Self.kills / Self.worlds) kills, seed \(seed)")
        do {
            try World.run(agents: 3, starting: false) { world in
                let random = SplitMix64(seed: seed &+ UInt64(number))
                var storm = try Storm(world, kills: Self.kills / Self.worlds, random: random)
                try storm.rage()
                try storm.audit()
                print("storm \(number): \(storm.report)")
            }
        } catch { throw Failure("seed \(seed), world \(number): \(error)") }
    }
}

private struct Storm {
    private let world: World
    private let repository: ScratchRepository
    private let quota: Int
    private var random: SplitMix64
    private var tickets: [String] = []
    private var kills = 0
    private var earlyKills = 0
    private var runnerKills = 0
    private var gitKills = 0
    private var locksRemoved = 0

    /// Killed runners are counted against their tickets: a ticket can take two.
    private static let runnerQuota = 4

    init(_ world: World, kills: Int, random: SplitMix64) throws {
        self.world = world
        self.random = random
        quota = kills
        try world.writeAgentLibrary()
        repository = try world.repository(
            verify: world.auditedVerifier(takes: "3"),
            files: ["group0.txt": "0\n", "group1.txt": "1\n"],
            registering: false
        )
    }

    var report: String {
        "\(kills) daemons killed (\(earlyKills) before they greeted), \(runnerKills) runners, \(gitKills) gits, "
            + "which left \(locksRemoved) locks; \(tickets.count) tickets, \(world.history.count) events"
    }

    mutating func rage() throws {
        try world.start()
        try world.ask("repository.trust", ["path": .string(repository.path)])
        while kills < quota {
            try fileTickets()
            try goOnWithTheStopped()
            if Int.random(in: 0..<6, using: &random) == 0 { try stopOne() }
            if Int.random(in: 0..<4, using: &random) == 0 { killRunner() }
            if Int.random(in: 0..<4, using: &random) == 0 { killGit() }
            // Not a wait for anything: the moment is to be any moment.
            let moment = ContinuousClock.now + .milliseconds(Int.random(in: 0...600, using: &random))
            try world.follow(until: moment)
            try killAgain()
        }
        try world.wait(for: "everything to have landed", looking: .milliseconds(200)) {
            try goOnWithTheStopped()
            // One that another git's lock was in the way of is tried again.
            for event in world.events("ticket.left")
            where event.params["reason"]?.stringValue?.contains(".lock") != true {
                throw world.problem("not put away: \(event.params)")
            }
            return tickets.allSatisfy {
                world.picture.tickets[$0]?.state == "merged" && world.happened("ticket.tidied", $0)
            }
        }
    }

    func audit() throws {
        #expect(kills >= quota)
        try world.audit(repository, landed: tickets, kept: [])
    }

    // MARK: Its parts

    /// There are always a few to work on, and half of them want what another has.
    private mutating func fileTickets() throws {
        let open = tickets.count { world.picture.tickets[$0].map { $0.state != "merged" } ?? true }
        for _ in open..<max(open, 4) {
            let number = tickets.count + 1
            let (id, group) = ("K\(number)", "group\(number % 2).txt")
            try world.agent(
                id,
                """
                . "$WORLD/agents/library"; alone \(id) \(group)
                put \(id)/$ORCH_RUN.txt "first of $ORCH_RUN"
                sleep 0.\(Int.random(in: 0...9, using: &random))
                put \(group) "$(cat \(group); echo $ORCH_RUN)"; git add -A; git commit -qm "$ORCH_RUN"
                put \(id)/left.$ORCH_RUN.txt "last of $ORCH_RUN"
                """
            )
            try world.enqueue(repository, ["id": .string(id), "locks": [.string("\(id)/**"), .string(group)]])
            tickets.append(id)
        }
    }

    /// A human's part: what was stopped, or gave up because its runners kept dying, is to go on; and a lock file that a
    /// killed git left in the user's checkout has to go.
    private mutating func goOnWithTheStopped() throws {
        for row in world.picture.tickets.values.sorted(by: { $0.id < $1.id }) {
            if row.state == "landing" { removeLock(namedIn: row.reason) }
            let isLost = row.state == "needs_human_review" && row.reason?.contains("lost") == true
            if row.state == "needs_human_review", !isLost { throw world.problem("\(row.id): \(row.reason ?? "")") }
            if row.state == "stopped" || isLost { try world.command("continue", row.id) }
        }
    }

    private mutating func removeLock(namedIn reason: String?) {
        let parts = reason?.components(separatedBy: " has been there since ") ?? []
        guard parts.count == 2, let start = parts[0].firstIndex(of: "/"), world.gits().isEmpty else { return }
        if unlink(String(parts[0][start...])) == 0 { locksRemoved += 1 }
    }

    private mutating func stopOne() throws {
        let running = world.picture.tickets.values.filter { $0.state == "running" }.map(\.id).sorted()
        guard let id = running.randomElement(using: &random) else { return }
        // It may have gone on to where there is nothing to stop.
        _ = try? world.client.request("ticket.stop", ["ticket": .string(id)], timeout: patience)
    }

    private mutating func killRunner() {
        guard runnerKills < Self.runnerQuota, world.killOne(of: world.processes("orch-runner"), using: &random) else {
            return
        }
        runnerKills += 1
    }

    /// They live for milliseconds, so it is tried for a while.
    private mutating func killGit() {
        for _ in 0..<20 {
            guard world.killOne(of: world.gits(), using: &random) else { continue }
            gitKills += 1
            return
        }
    }

    /// Kills the daemon, and some of its successors before they have said a word.
    private mutating func killAgain() throws {
        try world.kill9()
        kills += 1
        killGit()
        while Int.random(in: 0..<3, using: &random) == 0 {
            try world.launch()
            usleep(UInt32.random(in: 0...150_000, using: &random))
            try world.kill9()
            kills += 1
            earlyKills += 1
        }
        try world.restart()
    }
}

extension World {
    /// Takes in events until a moment.
    fileprivate func follow(until moment: ContinuousClock.Instant) throws {
        try wait(for: "a moment", looking: .milliseconds(10)) { ContinuousClock.now >= moment }
    }

    /// This world's processes of that name.
    fileprivate func processes(_ name: String) -> [pid_t] {
        livingProcesses().filter { (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == name + "\n" }
    }

    /// The gits of the daemon's; those of agents are theirs.
    fileprivate func gits() -> [pid_t] {
        processes("git").filter { pid in
            let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
            return environment.range(of: Data("ORCH_RUN=".utf8)) == nil
        }
    }

    /// Kills one of these processes; false when there is none.
    fileprivate func killOne(of found: [pid_t], using random: inout SplitMix64) -> Bool {
        guard let pid = found.randomElement(using: &random) else { return false }
        let pidfd = cs_pidfd_open(pid)
        guard pidfd >= 0 else { return false }
        defer { close(pidfd) }
        // Looked at once more: the pidfd may stand for another that has got its number.
        return livingProcesses().contains(pid) && cs_pidfd_send_signal(pidfd, SIGKILL) == 0
    }
}
