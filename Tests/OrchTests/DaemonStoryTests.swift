import Foundation
import IPC
import Testing

/// Whole stories, with the real daemon, real git and a scripted agent.
@Suite struct DaemonStoryTests {
    @Test func `run starts a daemon, follows the tickets, and exits with 0 when all have landed`() throws {
        let world = try World(approve: "auto")
        try world.write("repo/t.yaml", "- {id: A, title: First}\n- {id: B, title: Second, depends_on: [A]}\n")
        let run = try world.orch("run", "t.yaml", "--wait")
        #expect(run.status == 0, "\(run.output) \(run.error)")
        #expect(run.error == "started a daemon; `orch quit` ends it\n")
        let commits = try world.git("log", "--format=%h", "--reverse").split(separator: "\n")
        let landed = run.lines.filter { $0.contains("landed as") }
        #expect(landed.map { String($0.prefix(3)) } == ["A  ", "B  "])
        #expect(commits.count == 4 && landed[0].hasSuffix(" \(commits[2])"), "\(run.output)")
        let own = run.lines.filter { $0.hasPrefix("A ") }.map { $0.split(separator: "(")[0] }
        #expect(
            own.prefix(5) == [
                "A  enqueued: First", "A  agent-1 started work", "A  agent-1 finished", "A  verify: test passed",
                "A  verified ",
            ]
        )
        #expect(try world.read("repo/B.txt") == "done by B\n")
    }

    @Test func `run exits with 1 when a human is needed, also for what waits behind`() throws {
        let world = try World(approve: "human")
        try world.write("repo/t.yaml", "- {id: A, title: First}\n- {id: B, title: Second, depends_on: [A]}\n")
        let run = try world.orch("run", "t.yaml", "--wait")
        #expect(run.status == 1)
        #expect(run.output.contains("\nA  awaiting_approval: waits for approval\n    orch diff A "), "\(run.output)")
        #expect(run.output.hasSuffix("\nB  queued: waits for A to land\n"), "\(run.output)")
        let approved = try world.orch("approve", "A", "--comment", "well done")
        #expect(approved.status == 0)
        let timeline = try world.orch("timeline", "A")
        let first = try #require(timeline.lines.first)
        #expect(timeline.status == 0 && first.hasSuffix("  enqueued"), "\(timeline.output)")
        #expect(timeline.lines.contains { $0.hasSuffix("  a human says: well done") }, "\(timeline.output)")
        let events = try world.orch("timeline", "A", "--json").json.arrayValue ?? []
        #expect(events.first?["event"] == "ticket.enqueued" && events.first?["patch"] == nil)
        #expect(events.contains { $0["comment"] == "well done" })
        #expect(try world.orch("timeline", "NO").status == 4)
        let again = try world.orch("run", "--title", "Third", "--wait", "--json")
        #expect(again.status == 1)
        #expect(try again.json.arrayValue?.first?["state"] == "awaiting_approval")
        #expect(try world.orch("show", "A", "--json").json["state"] == "merged")
    }

    @Test func `with several tickets each is reported and the worst status counts`() throws {
        let world = try World(approve: "human")
        #expect(try world.orch("run", "--title", "One", "--wait").status == 1)
        let mixed = try world.orch("cancel", "T-1", "T-9", "--reason", "no more")
        #expect(mixed.status == 4)
        #expect(mixed.output == "T-1  cancelled: no more\n")
        #expect(mixed.error == "orch: there is no ticket `T-9`\nhint: `orch list --all` shows every ticket\n")
        let refused = try world.orch("approve", "T-9", "T-1", "--json")
        #expect(refused.status == 5)
        #expect(try refused.json.arrayValue?.map { $0["error"]?["code"] ?? .null } == ["not_found", "refused"])
        #expect(try world.orch("approve", "T-1", "--json").json["error"]?["code"] == "refused")
        #expect(try world.orch("cancel", "T-1").status == 0, "safe to repeat")
    }

    @Test func `every list has its documented JSON`() throws {
        let world = try World(approve: "human", agent: "echo out; echo err >&2; echo x > \"$ORCH_TICKET.txt\"")
        let ids = try world.orch("run", "--title", "Locked", "--lock", "*.txt", "--priority", "-2", "--json").json
        #expect(ids == ["T-1"])
        let log = try world.orch("logs", "T-1", "--follow")
        #expect(log.output == "out\n" && log.status == 0, "\(log)")
        #expect(try world.orch("logs", "T-1", "--stderr").output == "err\n")
        try world.orch("run", "--title", "Second", "--wait")

        let tickets = try world.orch("list", "--json").json.arrayValue ?? []
        #expect(tickets.map { $0["id"] } == ["T-1", "T-2"])
        let row: TicketRow = try tickets[0].decode()
        #expect(
            row.priority == -2 && row.locks == ["*.txt"] && row.title == "Locked" && row.state == "awaiting_approval"
        )
        let locks = try world.orch("locks", "list", "--json").json.arrayValue ?? []
        #expect(
            locks.count == 1 && locks[0]["pattern"] == "*.txt" && locks[0]["ticket"] == "T-1" && locks[0]["fence"] == 1
        )
        let names = Set(locks[0].objectValue?.keys ?? [])
        #expect(names.isSuperset(of: ["pattern", "ticket", "run", "since", "expires", "fence"]))
        #expect(try world.orch("agents", "--json").json.arrayValue?.compactMap { $0["id"] } == ["agent-1", "agent-2"])
        let status = try world.orch("status", "--json").json
        #expect(status["version"] == "0.1.0" && status["states"] == ["awaiting_approval": 2])
        let show = try world.orch("show", "T-1", "--json").json
        #expect(show["state"] == "awaiting_approval" && show["runs"]?.arrayValue?.count == 2)
        #expect(try world.orch("checks", "T-1", "--json").json.arrayValue?.first?["name"] == "test")
        #expect(try world.orch("diff", "T-1", "--json").json["diff"]?.stringValue?.contains("+x\n") == true)
        let table = try world.orch("list").lines
        #expect(table[0] == "ID   STATE              PRI  AGENT  AGE  TITLE   REASON")
        #expect(table.count == 3 && table[1].hasPrefix("T-1  awaiting_approval   -2 "))
    }

    @Test func `a reader that goes away ends watch, and hurts nobody`() throws {
        let world = try World(approve: "auto")
        try world.orch("run", "--title", "One", "--wait")
        let head = try world.shell("\"$ORCH\" watch --since 0 | head -n 1; \"$ORCH\" list --all | true; echo well")
        #expect(head.lines.count == 2 && head.lines[0].contains("repository r1 registered") && head.lines[1] == "well")
        #expect(head.error.isEmpty)
        let raw = try world.shell("\"$ORCH\" watch --since 0 --json | head -n 2").lines
        try #require(raw.count >= 2)
        #expect(raw[0].hasPrefix(#"{"jsonrpc":"2.0","method":"hello","params":{"protocol":1"#))
        #expect(raw[1].contains(#""method":"repository.added""#) && raw[1].contains(#""seq":1"#))
        let full = try world.shell("\"$ORCH\" list --all > /dev/full")
        #expect(full.status == 1 && full.error == "orch: cannot write to standard output: No space left on device\n")
    }

    @Test func `status says in lines what changes, and of one ticket until it has ended`() throws {
        let world = try World(approve: "human")
        try world.orch("run", "--title", "One").expectSuccess()
        // A ticket that ends ends it; what it waited for in between is told.
        let told = try world.shell(
            """
            "$ORCH" status T-1 --watch | while read -r line; do
                echo "$line"
                case $line in *awaiting_approval*) "$ORCH" approve T-1 >&2 ;; esac
            done
            """
        )
        #expect(told.output.contains("T-1 (One) awaiting_approval: "), "\(told.output)\(told.error)")
        #expect(told.lines.last?.contains("T-1 (One) merged: landed as ") == true, "\(told.output)")
        let all = try world.shell(
            """
            "$ORCH" status --watch | while read -r line; do
                echo "$line"
                case $line in
                    tickets*) "$ORCH" new Two >&2 ;;
                    *"1 need you"*) "$ORCH" cancel T-2 >&2 ;;
                    *"nothing is left to do") "$ORCH" halt --reason enough >&2 ;;
                    *"everything is halted"*) "$ORCH" quit >&2 ;;
                esac
            done
            """
        )
        #expect(all.output.contains("T-2 (Two) awaiting_approval: "), "\(all.output)\(all.error)")
        #expect(all.output.contains("everything is halted: enough"), "\(all.output)")
        let refused = try world.orch("status", "--watch", "--json")
        #expect(refused.status == 2 && refused.output.contains("orch watch --json"), "\(refused.output)")
    }

    @Test func `a reader too slow for the daemon goes on where it was`() throws {
        let world = try World()
        try FileManager.default.createDirectory(atPath: world.state, withIntermediateDirectories: true)
        let path = world.state + "/test.sock"
        func event(_ seq: Int) -> IPC.Notification {
            IPC.Notification(
                "daemon.started",
                ["seq": JSONValue(seq), "time": "2026-11-20T21:52:49.120Z", "patch": [:]]
            )
        }
        let daemon = try ScriptedDaemon(
            path: path,
            connections: [
                [event(6), IPC.Notification("goodbye", ["reason": "slow", "seq": 6])],
                [event(7), IPC.Notification("goodbye", ["reason": "stopping", "seq": 7])],
            ]
        )
        let told = try world.orch("watch", "--since", "5", "--socket", path)
        #expect(told.status == 3 && told.lines.count == 2, "\(told.output)\(told.error)")
        #expect(daemon.since == [5, 6])
    }

    @Test func `quit returns when the daemon has ended, so that the next one can start`() throws {
        let world = try World(approve: "auto")
        for _ in 0..<3 {
            let run = try world.orch("run", "--title", "One")
            #expect(run.status == 0 && run.error.hasPrefix("started a daemon"), "\(run.error)")
            let quit = try world.orch("quit", "--on-stop", "halt")
            #expect(quit.status == 0 && quit.output == "the daemon has ended\n")
        }
        #expect(try world.orch("quit").status == 3)
    }

    @Test func `calls that start a daemon at the same time share the one that came first`() throws {
        let world = try World(approve: "human")
        let calls = try world.shell(
            "for n in 1 2 3 4; do \"$ORCH\" run --title \"$n\" & done; wait; \"$ORCH\" list --json"
        )
        #expect(calls.error.components(separatedBy: "orch: ").count == 1, "\(calls.error)")
        #expect(try JSONValue(parsing: calls.lines.last ?? "").arrayValue?.count == 4)
    }

    @Test func `a linked worktree belongs to the repository that is registered`() throws {
        let world = try World(approve: "auto")
        try world.git("worktree", "add", "-q", "\(world.root)/linked")
        let run = try world.orch("run", "--title", "From beside", "--wait", at: world.root + "/linked")
        #expect(run.status == 0, "\(run.output) \(run.error)")
        #expect(try world.orch("init", "--json", at: world.root + "/linked").json["repository"] == "r1")
    }

    @Test func `a daemon that is killed is told of by those who follow, with what to do`() throws {
        // Once only: the next daemon is to live, with the same agents.
        let killer = "mkdir \"$HOME/killed\" && kill -9 $(cat \"$HOME/../state/daemon.lock\"); sleep 60"
        let world = try World(approve: "auto", agent: killer)
        let run = try world.orch("run", "--title", "Killer", "--wait")
        #expect(run.status == 3, "\(run.output)")
        #expect(run.error.contains("orch: the daemon has closed the connection\nhint: nothing is lost: "))
        #expect(try world.orch("run", "--title", "Next").status == 0)
        #expect(try world.orch("list", "--json").json.arrayValue?.count == 2)
    }

    @Test func `a second daemon is refused, and one that does not come up is told of with its log`() throws {
        let world = try World(approve: "auto")
        try world.orch("run", "--title", "One")
        let second = try world.orch("daemon")
        #expect(second.status == 1 && second.error.contains("another daemon is running"), "\(second.error)")
        try world.orch("quit", "--on-stop", "halt")
        try FileManager.default.removeItem(atPath: world.state + "/orch.db")
        try world.write("state/orch.db/in the way", "")
        let failed = try world.orch("run", "--title", "Two")
        #expect(
            failed.status == 1 && failed.error.hasPrefix("orch: the daemon ended before it listened:\n    orch: "),
            "\(failed.error)"
        )
        #expect(failed.error.hasSuffix("\nhint: its log is \(world.state)/daemon.log; to see it start: orch daemon\n"))
    }

    @Test func `a silent agent is said to be stale wherever one looks`() throws {
        let world = try World(approve: "auto", agent: "mkfifo wait; read go < wait")
        let profile = #"{"command": ["\#(world.root)/agent.sh"], "heartbeatTimeout": "500ms", "staleGrace": "10m"}"#
        try world.write("home/.config/orch/config.json", #"{"agents": 1, "profiles": {"script": \#(profile)}}"#)
        try world.orch("run", "--title", "Silent")
        let told = try world.shell("\"$ORCH\" watch --since 0 | grep -m 1 stale").output
        #expect(told.contains("agent-1 is stale: no sign of life since "), "\(told)")
        let sentence =
            #/no sign of life for \d+s \(no output, no CPU, no changed file\); ended in (10m|9m \d+s) unless it moves/#
        for call in [["status"], ["status", "T-1"], ["show", "T-1"], ["agents"], ["list"]] {
            let output = try world.shell("\"$ORCH\" \(call.joined(separator: " "))").output
            #expect(output.firstMatch(of: sentence) != nil, "\(call): \(output)")
        }
        #expect(try world.orch("agents").lines.last?.hasPrefix("agent-1  stale  T-1 ") == true)
        #expect(try world.orch("list").lines.last?.hasPrefix("T-1  stale ") == true)
        let show = try world.orch("show", "T-1", "--json").json
        #expect(show["state"] == "running" && show["stale_since"]?.stringValue != nil)
    }
}
