import Glibc

/// A linked worktree as git keeps it: a folder, and an administrative directory in the repository that points at it.
///
/// The folder's `.git` file is within reach of whoever works there, so it is never believed: the administrative
/// directory is found from the repository's side.
struct LinkedCheckout {
    let path: String
    /// `<common>/worktrees/<name>`: HEAD, index and reflog of this worktree.
    let gitDirectory: String

    /// git began to make it and did not finish.
    var isHalfMade: Bool {
        if let reason = GitFiles.line("\(gitDirectory)/locked"), reason.hasPrefix("initializing") { return true }
        return !GitFiles.exists("\(gitDirectory)/index")
    }

    /// The branch HEAD names (`refs/heads/…`); nil when it is detached or cannot be read.
    var headRef: String? {
        guard let head = GitFiles.line("\(gitDirectory)/HEAD"), head.hasPrefix("ref: ") else { return nil }
        return String(head.dropFirst(5))
    }

    /// git's environment for this worktree and no other.
    var environment: [String: String] { ["GIT_DIR": gitDirectory, "GIT_WORK_TREE": path] }

    /// Whether the folder's `.git` leads where it should, which git wants of a worktree that it removes.
    var isLinked: Bool {
        let (file, word) = ("\(path)/.git", "gitdir: ")
        guard !GitFiles.isDirectory(file), let line = GitFiles.line(file), line.hasPrefix(word) else { return false }
        let target = String(line.dropFirst(word.utf8.count))
        let directory = GitFiles.canonical(target.hasPrefix("/") ? target : "\(path)/\(target)")
        return directory != nil && directory == GitFiles.canonical(gitDirectory)
    }

    /// Removes the locks that a killed git left here. Only for checkouts of orch's in which nothing runs any more.
    func clearStaleLocks() {
        for name in ["index.lock", "HEAD.lock"] { unlink("\(gitDirectory)/\(name)") }
    }
}

extension GitRepository {
    /// The linked worktree at `path`, if git knows one.
    func linkedCheckout(at path: String) -> LinkedCheckout? {
        let folder = "\(commonDirectory)/worktrees"
        let name = GitFiles.name(of: path)
        // git names the directory after the worktree's folder, with a number behind it only when that is taken.
        for candidate in [name] + GitFiles.names(in: folder).filter({ $0 != name }) {
            guard var link = GitFiles.line("\(folder)/\(candidate)/gitdir") else { continue }
            if !link.hasPrefix("/") { link = GitFiles.canonical("\(folder)/\(candidate)/\(link)") ?? link }
            if link == path + "/.git" {
                return LinkedCheckout(path: path, gitDirectory: "\(folder)/\(candidate)")
            }
        }
        return nil
    }

    /// `path` with its folder's links resolved; it must be a direct member of orch's `folder`.
    func owned(_ path: String, in folder: String, for operation: String) throws(GitError) -> String {
        let root = "\(stateDirectory)/\(folder)"
        try GitFiles.makeDirectory(root, for: operation)
        let name = GitFiles.name(of: path)
        guard !name.isEmpty, name != ".", name != "..",
            let parent = GitFiles.canonical(GitFiles.parent(of: path)), parent == GitFiles.canonical(root)
        else { throw GitError(.notOurs, operation, "\(path) is not in orch's folder \(root)") }
        return "\(parent)/\(name)"
    }

    /// Removes the lock that a killed git left on a ref.
    ///
    /// Only for refs that nobody but orch writes at the time: with the repository's lock held, no git of orch's can
    /// have it.
    func clearStaleLock(of ref: String) { unlink("\(commonDirectory)/\(ref).lock") }

    /// Removes the locks of a worktree whose agent has ended, so that nobody holds them any more: the next one's git would
    /// fail on them.
    func clearLocksOfAgents(in worktree: Worktree) {
        worktree.checkout.clearStaleLocks()
        clearStaleLock(of: "refs/heads/\(worktree.branch)")
    }

    /// Puts aside what an interrupted `git worktree add` left, folder and administrative directory both.
    ///
    /// Only for paths whose making orch noted and never finished; nothing is deleted.
    func clearHalfMade(_ path: String, for operation: String) throws(GitError) {
        if GitFiles.exists(path) {
            let why = "its making was cut short"
            _ = try GitFiles.moveToTrash(path, "\(stateDirectory)/trash", because: why, for: operation)
        }
        var directory = linkedCheckout(at: path)?.gitDirectory
        let named = "\(commonDirectory)/worktrees/\(GitFiles.name(of: path))"
        if directory == nil, !GitFiles.exists("\(named)/gitdir"), GitFiles.exists("\(named)/locked") {
            directory = named
        }
        if let directory {
            // Beside the repository, as the state directory may be on another file system.
            let why = "the making of its worktree was cut short"
            _ = try GitFiles.moveToTrash(directory, "\(commonDirectory)/orch/trash", because: why, for: operation)
        }
    }

    /// A checkout of orch's own, detached at `commit`, made if there is none that works.
    ///
    /// It holds exactly the commit's tracked files when this returns, all of them, however sparse the user's checkout
    /// is; other files in it are left alone.
    func ownCheckout(_ path: String, at commit: String, lock: RepositoryLock, for operation: String) throws(GitError)
        -> LinkedCheckout
    {
        let whole = ["-c", "core.sparseCheckout=false"]
        if let checkout = linkedCheckout(at: path), !checkout.isHalfMade, GitFiles.exists(path + "/.git") {
            checkout.clearStaleLocks()
            let move = whole + ["checkout", "--quiet", "--detach", "--force", commit]
            do {
                _ = try run(move, in: path, environment: checkout.environment, lock: lock, for: operation)
                return checkout
            } catch {
                guard error.kind == .failed, try resolve(commit) != nil else { throw error }
                // Whatever is wrong with it, orch made it and nothing in it is anyone's work: make another.
            }
        }
        try clearHalfMade(path, for: operation)
        let add = whole + ["worktree", "add", "--quiet", "--detach", path, commit]
        _ = try run(add, lock: lock, for: operation)
        guard let checkout = linkedCheckout(at: path) else {
            throw GitError(.failed, operation, "git made no worktree at \(path)")
        }
        return checkout
    }
}
