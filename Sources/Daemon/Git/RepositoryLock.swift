import Glibc

/// The right to change one repository: a `flock` held by this process and by every git it is given to.
///
/// A git that outlives the daemon keeps the lock until it ends, so that the next daemon's first change waits for it.
/// It is never unlocked, only closed: unlocking would release it for the children that still hold it too.
struct RepositoryLock {
    let descriptor: Int32

    /// How long an earlier git may go on before the operation gives up.
    static let patience: Duration = .seconds(60)

    /// Runs `body` while holding the lock at `path`.
    ///
    /// - Throws: `GitError.Kind.busy` when someone else holds it for longer than `patience`, and what `body` throws.
    static func hold<Result>(
        _ path: String,
        for operation: String,
        patience: Duration = patience,
        _ body: (RepositoryLock) throws -> Result
    ) throws -> Result {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GitError(.failed, operation, "cannot open the lock \(path): \(GitFiles.reason())")
        }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + patience
        var pause: UInt32 = 500
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw GitError(.failed, operation, "cannot lock \(path): \(GitFiles.reason())")
            }
            guard ContinuousClock.now < deadline else {
                throw GitError(
                    .busy,
                    operation,
                    "an earlier git of orch's still works on this repository; see who holds \(path) with fuser"
                )
            }
            usleep(pause)
            pause = min(pause * 2, 50000)
        }
        return try body(RepositoryLock(descriptor: descriptor))
    }
}
