import Core
import Glibc
import Testing

@testable import Daemon

/// A ticket's whole life in repositories that are not like most.
@Suite struct GitOddRepositoriesTests {
    private func work(_ scratch: GitScratch) -> (Worktree) throws -> Void {
        { try scratch.write("new.txt", "new\n", in: $0.path) }
    }

    private func cleanStatus(_ scratch: GitScratch) throws {
        #expect(try scratch.git("status", "--porcelain") == "")
    }

    @Test func objectNamesOfSixtyFourDigits() throws {
        let scratch = try GitScratch(format: ["--object-format=sha256"])
        let repository = try scratch.open()
        let built = try scratch.land(in: repository, work(scratch))
        #expect(built.commit.utf8.count == 64)
        #expect(scratch.read("new.txt") == "new\n")
        try cleanStatus(scratch)
        // Reset away and kept by a snapshot all the same.
        let worktree = try scratch.worktree(repository, ticket: .t2, branch: "agent-2/T-2")
        let lost = try scratch.commit(["lost.txt": "x"], in: worktree.path)
        try scratch.git("reset", "-q", "--hard", "HEAD~1", in: worktree.path)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try repository.isAncestor(lost, of: #require(snapshot.commit)))
        try scratch.commit([".orch/config.json": "{}"])
        #expect(try repository.policyFiles(at: scratch.tip()).digest.utf8.count == 64)
    }

    @Test(arguments: [["core.autocrlf=true"], ["core.eol=crlf"], ["core.fileMode=false"], ["core.ignoreCase=true"]])
    func settingsThatChangeWhatAFileLooksLike(_ settings: [String]) throws {
        let scratch = try GitScratch(files: ["a.txt": "one\ntwo\n", ".gitattributes": "*.txt text\n*.bin -text\n"])
        for setting in settings {
            let parts = setting.split(separator: "=").map(String.init)
            try scratch.git("config", parts[0], parts[1])
        }
        // As a fresh clone would have it.
        unlink(scratch.checkout + "/a.txt")
        try scratch.git("checkout", "-q", "--", ".")
        try cleanStatus(scratch)
        let isConverted = settings[0].hasSuffix("true") && settings[0].contains("crlf") || settings[0].contains("eol")
        let lineEnd = isConverted ? "\r\n" : "\n"
        #expect(scratch.read("a.txt") == "one\(lineEnd)two\(lineEnd)")
        let repository = try scratch.open()
        let built = try scratch.land(in: repository) { worktree in
            try scratch.write("a.txt", "one\(lineEnd)2\(lineEnd)", in: worktree.path)
            try scratch.write("new.bin", "\r\n\n", in: worktree.path)
        }
        #expect(built.paths == ["a.txt", "new.bin"])
        #expect(try scratch.git("show", "main:a.txt") == "one\n2")
        #expect(scratch.read("a.txt") == "one\(lineEnd)2\(lineEnd)")
        #expect(scratch.read("new.bin") == "\r\n\n")
        try cleanStatus(scratch)
    }

    @Test func namesThatDifferOnlyInCase() throws {
        let scratch = try GitScratch(files: ["File.txt": "upper\n", "file.txt": "lower\n", "Dir/x": "1", "dir/x": "2"])
        let repository = try scratch.open()
        // Also where the repository says that it cannot tell them apart.
        try scratch.git("config", "core.ignoreCase", "true")
        let built = try scratch.land(in: repository) { try scratch.write("file.txt", "LOWER\n", in: $0.path) }
        #expect(built.paths == ["file.txt"])
        #expect(scratch.read("File.txt") == "upper\n")
        #expect(scratch.read("file.txt") == "LOWER\n")
    }

    @Test func aSparseCheckoutStaysSparseAndItsVerificationIsWhole() throws {
        let scratch = try GitScratch(files: ["in/a.txt": "in\n", "out/b.txt": "out\n", "top": "t\n"])
        try scratch.git("sparse-checkout", "set", "in")
        #expect(scratch.read("out/b.txt") == nil)
        let repository = try scratch.open()
        let built = try scratch.land(in: repository) { try scratch.write("in/new.txt", "new\n", in: $0.path) }
        #expect(built.paths == ["in/new.txt"])
        #expect(scratch.read("in/new.txt") == "new\n")
        #expect(scratch.read("out/b.txt") == nil)
        #expect(try scratch.git("show", "main:out/b.txt") == "out")
        // What is judged is the tree that lands, all of it.
        #expect(scratch.read("out/b.txt", in: VerificationCheckout(repository: repository, slot: 0).path) == "out\n")
        // Also in a checkout that was made sparse since.
        try scratch.git("config", "core.sparseCheckout", "true")
        let verification = VerificationCheckout(repository: repository, slot: 1)
        try verification.prepare(built.commit)
        #expect(scratch.read("out/b.txt", in: verification.path) == "out\n")
        try cleanStatus(scratch)
    }

    @Test func aShallowClone() throws {
        let origin = try GitScratch()
        for number in 1...3 { try origin.commit(["c\(number).txt": "x\n"]) }
        let scratch = try GitScratch()
        try scratch.git("clone", "-q", "--depth=1", "file://\(origin.checkout)", "../shallow")
        let clone = scratch.folder + "/shallow"
        #expect(try scratch.git("rev-list", "--count", "HEAD", in: clone) == "1")
        let repository = try scratch.open(at: clone, as: "r2")
        try scratch.land(in: repository) { try scratch.write("new.txt", "new\n", in: $0.path) }
        #expect(scratch.read("new.txt", in: clone) == "new\n")
        #expect(try scratch.git("status", "--porcelain", in: clone) == "")
    }

    @Test func aPartialCloneIsWorkedOnWithoutFetching() throws {
        let origin = try GitScratch()
        let old = try origin.commit(["a.txt": "old\n"])
        try origin.commit(["a.txt": "present\n"])
        try origin.git("config", "uploadpack.allowFilter", "true")
        try origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
        let scratch = try GitScratch()
        try scratch.git("clone", "-q", "--filter=blob:none", "file://\(origin.checkout)", "../partial")
        let clone = scratch.folder + "/partial"
        let repository = try scratch.open(at: clone, as: "r2")
        // What runs when git fetches on its own is whatever the repository's configuration says.
        try scratch.write("trap", "#!/bin/sh\ntouch '\(scratch.folder)/fetched'\nexit 1\n", in: scratch.folder)
        try makeProgram(scratch.folder + "/trap")
        try scratch.git("config", "remote.origin.url", "ext::\(scratch.folder)/trap", in: clone)
        try scratch.git("config", "protocol.ext.allow", "always", in: clone)
        try scratch.land(in: repository) { try scratch.write("new.txt", "new\n", in: $0.path) }
        #expect(scratch.read("new.txt", in: clone) == "new\n")
        // What is missing is named, and not fetched.
        let error = try gitError { try VerificationCheckout(repository: repository, slot: 1).prepare(old) }
        #expect(error.message.contains("not all of its objects are here"), "\(error.message)")
        #expect(!GitFiles.exists(scratch.folder + "/fetched"))
    }

    @Test func targetsAndFoldersOfAnyName() throws {
        for name in ["release/1.0", "f\u{F6}\u{F6}/\u{65E5}\u{672C}", "we#ird-@x"] {
            let scratch = try GitScratch(name: "re po")
            try scratch.git("checkout", "-q", "-b", name)
            // A tag of the same name is another thing.
            try scratch.git("tag", "-a", "-m", "t", name, "main")
            let repository = try scratch.open()
            try scratch.land(on: name, in: repository, work(scratch))
            #expect(scratch.read("new.txt") == "new\n")
            #expect(try scratch.git("rev-parse", "refs/heads/main") != scratch.tip("refs/heads/\(name)"))
        }
    }

    @Test func initialisedSubmodulesAreLeftAloneAndPutAwayWithTheirWorktree() throws {
        let inner = try GitScratch()
        let scratch = try GitScratch()
        let allow = ["-c", "protocol.file.allow=always"]
        try scratch.git(allow + ["submodule", "--quiet", "add", inner.checkout, "lib"])
        try scratch.git("commit", "-q", "-m", "submodule")
        let repository = try scratch.open()
        let pinned = try scratch.tip("main:lib")
        try scratch.land(in: repository) { worktree in
            try scratch.git(allow + ["submodule", "--quiet", "update", "--init"], in: worktree.path)
            #expect(scratch.read("lib/a.txt", in: worktree.path) == "one\n")
            try scratch.write("new.txt", "new\n", in: worktree.path)
        }
        #expect(scratch.read("new.txt") == "new\n")
        #expect(try scratch.tip("main:lib") == pinned)
        #expect(scratch.read("lib/a.txt") == "one\n")
        try cleanStatus(scratch)
    }

    @Test func aSettingOfOneWorktreeIsNotEverybodys() throws {
        let scratch = try GitScratch()
        try scratch.git("config", "extensions.worktreeConfig", "true")
        try scratch.git("config", "--worktree", "user.name", "Only Here")
        let repository = try scratch.open()
        try scratch.land(in: repository) { worktree in
            try scratch.git("config", "--worktree", "core.hooksPath", "/nowhere", in: worktree.path)
            try scratch.write("new.txt", "new\n", in: worktree.path)
        }
        #expect(repository.identity.name == "orch" || repository.identity.name == "Only Here")
        #expect(scratch.read("new.txt") == "new\n")
        #expect(try scratch.git("config", "core.hooksPath", fails: true) == "")
    }

    @Test func aRepositoryReachedThroughALinkOrALinkedWorktreeIsTheSame() throws {
        let scratch = try GitScratch()
        #expect(symlink(scratch.checkout, scratch.folder + "/link") == 0)
        #expect(try scratch.open(at: scratch.folder + "/link").topLevel == scratch.checkout)
        try scratch.git("worktree", "add", "-q", "-b", "side", "../side")
        let git = try Git(environment: scratch.environment, isDurable: false)
        let found = try RepositoryOnDisk(scratch.folder + "/side", stateDirectory: scratch.state, git: git)
        #expect(found.path == scratch.checkout)
    }

    @Test func refsInAFormatOrchCannotReadAreRefused() throws {
        let scratch = try GitScratch()
        try GitFiles.makeDirectory(scratch.checkout + "/.git/reftable", for: "test")
        let error = try gitError { _ = try scratch.open() }
        #expect(error.kind == .unsupported && error.message.contains("reftable"), "\(error.message)")
    }

    @Test(.enabled(if: getuid() == 0, "only root can give a repository to another user"))
    func aRepositoryOfAnotherUserIsSaidToBeOne() throws {
        let scratch = try GitScratch()
        chown(scratch.checkout, 65534, 65534)
        chown(scratch.checkout + "/.git", 65534, 65534)
        let error = try gitError { _ = try scratch.open() }
        #expect(error.message.contains("belongs to another user"), "\(error.message)")
        #expect(error.message.contains("safe.directory"))
    }

    @Test func aSignerThatFailsIsNamedAndOneThatHangsIsEnded() throws {
        let scratch = try GitScratch()
        try scratch.git("config", "commit.gpgSign", "true")
        try scratch.git("config", "gpg.program", scratch.folder + "/gpg")
        try scratch.write("gpg", "#!/bin/sh\necho no secret key >&2\nexit 2\n", in: scratch.folder)
        try makeProgram(scratch.folder + "/gpg")
        var repository = try scratch.open()
        let failed = try gitError { try scratch.land(in: repository, work(scratch)) }
        #expect(failed.message.contains("cannot be signed"), "\(failed.message)")
        try scratch.write("gpg", "#!/bin/sh\nexec sleep 1000\n", in: scratch.folder)
        repository.signingLimit = .milliseconds(300)
        let hung = try gitError { try scratch.land(in: repository, work(scratch)) }
        #expect(hung.kind == .timedOut && hung.message.contains("cannot be signed"), "\(hung.message)")
        // Nothing has landed, and nothing of it needs a key to be kept.
        #expect(try scratch.git("log", "--format=%s", "main") == "base")
    }
}
