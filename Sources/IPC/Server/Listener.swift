import CSystem
import Glibc

/// The only place that creates and removes the socket's file.
struct Listener: ~Copyable {
    let descriptor: Int32
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Listens on `path`, with a directory of mode 0700 and a socket of mode 0600. A socket that nobody listens on
    /// any more is replaced; one that is alive is an error.
    init(path: String) throws(RPCError) {
        try Self.makeDirectory(of: path)
        let descriptor = try UnixSocket.make()
        do throws(RPCError) {
            // On Linux the file gets the descriptor's mode: no moment with another one, no umask to change.
            fchmod(descriptor, 0o600)
            try Self.bind(descriptor, path)
            guard listen(descriptor, 512) == 0 else {
                throw RPCError(.internal, "cannot listen on \(path): \(systemError())")
            }
            var status = stat()
            guard lstat(path, &status) == 0 else {
                throw RPCError(.internal, "cannot listen on \(path): \(systemError())")
            }
            (device, inode) = (status.st_dev, status.st_ino)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    /// Stops listening, and removes the file if it is still the one made here.
    consuming func close() {
        var status = stat()
        if lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode { unlink(path) }
        Glibc.close(descriptor)
    }

    private static func bind(_ descriptor: Int32, _ path: String) throws(RPCError) {
        func attempt() throws(RPCError) -> Int32 {
            try UnixSocket.withAddress(path) { Glibc.bind(descriptor, $0, $1) == 0 ? 0 : errno }
        }
        var failed = try attempt()
        if failed == EADDRINUSE {
            try removeStale(path)
            failed = try attempt()
        }
        guard failed == 0 else {
            throw RPCError(
                .internal,
                "cannot listen on \(path): \(systemError(failed))",
                hint: "set ORCH_SOCKET to another path"
            )
        }
    }

    /// Removes a socket that nobody listens on.
    private static func removeStale(_ path: String) throws(RPCError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw RPCError(.refused, "\(path) is in the way: it is not a socket", hint: "move it away")
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
            throw RPCError(.refused, "cannot tell whether anyone listens on \(path): \(systemError(failed))")
        }
    }

    private static func makeDirectory(of path: String) throws(RPCError) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        let directory = String(path[..<slash])
        if mkdir(directory, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT {
            try makeDirectory(of: directory)
            if mkdir(directory, 0o700) == 0 || errno == EEXIST { return }
        }
        throw RPCError(.internal, "cannot create \(directory): \(systemError())")
    }
}
