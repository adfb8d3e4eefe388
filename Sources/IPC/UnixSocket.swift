import CSystem
import Glibc

/// Addresses and descriptors of Unix sockets.
enum UnixSocket {
    /// How many bytes `sun_path` holds beside its NUL.
    static let longestPath = 107

    /// A new stream socket, close-on-exec and non-blocking.
    static func make() throws(RPCError) -> Int32 {
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
            0
        )
        guard descriptor >= 0 else { throw RPCError(.internal, "cannot create a socket: \(systemError())") }
        return descriptor
    }

    /// Calls `body` with the address of `path`. Throws when the path is too long for one.
    static func withAddress<Result>(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(RPCError) -> Result {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= longestPath, !bytes.contains(0) else {
            throw RPCError(
                .usage,
                bytes.isEmpty
                    ? "the socket path is empty"
                    : "the socket path has \(bytes.count) bytes, \(longestPath) are possible: \(path)",
                hint: "set ORCH_SOCKET to a shorter path"
            )
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }

    /// Connects; 0, or the errno value.
    static func connect(_ descriptor: Int32, to path: String) throws(RPCError) -> Int32 {
        try withAddress(path) { Glibc.connect(descriptor, $0, $1) == 0 ? 0 : errno }
    }
}
