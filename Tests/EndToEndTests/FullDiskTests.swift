import Foundation
import Glibc
import IPC
import Testing

/// The state directory on a disk of its own, a small one in memory that only the daemon and what it starts can see.
@Suite("A full disk, end to end", .ownThread, .enabled(if: SmallDisk.isPossible, "nothing can be mounted here"))
struct FullDiskTests {
    @Test func theDaemonSaysSoGoesOnAndTakesUpWhenThereIsRoom() throws {
        try World.run(agents: 1, starting: false) { world in
            let disk = try SmallDisk(world, megabytes: 32)
            try world.start()
            let repository = try world.repository()
            let gate = try world.gate("agent")
            try world.agent("T-1", "echo a > a.txt; read go < \"$WORLD/gates/agent\"")
            for id in ["T-2", "T-3"] { try world.agent(id, "echo \(id) > \(id).txt") }
            try world.enqueue(repository, ["id": "T-1"])
            let visitor = try gate.arrival()
            // The agent is quick; its runner makes room for the account of the end beside it.
            try poll(for: "the runner's reserve") { disk.hasReserve(of: "T-1") }

            // The reserve is there for this: it is stored, and said.
            try disk.fill()
            let long = JSONValue.string(String(repeating: "a long description ", count: 10_000))
            try world.enqueue(repository, ["id": "T-2", "description": long])
            try world.wait(forEvent: "disk.full")
            #expect(!disk.has("reserve"))
            try world.wait(for: "the reason") { world.picture.waiting["T-2"] == "waits for room on the disk" }
            #expect(world.picture.json["daemon"]?["disk"] == "full")
            let status = try orch(["status"], world)
            #expect(status.output.contains("trouble  the disk is full: nothing new starts"), "\(status)")

            // And then there is nothing left at all.
            try disk.fill()
            let refused = try world.refusal(
                "ticket.enqueue",
                [
                    "repository": .string(repository.path),
                    "tickets": [["id": "T-3", "title": "three", "description": long]],
                ]
            )
            #expect(refused.code == .unavailable, "\(refused)")
            #expect(refused.message.contains("the disk that holds \(world.state) is full"), "\(refused)")
            // Whoever looks is answered, with what is durable.
            let rows = try world.ask("ticket.list")["tickets"]?.arrayValue ?? []
            #expect(rows.compactMap { $0["id"]?.stringValue } == ["T-1", "T-2"])
            #expect(try world.ask("daemon.status")["trouble"]?.stringValue?.contains("is full") == true)
            #expect(try orch(["show", "T-1"], world).code == 0)
            let again = try orch(["stop", "T-2"], world)
            #expect(again.code == 1 && again.error.contains("nothing has been changed"), "\(again)")
            // What runs goes on, and its end is not lost.
            visitor.letThrough()
            try poll(for: "the agent to end") { disk.hasExit(of: "T-1") }
            #expect(world.picture.tickets["T-1"]?.state == "running")

            try disk.free()
            try world.wait(forEvent: "disk.ok")
            try world.waitUntilLanded(["T-1", "T-2", "T-3"])
            #expect(disk.has("reserve"))
            #expect(world.picture.json["daemon"]?["disk"] == nil)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func aLockThatSomebodyCommitsMeanwhileIsTakenWhenThereIsRoom() throws {
        try World.run(agents: 1, starting: false) { world in
            let disk = try SmallDisk(world, megabytes: 32)
            try world.start()
            let repository = try world.repository()
            let name = JSONValue.string(repository.path)
            try world.ask("lock.take", ["repository": name, "pattern": "a/**", "by": "anna", "reason": "by hand"])
            try world.wait(for: "the branch", looking: .milliseconds(20)) {
                try repository.lockedPatterns() == ["a/**"]
            }
            let checkout = ScratchRepository(path: world.folder + "/locks", environment: world.environment)
            try repository.git("worktree", "add", "-q", checkout.path, "orch/locks")
            let long = JSONValue.string(String(repeating: "a long description ", count: 10_000))
            try disk.fill()
            try world.enqueue(repository, ["id": "T-1", "description": long, "depends_on": ["later"]])
            try world.wait(forEvent: "disk.full")
            try disk.fill()
            let more = #"{"pattern": "b/**", "by": "bob", "reason": "by hand"},"#
            let table = try #require(checkout.read("locks.json"))
            let mine = try checkout.commit(["locks.json": table.replacing("[\n", with: "[\n\(more)\n")])
            try poll(for: "the daemon to say so") {
                try String(contentsOfFile: world.log, encoding: .utf8).contains("the branch orch/locks is behind")
            }
            // It is not answered as if it had been refused.
            #expect(try repository.git("rev-parse", "orch/locks") == mine)
            try disk.free()
            try world.wait(forEvent: "lock.taken", times: 2)
            try world.wait(for: "the branch", looking: .milliseconds(20)) {
                try repository.lockedPatterns() == ["a/**", "b/**"]
            }
            #expect(try repository.git("log", "-1", "--format=%b", "orch/locks") == "")
        }
    }

    @Test func aWorktreeThatFindsNoRoomIsAReasonAndNothingElseStarts() throws {
        try World.run(agents: 1, starting: false) { world in
            let disk = try SmallDisk(world, megabytes: 40)
            try world.start()
            let repository = try world.repository()
            let gate = try world.gate("agent")
            // More than there will be room for, and less than the disk.
            try world.agent("T-1", "read go < \"$WORLD/gates/agent\"; echo a > a.txt")
            try repository.commit(["large.bin": String(repeating: "0123456789abcdef", count: 1 << 16)])
            try world.enqueue(repository, ["id": "T-1"])
            let visitor = try gate.arrival()
            // Room for events, none for a second worktree.
            try disk.fill(leaving: 512 << 10)
            for id in ["T-2", "T-3"] {
                try world.agent(id, "echo \(id) > \(id).txt")
                try world.enqueue(repository, ["id": .string(id)])
            }
            try world.command("stop", "T-1")
            visitor.leave()
            try world.wait(for: "T-2", "needs_human_review")
            #expect(world.reason("T-2").contains("worktree could not be made"), "\(world.reason("T-2"))")
            #expect(
                world.reason("T-2").contains("the disk that holds \(world.state) is full"),
                "\(world.reason("T-2"))"
            )
            #expect(world.happened("disk.full"))
            try world.wait(for: "the reason") { world.picture.waiting["T-3"] == "waits for room on the disk" }

            try disk.free()
            try world.command("continue", "T-2")
            try world.waitUntilLanded(["T-2", "T-3"])
        }
    }

