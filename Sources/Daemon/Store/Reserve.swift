import Glibc
import Synchronization

/// Room kept on the disk for the moment when there is none: a file that is given up so that the daemon can still store
/// what has happened, say that the disk is full, and go on.
final class Reserve: Sendable {
    /// Enough for the log of thousands of events.
    static let size = 8 << 20

    private let path: String
    /// Whether the file is there with all its room. Also keeps two threads from making it at once.
    private let isHeld = Mutex(false)

    init(directory: String) { path = directory + "/reserve" }

    /// Makes the file, unless it is there. It leaves as much room again free, so that making it does not fill the disk.
    ///
    /// - Returns: false when there is no room for that.
    func take() -> Bool {
        isHeld.withLock { isHeld in
            if isHeld { return true }
            isHeld = make()
            return isHeld
        }
    }

    /// Whether it is there, or could be made again, and there is room beside it.
    func hasRoomBeside() -> Bool { take() && !FullDisk.isFull(at: directory) }

    /// Gives the room up; false when there was none to give.
    func release() -> Bool {
        isHeld.withLock { isHeld in
            defer { isHeld = false }
            return unlink(path) == 0
        }
    }

    private func make() -> Bool {
        var status = stat()
        if stat(path, &status) == 0, Int(status.st_size) == Self.size, Int(status.st_blocks) * 512 >= Self.size {
            return true
        }
        unlink(path)
        guard FullDisk.free(at: directory).map({ $0 >= 2 * Self.size }) ?? true else { return false }
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        // Where the file system knows no such thing, glibc writes it full.
        guard posix_fallocate(file, 0, off_t(Self.size)) == 0 else {
            unlink(path)
            return false
        }
        return true
    }

    private var directory: String { String(path.dropLast("/reserve".count)) }
}
