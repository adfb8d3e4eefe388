import Core
import IPC
import Testing

@testable import Daemon

/// Amp and aider: what is known of their output is written here by hand.
@Suite struct AmpConversationTests {
    private let transcript = [
        #"{"type":"system","subtype":"init","cwd":"/w","session_id":"T-5928a90d","tools":["Bash"],"mcp_servers":[{"name":"orch","status":"connected"}]}"#,
        #"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"Do it."}]},"parent_tool_use_id":null,"session_id":"T-5928a90d"}"#,
        #"{"type":"assistant","message":{"type":"message","role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_1","name":"edit_file","input":{"path":"/w/a.txt","old_str":"a","new_str":"b"}}],"stop_reason":"tool_use","usage":{"input_tokens":9,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":50,"max_tokens":968000,"service_tier":"standard"}},"parent_tool_use_id":null,"session_id":"T-5928a90d"}"#,
        #"{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok","is_error":false}]},"parent_tool_use_id":null,"session_id":"T-5928a90d"}"#,
        #"{"type":"assistant","message":{"type":"message","role":"assistant","content":[{"type":"text","text":"Done."}],"stop_reason":"end_turn","usage":{"input_tokens":1,"cache_creation_input_tokens":10,"cache_read_input_tokens":1100,"output_tokens":5}},"parent_tool_use_id":null,"session_id":"T-5928a90d"}"#,
        #"{"type":"result","subtype":"success","duration_ms":4000,"is_error":false,"num_turns":2,"result":"Done.","session_id":"T-5928a90d"}"#,
    ].map { Array($0.utf8) }

    @Test func aRunIsReadAsClaudesIs() {
        var conversation = ClaudeConversation(.amp, Assignment.sample())
        let begin = conversation.begin().outgoing
        #expect(begin.map(\.key) == ["prompt"])
        #expect(
            begin.first?.line
                == #"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"Do it."}]}}"#
        )
        let events = transcript.flatMap { conversation.read($0[...]).events }
        #expect(
            events == [
                .session(.init(id: "T-5928a90d")), .turnStarted, .said("Do it.", by: .person),
                .said("I look.", by: .agent),
                .toolStarted(
                    ToolCall(id: "toolu_1", name: "edit_file", kind: .edit, title: "/w/a.txt", paths: ["/w/a.txt"])
                ),
                .used(
                    .init(models: ["": .init(tokens: Tokens(input: 9, output: 50, cacheRead: 1000, cacheWrite: 100))])
                ),
                .toolEnded(ToolResult(id: "toolu_1", outcome: .succeeded, output: "ok")),
                .said("Done.", by: .agent),
                .used(
                    .init(models: ["": .init(tokens: Tokens(input: 10, output: 55, cacheRead: 2100, cacheWrite: 110))])
                ),
                .turnEnded(.completed("Done.")),
            ]
        )
        #expect(!conversation.isBusy && conversation.verdict(.exited(0), error: "") == .exited(0))
        for count in 0..<transcript.count {
            var cut = ClaudeConversation(.amp, Assignment.sample())
            for line in transcript.prefix(count) { _ = cut.read(line[...]) }
            #expect(cut.isBusy && cut.verdict(.exited(0), error: "") != .exited(0))
        }
    }

    /// Its messages have no marks: they are told apart by what they say, whoever comes first.
    @Test func aMessageIsTakenWhenItIsEchoed() {
        let echo = Array(#"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"Mind."}]}}"#.utf8)
        var told = ClaudeConversation(.amp, Assignment.sample())
        for line in transcript.prefix(3) { _ = told.read(line[...]) }
        #expect(told.take(.say(message: 4, "Mind.")).outgoing.map(\.key) == ["message-4"])
        #expect(told.read(echo[...]).events == [.said("Mind.", by: .person), .tookMessage(4)])

        var untold = ClaudeConversation(.amp, Assignment.sample())
        for line in transcript.prefix(3) { _ = untold.read(line[...]) }
        #expect(untold.read(echo[...]).events == [.said("Mind.", by: .person)])
        #expect(untold.take(.say(message: 4, "Mind.")).events == [.tookMessage(4)])
    }

    @Test func itsCommandLineGoesOnInAThread() throws {
        let profile = AgentProfile(kind: .amp, arguments: ["--no-ide"], model: "smart")
        var assignment = Assignment.sample(session: "T-1-2")
        assignment.tools = .init(command: ["/bin/orch", "mcp"], environment: ["A": "b"])
        let arguments = profile.adapter.invocation(for: assignment).arguments
        #expect(
            arguments == [
                "amp", "threads", "continue", "T-1-2", "-x", "--stream-json", "--stream-json-input", "--mode", "smart",
                "--mcp-config", #"{"orch":{"command":"/bin/orch","args":["mcp"],"env":{"A":"b"}}}"#, "--no-ide",
            ]
        )
    }
}

@Suite struct AiderConversationTests {
    private func run(_ text: String) -> (events: [AgentEvent], verdict: RunOutcome) {
        var conversation = AiderConversation()
        #expect(conversation.begin() == .nothing && !conversation.isOpen)
        let events = text.split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { conversation.read(Array($0.utf8)[...]).events }
        return (events, conversation.verdict(.exited(0), error: ""))
    }

