import CSystem
import Core
import Glibc
import Synchronization

/// What a thread that waits for descriptors is asked to do, in order.
final class OrderInbox<Order: Sendable>: Sendable {
    private struct State {
        var orders: [Order] = []
        var isClosed = false
    }

    // Guards the orders not yet taken.
    private let state = Mutex(State())
    /// Readable while there is something to take.
    let wake: Int32

    init() throws(RunFailure) {
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw RunFailure("cannot make an eventfd", errno: errno) }
    }

    deinit { Glibc.close(wake) }

    /// Ignored once closed.
    func post(_ order: Order) {
        let isFirst = state.withLock { state in
            guard !state.isClosed else { return false }
            state.orders.append(order)
            return state.orders.count == 1
        }
        if isFirst { signal() }
    }

    /// Nothing is taken any more.
    func close() {
        state.withLock { $0.isClosed = true }
        signal()
    }

    /// Everything that was posted; nil once closed.
    func take() -> [Order]? {
        var count: UInt64 = 0
        _ = read(wake, &count, 8)
        return state.withLock { state in
            if state.isClosed { return nil }
            defer { state.orders.removeAll(keepingCapacity: true) }
            return state.orders
        }
    }

    private func signal() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }
}
