import CSystem
import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitSnapshotTests {
    private func parents(_ scratch: GitScratch, _ commit: String) throws -> [String] {
        try scratch.git("log", "-1", "--format=%P", commit).split(separator: " ").map(String.init)
    }

    private func files(_ scratch: GitScratch, _ commit: String?) throws -> [String] {
        try scratch.git("ls-tree", "-r", "--name-only", try #require(commit)).split(separator: "\n").map(String.init)
    }

    @Test func aSnapshotHoldsTheWholeStateAndTouchesNothing() throws {
        let scratch = try GitScratch(files: ["a.txt": "one\n", "b.txt": "two\n", ".gitignore": "*.log\n"])
        try scratch.write("kept.log", "tracked although ignored\n")
        try scratch.git("add", "-f", "kept.log")
        try scratch.git("commit", "-q", "-m", "ignored but tracked")
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("a.txt", "changed\n", in: worktree.path)
        try scratch.write("kept.log", "changed too\n", in: worktree.path)
        try scratch.write("sub/untracked", "new\n", in: worktree.path)
        try scratch.write("noise.log", "ignored\n", in: worktree.path)
        unlink(worktree.path + "/b.txt")
        let index = GitFiles.read(worktree.gitDirectory + "/index")
        let status = try scratch.git("status", "--porcelain", in: worktree.path)

        let snapshot = try repository.snapshot(worktree, number: 3)
        #expect(snapshot.ref == "refs/orch/snapshots/T-1/3")
        #expect(try repository.resolve(snapshot.ref) == snapshot.commit)
        #expect(try files(scratch, snapshot.commit) == [".gitignore", "a.txt", "kept.log", "sub/untracked"])
        #expect(try scratch.git("show", "\(snapshot.ref):a.txt") == "changed")
        #expect(try scratch.git("show", "\(snapshot.ref):kept.log") == "changed too")
        #expect(try parents(scratch, snapshot.ref) == [scratch.tip("HEAD", in: worktree.path)])
        #expect(snapshot.archive == nil)
        #expect(GitFiles.read(worktree.gitDirectory + "/index") == index)
        #expect(try scratch.git("status", "--porcelain", in: worktree.path) == status)
        #expect(!GitFiles.exists(worktree.gitDirectory + "/orch-index"))
    }

    @Test func askedAgainItIsTheSameSnapshotAndNothingIsDropped() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "1", in: worktree.path)
        let first = try repository.snapshot(worktree, number: 1)
        #expect(try repository.snapshot(worktree, number: 1) == first)
        try scratch.write("new", "2", in: worktree.path)
        let second = try repository.snapshot(worktree, number: 1)
        #expect(try scratch.git("show", "\(second.ref):new") == "2")
        #expect(try parents(scratch, second.ref).contains(try #require(first.commit)))
    }

    @Test func aCleanWorktreesSnapshotHasTheTreeOfItsHead() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1, SnapshotOrder(reason: "stopped"))
        #expect(try parents(scratch, snapshot.ref) == [head])
        #expect(try scratch.tip("\(snapshot.ref)^{tree}") == scratch.tip("\(head)^{tree}"))
        let message = try scratch.git("log", "-1", "--format=%B", snapshot.ref)
        let record = try #require(SnapshotRecord(message: message))
        #expect(record.reason == "stopped" && record.head == head)
        #expect(record.headRef == "refs/heads/\(worktree.branch)")
    }

    @Test func commitsThatWereResetAwayAreKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.commit(["lost": "1"], in: worktree.path)
        let lost = try scratch.commit(["lost": "2"], in: worktree.path)
        try scratch.git("reset", "-q", "--hard", "HEAD~2", in: worktree.path)
        let amended = try scratch.commit(["x": "1"], in: worktree.path)
        try scratch.git("commit", "-q", "--amend", "-m", "amended", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        let kept = Set(try parents(scratch, try #require(snapshot.commit)))
        #expect(kept == [try scratch.tip("HEAD", in: worktree.path), lost, amended])
        // They are reachable now, so the next snapshot has nothing to add.
        let next = try repository.snapshot(worktree, number: 2)
        #expect(try parents(scratch, next.ref) == [scratch.tip("HEAD", in: worktree.path)])
    }

    @Test func whatWasStagedAndThenChangedIsKept() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("a.txt", "staged\n", in: worktree.path)
        try scratch.git("add", "a.txt", in: worktree.path)
        try scratch.write("a.txt", "later\n", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try scratch.git("show", "\(snapshot.ref):a.txt") == "later")
        #expect(try scratch.git("show", "\(snapshot.ref)^2:a.txt") == "staged")
    }

    @Test func aChangeInTheInstantTheIndexWasWrittenIsSeen() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        // Same size, same times as the index says, and the index no older than the file: only the content tells. Well
        // in the past, as git may compare whole seconds.
        let file = worktree.path + "/a.txt"
        let index = worktree.gitDirectory + "/index"
        let past = timespec(tv_sec: time(nil) - 100, tv_nsec: 0)
        try scratch.git("config", "core.trustctime", "false")
        try scratch.git("config", "core.checkStat", "minimal")
        #expect(utimensat(AT_FDCWD, file, [past, past], 0) == 0)
        try scratch.git("update-index", "--refresh", in: worktree.path)
        try scratch.write("a.txt", "ONE\n", in: worktree.path)
        #expect(utimensat(AT_FDCWD, file, [past, past], 0) == 0)
        #expect(utimensat(AT_FDCWD, index, [past, past], 0) == 0)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try scratch.git("show", "\(snapshot.ref):a.txt") == "ONE")
    }

    @Test func nestedRepositoriesGoIntoAnArchive() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        let nested = worktree.path + "/vendor/nested one"
        try GitFiles.makeDirectory(nested, for: "test")
        try scratch.git("init", "-q", nested)
        try scratch.commit(["inner": "x"], in: nested)
        try scratch.git("init", "-q", worktree.path + "/without-commit")
        try scratch.write("beside", "y", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try files(scratch, snapshot.commit) == ["a.txt", "b.txt", "beside"])
        let archive = try #require(snapshot.archive)
        let list = try ShellCommand(["/bin/tar", "-tf", archive], environment: []).run().lines
        #expect(list.contains("vendor/nested one/inner"))
        #expect(list.contains("vendor/nested one/.git/HEAD"))
        #expect(list.contains("without-commit/.git/HEAD"))
        // They do not become part of what lands.
        let work = try repository.collect(worktree, number: 2, target: scratch.tip(), title: "t", agent: "agent-1")
        #expect(work.changedPaths == ["beside"])
    }

    /// git shows nothing of what lies there, and would take it away with the worktree.
    @Test func whatIsInTheFolderOfAnUnfilledSubmoduleGoesIntoAnArchive() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        try scratch.git("update-index", "--add", "--cacheinfo", "160000,\(scratch.tip()),sub")
        try scratch.git("commit", "-qm", "A submodule")
        let worktree = try scratch.worktree(repository)
        #expect(try repository.snapshot(worktree, number: 1).archive == nil)
        try scratch.write("sub/z", "written by an agent", in: worktree.path)
        let archive = try #require(try repository.snapshot(worktree, number: 2).archive)
        #expect(try ShellCommand(["/bin/tar", "-tf", archive], environment: []).run().lines.contains("sub/z"))
    }

    @Test func aBrokenIndexIsReplacedByHead() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        try scratch.write("index", "garbage", in: worktree.gitDirectory)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try files(scratch, snapshot.commit) == ["a.txt", "b.txt", "new"])
        unlink(worktree.gitDirectory + "/index")
        #expect(try repository.snapshot(worktree, number: 2).commit != nil)
    }

    @Test func aFileWhoseRequiredFilterFailsIsKeptByteForByte() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.git("config", "filter.broken.clean", "false")
        try scratch.git("config", "filter.broken.required", "true")
        try scratch.write(".gitattributes", "*.bin filter=broken\n", in: worktree.path)
        try scratch.write("data.bin", "precious", in: worktree.path)
        try scratch.write("fine.txt", "fine", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try files(scratch, snapshot.commit) == [".gitattributes", "a.txt", "b.txt", "data.bin", "fine.txt"])
        #expect(try scratch.git("cat-file", "blob", "\(snapshot.ref):data.bin") == "precious")
        #expect(
            snapshot.announcements == ["kept byte for byte, because the filter broken does not work: data.bin"]
        )
        // What git could not add as it should is not put on the branch.
        let error = try gitError {
            _ = try repository.collect(worktree, number: 2, target: scratch.tip(), title: "t", agent: "agent-1")
        }
        #expect(error.kind == .unfinished && error.message.contains("the filter broken does not work on data.bin"))
        #expect(scratch.read("data.bin", in: worktree.path) == "precious")
    }

    @Test func aWorktreeTheRepositoryForgotIsArchivedWhole() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        #expect(rename(worktree.gitDirectory, scratch.folder + "/gone") == 0)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(snapshot.commit == nil)
        let list = try ShellCommand(["/bin/tar", "-tf", try #require(snapshot.archive)], environment: []).run().lines
        #expect(list.contains("./new") && list.contains("./a.txt"))
        // And one whose folder is gone is an error, not a snapshot of nothing.
        #expect(rename(worktree.path, scratch.folder + "/gone-too") == 0)
        #expect(try gitError { _ = try repository.snapshot(worktree, number: 2) }.kind == .notFound)
    }

    @Test func aNestedGitFileOfTheAgentsDoesNotMislead() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("new", "x", in: worktree.path)
        // The agent turned its worktree into a repository of its own.
        unlink(worktree.path + "/.git")
        try scratch.git("init", "-q", in: worktree.path)
        try scratch.git("add", "-A", in: worktree.path)
        try scratch.git("commit", "-q", "-m", "elsewhere", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try files(scratch, snapshot.commit) == ["a.txt", "b.txt", "new"])
    }

    @Test func ticketNamesBecomeComponentsOfRefs() throws {
        let scratch = try GitScratch()
        for name in ["T-7", "a.b..c", "x.lock", "-dash", ".dot", "sp ace/slash", "ünï", "@{", "~^:?*[\\"] {
            let ref = GitRepository.snapshotRef(TicketID(name), 1)
            try scratch.git("check-ref-format", ref)
        }
        #expect(GitRepository.refComponent("T-7") == "T-7")
        #expect(GitRepository.refComponent("a/b") != GitRepository.refComponent("a%2Fb"))
    }
}