    @Test func aDaemonIsNotStartedOnAFullDisk() throws {
        try World.run(starting: false) { world in
            let disk = try SmallDisk(world, megabytes: 4)
            let end = try run(
                world.wrapper + [World.orch, "daemon"],
                environment: world.environment,
                directory: world.folder
            )
            #expect(end.code == 1)
            #expect(
                end.error.contains("the disk that holds \(world.state) is full")
                    && end.error.contains("make room there"),
                "\(end.error)"
            )
            #expect(end.error.split(separator: "\n").count == 1, "\(end.error)")
            withExtendedLifetime(disk) {}
        }
    }

    private func orch(_ arguments: [String], _ world: World) throws -> ProgramOutput {
        try EndToEndTests.run([World.orch] + arguments, environment: world.environment, directory: world.folder)
    }
}

/// A disk in memory over the world's state directory, in a mount namespace of the daemon's own. It goes with the last
/// process that sees it.
final class SmallDisk {
    private let world: World

    /// Root may, and others where they may make user namespaces.
    private static let namespaces: [String] =
        ["/usr/bin/unshare"] + (getuid() == 0 ? [] : ["--user", "--map-root-user"])
        + ["--mount", "--propagation", "private"]

    static let isPossible: Bool = {
        let mounted = try? run(
            namespaces + ["/bin/sh", "-c", "mount -t tmpfs -o size=1m tmpfs /tmp"],
            environment: ["PATH": "/usr/bin:/bin"]
        )
        return mounted?.code == 0
    }()

    /// The daemon started next has it.
    init(_ world: World, megabytes: Int) throws {
        self.world = world
        mkdir(world.state, 0o700)
        world.environment["ORCH_SOCKET"] = world.folder + "/orch.sock"
        world.wrapper =
            Self.namespaces + [
                "/bin/sh", "-c",
                "mount -t tmpfs -o size=\(megabytes)m,mode=700 tmpfs \"$0\" && exec \"$@\"", world.state,
            ]
    }

    /// As the daemon sees it.
    private func path(_ name: String) throws -> String {
        "/proc/\(try #require(world.daemon).pid)/root\(world.state)/\(name)"
    }

    func has(_ name: String) -> Bool { (try? access(path(name), F_OK)) == 0 }

    /// Whether a run of the ticket has left its account.
    func hasExit(of ticket: String) -> Bool { file(of: ticket, "exit.json") != nil }

    /// Whether the runner of a run of the ticket has all the room it will need.
    func hasReserve(of ticket: String) -> Bool {
        var status = stat()
        return file(of: ticket, "reserve").map { stat($0, &status) == 0 && status.st_size > 0 } ?? false
    }

    private func file(of ticket: String, _ name: String) -> String? {
        guard let runs = try? path("runs"), let all = FileManager.default.enumerator(atPath: runs) else { return nil }
        for case let file as String in all where file.contains(ticket) && file.hasSuffix("/\(name)") {
            return "\(runs)/\(file)"
        }
        return nil
    }

    /// Takes what room there is.
    func fill(leaving rest: Int = 0) throws {
        let file = open(try path("filler"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try #require(file >= 0, "\(String(cString: strerror(errno)))")
        defer { close(file) }
        let piece = [UInt8](repeating: 1, count: 4096)
        while write(file, piece, piece.count) > 0 {}
        try #require(errno == ENOSPC, "\(String(cString: strerror(errno)))")
        var status = stat()
        fstat(file, &status)
        try #require(ftruncate(file, status.st_size - off_t(rest)) == 0)
    }

    func free() throws { try #require(unlink(try path("filler")) == 0) }
}
