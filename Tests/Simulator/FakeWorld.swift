package import Core

/// What orch acts on, in memory: repositories, worktrees, checkouts and runs. It survives the daemon's crashes.
///
/// It refuses with a `Violation` whatever orch must never ask for or do.
package struct FakeWorld {
    /// Paths and what is in them. Contents are numbers.
    package typealias Files = [String: Int]

    struct Commit {
        let parent: ObjectID?
        let files: Files
        /// The ticket on whose branch it was made; nil for the user's own, and for candidates.
        let author: TicketID?
    }

    /// A repository.
    struct Place {
        var tip: ObjectID
        /// The user has the target checked out, with changes in the way of a landing.
        var isDirty = false
        /// It has been moved to where orch does not find it.
        var isGone = false
        /// A git of the user's is at work there.
        var isLocked = false
        var checkouts: [Int: Checkout] = [:]
        /// The digests a human has accepted.
        var trusted: Set<String>
        /// Every commit the target ever pointed to.
        var history: [ObjectID]
        /// Those of them that orch did not make.
        var foreign: Set<ObjectID> = []
        /// What its remote has of the target, and what that is to have at least.
        var pushed: ObjectID?
        var owed: ObjectID?
    }

    /// The working directory of a verification slot.
    struct Checkout {
        var candidate: Candidate
        var ticket: TicketID
        /// Tracked files that verifiers have changed.
        var changed: [String] = []
    }

    struct Worktree {
        var base: ObjectID
        var uncommitted: Files?
        /// A run has written since this was last saved, or since saving it was last tried.
        var isUnsaved = false
    }

    /// What a snapshot keeps of a worktree.
    struct Saved: Equatable {
        let head: ObjectID
        let files: Files
    }

    /// What a runner keeps in a run's folder, and the processes it looks after.
    struct Run {
        let order: RunOrder
        let repository: RepositoryID
        var outcome: RunOutcome?
        var executions = 0
        /// What its agent has used, and says so.
        var used = 0
        var isRunnerAlive = false
        /// Processes of its tree.
        var processes = 0
        /// Processes that have left its session, and carry its mark.
        var escaped = 0
        var isAlive: Bool { executions > 0 && outcome == nil }
    }

    /// A verifier that ended well on exactly these files.
    struct Pass: Hashable {
        let tree: ObjectID
        let verifier: Verifier
    }

    /// A human's word for one head of a ticket.
    struct Word: Hashable {
        let ticket: TicketID
        let head: ObjectID
    }

    /// An effect that has begun and whose outcome is still to come. Lost when the daemon crashes.
    struct Operation {
        let effect: Effect
        let repository: RepositoryID
        /// How many of its halves are done.
        var halves = 0
    }

    var places: [RepositoryID: Place] = [:]
    var commits: [ObjectID: Commit] = [:]
    /// Where the tickets' branches point.
    var branches: [TicketID: ObjectID] = [:]
    var worktrees: [TicketID: Worktree] = [:]
    /// What agents and users last left in each worktree, and what they committed: never to be lost.
    var written: [TicketID: Files] = [:]
    var authored: [TicketID: [ObjectID]] = [:]
    var snapshots: [TicketID: [Saved]] = [:]
    var runs: [RunID: Run] = [:]
    /// Those that have not ended.
    var unended: Set<RunID> = []
    var passes: Set<Pass> = []
    /// What the store knows to have passed.
    var knownPasses: [RepositoryID: Set<Proof>] = [:]
    var approved: Set<Word> = []
    /// The messages that an agent of each ticket has had in hand.
    var told: [TicketID: Set<Int>] = [:]
    /// How often each ticket has landed.
    var landings: [TicketID: Int] = [:]
    var operations: [Operation] = []
    /// What the daemon is sending to remotes. Lost when it crashes.
    var pushes: [PushOrder] = []
    /// The runs whose end the daemon of now will hear of.
    var watched: Set<RunID> = []
    /// Nothing can be written.
    var diskIsFull = false
    /// The daemon has given its reserve up, and there is no room to make it again.
    var reserveIsSpent = false
    /// The machine is short of something.
    package var isInNeed = false
    var coverage = Coverage()
    package var bugs: Set<Bug> = []
    private var trees: [Files: ObjectID] = [:]
    private var rulesRead: [Int: Rules] = [:]

    /// Mistakes of the shell that touch the world.
    package enum Bug: String, CaseIterable, Sendable {
        /// The target is moved without looking where it is.
        case noCompareAndSwap
        /// A landing that is asked for again is not looked for in the target's history.
        case landsAgain
        /// A run that is asked for again is executed again.
        case runExecutedAgain
        /// The end of a run leaves what has left its session alive.
        case escapedSurvive
        /// A run whose runner died is reported lost, and its tree goes on.
        case lostTreeSurvives
        /// The worktree of a final ticket is removed without a snapshot.
        case tidiedUnsaved
        /// Collecting that is asked for again starts from the last commit.
        case collectingStartsOver
    }

    // MARK: commits and trees

    static let paths = [
        "src/a/one.txt", "src/a/two.txt", "src/b/one.txt", "src/b/two.txt", "docs/guide.md", "ci.sh", Self.config,
    ]
    static let config = ".orch/config.json"

    mutating func commit(_ files: Files, parent: ObjectID?, author: TicketID? = nil) -> ObjectID {
        let id = ObjectID("c\(commits.count + 1)")
        commits[id] = Commit(parent: parent, files: files, author: author)
        if let author { authored[author, default: []].append(id) }
        return id
    }

    mutating func tree(_ files: Files) -> ObjectID {
        if let known = trees[files] { return known }
        let id = ObjectID("t\(trees.count + 1)")
        trees[files] = id
        return id
    }

    func files(_ commit: ObjectID) -> Files { commits[commit]!.files }

    /// What is in a ticket's worktree, committed or not.
    func contents(_ id: TicketID) -> Files? {
        guard let worktree = worktrees[id] else { return nil }
        return worktree.uncommitted ?? files(branches[id]!)
    }

    static func difference(_ a: Files, _ b: Files) -> [String] {
        Set(a.keys).union(b.keys).filter { a[$0] != b[$0] }.sorted()
    }

    mutating func addPlace(_ id: RepositoryID, config: Int) -> ObjectID {
        let tip = commit([Self.config: config, "src/a/one.txt": 1, "src/b/one.txt": 1], parent: nil)
        places[id] = Place(tip: tip, trusted: [rules(config).digest], history: [tip])
        return tip
    }

    // MARK: rules, by what the configuration file holds

    static let configurations = 7

    mutating func rules(_ files: Files) -> Rules { rules(files[Self.config] ?? 0) }

    mutating func rules(_ config: Int) -> Rules {
        if let known = rulesRead[config] { return known }
        let rules = Self.rulesHeld(by: config)
        rulesRead[config] = rules
        return rules
    }

    /// Whether tickets take the locks they lack there.
    func claims(in id: RepositoryID) -> Bool {
        Self.rulesHeld(by: files(places[id]!.tip)[Self.config] ?? 0).policy.lockViolation == .claim
    }

    static func digest(_ config: Int) -> String { "rules-\(config)" }

    private static func rulesHeld(by config: Int) -> Rules {
        let test = Verifier(name: "test", command: ["./ci.sh"])
        let smoke = Verifier(name: "smoke", command: ["smoke"], quick: true)
        var policy = Policy()
        policy.approve = .auto
        policy.verifiers = [test]
        switch config % configurations {
        case 0: break
        case 1: policy.approve = .human
        case 2:
            policy.verifiers = [test, smoke]
            policy.lockViolation = .claim
            policy.landing.push = PushPolicy(remote: "/elsewhere")
        case 3:
            policy.setup = Setup(command: ["make", "deps"])
            policy.lockViolation = .claim
        case 4: policy.verifiers = []
        case 5:
            policy.lockViolation = .warn
            policy.landing.push = PushPolicy(remote: "/remote")
            policy.agents = 1
        default: return Rules(digest: digest(config), policy: policy, problem: "config.json cannot be read")
        }
        return Rules(digest: digest(config), policy: policy)
    }

    /// What a verifier says of a tree. Some files are bad by themselves, some only together.
    static func passes(_ files: Files, _ verifier: Verifier) -> Bool {
        if files.contains(where: { $0.key != config && $0.value % 9 == 8 }) { return false }
        guard verifier.name == "smoke" else { return true }
        return ((files["src/a/one.txt"] ?? 0) + (files["src/b/one.txt"] ?? 0)) % 7 != 6
    }
}

