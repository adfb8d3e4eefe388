/// Who lets a verified ticket land.
public enum ApprovalPolicy: String, CaseIterable, Codable, Sendable {
    case human, auto
}

/// What happens to a ticket that changed paths outside its locks.
public enum LockViolation: String, CaseIterable, Codable, Sendable {
    /// It goes to a human.
    case block
    /// It takes the locks it lacks where they are free, and waits for them where they are held.
    case claim
    /// It lands, and an event says so.
    case warn
}

/// What a ticket becomes on the target branch.
public enum LandingMethod: String, CaseIterable, Codable, Sendable {
    /// One commit.
    case squash
    /// Its own commits, each made anew on top of the target; one where that cannot be.
    case rebase
    /// A merge of its branch.
    case merge
}

/// Which verifiers have to pass on the tree that lands.
public enum LandingVerification: String, CaseIterable, Codable, Sendable {
    case all
    /// The quick ones; all, where none is.
    case quick
}

/// The part of a policy that users and repositories may both choose; nil where one says nothing.
public struct PolicyChoices: Hashable, Codable, Sendable {
    public var approve: ApprovalPolicy?
    public var lockViolation: LockViolation?
    public var maxFixAttempts: Int?
    public var approvalTimeLimit: Duration?
    public var landing = Landing()

    public struct Landing: Hashable, Codable, Sendable {
        public var parallel: Int?
        public var method: LandingMethod?
        public var verify: LandingVerification?
        /// A `MessageTemplate`.
        public var message: String?
        /// Repositories only.
        public var push: PushPolicy?

        public init() {}
    }

    public init() {}
}

/// What holds for a repository, everything said.
public struct Policy: Hashable, Codable, Sendable {
    public var approve = ApprovalPolicy.human
    public var lockViolation = LockViolation.block
    /// How often an agent gets to repair what verifiers found.
    public var maxFixAttempts = 2
    /// How old a human's approval may be when the landing begins; any age if nil.
    public var approvalTimeLimit: Duration?
    public var landing = Landing()
    public var targetBranch: String?
    /// How many agents may work on the repository at once; any number if nil.
    public var agents: Int?
    public var setup: Setup?
    public var verifiers: [Verifier] = []
    /// See `RepositoryPolicy.caches`.
    public var caches: [String] {
        get { keptInSlots ?? [] }
        set { keptInSlots = newValue.isEmpty ? nil : newValue }
    }
    /// Absent from what was stored before there were any.
    private var keptInSlots: [String]?

    public struct Landing: Hashable, Codable, Sendable {
        /// How many candidates are verified at a time, each on top of those ahead of it.
        public var parallel = 1
        public var method = LandingMethod.squash
        public var verify = LandingVerification.all
        /// A `MessageTemplate`.
        public var message: String {
            get { ownMessage ?? MessageTemplate.standard }
            set { ownMessage = newValue == MessageTemplate.standard ? nil : newValue }
        }
        /// Absent from what was stored before there were any.
        private var ownMessage: String?
        /// Where the target is pushed after a landing; nowhere if nil.
        public var push: PushPolicy?

        public init() {}
    }

    /// The defaults.
    public init() {}

    /// The repository's value, else the user's, else the default; but a human approves where the user insists.
    public init(user: UserSettings, repository: RepositoryPolicy) {
        for choices in [user.choices, repository.choices] {
            approve = choices.approve ?? approve
            lockViolation = choices.lockViolation ?? lockViolation
            maxFixAttempts = choices.maxFixAttempts ?? maxFixAttempts
            approvalTimeLimit = choices.approvalTimeLimit ?? approvalTimeLimit
            landing.parallel = choices.landing.parallel ?? landing.parallel
            landing.method = choices.landing.method ?? landing.method
            landing.verify = choices.landing.verify ?? landing.verify
            landing.message = choices.landing.message ?? landing.message
        }
        if user.approvalFloor { approve = .human }
        landing.push = repository.choices.landing.push
        targetBranch = repository.targetBranch
        agents = repository.agents
        setup = repository.setup
        verifiers = repository.verifiers
        caches = repository.caches
    }
}
