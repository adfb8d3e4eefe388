import Glibc

/// Where the program lies that this process runs, looked up once.
enum SelfPath {
    static let orch: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return "orch" }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // What was replaced meanwhile lies there no more; its successor does.
        return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
    }()
}
