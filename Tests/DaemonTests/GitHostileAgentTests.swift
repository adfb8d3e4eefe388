import Core
import Glibc
import Testing

@testable import Daemon

/// What an agent may do to the repository it shares: nothing of orch's own git runs what it planted, nothing is lost,
/// and each story has an end.
@Suite struct GitHostileAgentTests {
    let scratch: GitScratch
    let repository: GitRepository
    let worktree: Worktree

    init() throws {
        scratch = try GitScratch()
        repository = try scratch.open()
        worktree = try scratch.worktree(repository)
    }

    private func collect(number: Int = 1) throws -> Work {
        try repository.collect(worktree, number: number, target: scratch.tip(), title: "Work", agent: "agent-1")
    }

    private func prepareAgain(from commit: String? = nil, reusing: Bool = true) throws -> Worktree {
        try repository.prepareWorktree(
            at: worktree.path,
            branch: worktree.branch,
            from: commit ?? scratch.tip(),
            ticket: .t1,
            reusingBranch: reusing,
            remaking: true
        )
    }

    // MARK: What it plants

    @Test func nothingThatIsPlantedInTheRepositoryRunsInOrchsGit() throws {
        let trap = scratch.folder + "/trap"
        let sprung = scratch.folder + "/sprung"
        try scratch.write("trap", "#!/bin/sh\necho \"$0 $*\" >> '\(sprung)'\ncat\n", in: scratch.folder)
        try makeProgram(trap)
        for name in [
            "pre-commit", "post-checkout", "post-commit", "post-merge", "reference-transaction", "post-index-change",
            "post-rewrite", "pre-merge-commit", "fsmonitor-watchman",
        ] {
            let hook = "\(repository.commonDirectory)/hooks/\(name)"
            try GitFiles.makeDirectory(GitFiles.parent(of: hook), for: "test")
            #expect(symlink(trap, hook) == 0)
        }
        let settings = [
            "core.fsmonitor": trap, "core.pager": trap, "core.editor": trap, "core.sshCommand": trap,
            "core.askPass": trap, "core.gitProxy": trap, "core.alternateRefsCommand": trap,
            "credential.helper": "!\(trap)", "diff.external": trap, "diff.trap.textconv": trap,
            "diff.trap.command": trap, "pager.diff": trap, "pager.log": trap, "alias.merge-tree": "!\(trap)",
            "alias.worktree": "!\(trap)", "interactive.diffFilter": trap, "sequence.editor": trap,
            "gpg.program": trap, "commit.gpgSign": "true", "tag.gpgSign": "true", "log.showSignature": "true",
            "submodule.recurse": "true", "trailer.x.cmd": trap,
        ]
        for (name, value) in settings { try scratch.git("config", name, value, in: worktree.path) }
        try scratch.write("\(repository.commonDirectory)/hooks/x", "", in: "")
        try scratch.write("info/attributes", "* diff=trap\n", in: repository.commonDirectory)
        try scratch.write(".gitattributes", "* diff=trap\n", in: worktree.path)
        try scratch.write(".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ext::\(trap)\n", in: worktree.path)
        try scratch.write("a.txt", "changed\n", in: worktree.path)
        let work = try collect()
        let tip = try scratch.tip()
        guard
            case .built(let built) = try repository.buildCandidate(
                ticket: .t1,
                tip: tip,
                head: work.head,
                method: .squash,
                message: CommitMessage(title: "t")
            )
        else { throw GitError(.failed, "test", "no candidate") }
        #expect(try repository.diff(from: tip, to: built.commit).contains("+changed"))
        let verification = VerificationCheckout(repository: repository, slot: 0)
        try verification.prepare(built.commit)
        #expect(try verification.inspect(tree: built.tree) == .intact)
        #expect(try repository.advance("main", from: tip, to: built.commit, reason: "land") == .advanced)
        let snapshot = try repository.snapshot(worktree, number: 2)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
        #expect(GitFiles.line(sprung) == nil)
    }

    @Test(arguments: ["core.bare", "core.worktree"])
    func aSettingThatMisleadsGitAboutTheCheckoutDoesNotStopALanding(_ setting: String) throws {
        let elsewhere = scratch.folder + "/elsewhere"
        try scratch.write("elsewhere/empty", "", in: scratch.folder)
        try scratch.git("config", setting, setting == "core.bare" ? "true" : elsewhere, in: worktree.path)
        try scratch.write("new.txt", "new\n", in: worktree.path)
        let work = try collect()
        let tip = try #require(try repository.targetTip("main"))
        guard
            case .built(let built) = try repository.buildCandidate(
                ticket: .t1,
                tip: tip,
                head: work.head,
                method: .squash,
                message: CommitMessage(title: "t")
            )
        else { throw GitError(.failed, "test", "no candidate") }
        #expect(try repository.advance("main", from: tip, to: built.commit, reason: "land") == .advanced)
        #expect(scratch.read("new.txt") == "new\n")
        #expect(!GitFiles.exists(elsewhere + "/new.txt"))
        // The next daemon says what is wrong with the repository.
        let error = try gitError { _ = try scratch.open() }
        #expect(error.kind == .unsupported && error.message.contains(setting), "\(error.message)")
    }

