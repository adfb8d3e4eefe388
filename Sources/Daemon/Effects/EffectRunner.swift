import Core
import Dispatch
import Foundation
import IPC
import Logging
import Synchronization

/// Performs what Core asks of the world, and reports what came of it.
///
/// git's work is done on one queue per repository, so that its mutations never race; runs go to the supervisor. Every
/// effect may be asked twice: what it does, and what it answers, is then the same.
final class EffectRunner: Sendable {
    /// What the effects stand on.
    struct Environment: Sendable {
        var paths: StatePaths
        var user: UserSettings
        /// The daemon's own environment, from which agents get HOME, PATH and little else.
        var inherited: [String: String]
        var git: Git
        /// The orch-runner executable.
        var runner: String
        /// How agents start orch.
        let orch = SelfPath.orch
        var store: Store
        var redactor: Redactor
        var logger: Logger
    }

    let environment: Environment
    let supervisor: RunSupervisor
    let conversations: Conversations
    let holds: RunHolds
    let monitor: ActivityMonitor
    let codexPrograms = CodexPrograms()
    let report: @Sendable (Input) -> Void
    /// Is told of each repository where it is, so that its target branch and its backlog folder are watched.
    private let watch: @Sendable (Core.Repository, _ commonDirectory: String) -> Void
    /// Guards the opened repositories and their queues.
    private let opened = Mutex<[RepositoryID: (path: String, repository: GitRepository)]>([:])
    private let queues = Mutex<[RepositoryID: DispatchQueue]>([:])
    /// What a run is to execute is worked out here: it reads the store, the repository and files.
    private let launches = DispatchQueue(label: "orch.launches", attributes: .concurrent)
    /// What is sent to remotes. Nobody waits for it at the end: the next daemon asks the remote what it has.
    private let pushes = DispatchQueue(label: "orch.pushes", attributes: .concurrent)
    /// Reads that nobody waits for in order.
    private let readers = DispatchQueue(label: "orch.readers", attributes: .concurrent)
    let spares: SpareKeeper
    /// What is left of worktrees is deleted here, all at its own pace. Nobody waits for it at the end: the next daemon goes
    /// on with it.
    private let removals = DispatchQueue(label: "orch.removals", qos: .utility)

    init(
        environment: Environment,
        supervisor: RunSupervisor,
        conversations: Conversations,
        monitor: ActivityMonitor,
        watch: @escaping @Sendable (Core.Repository, String) -> Void,
        report: @escaping @Sendable (Input) -> Void
    ) {
        self.watch = watch
        self.environment = environment
        self.supervisor = supervisor
        self.conversations = conversations
        holds = RunHolds(supervisor)
        self.monitor = monitor
        self.report = report
        spares = SpareKeeper(count: environment.user.warmWorktrees, logger: environment.logger)
    }

    /// Starts the effect; its outcome comes as an input. Never blocks.
    func perform(_ effect: Effect, _ ticket: Ticket, _ repository: Core.Repository) {
        switch effect {
        case .startRun(let run, let order):
            launches.async { [self] in
                effect.begun.pass()
                startRun(run, order, ticket, repository)
                effect.done.pass()
            }
        case .deliver(let run, let message):
            // Behind the launch of that run, which may still be under way.
            launches.async(flags: .barrier) { [self] in
                if !conversations.take(.say(message: message.number, message.text), for: run) {
                    report(.messageRefused(run, message.number, reason: "its agent takes no messages while it works"))
                }
            }
        case .answer(let run, let request, let refusal):
            let answer = refusal.map(PermissionAnswer.deny) ?? .allow
            _ = conversations.take(.answer(request: request, answer), for: run)
        case .interrupt(let run):
            launches.async(flags: .barrier) { [self] in
                _ = conversations.take(.interrupt(1), for: run)
            }
        case .stopRun(let run):
            effect.begun.pass()
            if !conversations.stop(run) { supervisor.stop(run) }
            effect.done.pass()
        case .prepareWorktree, .collectWork, .takeSnapshot, .buildCandidate, .prepareCheckout, .concludeVerification,
            .advanceTarget, .tidy:
            spares.began(repository.id)
            queue(of: repository.id).async { [self] in
                defer { spares.ended(repository, keep: keeping(repository)) }
                effect.begun.pass()
                let outcome = outcome(of: effect, ticket, repository)
                effect.done.pass()
                let directory = environment.paths.directory
                let disk = FullDisk.isFull(at: directory) ? FullDisk(holding: directory) : nil
                guard let disk, let failure = outcome.failing(with: "\(disk)") else { return report(outcome) }
                // Before the failure itself: what it leads to starts nothing that would fail like it.
                report(.diskFilled)
                report(failure)
            }
        }
    }

