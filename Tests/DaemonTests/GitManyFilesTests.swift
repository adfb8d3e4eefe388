import Core
import Glibc
import Testing

@testable import Daemon

/// Worktrees with so many new files that their objects go into the repository as one pack.
@Suite struct GitManyFilesTests {
    private static let count = ObjectQuarantine.threshold + 50

    private func fill(_ scratch: GitScratch, _ worktree: Worktree, count: Int = count) throws {
        for number in 0..<count {
            try scratch.write("new/\(number % 7)/\(number).txt", "\(number)\n", in: worktree.path)
        }
    }

    private func packs(_ scratch: GitScratch) -> [String] {
        GitFiles.names(in: scratch.checkout + "/.git/objects/pack").filter { $0.hasSuffix(".pack") }
    }

    private func looseObjects(_ scratch: GitScratch) throws -> Int {
        try #require(Int(try scratch.git("count-objects").prefix { $0 != " " }))
    }

    private func quarantines(_ scratch: GitScratch) -> [String] {
        GitFiles.names(in: scratch.checkout + "/.git/objects").filter { $0.hasPrefix("tmp_") }
    }

    /// The tree that the user's own git makes of a worktree.
    private func treeByHand(_ scratch: GitScratch, _ worktree: Worktree) throws -> String {
        try scratch.git("add", "-A", in: worktree.path)
        return try scratch.git("write-tree", in: worktree.path)
    }

    /// The folders' names are of every kind that git could take for something else.
    @Test(arguments: [("repo", "sha1"), ("re:po \"x\"", "sha256"), ("\"quoted\"", "sha1")])
    func theyGoIntoTheRepositoryAsOnePack(_ name: String, _ format: String) throws {
        let scratch = try GitScratch(name: name, format: ["--object-format=\(format)"])
        let repository = try scratch.open(isDurable: true)
        let worktree = try scratch.worktree(repository)
        try fill(scratch, worktree)
        try scratch.write("empty", "", in: worktree.path)
        try scratch.write("run.sh", "#!/bin/sh\n", in: worktree.path)
        #expect(chmod("\(worktree.path)/run.sh", 0o755) == 0)
        #expect(symlink("nowhere", "\(worktree.path)/link") == 0)
        unlink("\(worktree.path)/b.txt")
        let before = try looseObjects(scratch)

        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(packs(scratch).count == 1 && quarantines(scratch) == [])
        // The snapshot's commit.
        #expect(try looseObjects(scratch) == before + 1)
        let commit = try #require(snapshot.commit)
        try scratch.git("fsck", "--strict", "--no-dangling")
        #expect(try scratch.git("show", "\(commit):new/3/500.txt") == "500")
        #expect(try scratch.git("rev-parse", "\(commit)^{tree}") == treeByHand(scratch, worktree))
        // Asked again there is nothing to do.
        try scratch.git("reset", "-q", in: worktree.path)
        #expect(try repository.snapshot(worktree, number: 1).commit == commit)
        #expect(packs(scratch).count == 1 && quarantines(scratch) == [])
    }

    @Test func aFewAreObjectsOfTheirOwn() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try fill(scratch, worktree, count: 5)
        _ = try repository.snapshot(worktree, number: 1)
        #expect(packs(scratch) == [])
    }

    @Test func attributesAndFiltersHoldForThemAsForAnyOther() throws {
        let scratch = try GitScratch()
        try scratch.git("config", "filter.loud.clean", "tr a-z A-Z")
        try scratch.git("config", "filter.broken.clean", "false")
        try scratch.git("config", "filter.broken.required", "true")
        let attributes = "*.crlf text\n*.loud filter=loud\n*.lfs filter=broken\n*.wide working-tree-encoding=UTF-16\n"
        try scratch.commit([".gitattributes": attributes])
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try fill(scratch, worktree)
        for number in 0..<20 {
            try scratch.write("more/\(number).crlf", "\(number)\r\n", in: worktree.path)
            try scratch.write("more/\(number).loud", "loud \(number)\n", in: worktree.path)
            try scratch.write("more/\(number).lfs", "large \(number)\n", in: worktree.path)
        }
        try scratch.write("more/odd.wide", "odd", in: worktree.path)

        let snapshot = try repository.snapshot(worktree, number: 1)
        let commit = try #require(snapshot.commit)
        #expect(packs(scratch).count == 1 && quarantines(scratch) == [])
        try scratch.git("fsck", "--no-dangling")
        let kept = ["7.crlf", "7.loud", "7.lfs", "odd.wide"].map { "\(commit):more/\($0)" }
        #expect(try kept.map { try scratch.git("cat-file", "blob", $0) } == ["7", "LOUD 7", "large 7", "odd"])
        #expect(snapshot.announcements.contains { $0.contains("the filter broken does not work: more/0.lfs") })
        #expect(snapshot.announcements.contains { $0.contains("git could not add it: more/odd.wide") })
        #expect(snapshot.isWhole)
    }

    @Test func workWithThemIsTakenUp() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        try scratch.land(in: repository) { try fill(scratch, $0) }
        #expect(scratch.read("new/3/500.txt") == "500\n")
        #expect(packs(scratch).count == 1 && quarantines(scratch) == [])
    }

    @Test func aQuarantineThatWasCutShortIsRemovedByTheNext() throws {
        let scratch = try GitScratch()
        let repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try scratch.write("objects/tmp_orch_w-T-1/pack/tmp_pack_x", "half", in: scratch.checkout + "/.git")
        try scratch.write("objects/tmp_orch_w-T-2/pack/tmp_pack_x", "half", in: scratch.checkout + "/.git")
        _ = try repository.snapshot(worktree, number: 1)
        #expect(quarantines(scratch) == ["tmp_orch_w-T-2"])
    }

    /// However long git takes, the work is kept, and the worktree can go.
    @Test(arguments: [1, count])
    func whatGitDoesNotAddInTimeIsInTheArchive(_ count: Int) throws {
        let scratch = try GitScratch()
        try scratch.git("config", "filter.slow.clean", "sleep 600")
        try scratch.commit([".gitattributes": "*.slow filter=slow\n"])
        var repository = try scratch.open()
        let worktree = try scratch.worktree(repository)
        try fill(scratch, worktree, count: count)
        try scratch.write("x.slow", "slow\n", in: worktree.path)
        repository.snapshotLimit = .seconds(3)

        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(snapshot.isWhole && quarantines(scratch) == [])
        #expect(snapshot.announcements.contains { $0.contains("git did not end within 3.0 seconds") })
        let archive = try #require(snapshot.archive)
        let list = try ShellCommand(["/bin/tar", "-tf", archive], environment: []).run().lines
        #expect(Set(list).isSuperset(of: ["./x.slow", "./new/0/0.txt"]))
        #expect(list.count { $0.hasSuffix(".txt") } == count + 2)
        try scratch.git("fsck", "--no-dangling")
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
    }
}
