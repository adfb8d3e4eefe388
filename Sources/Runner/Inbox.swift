import CSystem
import Glibc

/// Carries messages from the run folder's `inbox.jsonl` to the program's standard input: whole lines, in order, each
/// once. How far it got is in `inbox.taken`, as a number of bytes, for those who ask after us.
///
/// The daemon alone writes the file, and only ever adds to it, but for a line that was never whole; when `inbox.end` is
/// there too, nothing more will come, and the program is told so by the end of its input.
struct Inbox {
    /// The end we write, nil once there is nobody to write to or nothing more to come.
    private(set) var pipe: Int32?
    private var file: Int32 = -1
    private var record: Int32 = -1
    private var taken: Int64 = 0
    /// Where the last whole line ends.
    private var whole: Int64 = 0
    private var isClosing = false

    /// Makes the pipe, and returns the inbox and the end to be given to the run.
    static func make() throws(Failure) -> (inbox: Inbox, readEnd: Int32) {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        guard cs_pipe(&readEnd, &writeEnd) == 0 else { throw Failure("cannot make a pipe for stdin", errno: errno) }
        // Ours alone: the program has the other end, and expects to wait.
        _ = fcntl(writeEnd, F_SETFL, O_NONBLOCK)
        return (Inbox(pipe: writeEnd), readEnd)
    }

    private init(pipe: Int32) { self.pipe = pipe }

    /// Whether there is something to write, so that it pays to wait until the pipe has room.
    var isWaiting: Bool { pipe != nil && taken < whole }

    /// Looks for lines that have come, and for the end.
    mutating func look(through buffer: UnsafeMutableRawBufferPointer) {
        guard pipe != nil else { return }
        // Before the lines: all of them were there before it.
        isClosing = isClosing || Files.exists("inbox.end")
        if file < 0 { file = open("inbox.jsonl", O_RDONLY | O_CLOEXEC) }
        var position = whole
        while file >= 0 {
            let count = pread(file, buffer.baseAddress!, buffer.count, off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            if let newline = buffer[..<count].lastIndex(of: 0x0A) { whole = position + Int64(newline) + 1 }
            position += Int64(count)
        }
        closeIfDone()
    }

    /// Writes what the pipe has room for.
    mutating func forward(through buffer: UnsafeMutableRawBufferPointer) {
        while let pipe, taken < whole {
            let count = pread(file, buffer.baseAddress!, min(buffer.count, Int(whole - taken)), off_t(taken))
            if count < 0, errno == EINTR { continue }
            // The disk's trouble: nothing is lost by waiting for the next message.
            guard count > 0 else { return }
            let written = write(pipe, buffer.baseAddress!, count)
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EAGAIN { return }
            // The program takes no more input. What it was not given stays untaken.
            guard written > 0 else { return close() }
            taken += Int64(written)
            note()
        }
        closeIfDone()
    }

    private mutating func closeIfDone() {
        if isClosing, taken == whole { close() }
    }

    private mutating func close() {
        if let pipe { Glibc.close(pipe) }
        pipe = nil
    }

    /// In place, and as long each time, so that a full disk cannot keep it from being written.
    private mutating func note() {
        if record < 0 { record = open("inbox.taken", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
        let digits = String(taken)
        var line = String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits + "\n"
        line.withUTF8 { _ = pwrite(record, $0.baseAddress!, $0.count, 0) }
    }
}
