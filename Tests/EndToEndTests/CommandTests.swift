import Foundation
import Glibc
import IPC
import Testing

@Suite("What people ask of tickets, end to end", .ownThread)
struct CommandTests {
    @Test func aStoppedAgentsWholeTreeEndsAndItsWorkIsKeptAndTakenUpAgain() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("stubborn")
            try world.agent(
                "T-1",
                """
                trap '' TERM INT HUP
                echo half > half.txt
                setsid sh -c 'trap "" TERM INT HUP; echo $$ > "$WORLD/far.new"; mv "$WORLD/far.new" "$WORLD/far"
                    while :; do sleep 1000; done' &
                while ! [ -e "$WORLD/far" ]; do sleep 0.01; done
                read go < "$WORLD/gates/stubborn"
                """
            )
            try world.enqueue(repository, ["locks": ["*.txt"]])
            let visitor = try gate.arrival()
            let before = world.livingProcesses()
            #expect(before.count >= 4, "daemon, runner, agent and its far child")

            let answer = try world.command("stop", "T-1")
            #expect(answer.state == "running")
            #expect(answer.reason == "stopping")
            #expect(world.picture.agents["agent-1"]?.state == "stopping")
            try world.wait(for: "T-1", "stopped")
            visitor.leave()
            #expect(world.reason("T-1") == "stopped; `continue` resumes it")
            #expect(try world.command("stop", "T-1").state == "stopped")
            let daemon = try #require(world.daemon).pid
            try poll(for: "the runner to end") { world.livingProcesses() == [daemon] }
            #expect(world.picture.agents["agent-1"]?.state == "idle")
            #expect(world.picture.locks.values.map(\.ticket) == ["T-1"])
            #expect(try repository.git("show", "refs/orch/snapshots/T-1/1:half.txt") == "half")
            #expect(repository.file("half.txt") == nil)

            try world.agent("T-1", "[ \"$(cat half.txt)\" = half ]; echo whole > whole.txt")
            try world.command("continue", "T-1")
            try world.waitUntilLanded(["T-1"])
            #expect(repository.file("half.txt") == "half\n")
            #expect(repository.file("whole.txt") == "whole\n")
            #expect(try world.ticket("T-1").attempts == 2)
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func aHumanAsksForChangesAndThenApproves() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human"])
            try world.agent("T-1", "cp \"${ORCH_FEEDBACK_FILE:-/dev/null}\" feedback.txt; echo $ORCH_ATTEMPT > a.txt")
            try world.enqueue(repository, ["title": "Add a", "locks": ["*.txt"]])
            var row = try world.wait(for: "T-1", "awaiting_approval")
            #expect(row.reason == "waits for approval")
            #expect(row.stage == "approve")
            #expect(row.agent == nil)
            let diff = try world.ask("ticket.diff", ["ticket": "T-1"])["diff"]?.stringValue ?? ""
            #expect(diff.contains("+++ b/a.txt") && diff.contains("+1"))
            let checks = try world.ask("ticket.checks", ["ticket": "T-1"])["runs"]?.arrayValue ?? []
            #expect(checks.map { $0["state"] } == ["passed"])
            #expect(try world.refusal("ticket.stop", ["ticket": "T-1"]).code == .refused)
            #expect(try world.refusal("ticket.retry", ["ticket": "T-1"]).code == .refused)
            #expect(try world.refusal("ticket.request_changes", ["ticket": "T-1"]).code == .invalidParams)

