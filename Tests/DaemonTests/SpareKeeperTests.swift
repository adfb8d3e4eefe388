import Core
import Dispatch
import Logging
import Synchronization
import Testing

@testable import Daemon

/// When spare worktrees are made, without any being made.
@Suite struct SpareKeeperTests {
    private let repository = Core.Repository(id: RepositoryID("r1"), path: "/nowhere", target: "main")

    /// What the attempts come to, in order, and what is known when each begins.
    private final class Attempts: Sendable {
        let outcomes: Mutex<[GitError?]>
        let seen = Mutex<[SpareKeeper.Failure?]>([])
        let areOver = DispatchSemaphore(value: 0)
        init(_ outcomes: [GitError?]) { self.outcomes = Mutex(outcomes) }
    }

    @Test func whatFailsIsTriedAgainLaterAndLater() throws {
        let broken = GitError(.failed, "keep spare worktrees", "the disk is broken")
        let attempts = Attempts([broken, broken, broken, nil])
        let pauses = (first: Duration.milliseconds(1), longest: Duration.milliseconds(6))
        let keeper = SpareKeeper(count: 2, pauses: pauses, logger: Logger(label: "test"))
        keeper.look(at: repository) { [id = repository.id] count, isIdle in
            #expect(count == 2 && isIdle())
            attempts.seen.withLock { $0.append(keeper.failure(of: id)) }
            let (outcome, isLast) = attempts.outcomes.withLock { ($0.removeFirst(), $0.isEmpty) }
            if let outcome { throw outcome }
            if isLast { attempts.areOver.signal() }
        }
        attempts.areOver.wait()
        func failure(_ milliseconds: Int) -> SpareKeeper.Failure {
            SpareKeeper.Failure(reason: "the disk is broken", pause: .milliseconds(milliseconds))
        }
        #expect(attempts.seen.withLock { $0 } == [nil, failure(1), failure(4), failure(6)])
        // The last attempt ends a moment after it has said so.
        keeper.finish()
        #expect(keeper.failure(of: repository.id) == nil)
    }
}
