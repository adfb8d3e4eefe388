public import Core
import Glibc

/// What an agent printed, read at once from a file as it is read while the agent works. For Benchmarks/.
@_spi(Benchmarks) public enum TranscriptReading {
    /// How many events there are in it.
    public static func events(of kind: AgentProfile.Kind, in path: String) throws -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RunFailure("cannot open \(path)", errno: errno) }
        defer { close(descriptor) }
        let assignment = Assignment(
            ticket: TicketID("T-1"),
            title: "",
            prompt: "",
            promptFile: "",
            feedbackFile: nil,
            branch: "",
            worktree: "",
            attempt: 1
        )
        guard var conversation = AgentProfile(kind: kind).adapter.conversation(for: assignment) else { return 0 }
        var events = conversation.begin().events.count
        var reader = LineReader()
        func read(_ line: LineReader.Line) {
            if case .whole(let bytes, _) = line { events += conversation.read(bytes).events.count }
        }
        while try reader.readPiece(of: descriptor, read) {}
        reader.finish(read)
        return events
    }
}
