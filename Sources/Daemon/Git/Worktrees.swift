public import Core
import Glibc

/// The worktree of one ticket: its agent's, on a branch of its own.
public struct Worktree: Sendable, Equatable {
    public let path: String
    /// The branch's short name.
    public let branch: String
    public let ticket: TicketID
    /// Its HEAD, index and reflog live here, inside the repository.
    let gitDirectory: String

    var checkout: LinkedCheckout { LinkedCheckout(path: path, gitDirectory: gitDirectory) }
}

/// What became of a worktree that was to be removed.
public enum WorktreeRemoval: Sendable, Equatable {
    case removed
    /// git would not remove it; its folder is now here.
    case trashed(String)
    /// There was nothing left to remove.
    case alreadyGone
}

extension GitRepository {
    /// Makes the worktree of `ticket` at `path` on a new branch that starts at `commit`.
    ///
    /// `path` is a direct member of `<state>/worktrees`. Asked again it returns the worktree as it is, and starts over
    /// where an earlier attempt was cut short; its branch then stays at the commit of that attempt. What was to be made
    /// is noted beside the folder first, so that a branch left over by such an attempt is told from one of the user's.
    /// A new one is made of a spare where there is one.
    ///
    /// - Parameters:
    ///   - reusingBranch: the ticket's branch exists with work on it: check that out instead of making one.
    ///   - remaking: orch had made it before. What is left of one that somebody deleted or broke is then put aside, and
    ///     it is made again.
    /// - Throws: `branchInTheWay`, `notOurs`, or what git said.
    public func prepareWorktree(
        at path: String,
        branch: String,
        from commit: String,
        ticket: TicketID,
        reusingBranch: Bool = false,
        remaking: Bool = false
    ) throws -> Worktree {
        let operation = "create the worktree of \(ticket)"
        let path = try owned(path, in: "worktrees", for: operation)
        let note = Self.note(of: path)
        let whose = "\(ticket)\n\(branch)\n"
        return try locked(operation) { lock in
            var adopted = reusingBranch
            var start = commit
            if isBegun(path) {
                // The earlier attempt may have begun at another commit: the target has moved since.
                let earlier = GitFiles.read(note).map { Git.text($0) }.flatMap { text in
                    text.hasPrefix(whose) ? text.dropFirst(whose.count).prefix { $0 != "\n" } : nil
                }
                let noted = earlier != nil
                let isOurs = noted || remaking
                if let worktree = try existing(at: path, branch, ticket, isOurs: isOurs, lock, for: operation) {
                    unlink(note)
                    return worktree
                }
                try clearHalfMade(path, for: operation)
                if noted { clearStaleLock(of: "refs/heads/\(branch)") }
                // Noted, never finished, and still where it would have been made: the branch is the attempt's.
                if let earlier, !adopted {
                    adopted = try targetTip(branch) == String(earlier)
                    // Noted still with the commit it is at, for an attempt after this one.
                    if adopted { start = String(earlier) }
                }
            }
            try GitFiles.write(Array((whose + start + "\n").utf8), to: note, for: operation)
            FaultPoint.worktreeNoted.pass()
            let how = adopted ? ["--quiet", path, branch] : ["--quiet", "--no-track", "-b", branch, path, commit]
            do throws(GitError) {
                var isMade = false
                if !adopted { isMade = try giveSpare(to: path, branch: branch, from: commit, lock, for: operation) }
                if !isMade { _ = try run(["worktree", "add"] + how, lock: lock, for: operation) }
            } catch {
                // What is there after any other failure, git may have made before it failed.
                let isTaken = !adopted && error.detail.contains("exists")
                let cause = isTaken ? try branchInTheWay(of: branch, operation, error) : nil
                if cause != nil { unlink(note) }
                throw cause ?? error
            }
            FaultPoint.worktreeAdded.pass()
            guard let checkout = linkedCheckout(at: path) else {
                throw GitError(.failed, operation, "git made no worktree at \(path)")
            }
            try mark(checkout, ticket, for: operation)
            FaultPoint.worktreeMarked.pass()
            unlink(note)
            FaultPoint.worktreeMade.pass()
            return Worktree(path: path, branch: branch, ticket: ticket, gitDirectory: checkout.gitDirectory)
        }
    }

