/// What an agent has done in its worktree, all of it committed on the ticket's branch.
public struct Work: Sendable, Equatable {
    /// The whole state as the agent left it.
    public let snapshot: Snapshot
    /// The tip of the ticket's branch.
    public let head: String
    /// Where the work forked from the target branch.
    public let base: String
    /// Paths that differ between `base` and `head`; a rename counts as both its paths.
    public let changedPaths: [String]
    /// Whether orch committed what the agent had left uncommitted.
    public let committedLeftovers: Bool

    /// There is no commit beyond the base.
    public var isEmpty: Bool { head == base }
}

extension GitRepository {
    /// Takes up the work of an agent that has ended.
    ///
    /// First comes a snapshot. Then what is uncommitted (and neither ignored nor an `AgentCache`) is committed on the
    /// ticket's branch, and the branch is moved forward to HEAD where the agent left HEAD detached or on a branch of its
    /// own ahead of it. Asked again it finds everything committed and answers the same.
    ///
    /// - Parameters:
    ///   - target: the target branch's tip, or the commit the worktree started from.
    ///   - title: the ticket's, for the commit of what was left.
    ///   - agent: who left it: `agent-1`.
    /// - Throws: `unfinished` when the worktree is in the middle of a merge with conflicts, or of a rebase, when HEAD
    ///   is somewhere the branch cannot follow, or when git could not add a file. The snapshot has been taken then.
    public func collect(
        _ worktree: Worktree,
        number: Int,
        target: String,
        title: String,
        agent: String,
        _ order: SnapshotOrder = .init()
    ) throws -> Work {
        let operation = "collect the work of \(worktree.ticket)"
        return try locked(operation) { lock in
            let state = try capture(worktree, number: number, order, lock: lock, for: operation)
            guard GitFiles.isDirectory(worktree.path) else {
                throw GitError(
                    .notFound,
                    operation,
                    "its worktree \(worktree.path) is gone; its commits are on \(worktree.branch) and in "
                        + "\(state.snapshot.ref), and orch retry \(worktree.ticket) makes it again from there"
                )
            }
            guard GitFiles.exists("\(worktree.gitDirectory)/HEAD") else {
                throw GitError(
                    .notFound,
                    operation,
                    "the repository no longer knows its worktree \(worktree.path), which is archived in "
                        + "\(state.snapshot.archives.last ?? ""); orch retry \(worktree.ticket) makes it again from "
                        + "\(worktree.branch)"
                )
            }
            if let refusal = state.refusal {
                let why = refusal.split(separator: "\n").first.map(String.init) ?? "git could not add every file"
                throw GitError(
                    .unfinished,
                    operation,
                    "\(why); `orch snapshots \(worktree.ticket)` says what is kept how",
                    detail: refusal
                )
            }
            try checkFinished(worktree, state, for: operation)
            clearLocksOfAgents(in: worktree)
            guard let captured = state.head else {
                throw GitError(
                    .unfinished,
                    operation,
                    "its HEAD is on \(state.headRef ?? "a branch"), which has no commit; check out \(worktree.branch) and commit there"
                )
            }
            try takeUp(captured.commit, of: worktree, state, target: target, lock: lock, for: operation)

            var head = captured.commit
            let hasLeftovers = state.tree != captured.tree
            if hasLeftovers {
                head = try commitLeftovers(worktree, state, on: head, title, agent, lock: lock, for: operation)
            }
            if hasLeftovers || state.indexTree != captured.tree {
                // Only the index: the files are what was just committed. This also ends a merge or cherry-pick.
                let reset = ["reset", "--quiet", "--mixed", head]
                _ = try run(
                    reset,
                    in: worktree.path,
                    environment: worktree.checkout.environment,
                    lock: lock,
                    for: operation
                )
                FaultPoint.workIndexReset.pass()
            }
            let fork = try run(["merge-base", target, head], accepted: [0, 1], for: operation)
            guard fork.exitCode == 0, let base = fork.lines.first else {
                throw GitError(.unfinished, operation, "its branch has no history in common with the target branch")
            }
            return Work(
                snapshot: state.snapshot,
                head: head,
                base: base,
                changedPaths: try changedPaths(from: base, to: head),
                committedLeftovers: hasLeftovers
            )
        }
    }

