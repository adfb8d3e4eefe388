import Daemon
import Foundation
import Glibc
import IPC
import Testing

/// A user of orch: a home, a git repository and the real `orch`, in a temporary directory that goes with it.
final class World {
    /// How a call of orch ended.
    struct Call {
        let status: Int32
        let output: String
        let error: String

        /// Standard output, which has to be one JSON value on one line.
        var json: JSONValue {
            get throws {
                #expect(output.hasSuffix("\n") && output.dropLast().allSatisfy { $0 != "\n" })
                return try JSONValue(parsing: output)
            }
        }
        var lines: [String] { output.split(separator: "\n").map(String.init) }

        /// For what is only a step on the way.
        func expectSuccess() throws { try #require(status == 0, "\(output)\(error)") }
    }

    let root: String
    var home: String { root + "/home" }
    var repository: String { root + "/repo" }
    var state: String { root + "/state" }
    /// Beside the test program, where the build puts it.
    static let orch: String = {
        let ourselves = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: ourselves ?? "").deletingLastPathComponent().path + "/orch"
    }()

    /// A repository with one commit, and no configuration at all.
    init() throws {
        var template = Array("/tmp/orch-cli-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try FileManager.default.createDirectory(atPath: home + "/.config/orch", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: repository, withIntermediateDirectories: true)
        try git("init", "-q", "-b", "main")
        try write("repo/README", "hello\n")
        try commit("one")
    }

    deinit {
        _ = try? orch("quit", "--on-stop", "halt")
        try? FileManager.default.removeItem(atPath: root)
    }

    /// With an agent that adds a file of its ticket's name, and a repository that is set up, trusted and verified.
    convenience init(approve: String, agent: String = "echo done by $ORCH_TICKET > \"$ORCH_TICKET.txt\"") throws {
        try self.init()
        try configure(agent: agent)
        try write(
            "repo/.orch/config.json",
            #"{"approve": "\#(approve)", "verifiers": [{"name": "test", "command": ["test", "-f", "README"]}]}"#
        )
        try commit("configuration")
        let call = try orch("init", "--trust")
        try #require(call.status == 0, "\(call.error)")
    }

    /// The user's configuration, with an agent that runs a shell script.
    func configure(agent: String) throws {
        try write("agent.sh", "#!/bin/sh\n\(agent)\n", mode: 0o755)
        try write(
            "home/.config/orch/config.json",
            #"{"agents": 2, "profiles": {"script": {"command": ["\#(root)/agent.sh"], "timeLimit": "1m"}}}"#
        )
    }

    func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
        let url = URL(fileURLWithPath: root + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: URL(fileURLWithPath: root + "/" + name), encoding: .utf8)
    }

    @discardableResult
    func git(_ arguments: String..., at directory: String? = nil) throws -> String {
        let call = try run(["/usr/bin/env", "git"] + arguments, at: directory ?? repository)
        try #require(call.status == 0, "git \(arguments): \(call.error)")
        return call.output
    }

    func commit(_ message: String) throws {
        try git("add", "-A")
        try git("commit", "-q", "-m", message)
    }

    // MARK: orch

    /// Calls orch in the repository, as a user would without a terminal.
    @discardableResult
    func orch(_ arguments: String..., at directory: String? = nil) throws -> Call {
        try run([Self.orch] + arguments, at: directory ?? repository)
    }

    /// Runs a line of shell, in which `$ORCH` is orch.
    func shell(_ line: String) throws -> Call { try run(["/bin/sh", "-c", line], at: repository) }

    private func run(_ arguments: [String], at directory: String) throws -> Call {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        var command = ShellCommand(
            arguments,
            environment: [
                "HOME=\(home)", "PATH=\(path)", "LANG=C.UTF-8", "ORCH_STATE_DIR=\(state)", "ORCH=\(Self.orch)",
                "TZ=UTC",
                "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b",
                "GIT_CONFIG_NOSYSTEM=1",
            ],
            directory: directory
        )
        command.timeout = .seconds(120)
        let output = try command.run()
        try #require(
            !output.timedOut,
            "\(arguments) did not end: \(String(decoding: output.standardOutput, as: UTF8.self))"
        )
        return Call(
            status: output.exitCode,
            output: String(decoding: output.standardOutput, as: UTF8.self),
            error: String(decoding: output.standardError, as: UTF8.self)
        )
    }
}
