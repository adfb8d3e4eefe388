import Core
import Glibc

/// What came of bringing a snapshot back.
struct Restoration: Sendable, Equatable {
    var branch: String?
    var worktree: String?
    var commit: String?
    /// What a person should know, in sentences.
    var notes: [String] = []
}

extension GitRepository {
    /// Makes a new branch at a snapshot's commit: everything that was in the files, with what HEAD had been at before as
    /// further parents.
    ///
    /// - Throws: `branchInTheWay` when there is such a branch; `notFound` when the snapshot is an archive alone.
    func restore(_ entry: SnapshotEntry, asBranch branch: String) throws -> Restoration {
        let operation = "restore snapshot \(entry.number) of \(entry.ticket) as a branch"
        guard let commit = entry.commit else {
            let archives = entry.archives.map(\.path).joined(separator: ", ")
            throw GitError(.notFound, operation, "there is only an archive of it, \(archives); use --worktree PATH")
        }
        try locked(operation) { try make(branch, at: commit, lock: $0, for: operation) }
        var notes: [String] = []
        if !entry.archives.isEmpty {
            let archives = entry.archives.map(\.path).joined(separator: ", ")
            notes.append("a branch cannot hold what is in \(archives); --worktree PATH unpacks it")
        }
        return Restoration(branch: branch, commit: commit, notes: notes + entry.record.notes)
    }

    /// Makes a new worktree of the user's own at `path`, on a new branch at the commit HEAD was at, and puts into it every
    /// file as it was, and into its index what was staged.
    ///
    /// What was to be made is noted first: asked again after it was cut short, it puts the half-made worktree into the
    /// trash and begins anew.
    ///
    /// - Throws: `notOurs` when something is at `path`; `branchInTheWay` when there is such a branch. What had been made
    ///   by then is taken back.
    func restore(_ entry: SnapshotEntry, inWorktree path: String, branch: String) throws -> Restoration {
        let operation = "restore snapshot \(entry.number) of \(entry.ticket) in \(path)"
        guard path.hasPrefix("/") else { throw GitError(.notOurs, operation, "the path is not absolute") }
        guard let commit = entry.commit else {
            try checkFree(path, for: operation)
            return try unpackAlone(entry, at: path, for: operation)
        }
        return try locked(operation) { lock in
            let start = entry.record.head ?? commit
            try clearCutShort(branch, lock: lock, for: operation)
            try checkFree(path, for: operation)
            guard try resolve("refs/heads/\(branch)") == nil else { throw branchExists(branch, operation) }
            let note = try noteRestoration(of: branch, at: start, in: path, for: operation)
            defer { unlink(note) }
            let add = ["worktree", "add", "--quiet", "--no-track", "--no-checkout", "-b", branch, path, start]
            do {
                _ = try run(add, lock: lock, for: operation)
                guard let real = GitFiles.canonical(path), let checkout = linkedCheckout(at: real) else {
                    throw GitError(.failed, operation, "git made no worktree at \(path)")
                }
                var notes = try unpack(entry.archives, into: real, for: operation)
                notes += try fill(checkout, with: commit, lock: lock, for: operation)
                notes += try restoreIndex(checkout, entry, lock: lock, for: operation)
                notes += try restoreSubmodules(checkout, for: operation)
                return Restoration(branch: branch, worktree: real, commit: commit, notes: notes + entry.record.notes)
            } catch {
                // Nothing was here before, and nobody has worked in it since.
                _ = try? run(["worktree", "remove", "--force", path], lock: lock, for: operation)
                _ = try? run(["update-ref", "-d", "refs/heads/\(branch)", start], lock: lock, for: operation)
                throw error
            }
        }
    }

    private func checkFree(_ path: String, for operation: String) throws(GitError) {
        guard !GitFiles.exists(path) || GitFiles.isDirectory(path) && GitFiles.names(in: path).isEmpty else {
            throw GitError(.notOurs, operation, "there is something at \(path) already; choose another path")
        }
    }

    // MARK: - Cut short

    /// There while a snapshot is being brought back on a new branch: the branch's first commit, and where its worktree is.
    private func restorationNote(_ branch: String) -> String {
        "\(stateDirectory)/repositories/\(id).restore.\(Self.refComponent(branch))"
    }

    private func noteRestoration(
        of branch: String,
        at start: String,
        in path: String,
        for operation: String
    ) throws(GitError) -> String {
        let note = restorationNote(branch)
        try GitFiles.makeDirectory(GitFiles.parent(of: note), for: operation)
        try GitFiles.write(Array("\(start)\n\(path)\n".utf8), to: note, for: operation)
        return note
    }

    /// Puts aside what a restoration on this branch left that never came to its end: it said nothing to anybody, and the
    /// snapshot has all that was in it. What is not, or no longer, as it left it stays where it is.
    private func clearCutShort(_ branch: String, lock: RepositoryLock, for operation: String) throws(GitError) {
        let note = restorationNote(branch)
        guard let text = GitFiles.line(note), let end = text.firstIndex(of: "\n") else { return }
        let (start, ref) = (String(text[..<end]), "refs/heads/\(branch)")
        let noted = String(text[text.index(after: end)...])
        // As git knows it: without links.
        let place = GitFiles.canonical(noted) ?? noted
        let checkout = linkedCheckout(at: place)
        let isLeft = checkout.map { $0.isHalfMade || $0.headRef == ref } ?? !GitFiles.exists(place)
        let tip = try resolve(ref)
        if isLeft, tip == nil || tip == start {
            try clearHalfMade(place, for: operation)
            clearStaleLock(of: ref)
            if tip != nil { _ = try run(["update-ref", "-d", ref, start], lock: lock, for: operation) }
        }
        unlink(note)
    }

