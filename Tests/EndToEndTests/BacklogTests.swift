import Foundation
import Glibc
import IPC
import Testing

/// The watched folder: what is dropped into `.orch/backlog/` of a repository.
@Suite("The backlog folder, end to end", .ownThread)
struct BacklogTests {
    @Test func eachFileIsTakenOnceAndABadOneIsPutAsideWithItsProblems() throws {
        try World.run(agents: 1) { world in
            let (repository, backlog) = try world.backlog()
            backlog.drop(
                "a.yaml",
                "- {id: A1, title: One}\n- {id: A2, title: Two, depends_on: [A1], description: Do it}\n"
            )
            backlog.drop("bad.yaml", "title: Bad\npriority: high\nlock: [x]\n")
            backlog.drop("b.json", "{\"id\": \"B\", \"title\": \"Three\"}")
            backlog.drop("c.md", "---\nid: C\n---\n# Four\n\nSome *text*.\n")
            try world.wait(for: "all files") { world.events("backlog.taken").count == 3 }
            try world.wait(forEvent: "backlog.refused")
            #expect(Set(world.picture.tickets.keys) == ["A1", "A2", "B", "C"])
            #expect(try world.ask("ticket.show", ["ticket": "C"])["description"] == "# Four\n\nSome *text*.")
            #expect(try world.ask("ticket.show", ["ticket": "A2"])["description"] == "Do it")
            try backlog.waitUntilSettled()
            #expect(
                backlog.names("done")
                    == ["a.yaml", "a.yaml.result.json", "b.json", "b.json.result.json", "c.md", "c.md.result.json"]
            )
            let result = try JSONValue(parsing: try #require(repository.read(".orch/backlog/done/a.yaml.result.json")))
            #expect(result["tickets"] == ["A1", "A2"] && result["file"] == "a.yaml" && result["repository"] == "r1")
            let problems = [
                "bad.yaml:2:11: `priority` is the text `high`; write a whole number, higher first",
                "bad.yaml:3:1: unknown key `lock`; did you mean `locks`?",
            ]
            #expect(backlog.names("failed") == ["bad.yaml", "bad.yaml.error.txt"])
            #expect(
                repository.read(".orch/backlog/failed/bad.yaml.error.txt") == problems.joined(separator: "\n") + "\n"
            )
            #expect(world.events("backlog.refused")[0].params["problems"] == JSONValue(problems))

            // The same once more: a known id is refused at its place, and nothing is written over.
            backlog.drop("a.yaml", "title: Five\n")
            backlog.drop("bad.yaml", "- title: Six\n- {title: Seven, id: B}\n")
            backlog.drop("profile.yaml", "title: Eight\nagent: nobody\n")
            try world.wait(forEvent: "backlog.refused", times: 3)
            try world.wait(forEvent: "backlog.taken", times: 4)
            try backlog.waitUntilSettled()
            #expect(backlog.names("done").suffix(3) == ["b.json.result.json", "c.md", "c.md.result.json"])
            #expect(
                backlog.names("done").contains("a.yaml.2") && backlog.names("done").contains("a.yaml.2.result.json")
            )
            #expect(
                repository.read(".orch/backlog/failed/bad.yaml.2.error.txt")?.hasPrefix(
                    "bad.yaml:2:22: ticket B exists"
                )
                    == true
            )
            #expect(
                repository.read(".orch/backlog/failed/profile.yaml.error.txt")?
                    .hasPrefix("profile.yaml:2:8: there is no agent profile `nobody`") == true
            )
            #expect(world.picture.tickets.count == 5)
        }
    }

    @Test func aFileThatSomebodyStillWritesIsLeftUntilItIsWhole() throws {
        try World.run(agents: 1) { world in
            let (_, backlog) = try world.backlog()
            let writer = open(backlog.path + "/slow.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            try #require(Glibc.write(writer, "- {id: A, title: Fir", 20) == 20)
            // An editor's passing file, a hidden one, a folder and an empty file are nobody's tickets.
            for name in ["b.yaml~", ".b.yaml.swp", ".hidden", "#b#"] { try backlog.write(name, "title: no\n") }
            mkdir(backlog.path + "/folder", 0o755)
            try backlog.write("empty.yaml", "")
            backlog.drop("other.yaml", "{id: O, title: Other}\n")
            // The folder was looked at with all of this in it.
            try world.wait(forEvent: "backlog.taken")
            #expect(world.picture.tickets.keys.sorted() == ["O"])
            try #require(Glibc.write(writer, "st}\n- {id: B, title: Second}\n", 29) == 29)
            close(writer)
            try world.wait(forEvent: "backlog.taken", times: 2)
            #expect(world.picture.tickets.keys.sorted() == ["A", "B", "O"])
            try backlog.waitUntilSettled()
            #expect(
                backlog.names("") == [
                    "#b#", ".b.yaml.swp", ".hidden", ".taking", "b.yaml~", "done", "empty.yaml", "folder",
                ]
            )
            #expect(!world.happened("backlog.refused"))
        }
    }

    @Test func whatIsNoFileIsPutAsideAndHoldsNothingUp() throws {
        try World.run(agents: 1) { world in
            let (repository, backlog) = try world.backlog()
            try world.write("elsewhere.yaml", "title: Elsewhere\n")
            symlink(world.folder + "/elsewhere.yaml", backlog.path + "/link.yaml")
            try #require(mkfifo(backlog.path + "/pipe.yaml", 0o600) == 0)
            backlog.drop("huge.yaml", "# much\n", size: 17 << 20)
            let isRoot = geteuid() == 0
            if !isRoot { backlog.drop("secret.yaml", "title: a\n", mode: 0) }
            backlog.drop("\u{1b}[31m\n.yaml", "nothing: 1\n")
            backlog.drop(String(repeating: "n", count: 250), "title: Long\n")
            try world.wait(forEvent: "backlog.refused", times: isRoot ? 4 : 5)
            try world.wait(forEvent: "backlog.taken")
            try backlog.waitUntilSettled()
            func problem(_ name: String) -> String? { repository.read(".orch/backlog/failed/\(name).error.txt") }
            #expect(problem("link.yaml") == "link.yaml: the file is a symbolic link; put the file itself here\n")
            #expect(problem("pipe.yaml") == "pipe.yaml: the file is not a regular file\n")
            #expect(problem("huge.yaml") == "huge.yaml: the file is larger than 16 MiB; split it\n")
            if !isRoot { #expect(problem("secret.yaml")?.contains("permission denied") == true) }
            #expect(problem("\u{1b}[31m\n.yaml")?.contains("unknown key `nothing`") == true)
            #expect(backlog.names("done").contains(String(repeating: "n", count: 180)))
            #expect(world.picture.tickets.count == 1)
        }
    }

    @Test func whatTheRepositoryBringsWithItIsNotTaken() throws {
        try World.run(agents: 1) { world in
            let (repository, backlog) = try world.backlog()
            try backlog.write(".evil", "title: Not asked for\n")
            try repository.git("checkout", "-q", "-b", "evil")
            rename(backlog.path + "/.evil", repository.path + "/evil.yaml")
            let blob = try repository.git("hash-object", "-w", "evil.yaml")
            unlink(repository.path + "/evil.yaml")
            try repository.git("update-index", "--add", "--cacheinfo", "100644,\(blob),.orch/backlog/evil.yaml")
            try repository.git("commit", "-q", "-m", "evil")
            try repository.git("reset", "-q", "--hard")
            // They wait: a worktree in the making lets the user's git fail for a moment.
            backlog.drop("mine.yaml", "{id: M, title: Mine, depends_on: [later]}\n")
            try world.wait(forEvent: "backlog.taken")
            for _ in 1...5 {
                try repository.git("checkout", "-q", "main")
                try repository.git("checkout", "-q", "evil")
            }
            backlog.drop("mine.yaml", "{id: N, title: Mine, depends_on: [later]}\n")
            try world.wait(forEvent: "backlog.taken", times: 2)
            try backlog.waitUntilSettled()
            #expect(world.picture.tickets.keys.sorted() == ["M", "N"])
            #expect(backlog.names("").contains("evil.yaml"))
        }
    }

    @Test func whatWasDroppedBeforeTheStartAndIntoANewFolderIsTaken() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let backlog = Backlog(repository)
            try world.quit()
            try backlog.write("early.yaml", "{id: E, title: Early}\n")
            try world.restart()
            try world.wait(forEvent: "backlog.taken")
            try backlog.waitUntilSettled()
            // The whole folder goes, with the one above it, and another comes.
            rename(repository.path + "/.orch", world.folder + "/away")
            mkdir(repository.path + "/.orch", 0o755)
            mkdir(backlog.path, 0o755)
            backlog.drop("late.yaml", "{id: L, title: Late}\n")
            try world.wait(forEvent: "backlog.taken", times: 2)
            #expect(world.picture.tickets.keys.sorted() == ["E", "L"])
        }
    }

    @Test func aLinkInTheFoldersPlaceIsNotFollowed() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            mkdir(world.folder + "/elsewhere", 0o755)
            try world.write("elsewhere/a.yaml", "title: Not here\n")
            symlink(world.folder + "/elsewhere", repository.path + "/.orch/backlog")
            let other = try world.repository("other")
            let backlog = Backlog(other)
            try backlog.write("o.yaml", "{id: O, title: Other}\n")
            try world.wait(forEvent: "backlog.taken")
            try world.quit()
            try world.restart()
            backlog.drop("p.yaml", "{id: P, title: Other}\n")
            try world.wait(forEvent: "backlog.taken", times: 2)
            #expect(world.picture.tickets.keys.sorted() == ["O", "P"])
            #expect(access(world.folder + "/elsewhere/a.yaml", F_OK) == 0)
        }
    }
}

/// The backlog folder of a repository.
private struct Backlog {
    let repository: ScratchRepository
    var path: String { repository.path + "/.orch/backlog" }

    init(_ repository: ScratchRepository) { self.repository = repository }

    /// Writes a file in its place.
    func write(_ name: String, _ text: String) throws { try repository.write(".orch/backlog/\(name)", text) }

    /// Moves a whole file into its place.
    func drop(_ name: String, _ text: String, size: Int? = nil, mode: mode_t = 0o600) {
        let draft = repository.path + "/../draft"
        _ = FileManager.default.createFile(atPath: draft, contents: Data(text.utf8))
        if let size { truncate(draft, size) }
        chmod(draft, mode)
        rename(draft, path + "/" + name)
    }

    func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)) ?? []).sorted()
    }

    /// What is told is moved a moment later.
    func waitUntilSettled() throws {
        try poll(for: "what was claimed to be put aside") { names(".taking").isEmpty }
    }
}

extension World {
    fileprivate func backlog() throws -> (ScratchRepository, Backlog) {
        let repository = try repository()
        let backlog = Backlog(repository)
        mkdir(backlog.path, 0o755)
        return (repository, backlog)
    }
}