    /// Sends the target to its remote; the outcome comes as an input. Never blocks, and holds no other work up.
    func push(_ order: PushOrder, _ repository: Core.Repository) {
        pushes.async { [self] in
            FaultPoint.pushBegun.pass()
            let outcome = outcome(of: order, repository)
            FaultPoint.pushDone.pass()
            report(outcome)
        }
    }

    private func outcome(of order: PushOrder, _ repository: Core.Repository) -> Input {
        do {
            let result = try open(repository).push(order.commit.text, to: repository.target, of: order.remote)
            switch result {
            case .there: return .targetPushed(order)
            case .refused(let reason): return .pushFailed(order, Push.Problem(reason: reason, needsHuman: true))
            case .failed(let reason): return .pushFailed(order, Push.Problem(reason: reason, needsHuman: false))
            }
        } catch {
            return .pushFailed(order, Push.Problem(reason: sentence(error), needsHuman: false))
        }
    }

    private func outcome(of effect: Effect, _ ticket: Ticket, _ repository: Core.Repository) -> Input {
        switch effect {
        case .prepareWorktree: prepareWorktree(ticket, repository)
        case .collectWork(_, let number): collectWork(ticket, repository, number)
        case .takeSnapshot(_, let number): takeSnapshot(ticket, repository, number)
        case .buildCandidate: buildCandidate(ticket, repository)
        case .prepareCheckout(_, let candidate, let slot): prepareCheckout(ticket, repository, candidate, slot)
        case .concludeVerification(_, let candidate, let slot, let verdict):
            concludeVerification(ticket, repository, candidate, slot, verdict)
        case .advanceTarget(_, let candidate): advanceTarget(ticket, repository, candidate)
        case .tidy(_, let number): tidy(ticket, repository, number)
        case .startRun, .deliver, .interrupt, .answer, .stopRun: preconditionFailure("runs are the supervisor's")
        }
    }

    // MARK: repositories

    /// The repository, opened once and again when it has moved.
    ///
    /// - Throws: `GitError`; `repositoryGone` when it is not where it was registered.
    func open(_ repository: Core.Repository) throws -> GitRepository {
        let known = opened.withLock { $0[repository.id] }.flatMap { $0.path == repository.path ? $0.repository : nil }
        guard GitFiles.isDirectory(known?.commonDirectory ?? repository.path) else {
            throw GitError(
                .repositoryGone,
                "open the repository \(repository.id)",
                "the repository \(repository.path) is gone; if it was moved, run orch init where it is now, and its tickets go on"
            )
        }
        let found = try known ?? openAnew(repository)
        watch(repository, found.commonDirectory)
        return found
    }

    private func openAnew(_ repository: Core.Repository) throws -> GitRepository {
        let found = try GitRepository.open(
            repository.path,
            id: repository.id,
            stateDirectory: environment.paths.directory,
            git: environment.git
        )
        try found.claim()
        opened.withLock { $0[repository.id] = (repository.path, found) }
        return found
    }

    /// Looks where the target of a repository is, and reports it.
    func seeTarget(of repository: Core.Repository) {
        read { [self] in
            guard let tip = try? open(repository).targetTip(repository.target) else { return }
            report(.targetSeen(repository.id, at: ObjectID(tip), known: repository.tip))
        }
    }

    /// Brings the spare worktrees of a repository to the number that is configured, in idle time.
    func keepSpares(of repository: Core.Repository) {
        spares.look(at: repository, keep: keeping(repository))
    }

