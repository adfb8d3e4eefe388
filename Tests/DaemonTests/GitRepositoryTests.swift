import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitRepositoryTests {
    @Test func aRepositoryIsFoundFromAnyFolderInIt() throws {
        let scratch = try GitScratch(files: ["deep/er/file": "x"])
        let repository = try scratch.open(at: scratch.checkout + "/deep/er")
        #expect(repository.topLevel == scratch.checkout)
        #expect(repository.commonDirectory == scratch.checkout + "/.git")
        #expect(repository.objectFormat == "sha1")
        #expect(repository.identity == .orch)
    }

    @Test func whatCannotBeOpenedIsToldApart() throws {
        let scratch = try GitScratch()
        #expect(try gitError { _ = try scratch.open(at: scratch.folder + "/nowhere") }.kind == .notFound)
        #expect(try gitError { _ = try scratch.open(at: scratch.home) }.kind == .notRepository)
        try scratch.git("init", "-q", "--bare", scratch.folder + "/bare")
        let bare = try gitError { _ = try scratch.open(at: scratch.folder + "/bare") }
        #expect(bare.kind == .unsupported && bare.message.contains("bare"))
        try scratch.git("init", "-q", scratch.folder + "/empty")
        let empty = try gitError { _ = try scratch.open(at: scratch.folder + "/empty") }
        #expect(empty.kind == .unsupported && empty.message.contains("commit"))
        let inside = try gitError { _ = try scratch.open(at: scratch.checkout + "/.git") }
        #expect(inside.kind == .unsupported && inside.message.contains("git directory"))
    }

    @Test func theUsersIdentityIsUsedWhenItIsWhole() throws {
        let scratch = try GitScratch()
        try scratch.git("config", "user.name", "Uma")
        #expect(try scratch.open().identity == .orch)
        try scratch.git("config", "user.email", "uma@example.org")
        #expect(try scratch.open().identity == GitRepository.Identity(name: "Uma", email: "uma@example.org"))
    }

    @Test func theEnvironmentOfAnEnclosingGitIsIgnored() throws {
        let scratch = try GitScratch()
        let hostile = scratch.environment.merging([
            "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "LANGUAGE": "de", "LC_MESSAGES": "de_DE.UTF-8",
        ]) { $1 }
        let repository = try GitRepository.open(
            scratch.checkout,
            id: RepositoryID("r1"),
            stateDirectory: scratch.state,
            git: Git(environment: hostile)
        )
        #expect(try repository.targetTip("main") == scratch.tip())
    }

    @Test func anEmptyHomeIsEnough() throws {
        let scratch = try GitScratch()
        let repository = try GitRepository.open(
            scratch.checkout,
            id: RepositoryID("r1"),
            stateDirectory: scratch.state,
            git: Git(environment: ["PATH": "/usr/bin:/bin", "HOME": ""])
        )
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        let work = try repository.collect(worktree, number: 1, target: scratch.tip(), title: "New", agent: "agent-1")
        #expect(work.changedPaths == ["new"])
        #expect(
            try scratch.git("log", "-1", "--format=%an <%ae> %cn <%ce>", work.head)
                == "orch <orch@localhost> orch <orch@localhost>"
        )
    }

    @Test(arguments: ["with space", "ünï-códe", "new\nline", "-dash"])
    func anyPathWillDo(_ name: String) throws {
        let scratch = try GitScratch(name: name, files: ["a file\nof two lines": "x\n", "é": "y\n"])
        let repository = try scratch.open()
        #expect(repository.topLevel == scratch.checkout)
        let worktree = try scratch.worktree(repository)
        #expect(scratch.read("a file\nof two lines", in: worktree.path) == "x\n")
        try scratch.write("a file\nof two lines", "changed\n", in: worktree.path)
        let work = try repository.collect(worktree, number: 1, target: scratch.tip(), title: "t", agent: "agent-1")
        #expect(work.changedPaths == ["a file\nof two lines"])
        let result = try repository.buildCandidate(
            ticket: .t1,
            tip: scratch.tip(),
            head: work.head,
            method: .squash,
            message: CommitMessage(title: "t")
        )
        guard case .built(let candidate) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(candidate.paths == ["a file\nof two lines"])
        let tip = try scratch.tip()
        #expect(try repository.advance("main", from: tip, to: candidate.commit, reason: "land") == .advanced)
        #expect(scratch.read("a file\nof two lines") == "changed\n")
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: work.snapshot) == .removed)
    }

    @Test func questionsAboutCommitsAreAnswered() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let first = try scratch.tip()
        try scratch.git("mv", "a.txt", "renamed.txt")
        let second = try scratch.commit(["b.txt": "zwei\n"])
        #expect(try repository.targetTip("none") == nil)
        #expect(try repository.targetTip("main") == second)
        #expect(try repository.isAncestor(first, of: second))
        #expect(try !repository.isAncestor(second, of: first))
        #expect(try repository.changedPaths(from: first, to: second) == ["a.txt", "b.txt", "renamed.txt"])
        let diff = try repository.diff(from: first, to: second)
        #expect(diff.contains("+zwei") && diff.contains("rename to renamed.txt") && diff.contains("files changed"))
        let cut = try repository.diff(from: first, to: second, limit: 20)
        #expect(cut.hasSuffix("[the diff is cut after 20 bytes]\n"))
    }

    @Test func aSecondChangeWaitsForAnOrphanedGitOfTheFirst() throws {
        let scratch = try GitScratch()
        _ = try scratch.open()
        let path = scratch.state + "/repositories/r1.lock"
        // What an orphaned git has: a copy of the descriptor, alive after the one that took the lock has let go.
        var held: Int32 = -1
        try RepositoryLock.hold(path, for: "test") { lock in held = dup(lock.descriptor) }
        #expect(
            try gitError {
                try RepositoryLock.hold(path, for: "test", patience: .milliseconds(20)) { _ in }
            }.kind == .busy
        )
        close(held)
        try RepositoryLock.hold(path, for: "test", patience: .milliseconds(20)) { _ in }
    }

    @Test func policyIsReadFromTheCommit() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let nothing = try repository.policyFiles(at: scratch.tip())
        #expect(nothing == PolicyFiles(configuration: nil, digest: "none", ciScript: nil, worktreeInclude: nil))
        try scratch.write("ci.sh", "exit 0\n")
        chmod(scratch.checkout + "/ci.sh", 0o755)
        let tip = try scratch.commit([".orch/config.json": "{}\n", ".orch/more": "x"])
        // What lies in the checkout does not count.
        try scratch.write(".orch/config.json", "not this")
        let policy = try repository.policyFiles(at: tip)
        #expect(policy.configuration == Array("{}\n".utf8))
        #expect(policy.digest == (try scratch.git("rev-parse", "\(tip):.orch")))
        #expect(policy.ciScript?.isExecutable == true)
        #expect(policy.ciScript?.digest == (try scratch.git("rev-parse", "\(tip):ci.sh")))
        try scratch.git("rm", "-q", "-f", ".orch/config.json")
        symlink("/etc/passwd", scratch.checkout + "/.orch/config.json")
        let linked = try scratch.commit([:])
        #expect(try gitError { _ = try repository.policyFiles(at: linked) }.kind == .unsupported)
    }

    @Test func theTipAndItsPolicyAreReadTogether() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        #expect(try repository.tipAndPolicy(of: "gone") == nil)
        func expectTheSame() throws {
            let tip = try scratch.tip()
            let found = try #require(try repository.tipAndPolicy(of: "main"))
            #expect(found.tip == tip)
            #expect(try found.files == repository.policyFiles(at: tip))
        }
        try expectTheSame()
        try scratch.commit([".orch/config.json": "{}\n", "ci.sh": "exit 0\n"])
        try expectTheSame()
        #expect(try repository.tipAndPolicy(of: "main")?.files.configuration == Array("{}\n".utf8))
        // A folder that is a file has no configuration in it.
        try scratch.git("rm", "-q", "-r", ".orch")
        try scratch.commit([".orch": "not a folder\n"])
        try expectTheSame()
    }

    @Test func aMissingObjectIsNilAmongTheOthers() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let found = try repository.objects(["HEAD:a.txt", "HEAD:none", "HEAD:b.txt"], for: "read")
        #expect(found.map { $0.map { Git.text($0.bytes) } } == ["one\n", nil, "two\n"])
    }
}
