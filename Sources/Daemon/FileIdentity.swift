import CSystem
import Glibc

/// What tells a file from another in its place, and from itself with another content, without reading it.
struct FileIdentity: Hashable {
    /// Device, inode, size and times.
    let numbers: [Int]

    /// Nil where there is none. Links are followed.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let times = [status.st_mtim, status.st_ctim].flatMap { [Int($0.tv_sec), Int($0.tv_nsec)] }
        numbers = [Int(status.st_dev), Int(status.st_ino), Int(status.st_size)] + times
    }
}
