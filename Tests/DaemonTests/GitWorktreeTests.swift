import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitWorktreeTests {
    @Test func aWorktreeIsMadeOnItsOwnBranchWithOrchsMark() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let before = try scratch.fingerprint()
        let worktree = try scratch.worktree(repository)
        #expect(scratch.read("a.txt", in: worktree.path) == "one\n")
        #expect(try scratch.git("symbolic-ref", "HEAD", in: worktree.path) == "refs/heads/agent-1/T-1-work")
        let directory = try scratch.git("rev-parse", "--absolute-git-dir", in: worktree.path)
        #expect(GitFiles.line(directory + "/orch") == "T-1")
        #expect(worktree.gitDirectory == directory)
        #expect(GitFiles.names(in: scratch.state + "/worktrees") == ["w-T-1"])
        var after = try scratch.fingerprint()
        after["heads"] = before["heads"]
        #expect(after == before)
        // --no-track: nothing was written to the configuration.
        #expect(try scratch.git("config", "--get-regexp", "^branch", fails: true) == "")
    }

    @Test func askedAgainTheWorktreeIsReturnedAsItIs() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let first = try scratch.worktree(repository)
        let head = try scratch.commit(["new": "x"], in: first.path)
        try scratch.write("uncommitted", "y", in: first.path)
        #expect(try scratch.worktree(repository) == first)
        #expect(try scratch.tip("HEAD", in: first.path) == head)
        #expect(scratch.read("uncommitted", in: first.path) == "y")
        #expect(repository.worktree(at: first.path, branch: first.branch, ticket: .t1) == first)
        #expect(repository.worktree(at: first.path, branch: first.branch, ticket: .t2) == nil)
    }

    @Test func aFullWorktreeWithoutItsMarkIsMarked() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let path = scratch.state + "/worktrees/w-T-1"
        // As left by a crash after git had finished.
        try scratch.write("w-T-1.making", "T-1\nagent-1/T-1-work\n\(scratch.tip())\n", in: scratch.state + "/worktrees")
        try scratch.git("worktree", "add", "-q", "-b", "agent-1/T-1-work", path)
        let worktree = try scratch.worktree(repository)
        #expect(GitFiles.line(worktree.gitDirectory + "/orch") == "T-1")
        #expect(!GitFiles.exists(path + ".making"))
        #expect(GitFiles.names(in: scratch.state + "/trash").isEmpty)
    }

    /// How far `git worktree add` had come when it was killed.
    enum Interruption: CaseIterable {
        case onlyNoted, branchMade, adminWithoutGitdir, adminLocked, noGitFile, filesHalfWritten
    }

    @Test(arguments: Interruption.allCases)
    func anAttemptThatWasCutShortIsStartedOver(_ interruption: Interruption) throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let folder = scratch.state + "/worktrees"
        let path = folder + "/w-T-1"
        let admin = scratch.checkout + "/.git/worktrees/w-T-1"
        try scratch.write("w-T-1.making", "T-1\nagent-1/T-1-work\n\(scratch.tip())\n", in: folder)
        switch interruption {
        case .onlyNoted: break
        case .branchMade: try scratch.git("branch", "agent-1/T-1-work")
        case .adminWithoutGitdir:
            try scratch.git("branch", "agent-1/T-1-work")
            try scratch.write("locked", "initializing\n", in: admin)
        case .adminLocked, .noGitFile, .filesHalfWritten:
            try scratch.git("worktree", "add", "-q", "-b", "agent-1/T-1-work", path)
            try scratch.write("locked", "initializing\n", in: admin)
            if interruption == .noGitFile { unlink(path + "/.git") }
            if interruption == .filesHalfWritten {
                unlink(admin + "/index")
                unlink(path + "/b.txt")
                try scratch.write("index.lock", "", in: admin)
            }
        }
        let worktree = try scratch.worktree(repository)
        #expect(scratch.read("b.txt", in: worktree.path) == "two\n")
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")
        #expect(try scratch.git("symbolic-ref", "HEAD", in: worktree.path) == "refs/heads/agent-1/T-1-work")
        #expect(repository.worktree(at: path, branch: worktree.branch, ticket: .t1) != nil)
        #expect(GitFiles.names(in: folder) == ["w-T-1"])
        #expect(GitFiles.names(in: scratch.checkout + "/.git/worktrees").count == 1)
        #expect(try scratch.worktree(repository) == worktree)
    }

    @Test(arguments: [true, false])
    func anAttemptThatBeganBeforeTheTargetMovedIsTakenUp(wasFinished: Bool) throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let folder = scratch.state + "/worktrees"
        let old = try scratch.tip()
        try scratch.write("w-T-1.making", "T-1\nagent-1/T-1-work\n\(old)\n", in: folder)
        try scratch.git("worktree", "add", "-q", "-b", "agent-1/T-1-work", folder + "/w-T-1")
        if !wasFinished {
            try scratch.write("locked", "initializing\n", in: scratch.checkout + "/.git/worktrees/w-T-1")
        }
        try scratch.commit(["new": "x"])
        let worktree = try scratch.worktree(repository)
        #expect(try scratch.tip("HEAD", in: worktree.path) == old)
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")
        #expect(GitFiles.names(in: folder) == ["w-T-1"])
    }

    @Test func aGitWhosePartIsKilledIsAskedAgain() throws {
        let scratch = try GitScratch(files: ["a.slow": "a\n", ".gitattributes": "*.slow filter=slow\n"])
        let flag = scratch.folder + "/once"
        try scratch.write(flag, "", in: "")
        // What git worktree add runs to fill the folder has this filter for a child.
        try scratch.git(
            "config",
            "filter.slow.smudge",
            "if [ -e '\(flag)' ]; then rm '\(flag)'; kill -9 $PPID; fi; cat"
        )
        let worktree = try scratch.worktree(scratch.open())
        #expect(!GitFiles.exists(flag))
        #expect(scratch.read("a.slow", in: worktree.path) == "a\n")
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "")
    }

    @Test func aKilledGitAtAnyInstantIsRecoveredFrom() throws {
        let files = Dictionary(uniqueKeysWithValues: (0..<400).map { ("d\($0 % 20)/f\($0)", "content \($0)\n") })
        let scratch = try GitScratch(files: files)
        let repository = try scratch.open()
        let folder = scratch.state + "/worktrees"
        for round in 0..<20 {
            let name = "w-\(round)"
            let branch = "agent-1/R-\(round)"
            try scratch.write("\(name).making", "T-1\n\(branch)\n\(scratch.tip())\n", in: folder)
            var add = ShellCommand(
                ["/usr/bin/git", "worktree", "add", "-q", "-b", branch, "\(folder)/\(name)", try scratch.tip()],
                environment: scratch.environment.map { "\($0)=\($1)" },
                directory: scratch.checkout
            )
            add.timeout = .milliseconds(round * 2)
            _ = try add.run()
            let worktree = try repository.prepareWorktree(
                at: "\(folder)/\(name)",
                branch: branch,
                from: scratch.tip(),
                ticket: .t1
            )
            #expect(try scratch.git("status", "--porcelain", in: worktree.path) == "", "round \(round)")
            #expect(try scratch.git("symbolic-ref", "HEAD", in: worktree.path) == "refs/heads/\(branch)")
        }
    }

    @Test(arguments: ["agent-1/T-1-work", "agent-1", "agent-1/T-1-work/deeper"])
    func aBranchOfTheUsersInTheWayIsNamed(_ branch: String) throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        try scratch.git("branch", branch)
        for _ in 0..<2 {
            let error = try gitError { _ = try scratch.worktree(repository) }
            #expect(error.kind == .branchInTheWay)
            #expect(error.message.contains("the branch \(branch) "))
        }
        #expect(GitFiles.names(in: scratch.state + "/worktrees").isEmpty)
        #expect(try scratch.tip(branch) == scratch.tip())
    }

    @Test func aFolderThatOrchDidNotMakeIsLeftAlone() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        try scratch.write("w-T-1/mine", "x", in: scratch.state + "/worktrees")
        #expect(try gitError { _ = try scratch.worktree(repository) }.kind == .notOurs)
        #expect(scratch.read("w-T-1/mine", in: scratch.state + "/worktrees") == "x")
        let elsewhere = try gitError {
            _ = try repository.prepareWorktree(at: scratch.folder + "/w", branch: "b", from: scratch.tip(), ticket: .t1)
        }
        #expect(elsewhere.kind == .notOurs)
        let above = try gitError {
            _ = try repository.prepareWorktree(
                at: scratch.state + "/worktrees/..",
                branch: "b",
                from: scratch.tip(),
                ticket: .t1
            )
        }
        #expect(above.kind == .notOurs)
    }

    @Test func anotherTicketsWorktreeIsNotTaken() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let error = try gitError {
            _ = try repository.prepareWorktree(at: worktree.path, branch: "x", from: scratch.tip(), ticket: .t2)
        }
        #expect(error.kind == .notOurs && error.message.contains("T-1"))
    }

    @Test func aBranchWithWorkIsCheckedOutAgain() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
        for _ in 0..<2 {
            let again = try repository.prepareWorktree(
                at: worktree.path,
                branch: worktree.branch,
                from: scratch.tip(),
                ticket: .t1,
                reusingBranch: true
            )
            #expect(try scratch.tip("HEAD", in: again.path) == head)
        }
    }

    // MARK: - Removal

    @Test func removalNeedsTheSnapshotAndIsDoneOnce() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("untracked", "x", in: worktree.path)
        let claim = Snapshot(
            ticket: .t1,
            number: 1,
            ref: GitRepository.snapshotRef(.t1, 1),
            commit: try scratch.tip()
        )
        #expect(
            try gitError {
                _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: claim)
            }.kind == .notFound
        )
        #expect(scratch.read("untracked", in: worktree.path) == "x")

        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .alreadyGone)
        #expect(!GitFiles.exists(worktree.path) && !GitFiles.exists(worktree.gitDirectory))
        #expect(try scratch.git("show", "\(snapshot.ref):untracked") == "x")
    }

    @Test func removalRefusesWhatOrchDidNotMake() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let snapshot = try repository.snapshot(worktree, number: 1)
        func refused(_ path: String, _ ticket: TicketID = .t1) throws {
            let error = try gitError { _ = try repository.removeWorktree(at: path, ticket: ticket, keptBy: snapshot) }
            #expect(error.kind == .notOurs, "\(path)")
        }
        // The user's checkout, the user's linked worktree (also when it lies among ours), and another ticket's.
        try refused(scratch.checkout)
        try scratch.git("worktree", "add", "-q", "-b", "mine", scratch.folder + "/mine")
        try refused(scratch.folder + "/mine")
        try scratch.git("worktree", "add", "-q", "-b", "among", scratch.state + "/worktrees/among")
        try refused(scratch.state + "/worktrees/among")
        try refused(worktree.path, .t2)
        // A link in our folder to somewhere else.
        symlink(scratch.checkout, scratch.state + "/worktrees/link")
        try refused(scratch.state + "/worktrees/link")
        // One that has lost its mark, and one that somebody has locked.
        try scratch.git("worktree", "lock", worktree.path)
        try refused(worktree.path)
        try scratch.git("worktree", "unlock", worktree.path)
        unlink(worktree.gitDirectory + "/orch")
        try refused(worktree.path)
        #expect(scratch.read("a.txt") == "one\n" && scratch.read("a.txt", in: worktree.path) == "one\n")
    }

    /// A branch that git had made before it failed is no branch of the user's.
    @Test func aWorktreeThatCouldNotBeMadeIsMadeLater() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        try scratch.write("filter", "[ -e works ] && cat\n", in: scratch.home)
        let filter = "cd \(scratch.home); . ./filter"
        try scratch.git("config", "filter.f.smudge", filter)
        try scratch.git("config", "filter.f.clean", "cat")
        try scratch.git("config", "filter.f.required", "true")
        _ = try scratch.commit([".gitattributes": "b.txt filter=f\n"])
        #expect(try gitError { _ = try scratch.worktree(repository) }.kind == .failed)
        try scratch.write("works", "", in: scratch.home)
        #expect(scratch.read("b.txt", in: try scratch.worktree(repository).path) == "two\n")
    }

    /// Removing takes no longer for many files: they lie in a folder whose content anybody may delete, whole.
    @Test func whatIsRemovedIsOutOfTheWayAndDeletedLater() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let removed = RemovedWorktrees(stateDirectory: scratch.state)
        for ticket in [TicketID.t1, .t2] {
            let worktree = try scratch.worktree(repository, ticket: ticket, branch: "agent-1/\(ticket)")
            try scratch.write("deep/new", "x", in: worktree.path)
            #expect(symlink(scratch.checkout, worktree.path + "/away") == 0)
            let snapshot = try repository.snapshot(worktree, number: 1)
            #expect(try repository.removeWorktree(at: worktree.path, ticket: ticket, keptBy: snapshot) == .removed)
            #expect(!GitFiles.exists(worktree.path) && !GitFiles.exists(worktree.gitDirectory))
        }
        let names = GitFiles.names(in: removed.folder)
        #expect(names.count == 2)
        for name in names { #expect(scratch.read("\(name)/deep/new", in: removed.folder) == "x") }
        removed.clear { Issue.record("\($0)") }
        #expect(GitFiles.names(in: removed.folder) == [])
        #expect(scratch.read("a.txt") == "one\n")
    }

    @Test func aLinkInPlaceOfTheFolderForWhatIsRemovedIsNotFollowed() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let snapshot = try repository.snapshot(worktree, number: 1)
        let removed = RemovedWorktrees(stateDirectory: scratch.state)
        #expect(symlink(scratch.checkout, removed.folder) == 0)
        removed.clear { Issue.record("\($0)") }
        let error = try gitError {
            _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        }
        #expect(error.message.contains(removed.folder))
        #expect(scratch.read("a.txt") == "one\n" && scratch.read("a.txt", in: worktree.path) == "one\n")
        unlink(removed.folder)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
    }

    @Test func whatGitWillNotRemoveGoesToTheTrash() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let snapshot = try repository.snapshot(worktree, number: 1)
        // git no longer knows the folder for its worktree.
        unlink(worktree.path + "/.git")
        let result = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        #expect(result == .trashed(scratch.state + "/trash/w-T-1.1"))
        #expect(scratch.read("a.txt", in: scratch.state + "/trash/w-T-1.1") == "one\n")
        #expect(!GitFiles.exists(worktree.gitDirectory))
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .alreadyGone)
    }

    @Test func aFolderThatIsGoneIsForgotten() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(rename(worktree.path, scratch.folder + "/elsewhere") == 0)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
        #expect(!GitFiles.exists(worktree.gitDirectory))
    }

    @Test func aBranchIsDeletedOnlyWhereItWasAndIfKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        func delete(_ commit: String) throws {
            try repository.deleteBranch(worktree.branch, at: commit, keptBy: snapshot)
        }
        #expect(try gitError { try delete(head) }.message.contains("checked out"))
        _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        #expect(try gitError { try delete(scratch.tip()) }.kind == .notOurs)
        try delete(head)
        #expect(try repository.targetTip(worktree.branch) == nil)
        try delete(head)
        // A commit that the snapshot does not hold.
        let other = try scratch.commit(["other": "x"])
        try scratch.git("branch", worktree.branch, other)
        #expect(try gitError { try delete(other) }.kind == .notFound)
        #expect(try repository.targetTip(worktree.branch) == other)
    }

    @Test func anAgentsGitHasAnAuthorAndDoesNotSign() throws {
        let scratch = try GitScratch()
        try scratch.git("config", "commit.gpgSign", "true")
        try scratch.git("config", "gpg.program", "/bin/false")
        let repository = try scratch.open()
        #expect(repository.signsCommits)
        let worktree = try scratch.worktree(repository)
        let environment = scratch.environment.merging(repository.agentEnvironment) { $1 }
        let commit = ShellCommand(
            ["/usr/bin/git", "commit", "-q", "--allow-empty", "-m", "by the agent"],
            environment: environment.map { "\($0)=\($1)" },
            directory: worktree.path
        )
        #expect(try commit.run().exitCode == 0)
        #expect(try scratch.git("log", "-1", "--format=%an %ce", in: worktree.path) == "orch orch@localhost")
    }

    /// It would be killed with the run, and leave a lock that keeps everybody's away.
    @Test func anAgentsGitDoesNoHousekeeping() throws {
        let scratch = try GitScratch()
        try scratch.git("config", "gc.autoDetach", "false")
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let trace = scratch.folder + "/trace"
        func commit(in environment: [String: String]) throws -> String {
            unlink(trace)
            let commit = ShellCommand(
                ["/usr/bin/git", "commit", "-q", "--allow-empty", "-m", "by the agent"],
                environment: environment.merging(["GIT_TRACE": trace]) { $1 }.map { "\($0)=\($1)" },
                directory: worktree.path
            )
            #expect(try commit.run().exitCode == 0)
            return try #require(GitFiles.read(trace).map { String(decoding: $0, as: UTF8.self) })
        }
        let users = scratch.environment.merging(["GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"]) { $1 }
        let committer = ["GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"]
        #expect(try commit(in: users.merging(committer) { $1 }).contains("maintenance run --auto"))
        #expect(
            try !commit(in: scratch.environment.merging(repository.agentEnvironment) { $1 }).contains("maintenance")
        )
    }

    @Test func hooksOfTheUsersDoNotRun() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        for hook in ["post-checkout", "post-merge", "pre-commit", "reference-transaction", "post-index-change"] {
            try scratch.write(".git/hooks/\(hook)", "#!/bin/sh\necho \(hook) >> \(scratch.folder)/ran\nexit 1\n")
            chmod("\(scratch.checkout)/.git/hooks/\(hook)", 0o755)
        }
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        let tip = try scratch.tip()
        let work = try repository.collect(worktree, number: 1, target: tip, title: "t", agent: "agent-1")
        guard
            case .built(let candidate) = try repository.buildCandidate(
                ticket: .t1,
                tip: tip,
                head: work.head,
                method: .merge,
                message: CommitMessage(title: "t")
            )
        else { return #expect(Bool(false)) }
        #expect(try repository.advance("main", from: tip, to: candidate.commit, reason: "land") == .advanced)
        #expect(!GitFiles.exists(scratch.folder + "/ran"))
    }
}
