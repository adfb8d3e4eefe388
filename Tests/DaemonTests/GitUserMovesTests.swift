import Core
import Glibc
import Testing

@testable import Daemon

/// What a user may do to a repository while orch works on it.
@Suite struct GitUserMovesTests {
    // MARK: The target branch

    @Test func commitsThatTheUserTookBackDoNotComeBackWithWorkThatWasBuiltOnThem() throws {
        let scratch = try GitScratch(files: ["a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"])
        let repository = try scratch.open()
        let before = try scratch.tip()
        let base = try scratch.commit(["mistake.txt": "x\n", "a.txt": "ONE\n2\n3\n4\n5\n6\n7\n8\n9\n"])
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["a.txt": "ONE\n2\n3\n4\n5\n6\n7\n8\nnine\n", "new.txt": "n"], in: worktree.path)
        try scratch.git("reset", "-q", "--hard", before)
        let tip = try scratch.commit(["theirs.txt": "y\n"])
        func build() throws -> BuiltCandidate {
            let result = try repository.buildCandidate(
                ticket: .t1,
                tip: tip,
                head: head,
                base: base,
                method: .squash,
                message: CommitMessage(title: "t")
            )
            guard case .built(let built) = result else { throw GitError(.failed, "test", "\(result)") }
            return built
        }
        let built = try build()
        #expect(built.paths == ["a.txt", "new.txt"])
        #expect(try scratch.git("show", "\(built.commit):a.txt") == "1\n2\n3\n4\n5\n6\n7\n8\nnine")
        #expect(try scratch.tip("\(built.commit)^") == tip)
        #expect(try build() == built)
        // Reworded rather than taken back: the work is on top of the new one.
        try scratch.git("reset", "-q", "--hard", base)
        try scratch.git("commit", "-q", "--amend", "-m", "reworded")
        let result = try repository.buildCandidate(
            ticket: .t1,
            tip: scratch.tip(),
            head: head,
            base: base,
            method: .squash,
            message: CommitMessage(title: "t")
        )
        guard case .built(let reworded) = result else { throw GitError(.failed, "test", "\(result)") }
        #expect(reworded.paths == ["a.txt", "new.txt"])
    }

    // MARK: The repository

    @Test func aRepositoryThatWasMovedIsKnownAgainAndItsWorktreesAreMended() throws {
        let scratch = try GitScratch()
        let before = try scratch.open()
        try before.claim()
        #expect(before.movedFrom == nil)
        let worktree = try scratch.worktree(before)
        try scratch.write("new.txt", "new\n", in: worktree.path)
        let (old, new) = (scratch.checkout, scratch.folder + "/else where\n\u{E9}")
        #expect(rename(old, new) == 0)
        let moved = try scratch.open(at: new)
        #expect(moved.movedFrom?.text == "r1")
        try moved.claim()
        #expect(moved.movedFrom == nil)
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "?? new.txt")
        let again = try #require(moved.worktree(at: worktree.path, branch: worktree.branch, ticket: .t1))
        let work = try moved.collect(again, number: 1, target: scratch.tip(in: new), title: "W", agent: "agent-1")
        #expect(work.changedPaths == ["new.txt"])

        // A copy is another repository, and so is one that another orch knows.
        _ = try ShellCommand(["/bin/cp", "-a", new, old], environment: []).run()
        #expect(try scratch.open(at: old).movedFrom == nil)
        try scratch.remove(new)
        let git = try Git(environment: scratch.environment, isDurable: false)
        let other = try GitRepository.open(
            old,
            id: RepositoryID("r9"),
            stateDirectory: scratch.folder + "/other",
            git: git
        )
        #expect(other.movedFrom == nil)
        #expect(try scratch.open(at: old).movedFrom?.text == "r1")
    }

    // MARK: Worktrees

    @Test func aWorktreeThatTheUserMovedAwayIsMadeAgain() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["mine.txt": "x\n"], in: worktree.path)
        try scratch.write("loose.txt", "loose\n", in: worktree.path)
        let elsewhere = scratch.folder + "/elsewhere"
        #expect(rename(worktree.path, elsewhere) == 0)
        let again = try repository.prepareWorktree(
            at: worktree.path,
            branch: worktree.branch,
            from: head,
            ticket: .t1,
            reusingBranch: true,
            remaking: true
        )
        #expect(scratch.read("mine.txt", in: again.path) == "x\n")
        #expect(scratch.read("loose.txt", in: elsewhere) == "loose\n")
    }

    /// Its folder is out of the way, and git does not know yet: where it lies by then, it may be gone.
    @Test func aRemovalThatWasCutShortIsCompleted() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("loose.txt", "loose\n", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        let removed = RemovedWorktrees(stateDirectory: scratch.state)
        try removed.take(worktree.path, for: "test")
        removed.clear { Issue.record("\($0)") }
        #expect(GitFiles.names(in: removed.folder) == [])
        #expect(try repository.keptSnapshot(of: .t1, 1) == snapshot)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
        #expect(!GitFiles.exists(worktree.path) && !GitFiles.exists(worktree.gitDirectory))
        #expect(try scratch.git("show", "\(try #require(snapshot.commit)):loose.txt") == "loose")
    }

    @Test func aBranchWhoseWorktreeTheUserRemovedIsKeptBeforeItGoes() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["mine.txt": "x\n"], in: worktree.path)
        try scratch.git("worktree", "remove", worktree.path)
        #expect(try repository.keptSnapshot(of: .t1, 3) == nil)
        let snapshot = try repository.snapshotBranch(worktree.branch, of: .t1, number: 3)
        try repository.deleteBranch(worktree.branch, at: head, keptBy: snapshot)
        #expect(try repository.resolve(snapshot.ref) == head)
    }
}
