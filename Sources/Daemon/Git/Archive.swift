import Glibc

extension GitRepository {
    /// Puts paths into a tar file that is on the disk before it has its name.
    ///
    /// Relative paths start at `directory`.
    func archive(
        _ directory: String,
        _ paths: [String],
        to destination: String,
        for operation: String
    ) throws(GitError) {
        guard let program = git.locate("tar") else {
            throw GitError(
                .notFound,
                operation,
                "\(directory) needs tar to be kept whole, and there is none on the path"
            )
        }
        try GitFiles.makeDirectory(GitFiles.parent(of: destination), for: operation)
        let temporary = "\(destination).new"
        let arguments = [
            program, "--create", "--file", temporary, "--directory", directory, "--absolute-names", "--null",
            "--verbatim-files-from", "--files-from=-",
        ]
        var tar = ShellCommand(arguments, environment: ["LC_ALL=C.UTF-8"])
        tar.input = paths.flatMap { Array($0.utf8) + [0] }
        let output: ShellCommand.Output
        do { output = try tar.run() } catch { throw GitError(.failed, operation, error.description) }
        // 1: a file changed while it was read; 2: some could not be read even by their owner. Both leave an archive of
        // everything else, and a snapshot with a gap is worth more than none.
        FaultPoint.snapshotArchiveWritten.pass()
        let descriptor = open(temporary)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard 0...2 ~= output.exitCode, descriptor >= 0, fsync(descriptor) == 0, rename(temporary, destination) == 0
        else {
            throw GitError(
                .failed,
                operation,
                "tar could not archive \(directory)",
                command: arguments.joined(separator: " "),
                exitCode: output.exitCode,
                detail: Git.text(output.standardError)
            )
        }
    }

    private func open(_ path: String) -> Int32 { Glibc.open(path, O_RDONLY | O_CLOEXEC) }
}
