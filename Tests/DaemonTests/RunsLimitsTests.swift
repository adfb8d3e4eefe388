import CSystem
import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// What one run takes up has bounds, and reaching them harms nobody else.
// One at a time: each has a supervisor, and a user has no more than 128 inotify instances.
@Suite(.serialized) struct RunsLimitsTests {
    private static func limits(processes: Int? = nil, memory: Int? = nil) -> RunLimits {
        var limits = RunLimits()
        limits.processes = processes
        limits.memory = memory
        return limits
    }

    /// Whether a cgroup here can keep these.
    private static func canKeep(_ limits: RunLimits) -> Bool {
        guard let folder = RunWorld.temporaryDirectory() else { return false }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let probe = ContainmentProbe(runs: folder, runner: RunWorld.runnerPath, limits: limits)
        guard case .cgroup(let plan)? = try? probe.choose(.cgroup).kind else { return false }
        return plan.processes == limits.processes && plan.memory == limits.memory
    }

    private static let canLimitProcesses = canKeep(limits(processes: 40))
    private static let canLimitMemory = canKeep(limits(memory: 64 << 20))
    private static let isRoot = geteuid() == 0

    @Test(.enabled(if: canLimitProcesses, "no cgroup here has a pids controller"))
    func aForkBombStaysWithinItsLimit() async throws {
        try await RunWorld.run(in: .cgroup, limits: Self.limits(processes: 40)) { world in
            // As many as it can, and no more than we could bear.
            // The shell that is refused gives up some time; the program itself stays.
            let bomb = "(for i in $(seq 1 400); do sleep 1000 & done)"
            let script = "trap '' TERM; echo ready; \(bomb); exec sleep 1000"
            let command = world.command(
                ["/bin/bash", "-c", script],
                timeLimit: .seconds(600),
                grace: .milliseconds(10)
            )
            try await world.startUntilOutput(command)
            try await RunWorld.wait(for: "a fork to be refused") {
                (try? world.text(command, .stderr).contains("Resource temporarily unavailable")) == true
            }
            #expect(world.livingProcesses().count <= 40)
            world.supervisor.stop(command.id)
            #expect(try await world.reports.end(of: command.id).reason == .stopped)
            // The machine and the other runs were never at its mercy.
            #expect(try await world.end(of: world.command(2, ["/bin/true"])).reason == .exited(0))
        }
    }

    @Test(.enabled(if: canLimitMemory, "no cgroup here has a memory controller"))
    func aRunThatTakesTooMuchMemoryIsEndedAndItsRunnerIsNot() async throws {
        try await RunWorld.run(in: .cgroup, limits: Self.limits(memory: 64 << 20)) { world in
            // tail keeps the line it has not seen the end of.
            let script = "head -c 300000000 /dev/zero | tail -n 1 | wc -c; echo ${PIPESTATUS[1]}"
            let command = world.command(["/bin/bash", "-c", script])
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(0))
            let text = try world.text(command)
            #expect(text.hasSuffix("137\n"), "\(text)")
        }
    }

    // MARK: Output

    @Test func gigabytesOfOutputLeaveBoundedFilesAndABoundedRunner() async throws {
        try await RunWorld.run { world in
            let script = """
                head -c 1073741824 /dev/zero & head -c 1073741824 /dev/zero >&2; wait
                : > '\(world.root)/written'; exec sleep 1000
                """
            let command = world.command(["/bin/sh", "-c", script], outputCap: 1 << 20)
            world.supervisor.start(command)
            // The program is never held up by what is not kept.
            try await RunWorld.wait(for: "two gigabytes to be written") {
                access(world.root + "/written", F_OK) == 0
            }
            let runner = try #require(world.folder(command).identity(in: "runner"))
            let status = try String(contentsOfFile: "/proc/\(runner.pid)/status", encoding: .utf8)
            let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?
                .split(separator: " ").dropFirst().first.flatMap { Int($0) }
            #expect(try #require(peak) < 64 << 10, "KiB at most: \(status)")
            world.supervisor.stop(command.id)
            let end = try await world.reports.end(of: command.id)
            #expect(end.outputCut)
            for stream in [RunStream.stdout, .stderr] {
                let mark =
                    "\n[orch: output cut: \(stream.rawValue) has reached its limit of 1048576 bytes, "
                    + "the rest is not kept]\n"
                let output = try world.output(command, stream)
                #expect(output.count == 1 << 20 + mark.utf8.count)
                #expect(output.suffix(mark.utf8.count) == Array(mark.utf8)[...])
            }
        }
    }

    @Test(.enabled(if: isRoot, "a disk small enough to be filled is mounted by root alone"))
    func onAFullDiskTheRunGoesOnTheCutIsMarkedAndTheEndIsKnown() async throws {
        try await RunWorld.run { world in
            let script = "head -c 8000000 /dev/zero; head -c 8000000 /dev/zero >&2; exit 4"
            let command = world.command(["/bin/sh", "-c", script])
            let folder = world.folder(command)
            #expect(try folder.create())
            try #require(mount("orch", folder.path, "tmpfs", 0, "size=1m,mode=700") == 0)
            defer { umount2(folder.path, Int32(MNT_DETACH)) }
            let end = try await world.end(of: command)
            #expect(end.reason == .exited(4))
            #expect(end.outputCut)
            let record = String(decoding: try #require(folder.read("exit.json")), as: UTF8.self)
            #expect(record.contains("could not be written: No space left on device"), "\(record)")
            for stream in [RunStream.stdout, .stderr] {
                let tail = String(decoding: try world.output(command, stream).suffix(100), as: UTF8.self)
                #expect(tail.hasSuffix("bytes could not be written: No space left on device]\n"), "\(tail)")
            }
            // A daemon that comes later learns the same.
            try world.takeOver()
            let again = try await world.end(of: command)
            #expect(again == end)
        }
    }
}
