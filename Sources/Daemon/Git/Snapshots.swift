public import Core
import Glibc

/// A worktree's whole state, kept for good.
public struct Snapshot: Sendable, Equatable {
    public let ticket: TicketID
    public let number: Int
    /// `refs/orch/snapshots/<ticket>/<number>`.
    public let ref: String
    /// What the ref points at. Nil only when git could make nothing of the worktree; then there is an archive.
    public let commit: String?
    /// A tar file with what a commit cannot hold: nested repositories, or the whole folder if git could not read it.
    public let archive: String?

    public init(ticket: TicketID, number: Int, ref: String, commit: String?, archive: String?) {
        self.ticket = ticket
        self.number = number
        self.ref = ref
        self.commit = commit
        self.archive = archive
    }
}

/// What was seen while a snapshot was taken.
struct CapturedState {
    var snapshot: Snapshot
    /// HEAD's commit and tree; nil when HEAD is on a branch without commits.
    var head: (commit: String, tree: String)?
    /// `refs/heads/…`; nil when HEAD is detached.
    var headRef: String?
    /// The index as a tree; nil when it has conflicts.
    var indexTree: String?
    /// The worktree as a tree: tracked files, and untracked ones that are not ignored.
    var tree: String
    /// What git could not add, in its own words.
    var refusal: String?
}

extension GitRepository {
    /// Keeps the whole state of a worktree: files tracked and untracked (not ignored), what was staged, and every commit
    /// its HEAD has been at that nothing else reaches.
    ///
    /// The worktree, its index and its branch are not touched. Asked again for the same number it adds to what is
    /// already kept and drops nothing.
    public func snapshot(_ worktree: Worktree, number: Int) throws -> Snapshot {
        let operation = "take a snapshot of \(worktree.ticket)"
        return try locked(operation) { try capture(worktree, number: number, lock: $0, for: operation).snapshot }
    }

    /// The ref of a ticket's snapshot.
    public static func snapshotRef(_ ticket: TicketID, _ number: Int) -> String {
        "refs/orch/snapshots/\(refComponent(ticket.text))/\(number)"
    }

