import Core
import Glibc
import Testing

@testable import Daemon

/// Whatever an agent can leave behind is in its snapshot, or the snapshot says what is not.
@Suite struct GitSnapshotContentTests {
    private func members(_ snapshot: Snapshot) throws -> [String] {
        try ShellCommand(["/bin/tar", "-tf", try #require(snapshot.archive)], environment: []).run().lines
    }

    private func notes(_ scratch: GitScratch, _ snapshot: Snapshot) throws -> [String] {
        let message = try scratch.git("log", "-1", "--format=%B", snapshot.ref)
        return try #require(SnapshotRecord(message: message)).notes
    }

    /// A path below a folder that need not be UTF-8.
    private func cString(_ folder: String, _ name: [UInt8]) -> [CChar] {
        (Array(folder.utf8) + [UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
    }

    @Test func commitsOnAnotherBranchThatWasDeletedOnADetachedHeadAndMovedOffTheBranchAreKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let path = worktree.path
        try scratch.git("checkout", "-q", "-b", "mine", in: path)
        let onBranch = try scratch.commit(["on-branch": "1"], in: path)
        try scratch.git("checkout", "-q", "--detach", "main", in: path)
        let detached = try scratch.commit(["detached": "1"], in: path)
        try scratch.git("branch", "-qD", "mine", in: path)
        // Only the branch's own reflog has this one: HEAD was never there.
        let tree = try scratch.tip("main^{tree}")
        let pushed = try scratch.git("commit-tree", tree, "-m", "never checked out", in: path)
        let ref = "refs/heads/\(worktree.branch)"
        let before = try scratch.tip(ref)
        try scratch.git("update-ref", "--create-reflog", "-m", "a", ref, pushed, in: path)
        try scratch.git("update-ref", "-m", "b", ref, before, in: path)
        try scratch.git("checkout", "-q", worktree.branch, in: path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        for commit in [onBranch, detached, pushed] {
            #expect(try repository.isAncestor(commit, of: try #require(snapshot.commit)), "\(commit)")
        }
    }

    @Test func whatOnlyTheTicketsBranchReachesIsKeptBecauseTheBranchGoesToo() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let work = try scratch.commit(["work": "1"], in: worktree.path)
        try scratch.git("checkout", "-q", "--detach", "main", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try repository.isAncestor(work, of: try #require(snapshot.commit)))
        _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        try repository.deleteBranch(worktree.branch, at: work, keptBy: snapshot)
    }

    @Test func everyStashOfThisWorktreeIsKeptAndNobodyElses() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("a.txt", "the user's\n")
        try scratch.git("stash", "-q")
        let users = try scratch.tip("stash@{0}")
        var own: [String] = []
        for number in 1...2 {
            try scratch.write("a.txt", "stashed \(number)\n", in: worktree.path)
            try scratch.git("stash", "-q", in: worktree.path)
            own.append(try scratch.tip("stash@{0}"))
        }
        try scratch.git("checkout", "-q", "--detach", in: worktree.path)
        try scratch.write("a.txt", "stashed adrift\n", in: worktree.path)
        try scratch.git("stash", "-q", in: worktree.path)
        own.append(try scratch.tip("stash@{0}"))
        let snapshot = try repository.snapshot(worktree, number: 1)
        // The user throws all of them away.
        try scratch.git("stash", "clear")
        for stash in own { #expect(try repository.isAncestor(stash, of: try #require(snapshot.commit)), "\(stash)") }
        #expect(try !repository.isAncestor(users, of: try #require(snapshot.commit)))
    }

    @Test func whatWasStagedBesideAConflictIsKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.commit(["a.txt": "theirs\n"])
        try scratch.commit(["a.txt": "ours\n"], in: worktree.path)
        try scratch.write("b.txt", "staged only\n", in: worktree.path)
        try scratch.git("merge", "main", in: worktree.path, fails: true)
        try scratch.git("add", "b.txt", in: worktree.path)
        try scratch.write("b.txt", "later\n", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try scratch.git("show", "\(snapshot.ref):a.txt").contains("<<<<<<<"))
        #expect(try scratch.git("show", "\(snapshot.ref):b.txt") == "later")
        let record = try #require(SnapshotRecord(message: scratch.git("log", "-1", "--format=%B", snapshot.ref)))
        #expect(try scratch.git("show", "\(try #require(record.index)):b.txt") == "staged only")
        #expect(record.notes.contains { $0.contains("conflicts in a.txt") })
    }

    @Test func filesGitWasToldNotToLookAtAreLookedAt() throws {
        let scratch = try GitScratch(files: ["a.txt": "1\n", "b.txt": "1\n", "c.txt": "1\n"])
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.git("update-index", "--assume-unchanged", "a.txt", in: worktree.path)
        try scratch.git("update-index", "--skip-worktree", "b.txt", "c.txt", in: worktree.path)
        for name in ["a.txt", "b.txt"] { try scratch.write(name, "hidden\n", in: worktree.path) }
        unlink(worktree.path + "/c.txt")
        let snapshot = try repository.snapshot(worktree, number: 1)
        for name in ["a.txt", "b.txt"] { #expect(try scratch.git("show", "\(snapshot.ref):\(name)") == "hidden") }
        // As in a sparse checkout: not there is not deleted.
        #expect(try scratch.git("show", "\(snapshot.ref):c.txt") == "1")
    }

    @Test func kindsThatChangedAreKept() throws {
        let scratch = try GitScratch(files: ["file": "1\n", "dir/x": "1\n", "dir/y": "1\n"])
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        unlink(worktree.path + "/file")
        try scratch.write("file/inner", "2\n", in: worktree.path)
        for name in ["dir/x", "dir/y", "dir"] { remove("\(worktree.path)/\(name)") }
        #expect(symlink("/etc", worktree.path + "/dir") == 0)
        let snapshot = try repository.snapshot(worktree, number: 1)
        let tree = try scratch.git("ls-tree", "-r", "--format=%(objectmode) %(path)", snapshot.ref)
        #expect(tree == "120000 dir\n100644 file/inner")
        #expect(try scratch.git("cat-file", "blob", "\(snapshot.ref):dir") == "/etc")
    }

    @Test func namesWithLineEndsAndWithoutUTF8AreKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let names: [[UInt8]] = [Array("a\nb\"c".utf8), [0xFF, 0x2E, 0xC3], Array("-dash".utf8), Array(":(top)x".utf8)]
        for name in names {
            let descriptor = open(cString(worktree.path, name), O_WRONLY | O_CREAT, 0o644)
            #expect(descriptor >= 0 && write(descriptor, "x", 1) == 1)
            close(descriptor)
        }
        // And a nested repository of such a name.
        #expect(mkdir(cString(worktree.path, [0xFE, 0x0A]), 0o755) == 0)
        try scratch.git("init", "-q", worktree.path + "/plain")
        #expect(rename("\(worktree.path)/plain/.git", cString(worktree.path, [0xFE, 0x0A] + Array("/.git".utf8))) == 0)
        rmdir(worktree.path + "/plain")
        let snapshot = try repository.snapshot(worktree, number: 1)
        let list = try ShellCommand(
            ["/usr/bin/git", "ls-tree", "-z", "--name-only", snapshot.ref],
            environment: scratch.environment.map { "\($0)=\($1)" },
            directory: scratch.checkout
        ).run().standardOutput
        #expect(Set(names).isSubset(of: Set(list.split(separator: 0).map { Array($0) })))
        #expect(try members(snapshot).contains { $0.hasSuffix("/.git/HEAD") })
    }

    /// Opening one for reading would wait for a writer for ever.
    @Test(.timeLimit(.minutes(1))) func specialFilesDoNotBlockAndAreNamed() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        #expect(mkfifo(worktree.path + "/pipe", 0o600) == 0)
        unlink(worktree.path + "/a.txt")
        #expect(mkfifo(worktree.path + "/a.txt", 0o600) == 0)
        try scratch.write("kept", "x", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try scratch.git("show", "\(snapshot.ref):kept") == "x")
        #expect(try notes(scratch, snapshot).contains { $0.contains("pipe (a FIFO)") })
        #expect(snapshot.announcements == ["not kept, no plain file: a.txt"])
    }

    @Test(.enabled(if: getuid() != 0, "root can read everything")) func whatCannotBeReadIsNamedAndNeverDeleted() throws
    {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("secret", "precious", in: worktree.path)
        try scratch.write("shut/inner", "precious", in: worktree.path)
        try scratch.write("fine", "x", in: worktree.path)
        chmod(worktree.path + "/secret", 0)
        chmod(worktree.path + "/shut", 0)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(!snapshot.isWhole)
        #expect(try scratch.git("show", "\(snapshot.ref):fine") == "x")
        #expect(Set(snapshot.announcements) == ["not kept, cannot be read: secret", "not kept, cannot be read: shut"])
        let removal = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        guard case .trashed(let place) = removal else { return #expect(Bool(false), "\(removal)") }
        chmod(place + "/secret", 0o600)
        #expect(scratch.read("secret", in: place) == "precious")
        let note = try #require(scratch.read(GitFiles.name(of: place) + ".from", in: GitFiles.parent(of: place)))
        #expect(note.hasPrefix(worktree.path + "\n"))
    }

    /// A path longer than the system takes in one piece; git leaves it out without a word.
    @Test func foldersTooDeepForGitAreArchived() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        var folder = open(worktree.path, O_RDONLY | O_DIRECTORY)
        let name = String(repeating: "d", count: 250)
        for _ in 0..<20 {
            #expect(mkdirat(folder, name, 0o755) == 0)
            let inner = openat(folder, name, O_RDONLY | O_DIRECTORY)
            close(folder)
            folder = inner
        }
        let file = openat(folder, "bottom", O_WRONLY | O_CREAT, 0o644)
        #expect(write(file, "x", 1) == 1)
        close(file)
        close(folder)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try members(snapshot).contains { $0.hasSuffix("/bottom") })
        #expect(snapshot.isWhole && snapshot.announcements.count == 1)
        let removal = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        if case .trashed(let place) = removal {
            #expect(FolderRemoval.remove(place))
        }
        #expect(!GitFiles.exists(worktree.path))
    }

    @Test func ignoredFilesThatAreAskedForAreArchivedAndOthersNamed() throws {
        let scratch = try GitScratch(files: [".gitignore": ".env\nbuild/\n*.log\n"])
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        for name in [".env", "build/out", "build/keep/x", "noise.log"] {
            try scratch.write(name, name, in: worktree.path)
        }
        let order = SnapshotOrder(ignored: [".env", "build/k*"])
        let snapshot = try repository.snapshot(worktree, number: 1, order)
        #expect(try members(snapshot).sorted() == [".env", "build/keep/x"])
        let told = try notes(scratch, snapshot)
        #expect(told.contains("ignored by git, in the archive: .env, build/keep/x"))
        #expect(told.contains { $0.hasPrefix("ignored by git, not kept") && $0.contains("noise.log") })
        // Nothing that happens every time is announced.
        #expect(snapshot.announcements.isEmpty)
    }

    @Test func aRepositoryThatAnAgentMadeOfItsWorktreeIsArchived() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        unlink(worktree.path + "/.git")
        try scratch.git("init", "-q", in: worktree.path)
        try scratch.commit(["x": "1"], in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try members(snapshot).contains(".git/HEAD"))
        #expect(snapshot.announcements == ["the folder is a repository of its own; its .git is in the archive"])
    }

    @Test func anArchiveIsNeverReplacedAndOneLikeItNotKeptTwice() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.git("init", "-q", worktree.path + "/nested")
        try scratch.write("nested/x", "1", in: worktree.path)
        // A killed attempt's beginnings.
        try scratch.write("archives/T-1-1.tar.new", "half", in: scratch.state)
        let first = try repository.snapshot(worktree, number: 1)
        #expect(try repository.snapshot(worktree, number: 1) == first)
        #expect(GitFiles.names(in: scratch.state + "/archives") == ["T-1-1.tar"])
        try scratch.write("nested/x", "other", in: worktree.path)
        let second = try repository.snapshot(worktree, number: 1)
        #expect(GitFiles.names(in: scratch.state + "/archives") == ["T-1-1.2.tar", "T-1-1.tar"])
        #expect(second.archives.first == first.archive)
        let extract = try ShellCommand(["/bin/tar", "-xOf", second.archives[0], "nested/x"], environment: []).run()
        #expect(extract.line == "1")
    }
}
