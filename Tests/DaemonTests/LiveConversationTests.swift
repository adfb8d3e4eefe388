import Core
import Foundation
import Testing

@testable import Daemon

/// What is read of a run, and what it is told, in whatever order they come after a restart.
@Suite struct LiveConversationTests {
    @Test func aMessageThatIsHandedOnAgainAfterItWasTakenKeepsNoAgentWaiting() throws {
        let place = try StateFolder()
        let (folder, assignment) = (RunFolder(path: place.path + "/T-1.1"), Assignment.sample())
        _ = try folder.create()
        let stdout = folder.file("stdout")
        try Data().write(to: URL(fileURLWithPath: stdout))
        let live = try LiveConversation(
            RunID(ticket: TicketID("T-1"), number: 1),
            ClaudeConversation(.claude, assignment),
            folder,
            worktree: "/w",
            limits: .init()
        )
        defer { live.close() }
        var events: [AgentEvent] = []
        let note: LiveConversation.Tell = { event, _ in events.append(event) }
        func prints(_ line: String) throws {
            let file = try #require(FileHandle(forWritingAtPath: stdout))
            try file.seekToEnd()
            try file.write(contentsOf: Data((line + "\n").utf8))
            try file.close()
            while live.read(note) {}
        }

        live.begin(note)
        let mark = MessageMarks(assignment).mark(of: 1)
        try prints(#"{"type":"user","isReplay":true,"uuid":"\#(mark)","message":{"role":"user","content":"x"}}"#)
        #expect(events.contains(.tookMessage(1)))
        // The daemon before this one was killed before it had noted that.
        live.take(.say(message: 1, "x"), note)
        #expect(!folder.has("inbox.end"))
        try prints(#"{"type":"result","subtype":"success","is_error":false,"result":"done"}"#)
        #expect(folder.has("inbox.end"))
    }

    /// What was read before is read again: a turn that has ended since says nothing of one that runs by now.
    @Test func aLaterTurnKeepsItsInputOverARestart() throws {
        let place = try StateFolder()
        let (folder, assignment) = (RunFolder(path: place.path + "/T-1.1"), Assignment.sample())
        _ = try folder.create()
        let mark = MessageMarks(assignment).mark(of: 1)
        let lines = [
            #"{"type":"system","subtype":"init","session_id":"s"}"#,
            #"{"type":"result","subtype":"success","is_error":false,"result":"done"}"#,
            #"{"type":"user","isReplay":true,"uuid":"\#(mark)","message":{"role":"user","content":"x"}}"#,
            #"{"type":"system","subtype":"init","session_id":"s"}"#,
        ]
        let stdout = URL(fileURLWithPath: folder.file("stdout"))
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: stdout)
        let live = try LiveConversation(
            RunID(ticket: TicketID("T-1"), number: 1),
            ClaudeConversation(.claude, assignment),
            folder,
            worktree: "/w",
            limits: .init()
        )
        defer { live.close() }
        live.begin { _, _ in }
        while live.read({ _, _ in }) {}
        #expect(!folder.has("inbox.end") && live.endsAt == nil)
        let file = try FileHandle(forWritingTo: stdout)
        try file.seekToEnd()
        try file.write(contentsOf: Data((lines[1] + "\n").utf8))
        try file.close()
        while live.read({ _, _ in }) {}
        #expect(folder.has("inbox.end") && live.endsAt != nil)
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
