import Foundation
import Glibc
import IPC
import Testing

@Suite("Verification, end to end", .ownThread)
struct VerificationTests {
    private let judge = """
        n=0; while [ $n -lt 20000 ]; do echo "test $n ok"; n=$((n + 1)); done
        if grep -q BROKEN *.txt; then echo "a.txt is BROKEN, the end"; exit 7; fi
        """

    @Test func aRedVerifierGoesBackToTheAgentWithTheEndOfItsLog() throws {
        try World.run { world in
            let repository = try world.repository(verify: judge)
            try world.agent(
                "T-1",
                """
                if [ $ORCH_ATTEMPT = 1 ]; then echo BROKEN > a.txt; exit; fi
                [ "$(cat a.txt)" = BROKEN ]
                cp "$ORCH_FEEDBACK_FILE" "$WORLD/feedback"; echo fine > a.txt
                """
            )
            try world.agent("STUCK", "echo BROKEN > b.txt; echo $ORCH_ATTEMPT >> b.txt")
            try world.enqueue(repository, ["locks": ["a.txt"]], ["id": "STUCK", "locks": ["b.txt"]])
            try world.waitUntilLanded(["T-1"])
            let feedback = try String(contentsOfFile: world.folder + "/feedback", encoding: .utf8)
            #expect(feedback.hasPrefix("The verifier `test` failed"))
            #expect(feedback.contains("exit 7"))
            #expect(feedback.contains("Command: sh verify.sh"))
            #expect(feedback.hasSuffix("test 19999 ok\na.txt is BROKEN, the end\n"), "…\(feedback.suffix(80))")
            #expect(!feedback.contains("test 0 ok"))
            #expect(
                world.events("ticket.sent_back", "T-1").map { $0.params["reason"] } == ["verifier test failed: exit 7"]
            )
            #expect(repository.file("a.txt") == "fine\n")

            // As often as the policy says, then a human.
            try world.wait(for: "STUCK", "needs_human_review")
            #expect(world.reason("STUCK") == "verifier test failed (run 6: exit 7), after its agent tried 2 times more")
            #expect(try world.ticket("STUCK").attempts == 3)
            #expect(try repository.landed() == ["T-1"])

            // For every tree that was judged, one file that says how.
            let statuses = try self.statuses(repository)
            #expect(statuses.values.filter { $0["status"] == "FAIL" }.count == 4)
            let landed = try repository.git("rev-parse", "main")
            let status = try #require(statuses[landed])
            #expect(status["status"] == "PASS")
            #expect(status["commit"] == .string(landed))
            #expect(try status["tree"]?.stringValue == repository.git("rev-parse", "main^{tree}"))
            let verifier = try #require(status["verifiers"]?.arrayValue?.first)
            #expect(verifier["name"] == "test")
            #expect(verifier["status"] == "PASS")
            #expect(verifier["exit"] == 0)
            #expect((verifier["seconds"]?.doubleValue ?? -1) >= 0)
            let log = try String(contentsOfFile: verifier["log"]?.stringValue ?? "", encoding: .utf8)
            #expect(log.hasPrefix("test 0 ok\n"))
            let failed = try #require(statuses.values.first { $0["status"] == "FAIL" })
            #expect(failed["verifiers"]?.arrayValue?.first?["exit"] == 7)
        }
    }

    @Test func whatHasPassedIsNotTestedForAnotherTicketNorByTheNextDaemon() throws {
        try World.run { world in
            let policy: JSONObject = ["approve": "human", "setup": ["copy": [".env"]]]
            let judge = "echo judged >> \(world.folder)/judged; ! grep -q BROKEN a.txt"
            let repository = try world.repository("repo", policy, verify: judge, files: [".gitignore": ".env\n"])
            try repository.write(".env", "one")
            func judged() -> Int {
                let text = try? String(contentsOfFile: world.folder + "/judged", encoding: .utf8)
                return text?.split(separator: "\n").count ?? 0
            }
            func bring(_ id: String, _ text: String, to state: String = "awaiting_approval") throws {
                try world.agent(id, "echo \(text) > a.txt")
                try world.enqueue(repository, ["id": .string(id)])
                try world.wait(for: id, state)
                try world.command("cancel", id)
            }
            try bring("FIRST", "same")
            #expect(judged() == 1)
            try bring("SECOND", "same")
            try world.quit()
            try world.restart()
            try bring("THIRD", "same")
            #expect(judged() == 1)
            let statuses = try self.statuses(repository)
            func commit(_ id: String) throws -> String {
                try #require(world.events("candidate.built", id).last?.params["commit"]?.stringValue)
            }
            let first = try commit("FIRST")
            let judgedThen = try #require(statuses[first])
            #expect(judgedThen["reused"] == nil)
            for id in ["SECOND", "THIRD"] {
                #expect(world.events("ticket.verified", id).map { $0.params["reused"] } == [true])
                let status = try #require(statuses[commit(id)])
                let own = try commit(id)
                #expect(status["status"] == "PASS" && status["commit"] == .string(own))
                #expect(status["tree"] == judgedThen["tree"] && status["verifiers"] == judgedThen["verifiers"])
                #expect(status["reused"]?["commit"] == .string(first) && status["reused"]?["ticket"] == "FIRST")
                #expect(status["reused"]?["time"]?.stringValue?.hasSuffix("Z") == true)
                let checks = try world.ask("ticket.checks", ["ticket": .string(id)])["runs"]?.arrayValue ?? []
                #expect(checks.map { $0["id"] } == ["FIRST.2"] && checks.first?["reused"] == true)
                #expect(checks.first?["commit"] == .string(first) && checks.first?["state"] == "passed")
            }
            let own = try world.ask("ticket.checks", ["ticket": "FIRST"])["runs"]?.arrayValue ?? []
            #expect(own.map { $0["id"] } == ["FIRST.2"] && own.first?["reused"] == nil)
            // What is copied beside the tree is another now.
            try repository.write(".env", "two")
            try bring("FOURTH", "same")
            #expect(judged() == 2)
            // And what fails is tested as often as it comes.
            try bring("RED", "BROKEN", to: "needs_human_review")
            let red = judged()
            try bring("REDDER", "BROKEN", to: "needs_human_review")
            #expect(judged() - red == red - 2)
        }
    }

    @Test func aConflictGoesBackWithItsPathsAndLandsOnceResolved() throws {
        try World.run { world in
            let repository = try world.repository(files: ["same.txt": "base\n"])
            let gate = try world.gate("late")
            try world.agent("EARLY", "echo early > same.txt")
            try world.agent(
                "LATE",
                """
                if [ $ORCH_ATTEMPT = 1 ]; then echo late > same.txt; read go < "$WORLD/gates/late"; exit; fi
                cp "$ORCH_FEEDBACK_FILE" "$WORLD/feedback"
                git merge -q main || { printf 'early\\nlate\\n' > same.txt; git add -A; git commit -qm merged; }
                """
            )
            // Without locks, so that nothing keeps them apart.
            try world.enqueue(repository, ["id": "LATE"])
            let visitor = try gate.arrival()
            try world.enqueue(repository, ["id": "EARLY"])
            try world.waitUntilLanded(["EARLY"])
            let tip = try repository.git("rev-parse", "main")
            visitor.letThrough()
            try world.waitUntilLanded(["LATE"])
            #expect(world.events("candidate.conflicted", "LATE").map { $0.params["paths"] } == [["same.txt"]])
            let feedback = try String(contentsOfFile: world.folder + "/feedback", encoding: .utf8)
            #expect(feedback.contains("- same.txt\n"))
            #expect(feedback.contains(tip))
            #expect(repository.file("same.txt") == "early\nlate\n")
            #expect(try repository.landed() == ["EARLY", "LATE"])
            #expect(try repository.lines("rev-list", "--merges", "main") == [])
            #expect(try repository.git("status", "--porcelain") == "")
            try world.expectNothingLeft(of: ["EARLY", "LATE"], in: repository)
        }
    }

    @Test func aVerifierThatChangesWhatItJudgesProvesNothing() throws {
        try World.run { world in
            let repository = try world.repository(verify: "echo tampered >> README; echo made > untracked.txt")
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "needs_human_review")
            let reason = "it could not be verified: the verifiers changed the tree they judged (README)"
            #expect(world.reason("T-1") == reason + "; have git ignore what they make")
            #expect(try statuses(repository).values.map { $0["status"] } == ["ERROR"])
            #expect(try repository.landed() == [])
            #expect(repository.read("README") == "A scratch repository\n")
        }
    }

    @Test func whatNothingHasTestedNeedsAHuman() throws {
        try World.run { world in
            let bare = try world.repository("bare", autoPolicy, verify: nil)
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(bare, [:])
            try world.wait(for: "T-1", "awaiting_approval")
            #expect(world.reason("T-1") == "no verifier is configured, so nothing has tested it")
            try world.command("approve", "T-1")
            try world.waitUntilLanded(["T-1"])

            // With a ci.sh there is a verifier.
            let script = try world.repository("ci", autoPolicy, verify: nil, files: ["ci.sh": "echo judged by ci.sh\n"])
            try world.agent("T-2", "echo a > a.txt")
            try world.enqueue(script, [:])
            try world.waitUntilLanded(["T-2"])
            #expect(try world.text(of: "T-2.2") == "judged by ci.sh\n")
        }
    }

    @Test func aChangeOfWhatVerificationMeansNeedsAHumanEvenUnderAuto() throws {
        try World.run { world in
            let repository = try world.repository()
            let changes = [
                "POLICY": "echo '{\"approve\": \"auto\"}' > .orch/config.json",
                "VERIFIER": "echo true > verify.sh", "SCRIPT": "echo true > ci.sh",
            ]
            let paths = ["POLICY": ".orch/config.json", "VERIFIER": "verify.sh", "SCRIPT": "ci.sh"]
            for (id, script) in changes {
                try world.agent(id, script)
                try world.enqueue(repository, ["id": .string(id), "locks": [.string(paths[id] ?? "")]])
            }
            for (id, path) in paths {
                try world.wait(for: id, "awaiting_approval")
                #expect(world.reason(id) == "it changes what verification means (\(path))")
            }
            // A human's word carries the trust of what lands with it.
            try world.command("approve", "POLICY")
            try world.waitUntilLanded(["POLICY"])
            try world.agent("NEXT", "echo next > next.txt")
            try world.enqueue(repository, ["id": "NEXT"])
            try world.wait(for: "NEXT", "awaiting_approval")
            #expect(world.reason("NEXT") == "no verifier is configured, so nothing has tested it")
        }
    }

    @Test func anUntrustedConfigurationExecutesNothingUntilItIsTrusted() throws {
        try World.run { world in
            let repository = try world.repository(registering: false)
            let path = JSONValue.string(repository.path)
            let known = try world.ask("repository.add", ["path": path])
            #expect(known["trusted"] == false)
            try world.agent("T-1", "echo ran >> \"$WORLD/ran\"; echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "needs_human_review")
            #expect(world.reason("T-1").contains("is not trusted; look at it, then run: orch trust"))
            #expect(!world.happened("run.requested"))
            try world.ask("repository.trust", ["path": path])
            try world.waitUntilLanded(["T-1"])

            // Trust is for this content. Changed by hand, it is asked for again.
            try repository.commit([
                ".orch/config.json":
                    #"{"approve":"auto","verifiers":[{"name":"other","command":["sh","-c","echo other"]}]}"#
            ])
            try world.agent("T-2", "echo b > b.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-2", "needs_human_review")
            try world.ask("repository.trust", ["path": path])
            #expect(world.happened("target.moved"))
            try world.waitUntilLanded(["T-2"])
            #expect(try world.text(of: "T-2.2") == "other\n")

            // One that cannot be read stops everything, and says where.
            try repository.commit([".orch/config.json": "{\n  \"approv\": \"auto\"\n}\n"])
            try world.agent("T-3", "echo c > c.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-3", "needs_human_review")
            #expect(world.reason("T-3").contains(".orch/config.json:2"), "\(world.reason("T-3"))")
            #expect(world.reason("T-3").contains("approve"), "\(world.reason("T-3"))")
        }
    }

    private func statuses(_ repository: ScratchRepository) throws -> [String: JSONValue] {
        let folder = repository.commonDirectory + "/ci-status"
        var found: [String: JSONValue] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".json") {
            let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
            found[String(name.dropLast(5))] = try JSONValue(parsing: Array(bytes.dropLast()))
        }
        return found
    }
}
