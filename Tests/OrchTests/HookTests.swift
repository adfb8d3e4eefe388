import Foundation
import Glibc
import IPC
import Testing

/// Real pushes into a bare repository whose hook verifies them.
@Suite struct HookTests {
    private let world: World
    private var bare: String { world.root + "/bare it's.git" }

    /// A repository with a verifier, its bare clone with the hook, and no daemon.
    init() throws {
        world = try World()
        try world.write(
            "repo/.orch/config.json",
            #"{"verifiers": [{"name": "test", "command": ["sh", "judge.sh"], "timeout": "1m"}]}"#
        )
        try world.write("repo/judge.sh", "echo judging; test -z \"$GIT_DIR\" && ! grep -q BROKEN README\n")
        try world.commit("a verifier")
        try world.git("clone", "-q", "--bare", ".", bare)
        try world.git("remote", "add", "origin", bare)
    }

    private func install() throws {
        let call = try world.orch("hook", "install", "--repo", bare)
        try #require(call.status == 0, "\(call.error)")
    }

    private func commit(_ text: String) throws -> String {
        try world.write("repo/README", text + "\n")
        try world.commit(text)
        return try world.git("rev-parse", "HEAD").trimmingCharacters(in: .newlines)
    }

    /// What the pusher sees.
    private func push(_ arguments: String) throws -> String {
        let call = try world.shell("git push -q origin \(arguments) 2>&1")
        #expect(call.status == 0, "\(call.output)")
        return call.output
    }

    private func status(_ commit: String) throws -> JSONValue? {
        guard let bytes = FileManager.default.contents(atPath: "\(bare)/ci-status/\(commit).json") else { return nil }
        #expect(bytes.filter { $0 == 0x0A }.count == 1 && bytes.last == 0x0A)
        return try JSONValue(parsing: Array(bytes.dropLast()))
    }

    @Test func aPushIsVerifiedAndThePusherTold() throws {
        try install()
        let good = try commit("good")
        let told = try push("main")
        #expect(told.contains("remote: orch: verifying refs/heads/main"), "\(told)")
        #expect(told.contains("remote: test: exit 0") && told.contains("remote: PASS \(good.prefix(10))"), "\(told)")
        let passed = try #require(try status(good))
        #expect(passed["status"] == "PASS" && passed["commit"] == .string(good))
        let tree = try world.git("rev-parse", "HEAD^{tree}").trimmingCharacters(in: .newlines)
        #expect(passed["tree"] == .string(tree))
        let check = try #require(passed["verifiers"]?.arrayValue?.first)
        #expect(check["name"] == "test" && check["status"] == "PASS" && check["exit"] == 0)
        #expect(try String(contentsOfFile: check["log"]?.stringValue ?? "", encoding: .utf8) == "judging\n")

        let bad = try commit("BROKEN")
        let complaint = try push("main")
        #expect(complaint.contains("remote:     judging"), "\(complaint)")
        #expect(complaint.contains("remote: FAIL \(bad.prefix(10)): test: exit 1"), "\(complaint)")
        #expect(try status(bad)?["status"] == "FAIL")
    }

    @Test func aForcedPushIsVerifiedAndADeletionIsNot() throws {
        try install()
        _ = try commit("first")
        _ = try push("main HEAD:other")
        try world.git("reset", "-q", "--hard", "HEAD^")
        let rewritten = try commit("BROKEN otherwise")
        #expect(try push("+main").contains("remote: FAIL \(rewritten.prefix(10))"))
        #expect(try status(rewritten)?["status"] == "FAIL")
        let told = try push(":other")
        #expect(told == "", "\(told)")
    }

    @Test func eachCommitOfAPushIsVerifiedOnceWhateverPointsAtIt() throws {
        try install()
        let first = try commit("first")
        try world.git("branch", "one")
        try world.git("tag", "-a", "-m", "annotated", "v1")
        let second = try commit("BROKEN second")
        try world.git("branch", "two")
        try world.git("tag", "of-a-file", "HEAD:README")
        try world.git("update-ref", "refs/elsewhere/three", "HEAD~2")
        let told = try push("one two v1 of-a-file refs/elsewhere/three")
        let verdicts = told.split(separator: "\n").filter { $0.contains("PASS") || $0.contains("FAIL") }
        #expect(verdicts.count == 2, "\(told)")
        #expect(told.contains("PASS \(first.prefix(10))") && told.contains("FAIL \(second.prefix(10))"), "\(told)")
    }

