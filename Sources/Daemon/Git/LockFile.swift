import CSystem
import Core
import Glibc

/// A lock file of git's. A git makes it for the moment in which it changes what the file is named after; one that dies
/// leaves it behind, and nothing in it says whose it was.
struct LockFile {
    let path: String
    /// When it was made, or last written to.
    let made: timespec

    /// Nil when there is none.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.path = path
        made = status.st_mtim
    }

    /// Why what needs `worktree` waits, and what a person can do.
    func sentence(in worktree: String, _ gitDirectory: String) -> String {
        let since = Timestamp.text(Instant(milliseconds: Int64(made.tv_sec) * 1000))
        if GitProcesses.isGitAtWork(in: [worktree, gitDirectory], on: path, unseen: false) {
            return "a git command is at work in \(worktree) and holds \(path) since \(since)"
        }
        return "\(path) has been there since \(since), and no git command is at work in \(worktree) any more; "
            + "if nobody is about to go on there, remove that file"
    }

    /// In whole seconds.
    var age: Int { time(nil) - made.tv_sec }

    /// Whether it was made after the file `note` was written; false where there is no such file.
    func isNewer(than note: String) -> Bool {
        var written = stat()
        return stat(note, &written) == 0
            && (made.tv_sec, made.tv_nsec) >= (written.st_mtim.tv_sec, written.st_mtim.tv_nsec)
    }

    /// How old a lock without a living owner is before it counts as left behind.
    static let settledAfter = 5

    /// Whether it was left by a git of orch's that was changing `worktree` and is dead.
    ///
    /// The caller holds the repository's lock, so no git of orch's is alive. What was made after orch noted its
    /// intention, and belongs to no git alive, is orch's.
    ///
    /// - Parameter note: the file that says what orch was about to do.
    func wasLeft(after note: String, in worktree: String, _ gitDirectory: String) -> Bool {
        guard isNewer(than: note), age >= Self.settledAfter else { return false }
        return !GitProcesses.isGitAtWork(in: [worktree, gitDirectory], on: path, unseen: true)
    }
}
