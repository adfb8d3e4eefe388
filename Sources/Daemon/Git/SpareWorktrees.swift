import Core
import Glibc

/// A worktree that is made already and nobody's yet: detached at a commit, with a mark in its git directory.
///
/// The mark is written when everything else is there, and removed before anything else is done with the spare. Whatever
/// has a spare's name and no mark was cut short, and is cleared; nobody has worked in it.
private struct Spare {
    let checkout: LinkedCheckout
    let state: State

    /// What git keeps of it, so far as it is to be as it was made.
    struct State: Equatable {
        /// Where HEAD is, detached.
        let commit: String
        /// What the folder's own `.git` says.
        let link: String
        /// What is in its git directory.
        let names: [String]
    }

    /// Nil when its mark is missing, or its folder.
    init?(_ checkout: LinkedCheckout) {
        guard GitFiles.isDirectory(checkout.path), let mark = GitFiles.line(Self.mark(of: checkout)) else { return nil }
        let lines = mark.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count > 2 else { return nil }
        self.checkout = checkout
        state = State(commit: lines[0], link: lines[1], names: Array(lines[2...]))
    }

    /// One that has just been made.
    init(made checkout: LinkedCheckout) {
        self.checkout = checkout
        state = Self.state(of: checkout)
    }

    var mark: String { Self.mark(of: checkout) }
    var markText: String { ([state.commit, state.link] + state.names).joined(separator: "\n") + "\n" }

    /// Of its files this says nothing.
    var isAsMade: Bool { Self.state(of: checkout) == state }

    private static let markName = "orch-spare"
    private static func mark(of checkout: LinkedCheckout) -> String { mark(of: checkout.gitDirectory) }
    static func mark(of gitDirectory: String) -> String { "\(gitDirectory)/\(markName)" }

    private static func state(of checkout: LinkedCheckout) -> State {
        State(
            commit: GitFiles.line("\(checkout.gitDirectory)/HEAD") ?? "",
            link: GitFiles.line("\(checkout.path)/.git") ?? "",
            names: GitFiles.names(in: checkout.gitDirectory).filter { $0 != markName }
        )
    }
}

// MARK: - Keeping them

extension GitRepository {
    /// Brings the number of spares to `count`, made at the tip of the branch `target`, and clears what was cut short.
    ///
    /// Files are written without the repository's lock: whoever changes the repository meanwhile does not wait for that.
    ///
    /// - Parameter isIdle: asked before each of them; false ends it early.
    /// - Throws: `busy` when a git of an earlier attempt is still at work, and what git said.
    func keepSpares(_ count: Int, at target: String, while isIdle: () -> Bool) throws {
        let operation = "keep spare worktrees"
        guard count > 0 || !sparePaths().isEmpty else { return }
        let path = "\(stateDirectory)/repositories/\(id).spares.lock"
        try RepositoryLock.hold(path, for: operation, patience: .seconds(1)) { making in
            try locked(operation) { try clearSparesCutShort($0, for: operation) }
            while isIdle() {
                let spares = spares()
                if let last = spares.last, spares.count > count {
                    try locked(operation) { try remove(last, $0, for: operation) }
                } else if spares.count < count, let tip = try targetTip(target) {
                    try makeSpare(at: tip, making, for: operation)
                } else {
                    return
                }
            }
        }
    }

    private var spareRoot: String {
        let folder = "\(stateDirectory)/worktrees"
        return GitFiles.canonical(folder) ?? folder
    }

    /// Where there is a spare of this repository, or what is left of one.
    private func sparePaths() -> [String] {
        let (root, prefix) = (spareRoot, "spare-\(id)-")
        let folders = GitFiles.names(in: root).map { $0.hasSuffix(".making") ? String($0.dropLast(7)) : $0 }
        // One that was given away has kept its name here.
        let known = GitFiles.names(in: "\(commonDirectory)/worktrees").filter {
            $0.hasPrefix(prefix) && linkedCheckout(at: "\(root)/\($0)") != nil
        }
        return Set(folders.filter { $0.hasPrefix(prefix) } + known).sorted().map { "\(root)/\($0)" }
    }

    /// How many there are, for whoever asks how things stand: nothing but their marks is looked at.
    var readySpares: Int {
        GitFiles.names(in: "\(commonDirectory)/worktrees").count {
            $0.hasPrefix("spare-\(id)-") && GitFiles.exists(Spare.mark(of: "\(commonDirectory)/worktrees/\($0)"))
        }
    }

    /// Those that are whole.
    private func spares() -> [Spare] { sparePaths().compactMap { linkedCheckout(at: $0).flatMap { Spare($0) } } }

    private func makeSpare(at commit: String, _ making: RepositoryLock, for operation: String) throws {
        let name = "spare-\(id)-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let path = try owned("\(spareRoot)/\(name)", in: "worktrees", for: operation)
        try GitFiles.write(Array("a spare\n".utf8), to: Self.note(of: path), for: operation)
        FaultPoint.spareNoted.pass()
        let checkout = try locked(operation) { lock in
            let add = ["worktree", "add", "--quiet", "--no-checkout", "--detach", path, commit]
            _ = try run(add, lock: lock, for: operation)
            guard let checkout = linkedCheckout(at: path) else {
                throw GitError(.failed, operation, "git made no worktree at \(path)")
            }
            return checkout
        }
        FaultPoint.spareAdded.pass()
        let fill = ["reset", "--quiet", "--hard"]
        _ = try run(fill, in: path, environment: checkout.environment, lock: making, for: operation)
        // git reads a file again at each look if it was written in the second in which the index was: all of them, on a
        // fast disk. A look in a later second has the index written anew.
        usleep(1_100_000)
        let spare = Spare(made: checkout)
        guard try isUntouched(spare, making, for: operation) else {
            throw GitError(.failed, operation, "git sees changes in a worktree that it has just made")
        }
        FaultPoint.spareFilled.pass()
        try GitFiles.write(Array(spare.markText.utf8), to: spare.mark, for: operation)
        FaultPoint.spareMarked.pass()
        unlink(Self.note(of: path))
    }

