import CSystem
import Glibc

/// The few file operations git's surroundings need, on paths as they are: no encoding of names, no following of links
/// unless said.
enum GitFiles {
    static func reason(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }

    /// Whether anything is there, a dangling link included.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The path without links, `.` and `..`; nil when it does not exist.
    static func canonical(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The whole file; nil when it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// The whole file as text without the line end at its end; nil when it cannot be read.
    static func line(_ path: String) -> String? {
        read(path).map { Git.text($0.last == 0x0A ? $0.dropLast() : $0[...]) }
    }

    /// Writes the file so that it appears under its name whole or not at all, and has it on the disk before, unless
    /// nobody needs it after the machine's end. `mode`, less the umask, is a new file's.
    static func write(
        _ bytes: [UInt8],
        to path: String,
        isDurable: Bool = true,
        mode: mode_t = 0o600,
        for operation: String
    ) throws(GitError) {
        let temporary = path + ".new"
        var isWritten = create(temporary, bytes, mode: mode) { !isDurable || fsync($0) == 0 }
        FaultPoint.fileWritten.pass()
        isWritten = isWritten && rename(temporary, path) == 0
        if !isWritten { throw GitError(.failed, operation, "cannot write \(path): \(reason())") }
    }

    /// Copies a file together with its times; false when it cannot.
    static func copy(_ source: String, to destination: String) -> Bool {
        var status = stat()
        guard stat(source, &status) == 0, let bytes = read(source) else { return false }
        return create(destination, bytes) { futimens($0, [status.st_atim, status.st_mtim]) == 0 }
    }

    /// Makes a file of these bytes; `finish` is given the descriptor before it is closed. False leaves errno.
    private static func create(
        _ path: String,
        _ bytes: [UInt8],
        mode: mode_t = 0o600,
        finish: (Int32) -> Bool
    ) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { return false }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { break }
            written += count
        }
        let isComplete = written == bytes.count && finish(descriptor)
        let number = errno
        close(descriptor)
        errno = number
        return isComplete
    }

    /// Makes the directory and those above it, for the user alone.
    static func makeDirectory(_ path: String, for operation: String) throws(GitError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST && isDirectory(canonical(path) ?? path) { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw GitError(.failed, operation, "cannot create \(path): \(reason())")
        }
        try makeDirectory(String(path[..<slash]), for: operation)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw GitError(.failed, operation, "cannot create \(path): \(reason())")
        }
    }

    /// Has what was written to a file, or the names in a directory, on the disk. False leaves errno.
    static func synchronize(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        let isDone = fsync(descriptor) == 0
        let number = errno
        close(descriptor)
        errno = number
        return isDone
    }

    /// Whether two files have the same bytes; false also when one cannot be read. Of any size: read piece by piece.
    static func areEqual(_ a: String, _ b: String) -> Bool {
        let files = [open(a, O_RDONLY | O_CLOEXEC), open(b, O_RDONLY | O_CLOEXEC)]
        defer { for file in files where file >= 0 { close(file) } }
        var sizes = [stat(), stat()]
        guard files.allSatisfy({ $0 >= 0 }), fstat(files[0], &sizes[0]) == 0, fstat(files[1], &sizes[1]) == 0,
            sizes[0].st_size == sizes[1].st_size
        else { return false }
        var pieces = [[UInt8](repeating: 0, count: 1 << 18), [UInt8](repeating: 0, count: 1 << 18)]
        var offset = 0
        while offset < sizes[0].st_size {
            let count = pread(files[0], &pieces[0], 1 << 18, offset)
            guard count > 0, pread(files[1], &pieces[1], count, offset) == count,
                pieces[0][..<count] == pieces[1][..<count]
            else { return false }
            offset += count
        }
        return true
    }

    /// The names in a directory, sorted; none when it cannot be read.
    static func names(in path: String) -> [String] { names(in: Array(path.utf8CString)) }

    static func names(in path: [CChar]) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Where a symbolic link points; nil when it is none.
    static func linkTarget(_ path: String) -> [UInt8]? {
        var target = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &target, target.count)
        return count < 0 ? nil : target.prefix(count).map { UInt8(bitPattern: $0) }
    }

    /// Moves what is at `path` into the folder `trash` on the same file system, and says where it is now. A note beside it
    /// says where it came from.
    static func moveToTrash(
        _ path: String,
        _ trash: String,
        because reason: String,
        for operation: String
    ) throws(GitError) -> String {
        let destination = try place(for: path, in: trash, because: reason, for: operation)
        guard rename(path, destination) == 0 else {
            throw GitError(.failed, operation, "cannot move \(path) to \(destination): \(Self.reason())")
        }
        return destination
    }

    /// Moves a plain file into the folder `trash`, wherever that is.
    static func copyToTrash(
        _ path: String,
        _ trash: String,
        because reason: String,
        for operation: String
    ) throws(GitError) {
        let destination = try place(for: path, in: trash, because: reason, for: operation)
        guard copy(path, to: destination), synchronize(destination), synchronize(trash), unlink(path) == 0 else {
            throw GitError(.failed, operation, "cannot move \(path) to \(destination): \(Self.reason())")
        }
    }

    /// What the name of the note beside something in the trash ends in.
    static let trashNote = ".from"

    /// A path in `trash` that is not taken, with its note.
    private static func place(
        for path: String,
        in trash: String,
        because reason: String,
        for operation: String
    ) throws(GitError) -> String {
        try makeDirectory(trash, for: operation)
        let name = name(of: path)
        var number = 1
        while exists("\(trash)/\(name).\(number)") { number += 1 }
        let destination = "\(trash)/\(name).\(number)"
        let note = "\(path)\n\(Timestamp.text(Timestamp.now()))\n\(reason), when asked to \(operation)\n"
        try write(Array(note.utf8), to: destination + trashNote, for: operation)
        return destination
    }

    /// The last component of a path.
    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// What is above the last component of an absolute path.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
