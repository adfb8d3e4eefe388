import CSystem
import Core
import Dispatch
import Glibc
import Testing

@testable import Daemon

/// Locks that another git holds, or has left behind: orch's own are taken out of the way on evidence, everybody else's
/// are waited for and named.
@Suite struct GitLockFilesTests {
    let scratch: GitScratch
    let repository: GitRepository
    let tip: String

    init() throws {
        scratch = try GitScratch(files: ["a.txt": "one\n", "z.slow": "z\n", ".gitattributes": "*.slow filter=slow\n"])
        repository = try scratch.open()
        tip = try scratch.tip()
    }

    private func candidate() throws -> String {
        let worktree = try scratch.worktree(repository)
        let head = try scratch.commit(["a.txt": "two\n", "z.slow": "zz\n"], in: worktree.path)
        let message = CommitMessage(title: "t")
        guard
            case .built(let built) = try repository.buildCandidate(
                ticket: .t1,
                tip: tip,
                head: head,
                method: .squash,
                message: message
            )
        else { throw GitError(.failed, "test", "no candidate") }
        return built.commit
    }

    private func advance(to candidate: String) throws -> Advance {
        try repository.advance("main", from: tip, to: candidate, reason: "land T-1")
    }

    private func reason(_ advance: Advance) throws -> String {
        guard case .blocked(let reason, _, _) = advance else { throw GitError(.failed, "test", "\(advance)") }
        return reason
    }

