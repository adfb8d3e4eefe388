import CSystem
import Glibc

/// One inotify instance, with a folder's watch for each run.
struct RunNotifications: Sendable {
    let descriptor: Int32

    init() throws(RunFailure) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        // EMFILE is more often this limit than that of descriptors.
        guard descriptor >= 0 else {
            throw RunFailure(
                "cannot watch the runs' folders (inotify; fs.inotify.max_user_instances limits how many programs may)",
                errno: errno
            )
        }
    }

    /// An instance that somebody else has made.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The watch's number, or -1 when the system has no more watches to give.
    func watch(_ folder: RunFolder, for mask: Int32) -> Int32 {
        inotify_add_watch(descriptor, folder.path, UInt32(mask))
    }

    func end(_ watch: Int32) {
        if watch >= 0 { inotify_rm_watch(descriptor, watch) }
    }

    /// Takes all that has been reported. The watch is -1 when reports were lost, and anything may have happened.
    func take(_ body: (_ watch: Int32, _ name: String) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 8) { buffer in
            while true {
                let count = read(descriptor, buffer.baseAddress!, buffer.count)
                guard count > 0 else { return }
                var position = 0
                while position < count {
                    let event = buffer.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
                    let name = UnsafeRawBufferPointer(buffer)[(position + 16)..<(position + 16 + Int(event.len))]
                    body(event.wd, String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
                    position += 16 + Int(event.len)
                }
            }
        }
    }
}
