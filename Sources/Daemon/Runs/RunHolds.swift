import Core
import Glibc
import IPC
import Synchronization

/// Which runs wait for something that is not their own doing, and for what. Meanwhile their time limits stand still, and
/// their silence is no sign of trouble.
final class RunHolds: Sendable {
    enum Reason: Hashable, Sendable {
        /// A tool of orch's: a lock, a verifier, a person's answer.
        case tool
        /// Leave to use a tool of its own.
        case permission
        /// Its provider.
        case provider
    }

    private let supervisor: RunSupervisor
    /// Guards the files as well, so that the last word is the one that lasts.
    private let held = Mutex<[RunID: Set<Reason>]>([:])

    init(_ supervisor: RunSupervisor) { self.supervisor = supervisor }

    /// The run waits for this, or does not any more. Safe to repeat. Blocks on the disk alone.
    func set(_ reason: Reason, _ isHeld: Bool, for run: RunID) {
        held.withLock { held in
            var reasons = held[run] ?? []
            if isHeld { reasons.insert(reason) } else { reasons.remove(reason) }
            held[run] = reasons.isEmpty ? nil : reasons
            supervisor.hold(run, !reasons.isEmpty)
        }
    }

    /// The run has ended, or is taken over from a daemon that may have held it: nothing is known to keep it waiting.
    func clear(_ run: RunID) {
        held.withLock { held in
            held[run] = nil
            supervisor.hold(run, false)
        }
    }
}

extension RunSupervisor {
    /// Has the time limit of a run stand still, or go on.
    func hold(_ run: RunID, _ isHeld: Bool) {
        let folder = RunFolder(path: folder(of: run))
        if isHeld {
            let file = open(folder.file("hold"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return }
            close(file)
        } else {
            guard unlink(folder.file("hold")) == 0 else { return }
        }
        folder.wakeRunner()
    }
}

extension EffectRunner {
    /// For how many milliseconds an agent's run that has ended waited for what is not its own; nil where it did not.
    func waited(_ run: RunRow) -> Int? {
        guard run.stage == "work", run.ended != nil, let id = RunID(run.id),
            let held = RunFolder(path: supervisor.folder(of: id)).end?.held, held > .zero
        else { return nil }
        return Int(held / .milliseconds(1))
    }
}
