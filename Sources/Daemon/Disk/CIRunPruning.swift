import Core
import Glibc

extension Pruning {
    /// The folders of runs of `orch ci run` and of the hook, below `ci/runs` of the state directory: none of a run whose
    /// runner lives, and none that a verification under way has only just made.
    func ciRuns() -> [Item] {
        let own = own.map { "\($0)-" }
        return GitFiles.names(in: "\(ci)/runs").filter { own == nil || $0.hasPrefix(own!) }.flatMap { slot in
            let underWay = CISlot.runUnderWay(in: "\(ci)/\(slot).slot")
            return GitFiles.names(in: "\(ci)/runs/\(slot)").sorted().compactMap { name -> Item? in
                guard let run = RunID(name), run != underWay else { return nil }
                return item("ci/runs/\(slot)/\(name)", RunFolder(path: "\(ci)/runs/\(slot)/\(name)"))
            }
        }
    }

    /// What `orch ci run` and the hook have found to pass, and would not run again.
    func ciPasses() -> [Item] {
        GitFiles.names(in: "\(ci)/passes").filter { own == nil || $0 == own }.flatMap { folder in
            GitFiles.names(in: "\(ci)/passes/\(folder)").compactMap { name -> Item? in
                let path = "\(ci)/passes/\(folder)/\(name)"
                guard changed(path) < before else { return nil }
                let bytes = DiskUse.measure(path, until: .now + .seconds(1)).bytes
                return Item(
                    kind: "pass",
                    name: "ci/passes/\(folder)/\(name)",
                    bytes: bytes,
                    drop: { unlink(path) == 0 || errno == ENOENT }
                )
            }
        }
    }

    private var ci: String { "\(effects.environment.paths.directory)/ci" }

    /// What those of the one repository are found by.
    private var own: String? { only.map { "\(CommitVerification.id(of: GitFiles.canonical($0.path) ?? $0.path))" } }

    /// - Returns: nil where it is not old enough, or its runner lives.
    private func item(_ name: String, _ folder: RunFolder) -> Item? {
        guard changed(folder.path) < before, let lock = try? folder.takeLock() else { return nil }
        RunFolder.release(lock)
        return item("run", name, folder)
    }
}
