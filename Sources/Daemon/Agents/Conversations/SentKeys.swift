import Glibc

/// Which lines have been sent to a run, by their keys: the run folder's `inbox.keys`, a key a line in the order of
/// `inbox.jsonl`. A key is written before its line, and a line is added once whatever happens in between, so that a
/// conversation that is begun anew after a crash sends nothing twice and leaves nothing out. A key whose line was never
/// added is none: who was to send it may have been told by somebody who believes that it was.
struct SentKeys {
    private static let name = "inbox.keys"
    private let descriptor: Int32
    private var numbers: [String: Int] = [:]

    init(in folder: RunFolder) throws(RunFailure) {
        descriptor = open(folder.file(Self.name), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure("cannot open \(folder.file(Self.name))", errno: errno) }
        let bytes = folder.read(Self.name) ?? []
        let sent = try folder.messageCount()
        var whole = 0
        while numbers.count < sent, let end = bytes[whole...].firstIndex(of: 0x0A) {
            numbers[String(decoding: bytes[whole..<end], as: UTF8.self)] = numbers.count
            whole = end + 1
        }
        ftruncate(descriptor, off_t(whole))
        lseek(descriptor, off_t(whole), SEEK_SET)
    }

    /// Every key, by the number of its message.
    var inOrder: [String] { numbers.sorted { $0.value < $1.value }.map(\.key) }

    func hasNumber(of key: String) -> Bool { numbers[Self.line(key)] != nil }

    private static func line(_ key: String) -> String { String(key.map { $0.isNewline ? " " : $0 }) }

    /// The number of the message with that key, from 0; written down where it is a new one.
    mutating func number(of key: String) throws(RunFailure) -> Int {
        let key = Self.line(key)
        if let known = numbers[key] { return known }
        let end = lseek(descriptor, 0, SEEK_CUR)
        let bytes = Array(key.utf8) + [0x0A]
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failed = errno
                ftruncate(descriptor, end)
                lseek(descriptor, end, SEEK_SET)
                throw RunFailure("cannot write \(Self.name) of a run", errno: failed)
            }
            written += count
        }
        defer { numbers[key] = numbers.count }
        return numbers.count
    }

    func end() { close(descriptor) }
}
