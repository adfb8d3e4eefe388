import CSystem
public import Core
import Foundation
import Glibc

/// Finds the best containment there is by trying each, with the runner's own code: `orch-runner --probe`.
public struct ContainmentProbe: Sendable {
    private let runs: String
    private let runner: String
    private let limits: RunLimits
    private let mounts: CgroupMounts

    /// `runs` is the folder of the runs' folders, which must exist; `runner` is the orch-runner executable.
    public init(runs: String, runner: String, limits: RunLimits) {
        self.init(runs: runs, runner: runner, limits: limits, mounts: .current())
    }

    init(runs: String, runner: String, limits: RunLimits, mounts: CgroupMounts) {
        self.runs = runs
        self.runner = runner
        self.limits = limits
        self.mounts = mounts
    }

    /// The best there is, or what was chosen. Takes some milliseconds for each kind tried.
    ///
    /// - Throws: why what was chosen, or a memory limit, cannot be had here.
    public func choose(_ choice: ContainmentChoice) throws(RunFailure) -> Containment {
        let containment = try kind(choice)
        if let memory = limits.memory {
            guard case .cgroup(let plan) = containment.kind, plan.memory != nil else {
                let why =
                    containment.shortcomings.isEmpty
                    ? "with the containment \"\(containment.name)\" there is nothing to keep it"
                    : containment.shortcomings.joined(separator: "; ")
                throw RunFailure(
                    "\"limits.memory\" is \(SizeText.format(memory)), which cannot be kept here: \(why); "
                        + "remove it, or see `orch doctor`"
                )
            }
        }
        return containment
    }

    private func kind(_ choice: ContainmentChoice) throws(RunFailure) -> Containment {
        switch choice {
        case .none:
            return Containment(.none)
        case .cgroup:
            let (found, why) = try cgroup()
            if let found { return found }
            throw Self.refusal(choice, why)
        case .namespace:
            guard let why = try trial([("namespace", "pid")]) else { return Containment(.namespace) }
            throw Self.refusal(choice, Self.explain(namespace: why))
        case .auto:
            let (found, why) = try cgroup()
            if let found { return found }
            var shortcomings = ["no cgroup: \(why)"]
            if let why = try trial([("namespace", "pid")]) {
                shortcomings.append("no PID namespace: \(Self.explain(namespace: why))")
                return Containment(.none, shortcomings: shortcomings)
            }
            return Containment(.namespace, shortcomings: shortcomings)
        }
    }

    private static func refusal(_ choice: ContainmentChoice, _ why: String) -> RunFailure {
        RunFailure(
            "\"containment\" is \"\(choice.rawValue)\", which cannot be had here: \(why); "
                + "set it to \"auto\" for the best this machine offers"
        )
    }

    private static func explain(namespace why: String) -> String {
        geteuid() == 0
            ? why
            : "\(why) (it takes root: a user namespace, which does not, would show agents everybody else's files as "
                + "nobody's, so that ssh and sudo refuse to work)"
    }

    // MARK: Cgroups

    private func cgroup() throws(RunFailure) -> (Containment?, why: String) {
        guard let own = mounts.own else { return (nil, "no cgroup version 2 is mounted") }
        let name = try CgroupPlan.name(ofRuns: runs)
        var why = ""
        var places = [own]
        // Of a delegated unit whose daemon was put into a group below: the place meant for us, and the only one of
        // the two where limits can be set, as it has no processes itself.
        if let slash = own.lastIndex(of: "/"), Self.isDelegated(String(own[..<slash])) {
            places.insert(String(own[..<slash]), at: 0)
        }
        for place in places {
            for wanted in wantedLimits {
                let (plan, missing) = plan(in: place, name: name, wanted)
                if let reason = try trial(plan.orders(group: "probe-\(getpid())")) {
                    if why.isEmpty { why = reason }
                    continue
                }
                return (Containment(.cgroup(plan), shortcomings: missing.map { Self.missing($0, why) }), "")
            }
        }
        return (nil, why)
    }

