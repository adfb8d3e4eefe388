import Glibc

/// How much room files take on the disk.
public struct DiskUse: Sendable, Equatable {
    public var bytes = 0
    public var files = 0
    /// Time or depth was not enough to see everything: it is at least so much.
    public var isAtLeast = false

    /// Measures what is at a path, which may be nothing, until `deadline`. Links are not followed, files not opened; of
    /// a file with several names one counts.
    public static func measure(_ path: String, until deadline: ContinuousClock.Instant) -> DiskUse {
        var walk = Walk(deadline: deadline)
        walk.look(AT_FDCWD, path, depth: 0)
        return walk.use
    }

    public static func + (a: DiskUse, b: DiskUse) -> DiskUse {
        DiskUse(bytes: a.bytes + b.bytes, files: a.files + b.files, isAtLeast: a.isAtLeast || b.isAtLeast)
    }
}

/// One walk over a tree, from descriptor to descriptor.
private struct Walk {
    let deadline: ContinuousClock.Instant
    var use = DiskUse()
    private var seen: Set<[UInt64]> = []
    private var isOver = false
    /// A descriptor is held for each level.
    private static let deepest = 200

    init(deadline: ContinuousClock.Instant) { self.deadline = deadline }

    mutating func look(_ parent: Int32, _ name: UnsafePointer<CChar>, depth: Int) {
        var status = stat()
        guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if status.st_nlink > 1, !isDirectory,
            !seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted
        {
            return
        }
        use.files += 1
        use.bytes += Int(status.st_blocks) * 512
        guard isDirectory else { return }
        guard depth < Self.deepest else {
            use.isAtLeast = true
            return
        }
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0, let directory = fdopendir(descriptor) else {
            if descriptor >= 0 { close(descriptor) }
            use.isAtLeast = true
            return
        }
        defer { closedir(directory) }
        while !timeIsUp(), let entry = readdir(directory) {
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    if strcmp(name, ".") != 0, strcmp(name, "..") != 0 { look(descriptor, name, depth: depth + 1) }
                }
            }
        }
    }

    /// Looked at from time to time: the clock costs as much as a file.
    private mutating func timeIsUp() -> Bool {
        if !isOver, use.files % 256 == 0, ContinuousClock.now >= deadline {
            isOver = true
            use.isAtLeast = true
        }
        return isOver
    }
}
