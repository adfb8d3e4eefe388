import Foundation
import Glibc
import IPC
import Testing

/// Agents that are spoken with, from the message to the landed commit: a scripted one that speaks Claude Code's protocol.
@Suite("Agents that are spoken with", .ownThread)
struct ConversationTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "Agents/scripted_claude.py").path

    private func run(_ body: (World) throws -> Void) throws {
        let profile: JSONObject = ["kind": "claude", "command": ["python3", .string(Self.script)]]
        try World.run(profile: profile, body)
    }

    @Test func whatItIsToldIsDoneAndLands() throws {
        try run { world in
            let repository = try world.repository()
            try world.enqueue(
                repository,
                ["id": "T-1", "title": "A", "description": "DO write a.txt hello\nDO say Well."]
            )
            try world.waitUntilLanded(["T-1"])
            #expect(repository.file("a.txt") == "hello\n")
            let events = try world.said(by: "T-1.1")
            #expect(events.contains { $0["event"] == "tool_started" && $0["tool"] == "Write" && $0["kind"] == "edit" })
            #expect(events.contains { $0["event"] == "said" && $0["text"] == "Well." })
            #expect(events.last { $0["event"] == "turn_ended" }?["outcome"] == "completed")
            #expect(world.happened("session.opened", "T-1"))
        }
    }

    @Test func aMessageReachesAnAgentAtWorkOnce() throws {
        try run { world in
            let repository = try world.repository()
            try world.enqueue(repository, ["id": "T-1", "title": "A", "description": "DO write a.txt 1\nDO await"])
            try world.wait(for: "the agent to work") { world.happened("session.opened", "T-1") }
            let answer = try world.ask("ticket.steer", ["ticket": "T-1", "message": "mind the gap"])
            #expect(answer["ticket"]?["messages"]?.arrayValue?.first?["delivery"] == "sent")
            try world.waitUntilLanded(["T-1"])
            #expect(world.events("message.taken").count == 1)
            #expect(try world.texts(of: "T-1.1").contains("heard: mind the gap"))
            #expect(try world.ticket("T-1").attempts == 1)
            #expect(try world.ticket("T-1").messages == nil)
        }
    }

    @Test func aStoppedTicketGoesOnInItsSessionWithWhatItWasTold() throws {
        try run { world in
            let repository = try world.repository()
            try world.enqueue(
                repository,
                ["id": "T-1", "title": "A", "description": "DO write a.txt 1\nDO gate never"]
            )
            let gate = try world.gate("never")
            try world.wait(for: "the agent to be at its gate") { try world.tool(of: "T-1") == "gate never" }
            try world.ask("ticket.stop", ["ticket": "T-1"])
            try world.wait(for: "T-1", "stopped")
            // It was asked before it was ended.
            #expect(try world.said(by: "T-1.1").last { $0["event"] == "turn_ended" }?["outcome"] == "interrupted")
            try world.ask("ticket.steer", ["ticket": "T-1", "message": "DO recall\nDO write b.txt 2"])
            try world.ask("ticket.continue", ["ticket": "T-1"])
            try world.waitUntilLanded(["T-1"])
            #expect(try world.texts(of: "T-1.2").contains { $0.hasPrefix("I remember: DO write a.txt 1") })
            #expect(repository.file("a.txt") == "1\n" && repository.file("b.txt") == "2\n")
            #expect(world.events("session.opened").count == 1)
            _ = gate
        }
    }

    @Test func aDaemonThatIsKilledLosesNoMessageAndRepeatsNone() throws {
        try run { world in
            let repository = try world.repository()
            try world.enqueue(
                repository,
                ["id": "T-1", "title": "A", "description": "DO write a.txt 1\nDO await\nDO await"]
            )
            try world.wait(for: "the agent to work") { world.happened("session.opened", "T-1") }
            try world.ask("ticket.steer", ["ticket": "T-1", "message": "first"])
            try world.kill9()
            try world.restart()
            try world.ask("ticket.steer", ["ticket": "T-1", "message": "second"])
            try world.kill9()
            try world.restart()
            try world.waitUntilLanded(["T-1"])
            let heard = try world.texts(of: "T-1.1").filter { $0.hasPrefix("heard: ") }
            #expect(heard == ["heard: first", "heard: second"])
            #expect(world.events("message.taken").compactMap { $0.params["message"]?.intValue } == [1, 2])
            // The events are the same whoever derives them, and each is there once.
            #expect(try world.said(by: "T-1.1").count { $0["event"] == "session" } == 1)
        }
    }

    @Test func aTurnThatFailsIsAFailureWhateverTheExit() throws {
        try run { world in
            let repository = try world.repository()
            try world.enqueue(
                repository,
                ["id": "T-1", "title": "A", "description": "DO write a.txt 1\nDO fail overloaded"],
                ["id": "T-2", "title": "B", "description": "DO write b.txt 1\nDO die"]
            )
            let failed = try world.wait(for: "T-1", "needs_human_review")
            #expect(failed.reason?.contains("overloaded") == true)
            let unknown = try world.wait(for: "T-2", "needs_human_review")
            #expect(unknown.reason?.contains("without a result") == true)
        }
    }

    @Test func whatIsNoMessageIsKeptAndNothingComesOfIt() throws {
        try run { world in
            let repository = try world.repository()
            let before = try world.peakMemory()
            try world.enqueue(
                repository,
                ["id": "T-1", "title": "A", "description": "DO babble 100\nDO write a.txt hello\nDO say Well."],
                ["id": "T-2", "title": "B", "description": "DO write b.txt 1\nDO break"]
            )
            try world.waitUntilLanded(["T-1"])
            #expect(repository.file("a.txt") == "hello\n")
            let events = try world.said(by: "T-1.1")
            #expect(try world.texts(of: "T-1.1").contains("Well."))
            #expect(try world.texts(of: "T-1.1").contains("caf\u{FFFD} \u{FFFD}"))
            #expect(events.contains { $0["event"] == "unknown" && $0["kind"] == "of tomorrow" })
            let long = events.first { $0["text"]?.stringValue?.contains("too long to be read as a message") == true }
            #expect(long?["text"]?.stringValue?.hasPrefix("a line of 1048576") == true, "\(events.suffix(8))")
            // A line of 100 MiB is passed over as it comes.
            #expect(try world.peakMemory() - before < 64 << 10, "KiB")
            // An end in the middle of a line that says all is well is no such end.
            let broken = try world.wait(for: "T-2", "needs_human_review")
            #expect(broken.reason?.contains("ended by signal 9") == true, "\(broken.reason ?? "")")
        }
    }

    @Test func aSessionThatIsGoneIsBegunAnewWithARecap() throws {
        try run { world in
            let repository = try world.repository()
            try world.enqueue(
                repository,
                [
                    "id": "T-1", "title": "A",
                    "description": "DO write a.txt 1\nDO say I wrote a.\nDO forget\nDO fail overloaded",
                ]
            )
            try world.wait(for: "T-1", "needs_human_review")
            try world.ask("ticket.continue", ["ticket": "T-1"])
            try world.wait(for: "the third run to end") {
                world.events("run.ended").contains { $0.params["run"] == "T-1.3" }
            }
            #expect(world.events("session.lost").compactMap { $0.params["run"]?.stringValue } == ["T-1.2"])
            let told = try world.said(by: "T-1.3").first { $0["event"] == "said" && $0["by"] == "person" }
            let text = try #require(told?["text"]?.stringValue)
            #expect(text.hasPrefix("DO write a.txt 1\n"))
            #expect(text.contains("I wrote a.") && text.contains("a.txt"))
        }
    }
}

extension World {
    /// The events of a run's agent.
    fileprivate func said(by run: String) throws -> [JSONValue] {
        let answer = try ask(
            "output.read",
            ["run": .string(run), "stream": "events", "offset": 0, "length": 1_000_000]
        )
        return try (answer["data"]?.stringValue ?? "").split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    fileprivate func texts(of run: String) throws -> [String] {
        try said(by: run).filter { $0["event"] == "said" && $0["by"] == "agent" }.compactMap { $0["text"]?.stringValue }
    }

    /// The most that the daemon has had resident, in KiB.
    fileprivate func peakMemory() throws -> Int {
        let pid = try #require(daemon).pid
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    }

    /// What the agent that works on a ticket uses now.
    fileprivate func tool(of ticket: String) throws -> String? {
        let agents = try ask("agent.list")["agents"]?.arrayValue ?? []
        return agents.first { $0["ticket"]?.stringValue == ticket }?["activity"]?["title"]?.stringValue
    }
}
