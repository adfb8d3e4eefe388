import Core
import Foundation
import IPC
import Testing

@testable import Daemon

@Suite struct ClaudeConversationTests {
    private static let names = AgentSample.names("claude-")
    /// Those that go on in the session of another run.
    private static let resumed = ["claude-resume-2", "claude-live-resumed"]

    private func conversation(session: String? = nil) -> ClaudeConversation {
        ClaudeConversation(.claude, Assignment.sample(session: session))
    }

    private func read(_ text: String) -> [AgentEvent] {
        var conversation = conversation()
        _ = conversation.begin()
        return conversation.read(Array(text.utf8)[...]).events
    }

    // MARK: captured transcripts

    @Test(arguments: names) func whatItUsedIsWhatItsResultsSay(_ name: String) throws {
        var conversation = conversation()
        var last: UsageReport?
        var (cost, tokens) = (0.0, 0)
        for line in try AgentSample(name).lines {
            for case .used(let report) in conversation.read(line[...]).events { last = report }
            let value = try JSONValue(mending: line[...])
            guard value["type"] == "result" else { continue }
            for (_, model) in value["model_usage_since_last_result"]?.objectValue ?? [:] {
                cost += model["costUSD"]?.doubleValue ?? 0
                for member in ["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"] {
                    tokens += model[member]?.intValue ?? 0
                }
            }
            #expect(last?.models.values.contains { $0.pending != nil } != true)
            let used = last?.models.values.reduce(0) { $0 + ($1.cost ?? 0) } ?? 0
            #expect(abs(Double(used) - cost * 1_000_000) < 1)
            #expect(last?.models.values.reduce(0) { $0 + $1.tokens.total } ?? 0 == tokens)
            // No other run was before this one.
            if !Self.resumed.contains(name) {
                #expect(abs(Double(used) - (value["total_cost_usd"]?.doubleValue ?? -1) * 1_000_000) < 1)
            }
        }
    }

    @Test func whatATurnCostsIsSaidAtItsEnd() {
        let message = #"{"id":"m1","model":"m","content":[],"usage":{"input_tokens":7,"output_tokens":1}}"#
        let events = read(#"{"type":"assistant","message":\#(message)}"#)
        let tokens = Tokens(input: 7)
        #expect(events.last == .used(UsageReport(models: ["m": .init(tokens: tokens, pending: tokens)])))
    }

    /// The totals of a resumed session hold what the run before has used.
    @Test func aResumedSessionIsNotCountedTwice() throws {
        var costs: [Int] = []
        for name in ["claude-resume-1", "claude-resume-2"] {
            var conversation = conversation(session: costs.isEmpty ? nil : "of before")
            let events = try AgentSample(name).lines.flatMap { conversation.read($0[...]).events }
            for case .used(let report) in events.suffix(2) { costs.append(report.models.values.first?.cost ?? 0) }
        }
        #expect(costs == [17_040, 3_750])
    }

    @Test func totalsOfAProgramThatDoesNotTellTheIncrementAreTakenApart() throws {
        func strip(_ line: [UInt8]) throws -> [UInt8] {
            var object = try #require(JSONValue(mending: line[...]).objectValue)
            object["model_usage_since_last_result"] = nil
            return object.bytes
        }
        var whole = conversation()
        var resumed = conversation(session: "of before")
        var reports: [UsageReport] = []
        for line in try AgentSample("claude-midrun").lines {
            for case .used(let report) in whole.read(try strip(line)[...]).events { reports.append(report) }
        }
        #expect(
            reports.last?.models["claude-sonnet-4-5"]
                == .init(tokens: Tokens(input: 4300, output: 200), cost: 15_900)
        )
        // What was before is in the first totals, and nobody can tell how much: the cost is not known, the tokens are those seen.
        reports = []
        for line in try AgentSample("claude-resume-2").lines {
            for case .used(let report) in resumed.read(try strip(line)[...]).events { reports.append(report) }
        }
        #expect(reports.last?.models["claude-sonnet-4-5"] == .init(tokens: Tokens(input: 1000), cost: nil))
    }

    // MARK: what no program should print

