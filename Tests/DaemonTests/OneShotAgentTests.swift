import Core
import IPC
import Testing

@testable import Daemon

/// Gemini CLI and opencode. No output of these programs was captured: the lines are made after their documentation.
@Suite struct OneShotAgentTests {
    // MARK: Gemini CLI

    /// Made after the documented shapes.
    private let gemini = [
        #"{"type":"init","timestamp":"2026-11-20T10:00:00.000Z","session_id":"s-1","model":"gemini-3-pro"}"#,
        #"{"type":"message","timestamp":"t","role":"user","content":"Do it."}"#,
        #"{"type":"message","timestamp":"t","role":"assistant","content":"I will ","delta":true}"#,
        #"{"type":"message","timestamp":"t","role":"assistant","content":"write.","delta":true}"#,
        #"{"type":"tool_use","timestamp":"t","tool_name":"write_file","tool_id":"w-1","parameters":{"file_path":"/worktree/a.txt","content":"a"}}"#,
        #"{"type":"tool_result","timestamp":"t","tool_id":"w-1","status":"success","output":"Wrote it"}"#,
        #"{"type":"tool_use","timestamp":"t","tool_name":"run_shell_command","tool_id":"r-1","parameters":{"command":"make test"}}"#,
        #"{"type":"tool_result","timestamp":"t","tool_id":"r-1","status":"error","error":{"type":"X","message":"denied"}}"#,
        #"{"type":"error","timestamp":"t","severity":"warning","message":"Loop detected"}"#,
        #"{"type":"message","timestamp":"t","role":"assistant","content":"Done.","delta":true}"#,
        #"{"type":"result","timestamp":"t","status":"success","stats":{"total_tokens":1300,"input_tokens":1000,"output_tokens":200,"cached":400,"input":600,"duration_ms":5,"tool_calls":2,"models":{"gemini-3-pro":{"total_tokens":1300,"input_tokens":1000,"output_tokens":200,"cached":400,"input":600}}}}"#,
    ]

