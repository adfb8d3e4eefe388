import Foundation
import Glibc
import IPC
import Testing

/// Agents that must give a sign of life every second: time enough to be started on a busy machine.
@Suite("Agents that fall silent, end to end", .ownThread)
struct LivenessTests {
    private static func profile(timeout: String = "1s", grace: String) -> JSONObject {
        ["heartbeatTimeout": .string(timeout), "staleGrace": .string(grace)]
    }

    @Test func aSilentAgentIsStaleThenEndedSavedAndTriedAgain() throws {
        try World.run(profile: Self.profile(grace: "1s")) { world in
            let repository = try world.repository()
            let gate = try world.gate("never")
            try world.agent(
                "T-1",
                """
                [ "$ORCH_ATTEMPT" = 1 ] || { cat "$ORCH_FEEDBACK_FILE" half.txt; echo done > done.txt; exit; }
                echo begun > half.txt
                read go < "$WORLD/gates/never"
                """
            )
            try world.enqueue(repository, ["locks": ["*.txt"]])
            let visitor = try gate.arrival()
            try world.wait(forEvent: "agent.stale", "T-1")
            let stale = try #require(world.events("agent.stale", "T-1").first).params
            #expect(stale["run"] == "T-1.1" && stale["agent"] == "agent-1")
            #expect(stale["evidence"] == "no output, no CPU, no changed file")
            let row = try world.ticket("T-1")
            #expect(row.state == "running" && row.stale_since == stale["since"]?.stringValue)
            #expect(row.stale_until == stale["at"]?.stringValue)
            #expect(world.picture.agents["agent-1"]?.state == "stale")

            try world.waitUntilLanded(["T-1"])
            visitor.leave()
            #expect(world.events("run.ended", "T-1").first?.params["outcome"] == "ended for want of a sign of life")
            let back = try #require(world.events("ticket.sent_back", "T-1").first).params
            #expect(back["reason"] == "run T-1.1 gave no sign of life" && back["attempt"] == 1)
            #expect(
                try world.text(of: "T-1.2")
                    == "The earlier run T-1.1 gave no sign of life and was ended; the worktree is as it left it.\nbegun\n"
            )
            #expect(repository.file("half.txt") == "begun\n")
            #expect(world.picture.agents["agent-1"]?.stale_since == nil)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func whatComputesOrChangesFilesInSilenceIsNotStale() throws {
        try World.run(profile: Self.profile(grace: "1s")) { world in
            let repository = try world.repository()
            try world.agent("COMPUTES", "while [ ! -e \"$WORLD/gates/over\" ]; do :; done; echo done > a.txt")
            try world.agent(
                "WRITES",
                "mkdir deep; while [ ! -e \"$WORLD/gates/over\" ]; do echo x > deep/b.txt; sleep 0.1; done"
            )
            try world.agent(
                "PRINTS",
                "while [ ! -e \"$WORLD/gates/over\" ]; do echo alive; sleep 0.1; done; echo done > c.txt"
            )
            try world.agent(
                "SILENT",
                "[ \"$ORCH_ATTEMPT\" = 1 ] || { echo d > d.txt; exit; }; read go < \"$WORLD/gates/silent\""
            )
            let gate = try world.gate("silent")
            for id in ["COMPUTES", "WRITES", "PRINTS", "SILENT"] { try world.enqueue(repository, ["id": .string(id)]) }
            let visitor = try gate.arrival()
            // As long as the silent one lives, and then some.
            try world.waitUntilLanded(["SILENT"])
            visitor.leave()
            try world.write("gates/over", "")
            try world.waitUntilLanded(["COMPUTES", "WRITES", "PRINTS"])
            #expect(world.events("agent.stale").allSatisfy { $0.params["ticket"] == "SILENT" })
            #expect(world.events("agent.stale").count == 1)
        }
    }

