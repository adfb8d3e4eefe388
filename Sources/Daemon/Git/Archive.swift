import Core
import Glibc

/// Some of what goes into an archive: paths below a folder.
struct ArchivePart: Sendable {
    var directory: String
    /// Relative to `directory`. They begin with no dash and are no patterns: tar is told so.
    var paths: [[UInt8]]
    /// A folder in the archive that they are put into, instead of its top; a plain word.
    var into: String?

    /// Where an archive has the repositories of submodules, which git keeps outside the worktree.
    static let modules = ".orch-submodules"
}

extension GitRepository {
    /// The folder of all archives.
    var archivesDirectory: String { "\(stateDirectory)/archives" }

    /// The name of a snapshot's archive, and of the second and later ones where the snapshot was asked for again.
    static func archiveName(_ ticket: TicketID, _ number: Int, copy: Int = 1) -> String {
        "\(refComponent(ticket.text))-\(number)\(copy == 1 ? "" : ".\(copy)").tar"
    }

    /// The archives of a snapshot, oldest first.
    func archives(of ticket: TicketID, number: Int) -> [String] {
        var found: [String] = []
        while true {
            let path = "\(archivesDirectory)/\(Self.archiveName(ticket, number, copy: found.count + 1))"
            guard GitFiles.exists(path) else { return found }
            found.append(path)
        }
    }

    /// Puts files into an archive of a snapshot that is on the disk, name and all, when this returns.
    ///
    /// What an earlier attempt has archived stays: this one gets a name of its own, unless it comes out the same. What an
    /// earlier attempt has begun is begun anew.
    ///
    /// - Returns: what could not be read, for a sentence; empty when nothing.
    func archive(
        _ parts: [ArchivePart],
        of ticket: TicketID,
        number: Int,
        for operation: String
    ) throws(GitError) -> String {
        try GitFiles.makeDirectory(archivesDirectory, for: operation)
        let earlier = archives(of: ticket, number: number)
        let name = Self.archiveName(ticket, number, copy: earlier.count + 1)
        let temporary = "\(archivesDirectory)/\(Self.archiveName(ticket, number)).new"
        unlink(temporary)
        var missed: [String] = []
        for (index, part) in parts.enumerated() {
            missed += try tar(part, to: temporary, isFirst: index == 0, for: operation)
        }
        FaultPoint.snapshotArchiveWritten.pass()
        if let last = earlier.last, GitFiles.areEqual(last, temporary) {
            unlink(temporary)
        } else {
            try settle(temporary, as: "\(archivesDirectory)/\(name)", for: operation)
        }
        return missed.prefix(20).joined(separator: ", ") + (missed.count > 20 ? " and \(missed.count - 20) more" : "")
    }

    /// Writes one part.
    ///
    /// - Returns: the paths that could not be read even by their owner.
    private func tar(
        _ part: ArchivePart,
        to file: String,
        isFirst: Bool,
        for operation: String
    ) throws(GitError) -> [String] {
        guard let program = git.locate("tar") else {
            let what = "\(part.directory) needs tar to be kept whole, and there is none on the path"
            throw GitError(.notFound, operation, what)
        }
        var arguments = [
            program, isFirst ? "--create" : "--append", "--file", file, "--directory", part.directory, "--sparse",
            "--quoting-style=literal", "--null", "--verbatim-files-from", "--files-from=-",
        ]
        // Names of members, not what links point at.
        if let folder = part.into { arguments += ["--transform=s,^,\(folder)/,S"] }
        var tar = ShellCommand(arguments, environment: ["LC_ALL=C.UTF-8"])
        tar.input = PathBytes.records(part.paths)
        let output: ShellCommand.Output
        do { output = try tar.run() } catch { throw GitError(.failed, operation, error.description) }
        let said = Git.text(output.standardError).split(separator: "\n")
        let missed = said.compactMap { line -> String? in
            guard let end = line.firstRange(of: ": Cannot ") else { return nil }
            return String(line[..<end.lowerBound].dropFirst("tar: ".count))
        }
        // 1: a file changed while it was read; 2: some could not be read even by their owner. Both leave an archive of
        // everything else, and a snapshot with a gap is worth more than none.
        guard output.exitCode < 2 || output.exitCode == 2 && !said.contains(where: { $0.contains("not recoverable") })
        else {
            throw GitError(
                .failed,
                operation,
                "tar could not archive \(part.directory)",
                command: arguments.joined(separator: " "),
                exitCode: output.exitCode,
                detail: Git.text(output.standardError)
            )
        }
        return missed
    }

    /// Has the file on the disk, then its name.
    private func settle(_ temporary: String, as path: String, for operation: String) throws(GitError) {
        guard GitFiles.synchronize(temporary), rename(temporary, path) == 0,
            GitFiles.synchronize(GitFiles.parent(of: path))
        else { throw GitError(.failed, operation, "cannot write \(path): \(GitFiles.reason())") }
    }
}
