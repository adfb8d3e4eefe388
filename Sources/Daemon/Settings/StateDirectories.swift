import Core
import Glibc

extension StatePaths {
    /// Makes the state directory and those in it, readable by the user alone.
    func makeDirectories() throws {
        for path in [directory, runs, worktrees, trash, metrics] {
            do {
                try GitFiles.makeDirectory(path, for: "prepare the state directory")
            } catch {
                if FullDisk.isFull(at: directory) { throw StoreError.full(FullDisk(holding: directory)) }
                throw error
            }
            chmod(path, 0o700)
        }
        if ownsSocketDirectory { narrowSocketDirectory() }
    }

    /// To be as the state directory. What else is wrong with it is said when the socket is made.
    private func narrowSocketDirectory() {
        let path = String(socket[..<(socket.lastIndex(of: "/") ?? socket.startIndex)])
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() {
            chmod(path, 0o700)
        }
    }

    /// Opens the store, and sees to it that there is room to go on: a daemon that starts has its reserve.
    ///
    /// - Throws: `StoreError`; `.full` when the disk is full and no reserve of an earlier daemon is left to live from.
    func openStore(_ durability: Durability, _ reserve: Reserve) throws(StoreError) -> Store {
        let hasReserve = reserve.take()
        let store: Store
        do {
            store = try Store(path: database, durability: durability, isFirst: isUnused)
        } catch .full where hasReserve && reserve.release() {
            // There was no room even for opening it.
            return try Store(path: database, durability: durability, isFirst: isUnused)
        }
        guard hasReserve else {
            try? store.close()
            throw .full(FullDisk(holding: directory))
        }
        return store
    }

    /// No daemon has worked here: there is no run, and no worktree.
    private var isUnused: Bool {
        [runs, worktrees].allSatisfy { path in
            guard let folder = opendir(path) else { return true }
            defer { closedir(folder) }
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { return false }
            }
            return true
        }
    }
}
