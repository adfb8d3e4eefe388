extension GitRepository {
    /// The newest of the commits this worktree's HEAD has been at, or an operation under way refers to, that no ref and
    /// not HEAD reaches.
    func unreachable(
        _ worktree: Worktree,
        from head: String?,
        for operation: String
    ) throws(GitError) -> [String] {
        var named: Set<String> = []
        for line in (GitFiles.read("\(worktree.gitDirectory)/logs/HEAD") ?? []).split(separator: 0x0A) {
            for field in line.split(separator: 0x20, maxSplits: 2).prefix(2) { named.insert(Git.text(field)) }
        }
        let pseudoRefs = [
            "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_AUTOSTASH",
            "rebase-merge/orig-head", "rebase-merge/autostash", "rebase-merge/stopped-sha",
            "rebase-apply/orig-head", "rebase-apply/autostash",
        ]
        for name in pseudoRefs {
            for line in (GitFiles.line("\(worktree.gitDirectory)/\(name)") ?? "").split(separator: "\n") {
                named.insert(String(line))
            }
        }
        named = named.filter { $0.utf8.count == noObject.utf8.count && $0 != noObject && $0.allSatisfy(\.isHexDigit) }
        if let head { named.remove(head) }
        guard !named.isEmpty else { return [] }

        // Usually HEAD reaches them all, and the refs, which may be many, need not be read.
        let input = Array((named.sorted() + (head.map { ["^\($0)"] } ?? [])).joined(separator: "\n").utf8) + [0x0A]
        let walk = ["rev-list", "--parents", "--ignore-missing", "--stdin"]
        let environment = worktree.checkout.environment
        let quick = try run(walk + ["--max-count=1"], environment: environment, input: input, for: operation)
        if quick.standardOutput.isEmpty { return [] }
        let found = try run(walk + ["--not", "--all"], environment: environment, input: input, for: operation)
            .lines.map { $0.split(separator: " ").map(String.init) }
        let inner = Set(found.flatMap { $0.dropFirst() })
        return found.map { $0[0] }.filter { !inner.contains($0) }
    }
}
