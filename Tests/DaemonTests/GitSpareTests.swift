import Core
import Glibc
import Testing

@testable import Daemon

/// Worktrees that are made ahead, and given to the tickets that come.
@Suite struct GitSpareTests {
    private let scratch: GitScratch
    private let repository: GitRepository

    init() throws {
        scratch = try GitScratch(
            files: ["a.txt": "one\n", "b.txt": "two\n", "d/c.txt": "three\n", ".gitignore": "*.log\n"]
        )
        repository = try scratch.open()
    }

    private func keep(_ count: Int) throws { try repository.keepSpares(count, at: "main", while: { true }) }

    private var folders: [String] { GitFiles.names(in: scratch.state + "/worktrees").filter { $0 != ".removed" } }
    private var spare: String { "\(scratch.state)/worktrees/\(folders.first { $0.hasPrefix("spare-") } ?? "none")" }
    private var trash: [String] {
        GitFiles.names(in: scratch.state + "/trash").filter { !$0.hasSuffix(GitFiles.trashNote) }
    }

    @Test func aTicketIsGivenASpareAtTheCommitItStartsFrom() throws {
        try keep(2)
        #expect(folders.count == 2 && folders.allSatisfy { $0.hasPrefix("spare-r1-") })
        #expect(scratch.read("d/c.txt", in: spare) == "three\n")
        unlink(scratch.checkout + "/b.txt")
        let tip = try scratch.commit(["a.txt": "changed\n", "new/n.txt": "new\n"])
        let inode = try inode(of: spare + "/d/c.txt")

        let worktree = try scratch.worktree(repository)
        #expect(folders.count == 2 && folders.contains("w-T-1"))
        #expect(try self.inode(of: worktree.path + "/d/c.txt") == inode)
        #expect(scratch.read("a.txt", in: worktree.path) == "changed\n")
        #expect(scratch.read("new/n.txt", in: worktree.path) == "new\n")
        #expect(!GitFiles.exists(worktree.path + "/b.txt"))
        #expect(try scratch.git("status", "--porcelain", "--ignored", in: worktree.path) == "")
        #expect(try scratch.git("symbolic-ref", "HEAD", in: worktree.path) == "refs/heads/agent-1/T-1-work")
        #expect(try scratch.tip("HEAD", in: worktree.path) == tip)
        #expect(try scratch.git("rev-parse", "--absolute-git-dir", in: worktree.path) == worktree.gitDirectory)
        #expect(repository.worktree(at: worktree.path, branch: worktree.branch, ticket: .t1) == worktree)
        #expect(try scratch.worktree(repository) == worktree)
        // Never again a spare, whatever number is wanted; and what is removed is the other.
        try keep(1)
        #expect(try scratch.worktree(repository, ticket: .t2, branch: "agent-2/T-2").path != worktree.path)
        try keep(0)
        #expect(folders == ["w-T-1", "w-T-2"])
        #expect(try scratch.git("worktree", "list").split(separator: "\n").count == 3)
        #expect(trash.isEmpty)
    }

    @Test func theWholeLifeOfATicketInASpare() throws {
        try keep(1)
        try scratch.land(in: repository) { try scratch.write("new.txt", "new\n", in: $0.path) }
        #expect(folders.isEmpty)
    }

    enum Change: CaseIterable { case untracked, ignored, modified, committed, merging, locked, unlinked }

    @Test(arguments: Change.allCases) func whatSomebodyHasChangedIsPutAside(_ change: Change) throws {
        try keep(1)
        let spare = spare
        var commit: String?
        let directory = try scratch.git("rev-parse", "--absolute-git-dir", in: spare)
        switch change {
        case .untracked: try scratch.write("mine.txt", "mine\n", in: spare)
        case .ignored: try scratch.write("mine.log", "mine\n", in: spare)
        case .modified: try scratch.write("a.txt", "mine\n", in: spare)
        case .committed:
            commit = try scratch.commit(["mine.txt": "mine\n"], in: spare)
            try scratch.git("checkout", "-q", "--detach", "HEAD^", in: spare)
        case .merging: try scratch.write("MERGE_HEAD", "\(scratch.tip())\n", in: directory)
        case .locked: try scratch.write("index.lock", "", in: directory)
        case .unlinked: unlink(spare + "/.git")
        }
        let worktree = try scratch.worktree(repository)
        #expect(trash.count == 1 && folders == ["w-T-1"])
        let kept = "\(scratch.state)/trash/\(trash.first ?? "")"
        switch change {
        case .untracked: #expect(scratch.read("mine.txt", in: kept) == "mine\n")
        case .ignored: #expect(scratch.read("mine.log", in: kept) == "mine\n")
        case .modified: #expect(scratch.read("a.txt", in: kept) == "mine\n")
        case .committed:
            #expect(try scratch.git("for-each-ref", "--format=%(objectname)", "refs/orch/rescued") == commit)
        case .merging, .locked, .unlinked: break
        }
        #expect(try scratch.git("status", "--porcelain", "--ignored", in: worktree.path) == "")
    }

