import Core
import Glibc

/// The right to one verification checkout for verification without a daemon: held by the kernel for as long as the process
/// lives. It remembers the run in it, which may outlive the process.
final class CISlot {
    let number: Int
    private let descriptor: Int32

    /// Takes the first that is free, or waits for the first.
    ///
    /// - Parameter waits: called before that.
    init(of id: RepositoryID, count: Int, in directory: String, waits: () -> Void) throws(GitError) {
        for number in 0..<count {
            let descriptor = try Self.open("\(directory)/\(id)-\(number).slot")
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                (self.number, self.descriptor) = (number, descriptor)
                return
            }
            close(descriptor)
        }
        waits()
        let descriptor = try Self.open("\(directory)/\(id)-0.slot")
        (number, self.descriptor) = (0, descriptor)
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw GitError(.failed, "take a verification slot", GitFiles.reason()) }
        }
    }

    deinit { close(descriptor) }

    private static func open(_ path: String) throws(GitError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GitError(.failed, "take a verification slot", "cannot open \(path): \(GitFiles.reason())")
        }
        return descriptor
    }

    /// The run that was last started in it.
    var lastRun: RunID? { Self.noted(in: descriptor) }

    private static func noted(in descriptor: Int32) -> RunID? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? RunID(String(decoding: buffer[..<count], as: UTF8.self)) : nil
    }

    /// The run of a verification that is under way in the slot of this file; nil while nobody holds it.
    static func runUnderWay(in path: String) -> RunID? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) == 0 ? nil : noted(in: descriptor)
    }

    func note(_ run: RunID) {
        let bytes = Array(run.description.utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, bytes, bytes.count, 0) }
    }
}
