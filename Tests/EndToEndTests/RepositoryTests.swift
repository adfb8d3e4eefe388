import Foundation
import Glibc
import IPC
import Testing

@Suite("Repositories of every kind, end to end", .ownThread)
struct RepositoryTests {
    @Test func whatOrchCannotWorkOnIsSaidPlainly() throws {
        try World.run { world in
            func refusal(_ path: String) throws -> String {
                try world.refusal("repository.add", ["path": .string(path)]).message
            }
            #expect(try refusal(world.folder + "/nowhere").contains("there is no such directory"))
            #expect(try refusal(world.folder + "/config.json").contains("there is no such directory"))
            #expect(try refusal(world.folder + "/agents").contains("it is not a git repository"))
            // What a relative path means to the client, the daemon does not know.
            #expect(try refusal("agents").contains("agents is not an absolute path"))
            let empty = ScratchRepository(path: world.folder + "/empty", environment: world.environment)
            mkdir(empty.path, 0o755)
            try empty.git("init", "-q", "-b", "main")
            #expect(try refusal(empty.path).contains("it has no commit yet; make a first commit"))
            try empty.git("init", "-q", "--bare", world.folder + "/bare.git")
            #expect(try refusal(world.folder + "/bare.git").contains("it is a bare repository"))
            #expect(try refusal(empty.path + "/.git").contains("it is a git directory"))
            let detached = try world.repository("detached", autoPolicy, registering: false)
            try detached.git("checkout", "-q", "--detach")
            #expect(try refusal(detached.path).contains("its HEAD is detached"))
            #expect(world.picture.repositories.isEmpty)

            // With its target named, it can be worked on.
            try detached.git("switch", "-q", "main")
            try detached.commit([
                ".orch/config.json":
                    #"{"targetBranch":"main","approve":"auto","verifiers":[{"name":"t","command":["true"]}]}"#
            ])
            try detached.git("checkout", "-q", "--detach")
            try world.ask("repository.trust", ["path": .string(detached.path)])
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(detached, [:])
            try world.waitUntilLanded(["T-1"])
            #expect(try detached.landed() == ["T-1"])
            #expect(try detached.git("status", "--porcelain") == "")
        }
    }

    @Test func awkwardPathsAreJustPaths() throws {
        try World.run { world in
            let repository = try world.repository("it's a \"ré po\" \u{65E5}\u{672C} $HOME;#")
            try world.agent("T-1", "echo a > \"\u{65E5} \u{672C}.txt\"; echo b > '-dash'; echo c > 'back\\slash'")
            // Registered at the top, whichever folder of it is named.
            try repository.commit(["deep/er/file.txt": "x\n"])
            let deep = ScratchRepository(path: repository.path + "/deep/er", environment: world.environment)
            try world.enqueue(deep, ["title": "-- ; $(touch pwned) `x` \u{65E5}\u{672C}\u{8A9E}"])
            try world.waitUntilLanded(["T-1"])
            #expect(world.picture.repositories.values.map(\.path) == [repository.path])
            #expect(repository.read("\u{65E5} \u{672C}.txt") == "a\n")
            #expect(repository.read("-dash") == "b\n")
            #expect(repository.read("back\\slash") == "c\n")
            #expect(repository.read("pwned") == nil)
            #expect(
                try repository.git("log", "-1", "--format=%s", "main")
                    == "-- ; $(touch pwned) `x` \u{65E5}\u{672C}\u{8A9E}"
            )
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func noIdentityAndNoHomeAreNoObstacle() throws {
        try World.run(starting: false) { world in
            unlink(world.folder + "/home/.gitconfig")
            let identity = [
                "GIT_AUTHOR_NAME": "U", "GIT_AUTHOR_EMAIL": "u@x", "GIT_COMMITTER_NAME": "U",
                "GIT_COMMITTER_EMAIL": "u@x",
            ]
            let plain = world.environment
            for home in ["", nil] {
                world.environment = plain
                world.environment["HOME"] = home
                try world.start()
                world.environment.merge(identity) { $1 }
                let number = home == nil ? 2 : 1
                let repository = try world.repository("repo\(number)")
                try world.agent("T-\(number)", "echo a > a.txt; git add -A; git commit -qm own; echo b > b.txt")
                try world.enqueue(repository, [:])
                try world.waitUntilLanded(["T-\(number)"])
                #expect(
                    try repository.git("log", "-1", "--format=%an <%ae> %cn <%ce>", "main")
                        == "orch <orch@localhost> orch <orch@localhost>"
                )
                try world.quit()
            }
            world.environment = plain
        }
    }

    @Test func twoRepositoriesShareAgentsAndNothingElse() throws {
        try World.run(agents: 2) { world in
            let repositories = [try world.repository("one"), try world.repository("two")]
            // The same paths are no conflict between them.
            for (index, repository) in repositories.enumerated() {
                for number in 1...3 {
                    let id = "R\(index)-\(number)"
                    try world.agent(id, "echo \(id) >> same.txt")
                    try world.enqueue(repository, ["id": .string(id), "locks": ["same.txt"]])
                }
            }
            try world.waitUntilLanded(repositories.indices.flatMap { index in (1...3).map { "R\(index)-\($0)" } })
            for (index, repository) in repositories.enumerated() {
                let ids = (1...3).map { "R\(index)-\($0)" }
                #expect(try repository.landed() == ids)
                #expect(repository.file("same.txt") == ids.map { $0 + "\n" }.joined())
                try world.expectNothingLeft(of: ids, in: repository)
            }
        }
    }
}
