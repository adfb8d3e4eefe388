import CSystem
import Dispatch
import Synchronization

/// Gives what the daemon has freed back to the machine, a while after something has ended that may have needed much: a run,
/// or a client that was told of every ticket there is. The allocator alone would keep it. While nothing ends, nothing wakes up.
final class FreedMemory: Sendable {
    private static let patience = DispatchTimeInterval.seconds(5)
    private let queue = DispatchQueue(label: "orch.memory", qos: .utility)
    private let isAwaited = Mutex(false)

    /// To be called before there are other threads than the caller's.
    init() { cs_memory_bound() }

    /// Something has ended.
    func expect() {
        let isFirst = isAwaited.withLock { isAwaited in
            defer { isAwaited = true }
            return !isAwaited
        }
        guard isFirst else { return }
        queue.asyncAfter(deadline: .now() + Self.patience) {
            self.isAwaited.withLock { $0 = false }
            cs_memory_give_back()
        }
    }
}