    // MARK: What it deletes

    enum Deletion: CaseIterable { case folder, worktreeRemoved, gitFile, gitFileRewritten, adminDirectory }

    @Test(arguments: Deletion.allCases)
    func aWorktreeTheAgentBrokeIsMadeAgainWithItsCommits(_ deletion: Deletion) throws {
        let head = try scratch.commit(["mine.txt": "committed\n"], in: worktree.path)
        try scratch.write("loose.txt", "not committed\n", in: worktree.path)
        switch deletion {
        case .folder: try scratch.remove(worktree.path)
        case .worktreeRemoved: try scratch.git("worktree", "remove", "--force", worktree.path)
        case .gitFile: unlink(worktree.path + "/.git")
        case .gitFileRewritten:
            unlink(worktree.path + "/.git")
            try scratch.git("init", "-q", in: worktree.path)
        case .adminDirectory: try scratch.remove(worktree.gitDirectory)
        }
        let again = try prepareAgain()
        #expect(try scratch.tip("HEAD", in: again.path) == head)
        #expect(try scratch.git("symbolic-ref", "HEAD", in: again.path) == "refs/heads/\(worktree.branch)")
        #expect(try scratch.git("rev-parse", "--git-common-dir", in: again.path) == repository.commonDirectory)
        #expect(scratch.read("mine.txt", in: again.path) == "committed\n")
        // A folder that is there keeps what is in it, or goes to the trash with it.
        if ![.folder, .worktreeRemoved].contains(deletion) {
            let kept =
                [again.path] + GitFiles.names(in: scratch.state + "/trash").map { scratch.state + "/trash/" + $0 }
            #expect(kept.contains { scratch.read("loose.txt", in: $0) == "not committed\n" })
        }
    }

    @Test(arguments: [true, false])
    func whatOnlyTheWorktreesLogKnewIsKeptWhenItIsMadeAgain(aRunHasEnded: Bool) throws {
        let lost = try scratch.commit(["lost.txt": "x\n"], in: worktree.path)
        try scratch.git("reset", "-q", "--hard", "HEAD~1", in: worktree.path)
        try scratch.write("staged.txt", "staged\n", in: worktree.path)
        try scratch.git("add", "staged.txt", in: worktree.path)
        try scratch.remove(worktree.path)
        if aRunHasEnded {
            let error = try gitError { _ = try collect() }
            #expect(error.kind == .notFound && error.message.contains("orch retry"), "\(error.message)")
            let kept = try #require(try repository.resolve(GitRepository.snapshotRef(.t1, 1)))
            #expect(try repository.isAncestor(lost, of: kept))
            #expect(try scratch.git("show", "\(kept):staged.txt") == "staged")
        }
        _ = try prepareAgain()
        try scratch.git("gc", "-q", "--prune=now")
        #expect(try repository.resolve(lost) == lost)
    }

    @Test func aDeletedBranchIsMadeAgainWhereTheWorkWas() throws {
        let head = try scratch.commit(["mine.txt": "committed\n"], in: worktree.path)
        try scratch.git("worktree", "remove", "--force", worktree.path)
        try scratch.git("branch", "-q", "-D", worktree.branch)
        let again = try prepareAgain(from: head, reusing: false)
        #expect(scratch.read("mine.txt", in: again.path) == "committed\n")
    }

    // MARK: What it leaves behind

    @Test func whatTheAgentPrunesIsNothingOrchNeeds() throws {
        let head = try scratch.commit(["mine.txt": "committed\n"], in: worktree.path)
        try scratch.write("loose.txt", "not committed\n", in: worktree.path)
        let first = try repository.snapshot(worktree, number: 1)
        unlink(worktree.path + "/loose.txt")
        try scratch.git("reflog", "expire", "--expire=now", "--all", in: worktree.path)
        try scratch.git("gc", "-q", "--prune=now", in: worktree.path)
        try scratch.git("worktree", "prune", in: worktree.path)
        #expect(try scratch.git("show", "\(try #require(first.commit)):loose.txt") == "not committed")
        #expect(try collect(number: 2).head == head)
    }

    @Test func anAlternateThatIsNotThereIsNoObstacle() throws {
        try scratch.write("objects/info/alternates", "/nowhere/objects\n", in: repository.commonDirectory)
        try scratch.write("new.txt", "new\n", in: worktree.path)
        #expect(try collect().changedPaths == ["new.txt"])
    }

