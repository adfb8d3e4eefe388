/// What holds for a repository at one commit of its target branch: its own policy, the user's where it says nothing,
/// and the digest by which what it asks orch to execute is trusted.
///
/// The shell reads the rules together with every worktree and every candidate it makes, so that a decision always
/// rests on those of the commit it is about.
public struct Rules: Equatable, Sendable, Codable {
    /// Names what the repository's `.orch/` holds at that commit.
    public var digest: String
    public var policy: Policy
    /// Why the repository's configuration cannot be used, in one sentence; nothing starts and nothing lands then.
    public var problem: String?

    public init(digest: String, policy: Policy, problem: String? = nil) {
        self.digest = digest
        self.policy = policy
        self.problem = problem
    }

    /// The command that prepares a fresh worktree.
    public var setup: Setup? { policy.setup.flatMap { $0.command.isEmpty ? nil : $0 } }

    /// The verifiers that judge what lands, in the order they run: quick ones first, otherwise as written.
    public var verifiers: [Verifier] {
        let quick = policy.verifiers.filter(\.quick)
        return isRelaxed ? quick : quick + policy.verifiers.filter { !$0.quick }
    }

    /// Whether something lands that not every verifier has passed. Where none is quick, all of them have to.
    public var isRelaxed: Bool {
        policy.landing.verify == .quick && Set(policy.verifiers.map(\.quick)).count == 2
    }

    /// What runs on a tree, in order: the setup, where there is one, then the verifiers. A fresh checkout is one to be set
    /// up, and a tree that cannot be is not a good one.
    public var checks: [Verifier] {
        let first = setup.map { Verifier(name: "setup", command: $0.command, timeout: $0.timeout) }
        return (first.map { [$0] } ?? []) + verifiers
    }

    /// Whether they ask orch to execute something, or to send something somewhere, that has to be trusted.
    public var executes: Bool { setup != nil || !policy.verifiers.isEmpty || policy.landing.push != nil }

    /// Tells one set of verifiers from another: a tree that passed is known good only under the same ones.
    public var fingerprint: String {
        digest + checks.map { "\u{1F}" + ([$0.name] + $0.command).joined(separator: "\u{1E}") }.joined()
    }

    /// The paths among `paths` that change what verification means; they need a human even under `approve: auto`.
    public func sensitivePaths(among paths: [String]) -> [String] {
        let named = Set(policy.verifiers.flatMap(\.command).map { $0.hasPrefix("./") ? String($0.dropFirst(2)) : $0 })
        return paths.filter { $0 == ".orch" || $0.hasPrefix(".orch/") || $0 == "ci.sh" || named.contains($0) }
    }
}
