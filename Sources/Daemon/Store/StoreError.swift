import GRDB
import Glibc

/// Why the store cannot be opened, or not be written. Each says what has been left as it is, and what to do.
enum StoreError: Error, CustomStringConvertible, Equatable {
    /// A newer orch has written it.
    case newer(String)
    /// What is there is not what was stored: it is told, and never replaced or repaired.
    case damaged(String, String)
    /// It may be whole, and cannot be opened.
    case unusable(String, String)
    /// There is no room for it.
    case full(FullDisk)
    /// It breaks a rule of the schema.
    case rejected(String)
    /// It could be opened, and cannot be written now.
    case unwritable(String)

    var description: String {
        switch self {
        case .newer(let path):
            "cannot open \(path): a newer orch has written it; start that version, or choose another --state-dir"
        case .damaged(let path, let reason):
            "cannot open \(path): \(reason); it has been left as it is; look with `orch doctor`, put a copy that "
                + "`orch backup` made in its place, or choose another --state-dir to go on without it"
        case .unusable(let path, let reason):
            "cannot open \(path): \(reason); it has been left as it is; choose another --state-dir to go on without it"
        case .full(let disk): disk.description
        case .rejected(let reason): "the store rejected a change: \(reason)"
        case .unwritable(let reason): "the store cannot be written: \(reason)"
        }
    }

    /// What opening or reading the database at `path` came to, in words for a person.
    init(_ error: any Error, opening path: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as Store.Unreadable: self = .damaged(path, error.row)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path, Self.sentence(error))
            // A table or column is missing.
            case .SQLITE_ERROR: self = .damaged(path, Self.sentence(error))
            case .SQLITE_FULL: self = .full(FullDisk(holding: path))
            case .SQLITE_IOERR where FullDisk.isFull(at: path): self = .full(FullDisk(holding: path))
            default: self = .unusable(path, Permissions.problem(with: path) ?? Self.sentence(error))
            }
        default: self = .unusable(path, Permissions.problem(with: path) ?? String(describing: error))
        }
    }

    private static func sentence(_ error: DatabaseError) -> String { error.message ?? "\(error.resultCode)" }
}

/// A disk without room, named by what it holds.
struct FullDisk: Error, Equatable, CustomStringConvertible {
    /// The directory that was to be written.
    let directory: String
    let free: Int

    /// The disk that holds `path`, a file or a directory.
    init(holding path: String) {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
        var status = stat()
        directory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? path : parent
        free = Self.free(at: directory) ?? 0
    }

    var description: String {
        "the disk that holds \(directory) is full (\(Self.text(free)) free): make room there, at least "
            + "\(Self.text(2 * Reserve.size))"
    }

    /// Whether there is less room than a daemon needs to go on; false where that cannot be known.
    static func isFull(at path: String) -> Bool { free(at: path).map { $0 < Reserve.size } ?? false }

    /// The bytes that can still be written where `path` is.
    static func free(at path: String) -> Int? {
        var system = statvfs()
        guard statvfs(path, &system) == 0 else { return nil }
        return Int(system.f_bavail) * Int(system.f_frsize)
    }

    private static func text(_ bytes: Int) -> String { bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB" }
}

/// What keeps this user from a file, found by asking the kernel for each thing needed.
enum Permissions {
    /// One phrase; nil when nothing is in the way.
    static func problem(with path: String) -> String? {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        for (file, mode, what) in [
            (directory, R_OK | W_OK | X_OK, "the directory \(directory)"), (path, R_OK | W_OK, path),
            (path + "-wal", R_OK | W_OK, path + "-wal"), (path + "-shm", R_OK | W_OK, path + "-shm"),
        ] where access(file, F_OK) == 0 {
            guard access(file, mode) != 0 else { continue }
            if errno == EROFS { return "\(directory) is on a file system that is mounted read-only" }
            return "\(what) may not be read and written by this user: \(String(cString: strerror(errno)))"
        }
        return nil
    }
}