    /// A ticket's worktree that is gone, so that its branch is to be deleted next.
    private func putAside() throws -> (Worktree, Snapshot) {
        let worktree = try scratch.worktree(repository)
        let snapshot = try repository.snapshot(worktree, number: 1)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot) == .removed)
        return (worktree, snapshot)
    }

    /// Makes a file as old as it would be after some seconds.
    private func age(_ path: String, by seconds: Int) {
        var status = stat()
        stat(path, &status)
        let time = timespec(tv_sec: status.st_mtim.tv_sec - seconds, tv_nsec: status.st_mtim.tv_nsec)
        utimensat(AT_FDCWD, path, [time, time], 0)
    }

    // MARK: The fence

    @Test func whoHoldsTheRepositoryIsNamedAndOneThatTakesTooLongIsEnded() throws {
        let path = scratch.state + "/repositories/r1.lock"
        let ended = DispatchSemaphore(value: 0)
        try RepositoryLock.hold(path, for: "test") { lock in
            // A git whose daemon has died: it has a copy of the descriptor, and nobody who waits for it.
            let descriptor = dup(lock.descriptor)
            DispatchQueue.global().async {
                var orphan = ShellCommand(["/bin/sleep", "1000"], environment: [])
                orphan.inherited = [descriptor]
                orphan.timeout = .seconds(60)
                _ = try? orphan.run()
                close(descriptor)
                ended.signal()
            }
            try eventually("the orphan", within: .seconds(60)) { GitProcesses.holding(path).count == 1 }
        }
        // What this process itself has open for it is not the orphan's; nor is what other tests' children have of it for the
        // moment before they are a program of their own.
        try eventually("the orphan alone", within: .seconds(60)) {
            GitProcesses.holding(path).map(\.command) == ["/bin/sleep 1000"]
        }
        let orphan = try #require(GitProcesses.holding(path).first)
        var said: [String] = []
        let error = try gitError {
            try RepositoryLock.hold(path, for: "do it", patience: .milliseconds(50), notice: { said.append($0) }) { _ in
            }
        }
        #expect(error.kind == .busy && error.isPassing)
        #expect(error.message.contains("(pid \(orphan.pid): /bin/sleep 1000)"), "\(error.message)")
        #expect(said.count == 1 && said[0].hasPrefix("waits to do it: an earlier git of orch's"), "\(said)")
        // Whoever watches it, no git of orch's may take longer than its time.
        try RepositoryLock.hold(path, for: "do it", patience: .milliseconds(50), limit: .zero) { _ in }
        ended.wait()
    }

    // MARK: In the way of a landing

    @Test(arguments: ["index.lock", "HEAD.lock", "ORIG_HEAD.lock", "refs/heads/main.lock"])
    func aLockOfTheUsersIsNamedAndNeverRemoved(_ name: String) throws {
        let candidate = try candidate()
        let file = "\(scratch.checkout)/.git/\(name)"
        try scratch.write(".git/\(name)", "")
        age(file, by: 100_000)
        let reason = try reason(advance(to: candidate))
        #expect(reason.contains("\(file) has been there since 20"), "\(reason)")
        #expect(reason.contains("no git command is at work in \(scratch.checkout) any more"))
        #expect(try self.reason(advance(to: candidate)) == reason)
        #expect(scratch.read("a.txt") == "one\n")
        unlink(file)
        #expect(try advance(to: candidate) == .advanced)
    }

    @Test func whatAKilledLandingLeftIsClearedAndTheLandingGoesOn() throws {
        let candidate = try candidate()
        let (gate, note) = (scratch.folder + "/gate", scratch.state + "/repositories/r1.landing")
        #expect(mkfifo(gate, 0o600) == 0)
        try scratch.git("config", "filter.slow.smudge", "read go < '\(gate)'; cat")
        let result = Box<Advance>()
        DispatchQueue.global().async { [self] in result.fill { try advance(to: candidate) } }
        // It has the index's lock, and has come to the file whose filter waits.
        var writer: Int32 = -1
        try eventually("the filter", within: .seconds(60)) {
            writer = open(gate, O_WRONLY | O_NONBLOCK)
            return writer >= 0
        }
        defer { close(writer) }
        let merge = try #require(
            GitProcesses.holding(scratch.state + "/repositories/r1.lock").first { $0.command.contains("merge") }
        )
        merge.kill()
        let file = scratch.checkout + "/.git/index.lock"
        #expect(try reason(result.wait()).contains(file))
        try scratch.git("config", "filter.slow.smudge", "cat")

        #expect(GitFiles.exists(file) && GitFiles.exists(note))
        // Its maker may still be about to end.
        #expect(try reason(advance(to: candidate)).contains(file))
        age(note, by: 20)
        age(file, by: 10)
        let again = try advance(to: candidate)
        #expect(again == .advanced, "\(again)")
        #expect(!GitFiles.exists(file) && !GitFiles.exists(note))
        #expect(GitFiles.names(in: scratch.state + "/trash").contains("index.lock.1"))
        #expect(scratch.read("z.slow") == "zz\n" && scratch.read("a.txt") == "two\n")
        #expect(try scratch.git("status", "--porcelain") == "")
    }

    @Test func aLockOfAGitThatIsAliveIsNotTakenForOneThatWasLeft() throws {
        let candidate = try candidate()
        let gate = scratch.folder + "/gate"
        #expect(mkfifo(gate, 0o600) == 0)
        // Orch was about to land this, and died before it began.
        let note = scratch.state + "/repositories/r1.landing"
        try scratch.write(note, "main\n\(tip)\n\(candidate)\n\(scratch.checkout)\n", in: "")
        age(note, by: 1000)
        try scratch.write("a.txt", "mine\n")
        let committed = Box<Bool>()
        DispatchQueue.global().async { [scratch] in
            committed.fill {
                try scratch.git("-c", "core.editor=read go < '\(gate)'; :", "commit", "-a", "-m", "mine", "--edit")
                return true
            }
        }
        var writer: Int32 = -1
        try eventually("the editor", within: .seconds(60)) {
            writer = open(gate, O_WRONLY | O_NONBLOCK)
            return writer >= 0
        }
        let file = scratch.checkout + "/.git/index.lock"
        age(file, by: 100)
        #expect(try reason(advance(to: candidate)).contains("a git command is at work in \(scratch.checkout)"))
        #expect(GitFiles.exists(file))
        write(writer, "go\n", 3)
        close(writer)
        #expect(try committed.wait())
        #expect(try advance(to: candidate) == .moved(now: scratch.tip()))
        #expect(scratch.read("a.txt") == "mine\n")
    }

    // MARK: Elsewhere

    @Test func locksThatOrchNeedsNotAreNoObstacle() throws {
        for name in ["config.lock", "shallow.lock"] { try scratch.write(".git/\(name)", "") }
        try scratch.land(in: repository) { try scratch.write("new.txt", "new\n", in: $0.path) }
        #expect(scratch.read(".git/config.lock") == "")
    }

    @Test func locksInOrchsOwnCheckoutsAreRemoved() throws {
        let verification = VerificationCheckout(repository: repository, slot: 0)
        try verification.prepare(tip)
        _ = try candidate()
        for checkout in ["r1-0", "r1"] {
            for name in ["index.lock", "HEAD.lock"] { try scratch.write(".git/worktrees/\(checkout)/\(name)", "") }
        }
        try verification.prepare(tip)
        #expect(
            try repository.buildCandidate(
                ticket: .t2,
                tip: tip,
                head: repository.targetTip("agent-1/T-1-work")!,
                method: .squash,
                message: CommitMessage(title: "t")
            ) != .empty
        )
    }

    @Test func aLockOnTheRefsIsWaitedForAMomentAndThenNamed() throws {
        let (worktree, snapshot) = try putAside()
        let ref = scratch.checkout + "/.git/refs/heads/\(worktree.branch).lock"
        try scratch.write(ref, "", in: "")
        let error = try gitError { try repository.deleteBranch(worktree.branch, at: tip, keptBy: snapshot) }
        #expect(error.isPassing && error.lockInTheWay == ref, "\(error)")
        unlink(ref)
        // A git that packs the refs has this one for as long as that takes.
        let packed = scratch.checkout + "/.git/packed-refs.lock"
        try scratch.write(packed, "", in: "")
        DispatchQueue.global().asyncAfter(deadline: .now() + 0.3) { unlink(packed) }
        try repository.deleteBranch(worktree.branch, at: tip, keptBy: snapshot)
        #expect(try repository.targetTip(worktree.branch) == nil)
    }

    /// Another ticket may be the first to be put away afterwards.
    @Test func whatAKilledDeletionLeftIsClearedWhicheverBranchIsNext() throws {
        let (worktree, snapshot) = try putAside()
        func delete() throws { try repository.deleteBranch(worktree.branch, at: tip, keptBy: snapshot) }
        let (file, note) = (scratch.checkout + "/.git/packed-refs.lock", scratch.state + "/repositories/r1.deleting")
        try scratch.write(note, "refs/heads/agent-2/another\n", in: "")
        try scratch.write(file, "", in: "")
        #expect(try gitError { try delete() }.isPassing)
        #expect(GitFiles.line(note) == "refs/heads/agent-2/another")
        age(note, by: 20)
        age(file, by: 10)
        try delete()
        #expect(try repository.targetTip(worktree.branch) == nil)
        #expect(!GitFiles.exists(file) && !GitFiles.exists(note))
    }

    /// Somebody else's keeps the branch, and nothing else of the repository waiting.
    @Test func aLockThatHasBeenThereForAWhileIsNotWaitedFor() throws {
        let (worktree, snapshot) = try putAside()
        let file = scratch.checkout + "/.git/packed-refs.lock"
        try scratch.write(file, "", in: "")
        age(file, by: 10)
        let error = try gitError { try repository.deleteBranch(worktree.branch, at: tip, keptBy: snapshot) }
        #expect(error.isPassing && error.lockInTheWay == file && error.message.contains("remove that file"))
        // git, which would have waited for five seconds, was not asked.
        #expect(error.command.isEmpty)
    }

    @Test func whatAKilledDeletionOfABranchLeftIsCleared() throws {
        let (worktree, snapshot) = try putAside()
        func delete() throws { try repository.deleteBranch(worktree.branch, at: tip, keptBy: snapshot) }
        for name in ["refs/heads/\(worktree.branch).lock", "packed-refs.lock"] {
            // As it is when the daemon and its git are killed in the middle.
            let (file, note) = (scratch.checkout + "/.git/\(name)", scratch.state + "/repositories/r1.deleting")
            try scratch.write(note, "refs/heads/\(worktree.branch)\n", in: "")
            try scratch.write(file, "", in: "")
            // Its maker may still be about to end.
            #expect(try gitError { try delete() }.isPassing)
            #expect(GitFiles.exists(note))
            age(note, by: 20)
            // One from before was not made by the deletion.
            age(file, by: 30)
            #expect(try gitError { try delete() }.isPassing)
            age(note, by: 20)
            age(file, by: 10)
            try delete()
            #expect(try repository.targetTip(worktree.branch) == nil)
            #expect(!GitFiles.exists(file) && !GitFiles.exists(note))
            try scratch.git("branch", worktree.branch, tip)
        }
    }

    @Test func whatAKilledDeletionOfACandidateLeftIsCleared() throws {
        _ = try candidate()
        let ref = GitRepository.candidateRef(.t1)
        let (file, note) = (scratch.checkout + "/.git/packed-refs.lock", scratch.state + "/repositories/r1.deleting")
        // As it is when the daemon and its git are killed in the middle.
        try scratch.write(note, "\(ref)\n", in: "")
        try scratch.write(file, "", in: "")
        // Its maker may still be about to end.
        #expect(try gitError { try repository.clearCandidate(of: .t1) }.isPassing)
        #expect(GitFiles.line(note) == ref && GitFiles.exists(file))
        age(note, by: 20)
        age(file, by: 10)
        try repository.clearCandidate(of: .t1)
        #expect(try repository.resolve(ref) == nil)
        #expect(!GitFiles.exists(file) && !GitFiles.exists(note))
        // Without a note of before it is anybody's.
        try scratch.write(file, "", in: "")
        age(file, by: 10)
        #expect(try gitError { try repository.clearCandidate(of: .t1) }.lockInTheWay == file)
        #expect(GitFiles.exists(file))
    }
}

/// What another thread comes to.
private final class Box<Value: Sendable>: @unchecked Sendable {
    // Written before the semaphore is signalled, read after it was waited for.
    private var result: Result<Value, any Error>?
    private let isFilled = DispatchSemaphore(value: 0)

    func fill(_ body: () throws -> Value) {
        result = Result { try body() }
        isFilled.signal()
    }

    func wait() throws -> Value {
        isFilled.wait()
        return try result!.get()
    }
}