    /// Whether there is anything of a worktree at `path`, if only an attempt to make it.
    func isBegun(_ path: String) -> Bool {
        GitFiles.exists(path) || GitFiles.exists(Self.note(of: path)) || linkedCheckout(at: path) != nil
    }

    /// What says that the worktree at `path` is being made.
    static func note(of path: String) -> String { "\(path).making" }

    /// The worktree of `ticket` at `path`; nil when orch made none there for it.
    public func worktree(at path: String, branch: String, ticket: TicketID) -> Worktree? {
        guard let parent = GitFiles.canonical(GitFiles.parent(of: path)) else { return nil }
        let path = "\(parent)/\(GitFiles.name(of: path))"
        guard let checkout = linkedCheckout(at: path), owner(of: checkout) == ticket else { return nil }
        return Worktree(path: path, branch: branch, ticket: ticket, gitDirectory: checkout.gitDirectory)
    }

    /// The worktree of `ticket` at `path` of which the repository knows nothing any more; nil when there is no folder
    /// either, or it lies elsewhere.
    func forgottenWorktree(at path: String, branch: String, ticket: TicketID) throws(GitError) -> Worktree? {
        let path = try owned(path, in: "worktrees", for: "look at the worktree of \(ticket)")
        guard GitFiles.isDirectory(path), linkedCheckout(at: path) == nil else { return nil }
        let directory = "\(commonDirectory)/worktrees/\(GitFiles.name(of: path))"
        return Worktree(path: path, branch: branch, ticket: ticket, gitDirectory: directory)
    }

    /// Moves the folder of a worktree that the repository has forgotten to the trash.
    func putAside(_ worktree: Worktree) throws(GitError) {
        let operation = "remove the worktree of \(worktree.ticket)"
        _ = try GitFiles.moveToTrash(
            worktree.path,
            "\(stateDirectory)/trash",
            because: "the repository had forgotten it",
            for: operation
        )
    }

    /// Removes a worktree whose whole state is in a snapshot.
    ///
    /// Its folder is out of the way at once, and is deleted by whoever clears `RemovedWorktrees`. Nothing is deleted that is
    /// in no snapshot, or that git does not take for its worktree: such a folder is moved to `<state>/trash`. Asked again it
    /// answers `alreadyGone`.
    ///
    /// - Throws: `notOurs` when it lies elsewhere, carries no mark of `ticket`, or is locked; `notFound` when the snapshot is
    ///   not what the repository has.
    public func removeWorktree(at path: String, ticket: TicketID, keptBy snapshot: Snapshot) throws -> WorktreeRemoval {
        let operation = "remove the worktree of \(ticket)"
        let path = try owned(path, in: "worktrees", for: operation)
        return try locked(operation) { lock in
            guard GitFiles.exists(path) || linkedCheckout(at: path) != nil else { return .alreadyGone }
            guard let checkout = linkedCheckout(at: path), owner(of: checkout) == ticket else {
                throw GitError(
                    .notOurs,
                    operation,
                    "\(path) does not carry orch's mark for \(ticket); look at it first"
                )
            }
            try check(snapshot, of: ticket, for: operation)
            if GitFiles.exists("\(checkout.gitDirectory)/locked") {
                throw GitError(.notOurs, operation, "\(path) is locked; git worktree unlock it first")
            }
            let reason = keepingReason(of: checkout, snapshot)
            let trashed = try reason.map { reason throws(GitError) in
                try GitFiles.moveToTrash(path, "\(stateDirectory)/trash", because: reason, for: operation)
            }
            if trashed != nil { FaultPoint.tidyTrashed.pass() }
            try discard(path, lock, for: operation)
            return trashed.map { .trashed($0) } ?? .removed
        }
    }

    /// Why the folder of a worktree has to stay somewhere; nil when it may go, or is gone.
    private func keepingReason(of checkout: LinkedCheckout, _ snapshot: Snapshot) -> String? {
        guard GitFiles.exists(checkout.path) else { return nil }
        if !snapshot.isWhole { return "what could not be read is in no snapshot" }
        return checkout.isLinked ? nil : "its .git does not lead to the repository"
    }

