import Glibc

/// Deletes a folder with everything in it: for `orch prune`, which has shown it, and for folders that nobody needs: of a
/// worktree that was removed, and of passing objects that nobody but a git of orch's has written into.
enum FolderRemoval {
    /// Removes what is at `path`, no link followed. What cannot be removed stays; a folder that denies it is made to allow
    /// it first.
    ///
    /// - Parameter folder: the descriptor of the folder that `path` starts from.
    /// - Returns: whether nothing is left.
    static func remove(_ path: String, in folder: Int32 = AT_FDCWD) -> Bool {
        // Again as long as something lay so deep that it was only moved up.
        var walk = Walk()
        repeat {
            walk.hasMoved = false
            walk.remove(folder, path, depth: 0)
        } while walk.hasMoved
        var status = stat()
        return fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT
    }

    private struct Walk {
        var hasMoved = false
        /// The folder that is removed, while it is walked through.
        private var top: Int32 = -1
        /// Each level takes a descriptor and some of the stack.
        private static let deepest = 100

        mutating func remove(_ parent: Int32, _ name: UnsafePointer<CChar>, depth: Int) {
            var status = stat()
            guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                unlinkat(parent, name, 0)
                FaultPoint.fileDeleted.pass()
                return
            }
            if status.st_mode & S_IRWXU != S_IRWXU { fchmodat(parent, name, 0o700, 0) }
            guard depth < Self.deepest else {
                let place = String(UInt64.random(in: .min ... .max), radix: 36)
                if renameat(parent, name, top, place) == 0 { hasMoved = true }
                return
            }
            let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if descriptor >= 0 {
                if depth == 0 { top = descriptor }
                removeMembers(of: descriptor, depth: depth + 1)
            }
            unlinkat(parent, name, AT_REMOVEDIR)
        }

        /// Closes the descriptor.
        private mutating func removeMembers(of descriptor: Int32, depth: Int) {
            guard let directory = fdopendir(descriptor) else {
                close(descriptor)
                return
            }
            while let entry = readdir(directory) {
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                        if strcmp(name, ".") != 0, strcmp(name, "..") != 0 { remove(descriptor, name, depth: depth) }
                    }
                }
            }
            closedir(directory)
        }
    }
}
