import Foundation
import Glibc
import IPC
import Testing

@Suite("How a ticket reaches the target, end to end", .ownThread)
struct LandingMethodTests {
    private static let twoCommits = """
        echo one > one.txt; git add -A
        git commit -q --author='Ada <ada@example.org>' -m 'First\n\nBecause.'
        echo two > two.txt; git add -A; git commit -qm 'Second'
        """

    private func policy(_ landing: JSONObject) -> JSONObject { ["approve": "auto", "landing": .object(landing)] }

    private static let trailer = "%(trailers:key=Orch-Ticket,valueonly,separator=%x2C)"

    @Test func aTicketThatIsRebasedLandsAsItsOwnCommits() throws {
        try World.run { world in
            let repository = try world.repository("repo", policy(["method": "rebase"]))
            let base = try repository.git("rev-parse", "main")
            let gate = try world.gate("go")
            try world.agent("A", "read go < \"$WORLD/gates/go\"; \(Self.twoCommits)")
            try world.agent("B", "echo b > b.txt")
            try world.enqueue(repository, ["id": "A", "title": "Do A"], ["id": "B", "title": "Do B"])
            try world.waitUntilLanded(["B"])
            try gate.open()
            try world.waitUntilLanded(["A"])
            // B's work was left uncommitted: orch committed it, and that commit landed.
            let log = try repository.lines("log", "--reverse", "--format=%an|%s|\(Self.trailer)", "\(base)..main")
            #expect(log == ["Uma User|Do B|B", "Ada|First|", "Uma User|Second|A"])
            #expect(try repository.git("log", "-1", "--format=%b", "main~1") == "Because.\n")
            #expect(try world.ticket("A").commit == repository.git("rev-parse", "main"))
            #expect(try repository.git("status", "--porcelain") == "")
            #expect(try repository.landed().sorted() == ["A", "B"])
            try world.expectNothingLeft(of: ["A", "B"], in: repository)
        }
    }

    /// The candidate is found again, whatever it consists of.
    @Test(arguments: ["candidate.committed:1", "advance-target.done:1"])
    func aRebasedTicketLandsOnceAlthoughTheDaemonIsKilled(_ fault: String) throws {
        try World.run { world in
            let repository = try world.repository("repo", policy(["method": "rebase"]))
            try world.agent("A", Self.twoCommits)
            try world.quit()
            world.arm(fault)
            do {
                try world.restart()
                try world.enqueue(repository, ["id": "A", "title": "Do A"])
                try world.waitUntilLanded(["A"])
            } catch is World.Killed {}
            try world.kill9()
            #expect(world.hasStruck)
            world.arm(nil)
            try world.restart()
            try world.waitUntilLanded(["A"])
            #expect(try repository.lines("log", "--format=%s", "main") == ["Second", "First", "base"])
            #expect(try repository.landed() == ["A"])
            #expect(world.events("ticket.merged", "A").count == 1)
        }
    }