    /// Deletes a branch that is still at `commit`; a branch already gone is fine.
    ///
    /// - Throws: `notFound` when the snapshot does not hold the commit; `notOurs` when the branch has moved or is
    ///   checked out.
    public func deleteBranch(_ branch: String, at commit: String, keptBy snapshot: Snapshot) throws {
        let operation = "delete the branch \(branch)"
        try locked(operation) { lock in
            guard let tip = try targetTip(branch) else { return }
            guard tip == commit else {
                throw GitError(.notOurs, operation, "it is at \(tip), not at \(commit): someone moved it")
            }
            try check(snapshot, of: snapshot.ticket, for: operation)
            guard let kept = snapshot.commit, try isAncestor(commit, of: kept) else {
                throw GitError(.notFound, operation, "its commits are not in the snapshot \(snapshot.ref)")
            }
            if let holder = try checkouts(of: branch, for: operation).first {
                throw GitError(.notOurs, operation, "it is checked out at \(holder.path)")
            }
            try deleteRef("refs/heads/\(branch)", at: commit, lock: lock, for: operation)
        }
    }

    /// Deletes a ref of orch's, which is noted first; one already gone is fine unless it is to be `at` a commit.
    func deleteRef(
        _ ref: String,
        at commit: String? = nil,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) {
        let note = "\(stateDirectory)/repositories/\(id).deleting"
        let wasNoted = try clearLocksOfDeleting(ref, noted: note, for: operation)
        do throws(GitError) {
            _ = try run(["update-ref", "-d", ref] + (commit.map { [$0] } ?? []), lock: lock, for: operation)
        } catch {
            // A git that was killed may have left its locks, which may not be known for its own yet. Any other has
            // taken them with it.
            let mayBeOurs = error.kind == .killed || wasNoted && error.lockInTheWay != nil
            if !mayBeOurs { unlink(note) }
            throw error
        }
        unlink(note)
    }

    /// Notes that this ref is about to be deleted. Where that of any ref had been noted before, and never came to its end,
    /// the locks that the killed git left are taken away first. Anybody else's stay.
    ///
    /// - Returns: whether this one had been noted before.
    /// - Throws: an error that is passing where a lock is in the way that has been there for a while: git would wait for
    ///   it for seconds, and everything else of the repository with it.
    private func clearLocksOfDeleting(
        _ ref: String,
        noted note: String,
        for operation: String
    ) throws(GitError) -> Bool {
        let noted = GitFiles.line(note)
        for file in noted.map(locks(ofDeleting:)) ?? [] {
            guard let lock = LockFile(file), lock.isNewer(than: note) else { continue }
            // As long as it may be orch's the note stays: without it nobody would know.
            guard lock.wasLeft(after: note, in: topLevel, commonDirectory) else { throw inTheWay(lock, operation) }
            let why = "a git of orch's left it when it was killed"
            _ = try GitFiles.moveToTrash(file, "\(commonDirectory)/orch/trash", because: why, for: operation)
        }
        for lock in locks(ofDeleting: ref).compactMap(LockFile.init) where lock.age > 1 {
            throw inTheWay(lock, operation)
        }
        guard noted != ref else { return true }
        try GitFiles.write(Array("\(ref)\n".utf8), to: note, isDurable: false, for: operation)
        return false
    }

    private func locks(ofDeleting ref: String) -> [String] {
        ["\(ref).lock", "packed-refs.lock"].map { "\(commonDirectory)/\($0)" }
    }

    private func inTheWay(_ lock: LockFile, _ operation: String) -> GitError {
        let said = "Unable to create '\(lock.path)': File exists."
        return GitError(.failed, operation, lock.sentence(in: topLevel, commonDirectory), detail: said)
    }

    /// What an agent's environment holds so that its commits have an author, need no key and leave nothing half done.
    public var agentEnvironment: [String: String] {
        let settings = [
            ("commit.gpgSign", "false"), ("tag.gpgSign", "false"),
            // Without a reflog nobody could find what an agent resets away.
            ("core.logAllRefUpdates", "true"),
            // Housekeeping in the background would be killed with the run: a lock that keeps everybody's away, half a pack.
            ("gc.auto", "0"), ("maintenance.auto", "false"),
        ]
        return identity.environment.merging(Git.configuration(settings)) { $1 }
    }
}

// MARK: - Whose it is

extension GitRepository {
    /// The ticket whose mark a worktree carries.
    func owner(of checkout: LinkedCheckout) -> TicketID? {
        GitFiles.line("\(checkout.gitDirectory)/orch").map { TicketID($0) }
    }

