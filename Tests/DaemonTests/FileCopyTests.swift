import Glibc
import Testing

@testable import Daemon

@Suite struct FileCopyTests {
    @Test func aCopyIsWholeHasItsModeAndTouchesNothingElse() throws {
        let scratch = try GitScratch()
        let (from, to) = (scratch.folder + "/from", scratch.folder + "/to")
        for folder in [from, from + "/deep", to] { try #require(mkdir(folder, 0o755) == 0) }
        let text = String(repeating: "secret\n", count: 100_000)
        try scratch.write("deep/.env", text, in: from)
        chmod(from + "/deep/.env", 0o640)
        // Somebody's own, of whatever name.
        for name in ["deep.orch-copy", ".orch-copy", ".orch-copy-1-1"] { try scratch.write(name, "mine", in: to) }
        let copy = FileCopy(from: from, to: to)
        #expect(copy.copy(Array("deep/.env".utf8)) == nil)
        #expect(scratch.read("deep/.env", in: to) == text)
        var status = stat()
        #expect(stat(to + "/deep/.env", &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(GitFiles.names(in: to + "/deep") == [".env"])
        for name in ["deep.orch-copy", ".orch-copy", ".orch-copy-1-1"] { #expect(scratch.read(name, in: to) == "mine") }
        // What is there stays.
        try scratch.write("deep/.env", "changed", in: to)
        #expect(copy.copy(Array("deep/.env".utf8)) == nil)
        #expect(scratch.read("deep/.env", in: to) == "changed")
    }

    @Test func ofAListThatIsTooLongTheLinesBehindTheLimitAreLeftOutAndThatIsSaid() {
        let lines = (0..<9000).map { "*.local-\($0)\n" }.joined()
        let include = WorktreeInclude(Array(lines.utf8))
        #expect(include.shortcoming == ".worktreeinclude is read up to 64 KiB")
        #expect(include.patterns.allSatisfy { lines.contains($0 + "\n") } && include.patterns.count > 4000)
        #expect(WorktreeInclude(Array("*.local\n.env".utf8)).patterns == ["*.local", ".env"])
        #expect(WorktreeInclude(Array("*.local\n.env".utf8)).shortcoming == nil)
    }
}