    @Test func geminisDocumentedLinesAreUnderstood() {
        var conversation = GeminiConversation(model: nil)
        let events = gemini.flatMap { conversation.read($0).events.map(\.line) }
        #expect(
            events == [
                "session s-1 model gemini-3-pro version -", "turn started", "person: \"Do it.\"",
                "agent: \"I will write.\"", "tool w-1 edit write_file: /worktree/a.txt (/worktree/a.txt)",
                "tool w-1 succeeded: \"Wrote it\"", "tool r-1 execute run_shell_command: make test $ make test",
                "tool r-1 failed: \"denied\"", "noted: Loop detected", "agent: \"Done.\"",
                "used gemini-3-pro 600 in 300 out 400 read 0 written cost -", "turn completed: \"Done.\"",
            ]
        )
        #expect(conversation.verdict(.exited(0), error: "") == .exited(0))
        #expect(!conversation.isBusy && !conversation.isOpen)
    }

    @Test(arguments: [
        (41, "Gemini CLI is not signed in, or its key is not valid: no key"),
        (42, "Gemini CLI does not accept what it was started with: no key"),
        (44, "Gemini CLI could not set up its sandbox: no key"),
        (52, "Gemini CLI finds a mistake in its settings: no key"),
        (53, "Gemini CLI has taken as many turns as it may: no key"),
        (54, "a tool that Gemini CLI cannot do without failed: no key"),
        (55, "Gemini CLI does not trust the worktree's folder: no key"),
    ]) func geminisExitSaysWhatStoppedIt(_ code: Int, _ reason: String) {
        let conversation = GeminiConversation(model: nil)
        #expect(conversation.verdict(.exited(code), error: "some\nno key\n") == .failed(reason))
    }

    @Test func geminisInterruptionIsNoFailureOfIts() {
        let conversation = GeminiConversation(model: nil)
        #expect(conversation.verdict(.exited(130), error: "") == .unknown("Gemini CLI was interrupted"))
        #expect(conversation.verdict(.stopped, error: "") == .stopped)
    }

    @Test func geminisErrorIsItsReason() {
        var conversation = GeminiConversation(model: nil)
        _ = conversation.read(
            #"{"type":"result","status":"error","error":{"type":"FatalAuthenticationError","message":"bad key"}}"#
        )
        #expect(conversation.verdict(.exited(1), error: "") == .failed("bad key"))
        #expect(conversation.verdict(.exited(41), error: "") == .failed("bad key"))
    }

    @Test func geminiIsToldAllAtItsStart() {
        let profile = AgentProfile(kind: .gemini, arguments: ["--sandbox"], model: "gemini-3-pro")
        let invocation = profile.adapter.invocation(for: .sample(session: "s-1", opening: "-x"))
        #expect(
            invocation.arguments == [
                "gemini", "--output-format=stream-json", "--approval-mode=auto_edit", "--model=gemini-3-pro",
                "--resume=s-1", "--sandbox", "--prompt=-x",
            ]
        )
        #expect(invocation.environment["GEMINI_CLI_TRUST_WORKSPACE"] == "true")
        #expect(invocation.standardInput == .null)
        for own in [["--approval-mode=yolo"], ["--approval-mode", "yolo"], ["--yolo"]] {
            let profile = AgentProfile(kind: .gemini, arguments: own)
            let arguments = profile.adapter.invocation(for: .sample()).arguments
            #expect(!arguments.contains("--approval-mode=auto_edit"))
        }
    }

    // MARK: opencode

    /// Made after the documented shapes.
    private let opencode = [
        #"{"type":"step_start","timestamp":1,"sessionID":"ses_1","part":{"type":"step-start"}}"#,
        #"{"type":"reasoning","timestamp":1,"sessionID":"ses_1","part":{"text":"Hm"}}"#,
        #"{"type":"tool_use","timestamp":2,"sessionID":"ses_1","part":{"tool":"edit","callID":"c1","state":{"status":"completed","input":{"filePath":"/worktree/a.txt"},"output":"ok"}}}"#,
        #"{"type":"tool_use","timestamp":2,"sessionID":"ses_1","part":{"tool":"bash","callID":"c2","state":{"status":"error","input":{"command":"make"},"error":"rejected"}}}"#,
        #"{"type":"step_finish","timestamp":3,"sessionID":"ses_1","part":{"reason":"tool-calls","cost":0.0125,"tokens":{"input":100,"output":20,"reasoning":5,"cache":{"read":40,"write":7}}}}"#,
        #"{"type":"step_start","timestamp":4,"sessionID":"ses_1","part":{"type":"step-start"}}"#,
        #"{"type":"text","timestamp":5,"sessionID":"ses_1","part":{"text":"Done."}}"#,
        #"{"type":"step_finish","timestamp":6,"sessionID":"ses_1","part":{"reason":"stop","cost":0.0005,"tokens":{"input":10,"output":2,"reasoning":0,"cache":{"read":0,"write":0}}}}"#,
        #"{"type":"done","timestamp":7,"sessionID":"ses_1","reason":"stop","rejected":["bash"]}"#,
    ]

    @Test func opencodesDocumentedLinesAreUnderstood() {
        var conversation = OpencodeConversation(model: "anthropic/claude")
        let events = opencode.flatMap { conversation.read($0).events.map(\.line) }
        #expect(
            events == [
                "session ses_1 model anthropic/claude version -", "turn started", "thinking: \"Hm\"",
                "tool c1 edit edit: /worktree/a.txt (/worktree/a.txt)", "tool c1 succeeded: \"ok\"",
                "tool c2 execute bash: make $ make", "tool c2 failed: \"rejected\"",
                "used anthropic/claude 100 in 25 out 40 read 7 written cost 12500", "agent: \"Done.\"",
                "used anthropic/claude 110 in 27 out 40 read 7 written cost 13000", "turn completed: \"Done.\"",
                "noted: It was refused: bash",
            ]
        )
        #expect(conversation.verdict(.exited(0), error: "") == .exited(0))
        #expect(!conversation.isBusy)
    }

    @Test func opencodesErrorIsItsEnd() {
        var conversation = OpencodeConversation(model: nil)
        _ = conversation.read(opencode[0])
        let exchange = conversation.read(
            #"{"type":"error","timestamp":1,"sessionID":"ses_1","error":{"name":"APIError","data":{"message":"overloaded","statusCode":529}}}"#
        )
        #expect(exchange.events == [.turnEnded(.failed(.provider, reason: "overloaded"))])
        #expect(conversation.verdict(.exited(0), error: "") == .failed("overloaded"))
    }

    @Test func aStepWithoutACostLeavesTheCostUnknown() {
        var conversation = OpencodeConversation(model: nil)
        let exchange = conversation.read(
            #"{"type":"step_finish","sessionID":"s","part":{"reason":"tool-calls","tokens":{"input":1,"output":2}}}"#
        )
        let report = UsageReport(models: ["": .init(tokens: Tokens(input: 1, output: 2))])
        #expect(exchange.events.last == .used(report))
    }

    @Test func opencodeGetsOrchsToolsBesideItsOwnSettings() throws {
        let tools = Assignment.ToolServer(command: ["/usr/bin/orch", "mcp"], environment: ["T": "1"])
        let own = #"{"permission":{"bash":"allow"},"mcp":{"mine":{"type":"local","command":["x"]}}}"#
        let profile = AgentProfile(kind: .opencode, model: "a/b", environment: ["OPENCODE_CONFIG_CONTENT": own])
        let invocation = profile.adapter.invocation(for: .sample(session: "ses_1", tools: tools, opening: "-x"))
        #expect(
            invocation.arguments == [
                "opencode", "run", "--format", "json", "--model", "a/b", "--session", "ses_1", "--", "-x",
            ]
        )
        #expect(
            try JSONValue(parsing: invocation.environment["OPENCODE_CONFIG_CONTENT"] ?? "") == [
                "permission": ["bash": "allow"],
                "mcp": [
                    "mine": ["type": "local", "command": ["x"]],
                    "orch": [
                        "type": "local", "command": ["/usr/bin/orch", "mcp"], "environment": ["T": "1"],
                        "enabled": true,
                    ],
                ],
            ]
        )
    }

    // MARK: Both

    @Test(arguments: ["gemini", "opencode"]) func cutAnywhereItIsNeverTakenForSuccess(_ kind: String) throws {
        let profile = AgentProfile(kind: try #require(AgentProfile.Kind(rawValue: kind)))
        var conversation = try #require(profile.adapter.conversation(for: .sample()))
        var isCompleted = false
        for line in kind == "gemini" ? gemini : opencode {
            let bytes = Array(line.utf8)
            for end in bytes.indices {
                var cut = conversation
                _ = cut.read(bytes[..<end])
                #expect((cut.verdict(.exited(0), error: "") == .exited(0)) == isCompleted)
            }
            _ = conversation.read(line)
            isCompleted =
                isCompleted || line.contains(#""status":"success","stats""#) || line.contains(#""reason":"stop""#)
            #expect((conversation.verdict(.exited(0), error: "") == .exited(0)) == isCompleted)
        }
        #expect(isCompleted)
    }

    @Test(arguments: ["gemini", "opencode"]) func anotherTypeInAnyFieldBreaksNothing(_ kind: String) throws {
        let profile = AgentProfile(kind: try #require(AgentProfile.Kind(rawValue: kind)))
        var conversation = try #require(profile.adapter.conversation(for: .sample()))
        for line in kind == "gemini" ? gemini : opencode {
            for spoiled in try JSONValue(parsing: line).spoiled(with: [nil, true, -1, .int(.max), 1e300, "x", [], [:]])
            {
                var copy = conversation
                let events = copy.read(spoiled).events
                let isCompleted = events.contains { if case .turnEnded(.completed) = $0 { true } else { false } }
                #expect(!isCompleted || spoiled["status"] == "success" || spoiled["part"]?["reason"] == "stop")
                _ = copy.read(line)
                _ = copy.verdict(.exited(0), error: "")
            }
            _ = conversation.read(line)
        }
    }
}