    @Test func whatIsNoJSONIsNotedAndBlankLinesAreNothing() {
        #expect(read("").isEmpty && read("  \r").isEmpty)
        #expect(read("Please log in.") == [.noted("Please log in.")])
        #expect(read(#"{"type": "result""#) == [.noted(#"{"type": "result""#)])
        #expect(read("[1]") == [.noted("[1]")])
        #expect(read(#"{"type":"hologram"}"#) == [.unknown(kind: "hologram")])
        #expect(read(#"{"type":"system","subtype":"teleported"}"#) == [.unknown(kind: "system/teleported")])
        #expect(read("{}") == [.unknown(kind: "no type")])
        let deep = #"{"type":"assistant","x":"# + String(repeating: "[", count: 100_000)
        guard case .noted? = read(deep).first else {
            Issue.record("not noted")
            return
        }
    }

    @Test func textThatIsNoneIsMended() {
        let words = #"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"a\ud83db ÿ"}]}}"#
        var bytes = Array(words.utf8)
        let last = bytes.lastIndex(of: 0xC3)!
        bytes[last] = 0xFF
        var conversation = conversation()
        #expect(
            conversation.read(bytes[...]).events == [.turnStarted, .said("a\u{FFFD}b \u{FFFD}\u{FFFD}", by: .agent)]
        )
    }

    @Test func aLineOfTenMegabytesIsReadAndItsOutputCut() throws {
        let output = String(repeating: "0123456789abcde\\n", count: 10 << 16)
        let line = """
            {"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"\(output)"}]}}
            """
        let events = read(line)
        guard case .toolEnded(let result)? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(result.outcome == .succeeded && result.output.count == ToolResult.outputLimit)
    }

    // MARK: what it is told

    @Test func theOpeningFollowsTheHandshake() throws {
        var conversation = conversation()
        let outgoing = conversation.begin().outgoing
        #expect(outgoing.map(\.key) == ["initialize", "prompt"])
        let prompt = try JSONValue(parsing: outgoing[1].line)
        #expect(prompt["message"]?["content"] == "Do it." && prompt["type"] == "user")
        #expect(conversation.isBusy && conversation.isOpen && conversation.canBeSteered)
    }

    @Test func aMessageIsTakenWhenItComesToTheModelAlsoForOneWhoWasNotToldOfIt() throws {
        var first = conversation()
        _ = first.begin()
        let sent = first.take(.say(message: 7, "Mind the gap\nand the dog"))
        #expect(sent.outgoing.map(\.key) == ["message-7"] && sent.events.isEmpty)
        let line = try #require(sent.outgoing.first?.line)
        #expect(!line.contains("\n"))
        var echo = try #require(JSONValue(parsing: line).objectValue)
        echo["isReplay"] = true
        #expect(first.isBusy)
        #expect(
            first.read(echo.bytes[...]).events == [
                .turnStarted, .said("Mind the gap\nand the dog", by: .person), .tookMessage(7),
            ]
        )
        // Once, however often it is heard of.
        #expect(first.read(echo.bytes[...]).events == [.said("Mind the gap\nand the dog", by: .person)])

        var second = conversation()
        _ = second.begin()
        #expect(second.read(echo.bytes[...]).events.contains(.tookMessage(7)))
        #expect(second.take(.say(message: 7, "Mind the gap\nand the dog")) == sent)
        // Of another run it is nobody's.
        var other = Assignment.sample()
        other = Assignment(
            ticket: other.ticket,
            title: other.title,
            prompt: other.prompt,
            promptFile: other.promptFile,
            feedbackFile: nil,
            branch: other.branch,
            worktree: other.worktree,
            attempt: 2
        )
        var third = ClaudeConversation(.claude, other)
        #expect(!third.read(echo.bytes[...]).events.contains(.tookMessage(7)))
    }

    @Test func aMessageKeepsItBusyUntilItsTurnHasEnded() throws {
        var conversation = conversation()
        _ = conversation.begin()
        for line in try AgentSample("claude-edit").lines { _ = conversation.read(line[...]) }
        #expect(!conversation.isBusy)
        let message = conversation.take(.say(message: 1, "And now?")).outgoing[0].line
        #expect(conversation.isBusy)
        var echo = try #require(JSONValue(parsing: message).objectValue)
        echo["isReplay"] = true
        _ = conversation.read(echo.bytes[...])
        #expect(conversation.isBusy)
        #expect(conversation.verdict(.exited(0), error: "") == .unknown("its last turn had not ended"))
        let result = #"{"type":"result","subtype":"success","is_error":false,"result":"That."}"#
        #expect(conversation.read(Array(result.utf8)[...]).events == [.turnEnded(.completed("That."))])
        #expect(!conversation.isBusy && conversation.verdict(.exited(0), error: "") == .exited(0))
    }

    @Test func aMessageThatWasDroppedIsRefused() {
        var conversation = conversation()
        _ = conversation.begin()
        let message = conversation.take(.say(message: 3, "x")).outgoing[0].line
        let mark = (try? JSONValue(parsing: message))?["uuid"]?.stringValue ?? ""
        let dropped = #"{"type":"command_lifecycle","command_uuid":"\#(mark)","state":"cancelled"}"#
        let reason = "it was dropped before it came to the model"
        #expect(conversation.read(Array(dropped.utf8)[...]).events == [.refusedMessage(3, reason: reason)])
        #expect(conversation.read(Array(dropped.utf8)[...]).events == [])
    }

    @Test func anInterruptionIsARequest() throws {
        var conversation = conversation()
        let line = try #require(conversation.take(.interrupt(2)).outgoing.first)
        #expect(line.key == "interrupt-2")
        #expect(try JSONValue(parsing: line.line)["request"]?["subtype"] == "interrupt")
        #expect(try JSONValue(parsing: line.line)["request_id"] == "interrupt-2")
    }

    // MARK: questions

    private let question = """
        {"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash",
        "input":{"command":"make test","description":"tests"},"decision_reason":"not allowed yet","tool_use_id":"t1"}}
        """.replacing("\n", with: "")

    @Test func aQuestionIsAnsweredWithWhatItAskedFor() throws {
        var conversation = conversation()
        let call = ToolCall(id: "t1", name: "Bash", kind: .execute, title: "make test", command: "make test")
        #expect(
            conversation.read(Array(question.utf8)[...]).events
                == [.asked(PermissionRequest(id: "r1", call: call, reason: "not allowed yet"))]
        )
        let allowed = try #require(conversation.take(.answer(request: "r1", .allow)).outgoing.first)
        #expect(allowed.key == "answer-r1")
        let response = try JSONValue(parsing: allowed.line)["response"]
        #expect(response?["request_id"] == "r1" && response?["response"]?["behavior"] == "allow")
        #expect(response?["response"]?["updatedInput"] == ["command": "make test", "description": "tests"])
        let denied = try #require(conversation.take(.answer(request: "r1", .deny("agent-2 holds it"))).outgoing.first)
        #expect(
            try JSONValue(parsing: denied.line)["response"]?["response"]
                == ["behavior": "deny", "message": "agent-2 holds it"]
        )
        // Its echo says that the answer has come, and what a denied tool came to.
        #expect(conversation.read(Array(denied.line.utf8)[...]).events.isEmpty)
        #expect(conversation.take(.answer(request: "r1", .allow)) == .nothing)
        let end = """
            {"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"agent-2 holds it"}]}}
            """
        #expect(
            conversation.read(Array(end.utf8)[...]).events
                == [.toolEnded(ToolResult(id: "t1", outcome: .denied, output: "agent-2 holds it"))]
        )
    }

    @Test func aQuestionThatIsTakenBackIsNotAnswered() {
        var conversation = conversation()
        _ = conversation.read(Array(question.utf8)[...])
        let cancel = Array(#"{"type":"control_cancel_request","request_id":"r1"}"#.utf8)
        #expect(conversation.read(cancel[...]).events == [.withdrew(request: "r1")])
        #expect(conversation.read(cancel[...]).events.isEmpty)
        #expect(conversation.take(.answer(request: "r1", .allow)) == .nothing)
    }

    @Test func aRequestThatOrchDoesNotKnowIsRefused() throws {
        var conversation = conversation()
        let request = #"{"type":"control_request","request_id":"r2","request":{"subtype":"sing"}}"#
        let exchange = conversation.read(Array(request.utf8)[...])
        #expect(exchange.events == [.unknown(kind: "control_request/sing")])
        #expect(exchange.outgoing.map(\.key) == ["answer-r2"])
        #expect(try JSONValue(parsing: exchange.outgoing[0].line)["response"]?["subtype"] == "error")
    }

    // MARK: limits and ends

    @Test func whatItsProviderSaysIsTold() {
        func retry(_ status: Int, _ attempt: Int) -> [AgentEvent] {
            read(
                #"{"type":"system","subtype":"api_retry","attempt":\#(attempt),"error_status":\#(status),"error":"e"}"#
            )
        }
        #expect(retry(529, 2) == [.retrying(reason: "529 e", attempt: 2)])
        #expect(retry(429, 1) == [.limited(reason: "429 e", until: nil)])
        #expect(retry(401, 1) == [.retrying(reason: "401 e", attempt: 1)])
        #expect(
            retry(401, 2)
                == [.turnEnded(.failed(.credentials, reason: "its provider refuses its credentials: 401 e"))]
        )
        #expect(
            read(
                #"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","rateLimitType":"five_hour","resetsAt":1795000000}}"#
            ) == [.limited(reason: "five_hour", until: Instant(milliseconds: 1_795_000_000_000))]
        )
        #expect(read(#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed"}}"#).isEmpty)
    }

    @Test(
        arguments: [
            (
                #""subtype":"success","is_error":true,"result":"Not logged in · Please run /login""#,
                TurnEnd.Failure.credentials
            ),
            (#""subtype":"success","is_error":true,"result":"x","api_error_status":401"#, .credentials),
            (#""subtype":"success","is_error":true,"result":"x","api_error_status":529"#, .provider),
            (#""subtype":"error_max_turns","is_error":true"#, .turns),
            (#""subtype":"error_max_budget_usd","is_error":true"#, .budget),
            (
                #""subtype":"error_during_execution","is_error":true,"errors":["No conversation found with session ID: x"]"#,
                .noSession
            ),
            (#""subtype":"success","is_error":false,"stop_reason":"refusal","result":"no""#, .refusal),
            (#""subtype":"error_of_tomorrow","is_error":true"#, .other),
            (#""subtype":"success","result":"done""#, .other),
        ]
    )
    func aTurnFailsForAReason(_ result: String, _ failure: TurnEnd.Failure) {
        let events = read(#"{"type":"result",\#(result)}"#)
        guard case .turnEnded(.failed(failure, let reason))? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(!reason.isEmpty)
    }

    // MARK: how it is started

    @Test func itsCommandLineNamesAllThatIsAskedFor() throws {
        var profile = AgentProfile(kind: .claude, arguments: ["--max-turns", "30"], model: "opus")
        profile.environment = ["CLAUDE_CONFIG_DIR": "/c"]
        var assignment = Assignment.sample(session: "5-6")
        assignment.tools = .init(command: ["/bin/orch", "mcp", "--x"], environment: ["ORCH_TOKEN": "t"])
        let invocation = profile.adapter.invocation(for: assignment)
        #expect(invocation.arguments.first == "claude" && invocation.standardInput == .messages)
        #expect(invocation.arguments.suffix(2) == ["--max-turns", "30"])
        for argument in ["--model=opus", "--resume=5-6", "--strict-mcp-config", "--allowedTools=mcp__orch"] {
            #expect(invocation.arguments.contains(argument), "\(argument)")
        }
        let servers = try #require(invocation.arguments.first { $0.hasPrefix("--mcp-config=") }).dropFirst(13)
        #expect(
            try JSONValue(parsing: String(servers))["mcpServers"]?["orch"]
                == ["command": "/bin/orch", "args": ["mcp", "--x"]]
        )
        #expect(!invocation.arguments.contains { $0.hasPrefix("--max-budget-usd") })
        assignment.cost = 1_500_000
        #expect(profile.adapter.invocation(for: assignment).arguments.contains("--max-budget-usd=1.5"))
        #expect(invocation.environment["ORCH_TOKEN"] == "t" && invocation.environment["CLAUDE_CONFIG_DIR"] == "/c")
        #expect(invocation.environment["CLAUDECODE"] == nil)
        #expect(invocation.environment["CLAUDE_CODE_ENTRYPOINT"] == "orch")
        profile.command = ["env", "claude-2"]
        #expect(
            profile.adapter.invocation(for: Assignment.sample()).arguments.prefix(2) == ["env", "claude-2"]
        )
        #expect(
            !profile.adapter.invocation(for: Assignment.sample()).arguments.contains {
                $0.hasPrefix("--resume")
            }
        )
    }
}
