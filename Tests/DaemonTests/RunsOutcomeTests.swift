import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

// One at a time: each has a supervisor, and a user has no more than 128 inotify instances.
@Suite(.serialized) struct RunsOutcomeTests {
    @Test func everyExitCodeIsReported() async throws {
        try await RunWorld.run { world in
            for code in 0...255 { world.supervisor.start(world.command(code + 1, ["/bin/sh", "-c", "exit \(code)"])) }
            for code in 0...255 {
                let end = try await world.reports.end(of: RunID(ticket: TicketID("T-1"), number: code + 1))
                #expect(end.reason == .exited(Int32(code)))
            }
        }
    }

    @Test(arguments: [SIGHUP, SIGINT, SIGABRT, SIGKILL, SIGSEGV, SIGPIPE, SIGTERM])
    func aSignalThatEndsTheProgramIsReported(_ number: Int32) async throws {
        try await RunWorld.run { world in
            let end = try await world.end(of: "ulimit -c 0; kill -\(number) $$")
            #expect(end.reason == .signalled(number))
        }
    }

    @Test func outputIsKeptByteForByteAndReportedBeforeTheEnd() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", #"printf 'a\000\377\376b\n'; printf 'err\n' >&2; exit 3"#])
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(3))
            #expect(try world.output(command) == [0x61, 0, 0xFF, 0xFE, 0x62, 0x0A])
            #expect(try world.text(command, .stderr) == "err\n")
            #expect((end.stdoutBytes, end.stderrBytes) == (6, 4))
            #expect(!end.outputCut)
            guard case .started(command.id, let pid, let at) = world.reports.all.first else {
                Issue.record("\(world.reports.all)")
                return
            }
            #expect(pid > 1 && at == end.started)
            #expect(world.reports.all.dropLast().last == .output(command.id, stdout: 6, stderr: 4))
            #expect(world.reports.all.last == .ended(command.id, end))
        }
    }

    @Test func muchOutputOnBothStreamsIsComplete() async throws {
        try await RunWorld.run { world in
            let script = "seq 1 200000; seq 1 100000 >&2"
            let command = world.command(["/bin/sh", "-c", script])
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(0))
            #expect(try world.text(command) == numberedLines(1...200_000))
            #expect(try world.text(command, .stderr) == numberedLines(1...100_000))
        }
    }

    @Test func growingOutputIsReportedAtMostTenTimesASecond() async throws {
        try await RunWorld.run { world in
            let script = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.002; done"
            let command = world.command(["/bin/sh", "-c", script])
            let end = try await world.end(of: command)
            let sizes = world.reports.all.compactMap { report in
                if case .output(command.id, let stdout, _) = report { stdout } else { nil }
            }
            #expect(sizes.last == end.stdoutBytes)
            #expect(sizes == sizes.sorted() && Set(sizes).count == sizes.count)
            // One at once, one each tenth of a second, one at the end.
            #expect(sizes.count <= Int(end.ended.milliseconds - end.started.milliseconds) / 100 + 3)
        }
    }

    @Test func outputIsReadByOffset() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/echo", "0123456789"])
            _ = try await world.end(of: command)
            let folder = world.folder(command).path
            func read(_ offset: Int, _ length: Int) throws -> RunOutput {
                try RunSupervisor.readOutput(folder: folder, stream: .stdout, offset: offset, length: length)
            }
            #expect(
                try read(3, 4) == RunOutput(bytes: Array("3456".utf8), offset: 3, next: 7, size: 11, isLast: false)
            )
            #expect(
                try read(7, 99) == RunOutput(bytes: Array("789\n".utf8), offset: 7, next: 11, size: 11, isLast: true)
            )
            #expect(try read(99, 9) == RunOutput(bytes: [], offset: 11, next: 11, size: 11, isLast: true))
            #expect(try read(-1, -1) == RunOutput(bytes: [], offset: 0, next: 0, size: 11, isLast: false))
        }
    }

    @Test func standardInputIsTheFileAndThenItsEnd() async throws {
        try await RunWorld.run { world in
            let prompt = world.root + "/prompt"
            let text = Data([0, 0xFF]) + Data("do it\n".utf8)
            try text.write(to: URL(fileURLWithPath: prompt))
            let command = world.command(["/bin/cat"], input: .file(prompt))
            #expect(try await world.end(of: command).reason == .exited(0))
            #expect(try world.output(command) == Array(text))
            let none = world.command(2, ["/bin/cat"])
            #expect(try await world.end(of: none).reason == .exited(0))
            #expect(try world.output(none) == [])
        }
    }

    @Test func theEnvironmentIsExactlyWhatWasAskedForAndTheMarkers() async throws {
        try await RunWorld.run { world in
            let command = world.command(
                ["/usr/bin/env", "-0"],
                environment: ["PATH": "/bin", "EMPTY": "", "LINES": "a\nb", "ORCH_RUN": "not this"]
            )
            #expect(try await world.end(of: command).reason == .exited(0))
            let entries = try world.text(command).split(separator: "\0").map(String.init)
            #expect(
                entries.sorted() == [
                    "EMPTY=", "LINES=a\nb", "ORCH_RUN=T-1.1", "ORCH_RUN_FOLDER=\(world.folder(command).path)",
                    "PATH=/bin",
                ]
            )
        }
    }

    @Test func theProgramHasItsDirectoryItsOwnSessionAndOnlyThreeDescriptors() async throws {
        try await RunWorld.run { world in
            let directory = world.root + "/a b\u{E9}"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            let command = world.command(
                ["/bin/sh", "-c", "pwd; cut -d' ' -f1,5,6 /proc/$$/stat; echo $$; exec ls /proc/self/fd"],
                directory: directory
            )
            #expect(try await world.end(of: command).reason == .exited(0))
            let lines = try world.text(command).split(separator: "\n")
            let started = try await world.reports.start(of: command.id)
            // In a PID namespace it is the second, after the init.
            let pid = world.containment.kind == .namespace ? 2 : started
            // The fourth is the folder ls reads.
            #expect(lines == [Substring(directory), "\(pid) \(pid) \(pid)", "\(pid)", "0", "1", "2", "3"])
        }
    }

    @Test func signalsAreAtTheirDefaultsInTheProgram() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/cat", "/proc/self/status"])
            #expect(try await world.end(of: command).reason == .exited(0))
            let lines = try world.text(command).split(separator: "\n")
            #expect(lines.contains("SigBlk:\t0000000000000000"))
            let line = try #require(lines.first { $0.hasPrefix("SigIgn:\t") })
            let ignored = try #require(UInt64(line.dropFirst("SigIgn:\t".count), radix: 16))
            // 32 and 33 are glibc's own, which its posix_spawn leaves ignored.
            #expect(ignored & ~0x1_8000_0000 == 0, "\(line)")
        }
    }

    @Test func programsAreFoundAsAShellWould() async throws {
        try await RunWorld.run { world in
            try world.makeExecutable("bin/tool", "#!/bin/sh\necho tool $1\n")
            let path = ["PATH": "/nonexistent:bin:/usr/bin"]
            let cases: [([String], [String: String])] = [
                (["tool", "x"], path),
                (["bin/tool", "x"], [:]),
                (["./bin/tool", "x"], [:]),
                ([world.root + "/bin/tool", "x"], [:]),
            ]
            for (number, (arguments, environment)) in cases.enumerated() {
                let command = world.command(number + 1, arguments, environment: environment)
                #expect(try await world.end(of: command).reason == .exited(0))
                #expect(try world.text(command) == "tool x\n")
            }
        }
    }

    @Test func whatCannotBeStartedSaysWhy() async throws {
        try await RunWorld.run { world in
            try world.makeExecutable("no-line", "echo hello\n")
            try world.makeExecutable("no-interpreter", "#!/no/such/interpreter -x\n")
            try world.makeExecutable("plain", "#!/bin/sh\n", mode: 0o644)
            let path = ["PATH": "\(world.root):/bin"]
            let missing = world.root + "/missing"
            let cases: [(RunCommand, String)] = [
                (
                    world.command(1, ["nothing-of-that-name"], environment: path),
                    "not found in PATH (\(world.root):/bin)"
                ),
                (world.command(2, ["./nothing"]), "cannot start ./nothing: no such file"),
                (world.command(3, ["./plain"]), "cannot start ./plain: it is not executable (chmod +x)"),
                (
                    world.command(4, ["plain"], environment: path),
                    "\(world.root)/plain: it is not executable (chmod +x)"
                ),
                (world.command(5, ["/"]), "cannot start /: it is a directory"),
                (world.command(6, ["./no-line"]), "it has no #! line and is not a program for this machine"),
                (world.command(7, ["./no-interpreter"]), "does not exist: /no/such/interpreter"),
                (world.command(8, ["/bin/true"], directory: missing), "cannot start in \(missing): No such file"),
                (world.command(9, ["/bin/true"], directory: "relative"), "directory must be an absolute path"),
                (world.command(10, ["/bin/true"], input: .file(missing)), "cannot open \(missing) as standard input"),
                (world.command(11, []), "cannot start run T-1.11: it has no program"),
                (world.command(12, [""]), "its name is empty"),
                (world.command(13, ["/bin/echo", "a\0b"]), "its argument contains a NUL"),
                (world.command(14, ["/bin/true"], environment: ["A=B": ""]), "cannot name an environment variable"),
                (world.command(15, ["/bin/\"\\\u{1}\n"]), "/bin/\"\\\u{1}\n: no such file"),
            ]
            for (command, text) in cases {
                let end = try await world.end(of: command)
                guard case .notStarted(let why) = end.reason else {
                    Issue.record("\(end)")
                    continue
                }
                #expect(why.contains(text), "\(why)")
                #expect(end.summary == "not started: \(why)")
            }
            #expect(!world.reports.all.contains { if case .started = $0 { true } else { false } })
        }
    }

    @Test func outputBeyondTheCapIsDroppedAndTheCutMarked() async throws {
        try await RunWorld.run { world in
            let script = "yes 123456789 | head -n 300000; echo short >&2"
            let command = world.command(["/bin/sh", "-c", script], outputCap: 100_005)
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(0))
            #expect(end.outputCut)
            let mark = "\n[orch: output cut: stdout has reached its limit of 100005 bytes, the rest is not kept]\n"
            let text = try world.text(command)
            #expect(text == String(repeating: "123456789\n", count: 10_000) + "12345" + mark)
            #expect(end.stdoutBytes == text.utf8.count)
            #expect(try world.text(command, .stderr) == "short\n")
        }
    }

    @Test func aFullDiskDoesNotEndTheRun() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "seq 1 100000; echo done >&2; exit 4"])
            let folder = world.folder(command)
            #expect(try folder.create())
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("stdout"),
                withDestinationPath: "/dev/full"
            )
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(4))
            #expect(end.outputCut)
            #expect(end.stdoutBytes == 0)
            #expect(try world.text(command, .stderr) == "done\n")
            let record = String(decoding: try #require(folder.read("exit.json")), as: UTF8.self)
            #expect(record.contains(#""error":"stdout could not be written: No space left on device""#))
        }
    }

    @Test func aRunnerThatCannotBeStartedIsReportedOnceAndForAll() async throws {
        try await RunWorld.run(runnerPath: "/nonexistent/orch-runner") { world in
            let command = world.command(["/bin/true"])
            let end = try await world.end(of: command)
            let why = "cannot start /nonexistent/orch-runner: No such file or directory"
            #expect(end.reason == .notStarted(why))
            try world.takeOver()
            #expect(try await world.end(of: command) == end)
        }
    }

    @Test func aRunnerThatDoesNothingIsReported() async throws {
        try await RunWorld.run(runnerPath: "/bin/false") { world in
            let end = try await world.end(of: world.command(["/bin/true"]))
            #expect(end.reason == .notStarted("/bin/false ended with exit 1 before it did anything"))
        }
    }

    @Test func aRunnerThatIsKilledBeforeItDoesAnythingIsLostAndNotRefused() async throws {
        let script = "/tmp/orch-killed-\(UUID().uuidString)"
        try Data("#!/bin/sh\nkill -9 $$\n".utf8).write(to: URL(fileURLWithPath: script))
        try makeProgram(script)
        defer { unlink(script) }
        try await RunWorld.run(runnerPath: script) { world in
            let command = world.command(["/bin/true"])
            let end = try await world.end(of: command)
            #expect(end.reason == .lost("\(script) was ended by signal 9 before it did anything"))
            // It stays so: the run of this number is over, and another may be asked for.
            try world.takeOver()
            #expect(try await world.end(of: command) == end)
        }
    }

    @Test func fiftyRunsAtOnceDoNotMixTheirOutput() async throws {
        try await RunWorld.run { world in
            let commands = (1...50).map { number in
                let script = "i=0; while [ $i -lt 200 ]; do echo \(number) $i; i=$((i+1)); done; exit \(number)"
                return world.command(number, ["/bin/sh", "-c", script])
            }
            for command in commands { world.supervisor.start(command) }
            for (number, command) in zip(1..., commands) {
                let end = try await world.reports.end(of: command.id)
                #expect(end.reason == .exited(Int32(number)))
                #expect(try world.text(command) == numberedLines(0...199, after: "\(number) "))
            }
        }
    }

    @Test func filesAreForTheirOwnerAlone() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/echo", "x"])
            _ = try await world.end(of: command)
            let folder = world.folder(command)
            for name in ["", "stdout", "stderr", "spec", "lock", "runner", "started", "exit.json", "control"] {
                var status = stat()
                #expect(stat(folder.file(name), &status) == 0, "\(name)")
                #expect(status.st_mode & 0o777 == (name.isEmpty ? 0o700 : 0o600), "\(name)")
            }
        }
    }
}

extension RunWorld {
    func makeExecutable(_ name: String, _ content: String, mode: Int = 0o755) throws {
        let url = URL(fileURLWithPath: root + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        // Written by a program of its own: a file that was open for writing when another thread started a child cannot
        // be executed until that child has let go of it.
        let quoted = content.replacing("'", with: "'\\''")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "printf %s '\(quoted)' > \"$1\" && chmod \(String(mode, radix: 8)) \"$1\"", "sh", url.path,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}
