import Core
import Glibc

/// What the database's files say before SQLite opens them: SQLite takes a log it cannot read for an empty one, and may
/// write where it only looks.
struct DatabaseFile {
    let path: String
    /// As it stands in the file; 0 where the file is new or of the first version.
    private(set) var version = 0
    /// There is nothing yet: it is to be made.
    private(set) var isNew = false
    /// A daemon that has been killed left what it had stored last in the log.
    private(set) var hasLog = false

    /// Reads, and changes nothing.
    ///
    /// - Throws: `StoreError.damaged` when what is there cannot be what a daemon left, `StoreError.unusable` when it
    ///   cannot be read.
    init(path: String, durability: Durability) throws(StoreError) {
        self.path = path
        hasLog = try Self.size(path + "-wal") ?? 0 > 0
        guard let size = try Self.size(path), size > 0 else {
            if hasLog {
                throw .damaged(path, "it is \(access(path, F_OK) == 0 ? "empty" : "gone"), and its log is not")
            }
            isNew = true
            return
        }
        let header = try Self.read(path, count: 100, at: 0)
        guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw .damaged(path, "it is not a database")
        }
        version = Int(header.bigEndian(at: 60))
        // While there is a log, the file may be behind it.
        if !hasLog {
            let page = header.bigEndian(at: 16) >> 16
            let whole = Int(header.bigEndian(at: 28)) * Int(page == 1 ? 65_536 : page)
            guard size >= whole else { throw .damaged(path, "it is cut off: \(size) bytes of \(whole) are there") }
        }
        if hasLog, durability == .full, let problem = try WriteAheadLog.problem(path + "-wal") {
            throw .damaged(path, "its log \(path)-wal is damaged: \(problem)")
        }
    }

    private static func size(_ path: String) throws(StoreError) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .unusable(path, String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unusable(path, "it is not a file") }
        return Int(status.st_size)
    }

    /// The bytes there are, at most `count`.
    static func read(_ path: String, count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw .unusable(path, Permissions.problem(with: path) ?? String(cString: strerror(errno)))
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress! + done, count - done, off_t(offset + done))
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw .damaged(path, "it cannot be read: \(String(cString: strerror(errno)))") }
            if read == 0 { break }
            done += read
        }
        return Array(bytes.prefix(done))
    }
}

extension [UInt8] {
    func bigEndian(at offset: Int) -> UInt32 {
        UInt32(self[offset]) << 24 | UInt32(self[offset + 1]) << 16 | UInt32(self[offset + 2]) << 8
            | UInt32(self[offset + 3])
    }
}
