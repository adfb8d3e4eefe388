import Glibc

/// The checkout a verifier runs in: orch's own, one per repository and slot, never an agent's.
public struct VerificationCheckout: Sendable {
    public let repository: GitRepository
    public let slot: Int
    /// Where it is; the folder exists after the first `prepare`.
    public let path: String
    /// gitignore patterns, from the top, of what a clean-up leaves in place: `node_modules/`.
    public let caches: [String]

    /// Whether a checkout still is what it was prepared as.
    public enum Inspection: Sendable, Equatable {
        case intact
        /// Tracked files that differ now.
        case changed([String])
        /// HEAD is elsewhere, on another tree; nil when it is nowhere.
        case moved(to: String?)
    }

    public init(repository: GitRepository, slot: Int, caches: [String] = []) {
        self.repository = repository
        self.slot = slot
        self.caches = caches
        path = "\(repository.stateDirectory)/verification/\(repository.id)-\(slot)"
    }

    /// Makes the checkout hold exactly the files of `commit`, besides the declared caches.
    ///
    /// - Throws: `GitError`, also when the checkout does not come out as the commit.
    public func prepare(_ commit: String) throws {
        let operation = "prepare verification slot \(slot) of \(repository.id)"
        try repository.locked(operation) { lock in
            let path = try repository.owned(path, in: "verification", for: operation)
            restoreIndex(at: path)
            let checkout = try repository.ownCheckout(path, at: commit, lock: lock, for: operation)
            FaultPoint.checkoutMade.pass()
            let kept = caches.flatMap { ["-e", $0.hasPrefix("/") ? $0 : "/" + $0] }
            let clean = ["clean", "--quiet", "-ffdx"] + kept
            _ = try repository.run(clean, in: path, environment: checkout.environment, lock: lock, for: operation)
            FaultPoint.checkoutCleaned.pass()
            let status = try look(checkout, for: operation)
            guard status.head == commit else {
                throw GitError(.failed, operation, "HEAD is at \(status.head ?? "nothing") instead of \(commit)")
            }
            guard status.staged.isEmpty else {
                let paths = GitRepository.listing(status.staged)
                throw GitError(.failed, operation, "the checkout is not the commit's: \(paths) differ")
            }
            // A file git has just written can differ from what it would store again (line ends, filters). Such files
            // were different from the start, and do not accuse the verifier.
            guard GitFiles.copy("\(checkout.gitDirectory)/index", to: "\(checkout.gitDirectory)/orch-index") else {
                throw GitError(.failed, operation, "cannot copy the index: \(GitFiles.reason())")
            }
            FaultPoint.checkoutIndexCopied.pass()
            let baseline = status.changed.flatMap { path -> [UInt8] in Array(path.utf8) + [0] }
            try GitFiles.write(baseline, to: "\(checkout.gitDirectory)/orch-baseline", for: operation)
        }
    }

    /// Puts back the index as it was prepared: what an earlier verifier did to it (skip-worktree, say) would make git
    /// leave out files of the next candidate.
    private func restoreIndex(at path: String) {
        guard let checkout = repository.linkedCheckout(at: path) else { return }
        _ = GitFiles.copy("\(checkout.gitDirectory)/orch-index", to: "\(checkout.gitDirectory)/index")
    }

    /// Looks at what a verifier left: whether HEAD is still at `tree`, and the tracked files are still as prepared.
    ///
    /// Untracked and ignored files may have come and gone.
    public func inspect(tree: String) throws(GitError) -> Inspection {
        let operation = "inspect verification slot \(slot) of \(repository.id)"
        let path = try repository.owned(path, in: "verification", for: operation)
        guard let checkout = repository.linkedCheckout(at: path), GitFiles.isDirectory(path) else {
            return .moved(to: nil)
        }
        let question = ["rev-parse", "-q", "--verify", "HEAD^{tree}"]
        let head = try repository.run(
            question,
            environment: checkout.environment,
            accepted: [0, 1, 128],
            for: operation
        )
        guard head.exitCode == 0, head.line == tree else {
            return .moved(
                to: try repository.run(
                    ["rev-parse", "-q", "--verify", "HEAD"],
                    environment: checkout.environment,
                    accepted: [0, 1, 128],
                    for: operation
                ).lines.first
            )
        }
        // Through the index as it was: what the verifier did to the real one (assume-unchanged, say) hides nothing.
        let index = "\(checkout.gitDirectory)/orch-index"
        guard GitFiles.exists(index), let bytes = GitFiles.read("\(checkout.gitDirectory)/orch-baseline") else {
            throw GitError(.notFound, operation, "it has not been prepared")
        }
        let baseline = Set(bytes.split(separator: 0).map { Array($0) })
        let status = try look(checkout, index: index, for: operation)
        let changed = (status.changed + status.staged).filter { !baseline.contains(Array($0.utf8)) }
        return changed.isEmpty ? .intact : .changed(changed)
    }

    private struct Status {
        var head: String?
        /// Index against HEAD.
        var staged: [String] = []
        /// Files against the index.
        var changed: [String] = []
    }

    private func look(
        _ checkout: LinkedCheckout,
        index: String? = nil,
        for operation: String
    ) throws(GitError) -> Status {
        var environment = checkout.environment
        environment["GIT_INDEX_FILE"] = index
        let arguments = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=no"]
        let output = try repository.run(arguments, in: checkout.path, environment: environment, for: operation)
        var status = Status()
        for record in output.records {
            // `1 XY sub mH mI mW hH hI path`, `u XY …` with two fields more, `# branch.oid <commit>`
            let count = record.hasPrefix("u") ? 10 : 8
            let fields = record.split(separator: " ", maxSplits: count, omittingEmptySubsequences: false)
                .map(String.init)
            if fields.count == 3, fields[1] == "branch.oid" { status.head = fields[2] }
            guard fields[0] == "1" || fields[0] == "u", let path = fields.last else { continue }
            if fields[1].hasPrefix(".") { status.changed.append(path) } else { status.staged.append(path) }
        }
        return status
    }
}
