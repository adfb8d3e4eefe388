import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitLandingTests {
    let scratch: GitScratch
    let repository: GitRepository
    let tip: String
    /// A commit on top of `main` that changes, adds and deletes.
    let candidate: String

    init() throws {
        scratch = try GitScratch(files: ["a.txt": "one\n", "b.txt": "two\n", "c.txt": "three\n", "sub/d": "four\n"])
        repository = try scratch.open()
        tip = try scratch.tip()
        let worktree = try scratch.worktree(repository)
        unlink(worktree.path + "/c.txt")
        let head = try scratch.commit(["a.txt": "ONE\n", "new/file name": "new\n"], in: worktree.path)
        guard
            case .built(let built) = try repository.buildCandidate(
                ticket: .t1,
                tip: tip,
                head: head,
                method: .squash,
                message: CommitMessage(title: "t")
            )
        else { throw GitError(.failed, "test", "no candidate") }
        candidate = built.commit
    }

    private func advance() throws -> Advance {
        try repository.advance("main", from: tip, to: candidate, reason: "land T-1")
    }

    /// Why it is blocked; and nothing of the user's has changed.
    private func blocked() throws -> (reason: String, worktree: String, paths: [String]) {
        let before = try scratch.fingerprint()
        let result = try advance()
        #expect(try scratch.fingerprint() == before)
        guard case .blocked(let reason, let worktree, let paths) = result else {
            throw GitError(.failed, "test", "not blocked but \(result)")
        }
        return (reason, worktree, paths)
    }

    // MARK: - Not checked out

    @Test func aBranchNobodyHasIsSwapped() throws {
        try scratch.git("checkout", "-q", "--detach")
        var before = try scratch.fingerprint()
        #expect(try advance() == .advanced)
        var after = try scratch.fingerprint()
        before["heads"] = nil
        after["heads"] = nil
        #expect(after == before)
        #expect(try scratch.tip() == candidate)
        #expect(try scratch.git("log", "-g", "-1", "--format=%gs", "main") == "orch: land T-1")
        #expect(try advance() == .alreadyThere)
    }

    @Test func aBranchMovedByAnotherIsLeftThere() throws {
        try scratch.git("checkout", "-q", "-b", "elsewhere")
        let other = try scratch.commit(["x": "x"])
        try scratch.git("update-ref", "refs/heads/main", other)
        #expect(try advance() == .moved(now: other))
        #expect(try scratch.tip() == other)
        try scratch.git("branch", "-q", "-D", "main")
        #expect(try advance() == .moved(now: nil))
        #expect(try repository.targetTip("main") == nil)
    }

    @Test func workOnTopOfTheCandidateMeansItHasLanded() throws {
        #expect(try advance() == .advanced)
        let later = try scratch.commit(["later": "x"])
        #expect(try advance() == .alreadyThere)
        #expect(try scratch.tip() == later)
    }

    @Test func ofTwoAtOnceExactlyOneWins() async throws {
        try scratch.git("checkout", "-q", "--detach")
        var rivals = [candidate]
        for number in 0..<5 {
            rivals.append(
                try scratch.git("commit-tree", "\(candidate)^{tree}", "-p", tip, "-m", "rival \(number)")
            )
        }
        let (repository, tip) = (repository, tip)
        let results = try await withThrowingTaskGroup(of: Advance.self) { group in
            for rival in rivals {
                group.addTask { try repository.advance("main", from: tip, to: rival, reason: "race") }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 == .advanced } == 1)
        let now = try scratch.tip()
        #expect(results.count { $0 == .moved(now: now) } == rivals.count - 1)
    }

    @Test func aUserWhoCommitsMeanwhileNeverLosesTheCommit() async throws {
        try scratch.git("checkout", "-q", "--detach")
        let (repository, tip, candidate, scratch) = (repository, tip, candidate, scratch)
        let mine = try scratch.git("commit-tree", "\(tip)^{tree}", "-p", tip, "-m", "the user's")
        async let orch = Task.detached {
            try repository.advance("main", from: tip, to: candidate, reason: "race")
        }.value
        async let user = Task.detached {
            try ShellCommand(
                ["/usr/bin/git", "update-ref", "refs/heads/main", mine, tip],
                environment: scratch.environment.map { "\($0)=\($1)" },
                directory: scratch.checkout
            ).run().exitCode
        }.value
        let (result, exit) = try await (orch, user)
        #expect((result == .advanced) == (exit != 0))
        #expect(try scratch.tip() == (exit == 0 ? mine : candidate))
    }

    // MARK: - Checked out

    @Test func aCleanCheckoutIsFastForwarded() throws {
        try scratch.write("untracked", "mine")
        try scratch.write("b.txt", "a local change elsewhere\n")
        #expect(try advance() == .advanced)
        #expect(try scratch.tip() == candidate)
        #expect(scratch.read("a.txt") == "ONE\n" && scratch.read("new/file name") == "new\n")
        #expect(scratch.read("c.txt") == nil && scratch.read("untracked") == "mine")
        #expect(scratch.read("b.txt") == "a local change elsewhere\n")
        #expect(try scratch.git("status", "--porcelain") == " M b.txt\n?? untracked")
        #expect(try advance() == .alreadyThere)
    }

    @Test func aLocalChangeInTheWayBlocksAndIsNamed() throws {
        // What the user may still want to go back to.
        try scratch.git("update-ref", "ORIG_HEAD", candidate)
        try scratch.write("a.txt", "my own\n")
        let (reason, worktree, paths) = try blocked()
        #expect(paths == ["a.txt"] && worktree == scratch.checkout && reason.contains("a.txt"))
    }

    @Test func aBlockedLandingIsTriedAgainWithoutDisturbingTheUsersGit() throws {
        // Every git that orch runs is noted, and it is one that writes if it may take locks.
        let log = scratch.folder + "/calls"
        let real = try #require(try Git(environment: scratch.environment).locate("git"))
        try scratch.write(
            "git",
            "#!/bin/sh\necho \"${GIT_OPTIONAL_LOCKS-writes} $*\" >> '\(log)'\nexec '\(real)' \"$@\"\n",
            in: scratch.folder + "/bin"
        )
        try makeProgram(scratch.folder + "/bin/git")
        var environment = scratch.environment
        environment["PATH"] = "\(scratch.folder)/bin:\(environment["PATH"] ?? "/usr/bin:/bin")"
        let watched = try GitRepository.open(
            scratch.checkout,
            id: RepositoryID("r1"),
            stateDirectory: scratch.state,
            git: Git(environment: environment, isDurable: false)
        )
        func writes() -> [Substring] {
            (scratch.read("calls", in: scratch.folder) ?? "").split(separator: "\n").filter { $0.hasPrefix("writes") }
        }
        try scratch.write("a.txt", "my own\n")
        func again() throws -> Advance {
            try watched.advance("main", from: tip, to: candidate, reason: "land T-1", looksFirst: true)
        }
        guard case .blocked(_, _, let paths) = try again() else { throw GitError(.failed, "test", "not blocked") }
        #expect(paths == ["a.txt"])
        #expect(writes() == [])
        try scratch.git("checkout", "-q", "a.txt")
        #expect(try again() == .advanced)
        #expect(writes().count == 1 && writes()[0].hasPrefix("writes merge --ff-only"))
    }

    @Test func aStagedChangeInTheWayBlocks() throws {
        try scratch.write("a.txt", "my own\n")
        try scratch.git("add", "a.txt")
        #expect(try blocked().paths == ["a.txt"])
        // Staged one way, and the file made the candidate's: the staged version is still the user's.
        try scratch.write("a.txt", "ONE\n")
        #expect(try blocked().paths == ["a.txt"])
    }

    @Test func aChangedFileThatWouldBeDeletedBlocks() throws {
        try scratch.write("c.txt", "still needed\n")
        #expect(try blocked().paths == ["c.txt"])
    }

    @Test func anUntrackedFileInTheWayBlocks() throws {
        try scratch.write("new/file name", "my own\n")
        #expect(try blocked().paths == ["new/file name"])
    }

    @Test func anIgnoredFileInTheWayBlocksToo() throws {
        try scratch.write(".git/info/exclude", "new/\n")
        try scratch.write("new/file name", "my secret\n")
        #expect(try blocked().paths == ["new/file name"])
    }

    @Test func aFileWhereAFolderIsNeededAndTheOtherWayRoundBlock() throws {
        try scratch.write("new", "a file\n")
        #expect(try blocked().paths == ["new"])
        unlink(scratch.checkout + "/new")
        try scratch.write("new/file name/inner", "a folder\n")
        #expect(try blocked().paths == ["new/file name/inner"])
    }

    @Test func anInterruptedFastForwardIsCompleted() throws {
        // Files written, one added and one deleted, before index and ref were.
        try scratch.write("a.txt", "ONE\n")
        try scratch.write("new/file name", "new\n")
        unlink(scratch.checkout + "/c.txt")
        #expect(try advance() == .advanced)
        #expect(try scratch.git("status", "--porcelain") == "")
        #expect(try scratch.tip() == candidate)
    }

    @Test func aLockThatAKilledFastForwardLeftBlocksUntilItIsRemoved() throws {
        try scratch.write("a.txt", "ONE\n")
        try scratch.write("new/file name", "new\n")
        unlink(scratch.checkout + "/c.txt")
        try scratch.write(".git/HEAD.lock", "")
        guard case .blocked(let reason, _, _) = try advance() else { throw GitError(.failed, "test", "not blocked") }
        #expect(reason.hasPrefix("\(scratch.checkout)/.git/HEAD.lock has "), "\(reason)")
        unlink(scratch.checkout + "/.git/HEAD.lock")
        #expect(try advance() == .advanced)
        #expect(try scratch.git("status", "--porcelain") == "")
    }

    @Test func theNoteOfAFastForwardThatWasCompletedGoes() throws {
        #expect(try advance() == .advanced)
        try note(candidate, from: tip)
        #expect(try advance() == .alreadyThere)
        #expect(!GitFiles.exists(scratch.state + "/repositories/r1.landing"))
        // Another's is not touched.
        try note(tip, from: candidate)
        #expect(try advance() == .alreadyThere)
        #expect(GitFiles.exists(scratch.state + "/repositories/r1.landing"))
    }

    @Test func aFileCutShortIsCompletedOnlyIfItWasOurs() throws {
        try scratch.write("new/file name", "ne")
        #expect(try blocked().paths == ["new/file name"])
        try note(candidate, from: tip)
        #expect(try advance() == .advanced)
        #expect(scratch.read("new/file name") == "new\n")
        #expect(scratch.read("file name.1", in: scratch.state + "/trash") == "ne")
        #expect(!GitFiles.exists(scratch.state + "/repositories/r1.landing"))
    }

    @Test func aChangeMadeAfterAnInterruptedFastForwardIsTheUsers() throws {
        try scratch.write("a.txt", "ONE\n")
        try scratch.write("new/file name", "my own\n")
        try note(candidate, from: tip)
        #expect(try blocked().paths == ["new/file name"])
    }

    /// What orch leaves when it dies in the middle of a fast-forward.
    private func note(_ candidate: String, from tip: String) throws {
        try scratch.write(
            "r1.landing",
            "main\n\(tip)\n\(candidate)\n\(scratch.checkout)\n",
            in: scratch.state + "/repositories"
        )
    }

    @Test func aKilledFastForwardIsCompleted() throws {
        // Many files, so that the kill lands among them.
        for number in 0..<300 { try scratch.write("many/\(number)", "content \(number)\n") }
        try scratch.write("many/two\nlines", "x")
        try scratch.write("\"quoted\"", "x")
        symlink("a.txt", scratch.checkout + "/many/link")
        let target = try scratch.commit([:])
        let base = try scratch.tip("HEAD^")
        for round in 0..<8 {
            try scratch.git("reset", "-q", "--hard", base)
            try note(target, from: base)
            var merge = ShellCommand(
                ["/usr/bin/git", "merge", "-q", "--ff-only", target],
                environment: scratch.environment.map { "\($0)=\($1)" },
                directory: scratch.checkout
            )
            merge.timeout = .milliseconds(1 + round * 2)
            _ = try merge.run()
            // Locks of a dead git are the user's to judge; they are met one by one, and named.
            var result = try repository.advance("main", from: base, to: target, reason: "land")
            for _ in 0..<4 {
                guard case .blocked(let reason, _, let paths) = result, paths.isEmpty else { break }
                unlink(try #require(reason.split(separator: " ").first { $0.hasSuffix(".lock") }.map(String.init)))
                result = try repository.advance("main", from: base, to: target, reason: "land")
            }
            #expect(result == .advanced || result == .alreadyThere, "round \(round)")
            #expect(try scratch.git("status", "--porcelain") == "", "round \(round)")
            #expect(try scratch.tip() == target)
        }
    }

    @Test func anotherGitAtWorkBlocks() throws {
        try scratch.write(".git/index.lock", "")
        #expect(try blocked().reason.contains("index.lock"))
    }

    @Test func aLockOnTheBranchBlocks() throws {
        try scratch.git("checkout", "-q", "--detach")
        try scratch.write(".git/refs/heads/main.lock", "")
        #expect(try blocked().reason.contains("main.lock"))
    }

    @Test func aMergeUnderWayBlocks() throws {
        try scratch.git("checkout", "-q", "-b", "other")
        try scratch.commit(["b.txt": "other\n"])
        try scratch.git("checkout", "-q", "main")
        try scratch.git("merge", "--no-commit", "--no-ff", "other")
        let (reason, worktree, _) = try blocked()
        #expect(reason.contains("a merge is under way") && worktree == scratch.checkout)
    }

    @Test func aRebaseOfTheBranchBlocksAlthoughHeadIsDetached() throws {
        try scratch.git("checkout", "-q", "-b", "other")
        try scratch.commit(["b.txt": "other\n"])
        try scratch.git("checkout", "-q", "main")
        try scratch.commit(["b.txt": "mine\n"])
        try scratch.git("rebase", "other", fails: true)
        #expect(try blocked().reason.contains("a rebase is under way"))
    }

    @Test func aBisectFromTheBranchBlocks() throws {
        try scratch.commit(["x": "1"])
        try scratch.commit(["x": "2"])
        try scratch.commit(["x": "3"])
        try scratch.git("bisect", "start", "HEAD", "HEAD~3")
        #expect(try blocked().reason.contains("a bisect is under way"))
    }

    @Test func theBranchIsFoundInALinkedWorktreeToo() throws {
        try scratch.git("checkout", "-q", "-b", "other")
        let linked = scratch.folder + "/linked one"
        try scratch.git("worktree", "add", "-q", linked, "main")
        try scratch.write("a.txt", "my own\n", in: linked)
        let (_, worktree, paths) = try blocked()
        #expect(worktree == linked && paths == ["a.txt"])
        try scratch.git("checkout", "-q", "a.txt", in: linked)
        #expect(try advance() == .advanced)
        #expect(scratch.read("a.txt", in: linked) == "ONE\n")
        #expect(scratch.read("a.txt") == "one\n")
    }

    @Test func aCheckoutThatIsGoneBlocksWithAHint() throws {
        try scratch.git("checkout", "-q", "-b", "other")
        let linked = scratch.folder + "/linked"
        try scratch.git("worktree", "add", "-q", linked, "main")
        #expect(rename(linked, scratch.folder + "/away") == 0)
        #expect(try blocked().reason.contains("git worktree prune"))
    }

    @Test func anAgentThatCheckedOutTheTargetBlocks() throws {
        try scratch.git("checkout", "-q", "-b", "other")
        try scratch.git("checkout", "-q", "main", in: scratch.state + "/worktrees/w-T-1")
        #expect(try blocked().reason.contains("the agent of T-1"))
    }

    @Test func twoCheckoutsOfTheBranchBlock() throws {
        try scratch.git("worktree", "add", "-q", "--force", scratch.folder + "/second", "main")
        #expect(try blocked().reason.contains("second"))
    }

    @Test func aUserWhoResetTheBranchBackDoesNotGetItAgain() throws {
        // `tip` is no longer where main is, though a fast-forward would be possible.
        let first = try scratch.tip()
        let second = try scratch.commit(["x": "1"])
        let third = try scratch.git("commit-tree", "\(second)^{tree}", "-p", second, "-m", "third")
        try scratch.git("reset", "-q", "--hard", first)
        #expect(try repository.advance("main", from: second, to: third, reason: "land") == .moved(now: first))
        #expect(try scratch.tip() == first)
    }

    @Test func theUsersConfigurationOfMergesDoesNotMatter() throws {
        for (key, value) in [("merge.ff", "false"), ("merge.autoStash", "true"), ("merge.verifySignatures", "true")] {
            try scratch.git("config", key, value)
        }
        try scratch.write("a.txt", "my own\n")
        #expect(try blocked().paths == ["a.txt"])
        try scratch.git("checkout", "-q", "a.txt")
        #expect(try advance() == .advanced)
        #expect(try scratch.tip() == candidate)
    }
}
