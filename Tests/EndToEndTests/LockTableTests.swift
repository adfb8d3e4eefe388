import CSystem
import Foundation
import Glibc
import IPC
import Testing

/// `locks.json` on the branch `orch/locks`, in both directions.
@Suite("The branch of locks, end to end", .ownThread)
struct LockTableTests {
    /// A ticket whose agent holds `src/**` until the gate is opened.
    private func running(_ world: World) throws -> (ScratchRepository, Gate) {
        let repository = try world.repository()
        let gate = try world.gate("src")
        try world.agent("T-1", "cat \"$WORLD/gates/src\" > src.txt")
        try world.enqueue(repository, ["id": "T-1", "title": "Work on it", "locks": ["src/**", "src.txt"]])
        return (repository, gate)
    }

    private func table(_ repository: ScratchRepository) -> String {
        repository.file("locks.json", at: "orch/locks") ?? ""
    }

    private func subjects(_ repository: ScratchRepository) throws -> [String] {
        try repository.lines("log", "--reverse", "--format=%an: %s", "orch/locks")
    }

    /// Waits until the branch says something. Git tells nobody.
    private func wait(_ world: World, _ repository: ScratchRepository, _ what: String, _ isTrue: (String) -> Bool)
        throws
    {
        try world.wait(for: what, looking: .milliseconds(20)) { isTrue(table(repository)) }
    }

    /// Commits `text` as `locks.json` on top of `parent`, in nobody's checkout, as a push would.
    private func commit(_ repository: ScratchRepository, _ text: String, on parent: String = "orch/locks") throws {
        try repository.write("table", text)
        let blob = try repository.git("hash-object", "-w", "table")
        unlink(repository.path + "/table")
        try repository.write("listing", "100644 blob \(blob)\tlocks.json\n")
        let end = try run(
            ["/bin/sh", "-c", "git mktree < listing"],
            environment: repository.environment,
            directory: repository.path
        )
        unlink(repository.path + "/listing")
        let tree = end.output.trimmingCharacters(in: .newlines)
        let commit = try repository.git("commit-tree", tree, "-p", parent, "-m", "by hand")
        try repository.git("update-ref", "refs/heads/orch/locks", commit)
    }

    private func lock(_ pattern: String, by name: String = "anna") -> String {
        "{\"locks\": [{\"pattern\": \"\(pattern)\", \"by\": \"\(name)\", \"reason\": \"by hand\"}]}\n"
    }

