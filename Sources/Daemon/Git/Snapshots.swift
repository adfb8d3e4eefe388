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
    /// Tar files with what a commit cannot hold: nested repositories, ignored files that were asked for, or the whole
    /// folder if git could not read it. More than one only where the same snapshot was asked for again.
    public let archives: [String]
    /// Everything an agent wrote is in it, but for ignored files nobody asked for and what its program keeps for itself
    /// (`AgentCache`). False where something could not be read: then the worktree must stay.
    public var isWhole = true
    /// What a person should know about it now, in sentences.
    public var announcements: [String] = []

    public var archive: String? { archives.last }

    public init(ticket: TicketID, number: Int, ref: String, commit: String?, archives: [String] = []) {
        self.ticket = ticket
        self.number = number
        self.ref = ref
        self.commit = commit
        self.archives = archives
    }
}

/// What a snapshot is taken for, and what else it shall hold.
public struct SnapshotOrder: Sendable {
    /// Why, in a phrase: `stopped`.
    public var reason: String
    /// Patterns, as those of git's `:(glob)` from the top, of ignored files to keep.
    public var ignored: [String]

    public init(reason: String = "", ignored: [String] = []) {
        self.reason = reason
        self.ignored = ignored
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
    /// The worktree as a tree: tracked files, and untracked ones that are neither ignored nor an `AgentCache`.
    var tree: String
    /// Why the tree is not what an ordinary `git add` would have made, in a sentence.
    var refusal: String?
}

extension GitRepository {
    /// Keeps the whole state of a worktree: files tracked and untracked (not ignored), what was staged, and every commit
    /// its HEAD or its branch has been at, or that was stashed in it, that nothing lasting reaches.
    ///
    /// The worktree, its index and its branch are not touched; locks that a git of its agent's left, who has ended, are
    /// taken away, for the next one. Asked again for the same number it adds to what is already kept and drops nothing.
    public func snapshot(_ worktree: Worktree, number: Int, _ order: SnapshotOrder = .init()) throws -> Snapshot {
        let operation = "take a snapshot of \(worktree.ticket)"
        return try locked(operation) { lock in
            let snapshot = try capture(worktree, number: number, order, lock: lock, for: operation).snapshot
            clearLocksOfAgents(in: worktree)
            return snapshot
        }
    }

    /// The snapshot that was taken under this number; nil when there is none.
    func keptSnapshot(of ticket: TicketID, _ number: Int) throws(GitError) -> Snapshot? {
        let ref = Self.snapshotRef(ticket, number)
        return try resolve(ref).map {
            Snapshot(
                ticket: ticket,
                number: number,
                ref: ref,
                commit: $0,
                archives: archives(of: ticket, number: number)
            )
        }
    }