            try world.command("request_changes", "T-1", ["comment": "Please say \u{201C}two\u{201D}."])
            try world.wait(forEvent: "ticket.awaiting_approval", "T-1", times: 2)
            row = try world.ticket("T-1")
            #expect(row.attempts == 2)
            #expect(row.reason == "waits for approval")
            #expect(try repository.landed() == [])
            #expect(try world.command("approve", "T-1").state == "landing")
            try world.waitUntilLanded(["T-1"])
            #expect(repository.file("a.txt") == "2\n")
            #expect(repository.file("feedback.txt")?.contains("Please say \u{201C}two\u{201D}.") == true)
            #expect(try repository.git("log", "-1", "--format=%s", "main") == "Add a")
            #expect(try world.command("approve", "T-1").state == "merged")
            #expect(try world.refusal("ticket.cancel", ["ticket": "T-1"]).code == .refused)
            #expect(try world.refusal("ticket.cancel", ["ticket": "T-99"]).code == .notFound)
            // What was approved had been tested, on this very target: it lands without another run.
            #expect(world.events("run.requested", "T-1").count == 4)
            let states = [
                "running", "awaiting_approval", "queued", "running", "awaiting_approval", "landing", "merged",
            ]
            #expect(statesSeen("T-1", world) == ["queued"] + states)
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func cancelledTicketsLeaveASnapshotAndNothingElse() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository("repo", ["approve": "human"])
            let gate = try world.gate("working")
            for id in ["REJECTED", "RUNNING", "QUEUED"] {
                try world.agent(
                    id,
                    "echo x > \(id).txt" + (id == "RUNNING" ? "; read go < \"$WORLD/gates/working\"" : "")
                )
                try world.enqueue(repository, ["id": .string(id), "locks": [.string("\(id).txt")]])
                if id == "REJECTED" { try world.enqueue(repository, ["id": "AFTER", "depends_on": ["REJECTED"]]) }
            }
            try world.wait(for: "REJECTED", "awaiting_approval")
            let visitor = try gate.arrival()
            #expect(try world.command("reject", "REJECTED", ["comment": "not wanted"]).state == "cancelled")
            #expect(world.reason("REJECTED") == "cancelled: not wanted")
            #expect(world.picture.tickets["AFTER"]?.state == "needs_human_review")
            #expect(world.reason("AFTER") == "it depends on REJECTED, which was cancelled")
            #expect(try world.refusal("ticket.continue", ["ticket": "AFTER"]).code == .refused)
            #expect(try world.command("cancel", "QUEUED").state == "cancelled")
            // Named by its agent.
            #expect(try world.command("cancel", "agent-1").id == "RUNNING")
            try world.wait(for: "RUNNING", "cancelled")
            visitor.leave()
            try world.command("cancel", "AFTER")
            for id in ["REJECTED", "RUNNING"] { try world.wait(forEvent: "ticket.tidied", id) }
            #expect(try world.command("cancel", "RUNNING").state == "cancelled")
            try world.expectNothingLeft(of: ["REJECTED", "RUNNING"], in: repository)
            let refs = try repository.lines("for-each-ref", "--format=%(refname)", "refs/orch/snapshots/RUNNING")
            #expect(try repository.git("show", "\(try #require(refs.first)):RUNNING.txt") == "x")
            #expect(try repository.landed() == [])
        }
    }

    @Test func aTicketThatStraysFromItsLocksLandsOnlyByAHumansWord() throws {
        try World.run { world in
            let repository = try world.repository()
            try world.agent("T-1", "mkdir src other; echo in > src/in.txt; echo out > other/out.txt")
            try world.enqueue(repository, ["locks": ["src/**"]])
            try world.wait(for: "T-1", "needs_human_review")
            #expect(world.reason("T-1") == "it changes paths outside its locks: other/out.txt")
            #expect(world.picture.locks.count == 1)
            try world.command("approve", "T-1")
            try world.waitUntilLanded(["T-1"])
            #expect(repository.file("other/out.txt") == "out\n")
            #expect(world.happened("ticket.verified", "T-1"))
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func underClaimATicketTakesTheLocksItLacksAndWaitsForThoseOfOthers() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "auto", "lockViolation": "claim"])
            let gate = try world.gate("holder")
            try world.agent("HOLDER", "mkdir docs; echo a > docs/a.txt; read go < \"$WORLD/gates/holder\"")
            try world.agent("FREE", "mkdir other; echo b > other/b.txt")
            try world.agent("WAITS", "mkdir src docs; echo c > src/c.txt; echo c > docs/c.txt")
            try world.enqueue(repository, ["id": "HOLDER", "locks": ["docs/**"]])
            let visitor = try gate.arrival()
            try world.enqueue(repository, ["id": "FREE", "locks": ["free/**"]])
            try world.waitUntilLanded(["FREE"])
            #expect(world.events("locks.claimed", "FREE").map { $0.params["paths"] } == [["other/b.txt"]])
            try world.enqueue(repository, ["id": "WAITS", "locks": ["src/**"]])
            try world.wait(forEvent: "locks.awaited", "WAITS")
            let row: TicketRow = try #require(try world.ask("ticket.show", ["ticket": "WAITS"])["ticket"]).decode()
            #expect(row.state == "queued" && row.stage == "verify")
            #expect(row.reason == "waits for lock docs/** of HOLDER")
            #expect(world.picture.locks.values.filter { $0.ticket == "WAITS" }.map(\.pattern) == ["src/**"])
            visitor.letThrough()
            try world.waitUntilLanded(["HOLDER", "WAITS"])
            #expect(repository.file("docs/c.txt") == "c\n")
            try world.expectGreen(repository)
            try world.expectNothingLeft(of: ["HOLDER", "FREE", "WAITS"], in: repository)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func aPersonsLockKeepsTicketsWaitingAcrossARestartUntilItIsReleased() throws {
        try World.run { world in
            let repository = try world.repository()
            try world.agent("T-1", "mkdir src; echo a > src/a.txt")
            let wish: JSONObject = [
                "repository": .string(repository.path), "pattern": "src/**", "by": "alice", "reason": "by hand",
            ]
            let lock: LockRow = try #require(try world.ask("lock.take", wish)["lock"]).decode()
            #expect(lock.person == "alice" && lock.reason == "by hand" && lock.ticket == nil)
            try world.enqueue(repository, ["locks": ["src/a.txt"]])
            try world.kill9()
            try world.start()
            let row: TicketRow = try #require(try world.ask("ticket.show", ["ticket": "T-1"])["ticket"]).decode()
            #expect(row.reason == "waits for src/**, held by alice: by hand")
            let bobs: JSONObject = [
                "repository": .string(repository.path), "pattern": "src/b.txt", "by": "bob", "reason": "mine",
            ]
            #expect(
                try world.refusal("lock.take", bobs).message
                    == "cannot take src/b.txt: alice holds src/**: by hand"
            )
            try world.ask("lock.release", ["fence": JSONValue(lock.fence)])
            try world.waitUntilLanded(["T-1"])
            // One that ends by itself.
            var short = wish
            short["seconds"] = 1
            try world.ask("lock.take", short)
            try world.wait(forEvent: "lock.released", times: 2)
            #expect(world.events("lock.released").last?.params["expired"] == true)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func underWarnATicketThatStraysLandsAndItIsSaid() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "auto", "lockViolation": "warn"])
            try world.agent("T-1", "mkdir other; echo out > other/out.txt")
            try world.enqueue(repository, ["locks": ["src/**"]])
            try world.waitUntilLanded(["T-1"])
            let said = world.events("lock.violation_allowed", "T-1").map { $0.params["paths"] }
            #expect(!said.isEmpty && said.allSatisfy { $0 == ["other/out.txt"] })
            #expect(repository.file("other/out.txt") == "out\n")
        }
    }

    @Test func aTicketWithoutLocksWaitsForThePathsThatOthersHold() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("holder")
            try world.agent("HOLDER", "mkdir -p src; echo a > src/a.txt; read go < \"$WORLD/gates/holder\"")
            try world.agent("FREE", "mkdir -p src; echo b > src/b.txt")
            try world.enqueue(repository, ["id": "HOLDER", "locks": ["src/**"]])
            let visitor = try gate.arrival()
            try world.enqueue(repository, ["id": "FREE"])
            try world.wait(forEvent: "landing.waiting", "FREE")
            #expect(world.reason("FREE") == "changes paths that HOLDER holds")
            #expect(world.picture.tickets["FREE"]?.state == "landing")
            visitor.letThrough()
            try world.waitUntilLanded(["HOLDER", "FREE"])
            #expect(try repository.landed() == ["HOLDER", "FREE"])
            try world.expectGreen(repository)
            try world.expectNothingLeft(of: ["HOLDER", "FREE"], in: repository)
        }
    }

    private func statesSeen(_ ticket: String, _ world: World) -> [String] {
        world.history.compactMap { $0.params["patch"]?["tickets"]?[ticket]?["state"]?.stringValue }
    }
}
