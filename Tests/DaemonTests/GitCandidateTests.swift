import Core
import Glibc
import Testing

@testable import Daemon

@Suite struct GitCandidateTests {
    let scratch: GitScratch
    let repository: GitRepository
    let worktree: Worktree
    let message = CommitMessage(
        title: "Add it",
        body: "Why.",
        trailers: [("Orch-Ticket", "T-1"), ("Orch-Agent", "agent-1")]
    )

    init() throws {
        scratch = try GitScratch(files: ["a.txt": "one\n", "b.txt": "two\n", "log.union": "first\n"])
        repository = try scratch.open()
        worktree = try scratch.worktree(repository)
    }

    private func build(_ head: String, method: LandingMethod = .squash, tip: String? = nil) throws -> CandidateResult {
        try repository.buildCandidate(
            ticket: .t1,
            tip: tip ?? scratch.tip(),
            head: head,
            method: method,
            message: message
        )
    }

    private func built(_ head: String, method: LandingMethod = .squash) throws -> BuiltCandidate {
        let result = try build(head, method: method)
        guard case .built(let candidate) = result else {
            throw GitError(.failed, "test", "\(result)")
        }
        return candidate
    }

    @Test func aSquashIsOneCommitOnTheTip() throws {
        try scratch.commit(["new": "1"], in: worktree.path)
        let head = try scratch.commit(["new": "2"], in: worktree.path)
        let tip = try scratch.commit(["theirs": "x"])
        let candidate = try built(head)
        #expect(candidate.tip == tip && candidate.head == head)
        #expect(candidate.paths == ["new"])
        #expect(try scratch.git("log", "-1", "--format=%P|%an|%cn", candidate.commit) == "\(tip)|Uma User|orch")
        #expect(try scratch.git("show", "\(candidate.commit):new") == "2")
        #expect(try scratch.git("show", "\(candidate.commit):theirs") == "x")
        #expect(try scratch.tip("\(candidate.commit)^{tree}") == candidate.tree)
        #expect(
            try scratch.git("log", "-1", "--format=%B", candidate.commit)
                == "Add it\n\nWhy.\n\nOrch-Ticket: T-1\nOrch-Agent: agent-1\n"
        )
        #expect(try repository.resolve(GitRepository.candidateRef(.t1)) == candidate.commit)
    }

    @Test func aMergeHasBothParents() throws {
        let head = try scratch.commit(["new": "1"], in: worktree.path)
        let tip = try scratch.commit(["theirs": "x"])
        let candidate = try built(head, method: .merge)
        #expect(try scratch.git("log", "-1", "--format=%P", candidate.commit) == "\(tip) \(head)")
    }

    @Test func askedAgainItIsTheSameCommit() throws {
        let head = try scratch.commit(["new": "1"], in: worktree.path)
        let first = try built(head)
        let deadline = ContinuousClock.now + .seconds(10)
        // The next second would give another committer date.
        let second = time(nil)
        while time(nil) == second, ContinuousClock.now < deadline { usleep(10000) }
        #expect(try built(head) == first)
        try repository.clearCandidate(of: .t1)
        try repository.clearCandidate(of: .t1)
        #expect(try repository.resolve(GitRepository.candidateRef(.t1)) == nil)
        #expect(try built(head).commit != first.commit)
    }

    @Test func theUsersCheckoutIsNotTouched() throws {
        let head = try scratch.commit(["new": "1", "a.txt": "changed\n"], in: worktree.path)
        try scratch.write("b.txt", "local change\n")
        try scratch.write("untracked", "mine")
        try scratch.write("new", "in the way")
        let before = try scratch.fingerprint()
        _ = try built(head)
        #expect(try scratch.fingerprint() == before)
        let theirs = try scratch.fingerprint()
        #expect(theirs == before)
    }

    @Test func aConflictNamesItsPaths() throws {
        let head = try scratch.commit(["a.txt": "mine\n", "sp ace\nline": "mine\n", "fine": "x"], in: worktree.path)
        try scratch.commit(["a.txt": "theirs\n", "sp ace\nline": "theirs\n"])
        #expect(try build(head) == .conflict(paths: ["a.txt", "sp ace\nline"]))
    }

    @Test func nothingToLandIsEmpty() throws {
        let tip = try scratch.tip()
        #expect(try build(tip) == .empty)
        // The same change has landed by another way.
        let head = try scratch.commit(["new": "1"], in: worktree.path)
        try scratch.commit(["new": "1"])
        #expect(try build(head) == .empty)
    }

    @Test func bothSidesOfARenameAndADeletionAreListed() throws {
        try scratch.git("mv", "a.txt", "moved.txt", in: worktree.path)
        try scratch.git("rm", "-q", "b.txt", in: worktree.path)
        let head = try scratch.commit([:], in: worktree.path)
        #expect(try built(head).paths == ["a.txt", "b.txt", "moved.txt"])
    }

    @Test func aRenameOnTheTipCarriesTheWork() throws {
        let long = (0..<50).map { "line \($0)\n" }.joined()
        try scratch.commit(["long.txt": long])
        let other = try repository.prepareWorktree(
            at: scratch.state + "/worktrees/w2",
            branch: "agent-2/T-2",
            from: scratch.tip(),
            ticket: .t2
        )
        let head = try scratch.commit(["long.txt": long + "added\n"], in: other.path)
        try scratch.git("mv", "long.txt", "renamed.txt")
        try scratch.commit([:])
        #expect(try built(head).paths == ["renamed.txt"])
    }

    @Test func theAttributesOfTheTipAreObeyed() throws {
        let head = try scratch.commit(["log.union": "first\nmine\n"], in: worktree.path)
        try scratch.commit(["log.union": "first\ntheirs\n"])
        #expect(try build(head) == .conflict(paths: ["log.union"]))
        // Attributes that lie about in the user's checkout are not the tip's.
        try scratch.write(".gitattributes", "*.union merge=union\n")
        #expect(try build(head) == .conflict(paths: ["log.union"]))
        try scratch.commit([:])
        let candidate = try built(head)
        #expect(try scratch.git("show", "\(candidate.commit):log.union") == "first\ntheirs\nmine")
        // And a tip without them again.
        try scratch.git("rm", "-q", ".gitattributes")
        try scratch.commit([:])
        #expect(try build(head) == .conflict(paths: ["log.union"]))
    }

    @Test func itIsBuiltOnAnotherCandidateToo() throws {
        let head = try scratch.commit(["new": "1"], in: worktree.path)
        let first = try built(head)
        let other = try repository.prepareWorktree(
            at: scratch.state + "/worktrees/w2",
            branch: "agent-2/T-2",
            from: scratch.tip(),
            ticket: .t2
        )
        let second = try scratch.commit(["second": "2"], in: other.path)
        let result = try repository.buildCandidate(
            ticket: .t2,
            tip: first.commit,
            head: second,
            method: .squash,
            message: message
        )
        guard case .built(let candidate) = result else { return #expect(Bool(false)) }
        #expect(candidate.paths == ["second"])
        #expect(
            try scratch.git("ls-tree", "--name-only", candidate.commit)
                == "a.txt\nb.txt\nlog.union\nnew\nsecond"
        )
    }

    @Test func aDamagedIntegrationCheckoutIsMadeAgain() throws {
        let head = try scratch.commit(["new": "1"], in: worktree.path)
        let first = try built(head)
        let path = scratch.state + "/integration/r1"
        let admin = try scratch.git("rev-parse", "--absolute-git-dir", in: path)
        try scratch.write("index.lock", "", in: admin)
        #expect(try built(head) == first)
        try scratch.write("index", "garbage", in: admin)
        #expect(try built(head) == first)
        unlink(path + "/.git")
        #expect(try built(head) == first)
        _ = try ShellCommand(["/bin/rm", "-rf", path], environment: []).run()
        #expect(try built(head) == first)
        _ = try ShellCommand(["/bin/rm", "-rf", admin], environment: []).run()
        #expect(try built(head) == first)
    }

    @Test func unrelatedHistoriesAreAnError() throws {
        try scratch.git("checkout", "-q", "--orphan", "fresh", in: worktree.path)
        let head = try scratch.commit(["new": "x"], in: worktree.path)
        #expect(try gitError { _ = try build(head) }.kind == .unfinished)
    }

    @Test func whatLandsIsSignedWhereTheUserSigns() throws {
        let signer = scratch.folder + "/signer"
        try scratch.write(
            "signer",
            "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED D' >&2\n"
                + "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nfake\\n-----END PGP SIGNATURE-----\\n'\n",
            in: scratch.folder
        )
        try makeProgram(signer)
        try scratch.git("config", "gpg.program", signer)
        try scratch.git("config", "commit.gpgSign", "yes")
        let signing = try scratch.open()
        try scratch.git("-c", "commit.gpgSign=false", "commit", "-q", "--allow-empty", "-m", "x", in: worktree.path)
        try scratch.write("new", "1", in: worktree.path)
        let work = try signing.collect(worktree, number: 1, target: scratch.tip(), title: "t", agent: "agent-1")
        func build() throws -> CandidateResult {
            try signing.buildCandidate(
                ticket: .t1,
                tip: scratch.tip(),
                head: work.head,
                method: .squash,
                message: message
            )
        }
        let first = try build()
        guard case .built(let candidate) = first else { return #expect(Bool(false)) }
        #expect(try scratch.git("cat-file", "commit", candidate.commit).contains("gpgsig -----BEGIN PGP"))
        #expect(try !scratch.git("cat-file", "commit", work.head).contains("gpgsig"))
        #expect(try build() == first)
        try scratch.git("config", "gpg.program", "/bin/false")
        try signing.clearCandidate(of: .t1)
        #expect(throws: GitError.self) { try build() }
    }

    @Test func messagesAreWhatGitReadsAsTrailers() throws {
        let message = CommitMessage(
            title: "  Two\nlines\tand \u{7}bell ",
            body: "\n\nBody: with a colon\n\nlast paragraph\u{0}\n\n",
            trailers: [("Orch-Ticket", "T-1\nForged: yes"), ("Orch Agent:", "agent-1"), ("Empty", " ")]
        )
        #expect(
            message.text
                == "Two lines and bell\n\nBody: with a colon\n\nlast paragraph\n\n"
                + "Orch-Ticket: T-1 Forged: yes\nOrchAgent: agent-1\n"
        )
        try scratch.write("message", message.text)
        #expect(
            try scratch.git("interpret-trailers", "--parse", "message")
                == "Orch-Ticket: T-1 Forged: yes\nOrchAgent: agent-1"
        )
        #expect(CommitMessage(title: "\n").text == "Untitled\n")
        #expect(CommitMessage("a  b\nc\n\n", otherwise: "x", trailers: []).text == "a b\n\nc\n")
        #expect(CommitMessage(" \nc", otherwise: "x", trailers: [("K", "v")]).text == "x\n\nc\n\nK: v\n")
    }
}
