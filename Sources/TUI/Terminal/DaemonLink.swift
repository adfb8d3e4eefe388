import Glibc
import IPC

/// The connection to the daemon: bytes in and out, without ever waiting. What they mean is `Follower`'s.
struct DaemonLink: ~Copyable {
    /// For poll(2).
    let descriptor: Int32
    /// A snapshot is one line, and grows with the number of tickets.
    private var framer = LineFramer(limit: 256 << 20)
    private var unsent: [UInt8] = []

    /// Why there is no connection, in a few words, and the error for a person.
    struct Unreachable: Error {
        var reason: String
        var error: RPCError
        /// Nobody listens there.
        var isAbsent: Bool
    }

    /// Connects to a daemon's socket. A Unix socket answers at once: nothing is waited for.
    init(path: String) throws(Unreachable) {
        let created = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard created >= 0 else { throw Self.unreachable(path, errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            close(created)
            throw Self.unreachable(path, ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(created, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let failed = errno
            close(created)
            throw Self.unreachable(path, failed)
        }
        descriptor = created
    }

    deinit { close(descriptor) }

    private static func unreachable(_ path: String, _ number: Int32) -> Unreachable {
        let (reason, hint): (String, String?) =
            switch number {
            case ENOENT, ECONNREFUSED: ("no daemon is listening", "start one with: orch daemon")
            case EACCES: ("no permission", "the daemon belongs to another user")
            case EAGAIN: ("it is busy", "try again in a moment")
            case ENAMETOOLONG: ("the path is too long", "set ORCH_SOCKET to a shorter one")
            default: (String(cString: strerror(number)), nil)
            }
        let error = RPCError(.daemonNotRunning, "cannot connect to \(path): \(reason)", hint: hint)
        return Unreachable(reason: reason, error: error, isAbsent: number == ENOENT || number == ECONNREFUSED)
    }

    /// Waits for room to write.
    var wantsToWrite: Bool { !unsent.isEmpty }

    /// Reads what has arrived, at most a mebibyte so that keys are not kept waiting; false when the daemon has gone.
    mutating func receive(_ take: ([UInt8]) -> Void) -> Bool {
        var budget = 16
        while budget > 0 {
            budget -= 1
            let outcome = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 1) { buffer in
                let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
                guard count > 0 else {
                    return count == 0 ? Outcome.closed : errno == EAGAIN ? .empty : errno == EINTR ? .more : .closed
                }
                framer.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                    if case .line(let line) = $0 { take(line) }
                }
                return count < buffer.count ? .empty : .more
            }
            switch outcome {
            case .more: continue
            case .empty: return true
            case .closed: return false
            }
        }
        return true
    }

    private enum Outcome { case more, empty, closed }

    /// Sends a line, now or as soon as there is room.
    mutating func send(_ line: [UInt8]) {
        unsent += line
        unsent.append(0x0A)
        flush()
    }

    /// Writes what could not be written before. A daemon that has gone shows itself when reading.
    mutating func flush() {
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            unsent.removeFirst(count)
        }
    }
}
