import CSystem
import Dispatch
import Synchronization

/// Gives what the daemon has freed back to the machine, a while after something has ended that may have needed much: a run,
/// or a client that was told of every ticket there is. The allocator alone would keep it. While nothing ends, nothing wakes up.
final class FreedMemory: Sendable {
    private enum State { case idle, awaited, awaitedAgain }

    private static let patience = DispatchTimeInterval.seconds(5)
    private let queue = DispatchQueue(label: "orch.memory", qos: .utility)
    private let state = Mutex(State.idle)

    /// To be called before there are other threads than the caller's.
    init() { cs_memory_bound() }

    /// Something has ended: its memory is given back within twice the patience.
    func expect() {
        let isFirst = state.withLock { state in
            defer { state = state == .idle ? .awaited : .awaitedAgain }
            return state == .idle
        }
        if isFirst { giveBackLater() }
    }

    private func giveBackLater() {
        queue.asyncAfter(deadline: .now() + Self.patience) {
            cs_memory_give_back()
            // What ended meanwhile may not have been through with its memory.
            let isAwaited = self.state.withLock { state in
                defer { state = state == .awaitedAgain ? .awaited : .idle }
                return state == .awaitedAgain
            }
            if isAwaited { self.giveBackLater() }
        }
    }
}
