public import Core
import Glibc

/// orch's mark in a repository's git directory: which of orch's it is, and where it was. It goes with the repository
/// when that is moved, and so tells a repository that was moved from one that is new.
struct RepositoryClaim: Equatable {
    /// The state directory of the orch that knows it.
    var stateDirectory: String
    var id: RepositoryID
    /// The top of its checkout when it was last used.
    var path: String

    private static func file(_ commonDirectory: String) -> String { "\(commonDirectory)/orch/repository" }

    /// Nil when there is none that can be read.
    init?(in commonDirectory: String) {
        // A path may hold line ends, an id may not.
        guard let bytes = GitFiles.read(Self.file(commonDirectory)) else { return nil }
        let fields = bytes.split(separator: 0, omittingEmptySubsequences: false).map { Git.text($0) }
        guard fields.count == 4, fields[3].isEmpty, !fields[1].isEmpty else { return nil }
        self.init(stateDirectory: fields[0], id: RepositoryID(fields[1]), path: fields[2])
    }

    init(stateDirectory: String, id: RepositoryID, path: String) {
        self.stateDirectory = stateDirectory
        self.id = id
        self.path = path
    }

    fileprivate func write(in commonDirectory: String, for operation: String) throws(GitError) {
        try GitFiles.makeDirectory(GitFiles.parent(of: Self.file(commonDirectory)), for: operation)
        let bytes = [stateDirectory, id.text, path].flatMap { text -> [UInt8] in Array(text.utf8) + [0] }
        try GitFiles.write(bytes, to: Self.file(commonDirectory), for: operation)
    }
}

extension GitRepository {
    /// The id under which this orch knows the repository from another path, at which it is no longer. Nil for one that
    /// is where it was, for a copy of one that is, and for one that orch does not know.
    public var movedFrom: RepositoryID? {
        guard let claim = RepositoryClaim(in: commonDirectory), claim.stateDirectory == stateDirectory,
            claim.path != topLevel, RepositoryClaim(in: claim.path + "/.git")?.id != claim.id
        else { return nil }
        return claim.id
    }

    /// Marks the repository as the one orch knows by this id. One that was moved is mended: its worktrees point at where
    /// it was.
    func claim() throws {
        let operation = "open the repository at \(topLevel)"
        let wanted = RepositoryClaim(stateDirectory: stateDirectory, id: id, path: topLevel)
        let present = RepositoryClaim(in: commonDirectory)
        guard present != wanted else { return }
        try locked(operation) { lock in
            if movedFrom == id {
                _ = try run(["worktree", "repair"], in: topLevel, environment: [:], lock: lock, for: operation)
            }
            try wanted.write(in: commonDirectory, for: operation)
        }
    }
}
