import Glibc

extension StatePaths {
    /// Makes the state directory and those in it, readable by the user alone.
    func makeDirectories() throws {
        for path in [directory, runs, worktrees, trash] {
            try GitFiles.makeDirectory(path, for: "prepare the state directory")
            chmod(path, 0o700)
        }
    }
}