extension Effect {
    package var ticket: TicketID {
        switch self {
        case .prepareWorktree(let id), .collectWork(let id, _), .takeSnapshot(let id, _), .buildCandidate(let id),
            .prepareCheckout(let id, _, _), .concludeVerification(let id, _, _, _), .advanceTarget(let id, _),
            .tidy(let id, _):
            id
        case .startRun(let run, _), .deliver(let run, _), .interrupt(let run), .answer(let run, _, _),
            .stopRun(let run):
            run.ticket
        }
    }

    /// The verification slot it works in.
    var slot: Int? {
        switch self {
        case .prepareCheckout(_, _, let slot), .concludeVerification(_, _, let slot, _): slot
        case .startRun(_, .verifier(_, let slot, _)): slot
        case .prepareWorktree, .startRun, .deliver, .interrupt, .answer, .stopRun, .collectWork, .takeSnapshot,
            .buildCandidate,
            .advanceTarget, .tidy:
            nil
        }
    }

    /// In how many steps the world does it; it can be cut between any two of them.
    var halves: Int {
        switch self {
        case .prepareWorktree, .startRun, .collectWork, .prepareCheckout, .advanceTarget, .stopRun: 2
        case .tidy: 3
        case .takeSnapshot, .buildCandidate, .concludeVerification, .deliver, .interrupt, .answer: 1
        }
    }
}
