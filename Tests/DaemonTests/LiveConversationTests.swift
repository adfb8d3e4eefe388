import Core
import Foundation
import Testing

@testable import Daemon

/// What is read of a run, and what it is told, in whatever order they come after a restart.
@Suite struct LiveConversationTests {
    /// A run of Claude Code's, and what its conversation tells.
    private final class Talk {
        let folder: RunFolder
        let live: LiveConversation
        var events: [AgentEvent] = []
        private let place: StateFolder
        private let output: URL

        /// - Parameter printed: what is there before the conversation begins.
        init(printed: [String] = []) throws {
            place = try StateFolder()
            folder = RunFolder(path: place.path + "/T-1.1")
            _ = try folder.create()
            output = URL(fileURLWithPath: folder.file("stdout"))
            try Data(printed.map { $0 + "\n" }.joined().utf8).write(to: output)
            live = try LiveConversation(
                RunID(ticket: TicketID("T-1"), number: 1),
                ClaudeConversation(.claude, .sample()),
                folder,
                worktree: "/w",
                limits: .init()
            )
        }

        deinit { live.close() }

        func note(_ event: AgentEvent, _: LoopDetector.Finding?) { events.append(event) }
        func read() { while live.read(note) {} }

        func prints(_ line: String) throws {
            let file = try FileHandle(forWritingTo: output)
            try file.seekToEnd()
            try file.write(contentsOf: Data((line + "\n").utf8))
            try file.close()
            read()
        }
    }

    private static let result = #"{"type":"result","subtype":"success","is_error":false,"result":"done"}"#

    private static let echo =
        #"{"type":"user","isReplay":true,"uuid":"\#(MessageMarks(.sample()).mark(of: 1))","message":{"role":"user","content":"x"}}"#

    @Test func aMessageThatIsHandedOnAgainAfterItWasTakenKeepsNoAgentWaiting() throws {
        let talk = try Talk()
        talk.live.begin(talk.note)
        try talk.prints(Self.echo)
        #expect(talk.events.contains(.tookMessage(1)))
        // The daemon before this one was killed before it had noted that.
        talk.live.take(.say(message: 1, "x"), talk.note)
        #expect(!talk.folder.has("inbox.end"))
        try talk.prints(Self.result)
        #expect(talk.folder.has("inbox.end"))
    }

    /// What was read before is read again: a turn that has ended since says nothing of one that runs by now.
    @Test func aLaterTurnKeepsItsInputOverARestart() throws {
        let start = #"{"type":"system","subtype":"init","session_id":"s"}"#
        let talk = try Talk(printed: [start, Self.result, Self.echo, start])
        talk.live.begin(talk.note)
        talk.read()
        #expect(talk.events.contains(.tookMessage(1)))
        #expect(!talk.folder.has("inbox.end") && talk.live.endsAt == nil)
        try talk.prints(Self.result)
        #expect(talk.folder.has("inbox.end") && talk.live.endsAt != nil)
    }

    /// The daemon was killed between the two writes: whoever asks is asked again.
    @Test func aKeyWithoutItsLineIsForgotten() throws {
        let place = try StateFolder()
        let folder = RunFolder(path: place.path + "/T-1.1")
        _ = try folder.create()
        var keys = try SentKeys(in: folder)
        try folder.addMessage("first", number: try keys.number(of: "prompt"))
        #expect(try keys.number(of: "answer-1") == 1)
        keys.end()
        var again = try SentKeys(in: folder)
        defer { again.end() }
        #expect(again.hasNumber(of: "prompt") && !again.hasNumber(of: "answer-1"))
        #expect(try again.number(of: "message-1") == 1)
        try folder.addMessage("second", number: 1)
        #expect(try folder.messageCount() == 2)
    }
}
