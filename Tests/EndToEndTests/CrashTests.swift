import CSystem
import Foundation
import Glibc
import IPC
import Testing

@Suite("A daemon that is killed, end to end", .ownThread)
struct CrashTests {
    @Test func anAgentOutlivesItsDaemonAndNoneOfItsLinesIsLost() throws {
        try World.run { world in
            let repository = try world.repository()
            let (first, second) = (try world.gate("first"), try world.gate("second"))
            try world.agent(
                "T-1",
                """
                count() { n=$1; while [ $n -lt $2 ]; do echo "line $n"; n=$((n + 1)); done; }
                count 0 1000
                read go < "$WORLD/gates/first"
                count 1000 2000
                read go < "$WORLD/gates/second"
                count 2000 3000
                echo done > done.txt
                """
            )
            try world.enqueue(repository, ["locks": ["done.txt"]])
            let waiting = try first.arrival()
            let agent = try process(of: "T-1.1", world)
            try world.kill9()
            // It goes on while nobody is there to read what it says.
            waiting.letThrough()
            let again = try second.arrival()
            try world.restart()
            #expect(try process(of: "T-1.1", world) == agent)
            #expect(agent.isAlive)
            try world.wait(for: "T-1", "running")
            again.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(try world.text(of: "T-1.1") == (0..<3000).map { "line \($0)\n" }.joined())
            #expect(try repository.landed() == ["T-1"])
            #expect(world.events("run.requested", "T-1").count == 2)
            try world.expectNothingLeft(of: ["T-1"], in: repository)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func aVerifierOutlivesItsDaemonAndItsVerdictCounts() throws {
        try World.run { world in
            let gate = try world.gate("verify")
            let repository = try world.repository(verify: "echo judging; read go < \(gate.path); echo judged")
            for number in 1...2 {
                try world.agent("T-\(number)", "echo \(number) > \(number).txt")
                try world.enqueue(repository, ["locks": ["\(number).txt"]])
                let waiting = try gate.arrival()
                let verifier = try process(of: "T-\(number).2", world)
                try world.kill9()
                if number == 1 {
                    // The next daemon finds it at work,
                    try world.restart()
                    #expect(try process(of: "T-1.2", world) == verifier)
                    #expect(verifier.isAlive)
                    waiting.letThrough()
                } else {
                    // or only what it has left.
                    waiting.letThrough()
                    try poll(for: "the verifier to end") { !verifier.isAlive }
                    try world.restart()
                }
                try world.waitUntilLanded(["T-\(number)"])
                #expect(try world.text(of: "T-\(number).2") == "judging\njudged\n")
                #expect(world.events("run.requested", "T-\(number)").count == 2)
            }
            #expect(try repository.landed() == ["T-1", "T-2"])
            try world.expectNothingLeft(of: ["T-1", "T-2"], in: repository)
        }
    }

    @Test func killedAgainAndAgainItLandsEverythingOnce() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix64(seed: seed)
        do {
            try World.run(agents: 3) { world in
                let repository = try world.repository(files: ["shared.txt": "start\n"])
                var all: [String] = []
                for number in 1...8 {
                    let id = "T-\(number)"
                    let file = number.isMultiple(of: 2) ? "shared.txt" : "\(number).txt"
                    try world.agent(id, "echo ran >> \"$WORLD/ran-$ORCH_TICKET\"; echo \(number) >> \(file)")
                    try world.enqueue(repository, ["locks": [.string(file)]])
                    all.append(id)
                }
                var kills = 0
                while true {
                    let next = world.picture.seq + Int.random(in: 1...9, using: &random)
                    try world.wait(for: "event \(next)") {
                        if try world.haveLanded(all) { return true }
                        return world.picture.seq >= next
                    }
                    if try world.haveLanded(all) { break }
                    // Not a wait for anything: the moment is to be any moment.
                    usleep(UInt32.random(in: 0...6000, using: &random))
                    try world.kill9()
                    kills += 1
                    try world.restart()
                }
                // What is left of the kills is spent on a daemon with nothing to do.
                while kills < 15 {
                    try world.kill9()
                    kills += 1
                    try world.restart()
                }
                try world.waitUntilLanded(all)
                #expect(try repository.landed().sorted() == all)
                #expect(try repository.lines("rev-list", "--merges", "main") == [])
                for id in all {
                    #expect(
                        try String(contentsOfFile: "\(world.folder)/ran-\(id)", encoding: .utf8) == "ran\n",
                        "\(id)"
                    )
                    #expect(world.events("ticket.merged", id).count == 1)
                }
                #expect(repository.file("shared.txt") == "start\n2\n4\n6\n8\n")
                #expect(try repository.git("status", "--porcelain") == "")
                try world.expectGreen(repository)
                try world.expectNothingLeft(of: all, in: repository)
                try world.expectReplayMatchesSnapshot()
            }
        } catch {
            throw Failure("seed \(seed): \(error)")
        }
    }
}

/// The program of a run, as its runner has noted it.
struct RunProcess: Equatable {
    let pid: pid_t
    let start: UInt64

    init?(file: String) {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        guard let pid = values["pid"].flatMap({ pid_t($0) }), let start = values["start"].flatMap({ UInt64($0) })
        else { return nil }
        self.pid = pid
        self.start = start
    }

    var isAlive: Bool {
        var process = cs_process()
        return cs_process_status(pid, &process) == 0 && process.alive != 0 && process.start == start
    }
}

/// A small generator whose numbers a seed repeats.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The program of a run, once it has been started.
func process(of run: String, _ world: World) throws -> RunProcess {
    var found: RunProcess?
    try poll(for: "\(run) to have started") {
        found = RunProcess(file: "\(world.state)/runs/\(run)/started")
        return found != nil
    }
    return try #require(found)
}
