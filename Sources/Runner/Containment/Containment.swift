import CSystem
import Glibc

/// What holds the processes of a run together, beyond their session: nothing leaves it by forking, by a session of its
/// own, or by clearing its environment. The daemon has tried which kinds this machine offers, and orders one of them.
protocol Containment {
    /// The open folder of the cgroup in which the program begins; 0 when there is none.
    var home: Int32 { get }
    /// Open `cgroup.procs` files the program joins as well, before it begins.
    var groups: [Int32] { get }
    /// The init of the run's PID namespace, a child of ours; 0 when there is none.
    var namespaceInit: pid_t { get }
    /// Whether nothing alive is in it; nil where only a look at all processes tells.
    var isEmpty: Bool? { get }

    /// Kills everything in it, at once. May be repeated.
    func kill()
    /// Takes it away, when everything in it is dead or just dying. Says what is in the way if that fails.
    func remove() throws(Failure)
}

/// No more than session, sub-reaper and marker, which the run has in any case.
struct Uncontained: Containment {
    var home: Int32 { 0 }
    var groups: [Int32] { [] }
    var namespaceInit: pid_t { 0 }
    var isEmpty: Bool? { nil }
    func kill() {}
    func remove() {}
}

extension Spec {
    /// Makes what the daemon ordered. The program is yet to be started.
    func makeContainment() throws(Failure) -> any Containment {
        if !groups.isEmpty { return try Cgroup(groups) }
        if wantsNamespace { return try PIDNamespace() }
        return Uncontained()
    }
}

/// Tries an ordered containment without a program: `orch-runner --probe RUNDIR`. What works here works for a run.
enum Probe {
    /// Returns when a process was put into it, killed by it, and nothing is left of either.
    static func run(_ spec: Spec) throws(Failure) {
        // Whatever hangs, somebody waits for the answer.
        alarm(10)
        let containment = try spec.makeContainment()
        do throws(Failure) {
            try fillAndKill(containment)
        } catch {
            try? containment.remove()
            throw error
        }
        try containment.remove()
    }

    private static func fillAndKill(_ containment: any Containment) throws(Failure) {
        var pid: pid_t = 0
        var step: Int32 = 0
        let failed = containment.groups.withUnsafeBufferPointer { groups in
            var member = cs_containment()
            member.into = containment.home
            member.groups = groups.baseAddress
            member.group_count = Int32(groups.count)
            member.own_proc = containment.namespaceInit != 0 ? 1 : 0
            var request = cs_spawn_request()
            return cs_spawn_contained(&request, &member, &pid, &step)
        }
        if failed != 0 { throw explainSpawn(step, failed) }
        defer { Glibc.kill(pid, SIGKILL) }
        if containment.isEmpty == true { throw Failure("a process put into it is not in it") }
        containment.kill()
        let giveUp = steadyClock() + 2000
        var end = cs_exit()
        while cs_reap(pid, 0, &end) == 0, end.pid == 0 {
            if steadyClock() > giveUp { throw Failure("what is in it cannot be killed") }
            poll(nil, 0, 1)
        }
    }
}

/// What went wrong between the fork and the program.
func explainSpawn(_ step: Int32, _ code: Int32) -> Failure {
    switch Int(step) {
    case CS_STEP_GROUP: Failure("cannot put the program into its cgroup", errno: code)
    case CS_STEP_PROC: Failure("cannot give the program a /proc of its own", errno: code)
    default: Failure("cannot start a process", errno: code)
    }
}
