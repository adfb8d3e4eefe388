import Core

/// The branch `orch/locks`: where it is, and how orch moves it. Only orch's own commits and those of people are on it, and
/// it is never merged anywhere.
extension GitRepository {
    static let lockBranch = "orch/locks"
    private static let lockBranchRef = "refs/heads/\(lockBranch)"
    /// The last commit of the branch that orch has written, or has taken up. It is moved before the branch is, so that a
    /// commit of orch's own is never taken for somebody's. Not `refs/orch/locks`, which git would take `orch/locks` for.
    private static let lockTableRef = "refs/orch/lock-table"

    struct LockBranch: Equatable {
        /// Nil where there is no such branch.
        var tip: String?
        /// Nil where there never was one.
        var known: String?
    }

    func lockBranch(for operation: String) throws(GitError) -> LockBranch {
        let list = ["for-each-ref", "--format=%(refname) %(objectname)", Self.lockBranchRef, Self.lockTableRef]
        var branch = LockBranch()
        for line in try run(list, for: operation).lines {
            let parts = line.split(separator: " ").map(String.init)
            if parts.first == Self.lockBranchRef { branch.tip = parts.last }
            if parts.first == Self.lockTableRef { branch.known = parts.last }
        }
        return branch
    }

    /// The commit from which `tip` and `known` have gone their ways: what is in `tip` and not there is somebody's. Nil where
    /// they have nothing in common.
    func lockBase(_ branch: LockBranch, for operation: String) throws(GitError) -> String? {
        guard let tip = branch.tip, let known = branch.known, tip != known else { return branch.tip }
        return try run(["merge-base", tip, known], accepted: [0, 1], for: operation).lines.first
    }

    /// The bytes of `locks.json` at a commit; nil where there is no such file.
    func lockTable(at commit: String, for operation: String) throws(GitError) -> [UInt8]? {
        let object = try run(
            ["ls-tree", "-z", "--format=%(objecttype) %(objectname)", commit, "--", LockTableFile.name],
            for: operation
        ).records.first?.split(separator: " ").map(String.init)
        guard let object, object[0] == "blob" else { return nil }
        var call = Git.Call(["cat-file", "blob", object[1]], in: commonDirectory)
        call.environment = ["GIT_DIR": commonDirectory]
        call.outputLimit = SourceText.limit + 1
        call.mayTruncate = true
        return try git.run(call, for: operation).standardOutput
    }

    /// A commit of the file on top of `parent`, with whatever else there is beside it. No ref is moved.
    func commitLockTable(_ text: String, on parent: String?, _ message: String, for operation: String) throws -> String
    {
        try locked(operation) { lock in
            try clearLockOfKilledMove(for: operation)
            let blob = try run(["hash-object", "-w", "--stdin"], input: Array(text.utf8), lock: lock, for: operation)
                .line
            let others = try parent.map { try run(["ls-tree", "-z", $0], for: operation).standardOutput } ?? []
            let name = Array("\t\(LockTableFile.name)".utf8)
            var listing = Array("100644 blob \(blob)\t\(LockTableFile.name)\0".utf8)
            for entry in others.split(separator: 0) where !Array(entry).ends(with: name) { listing += entry + [0] }
            let tree = try run(["mktree", "-z"], input: listing, lock: lock, for: operation).line
            return try run(
                ["commit-tree", tree] + (parent.map { ["-p", $0] } ?? []) + ["-F", "-"],
                environment: Identity.orch.environment,
                input: Array(message.utf8),
                lock: lock,
                for: operation
            ).line
        }
    }

    /// A git of orch's that was killed while it moved the branch left its lock, which is newer than the note of that move.
    private func clearLockOfKilledMove(for operation: String) throws(GitError) {
        let (file, note) = ("\(commonDirectory)/\(Self.lockBranchRef).lock", "\(commonDirectory)/\(Self.lockTableRef)")
        guard let lock = LockFile(file), lock.wasLeft(after: note, in: topLevel, commonDirectory) else { return }
        let why = "a git of orch's left it when it was killed"
        _ = try GitFiles.moveToTrash(file, "\(commonDirectory)/orch/trash", because: why, for: operation)
    }

    /// Notes that what `commit` says is orch's own, or has been taken up.
    func noteLockTable(_ commit: String, for operation: String) throws {
        try locked(operation) { lock in
            clearStaleLock(of: Self.lockTableRef)
            _ = try run(["update-ref", Self.lockTableRef, commit], lock: lock, for: operation)
        }
    }

    enum LockBranchMove {
        case moved
        /// Somebody was quicker.
        case behind
        /// Where it is checked out it cannot be moved now: why.
        case blocked(String)
    }

    private func obstacle(_ holders: [BranchHolder]) -> String? {
        let holder = holders[0]
        if let operation = holder.operation { return "\(operation) is under way in \(holder.path)" }
        if let ticket = owner(of: LinkedCheckout(path: holder.path, gitDirectory: holder.gitDirectory)) {
            return "the agent of \(ticket) has it checked out in \(holder.path)"
        }
        if holders.count > 1 { return "it is checked out in \(holder.path) and in \(holders[1].path)" }
        return holder.isPresent ? nil : "it is checked out in \(holder.path), which is not there"
    }

    /// Moves the branch from `tip`, nil where there is none, to `commit` on top of it. Where somebody has it checked out,
    /// files, index and ref are moved there as git does, or nothing is.
    func moveLockBranch(from tip: String?, to commit: String, for operation: String) throws -> LockBranchMove {
        try locked(operation) { lock in
            let holders = try checkouts(of: Self.lockBranch, for: operation)
            let why: String
            do throws(GitError) {
                if let holder = holders.first {
                    if let obstacle = obstacle(holders) { return .blocked(obstacle) }
                    let merge = ["merge", "--ff-only", "--no-overwrite-ignore", "--no-autostash", "--quiet", commit]
                    _ = try run(merge, in: holder.path, environment: holder.environment, lock: lock, for: operation)
                } else {
                    let update = ["update-ref", "-m", "orch: locks", Self.lockBranchRef, commit, tip ?? noObject]
                    _ = try run(update, lock: lock, for: operation)
                }
                return .moved
            } catch {
                if error.kind == .killed { throw error }
                why = error.detail.split(separator: "\n").first.map(String.init) ?? error.message
            }
            return try lockBranch(for: operation).tip == tip ? .blocked(why) : .behind
        }
    }
}

extension [UInt8] {
    fileprivate func ends(with end: [UInt8]) -> Bool { count >= end.count && suffix(end.count).elementsEqual(end) }
}