    @Test func commitsOfASpareThatGoesHaveARef() throws {
        try keep(1)
        let commit = try scratch.commit(["mine.txt": "mine\n"], in: spare)
        try keep(0)
        #expect(folders.isEmpty && trash.count == 1)
        #expect(try scratch.git("for-each-ref", "--format=%(objectname)", "refs/orch/rescued") == commit)
    }

    @Test func aBranchInTheWayCostsNoSpare() throws {
        try keep(1)
        try scratch.git("branch", "agent-1/T-1-work")
        #expect(throws: GitError.self) { try scratch.worktree(repository) }
        #expect(folders == [GitFiles.name(of: spare)])
        try scratch.git("branch", "-q", "-D", "agent-1/T-1-work")
        #expect(scratch.read("a.txt", in: try scratch.worktree(repository).path) == "one\n")
        #expect(folders == ["w-T-1"])
    }

    /// How far making a spare had come.
    enum Interruption: CaseIterable { case noted, added, filled, folderGone, known }

    @Test(arguments: Interruption.allCases) func whatWasCutShortIsCleared(_ interruption: Interruption) throws {
        try keep(1)
        let (spare, name) = (spare, GitFiles.name(of: spare))
        let directory = "\(scratch.checkout)/.git/worktrees/\(name)"
        try scratch.write("\(name).making", "a spare\n", in: scratch.state + "/worktrees")
        switch interruption {
        case .noted: try scratch.git("worktree", "remove", "--force", spare)
        case .added: for file in ["orch-spare", "index"] { unlink("\(directory)/\(file)") }
        case .filled: unlink("\(directory)/orch-spare")
        case .folderGone: try scratch.remove(spare)
        case .known: try scratch.remove(directory)
        }
        try keep(1)
        #expect(folders.count == 1 && folders != [name] && !folders.contains("\(name).making"))
        #expect(try scratch.git("status", "--porcelain", in: self.spare) == "")
        try keep(0)
        #expect(folders.isEmpty)
        #expect(GitFiles.names(in: scratch.checkout + "/.git/worktrees").isEmpty)
    }

    @Test func oneOfARepositoryWithSubmodulesIsGivenAndRemoved() throws {
        let link = "160000,\(try scratch.tip()),sub"
        try scratch.git("update-index", "--add", "--cacheinfo", link)
        try scratch.git("commit", "-qm", "with a submodule")
        try keep(2)
        #expect(try scratch.git("status", "--porcelain", in: scratch.worktree(repository).path) == "")
        try keep(0)
        #expect(folders == ["w-T-1"] && trash.isEmpty)
    }

    @Test func whereAFreshWorktreeIsNeverCleanThereAreNone() throws {
        try scratch.commit(["crlf.txt": "a\r\nb\r\n"])
        try scratch.write(".gitattributes", "*.txt text\n")
        try scratch.git("add", ".gitattributes")
        // The other stays as it is, so that git sees a change in whatever it checks out.
        try scratch.git("commit", "-qm", "attributes")
        #expect(throws: GitError.self) { try keep(1) }
    }

    @Test func whatOthersMakeThereIsNoSpare() throws {
        let other = try scratch.open(as: "r12")
        try other.keepSpares(1, at: "main", while: { true })
        #expect(folders.count == 1)
        try keep(0)
        #expect(folders.count == 1)
        _ = try scratch.worktree(repository)
        #expect(folders.count == 2)
    }

    private func inode(of path: String) throws -> UInt {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return UInt(status.st_ino)
    }
}
