import CSystem
import Glibc

/// A place between two steps at which a test kills the runner, to see what the daemon makes of it.
///
/// Inert (a load and a branch) unless the daemon was started with `ORCH_FAULT=runner.…`; see the daemon's. Never in the
/// environment of what the runner runs, which is in the spec.
enum RunnerFaultPoint: String, CaseIterable {
    case entered = "runner.entered"
    case locked = "runner.locked"
    case begun = "runner.begun"
    case specRead = "runner.spec-read"
    case agentStarted = "runner.agent-started"
    case announced = "runner.announced"
    case leaderEnded = "runner.leader-ended"
    case treeEnded = "runner.tree-ended"
    case recordWritten = "runner.record-written"
    case recorded = "runner.recorded"

    @inline(__always)
    func pass() {
        if cs_fault_is_armed() != 0 { cs_fault_pass(rawValue) }
    }

    /// Arms the point that the environment asks for, if any; nil when it asks for none, or for one there is.
    static func arm() -> String? {
        guard let text = getenv("ORCH_FAULT") else { return nil }
        let isArmed = cs_fault_arm(text, getenv("ORCH_FAULT_ONCE")) == 0
        if isArmed, RunnerFaultPoint(rawValue: String(cString: cs_fault_name())) != nil { return nil }
        return "ORCH_FAULT=\(String(cString: text)) names no fault point of orch-runner"
    }
}
