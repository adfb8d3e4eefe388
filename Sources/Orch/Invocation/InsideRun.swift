import Daemon
import Foundation
import IPC

/// A call of orch from inside a run, by an agent or what it started: it may look, but decide nothing.
///
/// Where the daemon is asked, the daemon itself finds out who asks. This is for what goes by without it, and goes by the
/// environment alone: it can tell, not prevent.
enum InsideRun {
    /// - Parameter action: what was asked, as the name of a command: `orch trust`.
    /// - Throws: `forbidden` inside a run of the daemon of this state directory.
    static func refuse(_ action: String, _ global: GlobalOptions, _ console: Console) throws {
        guard let run = run(of: try global.paths(console), console.environment) else { return }
        throw CommandError(
            .forbidden,
            "\(action) is not for agents: it was called from inside run \(run)",
            hint: "leave it to a human; an agent may read, follow and file tickets"
        )
    }

    /// The run that the environment names. One of another state directory's daemon is somebody else's: an agent may
    /// well try orch out in a place of its own.
    static func run(of paths: StatePaths, _ environment: [String: String]) -> String? {
        guard let run = environment["ORCH_RUN"], !run.isEmpty else { return nil }
        guard let folder = environment["ORCH_RUN_FOLDER"], !folder.isEmpty else { return run }
        let ours = URL(fileURLWithPath: paths.runs).resolvingSymlinksInPath().path
        let parent = URL(fileURLWithPath: folder).deletingLastPathComponent().resolvingSymlinksInPath().path
        return parent == ours ? run : nil
    }
}
