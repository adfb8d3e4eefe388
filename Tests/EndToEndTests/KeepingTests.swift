import Foundation
import Glibc
import IPC
import Testing

@Suite("What is kept and brought back, end to end", .ownThread)
struct KeepingTests {
    @Test func commitsAnAgentResetAwayComeBackWithABranch() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("reset")
            try world.agent(
                "T-1",
                """
                echo lost > lost.txt; git add -A; git commit -qm 'Lost work'
                git rev-parse HEAD > "$WORLD/lost"
                git reset -q --hard HEAD~1
                echo rest > rest.txt
                read go < "$WORLD/gates/reset"
                """
            )
            try world.enqueue(repository, ["locks": ["*.txt"]])
            let visitor = try gate.arrival()
            try world.command("stop", "T-1")
            try world.wait(for: "T-1", "stopped")
            visitor.leave()
            let lost = try String(contentsOfFile: world.folder + "/lost", encoding: .utf8).dropLast()

            let list = try world.ask("snapshot.list", ["ticket": "T-1"])["snapshots"]?.arrayValue ?? []
            #expect(list.map { $0["reason"] } == ["stopped"])
            let restored = try world.ask("snapshot.restore", ["ticket": "T-1"])
            #expect(restored["branch"] == "orch/restore/T-1-1")
            #expect(repository.file("rest.txt", at: "orch/restore/T-1-1") == "rest\n")
            try repository.git("merge-base", "--is-ancestor", String(lost), "orch/restore/T-1-1")
            #expect(repository.file("lost.txt", at: String(lost)) == "lost\n")
            // Once more would overwrite the branch.
            #expect(try world.refusal("snapshot.restore", ["ticket": "T-1"]).code == .refused)
            let missing = try world.refusal("snapshot.restore", ["ticket": "T-1", "snapshot": 9])
            #expect(missing.code == .notFound && missing.hint == "there are: 1")
        }
    }

    @Test func aCancelledTicketComesBackInAWorktreeByteForByte() throws {
        try World.run { world in
            let policy: JSONObject = ["approve": "auto", "snapshot": ["ignored": [".env"]]]
            let repository = try world.repository("repo", policy, files: [".gitignore": ".env\n"])
            let gate = try world.gate("cancel")
            try world.agent(
                "T-1",
                """
                echo one > committed.txt; git add -A; git commit -qm mine
                echo staged > staged.txt; git add staged.txt; echo more >> staged.txt
                mkdir -p 'deep er/ü'; printf '\\0\\377bytes' > 'deep er/ü/new'; ln -s /nowhere link
                echo secret > .env; chmod +x committed.txt; rm README
                git init -q nested; (cd nested; echo n > n; git add n; git commit -qm nested)
                cp -a . "$WORLD/copy"
                read go < "$WORLD/gates/cancel"
                """
            )
            try world.enqueue(repository, ["locks": ["**"]])
            let visitor = try gate.arrival()
            try world.command("cancel", "T-1")
            try world.wait(for: "T-1", "cancelled")
            visitor.leave()
            try world.wait(forEvent: "ticket.tidied", "T-1")
            #expect(try repository.agentWorktrees() == [])
            let noted = world.events("snapshot.noted", "T-1").first?.params["notes"]?.arrayValue
            #expect(noted == ["the nested repository nested is in the archive"])

            let place = world.folder + "/back"
            let restored = try world.ask("snapshot.restore", ["ticket": "T-1", "worktree": .string(place)])
            #expect(restored["worktree"] == .string(place))
            let compare = ["-r", "--no-dereference", "--exclude=.git", world.folder + "/copy", place]
            let diff = try EndToEndTests.run(["/usr/bin/diff"] + compare, environment: [:])
            #expect(diff.code == 0, "\(diff.output)\(diff.error)")
            let status = try EndToEndTests.run(
                ["/usr/bin/git", "status", "--porcelain"],
                environment: world.environment,
                directory: place
            )
            #expect(status.output.contains("AM staged.txt\n"), "\(status.output)")
            #expect(access(place + "/committed.txt", X_OK) == 0)
            let again = try world.refusal("snapshot.restore", ["ticket": "T-1", "worktree": .string(place)])
            #expect(again.code == .refused)
        }
    }

    @Test func aRestorationThatWasCutShortIsAskedForAgain() throws {
        try World.run { world in
            let repository = try world.repository("repo", files: [".gitattributes": "*.slow filter=slow\n"])
            let (gate, smudge) = (try world.gate("written"), try world.gate("smudge"))
            try repository.git("config", "filter.slow.clean", "cat")
            try repository.git("config", "filter.slow.smudge", "read go < '\(smudge.path)'; cat")
            try world.agent("T-1", "echo a > a.txt; echo b > b.slow; read go < \"$WORLD/gates/written\"")
            try world.enqueue(repository, ["locks": ["**"]])
            let visitor = try gate.arrival()
            try world.command("stop", "T-1")
            try world.wait(for: "T-1", "stopped")
            visitor.leave()

            let place = world.folder + "/back"
            let client = try RawClient(world.socket)
            let params = #"{"ticket":"T-1","worktree":"\#(place)"}"#
            try client.send(#"{"jsonrpc":"2.0","id":1,"method":"snapshot.restore","params":\#(params)}"# + "\n")
            // The files are being written, and it is killed.
            let git = try smudge.arrival()
            try world.kill9()
            git.letThrough()
            try repository.git("config", "filter.slow.smudge", "cat")
            try world.restart()
            let restored = try world.ask("snapshot.restore", ["ticket": "T-1", "worktree": .string(place)])
            #expect(restored["branch"] == "orch/restore/T-1-1")
            #expect(try String(contentsOfFile: place + "/b.slow", encoding: .utf8) == "b\n")
            let trash = try FileManager.default.contentsOfDirectory(atPath: world.state + "/trash")
            #expect(trash.contains("back.1"), "\(trash)")
            // This one came to its end, and is the user's.
            let again = try world.refusal("snapshot.restore", ["ticket": "T-1", "worktree": .string(place)])
            #expect(again.code == .refused)
        }
    }

    @Test func pruningIsToldWhatIsOldAndLeavesWhatIsNeeded() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human"])
            for id in ["DONE", "WAITS"] {
                try world.agent(id, "echo \(id); echo \(id) > \(id).txt; git init -q nested; echo x > nested/x")
                try world.enqueue(repository, ["id": .string(id), "locks": [.string("\(id).txt")]])
                try world.wait(for: id, "awaiting_approval")
            }
            try world.command("cancel", "DONE")
            try world.wait(forEvent: "ticket.tidied", "DONE")
            func snapshots() throws -> [String] {
                try world.ask("snapshot.list")["snapshots"]?.arrayValue?.map {
                    "\($0["ticket"]?.stringValue ?? "") \($0["number"]?.intValue ?? 0)"
                } ?? []
            }
            let all = try snapshots()
            #expect(all == ["DONE 1", "DONE 2", "WAITS 1"])
            #expect(try world.refusal("prune").code == .invalidParams)
            #expect(try world.refusal("prune", ["olderThan": "soon"]).code == .invalidParams)

            // Everything is younger than a day.
            let young = try world.ask("prune", ["olderThan": "1d"])
            #expect(young["pruned"] == [])
            // A moment later everything is older than nothing; git counts whole seconds.
            try poll(for: "a second to be over") {
                let result = try world.ask("prune", ["olderThan": "0s", "dryRun": true])
                return result["snapshot"]?["count"] == 2 && (result["run"]?["count"]?.intValue ?? 0) >= 2
            }
            #expect(try snapshots() == all)
            let disk = try world.ask("ticket.show", ["ticket": "DONE", "disk": true])["disk"]
            #expect(disk?["archives"]?.intValue ?? 0 > 0 && disk?["runs"]?.intValue ?? 0 > 0)
            #expect(disk?["worktree"] == 0 && disk?["at_least"] == false)

            let gone = try world.ask("prune", ["olderThan": "0s", "repository": .string(repository.path)])
            #expect(gone["failed"] == [])
            #expect(try snapshots() == ["WAITS 1"])
            let archives = try FileManager.default.contentsOfDirectory(atPath: world.state + "/archives")
            #expect(archives == ["WAITS-1.tar"])
            #expect(try world.refusal("output.read", ["run": "DONE.1", "offset": 0]).code == .gone)
            #expect(try world.text(of: "WAITS.1") == "WAITS\n")
            let empty = try world.ask("ticket.show", ["ticket": "DONE", "disk": true])["disk"]
            #expect(empty?["total"] == 0)
            // What was left still works.
            try world.command("approve", "WAITS")
            try world.waitUntilLanded(["WAITS"])
        }
    }
}
