/// A registered repository: what orch remembers about it between decisions.
public struct Repository: Equatable, Sendable, Codable {
    public let id: RepositoryID
    public var path: String
    /// The branch tickets land on.
    public var target: String
    /// The target branch as orch last left or saw it.
    public var tip: ObjectID?
    /// The digests of `.orch/` a human has accepted.
    public var trusted: Set<String>
    /// What its remote has yet to get; nil where it has all it is to have.
    public internal(set) var push: Push?
    /// How many agents may work on it at once, as its target last said; any number if nil.
    public var agents: Int?
    /// Tickets that are approved, in the order they land.
    public var landingQueue: [TicketID]
    /// The verification slots in use, by number from 0.
    public var verifying: [Int: TicketID]
    /// Tickets that wait for a verification slot, first come first served.
    public var waitingToVerify: [TicketID]

    public init(id: RepositoryID, path: String, target: String, tip: ObjectID? = nil, trusted: Set<String> = []) {
        self.id = id
        self.path = path
        self.target = target
        self.tip = tip
        self.trusted = trusted
        landingQueue = []
        verifying = [:]
        waitingToVerify = []
    }

    func trusts(_ rules: Rules) -> Bool { !rules.executes || trusted.contains(rules.digest) }
}
