import Core
import Glibc

/// Reads whole files, up to a limit.
enum FileBytes {
    /// What came of it: a file that is not there is no error to those who can do without.
    enum Outcome: Equatable {
        case bytes([UInt8])
        case missing
        case failed(String)
    }

    /// Reads a file; one byte more than the limit when it is longer, so that the caller can tell. `-` is standard
    /// input. With `regularOnly`, pipes and devices are refused, which could keep the caller waiting for ever.
    static func read(_ path: String, limit: Int = SourceText.limit, regularOnly: Bool = false) -> Outcome {
        if path == "-", !regularOnly { return read(descriptor: STDIN_FILENO, limit: limit) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (regularOnly ? O_NONBLOCK : 0))
        guard descriptor >= 0 else {
            let code = errno
            return code == ENOENT || code == ENOTDIR ? .missing : .failed("cannot be opened: \(reason(code))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failed("cannot be read: \(reason(errno))") }
        if status.st_mode & S_IFMT == S_IFDIR { return .failed("is a directory, not a file") }
        if regularOnly, status.st_mode & S_IFMT != S_IFREG { return .failed("is not a regular file") }
        return read(descriptor: descriptor, limit: limit)
    }

    private static func read(descriptor: Int32, limit: Int) -> Outcome {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let wanted = min(buffer.count, limit + 1 - bytes.count)
            let count = Glibc.read(descriptor, &buffer, wanted)
            if count < 0 {
                if errno == EINTR { continue }
                return .failed("cannot be read: \(reason(errno))")
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return .bytes(bytes)
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case EACCES, EPERM: "permission denied"
        case ELOOP: "too many symbolic links"
        case EISDIR: "it is a directory"
        default: String(cString: strerror(code))
        }
    }
}