    /// Keeps a ticket's branch, where somebody has removed its worktree.
    func snapshotBranch(_ branch: String, of ticket: TicketID, number: Int) throws -> Snapshot {
        let operation = "take a snapshot of \(ticket)"
        return try locked(operation) { lock in
            let ref = Self.snapshotRef(ticket, number)
            let tip = try targetTip(branch)
            if let tip { _ = try run(["update-ref", ref, tip], lock: lock, for: operation) }
            return Snapshot(
                ticket: ticket,
                number: number,
                ref: ref,
                commit: tip,
                archives: archives(of: ticket, number: number)
            )
        }
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
    ///
    /// In this order, so that a crash anywhere leaves something that is whole: objects, archive, ref.
    func capture(
        _ worktree: Worktree,
        number: Int,
        _ order: SnapshotOrder,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> CapturedState {
        FaultPoint.snapshotBegun.pass()
        let isPresent = GitFiles.isDirectory(worktree.path)
        guard GitFiles.exists("\(worktree.gitDirectory)/HEAD") else {
            guard isPresent else { throw GitError(.notFound, operation, "its folder \(worktree.path) is gone") }
            return try captureForgotten(worktree, number: number, for: operation)
        }
        let ref = Self.snapshotRef(worktree.ticket, number)
        var record = SnapshotRecord(title: "Snapshot \(number) of \(worktree.ticket)")
        record.reason = order.reason
        var staging = Staging(self, worktree, lock: lock, operation: operation)
        defer { staging.clear() }
        let content =
            isPresent
            ? try staging.content(besides: ref, keepingIgnored: order.ignored)
            : try staging.contentWithoutFolder(besides: ref)
        FaultPoint.snapshotTreeWritten.pass()
        record.head = content.status.head?.commit
        record.headRef = worktree.checkout.headRef
        record.index = content.indexTree
        record.notes = content.notes
        record.isIncomplete = !content.isWhole
        if !content.archived.isEmpty {
            let missed = try archive(content.archived, of: worktree.ticket, number: number, for: operation)
            if !missed.isEmpty {
                record.isIncomplete = true
                record.notes.append("not in the archive, could not be read: \(missed)")
            }
        }
        let archives = archives(of: worktree.ticket, number: number)
        FaultPoint.snapshotArchived.pass()
        record.archives = archives.map(GitFiles.name(of:))
        let commit = try keep(content, record, of: worktree, at: ref, lock: lock, for: operation)
        var snapshot = Snapshot(
            ticket: worktree.ticket,
            number: number,
            ref: ref,
            commit: commit,
            archives: archives
        )
        snapshot.isWhole = !record.isIncomplete
        snapshot.announcements = content.announcements
        return CapturedState(
            snapshot: snapshot,
            head: content.status.head,
            headRef: record.headRef,
            indexTree: content.status.conflicted.isEmpty ? content.indexTree : nil,
            tree: content.tree,
            refusal: content.refusal
        )
    }

    /// The repository has forgotten this worktree; the files are all there is.
    private func captureForgotten(
        _ worktree: Worktree,
        number: Int,
        for operation: String
    ) throws(GitError) -> CapturedState {
        let whole = ArchivePart(directory: worktree.path, paths: [Array(".".utf8)])
        let missed = try archive([whole], of: worktree.ticket, number: number, for: operation)
        var snapshot = Snapshot(
            ticket: worktree.ticket,
            number: number,
            ref: Self.snapshotRef(worktree.ticket, number),
            commit: nil,
            archives: archives(of: worktree.ticket, number: number)
        )
        let refusal = "the repository no longer knows this worktree"
        snapshot.announcements = ["\(refusal); the whole folder is in the archive"]
        snapshot.isWhole = missed.isEmpty
        return CapturedState(snapshot: snapshot, tree: "", refusal: refusal)
    }

    /// Commits what was captured and points the snapshot's ref at it.
    private func keep(
        _ content: WorktreeContent,
        _ record: SnapshotRecord,
        of worktree: Worktree,
        at ref: String,
        lock: RepositoryLock,
        for operation: String
    ) throws(GitError) -> String {
        let head = content.status.head
        var parents = try unreachable(worktree, from: head?.commit, for: operation)
        let earlier = content.status.ref
        if let earlier {
            let known = try objects([earlier], for: operation)[0].map { Git.text($0.bytes) } ?? ""
            let isSame =
                known.hasPrefix("tree \(content.tree)\n") && known.hasSuffix("\n\n\(record.message)")
                && (head.map { known.contains("\nparent \($0.commit)\n") } ?? true)
            if isSame, parents.isEmpty { return earlier }
        }
        if let index = content.indexTree, index != head?.tree, index != content.tree {
            let of = "Index of \(record.title)\n"
            parents.append(try commit(index, head.map { [$0.commit] } ?? [], of, lock, operation))
        }
        let all = (head.map { [$0.commit] } ?? []) + parents + (earlier.map { [$0] } ?? [])
        let kept = try commit(content.tree, all, record.message, lock, operation)
        FaultPoint.snapshotCommitted.pass()
        clearStaleLock(of: ref)
        _ = try run(["update-ref", ref, kept, earlier ?? noObject], lock: lock, for: operation)
        FaultPoint.snapshotReferenced.pass()
        return kept
    }

    func commit(
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
