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

extension GitRepository {
    /// Combines the work at `head` with `tip` into the commit that would land: one, a merge, or the last of those the work
    /// consists of. Its tree is the same whatever the method.
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
        method: LandingMethod,
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
            let work = MergedWork(tip: tip, tipTree: tipTree, head: head, base: base, tree: tree)
            let drafts = try drafts(of: work, method, message, in: checkout, lock: lock, for: operation)
            let earlier = try known[1].map { try earlierCommits($0, above: tip, drafts.count, for: operation) } ?? []
            let commit = try write(drafts, onto: tip, reusing: earlier, lock: lock, for: operation)
            if known[1]?.name != commit {
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

extension GitRepository {
    /// What is to become commits on the tip.
    struct MergedWork {
        let tip: String
        let tipTree: String
        let head: String
        /// See `buildCandidate`.
        let base: String?
        /// What all of it comes to, on the tip.
        let tree: String
    }

    private func drafts(
        of work: MergedWork,
        _ method: LandingMethod,
        _ message: CommitMessage,
        in checkout: LinkedCheckout,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> [CommitDraft] {
        var message = message
        if method == .rebase {
            switch try commitsOneByOne(of: work, in: checkout, lock: lock, for: operation) {
            case .rebuilt(let commits): return message.closing(commits)
            case .impossible(let why): message.trailers.append("Orch-Squashed: \(why)")
            }
        }
        let author = try author(of: work.head, since: work.tip, for: operation)
        let others = method == .merge ? [work.head] : []
        return [CommitDraft(tree: work.tree, otherParents: others, author: author, message: message.text)]
    }
}

/// What came of merging two commits.
enum MergeResult {
    case tree(String)
    case conflict([String])
}

extension GitRepository {
    /// The two commits to merge. Where the tip has the work's base no longer, the same trees on top of the base's.
    private func sides(
        _ tip: String,
        _ head: String,
        base: String?,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> (tip: String, head: String) {
        guard let base, try !isAncestor(base, of: tip), try isAncestor(base, of: head) else { return (tip, head) }
        return try siblings(tip, head, on: base, lock: lock, for: operation)
    }

    /// Two commits with the trees of these on top of that of `base`: git of this age cannot be told the base of a merge, but
    /// finds it where it is the only common ancestor.
    func siblings(
        _ ours: String,
        _ theirs: String,
        on base: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> (String, String) {
        func commit(_ tree: String, on parents: [String]) throws(GitError) -> String {
            // Always the same commits: they are for this merge alone, and nothing refers to them after it.
            var environment = Identity.orch.environment
            for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] { environment[name] = "@1 +0000" }
            let arguments = ["commit-tree", "\(tree)^{tree}", "-m", "merge"] + parents.flatMap { ["-p", $0] }
            return try run(arguments, environment: environment, lock: lock, for: operation).line
        }
        let root = try commit(base, on: [])
        return (try commit(ours, on: [root]), try commit(theirs, on: [root]))
    }

    func merge(
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
}
