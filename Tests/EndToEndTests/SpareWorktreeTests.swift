import Foundation
import Glibc
import IPC
import Testing

/// `warmWorktrees`: worktrees are there before their tickets.
@Suite("Worktrees made ahead, end to end", .ownThread)
struct SpareWorktreeTests {
    @Test func ticketsAreGivenThemAndTheyAreMadeAnew() throws {
        try World.run(settings: ["warmWorktrees": 1]) { world in
            let repository = try world.repository("repo", autoPolicy, files: ["a.txt": "a\n"])
            for id in ["A", "B"] { try world.agent(id, "git rev-parse --absolute-git-dir; ls; echo done > \(id).txt") }
            try world.enqueue(repository, ["id": "A"])
            try world.waitUntilLanded(["A"])
            let spare = try readySpare(world, repository)
            // The target has moved since the spare was made, or it was made after that: B sees what A did either way.
            try world.enqueue(repository, ["id": "B"])
            try world.waitUntilLanded(["B"])
            let seen = try world.text(of: "B.1").split(separator: "\n").map(String.init)
            #expect(seen.first?.hasSuffix("/.git/worktrees/\(spare)") == true)
            #expect(seen.contains("A.txt") && seen.contains("a.txt"))
            #expect(try readySpare(world, repository) != spare)

            try world.configure(["warmWorktrees": 0])
            try world.quit()
            try world.restart()
            try world.wait(for: "the spare to go", looking: .milliseconds(20)) {
                try repository.agentWorktrees().isEmpty
            }
            #expect(try world.worktreeFolders() == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: world.state + "/trash") == [])
        }
    }

    /// Also before anything is done in a repository that has just been registered.
    @Test func howItStandsWithThemIsSaid() throws {
        try World.run(settings: ["warmWorktrees": 1]) { world in
            let repository = try world.repository("repo", autoPolicy, files: ["a.txt": "a\n"])
            _ = try readySpare(world, repository)
            func spares() throws -> JSONValue? { try world.ask("daemon.status")["spares"] }
            #expect(
                try spares() == [
                    "wanted": 1, "repositories": [["repository": "r1", "ready": 1, "problem": .null]],
                ]
            )
            let checks = try JSONValue(parsing: orch(["doctor", "--json"], world).output)["checks"]?.arrayValue
            let check = checks?.first { $0["name"] == "spare worktrees" }
            #expect(check?["message"] == "r1: 1 of 1 ready" && check?["level"] == "ok", "\(String(describing: check))")

            // git cannot write a file as it is to be.
            try world.quit()
            try repository.git("worktree", "remove", "--force", repository.spareWorktrees()[0])
            try repository.git("config", "filter.odd.clean", "cat")
            try repository.git("config", "filter.odd.smudge", "false")
            try repository.git("config", "filter.odd.required", "true")
            try repository.commit([".gitattributes": "a.txt filter=odd\n", "a.txt": "other\n"], "odd")
            try world.restart()
            try world.wait(for: "the failure to be said", looking: .milliseconds(20)) {
                try spares()?["repositories"]?.arrayValue?.first?["problem"]?.stringValue != nil
            }
            let ill = try JSONValue(parsing: orch(["doctor", "--json"], world).output)["checks"]?.arrayValue
            let warning = ill?.first { $0["name"] == "spare worktrees" }
            #expect(warning?["level"] == "warn", "\(String(describing: warning))")
            #expect(warning?["message"]?.stringValue?.contains("0 of 1 ready; the last attempt failed: ") == true)
        }
    }

    private func orch(_ arguments: [String], _ world: World) throws -> ProgramOutput {
        try EndToEndTests.run([World.orch] + arguments, environment: world.environment, directory: world.folder)
    }

    /// The name of the only one, once it is ready.
    private func readySpare(_ world: World, _ repository: ScratchRepository) throws -> String {
        try world.wait(for: "a spare worktree", looking: .milliseconds(20)) {
            try repository.spareWorktrees().count == 1
        }
        return String(try #require(repository.spareWorktrees().first?.split(separator: "/").last))
    }
}
