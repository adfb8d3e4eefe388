import CSystem
import Core
import Glibc

/// One of a run's two output streams, or what orch has made of the first.
public enum RunStream: String, Codable, Sendable, CaseIterable {
    case stdout
    case stderr
    /// What an agent that speaks a protocol has said and done, one event a line.
    case events

    /// Its file in the run's folder.
    var fileName: String { self == .events ? EventLog.name : rawValue }
}

/// A piece of a run's output, as it stands in the file.
public struct RunOutput: Equatable, Sendable {
    public var bytes: [UInt8]
    /// Where the piece begins; less than what was asked for when that lies beyond the end.
    public var offset: Int
    /// Where to go on reading.
    public var next: Int
    /// Bytes there are so far.
    public var size: Int
    /// The piece reaches the end, and the run has ended, so that nothing will follow.
    public var isLast: Bool
}

extension RunFolder {
    /// When one of the two files last grew; nil while both are empty.
    var lastOutput: Instant? {
        [RunStream.stdout, .stderr].compactMap { stream in
            var status = stat()
            guard stat(file(stream.fileName), &status) == 0, status.st_size > 0 else { return nil }
            let time = status.st_mtim
            return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
        }.max()
    }

    /// Reads at most `length` bytes from `offset`. Output that has not begun is empty. Blocks on the disk alone.
    func readOutput(_ stream: RunStream, offset: Int, length: Int) throws(RunFailure) -> RunOutput {
        // Asked for before the file is read: what is in the file afterwards is then all there will be.
        let hasEnded = has("exit.json")
        let descriptor = open(file(stream.fileName), O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            guard errno == ENOENT else { throw RunFailure("cannot open \(file(stream.fileName))", errno: errno) }
            return RunOutput(bytes: [], offset: 0, next: 0, size: 0, isLast: hasEnded)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw RunFailure("cannot read \(file(stream.fileName))", errno: errno)
        }
        let size = Int(status.st_size)
        let start = min(max(0, offset), size)
        let wanted = min(max(0, length), size - start)
        var failed: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            while count < wanted {
                let got = pread(descriptor, buffer.baseAddress! + count, wanted - count, off_t(start + count))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failed = errno }
                if got <= 0 { break }
                count += got
            }
        }
        if failed != 0 { throw RunFailure("cannot read \(file(stream.fileName))", errno: failed) }
        let next = start + bytes.count
        return RunOutput(bytes: bytes, offset: start, next: next, size: size, isLast: hasEnded && next >= size)
    }
}
