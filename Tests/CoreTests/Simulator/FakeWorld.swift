import Core

/// What orch acts on, in memory: repositories, worktrees, checkouts and runs. It survives the daemon's crashes.
///
/// It refuses with a `Violation` whatever orch must never ask for or do.
struct FakeWorld {
    /// Paths and what is in them. Contents are numbers.
    typealias Files = [String: Int]

    struct Commit {
        let parent: ObjectID?
        let files: Files
    }

    /// A repository.
    struct Place {
        var tip: ObjectID
        /// The user has the target checked out, with changes in the way of a landing.
        var isDirty = false
        var checkouts: [Int: Checkout] = [:]
        /// The digests a human has accepted.
        var trusted: Set<String>
        /// Every commit the target ever pointed to.
        var history: [ObjectID]
        /// Those of them that orch did not make.
        var foreign: Set<ObjectID> = []
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
        var head: ObjectID
        var uncommitted: Files?
    }

    /// What a runner keeps in a run's folder.
    struct Run {
        let order: RunOrder
        let repository: RepositoryID
        var outcome: RunOutcome?
        var executions = 0
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
    }

    var places: [RepositoryID: Place] = [:]
    var commits: [ObjectID: Commit] = [:]
    var worktrees: [TicketID: Worktree] = [:]
    var runs: [RunID: Run] = [:]
    var snapshots: [TicketID: Set<Int>] = [:]
    var passes: Set<Pass> = []
    var approved: Set<Word> = []
    /// How often each ticket has landed.
    var landings: [TicketID: Int] = [:]
    var operations: [Operation] = []
    /// The runs whose end the daemon of now will hear of.
    var watched: Set<RunID> = []
    /// Whether things go wrong.
    var failures = true
    var bugs: Set<WorldBug> = []
    private var trees: [Files: ObjectID] = [:]

    /// Mistakes of the shell that touch the world.
    enum WorldBug: Hashable {
        /// The target is moved without looking where it is.
        case noCompareAndSwap
        /// A run that is asked for again is executed again.
        case runExecutedAgain
    }

    // MARK: commits and trees

    static let paths = [
        "src/a/one.txt", "src/a/two.txt", "src/b/one.txt", "src/b/two.txt", "docs/guide.md", "ci.sh", Self.config,
    ]
    static let config = ".orch/config.json"

    mutating func commit(_ files: Files, parent: ObjectID?) -> ObjectID {
        let id = ObjectID("c\(commits.count + 1)")
        commits[id] = Commit(parent: parent, files: files)
        return id
    }

    mutating func tree(_ files: Files) -> ObjectID {
        if let known = trees[files] { return known }
        let id = ObjectID("t\(trees.count + 1)")
        trees[files] = id
        return id
    }

    func files(_ commit: ObjectID) -> Files { commits[commit]!.files }

    static func difference(_ a: Files, _ b: Files) -> [String] {
        Set(a.keys).union(b.keys).filter { a[$0] != b[$0] }.sorted()
    }

    mutating func addPlace(_ id: RepositoryID, config: Int) -> ObjectID {
        let tip = commit([Self.config: config, "src/a/one.txt": 1, "src/b/one.txt": 1], parent: nil)
        places[id] = Place(tip: tip, trusted: [Self.rules(config).digest], history: [tip])
        return tip
    }

    // MARK: rules, by what the configuration file holds

    static let configurations = 7

    static func rules(_ files: Files) -> Rules { rules(files[config] ?? 0) }

    static func rules(_ config: Int) -> Rules {
        let test = Verifier(name: "test", command: ["./ci.sh"])
        let smoke = Verifier(name: "smoke", command: ["smoke"], quick: true)
        var policy = Policy()
        policy.approve = .auto
        policy.verifiers = [test]
        switch config % configurations {
        case 0: break
        case 1: policy.approve = .human
        case 2: policy.verifiers = [test, smoke]
        case 3: policy.setup = Setup(command: ["make", "deps"])
        case 4: policy.verifiers = []
        case 5: policy.lockViolation = .warn
        default: return Rules(digest: "rules-\(config)", policy: policy, problem: "config.json cannot be read")
        }
        return Rules(digest: "rules-\(config)", policy: policy)
    }

    /// What a verifier says of a tree. Some files are bad by themselves, some only together.
    static func passes(_ files: Files, _ verifier: Verifier) -> Bool {
        let contents = files.filter { $0.key != config }.map(\.value)
        if contents.contains(where: { $0 % 9 == 8 }) { return false }
        guard verifier.name == "smoke" else { return true }
        return ((files["src/a/one.txt"] ?? 0) + (files["src/b/one.txt"] ?? 0)) % 7 != 6
    }
}

extension Effect {
    var ticket: TicketID {
        switch self {
        case .prepareWorktree(let id), .collectWork(let id, _), .takeSnapshot(let id, _), .buildCandidate(let id),
            .prepareCheckout(let id, _, _), .concludeVerification(let id, _, _, _), .advanceTarget(let id, _),
            .tidy(let id, _):
            id
        case .startRun(let run, _), .stopRun(let run): run.ticket
        }
    }

    /// The verification slot it works in.
    var slot: Int? {
        switch self {
        case .prepareCheckout(_, _, let slot), .concludeVerification(_, _, let slot, _): slot
        case .startRun(_, .verifier(_, let slot, _)): slot
        case .prepareWorktree, .startRun, .stopRun, .collectWork, .takeSnapshot, .buildCandidate, .advanceTarget, .tidy:
            nil
        }
    }
}
