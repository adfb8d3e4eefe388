import Core
import Glibc
import IPC

/// The run folder's `events.jsonl`: what the agent's stream says, one event a line, for whoever shows a transcript. It is
/// derived from `stdout`, and says when each event was first read.
///
/// A daemon that takes a run over derives all of it again: what is there already is not written twice.
struct EventLog {
    static let name = "events.jsonl"

    private let descriptor: Int32
    /// How many events are there from before.
    private var known = 0
    private var pending: [UInt8] = []
    /// Bytes that are there.
    private(set) var size = 0

    init(in folder: RunFolder) throws(RunFailure) {
        descriptor = open(folder.file(Self.name), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure("cannot open \(folder.file(Self.name))", errno: errno) }
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var (position, end) = (0, 0)
        while true {
            let count = pread(descriptor, &piece, piece.count, off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for index in 0..<count where piece[index] == 0x0A {
                known += 1
                end = position + index + 1
            }
            position += count
        }
        // A line that our end has cut off.
        ftruncate(descriptor, off_t(end))
        lseek(descriptor, off_t(end), SEEK_SET)
        size = end
    }

    mutating func add(_ event: AgentEvent, at now: Instant, offset: Int) {
        guard known == 0 else {
            known -= 1
            return
        }
        pending += JSONValue.object(event.row(at: now, offset: offset)).bytes
        pending.append(0x0A)
    }

    /// Writes what was added. On a full disk it is left out, whole: the run's output has all of it.
    mutating func flush() {
        guard !pending.isEmpty else { return }
        let end = lseek(descriptor, 0, SEEK_CUR)
        var rest = pending[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                ftruncate(descriptor, end)
                lseek(descriptor, end, SEEK_SET)
                break
            }
            rest = rest.dropFirst(written)
        }
        pending.removeAll(keepingCapacity: pending.count < 1 << 16)
        size = Int(lseek(descriptor, 0, SEEK_CUR))
    }

    func end() { close(descriptor) }
}

extension RunFolder {
    /// The last texts of the run's agent, oldest first; of one that speaks no protocol there are none.
    func lastSaid(_ count: Int) -> [String] {
        var said: [String] = []
        for line in tail(of: EventLog.name, 1 << 18).split(separator: "\n").reversed() where said.count < count {
            guard let row = try? JSONValue(parsing: String(line)), row["event"]?.stringValue == "said",
                row["by"]?.stringValue == "agent", let text = row["text"]?.stringValue
            else { continue }
            said.append(text)
        }
        return said.reversed()
    }
}
