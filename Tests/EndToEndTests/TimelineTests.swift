import Foundation
import IPC
import Testing

/// What a client draws of one ticket, and of all that land: asked of the real daemon.
@Suite("What clients draw, end to end", .ownThread)
struct TimelineTests {
    private func events(_ world: World, _ params: JSONObject) throws -> (events: [JSONValue], more: Bool?) {
        let result = try world.ask("ticket.events", params)
        let events = result["events"]?.arrayValue ?? []
        #expect(result["first"] == events.first?["seq"])
        return (events, result["more"]?.boolValue)
    }

    /// The events of a ticket as they were sent, told as `ticket.events` does.
    private func sent(_ world: World, about ticket: String) -> [JSONValue] {
        world.history.filter { $0.params["ticket"]?.stringValue == ticket }.map { line in
            var event: JSONObject = ["event": .string(line.method)]
            for (key, value) in line.params where key != "patch" { event[key] = value }
            return .object(event)
        }
    }

    @Test func aTicketsTimelineIsItsEventsAPageAtATimeAlsoOnceItHasSettled() throws {
        try World.run { world in
            let repository = try world.repository()
            try world.agent("T-1", "echo one > one.txt")
            try world.agent("T-2", "exit 1")
            try world.enqueue(repository, ["locks": ["one.txt"]], ["locks": ["two.txt"]])
            try world.wait(for: "T-2", "needs_human_review")
            try world.waitUntilLanded(["T-1"])
            for id in ["T-1", "T-2"] {
                let ticket = JSONValue.string(id)
                let own = sent(world, about: id)
                #expect(own.count > 5)
                let all = try events(world, ["ticket": ticket])
                #expect(all.events == own && all.more == false)
                // From the newest on, as a client scrolls.
                var pages: [JSONValue] = []
                var params: JSONObject = ["ticket": ticket, "limit": 2]
                while true {
                    let page = try events(world, params)
                    pages = page.events + pages
                    guard page.more == true else { break }
                    #expect(page.events.count == 2)
                    params["before"] = page.events[0]["seq"]
                }
                #expect(pages == own)
                let last = try #require(own.suffix(3).first?["seq"])
                #expect(try events(world, ["ticket": ticket, "after": last]).events == own.suffix(2))
            }
            #expect(try world.refusal("ticket.events", ["ticket": "T-9"]).code == .notFound)
            #expect(try world.refusal("ticket.events", ["ticket": "T-1", "before": "x"]).code == .invalidParams)
            let settled = try events(world, ["ticket": "T-1"]).events
            try world.quit()
            try world.restart()
            #expect(try events(world, ["ticket": "T-1"]).events == settled)
            try world.command("cancel", "T-2")
        }
    }

