import CSystem
import Glibc

/// Notices that a file's name leads to it no more: it was removed, replaced or moved, or one of the directories that lead
/// to it was. What is watched are these files themselves, so that whatever else happens in the directories wakes nobody.
struct SocketWatch: ~Copyable {
    /// To be watched for reading; -1 when the system has no more inotify instances to give.
    let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    private var watches: [Int32] = []

    init() {}

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Watches `path` and what leads to it as it is now, instead of what was watched; what was reported is forgotten. So
    /// whoever looks afterwards misses nothing.
    ///
    /// - Parameter isMissing: also watches for room being made: for entries of the last directory there is.
    mutating func follow(_ path: String, isMissing: Bool) {
        for watch in watches { inotify_rm_watch(descriptor, watch) }
        watches = []
        drain()
        add(path, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW)
        var directory = path[...]
        var wantsEntries = isMissing
        while let slash = directory.lastIndex(of: "/") {
            directory = directory[..<slash]
            let name = directory.isEmpty ? "/" : String(directory)
            guard add(name, IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) else { continue }
            if wantsEntries {
                add(name, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR)
                wantsEntries = false
            }
        }
    }

    @discardableResult
    private mutating func add(_ path: String, _ events: some BinaryInteger) -> Bool {
        let watch = inotify_add_watch(descriptor, path, UInt32(truncatingIfNeeded: events) | UInt32(IN_MASK_ADD))
        guard watch >= 0 else { return false }
        if !watches.contains(watch) { watches.append(watch) }
        return true
    }

    private func drain() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(descriptor, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
