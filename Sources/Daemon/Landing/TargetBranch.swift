import Glibc

/// What came of moving a target branch.
public enum Advance: Sendable, Equatable {
    case advanced
    /// The branch has the candidate already.
    case alreadyThere
    /// Someone else moved the branch; it is at this commit now, or gone.
    case moved(now: String?)
    /// A checkout of the branch stands in the way: why, which, and the paths that are.
    case blocked(reason: String, worktree: String, paths: [String])
}

extension GitRepository {
    /// Moves `branch` from `tip` to `candidate`, which descends from it: the only place that moves a target branch.
    ///
    /// Where nobody has the branch checked out its ref is swapped, if it still is at `tip`. Where one worktree has, git
    /// fast-forwards there, files, index and ref, unless that would overwrite anything or something is under way; then
    /// nothing is changed. Asked again after an interruption it completes what was begun.
    ///
    /// - Parameters:
    ///   - reason: what the reflog says: `land T-7`.
    ///   - looksFirst: asks without any lock of git's whether something is in the way before it tries. For one that was
    ///     blocked and is tried again and again: git takes the index's lock before it refuses, and a command of the
    ///     user's at that moment would fail.
    public func advance(
        _ branch: String,
        from tip: String,
        to candidate: String,
        reason: String,
        looksFirst: Bool = false
    ) throws -> Advance {
        let operation = "move \(branch) to \(candidate)"
        return try locked(operation) { lock in
            let holders = try checkouts(of: branch, for: operation)
            FaultPoint.landingBegun.pass()
            guard let holder = holders.first else {
                return try swap(branch, tip, candidate, reason, lock: lock, for: operation)
            }
            let wasBegun = GitFiles.read(landingNote) == landingIntent(branch, tip, candidate, holder)
            let obstacle = try obstacle(holders, to: branch, wasBegun: wasBegun, for: operation)
            if let obstacle { return obstacle }
            guard holder.head == tip else {
                let now = try whereNow(branch, candidate)
                // Moved before a crash that left the note of it.
                if now == .alreadyThere, wasBegun { unlink(landingNote) }
                return now
            }
            let checkout = ObstructedCheckout(
                repository: self,
                holder: holder,
                tip: tip,
                candidate: candidate,
                wasBegun: wasBegun
            )
            if looksFirst, let blocked = Self.blocked(by: try checkout.obstacles(for: operation), in: holder.path) {
                return blocked
            }
            return try fastForward(holder, branch, checkout, reason, lock: lock, for: operation)
        }
    }

