import Foundation

extension GitRepository {
    /// Brings untracked files that a fresh checkout needs, such as `.env`, from where the repository was opened; what is
    /// there already stays. A copy is there whole or not at all.
    func copyFiles(_ names: [String], to destination: String) throws {
        for name in names {
            let (from, to) = ("\(topLevel)/\(name)", "\(destination)/\(name)")
            guard FileManager.default.fileExists(atPath: from), !FileManager.default.fileExists(atPath: to) else {
                continue
            }
            let folder = (to as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let unfinished = "\(to).orch-copy"
            if GitFiles.exists(unfinished) {
                // Ours, cut short; or an agent's, by chance.
                let why = "a copy was to be made under its name"
                let operation = "copy \(name)"
                _ = try GitFiles.moveToTrash(unfinished, "\(stateDirectory)/trash", because: why, for: operation)
            }
            try FileManager.default.copyItem(atPath: from, toPath: unfinished)
            FaultPoint.fileCopied.pass()
            try FileManager.default.moveItem(atPath: unfinished, toPath: to)
        }
    }
}
