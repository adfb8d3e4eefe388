extension GitRepository {
    /// The newest of the commits that were made in this worktree and that nothing lasting reaches: what its HEAD and its
    /// branch have been at, what an operation under way refers to, what was stashed in it.
    ///
    /// HEAD reaches; so do the user's refs, and earlier snapshots of the ticket. What goes with the worktree, its branch,
    /// or another ticket does not. An entry of the stash that was dropped again leaves no trace to be found by.
    func unreachable(
        _ worktree: Worktree,
        from head: String?,
        for operation: String
    ) throws(GitError) -> [String] {
        var named = try commitsNamed(by: worktree, for: operation)
        named = named.filter { $0.utf8.count == noObject.utf8.count && $0 != noObject && $0.allSatisfy(\.isHexDigit) }
        if let head { named.remove(head) }
        guard !named.isEmpty else { return [] }

        // Usually HEAD reaches them all, and the refs, which may be many, need not be read.
        let input = Array((named.sorted() + (head.map { ["^\($0)"] } ?? [])).joined(separator: "\n").utf8) + [0x0A]
        let walk = ["rev-list", "--parents", "--ignore-missing", "--stdin"]
        let environment = worktree.checkout.environment
        let quick = try run(walk + ["--max-count=1"], environment: environment, input: input, for: operation)
        if quick.standardOutput.isEmpty { return [] }
        let passing = [
            "refs/heads/\(worktree.branch)", "refs/stash", "refs/orch/*", "refs/bisect/*", "refs/worktree/*",
            "refs/rewritten/*",
        ]
        let own = Self.snapshotRef(worktree.ticket, 0).dropLast(2)
        let lasting = ["--not"] + passing.map { "--exclude=\($0)" } + ["--all", "--glob=\(own)"]
        let found = try run(walk + lasting, environment: environment, input: input, for: operation)
            .lines.map { $0.split(separator: " ").map(String.init) }
        let inner = Set(found.flatMap { $0.dropFirst() })
        return found.map { $0[0] }.filter { !inner.contains($0) }
    }

    /// Every object name that this worktree's own files have, and the stash for it.
    private func commitsNamed(by worktree: Worktree, for operation: String) throws(GitError) -> Set<String> {
        var named = Self.logged("\(worktree.gitDirectory)/logs/HEAD")
        named.formUnion(Self.logged("\(commonDirectory)/logs/refs/heads/\(worktree.branch)"))
        named.formUnion(try stashed(in: worktree, whoseHeads: named, for: operation))
        named.formUnion(Self.underWay(in: worktree.gitDirectory))
        if !GitFiles.names(in: "\(worktree.gitDirectory)/refs").isEmpty {
            let list = ["for-each-ref", "--format=%(objectname)", "refs/worktree", "refs/bisect", "refs/rewritten"]
            named.formUnion(try run(list, environment: worktree.checkout.environment, for: operation).lines)
        }
        // Worktrees that were made inside this one go with it.
        for name in GitFiles.names(in: "\(commonDirectory)/worktrees") {
            let inner = "\(commonDirectory)/worktrees/\(name)"
            guard GitFiles.line("\(inner)/gitdir")?.hasPrefix("\(worktree.path)/") == true,
                inner != worktree.gitDirectory
            else { continue }
            named.formUnion(Self.logged("\(inner)/logs/HEAD"))
            named.formUnion(Self.underWay(in: inner))
            if let head = GitFiles.line("\(inner)/HEAD") { named.insert(head) }
        }
        return named
    }

    /// What a merge, rebase or the like under way refers to.
    private static func underWay(in gitDirectory: String) -> Set<String> {
        let pseudoRefs = [
            "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "MERGE_AUTOSTASH",
            "rebase-merge/orig-head", "rebase-merge/autostash", "rebase-merge/stopped-sha",
            "rebase-apply/orig-head", "rebase-apply/autostash",
        ]
        let lines = pseudoRefs.flatMap { (GitFiles.line("\(gitDirectory)/\($0)") ?? "").split(separator: "\n") }
        return Set(lines.map(String.init))
    }

    /// The old and new objects of a reflog.
    private static func logged(_ path: String) -> Set<String> {
        var named: Set<String> = []
        for line in (GitFiles.read(path) ?? []).split(separator: 0x0A) {
            for field in line.split(separator: 0x20, maxSplits: 2).prefix(2) { named.insert(Git.text(field)) }
        }
        return named
    }

    /// The entries of the stash, which all worktrees share, that came from this one: those whose message names its
    /// branch, or that were made on no branch, at a commit its HEAD has been at.
    private func stashed(
        in worktree: Worktree,
        whoseHeads heads: Set<String>,
        for operation: String
    ) throws(GitError) -> [String] {
        let lines = (GitFiles.read("\(commonDirectory)/logs/refs/stash") ?? []).split(separator: 0x0A)
        var found: [String] = []
        var adrift: [String] = []
        for line in lines {
            let parts = line.split(separator: 0x09, maxSplits: 1)
            guard parts.count == 2, let object = parts[0].split(separator: 0x20).dropFirst().first else { continue }
            let message = Git.text(parts[1])
            if message.contains("on \(worktree.branch):") || message.contains("On \(worktree.branch):") {
                found.append(Git.text(object))
            } else if message.contains("(no branch)") {
                adrift.append(Git.text(object))
            }
        }
        guard !adrift.isEmpty else { return found }
        let commits = try objects(adrift, for: operation)
        for case let commit? in commits {
            let base = Git.text(commit.bytes).split(separator: "\n").first { $0.hasPrefix("parent ") }?.dropFirst(7)
            if let base, heads.contains(String(base)) { found.append(commit.name) }
        }
        return found
    }
}