    private func mark(_ checkout: LinkedCheckout, _ ticket: TicketID, for operation: String) throws(GitError) {
        try GitFiles.write(Array("\(ticket)\n".utf8), to: "\(checkout.gitDirectory)/orch", for: operation)
    }

    /// The complete worktree at `path`; nil when there is only an unfinished or broken one of ours.
    private func existing(
        at path: String,
        _ branch: String,
        _ ticket: TicketID,
        isOurs: Bool,
        _ lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> Worktree? {
        let checkout = linkedCheckout(at: path)
        let owner = checkout.flatMap { self.owner(of: $0) }
        if let checkout, owner == ticket {
            let worktree = Worktree(path: path, branch: branch, ticket: ticket, gitDirectory: checkout.gitDirectory)
            guard GitFiles.isDirectory(path), GitFiles.exists("\(checkout.gitDirectory)/HEAD") else {
                try rescue(worktree, lock, for: operation)
                return nil
            }
            try mendLink(of: worktree, for: operation)
            return worktree
        }
        guard isOurs, owner == nil else {
            let whose = owner.map { "belongs to \($0)" } ?? "is there already, and orch did not make it"
            throw GitError(.notOurs, operation, "\(path) \(whose)")
        }
        // git had finished, and only the mark is missing.
        guard let checkout, !checkout.isHalfMade, GitFiles.exists(path + "/.git"),
            checkout.headRef == "refs/heads/\(branch)"
        else { return nil }
        try mark(checkout, ticket, for: operation)
        return Worktree(path: path, branch: branch, ticket: ticket, gitDirectory: checkout.gitDirectory)
    }

    /// Makes the folder's `.git` point at this worktree again. A repository that somebody made in its place goes to the
    /// trash with the commits in it.
    private func mendLink(of worktree: Worktree, for operation: String) throws(GitError) {
        let (link, wanted) = ("\(worktree.path)/.git", "gitdir: \(worktree.gitDirectory)")
        guard GitFiles.isDirectory(link) || GitFiles.line(link) != wanted else { return }
        if GitFiles.exists(link) {
            let why = "it stood in the place of the worktree's own .git"
            _ = try GitFiles.moveToTrash(link, "\(stateDirectory)/trash", because: why, for: operation)
        }
        try GitFiles.write(Array((wanted + "\n").utf8), to: link, for: operation)
    }

    /// Keeps the commits that only the log of a worktree whose folder is gone knows: git forgets it with the folder.
    func rescue(_ worktree: Worktree, _ lock: RepositoryLock, for operation: String) throws(GitError) {
        for commit in try unreachable(worktree, from: nil, for: operation) {
            let ref = "refs/orch/rescued/\(Self.refComponent(worktree.ticket.text))/\(commit)"
            _ = try run(["update-ref", ref, commit], lock: lock, for: operation)
        }
    }

    /// Why `branch` could not be made, when a branch that exists is the reason.
    private func branchInTheWay(of branch: String, _ operation: String, _ error: GitError) throws(GitError) -> GitError?
    {
        let parts = branch.split(separator: "/", omittingEmptySubsequences: false)
        let above = (1..<max(1, parts.count)).map { "refs/heads/" + parts[..<$0].joined(separator: "/") }
        let wanted = "refs/heads/\(branch)"
        let found = try run(["for-each-ref", "--format=%(refname)", wanted] + above, for: operation).lines
        guard let other = found.first(where: { $0 == wanted || above.contains($0) || $0.hasPrefix(wanted + "/") })
        else { return nil }
        return GitError(
            .branchInTheWay,
            operation,
            "the branch \(other.dropFirst("refs/heads/".count)) stands in the way of \(branch); "
                + "rename it, or choose another branch prefix for orch",
            command: error.command,
            exitCode: error.exitCode,
            detail: error.detail
        )
    }

    /// That the repository really has this snapshot of this ticket.
    private func check(_ snapshot: Snapshot, of ticket: TicketID, for operation: String) throws(GitError) {
        let archived = snapshot.archive.map { GitFiles.exists($0) }
        guard snapshot.ticket == ticket, archived != false, snapshot.commit != nil || archived == true else {
            throw GitError(.notFound, operation, "there is no snapshot of it; take one first")
        }
        guard let commit = snapshot.commit else { return }
        guard try resolve(snapshot.ref) == commit else {
            throw GitError(.notFound, operation, "\(snapshot.ref) is not \(commit); take a new snapshot first")
        }
    }
}
