public import Core
import Dispatch
import Foundation
import Glibc
import IPC
import Synchronization

/// Judges one commit as the daemon judges what would land, and without one: in a checkout of orch's own, by the verifiers of
/// the target branch, each under a runner. What it makes lies apart from the daemon's, in `ci` of the state directory.
public struct CommitVerification {
    public struct Options: Sendable {
        public var paths: StatePaths
        public var user: UserSettings
        public var environment: [String: String]
        /// The orch-runner executable.
        public var runner: String
        public var redactor: Redactor

        public init(
            paths: StatePaths,
            user: UserSettings,
            environment: [String: String],
            runner: String,
            redactor: Redactor
        ) {
            self.paths = paths
            self.user = user
            self.environment = environment
            self.runner = runner
            self.redactor = redactor
        }
    }

    /// What happens meanwhile.
    public enum News: Sendable {
        /// All slots are taken.
        case waits
        case began(check: String)
        case ended(CheckEnd)
    }

    /// How one verifier, or the setup, judged it.
    public struct CheckEnd: Sendable {
        public let name: String
        public let isPassed: Bool
        /// One phrase: `exit 1`.
        public let outcome: String
        public let seconds: Double
        public let log: String
        /// The end of what it printed, where it has not passed.
        public let tail: String
    }

    public struct Result: Sendable {
        public let commit: String
        /// `PASS`, `FAIL` or `ERROR`.
        public let status: String
        /// Why it is not a PASS, in a phrase.
        public let reason: String?
        /// The PASS it was before, if nothing was run for it this time.
        public let reused: Reused?
        /// The file that says so, as one line of JSON.
        public let file: String
        public let json: [UInt8]
    }

    /// An earlier PASS of the same tree, by the same commands in the same surroundings.
    public struct Reused: Sendable, Equatable {
        /// The commit that was judged.
        public let commit: String
        /// When it had passed.
        public let time: String
    }

    private let options: Options
    private let repository: GitRepository
    private let commit: ObjectID
    private let tree: ObjectID
    private var folder: String { repository.stateDirectory }
    private var environment: [String: String] { RunCommand.environment(from: options.environment) }

    /// - Parameters:
    ///   - name: of the commit, as git takes it.
    ///   - path: of the repository, which may be bare.
    /// - Throws: `GitError` when there is no such commit, or repository.
    public init(of name: String, in path: String, _ options: Options) throws {
        self.options = options
        let folder = "\(options.paths.directory)/ci"
        try GitFiles.makeDirectory(options.paths.directory, for: "prepare the state directory")
        try GitFiles.makeDirectory(folder, for: "prepare the state directory")
        for made in [options.paths.directory, folder] { chmod(made, 0o700) }
        repository = try GitRepository.open(
            path,
            id: Self.id(of: GitFiles.canonical(path) ?? path),
            stateDirectory: folder,
            git: try Git(environment: options.environment, isDurable: options.user.durability == .full),
            orBare: true
        )
        guard let commit = try repository.resolve(name) else {
            throw GitError(.notFound, "verify \(name)", "there is no commit \(name) in \(path)")
        }
        self.commit = ObjectID(commit)
        let question = ["rev-parse", "--verify", "\(commit)^{tree}"]
        tree = ObjectID(try repository.run(question, for: "verify \(name)").line)
    }

    /// The same for the same place, and unlike the daemon's.
    static func id(of path: String) -> RepositoryID {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return RepositoryID("ci-" + String(hash, radix: 16))
    }

