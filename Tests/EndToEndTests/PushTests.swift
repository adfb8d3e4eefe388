import Foundation
import Glibc
import IPC
import Testing

@Suite("Pushing what has landed, end to end", .ownThread)
struct PushTests {
    /// A repository whose landings are pushed, and a bare one that has its first commit.
    private func pushing(_ world: World, _ name: String = "repo") throws -> (ScratchRepository, remote: String) {
        let remote = "\(world.folder)/\(name).git"
        try shell(world, "git init -q --bare -b main '\(remote)'")
        let policy: JSONObject = ["approve": "auto", "landing": ["push": ["remote": .string(remote)]]]
        let repository = try world.repository(name, policy)
        try repository.git("push", "-q", remote, "main")
        return (repository, remote)
    }

    @discardableResult
    private func shell(_ world: World, _ script: String) throws -> String {
        let end = try run(["/bin/sh", "-euc", script], environment: world.environment, directory: world.folder)
        guard end.code == 0 else { throw Failure("\(script): \(end.error)") }
        return end.output
    }

    private func there(_ world: World, _ remote: String) throws -> String {
        String(try shell(world, "git -C '\(remote)' rev-parse main").dropLast())
    }

    @Test func whatLandsIsPushed() throws {
        try World.run { world in
            let (repository, remote) = try pushing(world)
            for id in ["A", "B"] {
                try world.agent(id, "echo \(id) > \(id).txt")
                try world.enqueue(repository, ["id": .string(id), "title": "Do \(id)"])
            }
            try world.waitUntilLanded(["A", "B"])
            try world.wait(for: "the push") { world.picture.repositories.values.allSatisfy { $0.push == nil } }
            #expect(try there(world, remote) == repository.git("rev-parse", "main"))
            let last = try #require(world.events("landing.pushed").last)
            #expect(last.params["remote"]?.stringValue == remote)
            #expect(last.params["commit"]?.stringValue == (try there(world, remote)))
            #expect(world.events("landing.push_failed").isEmpty)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test(arguments: ["push.begun", "push.asked", "push.done"])
    func aDaemonKilledBetweenLandingAndPushIsFollowedByOneThatPushes(_ fault: String) throws {
        try World.run { world in
            let (repository, remote) = try pushing(world)
            let before = try there(world, remote)
            try world.agent("A", "echo a > a.txt")
            try world.quit()
            world.arm(fault)
            do {
                try world.restart()
                try world.enqueue(repository, ["id": "A", "title": "Do A"])
                try world.wait(forEvent: "landing.pushed")
            } catch is World.Killed {}
            try world.kill9()
            try #require(world.hasStruck)
            world.arm(nil)
            if fault == "push.begun" { #expect(try there(world, remote) == before) }
            try world.restart()
            try world.wait(forEvent: "landing.pushed")
            #expect(try repository.landed() == ["A"])
            #expect(try there(world, remote) == repository.git("rev-parse", "main"))
            #expect(world.events("ticket.merged", "A").count == 1)
        }
    }

    @Test func aRemoteThatIsAheadIsLeftAsItIsAndSaidToAHuman() throws {
        try World.run { world in
            let (repository, remote) = try pushing(world)
            try shell(
                world,
                "git clone -q '\(remote)' other; cd other; echo x > x; git add x; git commit -qm x; git push -q"
            )
            let foreign = try there(world, remote)
            for id in ["A", "B"] { try world.agent(id, "echo \(id) > \(id).txt") }
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.wait(forEvent: "landing.push_failed")
            let event = try #require(world.events("landing.push_failed").first)
            #expect(event.params["needs_human"] == true)
            // It holds no other landing up.
            try world.enqueue(repository, ["id": "B", "title": "Do B"])
            try world.waitUntilLanded(["A", "B"])
            #expect(try there(world, remote) == foreign)
            for command in [["status"], ["show", "A"]] {
                let end = try run([World.orch] + command, environment: world.environment, directory: world.folder)
                #expect(end.output.contains("main of \(repository.path) is not pushed to \(remote), it needs you:"))
                #expect(end.output.contains("fetch and merge it"), "\(end.output)")
            }
            try repository.git("pull", "-q", "--no-rebase", "--no-edit", remote, "main")
            try world.wait(forEvent: "landing.pushed")
            #expect(try there(world, remote) == repository.git("rev-parse", "main"))
            let end = try run([World.orch, "status"], environment: world.environment, directory: world.folder)
            #expect(!end.output.contains("pushed"), "\(end.output)")
        }
    }

    @Test func aRemoteThatWasGoneGetsItWhenItIsBack() throws {
        try World.run { world in
            let (repository, remote) = try pushing(world)
            #expect(rename(remote, remote + ".away") == 0)
            try world.agent("A", "echo a > a.txt")
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.waitUntilLanded(["A"])
            try world.wait(forEvent: "landing.push_failed")
            #expect(world.events("landing.push_failed").first?.params["needs_human"] == false)
            #expect(rename(remote + ".away", remote) == 0)
            try world.wait(forEvent: "landing.pushed")
            #expect(try there(world, remote) == repository.git("rev-parse", "main"))
            // A reason is said once, however often it is tried.
            #expect(world.events("landing.push_failed").count == 1)
        }
    }

    @Test func whereToPushHasToBeTrusted() throws {
        try World.run { world in
            let remote = "\(world.folder)/repo.git"
            try shell(world, "git init -q --bare -b main '\(remote)'")
            let repository = try world.repository("repo", verify: nil)
            let policy: JSONObject = ["approve": "auto", "landing": ["push": ["remote": .string(remote)]]]
            try repository.commit([".orch/config.json": JSONValue.object(policy).description])
            try world.agent("A", "echo a > a.txt")
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.wait(for: "A", "needs_human_review")
            #expect(world.reason("A").contains("is not trusted"), "\(world.reason("A"))")
        }
    }
}