    /// How many spare worktrees are wanted, and how it stands with each repository's.
    func spareRow(of repositories: [RepositoryID]) -> JSONValue {
        let rows = repositories.map { id -> JSONValue in
            let known = opened.withLock { $0[id]?.repository }
            let failure = spares.failure(of: id)
            return [
                "repository": .string(id.text), "ready": JSONValue(known?.readySpares ?? 0),
                "problem": failure.map { .string($0.reason) } ?? .null,
            ]
        }
        return ["wanted": JSONValue(spares.count), "repositories": .array(rows)]
    }

    private func keeping(_ repository: Core.Repository) -> SpareKeeper.Keep {
        { [self] count, isIdle in
            defer { clearRemovedWorktrees() }
            try open(repository).keepSpares(count, at: repository.target, while: isIdle)
        }
    }

    /// Deletes the folders of removed worktrees, those that an earlier daemon has left too. Never blocks.
    func clearRemovedWorktrees() {
        removals.async { [environment] in
            let removed = RemovedWorktrees(stateDirectory: environment.paths.directory)
            removed.clear { environment.logger.warning("\($0)") }
        }
    }

    func queue(of id: RepositoryID) -> DispatchQueue {
        queues.withLock { queues in
            if let queue = queues[id] { return queue }
            let queue = DispatchQueue(label: "orch.repository.\(id)")
            queues[id] = queue
            return queue
        }
    }

    /// Runs a question that may take its time somewhere else.
    func read(_ body: @escaping @Sendable () -> Void) { readers.async(execute: body) }

    func worktreePath(_ ticket: Ticket) -> String { "\(environment.paths.worktrees)/\(ticket.worktree!.name)" }
}

/// One sentence of an error, whatever its type.
func sentence(_ error: any Error) -> String {
    if let error = error as? GitError { return error.message }
    // Foundation describes its errors to programmers; this is for people.
    return type(of: error) is NSError.Type || error is CocoaError ? error.localizedDescription : "\(error)"
}

extension Input {
    /// The same failure with what is behind it; nil where nothing has failed.
    fileprivate func failing(with cause: String) -> Input? {
        switch self {
        case .worktreeFailed(let id, let reason): .worktreeFailed(id, reason: "\(reason); \(cause)")
        case .collectFailed(let id, let reason): .collectFailed(id, reason: "\(reason); \(cause)")
        case .snapshotFailed(let id, let reason): .snapshotFailed(id, reason: "\(reason); \(cause)")
        case .candidateFailed(let id, let reason): .candidateFailed(id, reason: "\(reason); \(cause)")
        case .checkoutFailed(let id, let reason): .checkoutFailed(id, reason: "\(reason); \(cause)")
        case .targetFailed(let id, let reason): .targetFailed(id, reason: "\(reason); \(cause)")
        case .tidied(let id, .left(let reason)): .tidied(id, .left(reason: "\(reason); \(cause)"))
        default: nil
        }
    }
}

extension EffectRunner {
    /// Waits until what has been asked is done. Whoever asks has ended before.
    func finish() {
        spares.stop()
        launches.sync(flags: .barrier) {}
        for queue in queues.withLock({ Array($0.values) }) { queue.sync {} }
    }

    /// What the run's agent does now, as it says itself; nil for one that speaks no protocol.
    func activity(of run: RunID) -> JSONObject? {
        conversations.activity(of: run)?.row(of: run, redactedBy: environment.redactor)
    }

    /// A piece of a run's output, as text where it is UTF-8 and in base64 where it is not.
    func output(of run: RunID, _ stream: RunStream, offset: Int, length: Int) -> Result<JSONValue, RPCError> {
        Gateway.result {
            let piece = try RunSupervisor.readOutput(
                folder: supervisor.folder(of: run),
                stream: stream,
                offset: offset,
                length: min(length, 1 << 20)
            )
            var result: JSONObject = [
                "offset": JSONValue(piece.offset), "next": JSONValue(piece.next), "size": JSONValue(piece.size),
                // What is said last is made an event of after the run has ended.
                "eof": .bool(piece.isLast && (stream != .events || conversations.activity(of: run) == nil)),
            ]
            if let text = String(validating: piece.bytes, as: UTF8.self) {
                result["data"] = .string(text)
            } else {
                result["base64"] = .string(Data(piece.bytes).base64EncodedString())
            }
            return .object(result)
        }
    }
}