    private func swap(
        _ branch: String,
        _ tip: String,
        _ candidate: String,
        _ reason: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> Advance {
        let update = ["update-ref", "-m", "orch: \(reason)", "refs/heads/\(branch)", candidate, tip]
        do throws(GitError) {
            _ = try run(update, lock: lock, for: operation)
            FaultPoint.landingSwapped.pass()
            return .advanced
        } catch {
            let now = try whereNow(branch, candidate)
            guard now == .moved(now: tip) else { return now }
            // Still at the tip, so something else is wrong.
            if let file = error.lockInTheWay { return blocked(by: file, in: topLevel, commonDirectory) }
            throw error
        }
    }

    private func whereNow(_ branch: String, _ candidate: String) throws(GitError) -> Advance {
        guard let now = try targetTip(branch) else { return .moved(now: nil) }
        if now == candidate { return .alreadyThere }
        return try isAncestor(candidate, of: now) ? .alreadyThere : .moved(now: now)
    }

    /// Whether the candidate is on the branch, whoever moved it there.
    func hasLanded(_ candidate: String, on branch: String) throws(GitError) -> Bool {
        try whereNow(branch, candidate) == .alreadyThere
    }

    /// Why a branch that is checked out cannot be moved now; nil when it can.
    private func obstacle(
        _ holders: [BranchHolder],
        to branch: String,
        wasBegun: Bool,
        for operation: String
    ) throws(GitError) -> Advance? {
        func blocked(_ reason: String, _ holder: BranchHolder, _ paths: [String] = []) -> Advance {
            .blocked(reason: reason, worktree: holder.path, paths: paths)
        }
        for holder in holders {
            if let operation = holder.operation {
                return blocked("\(operation) is under way in \(holder.path), where \(branch) is checked out", holder)
            }
            if !holder.isPresent {
                return blocked(
                    "\(branch) is checked out in \(holder.path), which is not there; git worktree prune forgets it",
                    holder
                )
            }
            if let ticket = owner(of: LinkedCheckout(path: holder.path, gitDirectory: holder.gitDirectory)) {
                return blocked("the agent of \(ticket) has \(branch) checked out in \(holder.path)", holder)
            }
            let inIt = ["index.lock", "HEAD.lock", "ORIG_HEAD.lock"].map { "\(holder.gitDirectory)/\($0)" }
            for file in inIt + ["\(commonDirectory)/refs/heads/\(branch).lock"] {
                guard let lock = LockFile(file) else { continue }
                guard wasBegun, lock.wasLeft(after: landingNote, in: holder.path, holder.gitDirectory) else {
                    return self.blocked(by: file, in: holder.path, holder.gitDirectory)
                }
                let why = "a git of orch's left it when it was killed"
                try GitFiles.copyToTrash(file, "\(stateDirectory)/trash", because: why, for: operation)
            }
        }
        guard holders.count > 1 else { return nil }
        let places = holders.map(\.path).joined(separator: " and ")
        return blocked("\(branch) is checked out in \(places); leave it checked out in one of them", holders[1])
    }

    private func blocked(by file: String, in worktree: String, _ gitDirectory: String) -> Advance {
        let reason = LockFile(file)?.sentence(in: worktree, gitDirectory) ?? "a git command was at work in \(worktree)"
        return .blocked(reason: reason, worktree: worktree, paths: [])
    }

    /// Local changes among the obstacles; nil when orch can clear all of them away.
    private static func blocked(by obstacles: [ObstructedCheckout.Obstacle], in worktree: String) -> Advance? {
        let changed = obstacles.filter { $0.state == .changed }.map(\.path)
        guard !changed.isEmpty else { return nil }
        return .blocked(
            reason: "local changes in \(worktree) would be overwritten: \(listing(changed))",
            worktree: worktree,
            paths: changed
        )
    }

    /// Where a fast-forward that is about to be made is noted, until it is done.
    private var landingNote: String { "\(stateDirectory)/repositories/\(id).landing" }

    private func landingIntent(
        _ branch: String,
        _ tip: String,
        _ candidate: String,
        _ holder: BranchHolder
    ) -> [UInt8] {
        Array("\(branch)\n\(tip)\n\(candidate)\n\(holder.path)\n".utf8)
    }

    private func fastForward(
        _ holder: BranchHolder,
        _ branch: String,
        _ checkout: ObstructedCheckout,
        _ reason: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> Advance {
        let (tip, candidate) = (checkout.tip, checkout.candidate)
        let merge = ["merge", "--ff-only", "--no-overwrite-ignore", "--no-autostash", "--quiet", candidate]
        func attempt() throws(GitError) {
            _ = try run(
                merge,
                in: holder.path,
                environment: holder.environment.merging(["GIT_REFLOG_ACTION": "orch: \(reason)"]) { $1 },
                lock: lock,
                for: operation
            )
        }
        let original = "\(holder.gitDirectory)/ORIG_HEAD"
        let remembered = GitFiles.read(original)
        // Written once: when it was written says which locks are older than what orch was about to do.
        if !checkout.wasBegun {
            try GitFiles.write(landingIntent(branch, tip, candidate, holder), to: landingNote, for: operation)
        }
        FaultPoint.landingNoted.pass()
        let result: Advance
        do throws(GitError) {
            try attempt()
            result = .advanced
        } catch {
            let now = try whereNow(branch, candidate)
            // Refused before anything was changed, so nothing was begun now. After any other failure (a full disk, a
            // lock on the ref) files may be half written, and the note stays for the next attempt.
            let isRefusal = error.detail.contains("would be overwritten") || error.detail.contains("would lose")
            if !checkout.wasBegun && isRefusal || now != .moved(now: tip) { unlink(landingNote) }
            guard now == .moved(now: tip) else { return now }
            if let file = error.lockInTheWay { return blocked(by: file, in: holder.path, holder.gitDirectory) }
            if error.kind == .timedOut {
                // What it left, its lock and half-written files, is taken up by the next attempt.
                return .blocked(reason: "\(error.message) in \(holder.path)", worktree: holder.path, paths: [])
            }
            // git sets ORIG_HEAD before it looks whether it can merge; the user may still need the old one.
            if let remembered {
                try GitFiles.write(remembered, to: original, for: operation)
            } else {
                unlink(original)
            }
            // The whole is tried again, and first looks for the lock that the killed git may have left.
            if error.kind == .killed { throw error }
            let obstacles = try checkout.obstacles(for: operation)
            guard !obstacles.isEmpty else { throw error }
            if let blocked = Self.blocked(by: obstacles, in: holder.path) { return blocked }
            try checkout.settle(obstacles, lock: lock, for: operation)
            FaultPoint.landingSettled.pass()
            do throws(GitError) { try attempt() } catch {
                if let file = error.lockInTheWay { return blocked(by: file, in: holder.path, holder.gitDirectory) }
                throw error
            }
            result = .advanced
        }
        if result == .advanced {
            FaultPoint.landingForwarded.pass()
            unlink(landingNote)
        }
        return result
    }
}
