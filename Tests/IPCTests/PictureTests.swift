import IPC
import Testing

@Suite struct PictureTests {
    private func event(_ seq: Int, _ patch: JSONObject) -> IPC.Notification {
        IPC.Notification("ticket.changed", ["seq": JSONValue(seq), "patch": .object(patch)])
    }

    private func ticket(_ id: String, _ change: (inout TicketRow) -> Void = { _ in }) -> TicketRow {
        var row = CodingTests.ticket
        row.id = id
        change(&row)
        return row
    }

    @Test func eventsFoldedInOrderGiveThePictureAndSayWhatTheyTouched() throws {
        var picture = Picture()
        let row = ticket("T-1")
        let first = try picture.apply(event(1, ["tickets": ["T-1": try JSONValue(encoding: row)]]))
        #expect(first.tickets == ["T-1"] && first.agents.isEmpty && !first.daemon)
        #expect(picture.tickets == ["T-1": row])

        let second = try picture.apply(
            event(
                2,
                [
                    "tickets": ["T-1": ["state": "stopped", "agent": .null]],
                    "agents": ["agent-1": ["id": "agent-1", "state": "idle", "since": "now"]],
                    "locks": [
                        "17": ["pattern": "src/**", "repository": "r1", "ticket": "T-1", "since": "now", "fence": 17]
                    ],
                    "repositories": ["r1": ["id": "r1", "path": "/r", "target": "main"]],
                    "daemon": ["halted": true],
                ]
            )
        )
        #expect(second.tickets == ["T-1"] && second.agents == ["agent-1"] && second.locks == ["17"])
        #expect(second.repositories == ["r1"] && second.daemon)
        #expect(picture.tickets["T-1"] == ticket("T-1") { ($0.state, $0.agent) = ("stopped", nil) })
        #expect(picture.locks["17"]?.fence == 17)
        #expect(picture.agents["agent-1"]?.ticket == nil)

        let third = try picture.apply(event(3, ["locks": ["17": .null], "tickets": .null]))
        #expect(third.locks == ["17"] && third.tickets == ["T-1"])
        #expect(picture.locks.isEmpty && picture.tickets.isEmpty)
        #expect(picture.seq == 3)
    }

    @Test func aShortageIsKnownFromTheSnapshotAndFromItsLine() throws {
        var picture = try Picture(snapshot: ["seq": 10, "picture": [:], "waiting": [:], "shortage": "waits for memory"])
        #expect(picture.shortage == "waits for memory")
        let touched = try picture.apply(IPC.Notification("daemon.shortage", ["shortage": .null]))
        #expect(touched.daemon && picture.shortage == nil && picture.seq == 10)
        _ = try picture.apply(IPC.Notification("daemon.shortage", ["shortage": "waits for the CPU"]))
        #expect(picture.shortage == "waits for the CPU")
    }

    @Test func aGapIsAnErrorAndChangesNothingWhileTheKnownIsPassedOver() throws {
        var picture = try Picture(snapshot: ["seq": 10, "picture": ["tickets": [:]], "waiting": ["T-9": "a slot"]])
        let before = picture
        #expect(throws: Picture.Gap(expected: 11, found: 12)) {
            try picture.apply(event(12, ["tickets": ["T-1": ["id": "T-1"]]]))
        }
        #expect(try picture.apply(event(10, ["tickets": ["T-1": ["id": "T-1"]]])).isEmpty)
        for line in [
            IPC.Notification("hello", ["seq": 40]), IPC.Notification("through", ["seq": 40]),
            IPC.Notification("output", ["size": 1]),
        ] {
            #expect(try picture.apply(line).isEmpty)
        }
        #expect(picture == before)
    }

    @Test func waitingIsFoldedToo() throws {
        var picture = try Picture(snapshot: ["seq": 1, "picture": [:], "waiting": ["T-1": "a slot", "T-2": "T-1"]])
        let touched = try picture.apply(
            IPC.Notification("ticket.waiting", ["waiting": ["T-1": .null, "T-3": "waits for lock src/** of T-7"]])
        )
        #expect(touched.tickets == ["T-1", "T-3"])
        #expect(picture.waiting == ["T-2": "T-1", "T-3": "waits for lock src/** of T-7"])
    }

    @Test func whatIsNoSnapshotIsRefusedAndARowThatDoesNotDecodeIsLeftOut() throws {
        #expect(throws: RPCError.self) { try Picture(snapshot: ["picture": [:]]) }
        #expect(throws: RPCError.self) { try Picture(snapshot: .null) }
        let odd: JSONValue = ["seq": 1, "picture": ["tickets": ["T-1": 7, "T-2": ["id": "T-2"]], "later": ["x": 1]]]
        let picture = try Picture(snapshot: odd)
        #expect(picture.tickets.isEmpty)
        #expect(picture.json["tickets"]?["T-1"] == 7)
        #expect(picture.json["later"]?["x"] == 1)
    }

    /// With a picture copied or decoded anew for each event, this would take minutes.
    /// An event is not dearer for the tickets it does not touch: among a thousand times as many, looking at each of them would
    /// take a thousand times as long.
    @Test func anEventCostsWhatItTouchesAmongTenThousandTickets() throws {
        func time(among count: Int) throws -> Duration {
            var rows = JSONObject()
            for number in 1...count { rows["T-\(number)"] = try JSONValue(encoding: ticket("T-\(number)")) }
            var picture = try Picture(snapshot: ["seq": 0, "picture": ["tickets": .object(rows)]])
            let duration = try ContinuousClock().measure {
                for seq in 1...5000 {
                    let id = "T-\(seq % count + 1)"
                    _ = try picture.apply(event(seq, ["tickets": [id: ["attempts": JSONValue(seq)]]]))
                }
            }
            #expect(picture.tickets["T-\(5000 % count + 1)"]?.attempts == 5000)
            return duration
        }
        let few = try time(among: 10)
        let many = try time(among: 10_000)
        #expect(many < few * 50, "\(many / 5000) an event among 10,000, \(few / 5000) among 10")
    }
}