    /// A text as one component of a ref's name: what git does not allow there is written `%XX`.
    static func refComponent(_ text: String) -> String {
        let escaped = text.utf8.enumerated().map { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                return String(UnicodeScalar(byte))
            case UInt8(ascii: "-") where index > 0: return "-"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return escaped.isEmpty ? "%" : escaped.joined()
    }

    // MARK: - Taking it

    /// Takes the snapshot and says what was seen.
    func capture(
        _ worktree: Worktree,
        number: Int,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> CapturedState {
        let ref = Self.snapshotRef(worktree.ticket, number)
        let archivePath = "\(stateDirectory)/archives/\(Self.refComponent(worktree.ticket.text))-\(number).tar"
        FaultPoint.snapshotBegun.pass()
        guard GitFiles.isDirectory(worktree.path) else {
            throw GitError(.notFound, operation, "its folder \(worktree.path) is gone")
        }
        guard GitFiles.exists("\(worktree.gitDirectory)/HEAD") else {
            // The repository has forgotten this worktree; the files are all there is.
            try archive(worktree.path, ["."], to: archivePath, for: operation)
            let snapshot = Snapshot(
                ticket: worktree.ticket,
                number: number,
                ref: ref,
                commit: nil,
                archive: archivePath
            )
            return CapturedState(snapshot: snapshot, tree: "", refusal: "the repository no longer knows this worktree")
        }
        var state = CapturedState(
            snapshot: Snapshot(ticket: worktree.ticket, number: number, ref: ref, commit: nil, archive: nil),
            tree: ""
        )
        let question = ["rev-parse", "HEAD^{commit}", "HEAD^{tree}", "--symbolic-full-name", "HEAD"]
        let head = try run(question, environment: worktree.checkout.environment, accepted: [0, 128], for: operation)
        if head.exitCode == 0, head.lines.count == 3 { state.head = (head.lines[0], head.lines[1]) }
        state.headRef = worktree.checkout.headRef

        let nested = try addEverything(worktree, into: &state, lock: lock, for: operation)
        FaultPoint.snapshotTreeWritten.pass()
        var archived: String?
        if state.refusal != nil {
            try archive(worktree.path, ["."], to: archivePath, for: operation)
            archived = archivePath
        } else if !nested.isEmpty {
            try archive(worktree.path, nested, to: archivePath, for: operation)
            archived = archivePath
        }
        FaultPoint.snapshotArchived.pass()
        let commit = try keep(state, worktree, lock: lock, for: operation)
        state.snapshot = Snapshot(
            ticket: worktree.ticket,
            number: number,
            ref: ref,
            commit: commit,
            archive: archived
        )
        return state
    }

    /// Makes the trees of the index and of the worktree, through a copy of the worktree's own index.
    ///
    /// - Returns: the nested repositories, which git cannot add as what they are.
    private func addEverything(
        _ worktree: Worktree,
        into state: inout CapturedState,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> [String] {
        let index = "\(worktree.gitDirectory)/orch-index"
        defer { unlink(index) }
        unlink("\(index).lock")
        var environment = worktree.checkout.environment
        environment["GIT_INDEX_FILE"] = index
        func ask(_ arguments: [String], input: [UInt8] = [], accepted: Set<Int32> = [0]) throws(GitError)
            -> ShellCommand.Output
        {
            let lean = ["-c", "core.splitIndex=false", "-c", "core.untrackedCache=false"]
            return try run(
                lean + arguments,
                in: worktree.path,
                environment: environment,
                input: input,
                accepted: accepted,
                lock: lock,
                for: operation
            )
        }
        let others = ["ls-files", "--others", "--exclude-standard", "-z"]
        var untracked: ShellCommand.Output?
        // git takes a file for unchanged when it is older than the index and looks the same. A copy with a newer time
        // would hide a change made in the same instant as the index was written.
        if GitFiles.copy("\(worktree.gitDirectory)/index", to: index) {
            untracked = try ask(others, accepted: [0, 128])
        }
        if untracked?.exitCode != 0 {
            // No index, or a broken one: HEAD says what is tracked.
            unlink(index)
            _ = try ask(["read-tree", state.head?.commit ?? "--empty"])
            untracked = try ask(others)
        }
        let staged = try ask(["write-tree"], accepted: [0, 128])
        state.indexTree = staged.exitCode == 0 ? staged.line : nil

        let nested = (untracked?.records ?? []).filter { $0.hasSuffix("/") }.map { String($0.dropLast()) }
        var add = ["add", "--all", "--ignore-errors"]
        var paths: [UInt8] = []
        if !nested.isEmpty {
            add += ["--pathspec-from-file=-", "--pathspec-file-nul"]
            paths = Array(":(top)\0".utf8) + nested.flatMap { Array(":(top,exclude,literal)\($0)\0".utf8) }
        }
        let added = try ask(add, input: paths, accepted: [0, 1, 128])
        if added.exitCode != 0 { state.refusal = Git.text(added.standardError) }
        state.tree = try ask(["write-tree"]).line
        return try nested + submodules(worktree) { arguments throws(GitError) in try ask(arguments) }
    }

    /// Submodules with anything in their folders: neither their files and commits, nor what somebody put into the empty
    /// folder of one that is not filled, are in the worktree's tree.
    private func submodules(
        _ worktree: Worktree,
        ask: ([String]) throws(GitError) -> ShellCommand.Output
    ) throws(GitError) -> [String] {
        let modules = "\(worktree.gitDirectory)/modules"
        let entries = try ask(["ls-files", "--stage", "-z"]).records.filter { $0.hasPrefix("160000 ") }
        let filled = entries.compactMap { $0.split(separator: "\t", maxSplits: 1).last.map(String.init) }
            .filter { !GitFiles.names(in: "\(worktree.path)/\($0)").isEmpty }
        return filled + (GitFiles.exists(modules) ? [modules] : [])
    }

    /// Commits what was captured and points the snapshot's ref at it.
    private func keep(
        _ state: CapturedState,
        _ worktree: Worktree,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> String {
        let ref = state.snapshot.ref
        let earlier = try resolve(ref)
        var parents = try unreachable(worktree, from: state.head?.commit, for: operation)
        let message = "Snapshot \(state.snapshot.number) of \(worktree.ticket)\n"
        if let index = state.indexTree, index != state.head?.tree, index != state.tree {
            parents.append(
                try commit(index, state.head.map { [$0.commit] } ?? [], "Index of \(message)", lock, operation)
            )
        }
        let isClean = state.tree == state.head?.tree && parents.isEmpty
        if let earlier {
            let tree = try run(["rev-parse", "\(earlier)^{tree}"], for: operation).line
            let hasHead = if let head = state.head { try isAncestor(head.commit, of: earlier) } else { true }
            if tree == state.tree && parents.isEmpty && hasHead { return earlier }
            parents.append(earlier)
        }
        let kept: String
        if isClean, earlier == nil, let head = state.head?.commit {
            kept = head
        } else {
            let all = (state.head.map { [$0.commit] } ?? []) + parents
            kept = try commit(state.tree, all, message, lock, operation)
        }
        FaultPoint.snapshotCommitted.pass()
        clearStaleLock(of: ref)
        _ = try run(["update-ref", ref, kept, earlier ?? noObject], lock: lock, for: operation)
        FaultPoint.snapshotReferenced.pass()
        return kept
    }

    private func commit(
        _ tree: String,
        _ parents: [String],
        _ message: String,
        _ lock: RepositoryLock,
        _ operation: String
    ) throws(GitError) -> String {
        let arguments = ["commit-tree", tree] + parents.flatMap { ["-p", $0] } + ["-F", "-"]
        let environment = Identity.orch.environment
        return try run(arguments, environment: environment, input: Array(message.utf8), lock: lock, for: operation).line
    }
}
