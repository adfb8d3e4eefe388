import CSystem
import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

// One at a time: each has a supervisor, and a user has no more than 128 inotify instances.
@Suite(.serialized) struct RunsStopTests {
    @Test func stopEndsTheRun() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "echo ready; sleep 1000; echo never"])
            try await world.startUntilOutput(command)
            world.supervisor.stop(command.id)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .stopped)
            #expect(try world.text(command) == "ready\n")
        }
    }

    @Test func whatIgnoresInterruptIsGivenTERMAndTimeToCleanUp() async throws {
        try await RunWorld.run { world in
            let script = "trap '' INT; trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
            let command = world.command(["/bin/sh", "-c", script], grace: .seconds(60))
            try await world.startUntilOutput(command)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
            #expect(try world.text(command) == "ready\nbye\n")
        }
    }

    @Test func whatIgnoresTERMIsKilledAfterItsGrace() async throws {
        try await RunWorld.run { world in
            let script = "trap '' INT TERM HUP; (trap '' TERM; sleep 1000) & echo ready; while :; do sleep 1; done"
            let command = world.command(["/bin/sh", "-c", script], grace: .milliseconds(100))
            try await world.startUntilOutput(command)
            world.supervisor.stop(command.id)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
            let record = String(decoding: try #require(world.folder(command).read("exit.json")), as: UTF8.self)
            #expect(record.contains(#""signal":9"#))
        }
    }

    @Test func aSuspendedProgramIsStopped() async throws {
        try await RunWorld.run { world in
            let command = world.command(
                ["/bin/sh", "-c", "echo ready; kill -STOP $$; echo never"],
                grace: .seconds(60)
            )
            try await world.startUntilOutput(command)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
        }
    }

    @Test func stopBeforeStartMeansItNeverRuns() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/usr/bin/touch", world.root + "/ran"])
            world.supervisor.stop(command.id)
            world.supervisor.stop(command.id)
            let end = try await world.end(of: command)
            #expect(end.reason == .stopped)
            #expect(!FileManager.default.fileExists(atPath: world.root + "/ran"))
            #expect(world.reports.all == [.ended(command.id, end)])
        }
    }

    @Test func stopRightAfterStartEndsEveryRun() async throws {
        try await RunWorld.run { world in
            let commands = (1...20).map { world.command($0, ["/bin/sleep", "1000"]) }
            for command in commands {
                world.supervisor.start(command)
                world.supervisor.stop(command.id)
            }
            for command in commands {
                let end = try await world.reports.end(of: command.id)
                #expect(end.reason == .stopped)
            }
        }
    }

    @Test func stoppingARunThatHasEndedChangesNothing() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "exit 2"])
            let end = try await world.end(of: command)
            world.supervisor.stop(command.id)
            #expect(try await world.end(of: world.command(2, ["/bin/true"])).reason == .exited(0))
            #expect(!world.folder(command).has("stop"))
            try world.takeOver()
            #expect(try await world.end(of: command) == end)
        }
    }

    @Test func theRunnerTakesTERMForAStopAndIgnoresWhatIsMeantForATerminal() async throws {
        try await RunWorld.run { world in
            let command = world.command([
                "/bin/sh", "-c", "trap 'echo more' USR1; echo ready; while :; do sleep 0.02; done",
            ])
            try await world.startUntilOutput(command)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            for number in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE] { kill(runner.pid, number) }
            let pid = try await world.reports.start(of: command.id)
            kill(pid, SIGUSR1)
            _ = try await world.reports.first { if case .output(command.id, 11, _) = $0 { true } else { nil } }
            kill(runner.pid, SIGTERM)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
        }
    }

    @Test func theTimeLimitEndsTheRunWithTERMFirst() async throws {
        try await RunWorld.run { world in
            let command = world.command(
                ["/bin/sh", "-c", "trap 'echo late; exit 0' TERM; echo ready; while :; do sleep 0.02; done"],
                timeLimit: .milliseconds(300)
            )
            let end = try await world.end(of: command)
            #expect(end.reason == .timedOut)
            // The limit is kept by another clock than the record, each cut to milliseconds.
            #expect(end.ended.milliseconds - end.started.milliseconds >= 298)
            #expect(try world.text(command) == "ready\nlate\n")
            #expect(end.summary.hasPrefix("timed out after "))
        }
    }

    @Test func theTimeLimitKillsWhatIgnoresTERM() async throws {
        try await RunWorld.run { world in
            let command = world.command(
                ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
                timeLimit: .milliseconds(50),
                grace: .milliseconds(50)
            )
            let end = try await world.end(of: command)
            #expect(end.reason == .timedOut)
        }
    }

    // MARK: Trees

    @Test func whatTheProgramLeavesInTheBackgroundIsEnded() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/sh", "-c", "sleep 1000 & (trap '' TERM; sleep 1000) & exit 5"])
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(5))
            #expect(end.killedAfterExit >= 2)
        }
    }

    @Test func whatEscapesItsSessionIsFoundAndEnded() async throws {
        try await RunWorld.run { world in
            let escape = """
                (setsid sh -c 'exec >/dev/null 2>&1 </dev/null; (setsid sh -c "trap \\"\\" TERM; sleep 1000; :" &)' &)
                (setsid env -i /bin/sleep 1000 &)
                sleep 0.2; echo out
                """
            let command = world.command(["/bin/sh", "-c", escape], grace: .milliseconds(50))
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(0))
            // The shell, its sleep, and the one without an environment.
            #expect(end.killedAfterExit == 3)
        }
    }

    @Test func whatFinishesByItselfSoonAfterTheProgramLosesNoOutput() async throws {
        try await RunWorld.run { world in
            let command = world.command(["/bin/bash", "-c", "exec > >(sleep 0.01; cat); seq 1 20000"])
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(0))
            #expect(try world.text(command).hasSuffix("\n20000\n"))
            #expect(end.stdoutBytes == 108_894)
        }
    }

    @Test func manyShortLivedOrphansAreReaped() async throws {
        try await RunWorld.run { world in
            let script = "i=0; while [ $i -lt 200 ]; do (/bin/true &); i=$((i+1)); done; echo ready; sleep 1000"
            let command = world.command(["/bin/sh", "-c", script])
            try await world.startUntilOutput(command)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            let children = "/proc/\(runner.pid)/task/\(runner.pid)/children"
            try await RunWorld.wait(for: "the orphans to be reaped") {
                let text = FileManager.default.contents(atPath: children).map { String(decoding: $0, as: UTF8.self) }
                // The program, and the init of its PID namespace where it has one.
                return text?.split(separator: " ").count == (world.containment.kind == .namespace ? 2 : 1)
            }
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
        }
    }

    @Test func aMarkerIsMatchedWholeAndOnlyInItsRun() async throws {
        try await RunWorld.run { world in
            // T-1.1's folder name begins T-1.10's, and each must leave the other alone.
            let long = world.command(10, ["/bin/sh", "-c", "echo ready; sleep 1000"])
            try await world.startUntilOutput(long)
            #expect(try await world.end(of: "sleep 1000 & exit 0").reason == .exited(0))
            let tree = world.livingProcesses()
            #expect(tree.count == 2)
            world.supervisor.stop(long.id)
            #expect(try await world.reports.end(of: long.id).reason == .stopped)
        }
    }
}