    @Test func aTicketThatIsMergedHasBothParents() throws {
        try World.run { world in
            let repository = try world.repository("repo", policy(["method": "merge"]))
            let base = try repository.git("rev-parse", "main")
            try world.agent("A", Self.twoCommits)
            try world.enqueue(repository, ["id": "A", "title": "Do A", "description": "All of it."])
            try world.waitUntilLanded(["A"])
            #expect(try repository.git("rev-parse", "main^1") == base)
            #expect(try repository.lines("log", "--format=%s", "main^1..main^2") == ["Second", "First"])
            #expect(
                try repository.git("log", "-1", "--format=%an <%ae>%n%B", "main")
                    == "Uma User <uma@example.org>\nDo A\n\nAll of it.\n\nOrch-Ticket: A\nOrch-Profile: script\n"
            )
            #expect(try repository.lines("log", "--first-parent", "--format=%s", "main") == ["Do A", "base"])
        }
    }

    @Test func theMessageIsWhatTheRepositorySays() throws {
        let message = "{ticket}: {title} [{agent}]\n\nAsked for:\n{description}"
        try World.run(settings: ["landing": ["message": "the user's own"]]) { world in
            let repository = try world.repository("repo", policy(["message": .string(message)]))
            let silent = try world.repository("silent")
            for id in ["A", "B"] { try world.agent(id, "echo one > one.txt") }
            try world.enqueue(repository, ["id": "A", "title": "Do {ticket}", "description": "All of it."])
            try world.enqueue(silent, ["id": "B", "title": "Do B"])
            try world.waitUntilLanded(["A", "B"])
            #expect(
                try repository.git("log", "-1", "--format=%B", "main")
                    == "A: Do {ticket} [script]\n\nAsked for:\nAll of it.\n\nOrch-Ticket: A\nOrch-Profile: script\n"
            )
            #expect(try silent.git("log", "-1", "--format=%s", "main") == "the user's own")
        }
    }

    @Test func aMessageThatCannotBeFilledInIsSaidAtOnce() throws {
        try World.run { world in
            let repository = try world.repository("repo", policy(["message": "{titel}"]))
            try world.agent("A", "echo one > one.txt")
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.wait(for: "A", "needs_human_review")
            #expect(
                world.reason("A").contains("unknown placeholder `{titel}`; did you mean `{title}`?"),
                "\(world.reason("A"))"
            )
        }
    }

    @Test func whereQuickVerifiersAreEnoughTheOthersDoNotRunAndTheCommitSaysSo() throws {
        try World.run { world in
            var policy = policy(["verify": "quick"])
            let slow: JSONObject = ["name": "slow", "command": ["false"]]
            let quick: JSONObject = ["name": "quick", "command": ["sh", "verify.sh"], "quick": true]
            policy["verifiers"] = [.object(slow), .object(quick)]
            let repository = try world.repository("repo", policy)
            try world.agent("A", "echo one > one.txt")
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.waitUntilLanded(["A"])
            #expect(world.events("run.requested", "A").compactMap { $0.params["name"] } == ["agent-1", "quick"])
            #expect(
                try repository.git("log", "-1", "--format=%(trailers:key=Orch-Verified)", "main")
                    == "Orch-Verified: quick\n"
            )
            let commit = try repository.git("rev-parse", "main")
            #expect(repository.read(".git/ci-status/\(commit).json")?.contains("\"verify\":\"quick\"") == true)
            let whole = try EndToEndTests.run(
                [World.orch, "ci", "run", "--commit", commit],
                environment: world.environment,
                directory: repository.path
            )
            #expect(whole.code == 1, "\(whole.output)\(whole.error)")
        }
    }

    @Test func whereNoVerifierIsQuickAllOfThemRun() throws {
        try World.run { world in
            let repository = try world.repository("repo", policy(["verify": "quick"]))
            try world.agent("A", "echo one > one.txt")
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.waitUntilLanded(["A"])
            #expect(world.events("run.requested", "A").compactMap { $0.params["name"] } == ["agent-1", "test"])
            #expect(try repository.git("log", "-1", "--format=%(trailers:key=Orch-Verified)", "main") == "")
        }
    }

    @Test func anApprovalThatGrewOldWhileACheckoutWasInTheWayIsAskedForAgain() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human", "approvalTimeLimit": "1s"])
            try world.agent("A", "echo a > README")
            try world.enqueue(repository, ["id": "A", "title": "Do A"])
            try world.wait(for: "A", "awaiting_approval")
            try repository.write("README", "the user's own\n")
            try world.command("approve", "A")
            try world.wait(forEvent: "landing.blocked", "A")
            try world.wait(forEvent: "ticket.awaiting_approval", "A", times: 2)
            #expect(world.reason("A").contains("it was approved more than 1s ago"), "\(world.reason("A"))")
            try repository.git("checkout", "-q", "README")
            try world.command("approve", "A")
            try world.waitUntilLanded(["A"])
            #expect(repository.file("README") == "a\n")
        }
    }
}
