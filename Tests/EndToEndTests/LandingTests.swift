import Foundation
import IPC
import Testing

@Suite("Landing, end to end", .ownThread)
struct LandingTests {
    @Test func tenTicketsOfFiveAgentsLandOnceEachInTheOrderOfTheRules() throws {
        try World.run { world in
            let repository = try world.repository(files: ["shared.txt": "start\n"])
            // Five want the same file: priority first, then age.
            let shared = [("S1", 0), ("S2", 5), ("S3", 0), ("S4", 5), ("S5", 9)]
            let free = (1...5).map { "F\($0)" }
            // Enqueued while nothing can start: all are there when the first choice is made.
            let gate = try world.gate("first")
            try world.agent("HOLD", "read go < \"$WORLD/gates/first\"; echo hold >> shared.txt")
            try world.enqueue(repository, ["id": "HOLD", "locks": ["shared.txt"]])
            let held = try gate.arrival()
            for (id, priority) in shared {
                try world.agent(id, "echo \(id) >> shared.txt; git add -A; git commit -qm \(id)")
                try world.enqueue(
                    repository,
                    ["id": .string(id), "priority": JSONValue(priority), "locks": ["shared.txt"]]
                )
            }
            for id in free {
                try world.agent(id, "mkdir -p src; echo \(id) > src/\(id).txt")
                try world.enqueue(repository, ["id": .string(id), "locks": ["src/\(id).txt"]])
            }
            held.letThrough()
            let all = ["HOLD"] + shared.map(\.0) + free
            try world.waitUntilLanded(all)

            let landed = try repository.landed()
            #expect(landed.sorted() == all.sorted())
            #expect(landed.filter { !$0.hasPrefix("F") } == ["HOLD", "S5", "S2", "S4", "S1", "S3"])
            #expect(repository.file("shared.txt") == "start\nhold\nS5\nS2\nS4\nS1\nS3\n")
            #expect(try repository.lines("rev-list", "--merges", "main") == [])
            #expect(try repository.git("rev-list", "--count", "main") == "\(all.count + 1)")
            try world.expectGreen(repository)
            try world.expectNothingLeft(of: all, in: repository)
            #expect(world.expectNoConflictingLocks() >= 11)
            try world.expectReplayMatchesSnapshot()
        }
    }
}
