import CSystem
import Glibc

/// Carries one of the run's output streams from its pipe into its file, up to a cap.
///
/// The pipe is always drained, so that no failing disk and no cap ever stops the run; what is not kept is marked where
/// it is missing, by a line of its own.
struct Pump {
    let name: String
    private let cap: Int64
    private var file: Int32 = -1
    /// The end we read, nil after the end of the stream.
    private(set) var pipe: Int32?
    /// Bytes in the file, marks included.
    private(set) var size: Int64 = 0
    /// Something of the stream is not in the file.
    private(set) var isCut = false
    /// The errno value of the first write that failed.
    private(set) var failure: Int32 = 0
    private var kept: Int64 = 0
    /// Lost to failing writes since the last one that worked.
    private var lost: Int64 = 0
    private var isCapped = false
    private var lastByte: UInt8 = 0x0A

    /// Makes the pipe, and returns the pump and the end to be given to the run.
    static func make(_ name: String, cap: Int64) throws(Failure) -> (pump: Pump, writeEnd: Int32) {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        guard cs_pipe(&readEnd, &writeEnd) == 0 else { throw Failure("cannot make a pipe for \(name)", errno: errno) }
        _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
        return (Pump(name: name, cap: cap, pipe: readEnd), writeEnd)
    }

    private init(name: String, cap: Int64, pipe: Int32) {
        self.name = name
        self.cap = cap
        self.pipe = pipe
    }

    /// Makes the file: after the spawn, as a new file can take the file system longer than all else before it.
    mutating func openFile() {
        file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        if file < 0 { failure = errno }
    }

    /// Moves what is there, at most one bufferful. False when nothing was.
    mutating func move(through buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let pipe else { return false }
        let count = read(pipe, buffer.baseAddress!, buffer.count)
        if count > 0 {
            keep(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return true
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return false }
        close(pipe)
        self.pipe = nil
        return false
    }

    /// More than any pipe holds.
    private static let pipeMost = 64 << 20

    /// Moves what is left once nothing of the run lives any more. Bounded, in case something that could not be killed
    /// goes on writing.
    mutating func finish(through buffer: UnsafeMutableRawBufferPointer) {
        var rounds = Self.pipeMost / buffer.count
        while rounds > 0, move(through: buffer) { rounds -= 1 }
        if let pipe { close(pipe) }
        pipe = nil
        if lost > 0 { writeLossMark() }
        if file >= 0 { close(file) }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        if lost > 0 { writeLossMark() }
        let room = Int(max(0, cap - kept))
        let count = min(bytes.count, room)
        if count > 0 {
            let written = write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            kept += Int64(written)
            lost += Int64(count - written)
            if written < count { isCut = true }
        }
        if bytes.count > room, !isCapped {
            isCapped = true
            isCut = true
            mark("output cut: \(name) has reached its limit of \(cap) bytes, the rest is not kept")
        }
    }

    private mutating func writeLossMark() {
        let before = lost
        if mark("output lost: \(before) bytes could not be written: \(String(cString: strerror(failure)))") { lost = 0 }
    }

    @discardableResult
    private mutating func mark(_ text: String) -> Bool {
        var line = (lastByte == 0x0A ? "" : "\n") + "[orch: \(text)]\n"
        return line.withUTF8 { write(UnsafeRawBufferPointer($0)) == $0.count }
    }

    /// How many bytes were written; fewer than asked for when the system refused.
    private mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        var done = 0
        while done < bytes.count {
            let written = Glibc.write(file, bytes.baseAddress! + done, bytes.count - done)
            if written < 0 {
                if errno == EINTR { continue }
                if failure == 0 { failure = errno }
                break
            }
            done += written
        }
        if done > 0 { lastByte = bytes[done - 1] }
        size += Int64(done)
        return done
    }
}
