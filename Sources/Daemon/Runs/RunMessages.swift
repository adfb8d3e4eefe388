import Glibc

/// The messages to a run's program: lines of the run folder's `inbox.jsonl`, which its runner forwards, whole and each
/// once. The daemon adds; the runner says in `inbox.taken` how many bytes it has handed on.
extension RunFolder {
    /// Adds a line as message `number`, counted from 0, unless it is there already: to be repeated by who does not know
    /// whether it was. Whole or not at all, whatever happens to us: a line cut off by our end is dropped by the next one,
    /// and no runner has forwarded any of it.
    func addMessage(_ line: String, number: Int) throws(RunFailure) {
        var bytes = Array(line.utf8)
        guard !bytes.contains(0x0A) else {
            throw RunFailure("cannot send message \(number) to \(path): it is more than one line")
        }
        bytes.append(0x0A)
        let inbox = open(file("inbox.jsonl"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard inbox >= 0 else { throw RunFailure("cannot open \(file("inbox.jsonl"))", errno: errno) }
        // Closing lets go of the lock; no child inherits it.
        defer { close(inbox) }
        while flock(inbox, LOCK_EX) != 0, errno == EINTR {}
        let (count, end) = try lines(inbox, upTo: .max)
        if number < count { return }
        guard number == count else {
            throw RunFailure("cannot send message \(number) to \(path): there are only \(count) before it")
        }
        guard ftruncate(inbox, off_t(end)) == 0 else {
            throw RunFailure("cannot write \(file("inbox.jsonl"))", errno: errno)
        }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(inbox, $0.baseAddress! + written, bytes.count - written, off_t(end + written))
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                let failed = errno
                ftruncate(inbox, off_t(end))
                throw RunFailure("cannot write \(file("inbox.jsonl"))", errno: failed)
            }
            written += count
        }
    }

    /// How many messages there are.
    func messageCount() throws(RunFailure) -> Int {
        let inbox = open(file("inbox.jsonl"), O_RDONLY | O_CLOEXEC)
        guard inbox >= 0 else {
            if errno == ENOENT { return 0 }
            throw RunFailure("cannot open \(file("inbox.jsonl"))", errno: errno)
        }
        defer { close(inbox) }
        return try lines(inbox, upTo: .max).count
    }

    /// Leaves word that no message follows.
    func endMessages() throws(RunFailure) {
        let descriptor = open(file("inbox.end"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure("cannot write \(file("inbox.end"))", errno: errno) }
        close(descriptor)
    }

    /// How many messages the runner has handed on whole.
    var messagesTaken: Int {
        let taken = read("inbox.taken").flatMap { Int(String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self)) } ?? 0
        let inbox = open(file("inbox.jsonl"), O_RDONLY | O_CLOEXEC)
        guard inbox >= 0 else { return 0 }
        defer { close(inbox) }
        return (try? lines(inbox, upTo: taken).count) ?? 0
    }

    /// How many whole lines there are within the first bytes, and where the last of them ends.
    private func lines(_ descriptor: Int32, upTo limit: Int) throws(RunFailure) -> (count: Int, end: Int) {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var (lines, end, position) = (0, 0, 0)
        while position < limit {
            let count = pread(descriptor, &piece, min(piece.count, limit - position), off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw RunFailure("cannot read \(file("inbox.jsonl"))", errno: errno) }
            if count == 0 { break }
            for index in 0..<count where piece[index] == 0x0A {
                lines += 1
                end = position + index + 1
            }
            position += count
        }
        return (lines, end)
    }
}