    @Test func whatIsHeldIsOnTheBranchACommitAChange() throws {
        try World.run { world in
            let (repository, gate) = try running(world)
            try wait(world, repository, "the ticket's locks") { $0.contains(#""pattern":"src/**","ticket":"T-1""#) }
            let wish: JSONObject = [
                "repository": .string(repository.path), "pattern": "docs/**", "by": "anna", "reason": "the release",
                "seconds": 3600,
            ]
            try world.ask("lock.take", wish)
            try wait(world, repository, "anna's lock") { $0.contains("anna") }
            let rows = try #require(try JSONValue(parsing: Array(table(repository).utf8))["locks"]?.arrayValue)
            #expect(rows.map { $0["pattern"] } == ["docs/**", "src.txt", "src/**"])
            #expect(rows.map { $0["by"] ?? $0["ticket"] } == ["anna", "T-1", "T-1"])
            #expect(rows.map { $0["reason"] ?? $0["title"] } == ["the release", "Work on it", "Work on it"])
            #expect(rows.map { $0["until"] != nil } == [true, false, false])
            try gate.open()
            try world.waitUntilLanded(["T-1"])
            try wait(world, repository, "the ticket's end") { !$0.contains("T-1") }
            #expect(
                try subjects(repository) == [
                    "orch: Locks: 2 taken", "orch: Locks: anna takes docs/**",
                    "orch: Locks: 2 released",
                ]
            )
            #expect(try repository.git("status", "--porcelain") == "")
            // Nobody's commit was taken for somebody's.
            #expect(world.events("lock.taken").count == 1 && world.events("lock.released").isEmpty)
        }
    }

    @Test func aCommitTakesAndReleases() throws {
        try World.run { world in
            let (repository, gate) = try running(world)
            try wait(world, repository, "the ticket's locks") { $0.contains("T-1") }
            let checkout = ScratchRepository(path: world.folder + "/locks", environment: world.environment)
            try repository.git("worktree", "add", "-q", checkout.path, "orch/locks")
            // Beside what tickets hold, in a line of one's own.
            let before = try #require(checkout.read("locks.json"))
            let mine = #"{"pattern": "docs/**", "by": "anna", "reason": "the release", "for": "2h"},"#
            try checkout.commit(["locks.json": before.replacing("[\n", with: "[\n\(mine)\n"), "NOTES": "mine\n"])
            try world.wait(forEvent: "lock.taken")
            let taken = world.events("lock.taken")[0].params
            #expect(taken["pattern"] == "docs/**" && taken["person"] == "anna" && taken["reason"] == "the release")
            // Written as orch writes it, in the checkout too.
            try wait(world, repository, "orch's line for it") { $0.contains(#""by":"anna""#) && $0.contains("until") }
            try world.wait(for: "the checkout", looking: .milliseconds(20)) {
                checkout.read("locks.json") == table(repository)
            }
            #expect(try checkout.git("status", "--porcelain") == "")
            #expect(checkout.read("NOTES") == "mine\n")
            let row = try #require(world.picture.locks.values.first { $0.person == "anna" })
            #expect(row.pattern == "docs/**" && row.reason == "the release")
            // A line that goes is a lock released; a ticket's stays, and is put back.
            try checkout.commit(["locks.json": "{\"locks\": []}\n"])
            try world.wait(forEvent: "lock.released")
            try wait(world, repository, "the ticket's locks, put back") { $0.contains("T-1") && !$0.contains("anna") }
            #expect(world.picture.locks.values.map(\.ticket) == ["T-1", "T-1"])
            try gate.open()
            try world.waitUntilLanded(["T-1"])
        }
    }

    @Test func whatCannotBeTakenUpIsSaidInTheNextCommit() throws {
        try World.run { world in
            let (repository, gate) = try running(world)
            try wait(world, repository, "the ticket's locks") { $0.contains("T-1") }
            try commit(repository, lock("src/a"))
            try wait(world, repository, "the table, put back") { $0.contains("T-1") }
            let why = "Not taken up:\nsrc/a: cannot take src/a: T-1 holds src/**"
            #expect(try repository.git("log", "-1", "--format=%b", "orch/locks").contains(why))
            try commit(repository, "{\"locks\": [\n")
            try wait(world, repository, "the table, put back again") { $0.contains("T-1") }
            let body = try repository.git("log", "-1", "--format=%b", "orch/locks")
            #expect(body.contains("Not taken up:\nlocks.json:2:1: "), "\(body)")
            #expect(
                try subjects(repository) == [
                    "orch: Locks: 2 taken", "Uma User: by hand", "orch: Locks: 2 taken, 1 released",
                    "Uma User: by hand", "orch: Locks: 2 taken",
                ]
            )
            #expect(world.events("lock.taken").isEmpty)
            try gate.open()
            try world.waitUntilLanded(["T-1"])
        }
    }

    /// Somebody who had not seen orch's last commit takes nothing back.
    @Test func aCommitOnAnEarlierStateReleasesNothingThatItHadNotSeen() throws {
        try World.run { world in
            let repository = try world.repository()
            let wish: JSONObject = ["repository": .string(repository.path), "by": "anna", "reason": "by hand"]
            try world.ask("lock.take", wish.adding("pattern", "a/**"))
            try wait(world, repository, "a/**") { $0.contains("a/**") }
            let earlier = try repository.git("rev-parse", "orch/locks")
            try world.ask("lock.take", wish.adding("pattern", "b/**"))
            try wait(world, repository, "b/**") { $0.contains("b/**") }
            let had = try #require(repository.file("locks.json", at: earlier))
            let more = #"{"pattern": "c/**", "by": "bob", "reason": "by hand"},"#
            try commit(repository, had.replacing("[\n", with: "[\n\(more)\n"), on: earlier)
            try wait(world, repository, "all three") { table in ["a/**", "b/**", "c/**"].allSatisfy(table.contains) }
            #expect(world.events("lock.released").isEmpty)
            #expect(Set(world.picture.locks.values.map(\.pattern)) == ["a/**", "b/**", "c/**"])
            // The branch itself is nobody's lock.
            try repository.git("branch", "-D", "orch/locks")
            try wait(world, repository, "the branch, made again") { $0.contains("a/**") && $0.contains("c/**") }
            #expect(world.events("lock.released").isEmpty)
        }
    }

    @Test(arguments: ["locks.taken-up", "locks.noted"])
    func aDaemonThatIsKilledTakesNothingTwice(_ point: String) throws {
        try World.run(starting: false) { world in
            try world.start()
            let repository = try world.repository()
            let wish: JSONObject = [
                "repository": .string(repository.path), "pattern": "a/**", "by": "anna", "reason": "by hand",
            ]
            try world.ask("lock.take", wish)
            try wait(world, repository, "a/**") { $0.contains("a/**") }
            try world.quit()
            world.arm(point)
            try world.restart()
            let had = try #require(repository.file("locks.json", at: "orch/locks"))
            let more = #"{"pattern": "c/**", "by": "bob", "reason": "by hand"},"#
            try commit(repository, had.replacing("[\n", with: "[\n\(more)\n"))
            #expect(try world.waitForAnyEnd().signal == SIGKILL)
            world.arm(nil)
            try world.restart()
            try wait(world, repository, "both") { $0.contains("a/**") && $0.contains(#""by":"bob""#) }
            #expect(world.events("lock.taken").map { $0.params["person"] } == ["anna", "bob"])
            #expect(world.events("lock.released").isEmpty)
        }
    }

    @Test func whereItIsNotWantedThereIsNoBranch() throws {
        try World.run(starting: false) { world in
            world.environment["ORCH_LOCKS_MIRROR"] = "false"
            try world.start()
            let repository = try world.repository()
            try world.agent("T-1", "echo 1 > 1.txt")
            try world.enqueue(repository, ["id": "T-1", "locks": ["1.txt"]])
            try world.waitUntilLanded(["T-1"])
            try world.quit()
            #expect(try repository.lines("for-each-ref", "--format=%(refname:short)", "refs/heads") == ["main"])
        }
    }
}

extension JSONObject {
    fileprivate func adding(_ name: String, _ value: JSONValue) -> JSONObject {
        var object = self
        object[name] = value
        return object
    }
}