    /// Puts aside what is no whole spare, as is done with any worktree that was cut short.
    private func clearSparesCutShort(_ lock: RepositoryLock, for operation: String) throws {
        for path in sparePaths() {
            let checkout = linkedCheckout(at: path)
            if checkout.flatMap({ Spare($0) }) == nil { try putAside(path, checkout, lock, for: operation) }
            unlink(Self.note(of: path))
        }
    }

    /// Removes a spare in which nothing is but what git put there; any other is put aside.
    private func remove(_ spare: Spare, _ lock: RepositoryLock, for operation: String) throws {
        let path = spare.checkout.path
        guard try isUntouched(spare, for: operation) else {
            return try putAside(path, spare.checkout, lock, for: operation)
        }
        try unmark(spare, for: operation)
        FaultPoint.spareUnmarked.pass()
        try discard(path, lock, for: operation)
    }

    private func unmark(_ spare: Spare, for operation: String) throws(GitError) {
        guard unlink(spare.mark) == 0 else {
            throw GitError(.failed, operation, "cannot remove \(spare.mark): \(GitFiles.reason())")
        }
    }

    /// Moves folder and git directory to the trash. Commits that only its log knows get a ref.
    private func putAside(
        _ path: String,
        _ checkout: LinkedCheckout?,
        _ lock: RepositoryLock,
        for operation: String
    ) throws(GitError) {
        if let directory = checkout?.gitDirectory, let head = GitFiles.line("\(directory)/HEAD") {
            let ticket = TicketID("spare")
            try rescue(Worktree(path: path, branch: "", ticket: ticket, gitDirectory: directory), lock, for: operation)
            // A worktree's own HEAD counts as a ref as long as there is the worktree.
            if let head = try resolve(head), try refs(containing: head, for: operation).isEmpty {
                let ref = "refs/orch/rescued/\(ticket)/\(head)"
                _ = try run(["update-ref", ref, head], lock: lock, for: operation)
            }
        }
        try clearHalfMade(path, for: operation)
    }

    private func refs(containing commit: String, for operation: String) throws(GitError) -> [String] {
        try run(["for-each-ref", "--count=1", "--format=%(refname)", "--contains", commit], for: operation).lines
    }

    /// Whether there is nothing in it but the files of its commit: ignored files count, too.
    ///
    /// - Parameter lock: with one, git may write down in the index what it has seen.
    private func isUntouched(
        _ spare: Spare,
        _ lock: RepositoryLock? = nil,
        for operation: String
    ) throws(GitError) -> Bool {
        guard spare.isAsMade else { return false }
        let question = ["status", "--porcelain", "-z", "--untracked-files=normal", "--ignored=traditional"]
        let environment = spare.checkout.environment
        let answer = try run(question, in: spare.checkout.path, environment: environment, lock: lock, for: operation)
        return answer.standardOutput.isEmpty
    }
}

// MARK: - Giving one away

extension GitRepository {
    /// Makes a spare the worktree at `path`, on a new branch that starts at `commit`: git writes what differs there.
    ///
    /// The note beside `path` says that it is being made. Cut short, it is cleared and made anew as any other is.
    ///
    /// - Returns: whether there was one; if not, nothing has happened.
    func giveSpare(
        to path: String,
        branch: String,
        from commit: String,
        _ lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> Bool {
        guard let spare = try untouchedSpare(lock, for: operation) else { return false }
        _ = try run(["branch", "--quiet", "--no-track", branch, commit], lock: lock, for: operation)
        FaultPoint.spareBranchMade.pass()
        try unmark(spare, for: operation)
        FaultPoint.spareTaken.pass()
        guard rename(spare.checkout.path, path) == 0 else {
            throw GitError(.failed, operation, "cannot move \(spare.checkout.path) to \(path): \(GitFiles.reason())")
        }
        FaultPoint.spareMoved.pass()
        let directory = spare.checkout.gitDirectory
        // As git worktree move does, which does not move those with submodules.
        try GitFiles.write(Array("\(path)/.git\n".utf8), to: "\(directory)/gitdir", for: operation)
        FaultPoint.spareLinked.pass()
        let checkout = LinkedCheckout(path: path, gitDirectory: directory)
        let move = ["checkout", "--quiet", branch, "--"]
        _ = try run(move, in: path, environment: checkout.environment, lock: lock, for: operation)
        return true
    }

    /// A spare as git left it; those that somebody has changed are put aside.
    private func untouchedSpare(_ lock: RepositoryLock, for operation: String) throws(GitError) -> Spare? {
        for spare in spares() {
            if try isUntouched(spare, for: operation) { return spare }
            try putAside(spare.checkout.path, spare.checkout, lock, for: operation)
        }
        return nil
    }
}