    /// Runs every check until one fails, unless all have passed on this tree before, and writes `ci-status/<commit>.json`.
    ///
    /// - Parameter again: runs them also then.
    public func run(again: Bool = false, _ tell: @escaping (News) -> Void) throws -> Result {
        let rules = try rules()
        if let problem = rules.problem { return try conclude("ERROR", problem, []) }
        guard !rules.verifiers.isEmpty else {
            let reason = "no verifier is configured, and there is no ci.sh, so nothing can judge it"
            return try conclude("ERROR", reason, [])
        }
        let passes = try CIPasses(of: repository, in: folder)
        let proof = try proof(under: rules)
        if !again, let earlier = try passes.entry(of: proof) { return try conclude(reusing: earlier) }
        let slots = options.user.verificationSlots
        let slot = try CISlot(of: repository.id, count: slots, in: folder) { tell(.waits) }
        let runs = "\(folder)/runs/\(repository.id)-\(slot.number)"
        try FileManager.default.createDirectory(
            atPath: runs,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let judge = try Judge(runs: runs, options)
        // What is left of a verification that was killed must not judge, or change, what comes now.
        if let left = slot.lastRun { judge.end(left) }

        let checkout = VerificationCheckout(repository: repository, slot: slot.number, caches: rules.policy.caches)
        try checkout.prepare(commit.text)
        try repository.copyFiles(rules.policy.setup?.copy ?? [], to: checkout.path)
        let candidate = Candidate(
            commit: commit,
            tree: tree,
            tip: commit,
            head: commit,
            paths: [],
            rules: rules,
            ownDigest: rules.digest
        )
        let setup = try checkout.setupName(candidate, environment: environment)
        let isSetUp = try rules.setup != nil && checkout.isSetUp(as: setup)
        var checks: [Check] = []
        for (index, check) in rules.checks.enumerated() where !(isSetUp && index == 0) {
            tell(.began(check: check.name))
            let run = judge.nextRun(of: commit)
            slot.note(run)
            let (outcome, seconds) = judge.judge(command(run, check, in: checkout.path))
            let isPassed = outcome == .exited(0)
            let place = judge.folder(of: run)
            checks.append(Check(name: check.name, outcome, seconds: seconds, log: "\(place)/stdout"))
            tell(
                .ended(
                    CheckEnd(
                        name: check.name,
                        isPassed: isPassed,
                        outcome: outcome.phrase,
                        seconds: seconds,
                        log: "\(place)/stdout",
                        tail: isPassed ? "" : RunFolder(path: place).tail(8192, redactedBy: options.redactor)
                    )
                )
            )
            guard !isPassed else { continue }
            _ = try checkout.conclude(candidate, .failed(index: index, run: run.number, outcome: outcome.phrase))
            let reason = "\(check.name): \(outcome.phrase)"
            switch outcome {
            case .exited, .signalled, .timedOut, .failed, .unknown: return try conclude("FAIL", reason, checks)
            case .stopped, .stale, .notStarted, .lost: return try conclude("ERROR", reason, checks)
            }
        }
        let changed = try checkout.conclude(candidate, .passed)
        guard changed.isEmpty else { return try conclude("ERROR", Verifier.changed(changed), checks) }
        // Where something was changed meanwhile, nobody knows which of the two was judged.
        if try self.proof(under: rules) == proof {
            let entry = CIPasses.Entry(commit: commit.text, time: Timestamp.text(Timestamp.now()), checks: checks)
            try passes.note(entry, of: proof, from: slot.number)
        }
        return try conclude("PASS", nil, checks)
    }

    /// What a PASS would be a PASS of, as things are now: the daemon asks the same before it spares a verification.
    private func proof(under rules: Rules) throws -> Proof {
        let surroundings = Surroundings(rules, copies: repository.topLevel, environment: environment)
        return Proof(tree: tree, fingerprint: rules.fingerprint, surroundings: try surroundings.name(in: repository))
    }

    /// Those of the target branch: the one that the configuration at HEAD names, else the one HEAD is on. Where there is
    /// none yet, the commit's own.
    private func rules() throws -> Rules {
        var branch = try repository.currentBranch()
        if let head = try repository.resolve("HEAD"), let bytes = try repository.policyFiles(at: head).configuration,
            let named = try? RepositoryFile.parse(bytes).targetBranch
        {
            branch = named
        }
        let tip = try branch.flatMap { try repository.targetTip($0) }
        let files = try repository.policyFiles(at: tip ?? commit.text)
        var rules = Rules(files, user: options.user, ciScript: [commit.text])
        // What may land without some of them is judged by all of them here.
        rules.policy.landing.verify = .all
        return rules
    }

    private func command(_ run: RunID, _ check: Verifier, in directory: String) -> RunCommand {
        var environment = environment
        environment["ORCH_COMMIT"] = commit.text
        environment["ORCH_TREE"] = tree.text
        var command = RunCommand(
            id: run,
            arguments: check.command,
            environment: environment,
            directory: directory,
            timeLimit: check.timeout
        )
        command.outputCap = options.user.limits.output
        return command
    }

    private func conclude(reusing entry: CIPasses.Entry) throws -> Result {
        try conclude("PASS", nil, entry.checks, reused: Reused(commit: entry.commit, time: entry.time))
    }

    private func conclude(
        _ status: String,
        _ reason: String?,
        _ checks: [Check],
        reused: Reused? = nil
    ) throws -> Result {
        var report = CIStatus(commit: commit, tree: tree, status: status, checks: checks)
        report.reused = reused.map { CIStatus.Reused(commit: $0.commit, time: $0.time) }
        try report.write(to: repository.commonDirectory)
        return Result(
            commit: commit.text,
            status: status,
            reason: reason.map(options.redactor.redact),
            reused: reused,
            file: "\(repository.commonDirectory)/ci-status/\(commit).json",
            json: report.json.bytes
        )
    }
}

/// Starts runs one at a time, and waits for their ends. SIGINT and SIGTERM stop the one under way.
private final class Judge: Sendable {
    private let supervisor: RunSupervisor
    private let ends = Ends()
    private let signals: StopSignals

