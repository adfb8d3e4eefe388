import Glibc

/// The right to change one repository: a `flock` held by this process and by every git it is given to.
///
/// A git that outlives the daemon keeps the lock until it ends, so that the next daemon's first change waits for it.
/// It is never unlocked, only closed: unlocking would release it for the children that still hold it too.
struct RepositoryLock {
    let descriptor: Int32

    /// How long an earlier git may go on before the operation gives up.
    static let patience: Duration = .seconds(60)
    /// After this long somebody is told what is waited for.
    private static let silence: Duration = .seconds(1)

    /// Runs `body` while holding the lock at `path`.
    ///
    /// - Parameters:
    ///   - limit: how long a git of orch's may take at all. One that has nobody left to end it, is ended here.
    ///   - notice: is told what is waited for, if that takes a while.
    /// - Throws: `GitError.Kind.busy` when someone else holds it for longer than `patience`, and what `body` throws.
    static func hold<Result>(
        _ path: String,
        for operation: String,
        patience: Duration = patience,
        limit: Duration = Git.timeout,
        notice: (String) -> Void = { _ in },
        _ body: (RepositoryLock) throws -> Result
    ) throws -> Result {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GitError(.failed, operation, "cannot open the lock \(path): \(GitFiles.reason())")
        }
        defer { close(descriptor) }
        let began = ContinuousClock.now
        var isSaid = false
        var pause: UInt32 = 500
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw GitError(.failed, operation, "cannot lock \(path): \(GitFiles.reason())")
            }
            let waited = ContinuousClock.now - began
            if waited >= min(patience, silence) && !isSaid || waited >= patience {
                let holders = GitProcesses.holding(path)
                for holder in holders where holder.age >= limit { holder.kill() }
                let sentence = Self.sentence(holders)
                if !isSaid { notice("waits to \(operation): \(sentence)") }
                isSaid = true
                let isEnding = holders.contains { $0.age >= limit } && waited < patience + .seconds(10)
                guard waited < patience || isEnding else {
                    throw GitError(.busy, operation, "\(sentence); wait for its end, or kill it, and try again")
                }
            }
            usleep(pause)
            pause = min(pause * 2, 50000)
        }
        return try body(RepositoryLock(descriptor: descriptor))
    }

    /// Who is waited for.
    private static func sentence(_ holders: [GitProcesses.Process]) -> String {
        guard let holder = holders.first else { return "another git of orch's works on this repository" }
        return "an earlier git of orch's still works on this repository (pid \(holder.pid): \(holder.command))"
    }
}
