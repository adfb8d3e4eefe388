import Foundation
import IPC
import Testing

/// A verification slot keeps its declared caches, and is set up again only when what its setup depends on has changed.
@Suite("Warm checkouts, end to end", .ownThread)
struct WarmCheckoutTests {
    /// Each line a run of the setup, or what a verifier has found.
    private func diary(_ world: World) -> [String] {
        let text = try? String(contentsOfFile: world.folder + "/diary", encoding: .utf8)
        return text?.split(separator: "\n").map(String.init) ?? []
    }

    /// The setup of a slot: it notes that it ran, and fills the cache with what the lock file says.
    private func setUp(_ world: World, inputs: JSONValue, caches: JSONValue = ["deps/"]) -> JSONObject {
        let script =
            "case $PWD in */verification/*) echo setup >> \(world.folder)/diary;; esac; mkdir -p deps; cp lock deps/made"
        return [
            "approve": "auto", "caches": caches,
            "setup": ["command": ["sh", "-c", .string(script)], "inputs": inputs, "copy": [".env"]],
        ]
    }

    private func judge(_ world: World) -> String {
        "echo \"$(cat deps/made) $(ls | tr '\\n' ' ')\" >> \(world.folder)/diary; touch litter"
    }

    private let files = ["lock": "one\n", ".gitignore": "deps/\nlitter\n.env\n"]

    @Test func aSlotIsSetUpOnceAndAgainWhenItsInputsChange() throws {
        try World.run(settings: ["verificationSlots": 1]) { world in
            let policy = setUp(world, inputs: ["lock"])
            let repository = try world.repository("repo", policy, verify: judge(world), files: files)
            func land(_ id: String, _ script: String) throws -> [String] {
                let before = diary(world).count
                try world.agent(id, script)
                try world.enqueue(repository, ["id": .string(id)])
                try world.waitUntilLanded([id])
                return Array(diary(world).dropFirst(before))
            }
            #expect(try land("FIRST", "echo a > a.txt") == ["setup", "one README a.txt deps lock verify.sh "])
            // What the verifier left is gone, and the cache is not.
            #expect(try land("SECOND", "echo b > b.txt") == ["one README a.txt b.txt deps lock verify.sh "])
            #expect(try land("LOCK", "echo two > lock").first == "setup")
            #expect(diary(world).last == "two README a.txt b.txt deps lock verify.sh ")
            // Also for the daemon that comes next.
            try world.quit()
            try world.restart()
            #expect(try land("THIRD", "echo c > c.txt").count == 1)
            try repository.write(".env", "secret")
            #expect(try land("COPIED", "echo d > d.txt").first == "setup")
            #expect(try land("FOURTH", "echo e > e.txt").count == 1)
            // A cache that somebody has removed is made again.
            let slot = world.state + "/verification/r1-0"
            try FileManager.default.removeItem(atPath: slot + "/deps")
            #expect(try land("REMOVED", "echo f > f.txt").first == "setup")
        }
    }

    @Test func withoutDeclaredInputsOrCachesEveryTreeIsSetUp() throws {
        try World.run(settings: ["verificationSlots": 1]) { world in
            let policies = [
                "inputs": setUp(world, inputs: .null), "caches": setUp(world, inputs: ["lock"], caches: []),
            ]
            for (name, policy) in policies {
                let repository = try world.repository(name, policy, verify: judge(world), files: files)
                let before = diary(world).count
                for id in ["\(name)-1", "\(name)-2"] {
                    try world.agent(id, "echo \(id) > \(id).txt")
                    try world.enqueue(repository, ["id": .string(id)])
                    try world.waitUntilLanded([id])
                }
                #expect(diary(world).dropFirst(before).filter { $0 == "setup" }.count == 2)
            }
        }
    }

    @Test func aSetupThatFailedIsNotTakenForDone() throws {
        try World.run(settings: ["verificationSlots": 1]) { world in
            var policy = setUp(world, inputs: ["lock"])
            let fails =
                "case $PWD in */verification/*) echo setup >> \(world.folder)/diary; mkdir -p deps; exit 3;; esac"
            policy["setup"] = ["command": ["sh", "-c", .string(fails)], "inputs": ["lock"]]
            policy["maxFixAttempts"] = 1
            let repository = try world.repository("repo", policy, verify: "true", files: files)
            try world.agent("T-1", "echo $ORCH_ATTEMPT > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "needs_human_review")
            #expect(diary(world) == ["setup", "setup"])
        }
    }
}
