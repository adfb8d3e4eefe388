/// A worktree that has a branch checked out, or will move it when what is under way there ends.
struct BranchHolder: Equatable {
    let path: String
    let gitDirectory: String
    /// The commit HEAD is at.
    let head: String
    /// What is under way there, for a sentence: `a rebase`.
    let operation: String?
    /// The folder exists.
    let isPresent: Bool

    /// git's environment for this worktree and no other, whatever the repository's configuration says of it.
    var environment: [String: String] { LinkedCheckout(path: path, gitDirectory: gitDirectory).environment }
}

extension GitRepository {
    /// The worktrees in which HEAD, a rebase's head-name or a bisect's start names `branch`.
    func checkouts(of branch: String, for operation: String) throws(GitError) -> [BranchHolder] {
        let ref = "refs/heads/\(branch)"
        // Agents share the configuration; one that calls the repository bare hides the user's checkout.
        let bare = ["-c", "core.bare=false"]
        let list = try run(bare + ["worktree", "list", "--porcelain", "-z"], for: operation)
        var holders: [BranchHolder] = []
        // Records are lines ended by NUL, and an empty one ends each worktree. The first worktree is the main one.
        let lines = list.standardOutput.split(separator: 0, omittingEmptySubsequences: false)
        for (index, block) in lines.split(whereSeparator: \.isEmpty).enumerated() {
            var fields: [String: String] = [:]
            for line in block {
                let parts = line.split(separator: 0x20, maxSplits: 1).map { Git.text($0) }
                fields[parts[0]] = parts.count > 1 ? parts[1] : ""
            }
            guard let listed = fields["worktree"] else { continue }
            let isMain = index == 0
            guard let directory = isMain ? commonDirectory : linkedCheckout(at: listed)?.gitDirectory else { continue }
            let path = isMain ? mainWorktree ?? listed : listed
            guard fields["branch"] == ref || Self.willMove(ref, directory) else { continue }
            holders.append(
                BranchHolder(
                    path: path,
                    gitDirectory: directory,
                    head: fields["HEAD"] ?? "",
                    operation: Self.operationUnderWay(directory),
                    isPresent: GitFiles.isDirectory(path)
                )
            )
        }
        return holders
    }

    /// The main worktree where it was the one opened: git's list is wrong about one whose git directory is elsewhere.
    private var mainWorktree: String? {
        GitFiles.isDirectory(topLevel + "/.git") || linkedCheckout(at: topLevel) == nil ? topLevel : nil
    }

    /// Whether something under way in a worktree comes back to `ref` at its end.
    private static func willMove(_ ref: String, _ directory: String) -> Bool {
        for file in ["rebase-merge/head-name", "rebase-apply/head-name"]
        where GitFiles.line("\(directory)/\(file)") == ref {
            return true
        }
        if let start = GitFiles.line("\(directory)/BISECT_START"), start == ref || "refs/heads/" + start == ref {
            return true
        }
        // `rebase --update-refs`: a ref, its old and its new commit, on three lines.
        let updates = GitFiles.line("\(directory)/rebase-merge/update-refs") ?? ""
        return updates.split(separator: "\n").contains { $0 == ref }
    }

    private static func operationUnderWay(_ directory: String) -> String? {
        let signs = [
            ("rebase-merge", "a rebase"), ("rebase-apply", "a rebase"), ("BISECT_LOG", "a bisect"),
            ("MERGE_HEAD", "a merge"), ("CHERRY_PICK_HEAD", "a cherry-pick"), ("REVERT_HEAD", "a revert"),
            ("sequencer", "a cherry-pick or revert"),
        ]
        return signs.first { GitFiles.exists("\(directory)/\($0.0)") }?.1
    }
}
