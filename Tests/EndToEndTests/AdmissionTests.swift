import Foundation
import IPC
import Testing

/// What keeps tickets from starting: people who halt everything, limits, and a machine that is short of something.
@Suite("What may start, end to end", .ownThread)
struct AdmissionTests {
    /// As the machine says: what has left its parents and its session is found, too.
    @Test func haltIsAnsweredWhenNothingOfAnyRunIsAlive() throws {
        try World.run(agents: 2) { world in
            let repository = try world.repository()
            let gates = [try world.gate("T-1"), try world.gate("T-2")]
            for id in ["T-1", "T-2"] {
                try world.agent(
                    id,
                    """
                    (setsid sh -c 'trap "" TERM; while :; do sleep 1; done' &)
                    trap '' TERM
                    read go < "$WORLD/gates/$ORCH_TICKET"
                    """
                )
            }
            try world.enqueue(repository, ["locks": ["a.txt"]], ["locks": ["b.txt"]])
            let visitors = try gates.map { try $0.arrival() }
            let alive = try world.ask("daemon.stillness")
            let runs = Set((alive["processes"]?.arrayValue ?? []).compactMap { $0["run"]?.stringValue })
            #expect(alive["still"] == false && runs == ["T-1.1", "T-2.1"])
            #expect(alive["tickets"] == ["T-1", "T-2"] && alive["halted"] == .null)

            let halt = try EndToEndTests.run(
                [World.orch, "halt", "--reason", "enough"],
                environment: world.environment
            )
            #expect(halt.code == 0, "\(halt.output)")
            #expect(
                halt.output
                    == "everything is halted; stopped T-1, T-2; no process of any run is alive; `orch resume` goes on\n"
            )
            let still = try world.ask("daemon.stillness")
            #expect(still["still"] == true && still["processes"] == [] && still["tickets"] == [])
            for visitor in visitors { visitor.leave() }
            // Still, over a restart, and again.
            try world.kill9()
            try world.start()
            let again = try EndToEndTests.run([World.orch, "halt", "--json"], environment: world.environment)
            #expect(again.code == 0)
            let answer = try JSONValue(parsing: again.output)
            #expect(answer["still"] == true && answer["halted"]?["reason"] == "enough" && answer["stopped"] == [])
            try world.ask("daemon.resume")
            for id in ["T-1", "T-2"] { try world.command("cancel", id) }
        }
    }

    @Test func haltNamesWhatIsStillAlive() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let gate = try world.gate("never")
            try world.agent("T-1", "read go < \"$WORLD/gates/never\"")
            try world.enqueue(repository, ["locks": ["a.txt"]])
            let visitor = try gate.arrival()
            let halt = try EndToEndTests.run(
                [World.orch, "halt", "--timeout", "1ms"],
                environment: world.environment
            )
            #expect(halt.code == 1)
            // Its processes may be dead by then; its work is not saved yet.
            #expect(halt.output.contains("after 1ms not all of it is still:"))
            #expect(halt.output.contains("T-1 is still being stopped"))
            visitor.leave()
            try world.wait(for: "T-1", "stopped")
            let quick = try EndToEndTests.run([World.orch, "halt", "--no-wait"], environment: world.environment)
            #expect(quick.code == 0 && quick.output == "everything is halted; `orch resume` goes on\n")
            try world.ask("daemon.resume")
        }
    }

    @Test func haltSavesWhatRunsHoldsOverARestartAndResumeGoesOn() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let gate = try world.gate("never")
            try world.agent(
                "T-1",
                """
                [ "$ORCH_ATTEMPT" = 1 ] || { cat half.txt; echo done > done.txt; exit; }
                echo half > half.txt
                read go < "$WORLD/gates/never"
                """
            )
            try world.agent("T-2", "echo two > two.txt")
            try world.enqueue(repository, ["locks": ["*.txt"]], ["locks": ["two.txt"]])
            let visitor = try gate.arrival()
            let answer = try world.ask("daemon.halt", ["reason": "the model is down"])
            #expect(answer["halted"]?["reason"] == "the model is down" && answer["tickets"] == ["T-1"])
            try world.wait(for: "T-1", "stopped")
            visitor.leave()
            #expect(world.reason("T-1") == "stopped by `orch halt`; it goes on after `orch resume`")
            #expect(world.events("snapshot.taken", "T-1").count == 1)

            try world.kill9()
            try world.start()
            #expect(try world.ask("daemon.status")["halted"]?["reason"] == "the model is down")
            #expect(world.picture.json["daemon"]?["halted"]?["reason"] == "the model is down")
            let rows = try world.ask("ticket.list")["tickets"]?.arrayValue ?? []
            #expect(rows.map { $0["state"] } == ["stopped", "queued"])
            let sentence = "everything is halted (the model is down); it goes on after `orch resume`"
            #expect(rows.last?["reason"]?.stringValue == sentence)
            #expect(world.events("ticket.started").count == 1)

            #expect(try world.ask("daemon.resume") == ["halted": nil, "tickets": ["T-1"]])
            try world.waitUntilLanded(["T-1", "T-2"])
            #expect(try world.text(of: "T-1.2") == "half\n")
            #expect(world.events("ticket.started").map { $0.params["ticket"] } == ["T-1", "T-1", "T-2"])
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func profilesAndRepositoriesHaveLimitsOfTheirOwn() throws {
        try World.run(profile: ["limit": 2]) { world in
            let repository = try world.repository("one", ["approve": "auto", "agents": 1])
            let other = try world.repository("two")
            var gates: [Gate] = []
            for id in ["A", "B", "C", "D"] {
                gates.append(try world.gate(id))
                try world.agent(id, "read go < \"$WORLD/gates/\(id)\"; echo \(id) > \(id).txt")
            }
            try world.enqueue(repository, ["id": "A"], ["id": "B"])
            try world.enqueue(other, ["id": "C"], ["id": "D"])
            let reasons = ["B", "D"].map { id in
                (try? world.ask("ticket.show", ["ticket": .string(id)]))?["ticket"]?["reason"]?.stringValue
            }
            #expect(
                reasons == [
                    "waits for a free agent of its repository (1 at a time)",
                    "waits for a free agent of profile script (2 at a time)",
                ]
            )
            for gate in gates { try gate.open() }
            try world.waitUntilLanded(["A", "B", "C", "D"])
            let starts = world.events("ticket.started").compactMap { $0.params["ticket"]?.stringValue }
            #expect(Set(starts.prefix(2)) == ["A", "C"])
        }
    }

    @Test func nothingStartsOnAMachineThatIsShortOfMemory() throws {
        try World.run(settings: ["admission": ["memoryAvailable": "1000TiB"]]) { world in
            let repository = try world.repository()
            try world.agent("T-1", "echo done > done.txt")
            try world.enqueue(repository, [:])
            let row = try world.ask("ticket.show", ["ticket": "T-1"])["ticket"]
            let reason = row?["reason"]?.stringValue ?? ""
            #expect(reason.hasPrefix("waits for memory: ") && reason.hasSuffix(" free, 1000 TiB wanted"), "\(reason)")
            #expect(try world.ask("daemon.status")["shortage"]?.stringValue?.hasPrefix("waits for memory: ") == true)
            try world.wait(for: "the shortage to be told") { world.picture.shortage != nil }
            #expect(world.picture.shortage?.hasPrefix("waits for memory: ") == true)
            #expect(try world.ask("snapshot")["shortage"]?.stringValue?.hasPrefix("waits for memory: ") == true)
            try world.command("cancel", "T-1")
            try world.wait(for: "the end of the shortage to be told") { world.picture.shortage == nil }
            #expect(try world.ask("snapshot")["shortage"] == nil)
            try world.agent("T-2", "echo done > done.txt")
            try world.enqueue(repository, [:])
            #expect(!world.happened("ticket.started"))
            try world.quit()
            try world.write(
                "config.json",
                try String(contentsOfFile: world.folder + "/config.json", encoding: .utf8)
                    .replacing("\"1000TiB\"", with: "null")
            )
            try world.start()
            try world.waitUntilLanded(["T-2"])
        }
    }
}
