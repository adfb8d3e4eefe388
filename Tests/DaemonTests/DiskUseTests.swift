import Glibc
import Testing

@testable import Daemon

@Suite struct DiskUseTests {
    @Test func filesOfSeveralNamesCountOnceAndLinksAreNotFollowed() throws {
        let scratch = try GitScratch()
        let folder = scratch.folder + "/measured"
        try scratch.write("a", String(repeating: "x", count: 100_000), in: folder)
        try scratch.write("sub/b", String(repeating: "x", count: 50_000), in: folder)
        let single = DiskUse.measure(folder, until: .now + .seconds(60))
        #expect(single.files == 4 && !single.isAtLeast)
        #expect((150_000..<250_000).contains(single.bytes))
        #expect(link(folder + "/a", folder + "/sub/same") == 0)
        #expect(symlink("/usr", folder + "/away") == 0)
        let more = DiskUse.measure(folder, until: .now + .seconds(60))
        #expect(more.files == 5)
        #expect(more.bytes - single.bytes < 16_384)
        #expect(DiskUse.measure(folder + "/nothing", until: .now + .seconds(60)) == DiskUse())
    }

    @Test func whenTimeIsUpItIsAtLeastSoMuch() throws {
        let scratch = try GitScratch()
        let folder = scratch.folder + "/measured"
        for number in 0..<600 { try scratch.write("\(number)", "x", in: folder) }
        let use = DiskUse.measure(folder, until: .now)
        #expect(use.isAtLeast && use.files < 600 && use.files > 0)
    }

    @Test func removingAFolderLeavesWhatItsLinksPointAt() throws {
        let scratch = try GitScratch()
        let folder = scratch.folder + "/old"
        try scratch.write("kept/x", "precious", in: scratch.folder)
        try scratch.write("shut/y", "y", in: folder)
        #expect(symlink(scratch.folder + "/kept", folder + "/link") == 0)
        chmod(folder + "/shut", 0)
        #expect(FolderRemoval.remove(folder))
        #expect(!GitFiles.exists(folder))
        #expect(scratch.read("kept/x", in: scratch.folder) == "precious")
    }

    /// Deeper than there is stack, and than there are descriptors.
    @Test func removingAFolderOfAnyDepthTakesNoMoreRoom() throws {
        let scratch = try GitScratch()
        let folder = scratch.folder + "/deep"
        try scratch.write("beside", "x", in: folder)
        var descriptor = open(folder, O_RDONLY | O_DIRECTORY)
        for _ in 0..<3000 {
            #expect(mkdirat(descriptor, "d", 0o700) == 0)
            let inner = openat(descriptor, "d", O_RDONLY | O_DIRECTORY)
            close(descriptor)
            descriptor = inner
        }
        close(openat(descriptor, "bottom", O_WRONLY | O_CREAT, 0o600))
        close(descriptor)
        #expect(FolderRemoval.remove(folder))
        #expect(!GitFiles.exists(folder))
    }
}
