public import Core

/// What would land: one commit on top of a tip of the target branch.
public struct BuiltCandidate: Sendable, Equatable {
    public let commit: String
    public let tree: String
    /// The commit it was built on.
    public let tip: String
    /// The work it was built from.
    public let head: String
    /// Paths that differ between `tip` and `commit`; a rename counts as both its paths.
    public let paths: [String]
}

/// What came of building a candidate.
public enum CandidateResult: Sendable, Equatable {
    case built(BuiltCandidate)
    /// The work and the tip both changed these paths, and git cannot combine them.
    case conflict(paths: [String])
    /// The tip has everything already.
    case empty
}

/// How work becomes a commit on the target branch.
public enum GitLandingMethod: String, Sendable {
    /// One commit whose only parent is the tip.
    case squash
    /// A merge of the ticket's branch.
    case merge
}

extension GitRepository {
    /// Combines the work at `head` with `tip` into the commit that would land.
    ///
    /// It is made in orch's own checkout of the tip, whose attributes it obeys, and touches nobody's files. A ref keeps
    /// the commit until `clearCandidate`. Asked again with the same arguments it answers with the same commit.
    ///
    /// - Parameter base: the commit of the target branch that the work was started from. Where the tip has it no longer
    ///   (the user has taken commits back), what lands is what was done since then, and nothing that was taken back.
    /// - Throws: `unfinished` when the histories are unrelated, else what git said.
    public func buildCandidate(
        ticket: TicketID,
        tip: String,
        head: String,
        base: String? = nil,
        method: GitLandingMethod,
        message: CommitMessage
    ) throws -> CandidateResult {
        let operation = "build the candidate of \(ticket)"
        return try locked(operation) { lock in
            let path = try owned("\(stateDirectory)/integration/\(id)", in: "integration", for: operation)
            let checkout = try ownCheckout(path, at: tip, lock: lock, for: operation)
            FaultPoint.candidateCheckedOut.pass()
            let ref = Self.candidateRef(ticket)
            let known = try objects(["\(tip)^{tree}", ref], for: operation)
            guard let tipTree = known[0]?.name else {
                throw GitError(.notFound, operation, "there is no commit \(tip)")
            }

            let tree: String
            let sides = try sides(tip, head, base: base, lock: lock, for: operation)
            switch try merge(sides.tip, sides.head, in: checkout, lock: lock, for: operation) {
            case .conflict(let paths): return .conflict(paths: paths)
            case .tree(tipTree): return .empty
            case .tree(let merged): tree = merged
            }
            FaultPoint.candidateMerged.pass()
            let author = try author(of: head, since: tip, for: operation)
            let draft = CommitDraft(
                tree: tree,
                parents: method == .squash ? [tip] : [tip, head],
                author: author,
                message: message.text
            )
            let commit: String
            if let earlier = known[1], earlier.type == "commit", draft.matches(earlier.bytes, isSigned: signsCommits) {
                commit = earlier.name
            } else {
                commit = try write(draft, lock: lock, for: operation)
                FaultPoint.candidateCommitted.pass()
                clearStaleLock(of: ref)
                _ = try run(["update-ref", ref, commit], lock: lock, for: operation)
            }
            FaultPoint.candidateReferenced.pass()
            let paths = try changedPaths(from: tip, to: commit)
            return .built(BuiltCandidate(commit: commit, tree: tree, tip: tip, head: head, paths: paths))
        }
    }

    /// Lets go of a ticket's candidate; one that is gone already is fine.
    public func clearCandidate(of ticket: TicketID) throws {
        let operation = "clear the candidate of \(ticket)"
        try locked(operation) { lock in
            clearStaleLock(of: Self.candidateRef(ticket))
            try deleteRef(Self.candidateRef(ticket), lock: lock, for: operation)
        }
    }