    /// What the supervisor's thread hands over.
    private final class Ends: Sendable {
        let ended = Mutex<[RunID: RunEnd]>([:])
        let current = Mutex<(run: RunID?, isStopped: Bool)>((nil, false))
        let arrived = DispatchSemaphore(value: 0)
    }

    init(runs: String, _ options: CommitVerification.Options) throws {
        let probe = ContainmentProbe(runs: runs, runner: options.runner, limits: options.user.limits)
        let supervisor = try RunSupervisor(
            directory: runs,
            runnerPath: options.runner,
            containment: try probe.choose(options.user.containment),
            redactor: options.redactor
        ) { [ends] report in
            guard case .ended(let run, let end) = report else { return }
            ends.ended.withLock { $0[run] = end }
            ends.arrived.signal()
        }
        self.supervisor = supervisor
        signals = StopSignals { [ends] in
            let run = ends.current.withLock { current in
                current.isStopped = true
                return current.run
            }
            if let run { supervisor.stop(run) }
        }
    }

    deinit {
        signals.cancel()
        supervisor.detach()
    }

    func folder(of run: RunID) -> String { supervisor.folder(of: run) }

    /// The first number that no run of the commit has had here.
    func nextRun(of commit: ObjectID) -> RunID {
        let name = TicketID("ci-\(commit.text.prefix(12))")
        var number = 1
        while GitFiles.exists(folder(of: RunID(ticket: name, number: number))) { number += 1 }
        return RunID(ticket: name, number: number)
    }

    func judge(_ command: RunCommand) -> (RunOutcome, seconds: Double) {
        let isStopped = ends.current.withLock { current in
            current.run = command.id
            return current.isStopped
        }
        if isStopped { supervisor.stop(command.id) }
        supervisor.start(command)
        let end = wait(for: command.id)
        return (RunOutcome(end), max(0, Double(end.ended.milliseconds - end.started.milliseconds)) / 1000)
    }

    /// Ends a run of an earlier verification, if it has not ended.
    func end(_ run: RunID) {
        guard supervisor.hasBegun(run) else { return }
        supervisor.adopt(run)
        supervisor.stop(run)
        _ = wait(for: run)
    }

    private func wait(for run: RunID) -> RunEnd {
        while true {
            if let end = ends.ended.withLock({ $0[run] }) { return end }
            ends.arrived.wait()
        }
    }
}
