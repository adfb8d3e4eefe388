import CSystem
import Glibc

/// The only place that creates and removes the socket's file. Owned by the door.
struct Listener {
    let descriptor: Int32
    let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Listens on `path`, with a socket of mode 0600, in a directory that is made with mode 0700 or is safe. A socket that
    /// nobody listens on any more is replaced; one that is alive is an error, and so is anything else that is there.
    ///
    /// The file has its name only once it can be connected to: who finds it is served, and who looks whether it has been
    /// left behind is not misled.
    init(path: String) throws(RPCError) {
        _ = try UnixSocket.withAddress(path) { _, _ in 0 }
        try SocketDirectory.prepare(for: path)
        // Before anything is made: trying in vain changes nothing in the directory.
        try Self.makeWay(path)
        let descriptor = try UnixSocket.make()
        let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        let temporary = "\(directory)/." + String(UInt64.random(in: 1 << 32..<1 << 36), radix: 16)
        do throws(RPCError) {
            // On Linux the file gets the descriptor's mode: no moment with another one, no umask to change.
            fchmod(descriptor, 0o600)
            try Self.bind(descriptor, temporary, for: path)
            var status = stat()
            guard listen(descriptor, 512) == 0, lstat(temporary, &status) == 0 else {
                let failed = errno
                unlink(temporary)
                throw Self.cannotListen(path, failed)
            }
            (device, inode) = (status.st_dev, status.st_ino)
            do throws(RPCError) { try Self.give(temporary, name: path) } catch {
                unlink(temporary)
                throw error
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    /// Whether its name leads to it still.
    var isInPlace: Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode
    }

    /// Stops listening, and removes the file if it is still the one made here.
    func close() {
        if isInPlace { unlink(path) }
        Glibc.close(descriptor)
    }

    private static func cannotListen(_ path: String, _ failed: Int32) -> RPCError {
        RPCError(
            .internal,
            "cannot listen on \(path): \(systemError(failed))",
            hint: "set ORCH_SOCKET to another path"
        )
    }

    private static func bind(_ descriptor: Int32, _ temporary: String, for path: String) throws(RPCError) {
        var name = temporary
        var directory: Int32 = -1
        defer { if directory >= 0 { Glibc.close(directory) } }
        if name.utf8.count > UnixSocket.longestPath, let slash = name.lastIndex(of: "/") {
            // Only the path itself must be short enough for everyone.
            directory = open(String(name[...slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else { throw cannotListen(path, errno) }
            name = "/proc/self/fd/\(directory)" + name[slash...]
        }
        let failed = try UnixSocket.withAddress(name) { Glibc.bind(descriptor, $0, $1) == 0 ? 0 : errno }
        guard failed == 0 else { throw cannotListen(path, failed) }
    }

    private static func give(_ temporary: String, name path: String) throws(RPCError) {
        for _ in 0..<8 {
            if cs_rename_new(temporary, path) == 0 { return }
            let failed = errno
            guard failed == EEXIST else { throw cannotListen(path, failed) }
            try makeWay(path)
        }
        throw cannotListen(path, EEXIST)
    }

    /// Removes a socket that nobody listens on; throws where something else is in the way.
    private static func makeWay(_ path: String) throws(RPCError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            let kind = status.st_mode & S_IFMT == S_IFLNK ? "it is a link" : "it is not a socket"
            throw RPCError(.refused, "\(path) is in the way: \(kind)", hint: "move it away")
        }
        let probe = try UnixSocket.make()
        defer { Glibc.close(probe) }
        let failed = try UnixSocket.connect(probe, to: path)
        switch failed {
        case ECONNREFUSED: unlink(path)
        case ENOENT: return
        case 0, EAGAIN:
            throw RPCError(
                .refused,
                "another daemon is listening on \(path)",
                hint: "end it with: orch quit; or give this one another socket with --socket"
            )
        default:
            throw RPCError(
                .refused,
                "cannot tell whether anyone listens on \(path): \(systemError(failed))",
                hint: "set ORCH_SOCKET to another path"
            )
        }
    }
}
