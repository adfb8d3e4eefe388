import Core
import Glibc

/// Where git writes the objects of a snapshot of many files, before they go into the repository as one pack.
///
/// As files of their own in the repository each of them would be waited for until it is on the disk, and every later git
/// of the user's would have to look through them all. Here nothing is waited for, and nothing refers to anything: a
/// quarantine that was cut short is only to be removed. It lies among the repository's objects, so that a pack is moved
/// out of it by its name alone, and is called as git calls what its own `gc` takes away after two weeks.
struct ObjectQuarantine {
    /// With fewer files it is quicker to have each object on the disk by itself.
    static let threshold = 500
    /// So many files go into one pack of the quarantine: git compares each file with all before it.
    static let batch = 20_000

    let path: String
    private let objects: String

    /// Makes an empty one for a worktree.
    init(for worktree: Worktree, in repository: GitRepository, for operation: String) throws(GitError) {
        objects = "\(repository.commonDirectory)/objects"
        path = Self.path(for: worktree, in: repository)
        try GitFiles.makeDirectory(path, for: operation)
    }

    /// Removes what is there for a worktree, with all that is in it.
    static func clear(for worktree: Worktree, in repository: GitRepository) {
        let path = path(for: worktree, in: repository)
        if GitFiles.exists(path) { _ = FolderRemoval.remove(path) }
    }

    private static func path(for worktree: Worktree, in repository: GitRepository) -> String {
        "\(repository.commonDirectory)/objects/tmp_orch_\(GitFiles.name(of: worktree.gitDirectory))"
    }

    /// Has git write into the quarantine and find the repository's objects as well.
    var environment: [String: String] {
        [
            "GIT_OBJECT_DIRECTORY": path,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": Git.text(PathBytes.quoted(Array(objects.utf8))),
            // git takes a quarter of a megabyte for each file, and glibc would give it back to the kernel each time: half
            // of the time goes into that.
            "MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_TOP_PAD_": "16777216",
        ]
    }

    /// For a git that writes into it.
    static let settings = ["-c", "core.fsync=none"]
    /// Has git put a file into a pack, unless attributes ask for a change of it.
    static let packing = ["-c", "core.bigFileThreshold=0"]

    /// Moves what a tree needs from here into the repository, as one pack. What is not there at all, as in a partial
    /// clone, is not missed.
    var settling: [String] {
        [
            "-c", "core.fsync=committed,pack-metadata", "pack-objects", "--quiet", "--revs", "--local", "--non-empty",
            "--missing=allow-any", "--window=0", "--delta-base-offset", "\(packs)/pack",
        ]
    }

    /// Has the names of the repository's packs on the disk.
    func synchronize(for operation: String) throws(GitError) {
        guard GitFiles.synchronize(packs) || !GitFiles.exists(packs) else {
            throw GitError(.failed, operation, "cannot write \(packs): \(GitFiles.reason())")
        }
    }

    private var packs: String { "\(objects)/pack" }
}
