// Work as the commits its author made of it, each made anew on top of the target (`landing.method: rebase`).

/// What came of making commits anew.
enum RebuiltCommits {
    /// Never empty; the last one's tree is that of the whole work.
    case rebuilt([CommitDraft])
    /// Why the work can land as one commit only.
    case impossible(String)
}

/// A commit of the work, as its author made it.
private struct WorkCommit {
    let name: String
    let tree: String
    let parents: [String]
    let author: CommitDraft.Author
    let message: String

    /// From a record of `git log` in `format`.
    init?(_ record: String) {
        let fields = record.split(separator: "\n", maxSplits: 6, omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 7 else { return nil }
        (name, tree) = (fields[0], fields[1])
        parents = fields[2].split(separator: " ").map(String.init)
        // git takes no name without a letter or digit in it.
        let hasName = fields[3].contains { $0.isLetter || $0.isNumber }
        let identity = GitRepository.Identity(name: hasName ? fields[3] : "unknown", email: fields[4])
        author = .init(identity: identity, date: fields[5])
        message = CommitMessage.kept(fields[6])
    }

    static let format = "%H%n%T%n%P%n%an%n%ae%n%ad%n%B"
}

extension GitRepository {
    /// More than these land as one commit: each costs a moment in which the repository is locked.
    static let mostCommits = 200

    /// The work's commits on the tip, oldest first; those that change nothing there are left out.
    func commitsOneByOne(
        of work: MergedWork,
        in checkout: LinkedCheckout,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> RebuiltCommits {
        let commits = try commits(of: work, for: operation)
        guard commits.count <= Self.mostCommits else {
            return .impossible("its branch has more than \(Self.mostCommits) commits")
        }
        var drafts: [CommitDraft] = []
        var tree = work.tipTree
        var trees: [String: String] = [:]
        for commit in commits {
            guard commit.parents.count == 1, let parent = commit.parents.first else {
                return .impossible("its branch has merges in it")
            }
            trees[commit.name] = commit.tree
            if trees[parent] == nil { trees[parent] = try objects(["\(parent)^{tree}"], for: operation)[0]?.name }
            let before = trees[parent]
            if commit.tree == before { continue }
            var after = commit.tree
            if tree != before {
                let sides = try siblings(tree, commit.tree, on: parent, lock: lock, for: operation)
                switch try merge(sides.0, sides.1, in: checkout, lock: lock, for: operation) {
                case .tree(let merged): after = merged
                case .conflict:
                    return .impossible("its commit \(commit.name.prefix(10)) conflicts with the target by itself")
                }
            }
            if after == tree { continue }
            tree = after
            drafts.append(CommitDraft(tree: tree, author: commit.author, message: commit.message))
        }
        guard tree == work.tree else { return .impossible("its commits come to something else one by one") }
        return .rebuilt(drafts)
    }

    /// The work's commits, parents before their children; one more than can be made anew at most.
    private func commits(of work: MergedWork, for operation: String) throws(GitError) -> [WorkCommit] {
        var range = [work.head, "^\(work.tip)"]
        if let base = work.base { range.append("^\(base)") }
        let log = ["log", "-z", "--no-show-signature", "--topo-order", "--date=raw", "--format=\(WorkCommit.format)"]
        let records = try run(log + ["-n", "\(Self.mostCommits + 1)"] + range, for: operation).records
        return records.compactMap(WorkCommit.init).reversed()
    }
}