    /// The ref that keeps a ticket's candidate.
    public static func candidateRef(_ ticket: TicketID) -> String {
        "refs/orch/candidates/\(refComponent(ticket.text))"
    }
}

// MARK: - Its parts

/// A commit about to be written.
private struct CommitDraft {
    let tree: String
    let parents: [String]
    let author: Author
    let message: String

    struct Author {
        let identity: GitRepository.Identity
        /// `<seconds> <zone>`; nil for now.
        let date: String?
    }

    /// Whether an existing commit object says the same, but for when it was committed.
    func matches(_ object: [UInt8], isSigned: Bool) -> Bool {
        guard let date = author.date else { return false }
        let text = Git.text(object)
        let head =
            ["tree \(tree)"] + parents.map { "parent \($0)" }
            + ["author \(author.identity.name) <\(author.identity.email)> \(date)", "committer "]
        return text.hasPrefix(head.joined(separator: "\n")) && text.hasSuffix("\n\n" + message)
            && text.contains("\ngpgsig") == isSigned
    }
}

private enum MergeResult {
    case tree(String)
    case conflict([String])
}

extension GitRepository {
    /// The two commits to merge. Where the tip has the work's base no longer, the same trees on top of the base's:
    /// git of this age cannot be told the base of a merge, but finds it where it is the only common ancestor.
    private func sides(
        _ tip: String,
        _ head: String,
        base: String?,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> (tip: String, head: String) {
        guard let base, try !isAncestor(base, of: tip), try isAncestor(base, of: head) else { return (tip, head) }
        func commit(_ tree: String, on parents: [String]) throws(GitError) -> String {
            // Always the same commits: they are for this merge alone, and nothing refers to them after it.
            var environment = Identity.orch.environment
            for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] { environment[name] = "@1 +0000" }
            let arguments = ["commit-tree", "\(tree)^{tree}", "-m", "merge"] + parents.flatMap { ["-p", $0] }
            return try run(arguments, environment: environment, lock: lock, for: operation).line
        }
        let root = try commit(base, on: [])
        return (try commit(tip, on: [root]), try commit(head, on: [root]))
    }

    private func merge(
        _ tip: String,
        _ head: String,
        in checkout: LinkedCheckout,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> MergeResult {
        let arguments = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", tip, head]
        let output: ShellCommand.Output
        do {
            output = try run(
                arguments,
                in: checkout.path,
                environment: checkout.environment,
                accepted: [0, 1],
                lock: lock,
                for: operation
            )
        } catch  where error.detail.contains("unrelated histories") {
            throw GitError(
                .unfinished,
                operation,
                "its branch has no history in common with the target branch",
                command: error.command,
                exitCode: error.exitCode,
                detail: error.detail
            )
        }
        let records = output.records
        guard let tree = records.first else {
            throw GitError(.failed, operation, "git merge-tree answered nothing")
        }
        return output.exitCode == 0 ? .tree(tree) : .conflict(Array(records.dropFirst()))
    }

    /// Who wrote the newest commit of the work that is not orch's, and when.
    private func author(of head: String, since tip: String, for operation: String) throws(GitError)
        -> CommitDraft.Author
    {
        let log = ["log", "-z", "--no-show-signature", "--format=%an%n%ae%n%ad", "--date=raw", "-n", "50"]
        for record in try run(log + [head, "^\(tip)"], for: operation).records {
            let fields = record.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, fields[1] != Identity.orch.email, !fields[0].isEmpty else { continue }
            return .init(identity: Identity(name: fields[0], email: fields[1]), date: fields[2])
        }
        return .init(identity: identity, date: nil)
    }

    private func write(_ draft: CommitDraft, lock: RepositoryLock, for operation: String) throws(GitError) -> String {
        var environment = identity.environment.merging(draft.author.identity.authorEnvironment) { $1 }
        environment["GIT_AUTHOR_DATE"] = draft.author.date
        let parents = draft.parents.flatMap { ["-p", $0] }
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
