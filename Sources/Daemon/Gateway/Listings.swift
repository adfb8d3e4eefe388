import Core
import IPC
import Synchronization

/// The answers of `ticket.list`, encoded once for each version of what is listed: a crowd that asks again and again
/// costs the copying of bytes.
final class Listings: Sendable {
    /// What an answer depends on. Draining and need come to no event, and are reasons to wait.
    struct Version: Equatable {
        let seq: Int
        let isDraining: Bool
        let shortage: Shortage?
        let all: Bool
    }

    /// The last answer with finished tickets, and the last one without.
    private let latest = Mutex<[(version: Version, bytes: [UInt8])]>([])

    /// The answer, if that is what was asked last.
    func encoded(_ version: Version) -> [UInt8]? {
        latest.withLock { $0.first { $0.version == version }?.bytes }
    }

    /// Makes the answer, and keeps it. Of several who ask for the same, one does the work.
    func encode(_ version: Version, _ make: () throws -> JSONObject) rethrows -> [UInt8] {
        try making.withLock { _ in
            if let known = encoded(version) { return known }
            let bytes = try make().bytes
            latest.withLock { latest in
                latest.removeAll { $0.version.all == version.all }
                latest.append((version, bytes))
            }
            return bytes
        }
    }

    /// Held by whoever makes one.
    private let making = Mutex<Void>(())
}