    private static func missing(_ limit: Limit, _ why: String) -> String {
        let reason = why.isEmpty ? "the system offers its cgroups no \(limit.rawValue) controller" : why
        switch limit {
        // RLIMIT_NPROC counts all of a user's processes, the user's own included: it would hit the wrong ones.
        case .processes: return "the number of a run's processes is not limited: \(reason)"
        case .memory: return "the memory of a run is not limited: \(reason)"
        }
    }

    /// Set by systemd on what is ours to arrange.
    private static func isDelegated(_ directory: String) -> Bool {
        let marks: [String] = ["user.delegate", "trusted.delegate"]
        return marks.contains { cs_attribute_is(directory, $0, "1") != 0 }
    }

    private enum Limit: String {
        case processes = "pids"
        case memory
    }

    /// From all that is asked for to nothing.
    private var wantedLimits: [[Limit]] {
        let all = (limits.processes == nil ? [] : [Limit.processes]) + (limits.memory == nil ? [] : [.memory])
        switch all.count {
        case 0: return [[]]
        case 1: return [all, []]
        default: return [all, [.processes], [.memory], []]
        }
    }

    /// Where version 2 has a controller it is asked, elsewhere version 1 if that has it. Also says what is left out.
    private func plan(in place: String, name: String, _ wanted: [Limit]) -> (CgroupPlan, missing: [Limit]) {
        var plan = CgroupPlan(parents: [.init(directory: "\(place)/\(name)")])
        let text = (try? String(contentsOfFile: "\(place)/cgroup.controllers", encoding: .utf8)) ?? ""
        let offered = Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
        var missing = wantedLimits[0].filter { !wanted.contains($0) }
        for limit in wanted {
            let value = (limit == .processes ? limits.processes : limits.memory) ?? 0
            if offered.contains(limit.rawValue) {
                // Refused where processes are: then the trial fails, and the next plan does without.
                try? Data("+\(limit.rawValue)".utf8).write(to: URL(filePath: "\(place)/cgroup.subtree_control"))
                plan.parents[0].enable.append("+\(limit.rawValue)")
                plan.parents[0].settings.append(limit == .processes ? "pids.max=\(value)" : "memory.max=\(value)")
            } else if let folder = mounts.legacy[limit.rawValue] {
                let setting = limit == .processes ? "pids.max=\(value)" : "memory.limit_in_bytes=\(value)"
                plan.parents.append(.init(directory: "\(folder)/\(name)", settings: [setting]))
            } else {
                missing.append(limit)
                continue
            }
            if limit == .processes { plan.processes = value } else { plan.memory = value }
        }
        return (plan, missing)
    }

    // MARK: The trial

    /// Nil when it works, else why not.
    private func trial(_ orders: [(key: String, value: String)]) throws(RunFailure) -> String? {
        let folder = RunFolder(path: "\(runs)/.probe-\(getpid())")
        try? FileManager.default.removeItem(atPath: folder.path)
        guard try folder.create() else { throw RunFailure("cannot make \(folder.path): it is there already") }
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        var bytes: [UInt8] = []
        for (key, value) in [("version", "1")] + orders + [("argument", "-"), ("end", "")] {
            bytes += Array(key.utf8) + [0] + Array(value.utf8) + [0]
        }
        try folder.write("spec", bytes)
        var pid: pid_t = 0
        let failed = RunnerProcess(path: runner, environment: []).spawn(["--probe", folder.path], &pid)
        if failed != 0 { return "cannot start \(runner): \(String(cString: strerror(failed)))" }
        var exit = cs_exit()
        cs_reap(pid, 1, &exit)
        switch folder.end?.reason {
        case .exited(0): return nil
        case .notStarted(let why): return why
        case .exited, .signalled, .stopped, .timedOut, .lost, nil: return "\(runner) could not try it"
        }
    }
}
