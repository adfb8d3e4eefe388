import CSystem
import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

// One at a time: each has a supervisor, and a user has no more than 128 inotify instances.
@Suite(.serialized) struct RunsAdoptionTests {
    @Test func aRunGoesOnWithoutItsDaemonAndIsAdopted() async throws {
        try await RunWorld.run { world in
            let script = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.002; done; exit 9"
            let command = world.command(["/bin/sh", "-c", script])
            try await world.startUntilOutput(command)
            let pid = try await world.reports.start(of: command.id)
            var seen = try world.output(command)
            world.drop()
            #expect(!seen.isEmpty)
            try world.takeOver()
            world.supervisor.start(command)
            #expect(try await world.reports.start(of: command.id) == pid)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(9))
            let rest = try RunSupervisor.readOutput(
                folder: world.folder(command).path,
                stream: .stdout,
                offset: seen.count,
                length: .max
            )
            seen += rest.bytes
            #expect(rest.isLast)
            #expect(String(decoding: seen, as: UTF8.self) == numberedLines(0...299, after: "line "))
            #expect(world.reports.all.last == .ended(command.id, end))
        }
    }

    @Test func noLineIsLostOrDoubledWhileDaemonsComeAndGo() async throws {
        try await RunWorld.run { world in
            // Twenty thousand lines for each of five daemons, which leave while they are being written.
            // A gate each: what is written while the one before is still open for reading would be lost.
            let gate = world.root + "/gate"
            for part in 0...4 { #expect(mkfifo("\(gate)\(part)", 0o600) == 0) }
            let script = """
                for part in 0 1 2 3 4; do read x < '\(gate)'$part; seq $((part * 20000 + 1)) $((part * 20000 + 20000)); done
                """
            let command = world.command(["/bin/bash", "-c", script])
            var seen: [UInt8] = []
            func read() throws -> Bool {
                let piece = try RunSupervisor.readOutput(
                    folder: world.folder(command).path,
                    stream: .stdout,
                    offset: seen.count,
                    length: 1 << 20
                )
                #expect(piece.offset == seen.count)
                seen += piece.bytes
                return piece.isLast
            }
            world.supervisor.start(command)
            for part in 0...4 {
                let before = world.folder(command).size(of: "stdout")
                try Data("go\n".utf8).write(to: URL(filePath: "\(gate)\(part)"))
                try await RunWorld.wait(for: "output") { world.folder(command).size(of: "stdout") > before }
                try world.takeOver()
                world.supervisor.start(command)
                _ = try await world.reports.start(of: command.id)
                _ = try read()
            }
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(0))
            while try !read() {}
            #expect(String(decoding: seen, as: UTF8.self) == numberedLines(1...100_000))
            #expect(end.stdoutBytes == seen.count)
        }
    }