    @Test func aStaleAgentThatMovesIsActiveAgainAndKeepsItsLocks() throws {
        try World.run(profile: Self.profile(grace: "10m")) { world in
            let repository = try world.repository()
            let (first, second) = (try world.gate("first"), try world.gate("second"))
            try world.agent(
                "T-1",
                "read go < \"$WORLD/gates/first\"; echo alive; read go < \"$WORLD/gates/second\"; echo 1 > a.txt"
            )
            try world.enqueue(repository, ["locks": ["a.txt"]])
            let waiting = try first.arrival()
            try world.wait(forEvent: "agent.stale", "T-1")
            var lock: LockRow = try #require(try world.ask("lock.list")["locks"]?.arrayValue?.first).decode()
            #expect(lock.run == "T-1.1" && lock.expires == world.picture.tickets["T-1"]?.stale_until)
            waiting.letThrough()
            let again = try second.arrival()
            try world.wait(forEvent: "agent.active", "T-1")
            #expect(world.events("agent.active", "T-1").first?.params["evidence"] == "output")
            let since = world.events("agent.stale", "T-1").first?.params["at"]?.stringValue ?? ""
            lock = try #require(try world.ask("lock.list")["locks"]?.arrayValue?.first).decode()
            // Renewed by what it has just said.
            #expect(try #require(lock.expires) > since || world.events("agent.stale", "T-1").count > 1)
            again.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(world.events("run.requested", "T-1").count == 2)
        }
    }

    @Test func aStaleAgentStaysStaleWhenItsDaemonIsKilledAndIsEndedByTheNext() throws {
        try World.run(profile: Self.profile(grace: "10m")) { world in
            let repository = try world.repository()
            let gate = try world.gate("never")
            try world.agent(
                "T-1",
                "[ \"$ORCH_ATTEMPT\" = 1 ] || { echo 1 > a.txt; exit; }; read go < \"$WORLD/gates/never\""
            )
            try world.enqueue(repository, ["locks": ["a.txt"]])
            let visitor = try gate.arrival()
            try world.wait(forEvent: "agent.stale", "T-1")
            let since = try world.ticket("T-1").stale_since
            try world.kill9()
            try world.restart()
            try world.wait(forEvent: "run.started", "T-1", times: 2)
            #expect(try world.ticket("T-1").stale_since == since)
            #expect(world.happened("agent.active") == false)
            // With less grace it is over for the next one, which counts from when it was found to be stale.
            try world.kill9()
            try world.configure(profile: Self.profile(grace: "500ms"))
            try world.restart()
            try world.waitUntilLanded(["T-1"])
            visitor.leave()
            #expect(world.happened("agent.active") == false)
            #expect(world.events("ticket.sent_back", "T-1").count == 1)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func anAgentThatIsNotWatchedAnyMoreIsNotStale() throws {
        try World.run(profile: Self.profile(grace: "10m")) { world in
            let repository = try world.repository()
            let gate = try world.gate("wait")
            try world.agent("T-1", "read go < \"$WORLD/gates/wait\"; echo 1 > a.txt")
            try world.enqueue(repository, [:])
            let visitor = try gate.arrival()
            try world.wait(forEvent: "agent.stale", "T-1")
            try world.kill9()
            try world.configure(profile: [:])
            try world.restart()
            try world.wait(forEvent: "agent.active", "T-1")
            #expect(world.picture.agents["agent-1"]?.state == "working")
            visitor.letThrough()
            try world.waitUntilLanded(["T-1"])
        }
    }

    /// A machine that is switched off takes the runner and everything it ran along, and has another boot id afterwards.
    @Test func aRunFromBeforeTheMachineWasRestartedIsLostSavedAndTriedAgain() throws {
        try World.run(profile: Self.profile(timeout: "10m", grace: "10m")) { world in
            let repository = try world.repository()
            let gate = try world.gate("never")
            try world.agent(
                "T-1",
                """
                [ "$ORCH_ATTEMPT" = 1 ] || { cat half.txt; echo done > done.txt; exit; }
                echo begun > half.txt
                read go < "$WORLD/gates/never"
                """
            )
            try world.enqueue(repository, ["locks": ["*.txt"]])
            let visitor = try gate.arrival()
            try world.kill9()
            for pid in world.livingProcesses() { kill(pid, SIGKILL) }
            try poll(for: "the machine to be off") { world.livingProcesses().isEmpty }
            let folder = "\(world.state)/runs/T-1.1"
            let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8).prefix(36)
            for file in ["spec", "runner", "started"] {
                let url = URL(filePath: "\(folder)/\(file)")
                let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
                #expect(text.contains(boot))
                try Data(text.replacing(boot, with: "00000000-0000-4000-8000-000000000000").utf8).write(to: url)
            }
            try world.restart()
            try world.waitUntilLanded(["T-1"])
            visitor.leave()
            #expect(
                world.events("run.ended", "T-1").first?.params["outcome"]
                    == "lost: the machine was restarted while it ran"
            )
            #expect(world.events("snapshot.taken", "T-1").count == 1)
            #expect(try world.text(of: "T-1.2") == "begun\n")
            #expect(repository.file("half.txt") == "begun\n")
            try world.expectReplayMatchesSnapshot()
        }
    }
}
