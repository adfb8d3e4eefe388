import Synchronization

/// A piece of the stored events.
public enum HistoryPage: Sendable {
    /// The events that follow, dense, in order; as many as were asked for unless there are no more.
    case page([PublishedLine])
    /// They have been pruned; `oldest` is the first one that is left.
    case gone(oldest: Int)
    /// They cannot be read, and why.
    case failed(String)
}

/// Reads stored events on a thread of its own, one page at a time, in the order asked for.
final class Replayer: Sendable {
    struct Job: Sendable {
        var connection: ConnectionID
        /// Which of the connection's replays the page is for.
        var epoch: Int
        var after: Int
        var limit: Int
    }

    private let jobs = Mutex<[Job?]>([])
    private let pending = Semaphore()

    func add(_ job: Job) {
        jobs.withLock { $0.append(job) }
        pending.signal()
    }

    /// Makes `run` return once the page under way is read.
    func stop() {
        jobs.withLock { $0 = [nil] }
        pending.signal()
    }

    /// The thread's body.
    func run(_ history: (_ after: Int, _ limit: Int) -> HistoryPage, answer: (Job, HistoryPage) -> Void) {
        while true {
            pending.wait()
            let next = jobs.withLock { jobs -> Job?? in jobs.isEmpty ? .none : .some(jobs.removeFirst()) }
            switch next {
            case .none: continue
            case .some(nil): return
            case .some(let job?): answer(job, history(job.after, job.limit))
            }
        }
    }
}
