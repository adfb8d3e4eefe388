import Core
import Foundation
import Glibc

/// What holds the processes of a run together so that none is alive when the run has ended (I6). Chosen once, when the
/// daemon starts, by trying; kept by orch-runner for as long as it lives, and by ``RunFence`` when it has died.
public struct Containment: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// Cgroups of the run's own: everything in them is killed with one word, whoever's child it has become.
        case cgroup(CgroupPlan)
        /// A PID namespace of the run's own: the kernel kills it with its init, which dies with the runner.
        case namespace
        /// Session, sub-reaper and environment marker alone.
        case none
    }

    public let kind: Kind
    /// Why there is nothing better, or a limit is not kept, in sentences; empty when all is as could be wished.
    public let shortcomings: [String]

    public init(_ kind: Kind, shortcomings: [String] = []) {
        self.kind = kind
        self.shortcomings = shortcomings
    }

    /// For those who have tried nothing.
    public static let untried = Containment(.none)

    /// `cgroup`, `namespace` or `none`, as in the configuration.
    public var name: String {
        switch kind {
        case .cgroup: "cgroup"
        case .namespace: "namespace"
        case .none: "none"
        }
    }

    /// What it reaches and what not, in a sentence or two for a person.
    public var reach: String {
        switch kind {
        case .cgroup(let plan):
            "each run has a cgroup of its own\(plan.limits): whatever it started is dead when it ends, even if "
                + "orch-runner is killed; not what it had others start (docker, systemd-run, at)"
        case .namespace:
            "each run has a PID namespace of its own: whatever it started is dead when it ends, even if orch-runner is "
                + "killed; it sees only its own processes, and their number is not limited"
        case .none:
            "session, sub-reaper and environment marker: whatever a run started is dead when it ends; only if orch-runner "
                + "itself is killed, a process that has left its parents and cleared its environment stays alive"
        }
    }

    /// What the run's `spec` says of it.
    func orders(for run: RunID) -> [(key: String, value: String)] {
        switch kind {
        case .cgroup(let plan): plan.orders(group: CgroupPlan.name(of: run))
        case .namespace: [("namespace", "pid")]
        case .none: []
        }
    }
}

/// Where the cgroups of runs are made, and what is written into them.
public struct CgroupPlan: Equatable, Sendable {
    struct Parent: Equatable, Sendable {
        /// orch's own for this state directory, and no other's; made and removed as needed.
        var directory: String
        /// Controllers it must pass on: `+pids`.
        var enable: [String] = []
        /// Of each group in it: `pids.max=4096`.
        var settings: [String] = []
    }

    /// The first is of version 2, and what is killed; the others, of version 1, only limit.
    var parents: [Parent]
    var processes: Int?
    var memory: Int?

    /// For a sentence.
    var limits: String {
        let parts = [processes.map { "\($0) processes" }, memory.map { "\(SizeText.format($0)) of memory" }]
            .compactMap(\.self)
        return parts.isEmpty ? "" : " (at most \(parts.joined(separator: " and ")))"
    }

    func orders(group: String) -> [(key: String, value: String)] {
        parents.flatMap { parent in
            [("group", "\(parent.directory)/\(group)")] + parent.enable.map { ("group_enable", $0) }
                + parent.settings.map { ("group_set", $0) }
        }
    }

    // MARK: Names

    /// A run's group is named so that none of the system's files in a cgroup can be of that name.
    static func name(of run: RunID) -> String { "run-" + run.folderName }

    /// The name of orch's group for the runs of one directory, the same for every daemon that uses it and for no other
    /// directory of the machine: nothing but what has this name is ever killed or removed.
    static func name(ofRuns directory: String) throws(RunFailure) -> String {
        var status = stat()
        guard stat(directory, &status) == 0 else { throw RunFailure("cannot look at \(directory)", errno: errno) }
        // FNV-1a.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(status.st_dev):\(status.st_ino):\(directory)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return "orch-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}