    @Test func aBranchWithoutCommitsIsSaidAndKept() throws {
        try scratch.git("checkout", "-q", "--orphan", "fresh", in: worktree.path)
        try scratch.write("only.txt", "here\n", in: worktree.path)
        let error = try gitError { _ = try collect() }
        #expect(error.kind == .unfinished && error.message.contains(worktree.branch), "\(error.message)")
        let kept = try #require(try repository.resolve(GitRepository.snapshotRef(.t1, 1)))
        #expect(try scratch.git("show", "\(kept):only.txt") == "here")
    }

    @Test func aBisectUnderWayIsSaidAndKept() throws {
        let first = try scratch.tip()
        for number in 1...4 { try scratch.commit(["n.txt": "\(number)\n"], in: worktree.path) }
        try scratch.git("bisect", "start", "HEAD", first, in: worktree.path)
        let error = try gitError { _ = try collect() }
        #expect(error.kind == .unfinished && error.message.contains("a bisect is under way"), "\(error.message)")
    }

    @Test func locksOfItsDeadGitsAreNoObstacle() throws {
        for name in ["index.lock", "HEAD.lock"] { try scratch.write(name, "", in: worktree.gitDirectory) }
        try scratch.write("refs/heads/\(worktree.branch).lock", "", in: repository.commonDirectory)
        try scratch.write("new.txt", "new\n", in: worktree.path)
        #expect(try collect().changedPaths == ["new.txt"])
    }

    /// A run that was killed in the middle of a commit is followed by another.
    @Test func locksOfItsDeadGitsAreNotLeftToTheNextRun() throws {
        for name in ["index.lock", "HEAD.lock"] { try scratch.write(name, "", in: worktree.gitDirectory) }
        try scratch.write("refs/heads/\(worktree.branch).lock", "", in: repository.commonDirectory)
        _ = try repository.snapshot(worktree, number: 1)
        let head = try scratch.commit(["new.txt": "new\n"], in: worktree.path)
        #expect(try repository.targetTip(worktree.branch) == head)
    }

    @Test func aRenamedBranchIsTakenUp() throws {
        try scratch.git("branch", "-m", "my-own-name", in: worktree.path)
        let head = try scratch.commit(["mine.txt": "x\n"], in: worktree.path)
        #expect(try collect().head == head)
        #expect(try repository.targetTip(worktree.branch) == head)
    }

    @Test func aPipeInPlaceOfAFileIsSaidAndTheRestIsKept() throws {
        unlink("\(worktree.path)/a.txt")
        #expect(mkfifo("\(worktree.path)/a.txt", 0o600) == 0)
        try scratch.write("new.txt", "new\n", in: worktree.path)
        let error = try gitError {
            _ = try repository.collect(worktree, number: 1, target: scratch.tip(), title: "W", agent: "agent-1")
        }
        #expect(error.kind == .unfinished && error.message.contains("a.txt"), "\(error.message)")
        let kept = try #require(try repository.resolve(GitRepository.snapshotRef(.t1, 1)))
        #expect(try scratch.git("show", "\(kept):new.txt") == "new")
    }

    /// Within half a minute, not git's ten.
    private func collectSoon() throws -> Work {
        var repository = repository
        repository.snapshotLimit = .seconds(30)
        return try repository.collect(worktree, number: 1, target: scratch.tip(), title: "W", agent: "agent-1")
    }

    /// git opens these by their names, and would wait at a pipe until it is ended after ten minutes.
    @Test(arguments: [".gitignore", ".gitattributes", ".gitmodules", ".mailmap"])
    func aPipeWhereGitLooksForAFileHoldsNothingUp(_ name: String) throws {
        try scratch.write("sub/new.txt", "new\n", in: worktree.path)
        for path in [name, "sub/\(name)"] { #expect(mkfifo("\(worktree.path)/\(path)", 0o600) == 0) }
        let work = try collectSoon()
        #expect(work.changedPaths == ["sub/new.txt"])
        #expect(work.snapshot.announcements.count { $0.contains("\(name) (a FIFO") } == 2)
        #expect(GitFiles.names(in: "\(scratch.state)/trash").contains("\(name).2"))
    }

    @Test func whatGitTracksInThePlaceOfSuchAPipeIsPutBack() throws {
        try scratch.commit([".gitignore": "*.o\n"], in: worktree.path)
        unlink("\(worktree.path)/.gitignore")
        #expect(mkfifo("\(worktree.path)/.gitignore", 0o600) == 0)
        try scratch.write("x.o", "object\n", in: worktree.path)
        try scratch.write("new.txt", "new\n", in: worktree.path)
        let work = try collectSoon()
        #expect(Set(work.changedPaths) == [".gitignore", "new.txt"])
        #expect(try scratch.git("show", "\(work.head):.gitignore") == "*.o")
        #expect(scratch.read(".gitignore", in: worktree.path) == "*.o\n")
    }
}
