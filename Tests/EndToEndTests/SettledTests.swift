import IPC
import Testing

@Suite("Tickets that have ended, end to end", .ownThread)
struct SettledTests {
    @Test func whatHasEndedIsToldAlikeByTheDaemonThatSawItAndByTheNext() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            try world.agent("T-1", "echo landed; echo one > one.txt")
            try world.enqueue(repository, ["locks": ["one.txt"]])
            try world.waitUntilLanded(["T-1"])
            try world.wait(forEvent: "ticket.tidied", "T-1")
            try world.enqueue(repository, ["id": "GONE", "depends_on": ["never"]])
            try world.command("cancel", "GONE")
            func told() throws -> [JSONValue?] {
                let requests: [(String, JSONObject)] = [
                    ("ticket.list", [:]), ("ticket.list", ["all": false]), ("ticket.show", ["ticket": "T-1"]),
                    ("ticket.show", ["ticket": "GONE"]), ("ticket.diff", ["ticket": "T-1"]),
                    ("ticket.checks", ["ticket": "T-1"]), ("snapshot.list", [:]),
                    ("snapshot.list", ["ticket": "T-1"]), ("output.read", ["run": "T-1.1"]),
                    ("ticket.approve", ["ticket": "T-1"]), ("ticket.cancel", ["ticket": "GONE"]),
                ]
                return try requests.map { try world.ask($0, $1) } + [world.ask("snapshot")["picture"]?["tickets"]]
            }
            let before = try told()
            #expect(before[0]?["tickets"]?.arrayValue?.count == 2 && before[1]?["tickets"] == [])
            #expect(before[2]?["ticket"]?["state"] == "merged" && before[3]?["ticket"]?["state"] == "cancelled")
            #expect(before[7]?["snapshots"]?.arrayValue?.isEmpty == false)
            _ = try world.quit()
            try world.restart()
            #expect(try told() == before)
            #expect(try world.refusal("ticket.cancel", ["ticket": "T-1"]).code == .refused)
            #expect(try world.refusal("output.read", ["run": "T-1.9"]).code == .notFound)

            // They still count.
            try world.agent("T-2", "cat one.txt > two.txt")
            try world.enqueue(repository, ["locks": ["two.txt"], "depends_on": ["T-1"]])
            try world.waitUntilLanded(["T-2"])
            try world.enqueue(repository, ["id": "LATE", "depends_on": ["GONE"]])
            #expect(world.picture.tickets["LATE"]?.state == "needs_human_review")
            try world.command("cancel", "LATE")
            try world.expectNothingLeft(of: ["T-1", "T-2"], in: repository)
        }
    }
}
