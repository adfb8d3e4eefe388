import CSystem
import Core
import Foundation
import Glibc

/// Ends what is left of a run whose runner died, and records that the run is lost.
///
/// The caller holds the runner's lock, so that no runner can begin meanwhile. Only processes proven to be the run's are
/// killed: what is in the run's cgroup or PID namespace; the program, when number, start time and boot id still agree with
/// what its runner wrote; whatever carries the run's marker in its environment; and the descendants of these.
enum RunFence {
    /// After this long, what still lives is out of our reach.
    private static let limit: Int64 = 30_000

    /// Blocks, for milliseconds unless something resists.
    static func end(_ folder: RunFolder, groups: [RunGroup], why: String, boot: String) -> RunEnd {
        let runner = folder.identity(in: "runner")
        let leader = folder.identity(in: "started")
        var why = why
        // Of a run from before the machine's restart nothing can live, and its start times mean nothing now.
        let isOfThisBoot = [runner?.boot, leader?.boot, folder.specBoot].allSatisfy { $0 == nil || $0 == boot }
        if isOfThisBoot {
            if let runner { waitUntilDead(runner) }
            let isContained = endNamespace(folder, boot: boot)
            let left = kill(folder, leader: leader, since: runner?.start ?? 0)
            if !RunGroup.end(groups, limit: limit) || !isContained {
                why += "; some of its processes could not be killed"
            }
            if left > 0 { why += "; \(left) of its processes could not be killed" }
        } else {
            why = "the machine was restarted while it ran"
        }
        FaultPoint.runFenced.pass()
        let now = RunClock.now()
        let end = RunEnd(
            reason: .lost(why),
            started: leader?.at.map { Instant(milliseconds: $0) } ?? now,
            ended: now,
            stdoutBytes: folder.size(of: "stdout"),
            stderrBytes: folder.size(of: "stderr")
        )
        folder.record(end)
        FaultPoint.runFenceRecorded.pass()
        return end
    }

    /// A runner lets go of its lock before the kernel kills what was to die with it: a program it had just forked, which
    /// nothing marks yet. That has happened when it can be reaped.
    private static func waitUntilDead(_ runner: ProcessIdentity) {
        let giveUp = RunClock.steady() + 2000
        var process = cs_process()
        while cs_process_status(runner.pid, &process) == 0, process.start == runner.start, process.alive != 0,
            RunClock.steady() < giveUp
        {
            poll(nil, 0, 1)
        }
    }

    /// Kills the init of the run's PID namespace, should it have survived its runner, and waits until the kernel has
    /// killed the rest. False when that takes too long.
    private static func endNamespace(_ folder: RunFolder, boot: String) -> Bool {
        guard let pidfd = folder.identity(in: "init")?.openPidfd(boot: boot) else { return true }
        defer { close(pidfd) }
        cs_pidfd_send_signal(pidfd, SIGKILL)
        var end = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        return poll(&end, 1, Int32(limit)) > 0
    }

    private static func kill(_ folder: RunFolder, leader: ProcessIdentity?, since: UInt64) -> Int32 {
        let giveUp = RunClock.steady() + limit
        var pause: Int32 = 2
        while true {
            let left = folder.marker.withCString { marker in
                var tree = cs_tree()
                tree.leader = leader?.pid ?? 0
                tree.leader_start = leader?.start ?? 0
                tree.marker = marker
                tree.since = since
                return cs_tree_signal(&tree, SIGKILL)
            }
            if left == 0 || RunClock.steady() > giveUp { return left }
            poll(nil, 0, pause)
            pause = min(pause * 2, 250)
        }
    }
}

extension RunFolder {
    /// Writes `exit.json` in the runner's place, so that who asks again hears the same. What cannot be written is told
    /// only once.
    func record(_ end: RunEnd) {
        guard let bytes = try? JSONEncoder().encode(end) else { return }
        try? write("exit.json", Array(bytes) + [0x0A])
    }
}
