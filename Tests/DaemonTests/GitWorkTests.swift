import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitWorkTests {
    let scratch: GitScratch
    let repository: GitRepository
    let worktree: Worktree
    let start: String

    init() throws {
        scratch = try GitScratch()
        try scratch.git("config", "user.name", "Uma User")
        try scratch.git("config", "user.email", "uma@example.org")
        repository = try scratch.open()
        worktree = try scratch.worktree(repository)
        start = try scratch.tip()
    }

    private func collect(_ number: Int = 1) throws -> Work {
        try repository.collect(worktree, number: number, target: start, title: "Add it\nall", agent: "agent-1")
    }

    private func branchTip() throws -> String { try scratch.tip("refs/heads/\(worktree.branch)") }

    @Test func committedAndUncommittedWorkIsTakenUp() throws {
        let commit = try scratch.commit(["committed": "x"], in: worktree.path)
        try scratch.write("a.txt", "changed\n", in: worktree.path)
        try scratch.write("untracked", "y", in: worktree.path)
        unlink(worktree.path + "/b.txt")
        let work = try collect()
        #expect(work.committedLeftovers && !work.isEmpty)
        #expect(work.base == start)
        #expect(work.changedPaths == ["a.txt", "b.txt", "committed", "untracked"])
        #expect(try branchTip() == work.head)
        #expect(try scratch.tip("\(work.head)^") == commit)
        #expect(
            try scratch.git("log", "-1", "--format=%B%an", work.head)
                == "Add it all\n\nUncommitted work of agent-1, committed by orch.\nUma User"
        )
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")

        let again = try collect()
        #expect(again.head == work.head && again.changedPaths == work.changedPaths && !again.committedLeftovers)
    }

    @Test func whatItsProgramKeepsForItselfIsNoWork() throws {
        let tracked = ".aider.tags.cache.v3/tracked"
        try scratch.commit([tracked: "the user's"], in: worktree.path)
        try scratch.write(tracked, "changed", in: worktree.path)
        let own = [".aider.tags.cache.v4/cache.db", ".aider.tags.cache.v12/a/b"]
        let work = [
            ".aider.tags.cache.v7", ".aider.tags.cache.v/x", ".aider.tags.cache.vendor/x",
            "below/.aider.tags.cache.v4/cache.db", "untracked",
        ]
        for name in own + work { try scratch.write(name, "x", in: worktree.path) }
        let made = try collect()
        #expect(Set(made.changedPaths) == Set(work + [tracked]))
        let told = try scratch.git("log", "-1", "--format=%B", #require(made.snapshot.commit))
        #expect(
            told.contains(
                "caches of the agent's program, not kept: .aider.tags.cache.v12/a/b, .aider.tags.cache.v4/cache.db"
            )
        )
    }

    @Test func aRepositoryInTheirPlaceIsKept() throws {
        try scratch.git("init", "-q", worktree.path + "/.aider.tags.cache.v4")
        try scratch.commit(["x": "1"], in: worktree.path + "/.aider.tags.cache.v4")
        let made = try collect()
        #expect(!made.snapshot.archives.isEmpty && made.isEmpty)
    }

    @Test func anInterruptedTakingUpIsCompleted() throws {
        try scratch.write("untracked", "y", in: worktree.path)
        let work = try collect()
        // As if the crash had come before the index was brought up to date, with git killed at it.
        try scratch.git("read-tree", start, in: worktree.path)
        try scratch.write("index.lock", "", in: worktree.gitDirectory)
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) != "")
        let again = try collect()
        #expect(again.head == work.head)
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")
    }

    @Test func noChangeAtAllIsReported() throws {
        let work = try collect()
        #expect(work.isEmpty && work.changedPaths.isEmpty && !work.committedLeftovers)
        #expect(work.head == start && work.base == start)
    }

    @Test func aDetachedHeadAheadOfTheBranchMovesIt() throws {
        try scratch.git("checkout", "-q", "--detach", in: worktree.path)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        try scratch.write("more", "y", in: worktree.path)
        let work = try collect()
        #expect(try scratch.tip("\(work.head)^") == head)
        #expect(try branchTip() == work.head)
        #expect(try scratch.git("symbolic-ref", "HEAD", in: worktree.path) == "refs/heads/\(worktree.branch)")
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")
    }

    @Test func aBranchOfTheAgentsOwnIsTakenUpAndLeftWhereItIs() throws {
        try scratch.git("checkout", "-q", "-b", "its-own", in: worktree.path)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        let work = try collect()
        #expect(work.head == head)
        #expect(try branchTip() == head)
        #expect(try scratch.tip("its-own") == head)
    }

    @Test func aBranchTheAgentDeletedIsMadeAgain() throws {
        try scratch.git("checkout", "-q", "--detach", in: worktree.path)
        try scratch.git("branch", "-q", "-D", worktree.branch, in: worktree.path)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        #expect(try collect().head == head)
        #expect(try branchTip() == head)
    }

    @Test func aHeadThatLeftTheBranchBehindIsAnErrorAndKept() throws {
        let onBranch = try scratch.commit(["new": "x"], in: worktree.path)
        try scratch.git("checkout", "-q", "--detach", start, in: worktree.path)
        let aside = try scratch.commit(["aside": "y"], in: worktree.path)
        let error = try gitError { _ = try collect() }
        #expect(error.kind == .unfinished && error.message.contains(worktree.branch))
        #expect(try branchTip() == onBranch)
        #expect(try scratch.tip("HEAD", in: worktree.path) == aside)
        #expect(try repository.resolve(GitRepository.snapshotRef(.t1, 1)) != nil)
    }

    @Test func aMergeWithConflictsIsAnErrorThatNamesThem() throws {
        try scratch.commit(["a.txt": "mine\n"], in: worktree.path)
        try scratch.commit(["a.txt": "theirs\n"])
        try scratch.git("merge", "main", in: worktree.path, fails: true)
        let before = GitFiles.read(worktree.gitDirectory + "/index")
        let error = try gitError { _ = try collect() }
        #expect(error.kind == .unfinished && error.message.contains("a.txt"))
        #expect(GitFiles.exists(worktree.gitDirectory + "/MERGE_HEAD"))
        #expect(GitFiles.read(worktree.gitDirectory + "/index") == before)
        // Resolved but not committed: it becomes the merge it was going to be.
        try scratch.write("a.txt", "both\n", in: worktree.path)
        try scratch.git("add", "a.txt", in: worktree.path)
        let work = try collect(2)
        #expect(try scratch.git("log", "-1", "--format=%P", work.head).split(separator: " ").count == 2)
        #expect(!GitFiles.exists(worktree.gitDirectory + "/MERGE_HEAD"))
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")
    }

    @Test func aRebaseUnderWayIsAnErrorAndKept() throws {
        let mine = try scratch.commit(["a.txt": "mine\n"], in: worktree.path)
        try scratch.commit(["a.txt": "theirs\n"])
        try scratch.git("rebase", "main", in: worktree.path, fails: true)
        let error = try gitError { _ = try collect() }
        #expect(error.kind == .unfinished && error.message.contains("rebase"))
        #expect(GitFiles.exists(worktree.gitDirectory + "/rebase-merge"))
        let snapshot = try #require(try repository.resolve(GitRepository.snapshotRef(.t1, 1)))
        #expect(try scratch.git("show", "\(snapshot):a.txt").contains("<<<<<<<"))
        #expect(try branchTip() == mine)
    }

    @Test func aMergeOfTheTargetIsNotCountedAsTheAgentsChange() throws {
        try scratch.commit(["mine": "x"], in: worktree.path)
        let tip = try scratch.commit(["theirs": "y"])
        try scratch.git("merge", "-q", "--no-edit", "main", in: worktree.path)
        let work = try repository.collect(worktree, number: 1, target: tip, title: "t", agent: "agent-1")
        #expect(work.base == tip && work.changedPaths == ["mine"])
    }

    @Test func renamesCountOnBothSides() throws {
        try scratch.git("mv", "a.txt", "renamed.txt", in: worktree.path)
        #expect(try collect().changedPaths == ["a.txt", "renamed.txt"])
    }

    @Test func anUnrelatedHistoryIsAnError() throws {
        try scratch.git("checkout", "-q", "--orphan", "fresh", in: worktree.path)
        try scratch.commit(["new": "x"], in: worktree.path)
        #expect(try gitError { _ = try collect() }.kind == .unfinished)
        #expect(try branchTip() == start)
    }
}
