import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitRebaseTests {
    let scratch: GitScratch
    let repository: GitRepository
    let worktree: Worktree
    let message = CommitMessage(title: "Add it", body: "Why.", trailers: [("Orch-Ticket", "T-1")])

    init() throws {
        scratch = try GitScratch(files: ["a.txt": "one\n", "b.txt": "two\n"])
        repository = try scratch.open()
        worktree = try scratch.worktree(repository)
    }

    private func built(_ head: String, base: String? = nil, method: LandingMethod = .rebase) throws -> BuiltCandidate {
        let tip = try scratch.tip()
        let result = try repository.buildCandidate(
            ticket: .t1,
            tip: tip,
            head: head,
            base: base,
            method: method,
            message: message
        )
        guard case .built(let candidate) = result else { throw GitError(.failed, "test", "\(result)") }
        return candidate
    }

    private func work(_ files: [String: String], _ message: String, by author: String = "Ada <ada@example.org>") throws
        -> String
    {
        for (path, content) in files { try scratch.write(path, content, in: worktree.path) }
        try scratch.git("add", "-A", in: worktree.path)
        let date = "--date=@\(100 + message.utf8.count) +0130"
        try scratch.git("commit", "-q", "--allow-empty", "--author=\(author)", date, "-m", message, in: worktree.path)
        return try scratch.git("rev-parse", "HEAD", in: worktree.path)
    }

    private func landed(_ candidate: BuiltCandidate, _ format: String) throws -> [String] {
        try scratch.git("log", "--reverse", "--format=\(format)", "\(candidate.tip)..\(candidate.commit)")
            .split(separator: "\n").map(String.init)
    }

    @Test func eachCommitKeepsItsAuthorDateAndMessageAndTheLastHasTheTrailers() throws {
        _ = try work(["new": "1"], "First\n\nBecause.")
        let head = try work(["new": "2"], "Second\n\nCo-authored-by: Eve <e@x>", by: "Bob <bob@example.org>")
        let tip = try scratch.commit(["theirs": "x"])
        let candidate = try built(head)
        let range = "\(tip)..\(candidate.commit)"
        let authors = try scratch.git("log", "--reverse", "--date=raw", "--format=%an <%ae> %ad|%cn", range)
        #expect(authors == "Ada <ada@example.org> 115 +0130|orch\nBob <bob@example.org> 133 +0130|orch")
        let messages = try scratch.git("log", "--reverse", "--format=%B%x2E", range)
        #expect(
            messages == "First\n\nBecause.\n.\nSecond\n\nCo-authored-by: Eve <e@x>\nOrch-Ticket: T-1\n."
        )
        #expect(try landed(candidate, "%(trailers:key=Orch-Ticket,valueonly,separator=%x2C)") == ["T-1"])
        #expect(try scratch.git("show", "\(candidate.commit)~1:new") == "1")
        #expect(try scratch.git("show", "\(candidate.commit):theirs") == "x")
        #expect(try scratch.tip("\(candidate.commit)~2") == tip)
        #expect(candidate.tree == (try built(head, method: .squash).tree))
        #expect(candidate.paths == ["new"])
    }

    @Test func askedAgainTheyAreTheSameCommits() throws {
        _ = try work(["new": "1"], "First")
        let head = try work(["new": "2"], "Second")
        let first = try built(head)
        let deadline = ContinuousClock.now + .seconds(10)
        // git's times are whole seconds: in another one the commits would differ.
        let second = time(nil)
        while time(nil) == second, ContinuousClock.now < deadline { usleep(10000) }
        #expect(try built(head) == first)
        try repository.clearCandidate(of: .t1)
        #expect(try built(head).commit != first.commit)
    }

    @Test func whatChangesNothingOnTheTargetIsLeftOut() throws {
        _ = try work(["new": "1"], "Also theirs")
        _ = try work([:], "Nothing at all")
        let head = try work(["own": "2"], "Own")
        try scratch.commit(["new": "1"])
        #expect(try landed(try built(head), "%s") == ["Own"])
    }

    @Test func trailersOfOrchsInTheAgentsMessagesDoNotLand() throws {
        _ = try work(["new": "1"], "First\n\nOrch-Ticket: T-9\nSigned-off-by: Ada <ada@example.org>")
        let head = try work(["new": "2"], "Second\n\nORCH-ticket: T-8")
        let candidate = try built(head)
        let tickets = try landed(candidate, "%(trailers:key=Orch-Ticket,valueonly,separator=%x2C)")
        #expect(tickets == ["T-1"])
        #expect(try landed(candidate, "%(trailers:key=Signed-off-by,valueonly,separator=%x2C)").count == 1)
    }

    @Test func aBranchWithMergesLandsAsOneCommitThatSaysSo() throws {
        _ = try work(["new": "1"], "First")
        try scratch.commit(["theirs": "x"])
        try scratch.git("merge", "-q", "--no-edit", "main", in: worktree.path)
        let head = try work(["new": "2"], "Second")
        let candidate = try built(head)
        #expect(try landed(candidate, "%s") == ["Add it"])
        #expect(
            try scratch.git("log", "-1", "--format=%B", candidate.commit)
                == "Add it\n\nWhy.\n\nOrch-Ticket: T-1\nOrch-Squashed: its branch has merges in it\n"
        )
    }

    @Test func aCommitThatConflictsByItselfMakesItOneCommitThatSaysSo() throws {
        let first = try work(["a.txt": "mine\n"], "Wrong")
        let head = try work(["a.txt": "one\n", "new": "1"], "Right")
        try scratch.commit(["a.txt": "theirs\n"])
        let candidate = try built(head)
        let why = try scratch.git("log", "-1", "--format=%(trailers:key=Orch-Squashed,valueonly)", candidate.commit)
        #expect(why == "its commit \(first.prefix(10)) conflicts with the target by itself\n")
        #expect(try scratch.git("show", "\(candidate.commit):a.txt") == "theirs")
    }

    @Test func commitsThatWereTakenBackFromTheTargetStayAway() throws {
        let old = try scratch.tip()
        let taken = try scratch.commit(["taken": "back"])
        try scratch.git("merge", "-q", "--ff-only", "main", in: worktree.path)
        let head = try work(["new": "1"], "Own")
        try scratch.git("reset", "-q", "--hard", old)
        let candidate = try built(head, base: taken)
        #expect(try landed(candidate, "%s") == ["Own"])
        #expect(candidate.paths == ["new"])
    }

    @Test func theUsersCheckoutIsNotTouched() throws {
        _ = try work(["new": "1", "a.txt": "changed\n"], "First")
        let head = try work(["new": "2"], "Second")
        try scratch.commit(["theirs": "x"])
        try scratch.write("b.txt", "local change\n")
        let before = try scratch.fingerprint()
        _ = try built(head)
        #expect(try scratch.fingerprint() == before)
    }

    @Test func anAuthorOfWhomGitTakesNoNameDoesNotStopALanding() throws {
        let head = try work(["new": "1"], "First")
        let tree = try scratch.tip("\(head)^{tree}")
        // Only by its bytes can such a commit be made.
        let commit = "tree \(tree)\nparent \(try scratch.tip())\nauthor  <> 100 +0000\ncommitter x <x> 100 +0000\n\n"
        try scratch.write("commit", commit)
        let odd = try scratch.git("hash-object", "-w", "-t", "commit", "--literally", "commit")
        let candidate = try built(odd)
        #expect(try landed(candidate, "%an|%s") == ["unknown|Add it"])
    }

    @Test func everyCommitIsSignedWhereTheUsersGitSigns() throws {
        let signer = scratch.folder + "/signer"
        let answer = "echo '[GNUPG:] SIG_CREATED ' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\nx\\n-----END\\n'"
        try scratch.write("signer", "#!/bin/sh\ncat > /dev/null\n\(answer)\n", in: scratch.folder)
        #expect(chmod(signer, 0o755) == 0)
        _ = try work(["new": "1"], "First")
        let head = try work(["new": "2"], "Second")
        try scratch.git("config", "gpg.program", signer)
        try scratch.git("config", "commit.gpgSign", "true")
        let signing = try scratch.open()
        let result = try signing.buildCandidate(
            ticket: .t1,
            tip: scratch.tip(),
            head: head,
            method: .rebase,
            message: message
        )
        guard case .built(let candidate) = result else { throw GitError(.failed, "test", "\(result)") }
        for commit in ["\(candidate.commit)~1", candidate.commit] {
            #expect(try scratch.git("cat-file", "commit", commit).contains("gpgsig -----BEGIN PGP"))
        }
    }
}
