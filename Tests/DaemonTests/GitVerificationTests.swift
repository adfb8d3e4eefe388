import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitVerificationTests {
    let scratch: GitScratch
    let repository: GitRepository
    let checkout: VerificationCheckout

    init() throws {
        scratch = try GitScratch(files: ["a.txt": "one\n", "b.txt": "two\n", ".gitignore": "*.o\ncache/\n"])
        repository = try scratch.open()
        checkout = VerificationCheckout(repository: repository, slot: 2, caches: ["cache/"])
    }

    private func tree(_ commit: String) throws -> String { try scratch.tip("\(commit)^{tree}") }

    @Test func itHoldsExactlyTheCommitAndDeclaredCaches() throws {
        let before = try scratch.fingerprint()
        let first = try scratch.tip()
        try checkout.prepare(first)
        #expect(checkout.path == scratch.state + "/verification/r1-2")
        #expect(GitFiles.names(in: checkout.path) == [".git", ".gitignore", "a.txt", "b.txt"])
        #expect(try scratch.fingerprint() == before)
        // What a verifier leaves.
        try scratch.write("junk.o", "x", in: checkout.path)
        try scratch.write("untracked/deep", "x", in: checkout.path)
        try scratch.write("cache/kept", "x", in: checkout.path)
        try scratch.git("init", "-q", checkout.path + "/nested")
        try scratch.write("a.txt", "changed\n", in: checkout.path)
        let second = try scratch.commit(["c.txt": "three\n"])
        for commit in [second, second, first] {
            try checkout.prepare(commit)
            let names = [".git", ".gitignore", "a.txt", "b.txt"] + (commit == second ? ["c.txt"] : []) + ["cache"]
            #expect(GitFiles.names(in: checkout.path) == names)
            #expect(scratch.read("a.txt", in: checkout.path) == "one\n")
            #expect(try checkout.inspect(tree: tree(commit)) == .intact)
        }
    }

    @Test func buildProductsAreFineAndChangedFilesAreNot() throws {
        let commit = try scratch.tip()
        try checkout.prepare(commit)
        try scratch.write("junk.o", "x", in: checkout.path)
        try scratch.write("untracked", "x", in: checkout.path)
        #expect(try checkout.inspect(tree: tree(commit)) == .intact)
        try scratch.write("a.txt", "changed\n", in: checkout.path)
        unlink(checkout.path + "/b.txt")
        #expect(try checkout.inspect(tree: tree(commit)) == .changed(["a.txt", "b.txt"]))
    }

    @Test func aVerifierCannotHideAChangeInTheIndex() throws {
        let commit = try scratch.tip()
        try checkout.prepare(commit)
        try scratch.git("update-index", "--assume-unchanged", "a.txt", in: checkout.path)
        try scratch.write("a.txt", "changed\n", in: checkout.path)
        try scratch.write("b.txt", "staged\n", in: checkout.path)
        try scratch.git("add", "b.txt", in: checkout.path)
        #expect(try checkout.inspect(tree: tree(commit)) == .changed(["a.txt", "b.txt"]))
        try checkout.prepare(commit)
        #expect(scratch.read("a.txt", in: checkout.path) == "one\n")
        #expect(try checkout.inspect(tree: tree(commit)) == .intact)
    }

    @Test func whatAVerifierDidToTheIndexDoesNotHideAFileFromTheNext() throws {
        let commit = try scratch.tip()
        try checkout.prepare(commit)
        for (mark, file) in [("--skip-worktree", "a.txt"), ("--assume-unchanged", "b.txt")] {
            try scratch.git("update-index", mark, file, in: checkout.path)
            unlink("\(checkout.path)/\(file)")
        }
        try checkout.prepare(commit)
        #expect(scratch.read("a.txt", in: checkout.path) == "one\n")
        #expect(scratch.read("b.txt", in: checkout.path) == "two\n")
    }

    @Test func aMovedHeadIsSeen() throws {
        let commit = try scratch.tip()
        try checkout.prepare(commit)
        let moved = try scratch.commit(["x": "x"], in: checkout.path)
        #expect(try checkout.inspect(tree: tree(commit)) == .moved(to: moved))
        try checkout.prepare(commit)
        #expect(try checkout.inspect(tree: tree(commit)) == .intact)
    }

    @Test func aFileThatNeverComesOutAsStoredAccusesNobody() throws {
        // Stored with CR LF, but declared as text: git shows it as changed from the moment it is written.
        try scratch.write("dos.txt", "one\r\ntwo\r\n")
        try scratch.git("-c", "core.autocrlf=false", "add", "dos.txt")
        try scratch.git("commit", "-q", "-m", "dos")
        try scratch.write(".gitattributes", "*.txt text eol=crlf\n")
        try scratch.git("add", ".gitattributes")
        try scratch.git("commit", "-q", "-m", "attributes")
        let commit = try scratch.tip()
        for _ in 0..<2 {
            try checkout.prepare(commit)
            #expect(try checkout.inspect(tree: tree(commit)) == .intact)
        }
        try scratch.write("a.txt", "changed\n", in: checkout.path)
        #expect(try checkout.inspect(tree: tree(commit)) == .changed(["a.txt"]))
    }

    @Test func aDamagedCheckoutIsMadeAgain() throws {
        let commit = try scratch.tip()
        try checkout.prepare(commit)
        let admin = try scratch.git("rev-parse", "--absolute-git-dir", in: checkout.path)
        try scratch.write("index.lock", "", in: admin)
        try scratch.write("index", "garbage", in: admin)
        try checkout.prepare(commit)
        #expect(try checkout.inspect(tree: tree(commit)) == .intact)
        _ = try ShellCommand(["/bin/rm", "-rf", checkout.path], environment: []).run()
        #expect(try checkout.inspect(tree: tree(commit)) == .moved(to: nil))
        try checkout.prepare(commit)
        #expect(try checkout.inspect(tree: tree(commit)) == .intact)
        #expect(throws: GitError.self) { try checkout.prepare(String(repeating: "1", count: 40)) }
    }
}
