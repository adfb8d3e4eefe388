import Core

extension Pruning {
    /// The folders of runs of `orch ci run` and of the hook, below `ci/runs` of the state directory: none of a run whose
    /// runner lives, and none that a verification under way has only just made.
    func ciRuns() -> [Item] {
        let ci = "\(effects.environment.paths.directory)/ci"
        let own = only.map { "\(CommitVerification.id(of: GitFiles.canonical($0.path) ?? $0.path))-" }
        return GitFiles.names(in: "\(ci)/runs").filter { own == nil || $0.hasPrefix(own!) }.sorted().flatMap { slot in
            let underWay = CISlot.runUnderWay(in: "\(ci)/\(slot).slot")
            return GitFiles.names(in: "\(ci)/runs/\(slot)").sorted().compactMap { name -> Item? in
                guard let run = RunID(name), run != underWay else { return nil }
                return item("ci/runs/\(slot)/\(name)", RunFolder(path: "\(ci)/runs/\(slot)/\(name)"))
            }
        }
    }

    /// - Returns: nil where it is not old enough, or its runner lives.
    private func item(_ name: String, _ folder: RunFolder) -> Item? {
        guard changed(folder.path) < before, let lock = try? folder.takeLock() else { return nil }
        RunFolder.release(lock)
        return item("run", name, folder)
    }
}
