import Dispatch
import Synchronization
import Testing

/// Runs each test of a suite on a thread of its own, a few at a time.
///
/// These tests wait in poll(2), which must not happen on the threads that all other tests share; and more than a few
/// daemons at a time would only take the machine from each other.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    private static let places = Places(4)
    let isRecursive = true

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        await Self.places.take()
        let executor = ThreadExecutor()
        let result: Result<Void, any Error>
        do {
            result = .success(try await withTaskExecutorPreference(executor) { try await function() })
        } catch { result = .failure(error) }
        await Self.places.give()
        try result.get()
    }
}

extension Trait where Self == OwnThread {
    static var ownThread: OwnThread { OwnThread() }
}

/// A serial queue is a thread whenever it has something to do.
private final class ThreadExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "orch.test")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

private actor Places {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    init(_ count: Int) { free = count }

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func give() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
