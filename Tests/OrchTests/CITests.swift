import Foundation
import Glibc
import IPC
import Testing

/// `orch ci run`: a commit is judged without a daemon.
@Suite struct CITests {
    @Test func aCommitIsJudgedInACleanCheckout() throws {
        let world = try World()
        let config = """
            {"setup": {"command": ["sh", "-c", "echo made > made"], "copy": [".env"]},
             "verifiers": [{"name": "slow", "command": ["sh", "-c", "echo $ORCH_COMMIT; ls -A"]},
                           {"name": "first", "command": ["true"], "quick": true}]}
            """
        try world.write("repo/.orch/config.json", config)
        try world.write("repo/.gitignore", ".env\nmade\n")
        try world.commit("configuration")
        try world.write("repo/.env", "secret")
        try world.write("repo/uncommitted", "")
        let call = try world.orch("ci", "run")
        #expect(call.status == 0, "\(call.output)\(call.error)")
        let names = call.lines.map { $0.prefix { $0 != ":" } }
        #expect(names.prefix(3) == ["setup", "first", "slow"], "\(call.output)")
        let commit = try world.git("rev-parse", "HEAD").trimmingCharacters(in: .newlines)
        let json = try JSONValue(parsing: try world.read("repo/.git/ci-status/\(commit).json"))
        #expect(json["status"] == "PASS")
        let log = try #require(json["verifiers"]?.arrayValue?.last?["log"]?.stringValue)
        #expect(
            try String(contentsOfFile: log, encoding: .utf8)
                == "\(commit)\n.env\n.git\n.gitignore\n.orch\nREADME\nmade\n"
        )
        // Nothing of it is the daemon's, which finds a state directory that nobody has used.
        #expect(try world.orch("init").status == 0)
        #expect(try world.git("status", "--porcelain") == "?? uncommitted\n")
    }

    @Test func aRedCommitEndsWithOneAndAnUnknownOneWithFour() throws {
        let world = try World()
        try world.write("repo/ci.sh", "echo told $1; echo no good >&2; exit 7\n")
        try world.commit("a script")
        let commit = try world.git("rev-parse", "HEAD").trimmingCharacters(in: .newlines)
        let red = try world.orch("ci", "run", "--commit", "main")
        #expect(red.status == 1)
        #expect(red.lines.contains("    told \(commit)") && red.lines.contains("    no good"), "\(red.output)")
        #expect(red.lines.contains("FAIL \(commit.prefix(10)): ci: exit 7"), "\(red.output)")
        let json = try world.orch("ci", "run", "--json").json
        #expect(json["status"] == "FAIL" && json["verifiers"]?.arrayValue?.first?["exit"] == 7)
        let unknown = try world.orch("ci", "run", "--commit", "nothing")
        #expect(unknown.status == 4 && unknown.error.contains("there is no commit "), "\(unknown.error)")
    }

    @Test func whatNothingCanJudgeHasNotPassed() throws {
        let world = try World()
        let none = try world.orch("ci", "run")
        #expect(none.status == 1 && none.output.contains("no verifier is configured"), "\(none.output)")
        try world.write(
            "repo/.orch/config.json",
            #"{"verifiers": [{"name": "t", "command": ["sh", "-c", "echo x > README"]}]}"#
        )
        try world.commit("a verifier that writes")
        let changed = try world.orch("ci", "run")
        #expect(changed.status == 1, "\(changed.output)")
        #expect(changed.output.contains("the verifiers changed the tree they judged (README)"), "\(changed.output)")
        try world.write("repo/.orch/config.json", "{")
        try world.commit("no JSON")
        #expect(try world.orch("ci", "run").output.contains("ERROR"))
    }

    @Test func theTargetBranchSaysWhatJudges() throws {
        let world = try World()
        try world.write("repo/ci.sh", "echo judged by main; exit 1\n")
        try world.commit("a script")
        try world.git("checkout", "-q", "-b", "lenient")
        try world.write("repo/.orch/config.json", #"{"verifiers": [{"name": "lenient", "command": ["true"]}]}"#)
        try world.commit("lenient")
        try world.git("checkout", "-q", "main")
        let call = try world.orch("ci", "run", "--commit", "lenient")
        #expect(call.status == 1 && call.output.contains("judged by main"), "\(call.output)")
    }

    /// A repository whose verifier notes that it ran, and passes.
    private func counted() throws -> (World, runs: () throws -> Int) {
        let world = try World()
        let judge = #"echo run >> "$HOME/ran"; ! grep -q BROKEN README"#
        try world.write("repo/judge.sh", judge + "\n")
        try world.write(
            "repo/.orch/config.json",
            #"{"verifiers": [{"name": "t", "command": ["sh", "judge.sh"]}], "setup": {"copy": [".env"]}}"#
        )
        try world.write("repo/.gitignore", ".env\n")
        try world.write("repo/.env", "one")
        try world.commit("a verifier that counts")
        return (world, { (try? world.read("home/ran").split(separator: "\n").count) ?? 0 })
    }

    @Test func whatHasPassedIsNotRunAgainForTheSameTree() throws {
        let (world, runs) = try counted()
        let first = try world.orch("ci", "run", "--json").json
        #expect(first["status"] == "PASS" && first["reused"] == nil)
        try world.git("commit", "-q", "--allow-empty", "-m", "the same tree")
        let again = try world.orch("ci", "run")
        #expect(again.status == 0 && again.lines.first?.hasPrefix("reused: ") == true, "\(again.output)\(again.error)")
        #expect(try runs() == 1)
        let commit = try world.git("rev-parse", "HEAD").trimmingCharacters(in: .newlines)
        let status = try JSONValue(parsing: try world.read("repo/.git/ci-status/\(commit).json"))
        #expect(status["commit"] == .string(commit) && status["status"] == "PASS")
        #expect(status["verifiers"] == first["verifiers"] && status["reused"]?["commit"] == first["commit"])
        #expect(status["reused"]?["time"]?.stringValue?.hasSuffix("Z") == true)
        #expect(try world.orch("ci", "run", "--again", "--json").json["reused"] == nil)
        #expect(try runs() == 2)
    }

    @Test func whatDiffersInAnythingIsRunAndAFailIsNeverKept() throws {
        let (world, runs) = try counted()
        func judged(_ what: String, _ status: Int32 = 0) throws {
            let before = try runs()
            #expect(try world.orch("ci", "run").status == status)
            #expect(try runs() == before + 1, "\(what)")
        }
        try judged("first")
        try world.write("repo/.env", "two")
        try judged("what is copied")
        let config = try world.read("repo/.orch/config.json").replacing("judge.sh", with: "./judge.sh")
        try world.write("repo/.orch/config.json", config)
        try world.commit("another command")
        try judged("the command")
        try world.write("repo/README", "BROKEN\n")
        try world.commit("broken")
        try judged("a FAIL", 1)
        try judged("a FAIL again", 1)
        // An entry that is not what was written counts for nothing.
        try world.git("revert", "--no-edit", "HEAD")
        _ = try world.shell("for f in $(find ../state/ci/passes -type f); do echo '{}' > $f; done")
        try judged("a damaged entry")
    }

    @Test func oldRunFoldersArePrunedAndNoneThatRuns() throws {
        let world = try World(approve: "human")
        #expect(try world.orch("run", "--title", "One", "--wait").status == 1)
        #expect(try world.orch("ci", "run").status == 0)
        let hangs = #"{"verifiers": [{"name": "t", "command": ["sh", "-c", "echo > ~/running; exec sleep 600"]}]}"#
        try world.write("repo/.orch/config.json", hangs)
        try world.commit("a verifier that hangs")
        let recent = "find \"$ORCH_STATE_DIR/ci/runs\" -mindepth 2 -name 'ci-*' -newerct '2 seconds ago' | grep -q ."
        let script = """
            "$ORCH" ci run > "$HOME/out" & orch=$!
            until [ -s "$HOME/running" ] && ! \(recent); do sleep 0.1; done
            "$ORCH" prune --older-than 30d --dry-run
            "$ORCH" prune --older-than 1s --dry-run
            "$ORCH" prune --older-than 1s
            ls -d "$ORCH_STATE_DIR"/ci/runs/*/ci-* | wc -l
            kill -TERM $orch; wait $orch
            """
        let call = try world.shell(script)
        let mentions = call.lines.filter { $0.contains("ci/runs/") }
        #expect(mentions.map { $0.prefix { $0 != ":" } } == ["would go", "gone"], "\(call.output)\(call.error)")
        #expect(call.lines.last == "1", "\(call.output)\(call.error)")
        // So has the PASS of the first.
        let passes = call.lines.filter { $0.contains("pass ci/passes/") }
        #expect(passes.map { $0.prefix { $0 != ":" } } == ["would go", "gone"], "\(call.output)\(call.error)")
    }

    @Test func whatIsEndedLeavesNothingThatRuns() throws {
        let world = try World()
        // Whatever of it is alive has the lock.
        try world.write("repo/ci.sh", "exec 9> \"$HOME/held\"; flock 9; echo > \"$HOME/running\"; exec sleep 600\n")
        try world.commit("a script that hangs")
        let begin =
            "rm -f \"$HOME/running\"; \"$ORCH\" ci run > \"$HOME/out\" & orch=$!\n"
            + "until [ -s \"$HOME/running\" ]; do sleep 0.05; done\n"
        let look = "flock -n \"$HOME/held\" echo gone || echo alive\n"
        let ended = try world.shell(begin + look + "kill -TERM $orch; wait $orch; echo \"$?\"\n" + look)
        #expect(ended.lines == ["alive", "1", "gone"], "\(ended.output)\(ended.error)")
        #expect(try world.read("home/out").contains("ERROR"))

        // One that is killed leaves its run at work. The next one ends that before it takes the checkout.
        let quick = "printf 'exit 0\\n' > ci.sh; git commit -qam quick; \"$ORCH\" ci run | head -1\n"
        let killed = try world.shell(begin + "kill -KILL $orch; wait $orch\n" + look + quick + look)
        #expect(killed.lines.first == "alive" && killed.lines.last == "gone", "\(killed.output)\(killed.error)")
        #expect(killed.lines.contains { $0.hasPrefix("ci: exit 0") }, "\(killed.output)")
    }
}