    /// Counted in the row, and told by `ticket.show`.
    @Test func whatPeopleSayIsKeptInItsOrderAndCounted() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human"])
            try world.agent("T-1", "echo $ORCH_ATTEMPT > one.txt")
            try world.agent("T-2", "echo two > two.txt")
            try world.enqueue(repository, ["locks": ["one.txt"]], ["locks": ["two.txt"]])
            try world.wait(for: "T-1", "awaiting_approval")
            #expect(try world.ticket("T-1").comments == nil)
            #expect(try world.ask("ticket.show", ["ticket": "T-1"])["comments"] == [])
            try world.command("request_changes", "T-1", ["comment": "use tabs\nplease"])
            try world.wait(forEvent: "ticket.awaiting_approval", "T-1", times: 2)
            try world.command("approve", "T-1", ["comment": "nice"])
            try world.wait(for: "T-2", "awaiting_approval")
            try world.command("reject", "T-2", ["comment": "not wanted"])
            try world.waitUntilLanded(["T-1"])
            try world.wait(forEvent: "ticket.tidied", "T-2")
            func expect(_ ticket: String, _ said: [(kind: String, text: String)]) throws {
                let comments = try world.ask("ticket.show", ["ticket": .string(ticket)])["comments"]?.arrayValue ?? []
                #expect(comments.map { $0["kind"]?.stringValue } == said.map(\.kind))
                #expect(comments.map { $0["text"]?.stringValue } == said.map(\.text))
                #expect(try world.ticket(ticket).comments == said.count)
                let times = world.history.filter { line in comments.contains { $0["seq"] == line.params["seq"] } }
                #expect(times.map { $0.params["time"] } == comments.map { $0["time"] })
            }
            for _ in 0..<2 {
                try expect("T-1", [("changes_requested", "use tabs\nplease"), ("approved", "nice")])
                try expect("T-2", [("rejected", "not wanted")])
                try world.quit()
                try world.restart()
            }
            try world.expectReplayMatchesSnapshot()
        }
    }

    /// From row to row, as a client folds them; each verifier held until the row that tells of it has been seen.
    @Test func aRowTellsHowFarItsVerifiersAre() throws {
        try World.run { world in
            let policy: JSONObject = [
                "approve": "auto",
                "verifiers": [
                    ["name": "lint", "command": ["sh", "-c", "read go < \(world.folder)/gates/lint"]],
                    ["name": "test", "command": ["sh", "-c", "read go < \(world.folder)/gates/test"]],
                ],
            ]
            let repository = try world.repository("repo", policy, verify: nil)
            let gates = try [world.gate("lint"), world.gate("test")]
            try world.agent("T-1", "echo one > one.txt")
            try world.enqueue(repository, ["locks": ["one.txt"]])
            try world.wait(forEvent: "run.requested", "T-1")
            #expect(try world.ticket("T-1").checks == nil)
            try world.wait(forEvent: "verification.started", "T-1")
            for (index, name) in ["lint", "test"].enumerated() {
                try world.wait(for: "\(name) to run") { try world.ticket("T-1").checks?.running == name }
                let asked = world.events("run.requested", "T-1").last?.params
                let since = asked?["time"]?.stringValue
                let expected = ChecksRow(done: index, total: 2, running: name, since: since)
                #expect(asked?["name"]?.stringValue == name && since != nil)
                #expect(try world.ticket("T-1").checks == expected)
                // One event's patch says what is other, and no more.
                let patch = asked?["patch"]?["tickets"]?["T-1"]?["checks"]?.objectValue
                #expect(
                    patch?.map(\.key).sorted() == (index == 0 ? ["running", "since"] : ["done", "running", "since"])
                )
                let listed = try world.ask("ticket.show", ["ticket": "T-1"])["ticket"]?["checks"]
                #expect(try listed?.decode(ChecksRow.self) == expected)
                try gates[index].open()
            }
            try world.waitUntilLanded(["T-1"])
            #expect(try world.ticket("T-1").checks == nil)
            let told = world.history.compactMap { $0.params["patch"]?["tickets"]?["T-1"]?["checks"] }
            #expect(told.first == ["done": 0, "total": 2] && told.last == .null)
            // Both spoke: nothing runs, and the result is written down.
            #expect(told.contains(["done": 2, "running": nil, "since": nil]))
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func anAgentsLastOutputIsWhenItLastPrinted() throws {
        try World.run(agents: 2) { world in
            let repository = try world.repository()
            let gates = try [world.gate("first"), world.gate("last")]
            try world.agent(
                "T-1",
                """
                echo one > one.txt; read go < "$WORLD/gates/first"
                echo loud; date +%s > "$WORLD/printed"; read go < "$WORLD/gates/last"
                """
            )
            try world.enqueue(repository, ["locks": ["one.txt"]])
            func rows() throws -> [AgentRow] {
                try (world.ask("agent.list")["agents"]?.arrayValue ?? []).map { try $0.decode() }
            }
            let visitor = try gates[0].arrival()
            let silent = try rows()
            #expect(silent.map(\.run) == ["T-1.1", nil] && silent.map(\.last_output) == [nil, nil])
            // By the clock of the file system, which is behind the other by up to a tick.
            try world.write("before", "")
            let before = try FileManager.default.attributesOfItem(atPath: world.folder + "/before")[.modificationDate]
            visitor.letThrough()
            let last = try gates[1].arrival()
            try poll(for: "its output") { try rows()[0].last_output != nil }
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            let time = try style.parse(#require(rows()[0].last_output))
            #expect(try time.timeIntervalSince(#require(before as? Date)) > -0.001, "in whole milliseconds")
            #expect(time < Date())
            // It is looked at, not kept.
            #expect(try world.ask("snapshot")["picture"]?["agents"]?["agent-1"]?["last_output"] == nil)
            #expect(try rows()[1].last_output == nil)
            last.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(try rows()[0].run == nil && rows()[0].last_output == nil)
        }
    }

    /// However much it prints, so that a client may listen to all of them. The bound holds on a slow machine as well: what
    /// has been received was sent before.
    @Test func aRunThatNeverStopsPrintingIsToldOfAFewTimesASecond() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            try world.agent("T-1", "while :; do echo loud; sleep 0.005; done")
            let listener = try world.newClient()
            try listener.subscribe(topics: ["output"])
            let began = ContinuousClock.now
            try world.enqueue(repository, ["locks": ["one.txt"]])
            var count = 0
            while count < 20 {
                let line = try listener.next(timeout: patience)
                if case .notification(let notification)? = line, notification.method == "output" { count += 1 }
            }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            #expect(Double(count) <= seconds * 4 + 2, "\(count) lines in \(seconds) s")
            try world.command("stop", "T-1")
            try world.wait(for: "T-1", "stopped")
            try world.command("cancel", "T-1")
        }
    }

    @Test func profilesAreListedWithoutTheirCommands() throws {
        let other: JSONObject = ["kind": "command", "command": ["/bin/other", "--token", "abc"]]
        try World.run(settings: ["profiles": ["another": .object(other)]]) { world in
            let profiles: JSONValue = [
                ["name": "another", "default": false, "kind": "command"],
                ["name": "script", "default": true, "kind": "command"],
            ]
            let listed = try world.ask("profile.list")
            #expect(listed == ["profiles": profiles])
        }
    }
}
