import Foundation
import Glibc
import IPC
import Testing

@Suite("Agents of every kind, end to end", .ownThread)
struct AgentTests {
    @Test func everyWayAnAgentCanEndHasItsSentence() throws {
        let profiles: JSONObject = [
            "missing": ["kind": "command", "command": ["/nowhere/agent"]],
            "unknown": ["kind": "command", "command": ["no-such-agent-on-the-path"]],
            "plain": ["kind": "command", "command": ["/etc/passwd"]],
            "slow": ["kind": "command", "command": ["sleep", "1000"], "timeLimit": "1s"],
        ]
        try World.run(agents: 4, settings: ["profiles": .object(profiles)]) { world in
            let repository = try world.repository()
            let scripts = [
                "THREE": "echo said; echo complained >&2; exit 3", "KILLED": "kill -9 $$", "NOTHING": "true",
                "COMMITTED-NOTHING": "git commit -q --allow-empty -m empty",
            ]
            for (id, script) in scripts { try world.agent(id, script) }
            let sentences = [
                "THREE": "the agent failed (run 1: exit 3)",
                "KILLED": "the agent failed (run 1: ended by signal 9)",
                "NOTHING": "the agent changed nothing at all (run 1)",
                "COMMITTED-NOTHING": "the agent changed nothing at all (run 1)",
                "slow": "the agent failed (run 1: ran into its time limit)",
            ]
            for id in scripts.keys.sorted() + profiles.keys {
                var ticket: JSONObject = ["id": .string(id), "locks": [.string("\(id)/**")]]
                if profiles[id] != nil { ticket["agent"] = .string(id) }
                try world.enqueue(repository, ticket)
            }
            for id in scripts.keys.sorted() + profiles.keys {
                try world.wait(for: id, "needs_human_review")
                if let sentence = sentences[id] {
                    #expect(world.reason(id) == sentence)
                } else {
                    let program = profiles[id]?["command"]?.arrayValue?.first?.stringValue ?? ""
                    #expect(world.reason(id).hasPrefix("the agent failed (run 1: could not be started: "), "\(id)")
                    #expect(world.reason(id).contains(program), "\(world.reason(id))")
                }
                // Its locks stay its own, and nobody else's are touched.
                #expect(world.picture.locks.values.filter { $0.ticket == id }.map(\.pattern) == ["\(id)/**"])
            }
            #expect(try world.text(of: "THREE.1") == "said\n")
            #expect(try world.text(of: "THREE.1", stream: "stderr") == "complained\n")
            #expect(world.picture.agents.values.allSatisfy { $0.state == "idle" })

            // What stands in the way is put right, and the ticket goes on.
            try world.agent("THREE", "mkdir THREE; echo better > THREE/a.txt")
            try world.command("continue", "THREE")
            try world.waitUntilLanded(["THREE"])
            #expect(try world.ticket("THREE").attempts == 2)
            #expect(try repository.landed() == ["THREE"])
        }
    }