    private func make(_ branch: String, at commit: String, lock: RepositoryLock, for operation: String) throws(GitError)
    {
        guard try resolve("refs/heads/\(branch)") == nil else { throw branchExists(branch, operation) }
        let update = ["update-ref", "-m", "orch: \(operation)", "refs/heads/\(branch)", commit, noObject]
        do throws(GitError) { _ = try run(update, lock: lock, for: operation) } catch {
            throw GitError(.branchInTheWay, operation, "the branch \(branch) cannot be made: \(error.message)")
        }
    }

    private func branchExists(_ branch: String, _ operation: String) -> GitError {
        GitError(.branchInTheWay, operation, "there is a branch \(branch) already; name another with --branch")
    }

    // MARK: - Files

    private func unpackAlone(_ entry: SnapshotEntry, at path: String, for operation: String) throws -> Restoration {
        guard !entry.archives.isEmpty else { throw GitError(.notFound, operation, "there is nothing of it") }
        try GitFiles.makeDirectory(path, for: operation)
        let notes = try unpack(entry.archives, into: path, for: operation)
        return Restoration(
            worktree: path,
            notes: ["it is a plain folder, no worktree: only an archive was kept"] + notes
        )
    }

    /// Unpacks archives into a folder that has nothing but git's own file: no link is there that could lead elsewhere.
    private func unpack(
        _ archives: [SnapshotEntry.Archive],
        into path: String,
        for operation: String
    ) throws(GitError) -> [String] {
        var notes: [String] = []
        for archive in archives {
            guard let program = git.locate("tar") else {
                throw GitError(.notFound, operation, "\(archive.path) needs tar, and there is none on the path")
            }
            let arguments = [
                program, "--extract", "--file", archive.path, "--directory", path, "--no-same-owner",
                "--preserve-permissions", "--anchored", "--no-wildcards", "--exclude=.git", "--exclude=./.git",
            ]
            let output: ShellCommand.Output
            do { output = try ShellCommand(arguments, environment: ["LC_ALL=C.UTF-8"]).run() } catch {
                throw GitError(.failed, operation, error.description)
            }
            let said = Git.text(output.standardError).split(separator: "\n")
            guard output.exitCode < 2 || said.allSatisfy({ $0.contains("Cannot mknod") || $0.contains("Exiting") })
            else {
                throw GitError(
                    .failed,
                    operation,
                    "\(archive.path) cannot be unpacked: \(said.first ?? "tar ended with \(output.exitCode)")"
                )
            }
            notes.append("unpacked \(archive.path)")
        }
        return notes
    }

    /// Writes every file of a commit, through an index of its own.
    private func fill(
        _ checkout: LinkedCheckout,
        with commit: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> [String] {
        var environment = checkout.environment
        environment["GIT_INDEX_FILE"] = "\(checkout.gitDirectory)/orch-index"
        defer { unlink("\(checkout.gitDirectory)/orch-index") }
        var broken: [String] = []
        while true {
            let settings = broken.flatMap { ["-c", "filter.\($0).required=false"] }
            let write = settings + ["read-tree", "--reset", "-u", commit]
            do throws(GitError) {
                _ = try run(write, in: checkout.path, environment: environment, lock: lock, for: operation)
                return broken.map { "the filter \($0) does not work; its files are as the snapshot has them" }
            } catch {
                guard let start = error.detail.firstRange(of: "smudge filter "),
                    let end = error.detail[start.upperBound...].firstRange(of: " failed")
                else { throw error }
                let filter = error.detail[start.upperBound..<end.lowerBound].filter { $0 != "'" }
                guard !broken.contains(filter) else { throw error }
                broken.append(filter)
            }
        }
    }

    /// The index as it was.
    private func restoreIndex(
        _ checkout: LinkedCheckout,
        _ entry: SnapshotEntry,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> [String] {
        func ask(_ arguments: [String], accepted: Set<Int32> = [0]) throws(GitError) {
            _ = try run(
                arguments,
                in: checkout.path,
                environment: checkout.environment,
                accepted: accepted,
                lock: lock,
                for: operation
            )
        }
        let index = entry.record.index
        try ask(["read-tree", index ?? "HEAD"])
        try ask(["update-index", "-q", "--refresh"], accepted: [0, 1, 128])
        return index == nil ? ["what was staged is not known; nothing is"] : ["what was staged is staged"]
    }

    /// Puts the repositories of submodules where git looks for them, and points the two at each other again.
    private func restoreSubmodules(_ checkout: LinkedCheckout, for operation: String) throws(GitError) -> [String] {
        let unpacked = "\(checkout.path)/\(ArchivePart.modules)"
        guard GitFiles.exists("\(unpacked)/modules") else { return [] }
        let modules = "\(checkout.gitDirectory)/modules"
        guard rename("\(unpacked)/modules", modules) == 0 else {
            return ["the repositories of submodules are in \(unpacked)"]
        }
        rmdir(unpacked)
        let entries = try run(["ls-tree", "-r", "-z", "HEAD"], in: checkout.path, for: operation).records
        for case let path? in entries.filter({ $0.hasPrefix("160000") }).map({ $0.split(separator: "\t").last }) {
            let file = "\(checkout.path)/\(path)/.git"
            guard let link = GitFiles.line(file),
                let name = link.firstRange(of: "/modules/").map({ link[$0.upperBound...] }),
                GitFiles.exists("\(modules)/\(name)/HEAD")
            else { continue }
            try GitFiles.write(Array("gitdir: \(modules)/\(name)\n".utf8), to: file, for: operation)
            let setting = [
                "config", "--file", "\(modules)/\(name)/config", "core.worktree", "\(checkout.path)/\(path)",
            ]
            _ = try run(setting, for: operation)
        }
        return []
    }
}
