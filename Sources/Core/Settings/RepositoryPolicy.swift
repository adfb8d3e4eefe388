/// What the configuration of a repository says; what it does not is the user's to say.
public struct RepositoryPolicy: Hashable, Codable, Sendable {
    /// The branch tickets land on; the one HEAD names if nil.
    public var targetBranch: String?
    /// How many agents may work on it at once; any number if nil.
    public var agents: Int?
    /// What prepares a fresh worktree.
    public var setup: Setup?
    /// What judges a tree, in this order, quick ones first.
    public var verifiers: [Verifier] = []
    /// gitignore patterns, from the top, of what stays in a verification slot's checkout from one tree to the next.
    public var caches: [String] = []
    public var choices = PolicyChoices()
    public var snapshot = SnapshotPolicy()

    public init() {}
}

/// What snapshots hold beside what git would add.
public struct SnapshotPolicy: Hashable, Codable, Sendable {
    /// Patterns, as those of git's `:(glob)` from the top, of ignored files to keep.
    public var ignored: [String] = []

    public init() {}
}

/// What prepares a fresh worktree.
public struct Setup: Hashable, Codable, Sendable {
    /// The program and its arguments; empty when there is only something to copy.
    public var command: [String]
    /// Paths, relative to the root, of untracked files that are copied from the user's checkout.
    public var copy: [String]
    public var timeout: Duration
    /// Files and folders that decide what the command does: from the root of the tree, absolute, or from `~/`. Nil where
    /// that may be anything in the tree.
    public var inputs: [String]?

    public static let defaultTimeout = Duration.seconds(10 * 60)

    public init(
        command: [String] = [],
        copy: [String] = [],
        timeout: Duration = Self.defaultTimeout,
        inputs: [String]? = nil
    ) {
        self.command = command
        self.copy = copy
        self.timeout = timeout
        self.inputs = inputs
    }
}

/// A command that judges a tree by its exit status.
public struct Verifier: Hashable, Codable, Sendable {
    public var name: String
    /// The program and its arguments; never empty.
    public var command: [String]
    public var timeout: Duration
    /// Whether it runs ahead of those that are not, to fail early.
    public var quick: Bool
    /// Files and folders outside of the tree that decide its outcome: absolute, or from `~/`.
    public var inputs: [String] {
        get { outerInputs ?? [] }
        set { outerInputs = newValue.isEmpty ? nil : newValue }
    }
    /// Absent from what was stored before there were any.
    private var outerInputs: [String]?

    public static let defaultTimeout = Duration.seconds(10 * 60)

    public init(
        name: String,
        command: [String],
        timeout: Duration = Self.defaultTimeout,
        quick: Bool = false,
        inputs: [String] = []
    ) {
        self.name = name
        self.command = command
        self.timeout = timeout
        self.quick = quick
        self.inputs = inputs
    }
}