    @Test func whatAnAgentLeavesUncommittedIsCommittedForIt() throws {
        try World.run { world in
            let repository = try world.repository(files: ["old.txt": "old\n", "moved.txt": "moved\n"])
            try world.agent(
                "T-1",
                """
                echo one > committed.txt; git add -A; git commit -qm 'My own commit'
                rm old.txt; mv moved.txt there.txt; mkdir -p 'a dir'; echo ü > 'a dir/ü ¡.txt'
                printf '#!/bin/sh\\n' > tool; chmod +x tool; ln -s tool link; echo staged > staged; git add staged
                """
            )
            try world.enqueue(
                repository,
                ["title": "Do: several \u{201C}things\u{201D}", "description": "Body.\n\nMore."]
            )
            try world.waitUntilLanded(["T-1"])
            let tree = try repository.lines(
                "-c",
                "core.quotePath=false",
                "ls-tree",
                "-r",
                "--format=%(objectmode) %(path)",
                "main"
            )
            let expected = [
                "100644 .orch/config.json", "100644 README", "100644 a dir/ü ¡.txt", "100644 committed.txt",
                "120000 link", "100644 staged", "100644 there.txt", "100755 tool", "100644 verify.sh",
            ]
            #expect(tree == expected)
            #expect(world.events("work.collected", "T-1").map { $0.params["committed_leftovers"] } == [true])
            #expect(
                try repository.git("log", "-1", "--format=%an <%ae>%n%B", "main")
                    == "Uma User <uma@example.org>\nDo: several \u{201C}things\u{201D}\n\nBody.\n\nMore.\n\n"
                    + "Orch-Ticket: T-1\nOrch-Profile: script\n"
            )
            // The user's checkout shows it, and nothing else.
            #expect(try repository.git("status", "--porcelain") == "")
            #expect(repository.read("a dir/ü ¡.txt") == "ü\n")
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func hostileOutputIsKeptByteForByteAndHarmsNobody() throws {
        try World.run { world in
            let repository = try world.repository()
            let bytes: [UInt8] =
                Array("before\u{1B}[2J\u{1B}]0;title\u{07}\u{2028}".utf8) + [0xFF, 0xFE, 0x00, 0xC3, 0x28, 0x0A]
                + Array(repeating: UInt8(ascii: "x"), count: 200_000)
            try Data(bytes).write(to: URL(fileURLWithPath: world.folder + "/bytes"))
            try world.agent("T-1", "cat \"$WORLD/bytes\"; cat \"$WORLD/bytes\" >&2; echo a > a.txt")
            let listener = try world.newClient()
            try listener.subscribe(topics: ["output"])
            try world.enqueue(repository, ["title": "Weird"])
            try world.waitUntilLanded(["T-1"])
            #expect(try world.output(of: "T-1.1") == bytes)
            #expect(try world.output(of: "T-1.1", stream: "stderr", step: 999) == bytes)
            var sizes: [Int] = []
            while sizes.last != bytes.count {
                guard case .notification(let line)? = try listener.next(timeout: patience) else { break }
                if line.params["run"] == "T-1.1", let size = line.params["stdout"]?.intValue { sizes.append(size) }
            }
            #expect(sizes.last == bytes.count)
            let error = try world.refusal("output.read", ["run": "T-1.99", "offset": 0])
            #expect(error.code == .notFound, "\(error)")
            #expect(try world.refusal("output.read", ["run": "../../x.1", "offset": 0]).code != .internal)
        }
    }

    @Test func anAgentIsGivenWhatTheDesignSaysAndNothingElse() throws {
        try World.run { world in
            // The daemon's own environment holds a secret; the agent's does not.
            try world.quit()
            world.environment["SECRET_TOKEN"] = "hunter2"
            world.environment["LANG"] = "C.UTF-8"
            try world.restart()
            let repository = try world.repository("re po ü")
            try world.agent(
                "X.1_y",
                "env > env.txt; cat \"$ORCH_PROMPT_FILE\" > prompt.txt; pwd > pwd.txt; cat > in.txt"
            )
            try world.enqueue(repository, ["id": "X.1_y", "title": "Ünï title!", "description": "Line one\n  two"])
            try world.waitUntilLanded(["X.1_y"])
            let pairs = (repository.file("env.txt") ?? "").split(separator: "\n").compactMap { line in
                line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
            }
            let environment = Dictionary(pairs) { $1 }
            #expect(repository.file("prompt.txt") == "Line one\n  two\n")
            #expect(repository.file("in.txt") == "")
            let worktree = "\(world.state)/worktrees/w1\n"
            #expect(repository.file("pwd.txt") == worktree)
            #expect(environment["ORCH_WORKTREE"].map { $0 + "\n" } == worktree)
            #expect(environment["ORCH_TICKET"] == "X.1_y")
            #expect(environment["ORCH_TITLE"] == "Ünï title!")
            #expect(environment["ORCH_ATTEMPT"] == "1")
            #expect(environment["ORCH_RUN"] == "X.1_y.1")
            #expect(environment["ORCH_BRANCH"]?.hasPrefix("agent-1/X.1_y") == true)
            #expect(environment["ORCH_FEEDBACK_FILE"] == nil)
            #expect(environment["GIT_AUTHOR_NAME"] == "Uma User")
            #expect(environment["LANG"] == "C.UTF-8")
            #expect(environment["HOME"] == "\(world.folder)/home")
            #expect(environment["SECRET_TOKEN"] == nil)
            #expect(environment["ORCH_STATE_DIR"] == nil)
        }
    }
}
