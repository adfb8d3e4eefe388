import CSystem
import Core
import Foundation
import Glibc

/// Tells whether a process belongs to a run of ours: by its parents, up to a runner, and by the environment that it or
/// one of them was started with, or the cgroup it is in. Only a process that leaves all of them behind is not found: one
/// that somebody outside starts for it, or that moves itself into a cgroup of somebody else's.
struct RunPeers: Sendable {
    enum Answer: Equatable {
        /// Of no run of this daemon.
        case outside
        /// Of this run; nil where it is orch's own doing, but of no run: a git hook, say.
        case inside(RunID?)
        /// It, or one of its parents, came and went too fast.
        case unknown
    }

    /// The folder with a folder for each run.
    let directory: String
    /// Of orch's cgroup for that folder: see ``CgroupPlan/name(ofRuns:)``.
    let group: String
    /// The daemon's.
    let daemon: pid_t

    /// Reads /proc alone: some ten microseconds for each parent.
    func run(ofPeer pid: pid_t) -> Answer {
        // Nothing of ours can be where we cannot see it: a run's process is in our pid namespace or one below.
        guard pid > 0 else { return .outside }
        // A parent that ends meanwhile leaves its children to a runner, which is the sub-reaper of its tree: so the next
        // attempt is a shorter one.
        if let run = grouped(pid) { return .inside(run) }
        for _ in 0..<8 {
            if let answer = walk(from: pid) { return answer }
        }
        return .unknown
    }

    /// A process that is alive, and the run it belongs to.
    struct Member: Equatable {
        let pid: pid_t
        let run: RunID
    }

    /// Every process of every run, its runner included, by pid: one look at each process of the machine. What has ended and is
    /// not reaped yet is not alive.
    ///
    /// - Throws: where nobody can say. That is never taken for there being none.
    func alive() throws -> [Member] {
        let pids = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
        return pids.sorted().compactMap { pid in
            guard case .inside(let run?) = run(ofPeer: pid) else { return nil }
            var process = cs_process()
            guard cs_process_status(pid, &process) == 0, process.alive != 0 else { return nil }
            return Member(pid: pid, run: run)
        }
    }

    /// Nil when the tree has changed under our feet.
    private func walk(from pid: pid_t) -> Answer? {
        var pid = pid
        var youngest = UInt64.max
        for _ in 0..<10_000 {
            var process = cs_process()
            guard cs_process_status(pid, &process) == 0, process.start <= youngest else { return nil }
            if let run = marker(of: pid) ?? runnerOwned(by: process) { return .inside(run) }
            if process.parent == daemon { return .inside(nil) }
            guard process.parent > 1 else { return .outside }
            // A parent is never younger than its child: a younger one has its number by chance.
            (pid, youngest) = (process.parent, process.start)
        }
        return .unknown
    }

    /// The run whose marker is in the environment.
    private func marker(of pid: pid_t) -> RunID? {
        var rest = [CChar](repeating: 0, count: 1024)
        guard cs_process_entry(pid, "\(RunFolder.markerName)=\(directory)/", &rest, rest.count) == 1 else { return nil }
        return RunID(folderName: text(rest))
    }

    /// The run of the runner that this process is: its command line names the folder, which names it in turn.
    private func runnerOwned(by process: cs_process) -> RunID? {
        var line = [CChar](repeating: 0, count: 4096)
        let file = open("/proc/\(process.pid)/cmdline", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let count = read(file, &line, line.count - 1)
        guard count > 0 else { return nil }
        let arguments = line[..<count].split(separator: 0, omittingEmptySubsequences: false)
        guard arguments.count >= 2 else { return nil }
        let path = text(arguments[1])
        guard path.hasPrefix(directory + "/") else { return nil }
        let identity = RunFolder(path: path).identity(in: "runner")
        guard identity?.pid == process.pid, identity?.start == process.start else { return nil }
        return RunID(folderName: String(path.dropFirst(directory.count + 1)))
    }

    /// The run in whose cgroup it is, whether of version 2 or 1, and however deep. It is inherited, so that parents need
    /// not be asked; and what outlives its runner has no parent of ours any more, until its group is killed.
    private func grouped(_ pid: pid_t) -> RunID? {
        var lines = [CChar](repeating: 0, count: 1 << 14)
        let file = open("/proc/\(pid)/cgroup", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let count = read(file, &lines, lines.count - 1)
        guard count > 0 else { return nil }
        return Self.run(in: lines.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }, of: group)
    }

    /// From the content of `/proc/PID/cgroup`: `0::/any/orch-0123456789abcdef/run-T-1.1/any`.
    static func run(in lines: String, of group: String) -> RunID? {
        for line in lines.split(separator: "\n") {
            guard let place = line.firstRange(of: "/\(group)/run-") else { continue }
            return RunID(folderName: String(line[place.upperBound...].prefix { $0 != "/" }))
        }
        return nil
    }

    private func text(_ characters: some Sequence<CChar>) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension RunID {
    /// The run whose folder has that name; see `folderName`.
    init?(folderName: String) {
        var bytes: [UInt8] = []
        var rest = Array(folderName.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        self.init(String(decoding: bytes, as: UTF8.self))
    }
}
