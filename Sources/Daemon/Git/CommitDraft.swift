/// A commit about to be written on top of another.
struct CommitDraft {
    let tree: String
    /// Beside the one it is written on.
    var otherParents: [String] = []
    let author: Author
    /// Ended by a line end.
    var message: String

    struct Author {
        let identity: GitRepository.Identity
        /// `<seconds> <zone>`; nil for now.
        let date: String?
    }

    /// Whether an existing commit object says the same, but for when it was committed.
    func matches(_ object: GitObject, on parent: String, isSigned: Bool) -> Bool {
        guard object.type == "commit", let date = author.date else { return false }
        let text = Git.text(object.bytes)
        let head =
            ["tree \(tree)"] + ([parent] + otherParents).map { "parent \($0)" }
            + ["author \(author.identity.name) <\(author.identity.email)> \(date)", "committer "]
        return text.hasPrefix(head.joined(separator: "\n")) && text.hasSuffix("\n\n" + message)
            && text.contains("\ngpgsig") == isSigned
    }
}

extension GitRepository {
    /// Writes the drafts one on top of the other, the first on `tip`; those that exist already, in their places among
    /// `earlier`, are not written again.
    ///
    /// - Returns: the last commit.
    func write(
        _ drafts: [CommitDraft],
        onto tip: String,
        reusing earlier: [GitObject],
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> String {
        var last = tip
        for (index, draft) in drafts.enumerated() {
            if earlier.indices.contains(index), draft.matches(earlier[index], on: last, isSigned: signsCommits) {
                last = earlier[index].name
            } else {
                last = try write(draft, on: last, lock: lock, for: operation)
            }
        }
        return last
    }

    /// The `count` commits that end in `last`, in the order they were made.
    func earlierCommits(_ last: GitObject, above tip: String, _ count: Int, for operation: String) throws(GitError)
        -> [GitObject]
    {
        guard count > 1, last.type == "commit" else { return [last] }
        let list = ["rev-list", "--first-parent", "--reverse", "-n", "\(count)", last.name, "^\(tip)"]
        let names = try run(list, for: operation).lines
        return names.isEmpty ? [] : try objects(names, for: operation).compactMap(\.self)
    }

    private func write(_ draft: CommitDraft, on parent: String, lock: RepositoryLock, for operation: String)
        throws(GitError) -> String
    {
        var environment = identity.environment.merging(draft.author.identity.authorEnvironment) { $1 }
        environment["GIT_AUTHOR_DATE"] = draft.author.date.map { "@\($0)" }
        let parents = ([parent] + draft.otherParents).flatMap { ["-p", $0] }
        do {
            return try run(
                ["commit-tree", draft.tree] + parents + (signsCommits ? ["-S"] : []) + ["-F", "-"],
                environment: environment,
                input: Array(draft.message.utf8),
                lock: lock,
                timeout: signsCommits ? signingLimit : Git.timeout,
                for: operation
            ).line
        } catch  where signsCommits {
            let said = error.detail.split(separator: "\n").prefix(2).joined(separator: "; ")
            let why = error.kind == .timedOut ? "the signer did not end within \(signingLimit)" : said
            throw GitError(
                error.kind,
                operation,
                "the commit cannot be signed (\(why)); make the key usable without a question, "
                    + "or turn signing off with git config commit.gpgSign false",
                command: error.command,
                exitCode: error.exitCode,
                detail: error.detail
            )
        }
    }
}
