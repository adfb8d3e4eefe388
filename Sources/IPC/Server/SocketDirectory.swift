import Glibc

/// Where a socket's file is. Whoever may write there could put a socket of their own in its place, and be taken for the
/// daemon.
public enum SocketDirectory {
    /// Makes the directory of `path`, and those above it, of mode 0700 where they do not exist. Throws where one that
    /// exists is not safe: somebody else's, or open to others for writing (a sticky one, like /tmp, is safe).
    static func prepare(for path: String) throws(RPCError) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        let directory = String(path[..<slash])
        try make(directory)
        try check(directory)
    }

    /// Says whether the directory of `path` is safe; one that does not exist yet will be. Changes nothing.
    public static func check(of path: String) throws(RPCError) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        let directory = String(path[..<slash])
        guard access(directory, F_OK) == 0 else { return }
        try check(directory)
    }

    private static func make(_ directory: String) throws(RPCError) {
        if mkdir(directory, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let slash = directory.lastIndex(of: "/"), slash > directory.startIndex {
            try make(String(directory[..<slash]))
            if mkdir(directory, 0o700) == 0 || errno == EEXIST { return }
        }
        throw RPCError(.internal, "cannot create \(directory): \(systemError())")
    }

    private static func check(_ directory: String) throws(RPCError) {
        var status = stat()
        guard stat(directory, &status) == 0 else { throw cannotUse(directory, systemError()) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw cannotUse(directory, systemError(ENOTDIR)) }
        guard isTrusted(status.st_uid) else { throw ofOthers("the socket's directory \(directory)", status.st_uid) }
        guard status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0 else {
            throw RPCError(
                .refused,
                "others may write to the socket's directory \(directory) (mode "
                    + "\(String(status.st_mode & 0o7777, radix: 8))), and put a socket of their own in the daemon's place",
                hint: "chmod go-w \(directory), or set ORCH_SOCKET to a path in another directory"
            )
        }
        // A link may lead elsewhere tomorrow, as its owner pleases.
        if lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFLNK, !isTrusted(status.st_uid) {
            throw ofOthers("the link \(directory), which leads to the socket's directory,", status.st_uid)
        }
    }

    private static func isTrusted(_ owner: uid_t) -> Bool { owner == geteuid() || owner == 0 }

    private static func cannotUse(_ directory: String, _ reason: String) -> RPCError {
        RPCError(
            .internal,
            "cannot use \(directory) for the socket: \(reason)",
            hint: "set ORCH_SOCKET to another path"
        )
    }

    private static func ofOthers(_ what: String, _ owner: uid_t) -> RPCError {
        RPCError(
            .refused,
            "\(what) belongs to another user (uid \(owner)), who could put a socket of their own in the daemon's place",
            hint: "set ORCH_SOCKET to a path in a directory of your own"
        )
    }
}
