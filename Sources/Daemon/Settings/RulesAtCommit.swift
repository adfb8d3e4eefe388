import Core

extension Rules {
    /// What holds at a commit of the target branch: its `.orch/config.json`, and the user's where it says nothing.
    /// With no verifier configured, the branch's `ci.sh` is one. A configuration that cannot be read is a problem to be
    /// shown, never taken for an empty one.
    ///
    /// - Parameter told: what the `ci.sh` is told.
    init(_ files: PolicyFiles, user: UserSettings, ciScript told: [String] = []) {
        var repository = RepositoryPolicy()
        var problem: String?
        if let bytes = files.configuration {
            do { repository = try RepositoryFile.parse(bytes) } catch {
                problem = "the repository's configuration cannot be used: \(error)"
            }
        }
        var policy = Policy(user: user, repository: repository)
        if policy.verifiers.isEmpty, problem == nil, let script = files.ciScript {
            let command = script.isExecutable ? ["./ci.sh"] : ["sh", "./ci.sh"]
            policy.verifiers = [Verifier(name: "ci", command: command + told)]
        }
        self.init(digest: files.digest, policy: policy, problem: problem)
    }
}
