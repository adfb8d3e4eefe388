import Core
import Dispatch
import Logging
import Synchronization

/// Keeps spare worktrees of each repository, when nothing is done for its tickets.
final class SpareKeeper: Sendable {
    /// How many of each repository.
    let count: Int
    private let logger: Logger
    /// One at a time, of all repositories.
    private let work = DispatchQueue(label: "orch.spares", qos: .utility)
    private let state = Mutex(State())
    /// After what was done last: more often comes at once.
    private static let pause = Duration.seconds(1)
    /// After the first failure, and at most: each attempt may leave a worktree in the trash.
    private let pauses: (first: Duration, longest: Duration)

    /// That no spare of a repository could be made.
    struct Failure: Equatable {
        let reason: String
        /// It is not tried again sooner after that.
        let pause: Duration
    }

    private struct State {
        /// How many effects are under way or wait.
        var effects: [RepositoryID: Int] = [:]
        /// Of which a look is to come, soon or after a pause.
        var awaited: Set<RepositoryID> = []
        var failures: [RepositoryID: Failure] = [:]
        var hasEnded = false

        func isIdle(_ id: RepositoryID) -> Bool { !hasEnded && effects[id, default: 0] == 0 }
    }

    /// Brings the spares of a repository to a number, as long as nothing else is to be done for it.
    typealias Keep = @Sendable (_ count: Int, _ isIdle: () -> Bool) throws -> Void

    init(count: Int, pauses: (first: Duration, longest: Duration) = (.seconds(60), .seconds(86400)), logger: Logger) {
        self.count = count
        self.pauses = pauses
        self.logger = logger
    }

    /// Something is to be done for a ticket of this repository.
    func began(_ id: RepositoryID) { state.withLock { $0.effects[id, default: 0] += 1 } }

    /// That is done. `keep` is called later, on a thread where it may take its time.
    func ended(_ repository: Core.Repository, keep: @escaping Keep) {
        let isIdle = state.withLock { state in
            state.effects[repository.id]! -= 1
            return state.isIdle(repository.id)
        }
        if isIdle, count > 0 { look(at: repository, keep: keep) }
    }

    /// Brings the spares of a repository to their number, soon; after a failure, when its pause is over.
    func look(at repository: Core.Repository, keep: @escaping Keep) {
        let isNew = state.withLock { $0.awaited.insert(repository.id).inserted }
        if isNew { look(at: repository, after: Self.pause, keep: keep) }
    }

    /// Why there are fewer spares of a repository than there should be; nil where nothing has failed.
    func failure(of id: RepositoryID) -> Failure? { state.withLock { $0.failures[id] } }

    private func look(at repository: Core.Repository, after pause: Duration, keep: @escaping Keep) {
        let id = repository.id
        let (seconds, attoseconds) = pause.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        work.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [self] in
            let isIdle = state.withLock { state in
                state.awaited.remove(id)
                return state.isIdle(id)
            }
            guard isIdle else { return }
            do {
                try keep(count) { [self] in state.withLock { $0.isIdle(id) } }
                let hadFailed = state.withLock { $0.failures.removeValue(forKey: id) != nil }
                if hadFailed { logger.info("spare worktrees of \(repository.path) are made again") }
            } catch let error as GitError where error.kind == .repositoryGone || error.kind == .busy {
                // The next time something has been done for it.
            } catch {
                let failure = note(sentence(error), of: id)
                logger.warning(
                    "no spare worktree of \(repository.path) could be made; tried again in \(failure.pause): \(failure.reason)"
                )
                look(at: repository, after: failure.pause, keep: keep)
            }
        }
    }

    private func note(_ reason: String, of id: RepositoryID) -> Failure {
        state.withLock { state in
            let pause = state.failures[id].map { min($0.pause * 4, pauses.longest) } ?? pauses.first
            let failure = Failure(reason: reason, pause: pause)
            state.failures[id] = failure
            state.awaited.insert(id)
            return failure
        }
    }

    /// Waits for the attempt that is under way.
    func finish() { work.sync {} }

    /// Begins nothing more. What is under way is not waited for: it is cleared by the next daemon.
    func stop() { state.withLock { $0.hasEnded = true } }
}
