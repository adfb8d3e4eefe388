import CSystem
import Glibc

/// Where everything that happens waits for the engine's loop: many senders, one receiver, in order of arrival.
///
/// It waits by a clock that cannot be set: by the wall clock's, setting that back by a year would make a wait of a
/// second one of a year.
///
/// `@unchecked`: `items` and `closed` are touched only while `mutex` is held.
final class Mailbox<Item: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Item] = []
    private var closed = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(arrival, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// False when the mailbox has been closed, and the item dropped.
    @discardableResult
    func send(_ item: Item) -> Bool {
        locked {
            guard !closed else { return false }
            items.append(item)
            pthread_cond_signal(arrival)
            return true
        }
    }

    /// Waits for something to arrive, for ever or for so long, and takes at most `limit` items. Nil once it is closed and
    /// empty.
    func take(limit: Int, within patience: Duration?) -> [Item]? {
        locked {
            var deadline = patience.map(Self.moment)
            while items.isEmpty, !closed {
                if deadline == nil {
                    pthread_cond_wait(arrival, mutex)
                } else if pthread_cond_timedwait(arrival, mutex, &deadline!) == ETIMEDOUT {
                    break
                }
            }
            if items.isEmpty { return closed ? nil : [] }
            let taken = Array(items.prefix(limit))
            items.removeFirst(taken.count)
            return taken
        }
    }

    private static func moment(after patience: Duration) -> timespec {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        let (seconds, attoseconds) = max(.zero, patience).components
        moment.tv_sec += Int(seconds)
        moment.tv_nsec += Int(attoseconds / 1_000_000_000)
        if moment.tv_nsec >= 1_000_000_000 {
            moment.tv_nsec -= 1_000_000_000
            moment.tv_sec += 1
        }
        return moment
    }

    var isClosed: Bool { locked { closed } }

    func close() {
        locked {
            closed = true
            pthread_cond_broadcast(arrival)
        }
    }
}