    /// Refuses a worktree in the middle of something only the agent can finish.
    private func checkFinished(_ worktree: Worktree, _ state: CapturedState, for operation: String) throws(GitError) {
        for name in ["rebase-merge", "rebase-apply"] where GitFiles.exists("\(worktree.gitDirectory)/\(name)") {
            throw GitError(
                .unfinished,
                operation,
                "a rebase is under way in \(worktree.path); finish it, or git rebase --abort"
            )
        }
        // An index that is no tree has conflicts.
        guard state.indexTree == nil else { return }
        let list = ["diff", "--name-only", "--diff-filter=U", "-z"]
        let paths = try run(list, in: worktree.path, environment: worktree.checkout.environment, for: operation).records
        throw GitError(
            .unfinished,
            operation,
            "conflicts are not resolved in \(Self.listing(paths)); resolve them and commit"
        )
    }

    /// Brings the ticket's branch to HEAD, and HEAD to the ticket's branch.
    private func takeUp(
        _ head: String,
        of worktree: Worktree,
        _ state: CapturedState,
        target: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) {
        let ref = "refs/heads/\(worktree.branch)"
        guard state.headRef != ref else { return }
        let place = state.headRef.map { "on \($0)" } ?? "detached at \(head)"
        let tip = try targetTip(worktree.branch)
        guard try isAncestor(tip ?? target, of: head) else {
            if GitFiles.exists("\(worktree.gitDirectory)/BISECT_LOG") {
                throw GitError(
                    .unfinished,
                    operation,
                    "a bisect is under way in \(worktree.path); end it with git bisect reset"
                )
            }
            throw GitError(
                .unfinished,
                operation,
                "HEAD is \(place), which does not contain the branch \(worktree.branch); check out that branch"
            )
        }
        _ = try run(["update-ref", "-m", "orch: take up HEAD", ref, head, tip ?? noObject], lock: lock, for: operation)
        FaultPoint.workHeadTakenUp.pass()
        let attach = ["symbolic-ref", "-m", "orch: back on the ticket's branch", "HEAD", ref]
        _ = try run(attach, environment: worktree.checkout.environment, lock: lock, for: operation)
    }

    /// Commits the captured tree on the ticket's branch.
    private func commitLeftovers(
        _ worktree: Worktree,
        _ state: CapturedState,
        on head: String,
        _ title: String,
        _ agent: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> String {
        let message = CommitMessage(title: title, body: "Uncommitted work of \(agent), committed by orch.")
        // A merge the agent had resolved but not committed stays a merge.
        let merged = (GitFiles.line("\(worktree.gitDirectory)/MERGE_HEAD") ?? "").split(separator: "\n").map(
            String.init
        )
        let parents = ([head] + merged).flatMap { ["-p", $0] }
        let commit = try run(
            ["commit-tree", state.tree] + parents + ["-F", "-"],
            environment: identity.environment,
            input: Array(message.text.utf8),
            lock: lock,
            for: operation
        ).line
        FaultPoint.workCommitted.pass()
        let update = ["update-ref", "-m", "orch: uncommitted work", "refs/heads/\(worktree.branch)", commit, head]
        _ = try run(update, lock: lock, for: operation)
        FaultPoint.workBranchMoved.pass()
        return commit
    }

    /// A few paths for a sentence.
    static func listing(_ paths: [String]) -> String {
        paths.prefix(5).joined(separator: ", ") + (paths.count > 5 ? " and \(paths.count - 5) more" : "")
    }
}
