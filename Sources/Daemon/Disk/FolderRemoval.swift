import Glibc

/// Deletes a folder with everything in it: for `orch prune`, which has shown it, and for a folder of passing objects that
/// nobody but a git of orch's has written into.
enum FolderRemoval {
    /// Removes what is at `path`, no link followed. What cannot be removed stays; a folder that denies it is made to allow
    /// it first.
    ///
    /// - Returns: whether nothing is left.
    static func remove(_ path: String) -> Bool {
        remove(AT_FDCWD, path)
        var status = stat()
        return lstat(path, &status) != 0 && errno == ENOENT
    }

    private static func remove(_ parent: Int32, _ name: UnsafePointer<CChar>) {
        var status = stat()
        guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlinkat(parent, name, 0)
            return
        }
        if status.st_mode & S_IRWXU != S_IRWXU { fchmodat(parent, name, 0o700, 0) }
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor >= 0 {
            if let directory = fdopendir(descriptor) {
                while let entry = readdir(directory) {
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                            if strcmp(name, ".") != 0, strcmp(name, "..") != 0 { remove(descriptor, name) }
                        }
                    }
                }
                closedir(directory)
            } else {
                close(descriptor)
            }
        }
        unlinkat(parent, name, AT_REMOVEDIR)
    }
}
