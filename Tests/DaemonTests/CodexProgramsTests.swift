import Core
import Foundation
import Testing

@testable import Daemon

/// Codex is driven through its app server where it has one.
struct CodexProgramsTests {
    private let folder: StateFolder
    private let programs = CodexPrograms()
    private var path: String { folder.path + "/codex" }

    init() throws { folder = try StateFolder() }

    private func install(_ body: String) throws {
        try Data("#!/bin/sh\necho \"$@\" >> \"\(folder.path)/asked\"\n\(body)\n".utf8).write(
            to: URL(fileURLWithPath: path + ".new")
        )
        chmod(path + ".new", 0o755)
        #expect(rename(path + ".new", path) == 0)
    }

    private func kind(_ kind: AgentProfile.Kind = .codex, command: [String]? = nil) -> AgentProfile.Kind {
        var profile = AgentProfile(kind: kind)
        profile.command = command ?? [path]
        let environment = ["PATH": folder.path + ":/usr/bin:/bin"]
        return programs.driven(profile, environment: environment, directory: folder.path).kind
    }

    private var asked: Int {
        let text = (try? String(contentsOfFile: folder.path + "/asked", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").count
    }

    @Test func oneThatHasAnAppServerIsAskedOnceAndKeepsIt() throws {
        try install("echo 'Usage: codex app-server [OPTIONS] [COMMAND]'")
        #expect(kind() == .codex && kind() == .codex && kind(command: ["codex"]) == .codex)
        #expect(asked == 1)
    }

    @Test func oneOfBeforeIsDrivenByItsExecUntilItIsReplaced() throws {
        try install("printf 'Codex CLI\\n\\nUsage: codex [OPTIONS] [PROMPT]\\n\\nCommands:\\n  exec\\n'")
        #expect(kind() == .codexExec && kind() == .codexExec)
        #expect(asked == 1)
        try install("echo 'Usage: codex app-server'")
        #expect(kind() == .codex)
        #expect(asked == 2)
    }

    @Test func whatStartsOthersIsAskedForEach() throws {
        try install("case $1 in old) echo 'Usage: codex [OPTIONS]' ;; *) echo 'Usage: codex app-server' ;; esac")
        #expect(kind(command: [path, "old"]) == .codexExec && kind(command: [path, "new"]) == .codex)
        #expect(kind(command: [path, "old"]) == .codexExec)
        #expect(asked == 2)
    }

    @Test(arguments: ["exit 3", "kill -9 $$", "echo 'no such file' >&2; exit 127"])
    func oneThatDoesNotSayIsStartedAsItIsConfigured(_ body: String) throws {
        try install(body)
        #expect(kind() == .codex && kind() == .codex)
        #expect(asked == 2, "it may say next time")
    }

    @Test func nothingElseIsAsked() throws {
        try install("echo 'Usage: codex [OPTIONS]'")
        #expect(kind(.codexExec) == .codexExec && kind(.claude) == .claude)
        #expect(kind(command: ["no-such-program"]) == .codex)
        #expect(asked == 0)
    }
}
