import Core
import Foundation
import Glibc
import IPC
import Testing

@testable import Orch

/// What needs no daemon: help, usage, files, and a clear word where the daemon is missing.
@Suite struct CommandLineTests {
    let world: World

    init() throws { world = try World() }

    @Test func `orch alone prints help, and every subcommand has its own`() throws {
        let help = try world.orch()
        #expect(help.status == 0 && help.error.isEmpty)
        let commands = [
            "init", "trust", "doctor", "config", "hook", "daemon", "status", "quit", "socket", "backup", "run",
            "enqueue", "new", "import", "edit", "validate",
            "tui", "list", "show", "timeline", "watch", "logs", "diff", "checks", "agents", "locks", "costs", "report",
            "ci",
            "experiment",
            "approve", "request-changes", "reject", "steer", "continue", "stop", "retry", "cancel", "budget",
            "permissions", "answer", "halt", "resume", "snapshots", "restore", "prune", "completions", "mcp",
        ]
        let listed = help.lines.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }.compactMap {
            $0.split(separator: " ").first.map(String.init)
        }
        #expect(listed == ["--version", "-h,"] + commands + ["See"])
        for command in commands {
            let own = try world.orch(command, "--help")
            #expect(own.status == 0 && own.output.hasPrefix("OVERVIEW: "), "\(command)")
        }
        #expect(try world.orch("--version").output.hasPrefix("orch 0.1.0 (commit "))
    }

    @Test func `a line that cannot be understood exits with 2, one sentence and the usage`() throws {
        let typo = try world.orch("list", "--al")
        #expect(typo.status == 2 && typo.output.isEmpty)
        #expect(typo.error == "orch: unknown option '--al'. Did you mean '--all'?\nhint: usage: orch list [--all]\n")
        for line in [
            ["frob"], ["approve"], ["prune"], ["restore"], ["restore", "T-1", "0"], ["reject", "T-1"], ["run"],
            ["status", "A", "B"], ["daemon", "--on-stop", "x"],
        ] {
            let call = try world.shell("\"$ORCH\" \(line.joined(separator: " "))")
            #expect(call.status == 2 && call.output.isEmpty && call.error.hasPrefix("orch: "), "\(line)")
        }
        let json = try world.orch("list", "--json", "--frob")
        #expect(json.status == 2 && json.error.isEmpty)
        #expect(try json.json["error"]?["code"] == "usage")
    }

    @Test(arguments: [
        ["list"], ["status"], ["approve", "T-1"], ["tui"], ["watch"], ["quit"], ["new", "x"], ["logs", "T-1"],
    ])
    func `without a daemon it exits with 3 and says how to start one`(_ line: [String]) throws {
        let words = line.joined(separator: " ")
        let call = try world.shell("\"$ORCH\" \(words)")
        #expect(call.status == 3 && call.output.isEmpty)
        let expected = "orch: no daemon is listening on \(world.state)/orch.sock\nhint: start one with: orch daemon\n"
        #expect(call.error == expected)
        guard line != ["tui"] else { return }
        let json = try world.shell("\"$ORCH\" \(words) --json")
        #expect(json.status == 3 && json.error.isEmpty)
        #expect(
            try json.json == [
                "error": [
                    "code": "daemon_not_running",
                    "message": "no daemon is listening on \(world.state)/orch.sock",
                    "hint": "start one with: orch daemon",
                ]
            ]
        )
    }

    @Test func `everything wrong with a ticket file is told with its place`() throws {
        try world.write("repo/t.yaml", "titel: x\npriority: high\n")
        let call = try world.orch("validate", "t.yaml", "gone.yaml")
        #expect(call.status == 1)
        #expect(call.lines.count == 4 && call.lines[0].hasPrefix("t.yaml:1:1: unknown key `titel`"))
        #expect(call.lines[3] == "gone.yaml: there is no such file")
        let refused = try world.orch("enqueue", "t.yaml")
        #expect(refused.status == 1 && refused.output.isEmpty && refused.error.contains("t.yaml:1:1: unknown key"))
        let json = try world.orch("enqueue", "t.yaml", "--json").json["error"]
        #expect(json?["code"] == "invalid_ticket" && json?["problems"]?.arrayValue?.first?["line"] == 1)
        try world.write("repo/t.yaml", "title: x\n")
        #expect(try world.orch("validate", "t.yaml").output == "1 ticket is good\n")
    }

    @Test func `configuration is shown with its origins, and checked with its places`() throws {
        try world.write("home/.config/orch/config.json", "{\n  \"agents\": 5,\n  \"agnets\": 5\n}\n")
        let problems = try world.orch("config", "check")
        #expect(problems.status == 1)
        #expect(problems.output.contains("config.json:3:3: unknown key `agnets`; did you mean `agents`?"))
        #expect(try world.orch("config", "show").status == 1)
        try world.write("home/.config/orch/config.json", "{\"agents\": 5}\n")
        let rows = try world.shell("ORCH_LANDING_PARALLEL=4 \"$ORCH\" config show --json").json.arrayValue ?? []
        #expect(
            rows.contains(["key": "agents", "value": 5, "origin": "\(world.home)/.config/orch/config.json:1"])
        )
        #expect(rows.contains(["key": "landing.parallel", "value": 4, "origin": "ORCH_LANDING_PARALLEL"]))
        #expect(rows.contains(["key": "approve", "value": "human", "origin": "default"]))
        #expect(try world.orch("config", "check").status == 0)
    }

    @Test func `the dashboard's section is checked with its places, and is no matter to anything else`() throws {
        try world.write(
            "home/.config/orch/config.json",
            """
            {"dashboard": {"theme": "drak", "keys": {
              "aprove": "b",
              "stop": ["a", "Ctrl-I"]
            }}}
            """
        )
        let problems = try world.orch("config", "check")
        #expect(problems.status == 1)
        for problem in [
            "config.json:1:25: there is no theme named \"drak\"",
            "config.json:2:3: there is no action \"aprove\"; did you mean \"approve\"?",
            "config.json:3:17: Ctrl-I is no key of its own: terminals send it for Tab; write Tab",
        ] { #expect(problems.output.contains(problem), "\(problems.output)") }
        #expect(try world.orch("config", "check", "\(world.home)/.config/orch/config.json").status == 1)
        #expect(try world.orch("config", "show").status == 0)
        try world.write("home/.config/orch/config.json", "{\"dashboard\": {\"keys\": {\"stop\": [\"a\"]}}}\n")
        let conflict = try world.orch("config", "check").output
        #expect(conflict.contains("config.json:1:34: a means \"approve\", too, in the lists"), "\(conflict)")
        try world.write("home/.config/orch/config.json", "{\"dashboard\": {\"keys\": {\"stop\": \"F5\"}}}\n")
        #expect(try world.orch("config", "check").status == 0)
    }

    @Test func `doctor fails when a profile's program is missing, and not for want of a daemon`() throws {
        try world.configure(agent: "true")
        let well = try world.orch("doctor", "--json")
        #expect(well.status == 0, "\(well.output)")
        #expect(try well.json["ok"] == true)
        try world.write("home/.config/orch/config.json", #"{"profiles": {"a": {"command": ["no-such-program"]}}}"#)
        let ill = try world.orch("doctor")
        #expect(ill.status == 1)
        #expect(ill.output.contains("fail  profile a    no-such-program is not on your PATH\n"), "\(ill.output)")
    }

    @Test func `doctor asks the agents it knows for their version, and for no longer than they deserve`() throws {
        try world.write("bin/claude", "#!/bin/sh\n[ \"$*\" = --version ] && echo \"$WORD (Claude Code)\"\n")
        try world.write("bin/slow", "#!/bin/sh\nsleep 1000\n")
        for name in ["claude", "slow"] { chmod("\(world.root)/bin/\(name)", 0o755) }
        let bin = "\(world.root)/bin"
        var examination = ProfileExamination(environment: ["PATH": "\(bin):/usr/bin:/bin"])
        let well = examination.finding("c", AgentProfile(kind: .claude, environment: ["WORD": "2.1"]))
        #expect(well.level == .ok && well.message == "\(bin)/claude, 2.1 (Claude Code)")
        examination.patience = .milliseconds(100)
        let slow = examination.finding("s", AgentProfile(kind: .claude, command: ["slow"]))
        #expect(slow.level == .fail && slow.message == "\(bin)/slow said nothing for 100ms")
        let broken = examination.finding("f", AgentProfile(kind: .aider, command: ["false"]))
        #expect(broken.level == .fail && broken.message.hasSuffix("/false ended with 1"), "\(broken.message)")
        let missing = examination.finding("m", AgentProfile(kind: .amp))
        #expect(missing.level == .fail && missing.message == "amp is not on your PATH")
        #expect(missing.hint == "npm install -g @ampcode/cli, or say where it is in \"command\"")
        // What an unknown program would do nobody knows: it is not started.
        #expect(examination.finding("x", AgentProfile(command: ["slow"])).message == "\(bin)/slow")
    }

    @Test func `doctor says which containment holds runs and what it reaches`() throws {
        try world.configure(agent: "true")
        func finding() throws -> JSONValue? {
            let call = try world.orch("doctor", "--json")
            return try call.json["checks"]?.arrayValue?.first { $0["name"] == "containment" }
        }
        let found = try #require(try finding()?["message"]?.stringValue)
        let kind = try #require(found.split(separator: ":").first)
        #expect(["cgroup", "namespace", "none"].contains(kind), "\(found)")
        #expect(found.contains("started is dead when it ends"), "\(found)")
        try world.write("home/.config/orch/config.json", #"{"containment": "none"}"#)
        let chosen = try finding()
        #expect(chosen?["level"] == "warn")
        #expect(
            chosen?["message"]?.stringValue == "none: session, sub-reaper and environment marker: whatever a run "
                + "started is dead when it ends; only if orch-runner itself is killed, a process that has left its "
                + "parents and cleared its environment stays alive"
        )
        try world.write(
            "home/.config/orch/config.json",
            #"{"containment": "none", "limits": {"memory": "1GiB"}}"#
        )
        let impossible = try finding()
        #expect(impossible?["level"] == "fail")
        #expect(impossible?["message"]?.stringValue?.contains("cannot be kept here") == true)
    }

    @Test func `doctor says what is wrong with the places and limits orch is given`() throws {
        func findings(_ line: String) throws -> [String: [JSONValue]] {
            let checks = try world.shell(line).json["checks"]?.arrayValue ?? []
            return Dictionary(grouping: checks) { $0["name"]?.stringValue ?? "" }
        }
        func level(_ found: [String: [JSONValue]], _ name: String) -> String? {
            found[name]?.first?["level"]?.stringValue
        }

        let well = try findings("\"$ORCH\" doctor --json")
        for name in ["sqlite", "state owner", "descriptors", "socket"] { #expect(level(well, name) == "ok", "\(name)") }
        #expect(well["inotify"] != nil && well["file system"] != nil && well["terminal"] != nil)

        // Others may look, and even put a socket of their own there.
        try world.shell("mkdir -m 777 ../open").expectSuccess()
        let open = try findings("ORCH_STATE_DIR=\"$PWD/../open\" \"$ORCH\" doctor --json")
        #expect(level(open, "state owner") == "warn")
        #expect(open["state owner"]?.first?["hint"]?.stringValue?.hasPrefix("chmod 700 ") == true)
        #expect(level(open, "socket") == "fail")
        #expect(open["socket"]?.first?["message"]?.stringValue?.contains("others may write") == true)

        let few = try findings("ulimit -n 1000; \"$ORCH\" doctor --json")
        #expect(level(few, "descriptors") == "warn")
        #expect(few["descriptors"]?.first?["message"] == "at most 1000, which a daemon takes up")
    }

    @Test func `file systems that are no place for the state are known`() {
        #expect(FileSystemKind(magic: 0x6969).doubt == .network && FileSystemKind(magic: 0xFE53_4D42).doubt == .network)
        #expect(FileSystemKind(magic: 0x0102_1994).doubt == .memory)
        // ext4, overlay
        #expect(FileSystemKind(magic: 0xEF53).doubt == nil && FileSystemKind(magic: 0x794C_7630).doubt == nil)
    }

    @Test func `a command that does not exist is called so, with the one that was meant`() throws {
        let near = try world.orch("aprove", "T-1")
        #expect(near.status == 2)
        #expect(
            near.error
                == "orch: there is no command `aprove`; did you mean `approve`?\nhint: `orch --help` lists them\n"
        )
        #expect(try world.orch("frobnicate", "--json").json["error"]?["code"] == "usage")
    }

    @Test func `completions are printed for known shells`() throws {
        for shell in ["bash", "zsh", "fish"] {
            let call = try world.orch("completions", shell)
            #expect(call.status == 0 && call.output.contains("request-changes"), "\(shell)")
        }
        #expect(try world.orch("completions", "tcsh").status == 2)
    }
}
