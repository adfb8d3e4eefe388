import Glibc

/// The folders of worktrees that are no longer worktrees and still have to be deleted: `<state>/worktrees/.removed`.
///
/// One comes here whole, by a rename, once all that is in it is in a snapshot, or is nothing but what git has put there.
/// Deleting takes as long as it takes, and needs no lock: what is here may go at any time, and whoever finds it deletes it.
struct RemovedWorktrees: Sendable {
    let folder: String
    private let trash: String

    init(stateDirectory: String) {
        let worktrees = "\(stateDirectory)/worktrees"
        folder = "\(GitFiles.canonical(worktrees) ?? worktrees)/.removed"
        trash = "\(stateDirectory)/trash"
    }

    /// Takes in the folder at `path`, in an instant: it is on the same file system.
    func take(_ path: String, for operation: String) throws(GitError) {
        // A link in its place would have something else deleted.
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST && GitFiles.isDirectory(folder) else {
            throw GitError(.failed, operation, "\(folder) cannot be made, or is no folder; remove what is there")
        }
        let destination = "\(folder)/\(GitFiles.name(of: path)).\(String(UInt64.random(in: .min ... .max), radix: 36))"
        guard rename(path, destination) == 0 else {
            throw GitError(.failed, operation, "cannot move \(path) to \(destination): \(GitFiles.reason())")
        }
    }

    /// Deletes what is here. What cannot be deleted goes to the trash.
    ///
    /// - Parameter notice: is told of what went there, or stays.
    func clear(notice: (String) -> Void) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        for name in GitFiles.names(in: folder) where !FolderRemoval.remove(name, in: descriptor) {
            do throws(GitError) {
                let (why, operation) = ("not all of it could be deleted", "remove a worktree that is in a snapshot")
                let place = try GitFiles.moveToTrash("\(folder)/\(name)", trash, because: why, for: operation)
                notice("a worktree that is in a snapshot could not be deleted; what is left of it is in \(place)")
            } catch {
                notice("\(error.message); it is in a snapshot, and may be deleted")
            }
        }
    }
}

extension GitRepository {
    /// Takes a worktree's folder out of the way, to be deleted by whoever clears `RemovedWorktrees`, and has git forget it.
    ///
    /// Only for one of which nothing can be lost. A folder that is gone already is fine.
    func discard(_ path: String, _ lock: RepositoryLock, for operation: String) throws(GitError) {
        if GitFiles.exists(path) { try RemovedWorktrees(stateDirectory: stateDirectory).take(path, for: operation) }
        FaultPoint.worktreeDiscarded.pass()
        // Without a folder this removes git's own directory of that worktree, and nothing else.
        _ = try run(["worktree", "remove", "--force", path], lock: lock, for: operation)
    }
}