    @Test func anAdoptedRunCanBeStopped() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "echo ready; sleep 1000"])
            try await world.startUntilOutput(command)
            try world.takeOver()
            world.supervisor.start(command)
            _ = try await world.reports.start(of: command.id)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
        }
    }

    @Test func aRunThatEndedMeanwhileIsReported() async throws {
        try await RunWorld.run { world in
            let gate = world.root + "/gate"
            let command = world.command(
                ["/bin/sh", "-c", "echo ready; while [ ! -e '\(gate)' ]; do sleep 0.01; done; echo more; exit 6"]
            )
            try await world.startUntilOutput(command)
            world.drop()
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            try await RunWorld.wait(for: "the run's end") {
                FileManager.default.fileExists(atPath: world.root + "/runs/T-1.1/exit.json")
            }
            try world.takeOver()
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(6))
            #expect(try world.text(command) == "ready\nmore\n")
            #expect(
                world.reports.all.map(\.kind) == ["started", "output", "ended"],
                "\(world.reports.all)"
            )
        }
    }

    @Test func startAskedOftenRunsOnce() async throws {
        try await RunWorld.run { world in
            let count = world.root + "/count"
            let command = world.command(["/bin/sh", "-c", "echo x >> '\(count)'; sleep 0.1"])
            for _ in 1...5 { world.supervisor.start(command) }
            try world.takeOver()
            for _ in 1...5 { world.supervisor.start(command) }
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .exited(0))
            try world.takeOver()
            #expect(try await world.end(of: command) == end)
            #expect(FileManager.default.contents(atPath: count) == Data("x\n".utf8))
        }
    }

    @Test func aKilledRunnerMeansALostRunAndNothingLeft() async throws {
        try await RunWorld.run { world in
            let script = """
                trap '' TERM INT HUP PIPE
                (setsid sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1 &)
                env -i /bin/sleep 1000 &
                echo ready; while :; do sleep 1; done
                """
            let command = world.command(["/bin/sh", "-c", script])
            try await world.startUntilOutput(command)
            #expect(world.livingProcesses().count >= 2)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            kill(runner.pid, SIGKILL)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .lost("its orch-runner was ended by signal 9"))
            #expect(world.livingProcesses().isEmpty)
            #expect(end.stdoutBytes == 6)
            try world.takeOver()
            #expect(try await world.end(of: command) == end)
        }
    }

    @Test func aRunnerKilledWhileNoDaemonWasThereMeansALostRunToo() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "trap '' PIPE; echo ready; while :; do sleep 1; done"])
            try await world.startUntilOutput(command)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            world.drop()
            kill(runner.pid, SIGKILL)
            #expect(!world.livingProcesses().isEmpty)
            try world.takeOver()
            let end = try await world.end(of: command)
            guard case .lost = end.reason else {
                Issue.record("\(end)")
                return
            }
            #expect(world.livingProcesses().isEmpty)
        }
    }

    @Test func aRunWhoseFolderIsRemovedIsLostAndNothingLeft() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "trap '' PIPE; echo ready; while :; do sleep 1; done"])
            try await world.startUntilOutput(command)
            let folder = world.folder(command)
            let runner = try #require(folder.identity(in: "runner"))
            try FileManager.default.removeItem(atPath: folder.path)
            kill(runner.pid, SIGKILL)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .lost("its folder \(folder.path) is gone"))
            #expect(world.livingProcesses().isEmpty)
        }
    }

    @Test func aRunThatWasOnlyAskedForIsStarted() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/echo", "hello"])
            let folder = world.folder(command)
            #expect(try folder.create())
            try folder.write("spec", command.spec(folder: folder, boot: ProcessIdentity.currentBoot()))
            #expect(try await world.end(of: command).reason == .exited(0))
            #expect(try world.text(command) == "hello\n")
        }
    }

    @Test func aRunFromBeforeTheMachineRestartedIsLostAndIsNotStartedAgain() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/usr/bin/touch", world.root + "/ran"])
            let folder = world.folder(command)
            #expect(try folder.create())
            try folder.write("spec", command.spec(folder: folder, boot: "00000000-0000-0000-0000-000000000000"))
            #expect(try await world.end(of: command).reason == .lost("the machine was restarted while it ran"))
            #expect(!FileManager.default.fileExists(atPath: world.root + "/ran"))
        }
    }

    @Test func afterARestartOfTheMachineNobodyIsSignalled() async throws {
        try await RunWorld.run { world in
            // It has, by chance, the number and even the start time of the run's program before the restart.
            let bystander = try Bystander()
            defer { bystander.end() }
            var process = cs_process()
            #expect(cs_process_status(bystander.pid, &process) == 0)
            let before = "00000000-0000-0000-0000-000000000000"
            let identity = Array("pid \(bystander.pid)\nstart \(process.start)\nboot \(before)\nat_ms 5\n".utf8)
            let command = world.command(["/bin/true"])
            let folder = world.folder(command)
            #expect(try folder.create())
            try folder.write("spec", command.spec(folder: folder, boot: before))
            for name in ["runner", "started", "init"] { try folder.write(name, identity) }
            #expect(try await world.end(of: command).reason == .lost("the machine was restarted while it ran"))
            #expect(bystander.isAlive)
        }
    }

    @Test func aNumberThatMeansAnotherProcessByNowIsNotKilled() async throws {
        try await RunWorld.run { world in
            let bystander = try Bystander()
            defer { bystander.end() }
            let boot = try ProcessIdentity.currentBoot()
            let stale = Array("pid \(bystander.pid)\nstart 1\nboot \(boot)\nat_ms 5\n".utf8)
            let command = world.command(["/bin/true"])
            let folder = world.folder(command)
            #expect(try folder.create())
            try folder.write("spec", command.spec(folder: folder, boot: boot))
            try folder.write("runner", stale)
            try folder.write("started", stale)
            #expect(try await world.end(of: command).reason == .lost("its orch-runner had died"))
            #expect(bystander.isAlive)
        }
    }

    @Test func aRunnerThatHasNotSaidWhoItIsIsWaitedFor() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/echo", "hello"])
            let folder = world.folder(command)
            #expect(try folder.create())
            let lock = try #require(try folder.takeLock())
            world.supervisor.start(command)
            // Another run's end shows that the order has been carried out as far as it could be.
            #expect(try await world.end(of: world.command(2, ["/bin/true"])).reason == .exited(0))
            #expect(!world.reports.all.contains { $0.run == command.id })
            RunFolder.release(lock)
            #expect(try await world.reports.end(of: command.id).reason == .exited(0))
            #expect(try world.text(command) == "hello\n")
        }
    }

    @Test func aSecondRunnerLeavesTheRunAlone() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "echo ready; sleep 1000"])
            try await world.startUntilOutput(command)
            let folder = world.folder(command)
            #expect(runnerStatus([folder.path]) == 75)
            let runner = try #require(folder.identity(in: "runner"))
            kill(runner.pid, SIGKILL)
            _ = try await world.reports.end(of: command.id)
            // Recorded as lost by now; without the record a runner still refuses to begin a second time.
            #expect(runnerStatus([folder.path]) == 0)
            try FileManager.default.removeItem(atPath: folder.file("exit.json"))
            #expect(runnerStatus([folder.path]) == 70)
            #expect(try world.text(command) == "ready\n")
        }
    }

    @Test(arguments: [[], ["relative"], ["/a", "/b"]])
    func aWrongInvocationOfTheRunnerIsRefused(_ arguments: [String]) {
        #expect(runnerStatus(arguments) == 64)
    }

    @Test func aRunnerWithoutASpecOrWithACutOneSaysSo() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/true"])
            let folder = world.folder(command)
            #expect(try folder.create())
            let whole = try command.spec(folder: folder, boot: ProcessIdentity.currentBoot())
            for (bytes, text) in [
                (nil, "there is no file spec"), ([], "spec: the file is cut off"),
                (Array(whole.dropLast(1)), "spec: the file is cut off"),
                (Array(whole.dropLast(5)), "spec: the file is cut off"),
            ] as [([UInt8]?, String)] {
                try FileManager.default.removeItem(atPath: folder.path)
                #expect(try folder.create())
                if let bytes { try folder.write("spec", bytes) }
                #expect(runnerStatus([folder.path]) == 0)
                #expect(folder.end?.reason == .notStarted(text))
            }
        }
    }

    @Test func detachTwiceAndOrdersAfterwardsAreHarmless() async throws {
        try await RunWorld.run { world in
            let supervisor = world.supervisor
            supervisor.detach()
            supervisor.detach()
            supervisor.start(world.command(["/usr/bin/touch", world.root + "/ran"]))
            supervisor.stop(world.command([]).id)
            #expect(!FileManager.default.fileExists(atPath: world.root + "/runs/T-1.1"))
        }
    }

    @Test func aSupervisorRefusesRelativePaths() {
        #expect(throws: RunFailure.self) { try RunSupervisor(directory: "runs", runnerPath: "/bin/true") { _ in } }
        #expect(throws: RunFailure.self) { try RunSupervisor(directory: "/tmp", runnerPath: "orch-runner") { _ in } }
    }
}

