import Core
import Dispatch
import Logging
import Synchronization

/// Keeps spare worktrees of each repository, when nothing is done for its tickets.
final class SpareKeeper: Sendable {
    private let count: Int
    private let logger: Logger
    /// One at a time, of all repositories.
    private let work = DispatchQueue(label: "orch.spares", qos: .utility)
    private let state = Mutex(State())
    /// After what was done last: more often comes at once.
    private static let pause = DispatchTimeInterval.seconds(1)

    private struct State {
        /// How many effects are under way or wait.
        var effects: [RepositoryID: Int] = [:]
        var awaited: Set<RepositoryID> = []
        /// Of which no spare could be made: what keeps failing would fill the trash.
        var failed: Set<RepositoryID> = []
        var hasEnded = false

        func isIdle(_ id: RepositoryID) -> Bool { !hasEnded && effects[id, default: 0] == 0 }
    }

    /// Brings the spares of a repository to a number, as long as nothing else is to be done for it.
    typealias Keep = @Sendable (_ count: Int, _ isIdle: () -> Bool) throws -> Void

    init(count: Int, logger: Logger) {
        self.count = count
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

    /// Brings the spares of a repository to their number, soon.
    func look(at repository: Core.Repository, keep: @escaping Keep) {
        let id = repository.id
        let isNew = state.withLock { !$0.failed.contains(id) && $0.awaited.insert(id).inserted }
        guard isNew else { return }
        work.asyncAfter(deadline: .now() + Self.pause) { [self] in
            let isIdle = state.withLock { state in
                state.awaited.remove(id)
                return state.isIdle(id)
            }
            guard isIdle else { return }
            do {
                try keep(count) { [self] in state.withLock { $0.isIdle(id) } }
            } catch let error as GitError where error.kind == .repositoryGone || error.kind == .busy {
                // The next time something has been done for it.
            } catch {
                state.withLock { _ = $0.failed.insert(id) }
                logger.warning(
                    "no more spare worktrees of \(repository.path) are made until orch is started again: \(sentence(error))"
                )
            }
        }
    }

    /// Begins nothing more. What is under way is not waited for: it is cleared by the next daemon.
    func stop() { state.withLock { $0.hasEnded = true } }
}
