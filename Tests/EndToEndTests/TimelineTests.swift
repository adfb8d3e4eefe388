import IPC
import Testing

/// What a client draws of one ticket, and of all that land: asked of the real daemon.
@Suite("What clients draw, end to end", .ownThread)
struct TimelineTests {
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
}
