import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitRestoreTests {
    private func entry(_ repository: GitRepository, _ number: Int) throws -> SnapshotEntry {
        try #require(try repository.snapshots(of: .t1) { _ in true }.first { $0.number == number })
    }

    @Test func snapshotsAreListedWithWhatTheySay() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let odd = TicketID("x/ü.1-2")
        let path = scratch.state + "/worktrees/w2"
        let other = try repository.prepareWorktree(at: path, branch: "agent-2/odd", from: scratch.tip(), ticket: odd)
        _ = try repository.snapshot(worktree, number: 2, SnapshotOrder(reason: "stopped\nNote: forged"))
        try scratch.git("init", "-q", worktree.path + "/nested")
        _ = try repository.snapshot(worktree, number: 10)
        _ = try repository.snapshot(other, number: 1)
        let own = try repository.snapshots(of: .t1) { _ in true }
        #expect(own.map(\.number) == [2, 10])
        #expect(own[0].record.reason == "stopped Note: forged" && own[0].record.notes.isEmpty)
        #expect(own[0].commit == (try scratch.tip(own[0].ref ?? "")))
        #expect(own[1].record.notes == ["the nested repository nested is in the archive"])
        #expect(own[1].archives.map(\.path) == [scratch.state + "/archives/T-1-10.tar"])
        #expect(own[1].archives[0].bytes > 0)
        #expect(try repository.snapshots { _ in true }.map(\.ticket) == [.t1, .t1, odd])
    }

    @Test func aRestoredWorktreeHasTheFilesTheIndexAndTheArchive() throws {
        let scratch = try GitScratch(files: ["a.txt": "one\n", "b.txt": "two\n", "gone": "x\n", ".gitignore": ".env\n"])
        try scratch.git("config", "commit.gpgSign", "true")
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.git("config", "commit.gpgSign", "false")
        let head = try scratch.commit(["committed": "1\n"], in: worktree.path)
        try scratch.write("a.txt", "staged\n", in: worktree.path)
        try scratch.git("add", "a.txt", in: worktree.path)
        try scratch.write("a.txt", "later\n", in: worktree.path)
        try scratch.write("sub/new", "untracked\n", in: worktree.path)
        try scratch.write(".env", "ignored\n", in: worktree.path)
        unlink(worktree.path + "/gone")
        #expect(symlink("/etc/passwd", worktree.path + "/link") == 0)
        try scratch.git("init", "-q", worktree.path + "/nested")
        let inner = try scratch.commit(["inner": "y"], in: worktree.path + "/nested")
        let status = try scratch.git("status", "--porcelain", in: worktree.path)
        let before = try ShellCommand(["/bin/cp", "-a", worktree.path, scratch.folder + "/copy"], environment: []).run()
        #expect(before.exitCode == 0)
        let order = SnapshotOrder(ignored: [".env"])
        let snapshot = try repository.snapshot(worktree, number: 1, order)
        _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)

        let place = scratch.folder + "/restored"
        let restored = try repository.restore(try entry(repository, 1), inWorktree: place, branch: "back")
        #expect(restored.worktree == place && restored.branch == "back")
        #expect(try scratch.tip("HEAD", in: place) == head)
        #expect(try scratch.git("symbolic-ref", "HEAD", in: place) == "refs/heads/back")
        #expect(try scratch.git("status", "--porcelain", in: place) == status)
        #expect(try scratch.git("show", ":a.txt", in: place) == "staged")
        #expect(try scratch.tip("HEAD", in: place + "/nested") == inner)
        // Byte for byte, but for git's own file at the top.
        let arguments = ["/usr/bin/diff", "-r", "--no-dereference", "--exclude=.git", scratch.folder + "/copy", place]
        #expect(try ShellCommand(arguments, environment: []).run().line == "")
        // It is the user's: no mark of orch's, no setting.
        let checkout = try #require(repository.linkedCheckout(at: place))
        #expect(repository.owner(of: checkout) == nil)
        #expect(!GitFiles.exists(checkout.gitDirectory + "/config.worktree"))
    }

    @Test func nothingThatExistsIsOverwritten() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        _ = try repository.snapshot(worktree, number: 1)
        let found = try entry(repository, 1)
        let place = scratch.folder + "/place"
        try scratch.write("mine", "precious", in: place)
        #expect(
            try gitError { _ = try repository.restore(found, inWorktree: place, branch: "b") }.kind == .notOurs
        )
        #expect(GitFiles.names(in: place) == ["mine"])
        let free = scratch.folder + "/free"
        #expect(
            try gitError { _ = try repository.restore(found, inWorktree: free, branch: "main") }.kind
                == .branchInTheWay
        )
        #expect(!GitFiles.exists(free))
        #expect(try gitError { _ = try repository.restore(found, asBranch: "main") }.kind == .branchInTheWay)
        // `main/x` cannot be beside `main`.
        #expect(try gitError { _ = try repository.restore(found, asBranch: "main/x") }.kind == .branchInTheWay)
        #expect(try repository.restore(found, asBranch: "b").commit == found.commit)
        #expect(try scratch.git("show", "b:new") == "x")
    }

    @Test func whatIsNotAsARestorationThatWasCutShortLeftItStays() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        _ = try repository.snapshot(worktree, number: 1)
        let found = try entry(repository, 1)
        let mine = scratch.folder + "/mine"
        func note(_ branch: String) throws {
            let name = "repositories/r1.restore.\(GitRepository.refComponent(branch))"
            try scratch.write(name, "\(scratch.tip())\n\(mine)\n", in: scratch.state)
        }
        // The folder is the user's by now.
        try scratch.write("file", "precious", in: mine)
        try note("b")
        _ = try repository.restore(found, inWorktree: scratch.folder + "/one", branch: "b")
        #expect(scratch.read("file", in: mine) == "precious")
        // So is the worktree, on a branch of its own.
        try scratch.remove(mine)
        try scratch.git("worktree", "add", "-q", "-b", "own", mine)
        try note("c")
        _ = try repository.restore(found, inWorktree: scratch.folder + "/two", branch: "c")
        #expect(scratch.read("a.txt", in: mine) == "one\n")
        // Somebody has gone on with the branch.
        try scratch.git("checkout", "-q", "-b", "d", in: mine)
        try scratch.commit(["more": "1"], in: mine)
        try note("d")
        let place = scratch.folder + "/three"
        #expect(
            try gitError { _ = try repository.restore(found, inWorktree: place, branch: "d") }.kind == .branchInTheWay
        )
        #expect(scratch.read("more", in: mine) == "1")
        #expect(GitFiles.names(in: scratch.state + "/trash").isEmpty)
    }

    @Test func anArchiveAloneIsUnpackedIntoAPlainFolder() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        #expect(rename(worktree.gitDirectory, scratch.folder + "/gone") == 0)
        _ = try repository.snapshot(worktree, number: 1)
        let found = try entry(repository, 1)
        #expect(found.commit == nil && found.archives.count == 1)
        #expect(try gitError { _ = try repository.restore(found, asBranch: "b") }.kind == .notFound)
        let place = scratch.folder + "/place"
        _ = try repository.restore(found, inWorktree: place, branch: "b")
        #expect(scratch.read("new", in: place) == "x" && scratch.read("a.txt", in: place) == "one\n")
        #expect(!GitFiles.exists(place + "/.git"))
    }

    @Test func aFilledSubmoduleWorksInTheRestoredWorktree() throws {
        let scratch = try GitScratch()
        let module = scratch.folder + "/module"
        mkdir(module, 0o755)
        try scratch.git("init", "-q", in: module)
        try scratch.commit(["m": "1"], in: module)
        let allow = ["-c", "protocol.file.allow=always"]
        try scratch.git(allow[0], allow[1], "submodule", "add", "-q", module, "sub")
        try scratch.git("commit", "-qm", "A submodule")
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.git(allow[0], allow[1], "submodule", "update", "--init", "-q", in: worktree.path)
        let inner = try scratch.commit(["m": "2"], in: worktree.path + "/sub")
        let snapshot = try repository.snapshot(worktree, number: 1)
        _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
        let place = scratch.folder + "/place"
        _ = try repository.restore(try entry(repository, 1), inWorktree: place, branch: "b")
        #expect(try scratch.tip("HEAD", in: place + "/sub") == inner)
        #expect(scratch.read("sub/m", in: place) == "2")
        #expect(try scratch.git("status", "--porcelain", in: place + "/sub") == "")
        #expect(GitFiles.names(in: place).filter { $0.hasPrefix(".orch") } == [])
    }
}
