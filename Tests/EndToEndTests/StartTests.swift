import Foundation
import Glibc
import IPC
import Testing

@Suite("A daemon's start and end, end to end", .ownThread)
struct StartTests {
    @Test func aSecondDaemonIsRefusedWithTheFirstOnesPid() throws {
        try World.run { world in
            let pid = try #require(world.daemon).pid
            let second = try orch(["daemon"], world)
            #expect(second.code == 1)
            #expect(
                second.error.contains(
                    "another daemon is running for this state directory (pid \(pid)); use `orch quit` to end it"
                ),
                "\(second.error)"
            )
            try world.ask("tick")
            #expect(access(world.socket, F_OK) == 0)
        }
    }

    @Test func aSocketThatNobodyListensOnIsReplaced() throws {
        try World.run { world in
            try world.kill9()
            #expect(access(world.socket, F_OK) == 0)
            try world.restart()
            try world.ask("tick")
            try world.quit()
            #expect(access(world.socket, F_OK) != 0)
            // A file that is no socket is somebody's.
            try world.write(world.socket, "mine")
            let refused = try orch(["daemon"], world)
            #expect(refused.code != 0)
            #expect(refused.error.contains("\(world.socket) is in the way: it is not a socket"), "\(refused.error)")
            #expect(try String(contentsOfFile: world.socket, encoding: .utf8) == "mine")
        }
    }

    @Test func whatKeepsADaemonFromStartingIsSaidInOneSentence() throws {
        try World.run(starting: false) { world in
            func refusal(_ name: String, _ value: String) throws -> String {
                let kept = world.environment
                defer { world.environment = kept }
                world.environment[name] = value
                let end = try orch(["daemon"], world)
                #expect(end.code != 0 && end.output == "", "\(end)")
                #expect(!end.error.contains("Fatal") && !end.error.contains("stack"), "\(end.error)")
                return end.error
            }
            let long = "\(world.folder)/\(String(repeating: "long/", count: 25))orch.sock"
            let tooLong = try refusal("ORCH_SOCKET", long)
            #expect(tooLong.contains("107") && tooLong.contains(long), "\(tooLong)")
            try world.write("file", "")
            let noPlace = try refusal("ORCH_STATE_DIR", world.folder + "/file/state")
            #expect(noPlace.contains(world.folder + "/file"), "\(noPlace)")
            #expect(noPlace.contains("Not a directory"), "\(noPlace)")
            // Where even root may not write.
            let readOnly = try refusal("ORCH_STATE_DIR", "/proc/orch")
            #expect(readOnly.contains("/proc/orch"), "\(readOnly)")
            let noFile = try refusal("ORCH_CONFIG", world.folder + "/nothing.json")
            #expect(noFile.contains(world.folder + "/nothing.json"), "\(noFile)")
            try world.write("bad.json", "{\n  \"agents\": 0,\n  \"profils\": {}\n}\n")
            let bad = try refusal("ORCH_CONFIG", world.folder + "/bad.json")
            #expect(bad.contains("bad.json:2") && bad.contains("bad.json:3") && bad.contains("profiles"), "\(bad)")
        }
    }

    @Test func aDamagedStoreIsSaidAndLeftAsItIs() throws {
        try World.run { world in
            _ = try world.repository()
            try world.quit()
            let database = URL(fileURLWithPath: world.state + "/orch.db")
            let good = try Data(contentsOf: database)
            // A daemon that has ended leaves one file, which can be copied.
            let files = try FileManager.default.contentsOfDirectory(atPath: world.state)
            #expect(files.filter { $0.hasPrefix("orch.db") } == ["orch.db"])
            try #require(good.count > 20_000)
            let damages: [(String, Data)] = [
                ("noise", Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })),
                ("cut", good.prefix(good.count / 2 + 100)),
                ("scratched", good.prefix(5000) + Data(repeating: 0xAA, count: good.count - 5000)),
            ]
            for (name, damage) in damages {
                try damage.write(to: database)
                let end = try orch(["daemon"], world)
                #expect(end.code == 1, "\(name): \(end)")
                #expect(end.error.contains("\(database.path)"), "\(name): \(end.error)")
                #expect(end.error.contains("left as it is"), "\(name): \(end.error)")
                let left = try Data(contentsOf: database)
                let differing = zip(left, damage).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
                #expect(left == damage, "\(name): \(left.count) of \(damage.count), \(differing.prefix(20))")
            }
            try good.write(to: database)
            try world.restart()
            #expect(world.picture.repositories.count == 1)
        }
    }

    // MARK: Ends

    @Test func detachLeavesTheAgentsToTheNextDaemon() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("agent")
            try world.agent("T-1", "read go < \"$WORLD/gates/agent\"; echo a > a.txt")
            try world.enqueue(repository, [:])
            let visitor = try gate.arrival()
            #expect(try world.quit("detach") == 0)
            #expect(world.client.goodbye?["reason"] == "stopping")
            #expect(access(world.socket, F_OK) != 0)
            #expect(world.livingProcesses().count >= 2, "the runner and the agent")
            try world.restart()
            #expect(world.picture.tickets["T-1"]?.state == "running")
            visitor.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(try world.ticket("T-1").attempts == 1)
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func waitLetsWhatRunsEndAndStartsNothingNew() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let gate = try world.gate("agent")
            try world.agent("T-1", "read go < \"$WORLD/gates/agent\"; echo a > a.txt")
            try world.agent("T-2", "echo b > b.txt")
            try world.enqueue(repository, [:], [:])
            let visitor = try gate.arrival()
            try world.client.request("daemon.quit", ["onStop": "wait"], timeout: patience)
            try world.wait(for: "the queue to say so") {
                world.picture.waiting["T-2"] == "the daemon is ending; it starts when the daemon is back"
            }
            #expect(try world.ask("daemon.status")["draining"] == true)
            visitor.letThrough()
            #expect(try world.waitForEnd() == 0)
            #expect(world.livingProcesses() == [])
            #expect(try repository.landed() == ["T-1"])
            #expect(world.picture.tickets["T-2"]?.state == "queued")
            try world.restart()
            try world.waitUntilLanded(["T-1", "T-2"])
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func haltStopsWhatRunsAndSavesIt() throws {
        try World.run { world in
            let gates = (try world.gate("agent"), try world.gate("verifier"))
            let repository = try world.repository(verify: "read go < \(gates.1.path)")
            try world.agent("T-1", "echo a > a.txt; read go < \"$WORLD/gates/agent\"")
            try world.agent("T-2", "echo b > b.txt")
            try world.enqueue(repository, [:], [:])
            let visitors = (try gates.0.arrival(), try gates.1.arrival())
            #expect(try world.quit("halt") == 0)
            visitors.0.leave()
            visitors.1.leave()
            try poll(for: "every process to be gone") { world.livingProcesses().isEmpty }
            #expect(world.picture.tickets["T-1"]?.state == "stopped")
            #expect(world.picture.tickets["T-2"]?.state == "stopped")
            #expect(try repository.git("show", "refs/orch/snapshots/T-1/1:a.txt") == "a")
            try world.restart()
            #expect(world.picture.tickets["T-1"]?.state == "stopped")
            try repository.commit(["verify.sh": "true\n"])
            for id in ["T-1", "T-2"] { try world.command("continue", id) }
            try gates.0.open()
            try world.waitUntilLanded(["T-1", "T-2"])
            try world.expectNothingLeft(of: ["T-1", "T-2"], in: repository)
        }
    }

    /// A verifier of a ticket that is landing is a process too.
    @Test(arguments: ["wait", "halt"])
    func noVerifierOfALandingOutlivesADaemonThatIsNotDetached(_ onStop: String) throws {
        try World.run { world in
            let gate = try world.gate("verifier")
            let repository = try world.repository(
                "repo",
                ["approve": "human"],
                verify: "if [ -e theirs.txt ]; then read go < \(gate.path); fi"
            )
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "awaiting_approval")
            try repository.commit(["theirs.txt": "by hand\n"])
            try world.command("approve", "T-1")
            let visitor = try gate.arrival()
            #expect(world.picture.tickets["T-1"]?.state == "landing")
            try world.client.request("daemon.quit", ["onStop": .string(onStop)], timeout: patience)
            if onStop == "wait" { visitor.letThrough() }
            #expect(try world.waitForEnd() == 0)
            if onStop == "halt" { visitor.leave() }
            try poll(for: "every process to be gone") { world.livingProcesses().isEmpty }
            if onStop == "wait" {
                #expect(try repository.landed() == ["T-1"])
            } else {
                #expect(world.picture.tickets["T-1"]?.state == "stopped")
            }
        }
    }

    @Test func theFirstSignalBeginsTheEndAndTheSecondIsTheEnd() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("agent")
            try world.agent("T-1", "read go < \"$WORLD/gates/agent\"; echo a > a.txt")
            try world.enqueue(repository, [:])
            let visitor = try gate.arrival()
            // Detached is the default.
            world.daemon?.signal(SIGTERM)
            #expect(try world.waitForEnd() == 0)
            world.arguments = ["--on-stop", "wait"]
            try world.restart()
            world.daemon?.signal(SIGINT)
            try world.wait(for: "the daemon to be ending") { try world.ask("daemon.status")["draining"] == true }
            world.daemon?.signal(SIGTERM)
            #expect(try world.waitForEnd() == 128 + SIGTERM)
            // Nothing was lost by either.
            world.arguments = []
            try world.restart()
            visitor.letThrough()
            try world.waitUntilLanded(["T-1"])
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    private func orch(_ arguments: [String], _ world: World) throws -> ProgramOutput {
        try EndToEndTests.run([World.orch] + arguments, environment: world.environment, directory: world.folder)
    }
}
