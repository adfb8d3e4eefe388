import CSystem
import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// Nothing of a run is alive when it has ended, in each containment this machine offers.
// One at a time: each has a supervisor, and a user has no more than 128 inotify instances.
@Suite(.serialized) struct RunsContainmentTests {
    private static let each = RunWorld.containments
    private static let holding = each.filter { $0 != .none }
    private static let hasCgroups = each.contains(.cgroup)

    @Test(arguments: each)
    func nothingIsLeftOfARunThatEndedByItself(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let script =
                world.escape + """
                    (trap '' TERM; sleep 1000) &
                    (setsid sh -c 'exec >/dev/null 2>&1; (setsid sleep 1000 &)' &)
                    exit 3
                    """
            let end = try await world.end(of: script)
            #expect(end.reason == .exited(3))
            #expect(end.killedAfterExit >= 3)
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    @Test(arguments: each)
    func nothingIsLeftOfARunThatWasStopped(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let script = world.escape + "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done"
            let command = world.command(["/bin/sh", "-c", script], grace: .milliseconds(50))
            try await world.startUntilOutput(command)
            #expect(!world.processesNamedAfterUs().isEmpty)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    @Test(arguments: each)
    func nothingIsLeftOfARunWhoseTimeWasUp(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let script = world.escape + "trap '' TERM; while :; do sleep 1; done"
            let command = world.command(
                ["/bin/sh", "-c", script],
                timeLimit: .milliseconds(500),
                grace: .milliseconds(50)
            )
            let end = try await world.end(of: command)
            #expect(end.reason == .timedOut)
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    @Test(.enabled(if: !holding.isEmpty, "neither cgroups nor PID namespaces can be had here"), arguments: holding)
    func aKilledRunnerTakesEvenWhatIsOutOfReachOfAnySearch(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let command = world.command(["/bin/sh", "-c", world.escape + "echo ready; exec sleep 1000"])
            try await world.startUntilOutput(command)
            #expect(!world.processesNamedAfterUs().isEmpty)
            kill(try #require(world.folder(command).identity(in: "runner")).pid, SIGKILL)
            let end = try await world.reports.end(of: command.id)
            #expect(end.reason == .lost("its orch-runner was ended by signal 9"))
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    @Test(.enabled(if: !holding.isEmpty, "neither cgroups nor PID namespaces can be had here"), arguments: holding)
    func soDoesOneKilledWhileThereWasNoDaemon(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let command = world.command(["/bin/sh", "-c", world.escape + "echo ready; exec sleep 1000"])
            try await world.startUntilOutput(command)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            world.drop()
            kill(runner.pid, SIGKILL)
            try world.takeOver()
            guard case .lost = try await world.end(of: command).reason else {
                Issue.record("\(world.reports.all)")
                return
            }
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    @Test(.enabled(if: !holding.isEmpty, "neither cgroups nor PID namespaces can be had here"), arguments: holding)
    func aRunIsEndedByWhatItWasPutIntoWhateverTheNextDaemonUses(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let command = world.command(["/bin/sh", "-c", world.escape + "echo ready; exec sleep 1000"])
            try await world.startUntilOutput(command)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            world.drop()
            kill(runner.pid, SIGKILL)
            try world.takeOver(containment: .untried)
            guard case .lost = try await world.end(of: command).reason else {
                Issue.record("\(world.reports.all)")
                return
            }
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    /// The one thing that is out of reach, stated in docs/processes.md: should this fail, the page is wrong.
    @Test func withoutAContainmentAKilledRunnerLeavesWhatHidFromEverySearch() async throws {
        try await RunWorld.run(in: .none) { world in
            let command = world.command(["/bin/sh", "-c", world.escape + "echo ready; exec sleep 1000"])
            try await world.startUntilOutput(command)
            kill(try #require(world.folder(command).identity(in: "runner")).pid, SIGKILL)
            guard case .lost = try await world.reports.end(of: command.id).reason else {
                Issue.record("\(world.reports.all)")
                return
            }
            let left = world.processesNamedAfterUs()
            #expect(!left.isEmpty)
            for pid in left { kill(pid, SIGKILL) }
        }
    }

    @Test(arguments: each)
    func manyRunsAtOnceEndWithoutATrace(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let commands = (1...30).map { world.command($0, ["/bin/sh", "-c", "sleep 1000 & echo \($0); exit \($0)"]) }
            for command in commands { world.supervisor.start(command) }
            for (number, command) in zip(1..., commands) {
                let end = try await world.reports.end(of: command.id)
                #expect(end.reason == .exited(Int32(number)))
                #expect(try world.text(command) == "\(number)\n")
            }
        }
    }

    @Test(arguments: each)
    func agentsGoBeforeTheirRunnerWhenMemoryRunsOut(_ containment: ContainmentChoice) async throws {
        try await RunWorld.run(in: containment) { world in
            let command = world.command(["/bin/cat", "/proc/self/oom_score_adj"])
            #expect(try await world.end(of: command).reason == .exited(0))
            let own = try String(contentsOfFile: "/proc/self/oom_score_adj", encoding: .utf8)
            let expected = max(Int(own.dropLast()) ?? 0, RunCommand.oomScore)
            #expect(try world.text(command) == "\(expected)\n")
        }
    }

    @Test(.enabled(if: each.contains(.namespace), "PID namespaces can be made by root alone"))
    func inANamespaceAProgramSeesItsOwnProcessesAndNoOthers() async throws {
        try await RunWorld.run(in: .namespace) { world in
            // The shell's own number is one that /proc knows it by.
            let script = "test /proc/$$/exe -ef /proc/self/exe || readlink /proc/$$/exe; ls /proc | grep -c '^[0-9]'"
            let command = world.command(["/bin/sh", "-c", script])
            #expect(try await world.end(of: command).reason == .exited(0))
            let lines = try world.text(command).split(separator: "\n")
            #expect(lines.last.flatMap { Int($0) }.map { $0 <= 4 } == true, "\(lines)")
        }
    }

    // MARK: Cgroups

    @Test(.enabled(if: hasCgroups, "no cgroup can be made here"))
    func groupsTheRunMakesInsideItsOwnEndWithIt() async throws {
        try await RunWorld.run(in: .cgroup) { world in
            guard case .cgroup(let plan) = world.containment.kind else { return }
            let group = plan.parents[0].directory + "/run-T-1.1"
            let script = """
                set -e; mkdir -p '\(group)/a/b'
                sh -c 'echo $$ > "\(group)/a/b/cgroup.procs"; exec sleep 1000' &
                until grep -q . '\(group)/a/b/cgroup.procs'; do sleep 0.01; done; exit 4
                """
            let end = try await world.end(of: script)
            #expect(end.reason == .exited(4))
        }
    }

    @Test(.enabled(if: hasCgroups, "no cgroup can be made here"))
    func whatAnEarlierDaemonsRunsLeftIsEndedAndNothingElse() async throws {
        try await RunWorld.run(in: .cgroup) { world in
            guard case .cgroup(let plan) = world.containment.kind else { return }
            let parent = plan.parents[0].directory
            let live = world.command(["/bin/sh", "-c", "echo ready; exec sleep 1000"])
            try await world.startUntilOutput(live)
            world.drop()
            let left = try Member(of: parent + "/run-T-9.1")
            let strange = try Member(of: parent + "/mine")
            defer { strange.end() }
            try world.takeOver()
            try await RunWorld.wait(for: "the left-over group to be gone") {
                access(parent + "/run-T-9.1", F_OK) != 0
            }
            #expect(left.reap() == SIGKILL)
            #expect(strange.isAlive)
            world.supervisor.start(live)
            world.supervisor.stop(live.id)
            #expect(try await world.reports.end(of: live.id).reason == .stopped)
            strange.end()
        }
    }

    @Test(.enabled(if: hasCgroups, "no cgroup can be made here"))
    func aSpecThatNamesAnotherGroupIsNotFollowed() async throws {
        try await RunWorld.run(in: .cgroup) { world in
            guard case .cgroup(let plan) = world.containment.kind else { return }
            let parent = plan.parents[0].directory
            let bystander = try Member(of: parent + "/mine")
            defer { bystander.end() }
            let command = world.command(["/bin/true"])
            let folder = world.folder(command)
            #expect(try folder.create())
            let foreign = Containment(.cgroup(CgroupPlan(parents: [.init(directory: parent + "/mine/..")])))
            var spec = try command.spec(folder: folder, boot: ProcessIdentity.currentBoot(), containment: foreign)
            spec += Array("group\0\(parent)/mine\0".utf8)
            try folder.write("spec", spec)
            try folder.write("runner", Array("pid 999999\nstart 1\nboot \(ProcessIdentity.currentBoot())\n".utf8))
            #expect(try await world.end(of: command).reason == .lost("its orch-runner had died"))
            #expect(bystander.isAlive)
            bystander.end()
        }
    }

    /// It has no parent of ours, no environment, and a session of its own; its group is not killed yet.
    @Test(.enabled(if: hasCgroups, "no cgroup can be made here"))
    func whatOutlivesItsRunnerIsKnownForItsRunsUntilItIsEnded() async throws {
        try await RunWorld.run(in: .cgroup) { world in
            let command = world.command(["/bin/sh", "-c", world.escape + "echo ready; exec sleep 1000"])
            try await world.startUntilOutput(command)
            let runner = try #require(world.folder(command).identity(in: "runner"))
            let escaped = try #require(world.processesNamedAfterUs().first)
            // Nobody is there to end what it leaves.
            world.drop()
            kill(runner.pid, SIGKILL)
            try await RunWorld.wait(for: "the process to be nobody's") {
                var process = cs_process()
                return cs_process_status(escaped, &process) == 0 && process.parent != runner.pid
            }
            let runs = world.root + "/runs"
            func answer(_ group: String) -> RunPeers.Answer {
                RunPeers(directory: runs, group: group, daemon: -1).run(ofPeer: escaped)
            }
            #expect(answer(try CgroupPlan.name(ofRuns: runs)) == .inside(command.id))
            // Another daemon's run is none of ours.
            #expect(answer("orch-0123456789abcdef") == .outside)
            try world.takeOver()
            _ = try await world.end(of: command)
            #expect(world.processesNamedAfterUs().isEmpty)
        }
    }

    @Test func theRunIsReadFromItsCgroupsPath() {
        func run(_ lines: String) -> String? { RunPeers.run(in: lines, of: "orch-00ff")?.description }
        #expect(run("0::/user.slice/orch-00ff/run-T-1.2\n") == "T-1.2")
        #expect(run("12:pids:/orch-00ff/run-T%2F1.2/a/b\n0::/\n") == "T/1.2")
        #expect(run("0::/../../orch-00ff/run-T-1.2\n") == "T-1.2")
        for other in [
            "0::/\n", "0::/orch-00fe/run-T-1.2\n", "0::/orch-00ff/probe-7\n", "0::/xorch-00ff/run-T-1.2\n", "",
        ] {
            #expect(run(other) == nil, "\(other)")
        }
    }

    @Test func twoDirectoriesNeverShareAGroup() async throws {
        try await RunWorld.run { world in
            let other = world.root + "/other"
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
            let name = try CgroupPlan.name(ofRuns: world.root + "/runs")
            let (again, another) = try (CgroupPlan.name(ofRuns: world.root + "/runs"), CgroupPlan.name(ofRuns: other))
            #expect(again == name)
            #expect(another != name)
            #expect(name.count == 21 && name.hasPrefix("orch-"))
        }
    }
}

/// A process in a cgroup made by nobody's runner.
private final class Member {
    private let directory: String
    private let pid: pid_t
    private var isReaped = false

    init(of directory: String) throws {
        self.directory = directory
        // A supervisor that has just begun takes the parent away again if it finds it empty.
        for _ in 1...100 where access(directory, F_OK) != 0 {
            try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        }
        pid = try #require(spawnForTest("/bin/sleep", ["1000"]))
        try Data("\(pid)".utf8).write(to: URL(filePath: directory + "/cgroup.procs"))
    }

    var isAlive: Bool {
        var process = cs_process()
        return cs_process_status(pid, &process) == 0 && process.alive != 0
    }

    /// The signal that ended it.
    func reap() -> Int32 {
        var exit = cs_exit()
        cs_reap(pid, 1, &exit)
        isReaped = true
        return exit.signal
    }

    func end() {
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        _ = reap()
        _ = RunGroup.end([RunGroup(directory: directory)], limit: 2000)
        rmdir((directory as NSString).deletingLastPathComponent)
    }
}
