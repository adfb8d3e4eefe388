import Glibc

/// What lies in a worktree and git does not show: special files, folders that cannot be read, and folders too deep for
/// it. Found by walking the folders from descriptor to descriptor, no link followed and no file opened.
struct UnseenFiles {
    /// FIFOs, sockets and devices, each with its kind in a word.
    private(set) var special: [(path: [UInt8], kind: String)] = []
    private(set) var unreadable: [[UInt8]] = []
    /// Folders below which names are longer than git can open, or the nesting is deeper than is walked here.
    private(set) var deep: [[UInt8]] = []

    /// A path may have 4095 bytes.
    private static let longest = 3500
    private static let deepest = 100

    init(in root: String) {
        let descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 { unreadable.append(Array(".".utf8)) } else { walk(descriptor, [], depth: 0) }
    }

    /// Forgets what is in these folders, relative to the root.
    mutating func forget(below folders: Set<[UInt8]>) {
        func isBelow(_ path: [UInt8]) -> Bool {
            if folders.contains(path) { return true }
            return path.indices.contains { path[$0] == UInt8(ascii: "/") && folders.contains(Array(path[..<$0])) }
        }
        special.removeAll { isBelow($0.path) }
        unreadable.removeAll(where: isBelow)
        deep.removeAll(where: isBelow)
    }

    /// Files that git opens by their names wherever it comes by, and for whose bytes it would wait for ever. Those are no
    /// longer among the special ones.
    mutating func takeThoseGitOpens() -> [(path: [UInt8], kind: String)] {
        func isOpened(_ path: [UInt8]) -> Bool {
            let name = path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
            return Self.opened.contains { name.elementsEqual($0.utf8) }
        }
        defer { special.removeAll { isOpened($0.path) } }
        return special.filter { isOpened($0.path) }
    }

    private static let opened = [".gitignore", ".gitattributes", ".gitmodules", ".mailmap"]

    /// Walks a folder, whose descriptor it closes.
    private mutating func walk(_ descriptor: Int32, _ prefix: [UInt8], depth: Int) {
        guard let directory = fdopendir(descriptor) else {
            close(descriptor)
            return unreadable.append(prefix)
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let type = kind(of: entry, in: descriptor)
            if type == DT_REG || type == DT_LNK { continue }
            let name = Self.name(of: entry)
            // Whatever `.git` is, git takes it for its own.
            if name == [0x2E] || name == [0x2E, 0x2E] || name == Array(".git".utf8) { continue }
            let path = prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
            guard type == DT_DIR else {
                special.append((path, Self.word(type)))
                continue
            }
            if path.count > Self.longest || depth > Self.deepest {
                deep.append(path)
                continue
            }
            let child = openat(descriptor, name.map { CChar(bitPattern: $0) } + [0], Self.flags)
            if child < 0 { unreadable.append(path) } else { walk(child, path, depth: depth + 1) }
        }
    }

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    private func kind(of entry: UnsafeMutablePointer<dirent>, in descriptor: Int32) -> Int {
        let type = Int(entry.pointee.d_type)
        guard type == DT_UNKNOWN else { return type }
        var status = stat()
        let name = Self.name(of: entry).map { CChar(bitPattern: $0) } + [0]
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return DT_REG }
        return Int(status.st_mode & S_IFMT) >> 12
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: UInt8.self, capacity: 256) {
                Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
            }
        }
    }

    private static func word(_ type: Int) -> String {
        switch type {
        case DT_FIFO: "a FIFO"
        case DT_SOCK: "a socket"
        default: "a device"
        }
    }
}

private let (DT_UNKNOWN, DT_FIFO, DT_DIR, DT_REG, DT_LNK, DT_SOCK) = (0, 1, 4, 8, 10, 12)