/// A process that has nothing to do with any run.
private struct Bystander {
    let pid: pid_t

    init() throws {
        pid = try #require(spawnForTest("/bin/sleep", ["1000"]))
    }

    var isAlive: Bool {
        var process = cs_process()
        return cs_process_status(pid, &process) == 0 && process.alive != 0
    }

    func end() {
        kill(pid, SIGKILL)
        var exit = cs_exit()
        cs_reap(pid, 1, &exit)
    }
}

private func runnerStatus(_ arguments: [String]) -> Int32? {
    guard let pid = spawnForTest(RunWorld.runnerPath, arguments) else { return nil }
    var exit = cs_exit()
    return cs_reap(pid, 1, &exit) == 0 ? exit.code : nil
}

func spawnForTest(_ program: String, _ arguments: [String]) -> pid_t? {
    var strings: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for string in strings { free(string) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var files: [Int32] = [-1, -1, -1]
    var pid: pid_t = 0
    var request = cs_spawn_request()
    request.program = UnsafePointer(strings[0])
    request.file_count = 3
    let failed = strings.withUnsafeMutableBufferPointer { strings in
        environment.withUnsafeMutableBufferPointer { environment in
            files.withUnsafeMutableBufferPointer { files in
                request.arguments = UnsafePointer(strings.baseAddress)
                request.environment = UnsafePointer(environment.baseAddress)
                request.files = UnsafePointer(files.baseAddress)
                return cs_spawn(&request, &pid)
            }
        }
    }
    return failed == 0 ? pid : nil
}

extension RunReport {
    fileprivate var kind: String {
        switch self {
        case .started: "started"
        case .output: "output"
        case .ended: "ended"
        }
    }

    fileprivate var run: RunID {
        switch self {
        case .started(let run, _, _), .output(let run, _, _), .ended(let run, _): run
        }
    }
}