    @Test func theLastUsageCounts() {
        let run = run(
            """
            Aider v0.86.1
            Tokens: 4.2k sent, 1.1k cache write, 3k cache hit, 812 received. Cost: $0.01 message, $0.01 session.
            Applied edit to a.txt
            Tokens: 12k sent, 100 received.
            Cost: $0.0043 message, $0.05 session.
            """
        )
        let first = Tokens(input: 4200, output: 812, cacheRead: 3000, cacheWrite: 1100)
        let both = Tokens(input: 16_200, output: 912, cacheRead: 3000, cacheWrite: 1100)
        #expect(
            run.events == [
                .turnStarted, .said("Aider v0.86.1", by: .agent),
                .used(.init(models: ["": .init(tokens: first, cost: 10_000)])),
                .said("Applied edit to a.txt", by: .agent),
                .used(.init(models: ["": .init(tokens: both, cost: 10_000)])),
                .used(.init(models: ["": .init(tokens: both, cost: 50_000)])),
            ]
        )
        #expect(run.verdict == .exited(0))
    }

    /// It ends with 0 all the same.
    @Test func withoutAnAnswerItHasNotDoneItsWork() {
        let refused = run("Aider v0.86.1\nlitellm.AuthenticationError: AnthropicException - invalid x-api-key\n")
        #expect(refused.verdict == .failed("litellm.AuthenticationError: AnthropicException - invalid x-api-key"))
        #expect(
            run("Aider v0.86.1").verdict == .unknown("it took no turn: it tells of no answer of its model")
        )
        let later = run("Tokens: 1 sent, 1 received.\nlitellm.APIConnectionError: gone")
        #expect(later.verdict == .failed("litellm.APIConnectionError: gone"))
        #expect(run("litellm.RateLimitError: wait\nTokens: 1 sent, 1 received.").verdict == .exited(0))
    }

    /// As aider 0.86.2 printed it.
    @Test func whatIsWrongIsSaidWhole() {
        let refused = run(
            """
            Aider v0.86.2
            litellm.AuthenticationError: AuthenticationError: OpenAIException - a fault that was asked for
            The API provider is not able to authenticate you. Check your API key.
            """
        )
        #expect(
            refused.verdict
                == .failed(
                    "The API provider is not able to authenticate you. Check your API key. "
                        + "(litellm.AuthenticationError: AuthenticationError: OpenAIException - a fault that was asked for)"
                )
        )
        let limited = run(
            """
            litellm.RateLimitError: RateLimitError: OpenAIException - a fault that was asked for
            The API provider has rate limited you. Try again later or check your quotas.
            Retrying in 0.2 seconds...
            Tokens: 1.1k sent, 50 received. Cost: $0.0019 message, $0.0019 session.
            Retrying in 0.2 seconds...
            """
        )
        let reason =
            "The API provider has rate limited you. Try again later or check your quotas. "
            + "(litellm.RateLimitError: RateLimitError: OpenAIException - a fault that was asked for)"
        #expect(limited.events.contains(.retrying(reason: reason, attempt: 1)))
        #expect(limited.events.last == .said("Retrying in 0.2 seconds...", by: .agent))
        #expect(limited.verdict == .exited(0))
    }

    /// A cost that is not to be read takes nothing from the tokens.
    @Test func tokensCountByThemselves() {
        let run = run("Tokens: 12 sent, 1 received. Cost: not known.")
        #expect(run.events.contains(.used(.init(models: ["": .init(tokens: Tokens(input: 12, output: 1))]))))
    }

    @Test(
        arguments: [
            "Tokens:", "Tokens: ", "Tokens:  received.", "Tokens: k sent, -1 received.",
            "Tokens: 1e400k sent, x received.",
            "Cost: $ message, $ session.", "Cost: $1 session. message, $2", "Cost: $1 message, $nan session.",
            "Tokens: 99999999999999999999 sent, 1 received. Cost: $1e99 message, $1e99 session.",
        ]
    )
    func aLineThatOnlyLooksLikeUsageIsSurvived(_ line: String) {
        for case .used(let report) in run(line).events {
            #expect(report.models[""]?.tokens.total ?? 0 <= 1)
        }
    }

    @Test func aMessageIsRefused() {
        var conversation = AiderConversation()
        #expect(
            conversation.take(.say(message: 1, "x")).events
                == [.refusedMessage(1, reason: "aider takes no message while it works")]
        )
        #expect(conversation.take(.interrupt(1)) == .nothing)
    }

    @Test func itsCommandLineLeavesTheWorktreeAlone() {
        let arguments = AgentProfile(kind: .aider, model: "m").adapter
            .invocation(for: Assignment.sample()).arguments
        #expect(arguments.prefix(3) == ["aider", "--message-file", "/state/tickets/T-1/prompt.md"])
        for flag in ["--yes-always", "--no-auto-commits", "--no-gitignore", "--no-analytics"] {
            #expect(arguments.contains(flag))
        }
        #expect(arguments.suffix(2) == ["--model", "m"])
    }
}
