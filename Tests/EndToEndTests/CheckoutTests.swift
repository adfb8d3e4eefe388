import IPC
import Testing

@Suite("The user's own checkout, end to end", .ownThread)
struct CheckoutTests {
    @Test func aBranchThatNobodyHasCheckedOutMovesByItself() throws {
        try World.run { world in
            let repository = try world.repository()
            try repository.git("switch", "-q", "-c", "elsewhere")
            try repository.write("mine.txt", "not committed\n")
            try world.ask("repository.add", ["path": .string(repository.path)])
            #expect(world.picture.repositories["r1"]?.target == "elsewhere")
            try repository.git("switch", "-q", "main")
            try world.ask("repository.add", ["path": .string(repository.path)])
            try repository.git("switch", "-q", "elsewhere")
            #expect(world.events("repository.changed").count == 2)
            try world.expectReplayMatchesSnapshot()
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.waitUntilLanded(["T-1"])
            #expect(try repository.landed() == ["T-1"])
            #expect(try repository.landed(on: "elsewhere") == [])
            #expect(repository.read("a.txt") == nil)
            #expect(try repository.git("status", "--porcelain") == "?? mine.txt")
        }
    }

    @Test func localChangesInTheWayAreNamedAndNeverTouched() throws {
        try World.run { world in
            let repository = try world.repository(files: ["a.txt": "base\n", "b.txt": "base\n"])
            // Changes elsewhere are not in the way, and survive.
            try repository.write("b.txt", "mine\n")
            try world.agent("T-1", "echo landed > a.txt; echo new > new.txt")
            try world.agent("T-2", "echo late > late.txt")
            try repository.write("a.txt", "mine too\n")
            try repository.write("new.txt", "untracked and mine\n")
            try world.enqueue(repository, [:])
            try world.wait(forEvent: "landing.blocked", "T-1")
            #expect(
                world.reason("T-1") == "waits: local changes in \(repository.path) would be overwritten: a.txt, new.txt"
            )
            #expect(world.picture.tickets["T-1"]?.state == "landing")
            // Another lands past it; then it is tested on top of that, and waits again. The user's files are as they were.
            try world.enqueue(repository, [:])
            try world.waitUntilLanded(["T-2"])
            try world.wait(forEvent: "landing.blocked", "T-1", times: 2)
            #expect(repository.read("a.txt") == "mine too\n")
            #expect(repository.read("new.txt") == "untracked and mine\n")
            #expect(try repository.landed() == ["T-2"])

            // It is tried again at any moment, which must not get into the way of what the user does.
            try repository.git("stash", "push", "-q", "--include-untracked", "--", "a.txt", "new.txt")
            try world.waitUntilLanded(["T-1"])
            #expect(repository.read("a.txt") == "landed\n")
            #expect(repository.read("new.txt") == "new\n")
            #expect(repository.read("late.txt") == "late\n")
            #expect(repository.read("b.txt") == "mine\n")
            #expect(try repository.git("status", "--porcelain") == " M b.txt")
            #expect(try repository.git("show", "stash@{0}:a.txt") == "mine too")
        }
    }

    @Test func aCommitOfTheUsersIsNoticedAndWhatLandsOnItIsTestedAnew() throws {
        try World.run { world in
            // The verifier sees both files only after the user's commit.
            let repository = try world.repository("repo", ["approve": "human"])
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "awaiting_approval")
            let theirs = try repository.commit(["theirs.txt": "by hand\n"], "The user's own")
            try world.command("approve", "T-1")
            try world.waitUntilLanded(["T-1"])
            let moved = try #require(world.events("target.moved").first)
            #expect(moved.params["to"] == .string(theirs))
            #expect(try repository.git("rev-parse", "main^") == theirs)
            #expect(repository.read("a.txt") == "a\n")
            #expect(world.events("ticket.verified", "T-1").count == 2)
            let tested = world.events("ticket.verified", "T-1").last?.params["tree"]?.stringValue
            #expect(try repository.git("rev-parse", "main^{tree}") == tested)

            // One that makes the work red sends it back instead.
            try world.agent("T-2", "[ $ORCH_ATTEMPT = 1 ] || rm -f theirs.txt; echo 2 > b.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-2", "awaiting_approval")
            try repository.commit(["theirs.txt": "BROKEN\n"], "The user breaks it")
            try world.command("approve", "T-2")
            try world.wait(forEvent: "ticket.evicted", "T-2")
            #expect(world.events("ticket.evicted", "T-2").map { $0.params["reason"] } == ["red on top of the target"])
            #expect(try repository.landed() == ["T-1"])
        }
    }

    @Test func aRebaseUnderWayIsWaitedFor() throws {
        try World.run { world in
            let repository = try world.repository(files: ["a.txt": "base\n"])
            try repository.git("switch", "-q", "-c", "side")
            try repository.commit(["a.txt": "side\n"])
            try repository.git("switch", "-q", "main")
            try repository.commit(["a.txt": "main\n"])
            try repository.git("merge", "-q", "side", fails: true)
            try world.agent("T-1", "echo b > b.txt")
            try world.enqueue(repository, [:])
            try world.wait(forEvent: "landing.blocked", "T-1")
            #expect(
                world.reason("T-1").contains("a merge is under way in \(repository.path)"),
                "\(world.reason("T-1"))"
            )
            try repository.git("merge", "--abort")
            try world.waitUntilLanded(["T-1"])
            #expect(repository.read("b.txt") == "b\n")
            #expect(repository.read("a.txt") == "main\n")
        }
    }
}
