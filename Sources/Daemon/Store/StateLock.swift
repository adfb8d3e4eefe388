import Core
import Foundation
import Glibc

/// One daemon per state directory: a lock the kernel holds for as long as the process lives, whatever ends it.
public final class StateLock: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Waits for a moment where `orch init` is at work, or where a child of a daemon that was killed has not yet become
    /// the program it was made for and so holds the lock still. Never waits for a daemon: one that has lost the race must
    /// not come up when the winner ends.
    ///
    /// - Parameter isDaemon: whether a daemon takes it, which then says its pid in the file.
    /// - Throws: `AlreadyRunning` when another daemon has it.
    init(path: String, isDaemon: Bool = true) throws {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            if errno == ENOSPC { throw StoreError.full(FullDisk(holding: path)) }
            throw CannotOpen(path: path, reason: String(cString: strerror(errno)))
        }
        guard Self.take(opened, within: .seconds(5)) else {
            let pid = Self.pid(in: opened)
            close(opened)
            throw AlreadyRunning(path: path, pid: pid)
        }
        descriptor = opened
        self.path = path
        ftruncate(descriptor, 0)
        tell(listeningOn: nil)
        guard isDaemon else { return }
        let text = "\(getpid())\n"
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    func release() { close(descriptor) }

    /// Says beside the lock where its holder listens; nil: nowhere, yet or any more. For those who look for it elsewhere,
    /// and no reason to fail if it cannot be said.
    func tell(listeningOn socket: String?) {
        let note = Self.note(besides: path)
        guard let socket else {
            unlink(note)
            return
        }
        let file = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return }
        _ = socket.withCString { write(file, $0, strlen($0)) }
        close(file)
    }

    /// `daemon.socket` beside `daemon.lock`.
    private static func note(besides path: String) -> String {
        (path.hasSuffix(".lock") ? String(path.dropLast(5)) : path) + ".socket"
    }

    /// A daemon that lives.
    public struct Holder: Sendable {
        public let pid: Int
        /// Where it listens; nil while it does not: it is starting, or ending.
        public let socket: String?
    }

    /// The daemon that holds the lock at `path`; nil when none does.
    public static func holder(path: String) -> Holder? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Only then is the lock tried, for a moment in which a daemon that starts would find it taken.
        guard let pid = pid(in: descriptor), isAlive(pid), flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return nil }
        return Holder(pid: pid, socket: try? String(contentsOfFile: note(besides: path), encoding: .utf8))
    }

    /// The kernel has no flock with a time limit, and a signal to end a blocking one would be everybody's.
    private static func take(_ descriptor: Int32, within patience: Duration) -> Bool {
        let deadline = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let isDaemons = pid(in: descriptor).map(isAlive) ?? false
            guard !isDaemons, ContinuousClock.now < deadline else { return false }
            usleep(20_000)
        }
        return true
    }

    /// Whether there is such a process, and not just its remains.
    private static func isAlive(_ pid: Int) -> Bool {
        guard kill(pid_t(truncatingIfNeeded: pid), 0) == 0 || errno == EPERM else { return false }
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = stat.lastIndex(of: ")")
        else { return true }
        return !["Z", "X"].contains(stat[stat.index(name, offsetBy: 2)...].prefix(1))
    }

    /// Who wrote the file last. Who holds the lock, the kernel knows.
    private static func pid(in descriptor: Int32) -> Int? {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: buffer[..<count], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    public struct AlreadyRunning: Error, CustomStringConvertible {
        let path: String
        let pid: Int?
        public var description: String {
            let who = pid.map { " (pid \($0))" } ?? ""
            return "another daemon is running for this state directory\(who); use `orch quit` to end it"
        }
    }

    struct CannotOpen: Error, CustomStringConvertible {
        let path: String
        let reason: String
        var description: String { "cannot open \(path): \(reason); choose another --state-dir" }
    }
}
