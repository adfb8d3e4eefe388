import CSystem
import Synchronization

/// How many descriptors the daemon may have, and who may have how many of them. The limit is the process's, and so is this.
enum DescriptorLimit {
    /// More are of no use, and a git that closes all it might have would take long.
    private static let most: UInt64 = 1 << 20
    private static let initial = Atomic<Int>(0)

    /// What the daemon was started with, which is what its runs get: a program that uses select(2) counts on few. Nil
    /// before it has been raised.
    static var ofRuns: Int? {
        let value = initial.load(ordering: .acquiring)
        return value > 0 ? value : nil
    }

    /// Raises the limit as far as this user may.
    ///
    /// - Returns: how many connections there may be, so that the work is never without a descriptor.
    static func raise() -> Int {
        var (before, now): (UInt64, UInt64) = (0, 0)
        guard cs_limit_descriptors(most, &before, &now) == 0 else { return .max }
        _ = initial.compareExchange(expected: 0, desired: Int(before), ordering: .acquiringAndReleasing)
        return connections(of: Int(now))
    }

    /// A quarter is for the work; of a small limit more, of a large one no more than a hundred agents need.
    static func connections(of limit: Int) -> Int { limit - min(max(limit / 4, min(256, limit / 2)), 4096) }
}
