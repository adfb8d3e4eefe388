/// What a user has configured, on top of the defaults.
public struct UserSettings: Hashable, Codable, Sendable {
    /// How many agents work at a time.
    public var agents = 3
    /// The profile of tickets that name none; see `profile(named:)`.
    public var defaultProfile: String?
    public var profiles: [String: AgentProfile] = [:]
    /// What precedes `T-7-avatar-upload` in a branch's name; `{agent}` stands for `agent-1`.
    public var branchPrefix = "{agent}/"
    /// Which ports each agent has for itself.
    public var ports = Ports()
    /// How many verifiers run at a time.
    public var verificationSlots = 2
    /// How many worktrees of each repository are made ahead, for its next tickets.
    public var warmWorktrees = 0
    /// What the machine must have left for another ticket to start.
    public var admission = Admission()
    public var locks = Locks()
    public var durability = Durability.full
    /// What holds the processes of a run together.
    public var containment = ContainmentChoice.auto
    /// What one run may take up.
    public var limits = RunLimits()
    /// What agents may use.
    public var budgets = Budgets()
    /// What the tokens of models cost, for agents that do not say.
    public var prices: [Price] = []
    /// Values that are redacted from whatever is stored or told.
    public var secrets: [SecretSource] = []
    /// A human approves every landing, whatever a repository says.
    public var approvalFloor = false
    /// What holds for repositories that do not say.
    public var choices = PolicyChoices()

    public struct Locks: Hashable, Codable, Sendable {
        /// How long a ticket that waits for a human keeps its locks.
        public var reviewHold = Duration.seconds(24 * 60 * 60)
        /// Whether `locks.json` on the branch `orch/locks` of each repository tells of them, and is listened to.
        public var mirror = true

        public init() {}
    }

    public init() {}

    /// The name of the profile for a ticket that names one, or none: then the default, else the only one there is.
    /// Nil when there is no such profile.
    public func profileName(for named: String?) -> String? {
        let name = named ?? defaultProfile ?? (profiles.count == 1 ? profiles.first?.key : nil)
        return name.flatMap { profiles[$0] == nil ? nil : $0 }
    }
}

/// What has to survive a loss of power.
public enum Durability: String, CaseIterable, Codable, Sendable {
    /// Every answered command, and every commit orch makes.
    case full
    /// All but the last moments; faster.
    case normal
}