    @Test func aHookThatWasThereGoesOnWorking() throws {
        let hook = "\(bare)/hooks/post-receive"
        let before = "#!/bin/sh\n{ echo \"$GIT_DIR\"; cat; } >> \"$GIT_DIR/seen\"; echo the old hook speaks\nexit 3\n"
        try Data(before.utf8).write(to: URL(fileURLWithPath: hook))
        chmod(hook, 0o755)
        let old = try world.git("rev-parse", "HEAD").trimmingCharacters(in: .newlines)
        // Asked twice, it is there once.
        try install()
        try install()
        let good = try commit("good")
        let told = try push("main")
        #expect(told.contains("remote: the old hook speaks") && told.contains("remote: PASS"), "\(told)")
        #expect(told.split(separator: "\n").filter { $0.contains("PASS") }.count == 1)
        #expect(try String(contentsOfFile: bare + "/seen", encoding: .utf8) == ".\n\(old) \(good) refs/heads/main\n")
        #expect(try String(contentsOfFile: hook + ".before-orch", encoding: .utf8) == before)

        // Somebody has put another in our place: neither is lost.
        try Data("#!/bin/sh\necho a third\n".utf8).write(to: URL(fileURLWithPath: hook))
        let refused = try world.orch("hook", "install", "--repo", bare)
        #expect(refused.status == 1 && refused.error.contains("is there already"), "\(refused.error)")
        #expect(try String(contentsOfFile: hook, encoding: .utf8).contains("a third"))
    }

    /// Over ssh, a hook has next to none of the environment that it was installed in.
    @Test func whoeverPushesTheHookUsesTheInstallersStateAndConfiguration() throws {
        try world.write("own-config.json", #"{"verificationSlots": 1}"#)
        let installed = try world.shell(
            "ORCH_CONFIG=\"\(world.root)/own-config.json\" $ORCH hook install --repo \"\(bare)\""
        )
        try #require(installed.status == 0, "\(installed.error)")
        let hook = try String(contentsOfFile: "\(bare)/hooks/post-receive", encoding: .utf8)
        #expect(hook.contains("'--state-dir' '\(world.state)' '--config' '\(world.root)/own-config.json'"), "\(hook)")
        let good = try commit("good")
        let call = try world.shell("env -u ORCH_STATE_DIR git push -q origin main 2>&1")
        #expect(call.output.contains("PASS \(good.prefix(10))"), "\(call.output)")
        #expect(FileManager.default.fileExists(atPath: world.state + "/ci"))
        #expect(!FileManager.default.fileExists(atPath: world.home + "/.local"))
    }

    @Test func hooksThatAreSharedAreRefused() throws {
        try world.git("config", "core.hooksPath", world.root + "/shared", at: bare)
        let refused = try world.orch("hook", "install", "--repo", bare)
        #expect(
            refused.status == 2 && refused.error.contains("core.hooksPath is \(world.root)/shared"),
            "\(refused.error)"
        )
        #expect(!FileManager.default.fileExists(atPath: world.root + "/shared"))
        // Its own are its own, wherever in it they are.
        try world.git("config", "core.hooksPath", bare + "/my-hooks", at: bare)
        try install()
        _ = try commit("good")
        #expect(try push("main").contains("remote: PASS"))
    }

    @Test func whatIsNoBareRepositoryIsRefused() throws {
        let checkout = try world.orch("hook", "install", "--repo", world.repository)
        #expect(checkout.status == 2 && checkout.error.contains("is not bare"), "\(checkout.error)")
        let nothing = try world.orch("hook", "install", "--repo", world.root + "/nowhere")
        #expect(nothing.status == 4, "\(nothing.error)")
    }

    @Test func anOrchThatIsGoneIsSaidAndThePushHolds() throws {
        try install()
        let hook = "\(bare)/hooks/post-receive"
        let text = try String(contentsOfFile: hook, encoding: .utf8).replacing(World.orch, with: "/nowhere/orch")
        try Data(text.utf8).write(to: URL(fileURLWithPath: hook))
        let good = try commit("good")
        #expect(try push("main").contains("remote: orch: there is no /nowhere/orch any more"))
        #expect(try world.git("rev-parse", "main", at: bare).hasPrefix(good))
    }
}
