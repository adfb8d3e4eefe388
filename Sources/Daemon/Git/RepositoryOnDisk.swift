import Core

/// A repository as it is found on disk, before it is registered.
struct RepositoryOnDisk: Sendable {
    let path: String
    /// The branch its tickets land on.
    let target: String
    let tip: ObjectID
    /// What its `.orch/` holds on the target branch.
    let digest: String
    /// How many agents may work on it, as the target branch says.
    let agents: Int?
    /// The id it is known by from a path where it is no longer.
    let moved: RepositoryID?

    /// Opens the repository that holds `path`, by its main checkout: its linked worktrees share branches with it, and
    /// would otherwise count as repositories of their own with a second landing queue for the same branch.
    ///
    /// - Throws: `GitError` when there is none that orch can work on, or the branch to land on is not clear.
    init(_ path: String, stateDirectory: String, git: Git) throws {
        let repository = try Self.mainCheckout(of: path, stateDirectory: stateDirectory, git: git)
        target = try Self.targetBranch(of: repository)
        guard let tip = try repository.targetTip(target) else {
            throw GitError(
                .notFound,
                "register \(repository.topLevel)",
                "there is no branch \(target) in it; set \"targetBranch\" in .orch/config.json, and commit that"
            )
        }
        self.tip = ObjectID(tip)
        self.path = repository.topLevel
        moved = repository.movedFrom
        let files = try repository.policyFiles(at: tip)
        digest = files.digest
        agents = files.configuration.flatMap { try? RepositoryFile.parse($0) }?.agents
    }

    private static func mainCheckout(of path: String, stateDirectory: String, git: Git) throws -> GitRepository {
        func open(_ path: String) throws -> GitRepository {
            try GitRepository.open(path, id: RepositoryID("unregistered"), stateDirectory: stateDirectory, git: git)
        }
        let found = try open(path)
        guard GitFiles.name(of: found.commonDirectory) == ".git" else { return found }
        let main = GitFiles.parent(of: found.commonDirectory)
        return main == found.topLevel ? found : try open(main)
    }

    /// A repository without any `.orch/` asks for nothing, and is trusted in that. `digests` are accepted besides, such
    /// as that of an `.orch/` about to be committed.
    func asked(trusting: Bool, digests: [String] = []) -> Input {
        let present = trusting || digest == "none" ? [digest] : []
        return .repositoryAsked(
            path: path,
            target: target,
            tip: tip,
            trusted: Set(present + digests),
            moved: moved,
            agents: agents
        )
    }

    /// The branch that the configuration at HEAD names, else the one HEAD is on.
    private static func targetBranch(of repository: GitRepository) throws -> String {
        if let head = try repository.resolve("HEAD"),
            let bytes = try repository.policyFiles(at: head).configuration,
            let named = try? RepositoryFile.parse(bytes).targetBranch
        {
            return named
        }
        guard let branch = try repository.currentBranch() else {
            throw GitError(
                .unsupported,
                "register \(repository.topLevel)",
                "its HEAD is detached, so the branch to land on is not clear; "
                    + "check a branch out, or set \"targetBranch\" in .orch/config.json and commit that"
            )
        }
        return branch
    }
}
