import Core
import IPC
import Testing

@testable import Daemon

@Suite struct ACPConversationTests {
    private func conversation(session: String? = nil, model: String? = nil) -> ACPConversation {
        ACPConversation(assignment: .sample(session: session), model: model)
    }

    /// One that works on its opening, in the session `s`.
    private func working() -> ACPConversation {
        var conversation = conversation()
        _ = conversation.begin()
        _ = conversation.read(#"{"jsonrpc":"2.0","id":"initialize","result":{"protocolVersion":1}}"#)
        _ = conversation.read(#"{"jsonrpc":"2.0","id":"session","result":{"sessionId":"s"}}"#)
        return conversation
    }

    private func stopped(_ key: String = "prompt", _ reason: String = "end_turn") -> JSONValue {
        ["jsonrpc": "2.0", "id": .string(key), "result": ["stopReason": .string(reason)]]
    }

    private func update(_ update: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "method": "session/update", "params": ["sessionId": "s", "update": update]]
    }

    private func said(_ text: String) -> JSONValue {
        update(["sessionUpdate": "agent_message_chunk", "content": ["type": "text", "text": .string(text)]])
    }

    private func methods(_ exchange: Exchange) throws -> [[String]] {
        try exchange.outgoing.map { [$0.key, try JSONValue(parsing: $0.line)["method"]?.stringValue ?? ""] }
    }

    // MARK: Its start

    @Test func neitherFilesNorTerminalsAreOffered() throws {
        var conversation = conversation()
        let request = try JSONValue(parsing: conversation.begin().outgoing[0].line)
        #expect(request["jsonrpc"] == "2.0" && request["params"]?["protocolVersion"] == 1)
        #expect(
            request["params"]?["clientCapabilities"]
                == ["fs": ["readTextFile": false, "writeTextFile": false], "terminal": false]
        )
    }

    @Test func itsToolsComeWithTheSession() throws {
        let tools = Assignment.ToolServer(command: ["/usr/bin/orch", "mcp"], environment: ["B": "2", "A": "1"])
        var conversation = ACPConversation(assignment: .sample(tools: tools), model: nil)
        _ = conversation.begin()
        let exchange = conversation.read(#"{"id":"initialize","result":{"protocolVersion":1}}"#)
        let request = try JSONValue(parsing: exchange.outgoing[0].line)
        #expect(request["method"] == "session/new")
        #expect(
            request["params"] == [
                "cwd": "/worktree",
                "mcpServers": [
                    [
                        "name": "orch", "command": "/usr/bin/orch", "args": ["mcp"],
                        "env": [["name": "A", "value": "1"], ["name": "B", "value": "2"]],
                    ]
                ],
            ]
        )
    }

    @Test(arguments: [
        (#"{"sessionCapabilities":{"resume":{}},"loadSession":true}"#, "session/resume"),
        (#"{"loadSession":true}"#, "session/load"),
        (#"{"sessionCapabilities":{"resume":null},"loadSession":true}"#, "session/load"),
    ]) func aSessionIsResumedAsTheAgentCan(_ capabilities: String, _ method: String) throws {
        var conversation = conversation(session: "old")
        _ = conversation.begin()
        let result: JSONValue = ["protocolVersion": 1, "agentCapabilities": try JSONValue(parsing: capabilities)]
        let exchange = conversation.read(["id": "initialize", "result": result])
        #expect(try methods(exchange) == [["session", method]])
        // What a session that is loaded has behind it is not said anew.
        #expect(conversation.read(said("old words")) == .nothing)
        let entered = conversation.read(#"{"id":"session","result":{}}"#)
        #expect(entered.events == [.session(.init(id: "old", version: "")), .turnStarted])
    }

    @Test func anAgentThatCannotResumeHasNoSession() {
        var conversation = conversation(session: "old")
        _ = conversation.begin()
        let exchange = conversation.read(#"{"id":"initialize","result":{"protocolVersion":1,"agentCapabilities":{}}}"#)
        let reason = "it cannot go on in a session of an earlier run"
        #expect(exchange == Exchange(events: [.turnEnded(.failed(.noSession, reason: reason))]))
        #expect(!conversation.isBusy)
    }

    @Test func anotherVersionOfTheProtocolIsNotSpokenTo() {
        var conversation = conversation()
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{"protocolVersion":2}}"#)
        let reason = "it speaks another version of the protocol than 1: 2"
        #expect(conversation.verdict(.exited(0), error: "") == .failed(reason))
    }

    @Test func missingCredentialsAreSaidAtOnce() {
        var conversation = conversation()
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{"protocolVersion":1}}"#)
        let exchange = conversation.read(
            #"{"id":"session","error":{"code":-32000,"message":"Authentication required","data":{"details":"run login"}}}"#
        )
        #expect(exchange.events == [.turnEnded(.failed(.credentials, reason: "Authentication required: run login"))])
    }

    @Test(arguments: [
        (
            #"{"sessionId":"s","configOptions":[{"id":"m","category":"model","type":"select"}]}"#,
            ["model", "session/set_config_option"]
        ),
        (#"{"sessionId":"s","models":{"currentModelId":"default"}}"#, ["model", "session/set_model"]),
        (#"{"sessionId":"s"}"#, ["prompt", "session/prompt"]),
    ]) func aModelIsChosenAsTheAgentHasIt(_ result: String, _ request: [String]) throws {
        var conversation = conversation(model: "sonnet")
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{"protocolVersion":1}}"#)
        let exchange = conversation.read(["id": "session", "result": try JSONValue(parsing: result)])
        #expect(try methods(exchange) == [request])
        if request[0] == "model" {
            let chosen = conversation.read(#"{"id":"model","result":{}}"#)
            #expect(try methods(chosen) == [["prompt", "session/prompt"]])
        }
    }

    // MARK: Messages

    @Test func aMessageWaitsForTheTurnsEndAndIsTheNextPrompt() throws {
        var conversation = working()
        #expect(!conversation.canBeSteered && conversation.isOpen)
        #expect(conversation.take(.say(message: 2, "And this.")) == .nothing)
        _ = conversation.read(said("Done."))
        let ended = conversation.read(stopped())
        #expect(ended.events == [.said("Done.", by: .agent), .turnEnded(.completed("Done.")), .turnStarted])
        #expect(try methods(ended) == [["message-2", "session/prompt"]])
        #expect(conversation.isBusy)
        #expect(conversation.read(said("Yes")).events == [.tookMessage(2)])
        guard case .unknown = conversation.verdict(.exited(0), error: "") else {
            return #expect(Bool(false), "a turn is under way")
        }
        let last = conversation.read(stopped("message-2"))
        #expect(last.events == [.said("Yes", by: .agent), .turnEnded(.completed("Yes"))])
        #expect(!conversation.isBusy && conversation.take(.say(message: 2, "And this.")) == .nothing)
    }

    /// What is read is that of another prompt by now: its turn is under way, and not over.
    @Test func promptsThatAnEarlierDaemonSentFollowEachOther() {
        var conversation = conversation()
        conversation.recall(["initialize", "session", "prompt", "answer-5", "denied-5", "message-0"])
        _ = conversation.begin()
        _ = conversation.read(#"{"jsonrpc":"2.0","id":"initialize","result":{"protocolVersion":1}}"#)
        _ = conversation.read(#"{"jsonrpc":"2.0","id":"session","result":{"sessionId":"s"}}"#)
        #expect(conversation.take(.say(message: 0, "Hello")) == .nothing)
        #expect(conversation.read(stopped()) == Exchange(events: [.turnEnded(.completed("")), .turnStarted]))
        #expect(conversation.isBusy)
        #expect(conversation.read(stopped("denied-5")).events == [.turnEnded(.completed("")), .turnStarted])
        #expect(conversation.isBusy)
        guard case .unknown = conversation.verdict(.exited(0), error: "") else {
            return #expect(Bool(false), "a turn is under way")
        }
        let last = conversation.read(stopped("message-0"))
        #expect(last == Exchange(events: [.tookMessage(0), .turnEnded(.completed(""))]))
        #expect(!conversation.isBusy && conversation.take(.say(message: 0, "Hello")) == .nothing)
    }

    @Test func anAnswerToNoPromptEndsNothing() {
        var conversation = working()
        #expect(conversation.read(stopped("message-7")) == .nothing && conversation.isBusy)
        _ = conversation.read(stopped())
        #expect(conversation.read(stopped("message-7")) == .nothing)
        #expect(conversation.read(stopped("denied-7")) == .nothing && conversation.read(stopped()) == .nothing)
        var opening = self.conversation()
        _ = opening.begin()
        #expect(opening.read(stopped()) == .nothing && opening.isBusy)
    }

    @Test func whatIsSaidInPiecesIsToldAsAWhole() {
        var conversation = working()
        #expect(conversation.read(said("Do")).events == [])
        #expect(conversation.read(said("ne.")).events == [])
        let thought = update(["sessionUpdate": "agent_thought_chunk", "content": ["type": "text", "text": "Hm"]])
        #expect(conversation.read(thought).events == [.said("Done.", by: .agent)])
    }

    // MARK: Questions and interruptions

    private func question(_ options: JSONValue, tool: JSONValue = ["toolCallId": "c", "title": "Write a"]) -> JSONValue
    {
        [
            "jsonrpc": "2.0", "id": 5, "method": "session/request_permission",
            "params": ["sessionId": "s", "toolCall": tool, "options": options],
        ]
    }

    private let options: JSONValue = [
        ["optionId": "aa", "kind": "allow_always"], ["optionId": "a", "kind": "allow_once"],
        ["optionId": "r", "kind": "reject_once"],
    ]

    @Test func whatIsAllowedIsAllowedOnce() {
        var conversation = working()
        let tool: JSONValue = [
            "toolCallId": "c", "title": "Write a", "kind": "edit", "locations": [["path": "/worktree/a"]],
        ]
        let call = ToolCall(id: "c", name: "edit", kind: .edit, title: "Write a", paths: ["/worktree/a"])
        #expect(conversation.read(question(options, tool: tool)).events == [.asked(.init(id: "5", call: call))])
        let answer = #"{"jsonrpc":"2.0","id":5,"result":{"outcome":{"outcome":"selected","optionId":"a"}}}"#
        #expect(
            conversation.take(.answer(request: "5", .allow))
                == Exchange(outgoing: [.init(key: "answer-5", line: answer)])
        )
    }

    @Test func whatADenialSaysFollowsTheTurn() throws {
        var conversation = working()
        _ = conversation.read(question(options))
        let denial = conversation.take(.answer(request: "5", .deny("T-9 holds a.")))
        #expect(denial.outgoing.map(\.key) == ["answer-5"] && denial.outgoing[0].line.contains(#""optionId":"r""#))
        #expect(conversation.isBusy)
        let ended = conversation.read(stopped())
        #expect(try methods(ended) == [["denied-5", "session/prompt"]])
        #expect(ended.outgoing[0].line.contains("T-9 holds a."))
        _ = conversation.read(stopped("denied-5"))
        #expect(!conversation.isBusy && conversation.verdict(.exited(0), error: "") == .exited(0))
    }

    @Test func aDenialWithoutAnOptionForItCancels() {
        var conversation = working()
        _ = conversation.read(question([["optionId": "a", "kind": "allow_once"]]))
        let denial = conversation.take(.answer(request: "5", .deny("")))
        #expect(denial.outgoing[0].line == #"{"jsonrpc":"2.0","id":5,"result":{"outcome":{"outcome":"cancelled"}}}"#)
    }

    @Test func anInterruptionAnswersWhatIsAskedAndWhatIsAskedAfterIt() throws {
        var conversation = working()
        _ = conversation.read(question(options))
        let exchange = conversation.take(.interrupt(1))
        #expect(exchange.events == [.withdrew(request: "5")])
        #expect(try methods(exchange) == [["interrupt-1", "session/cancel"], ["answer-5", ""]])
        #expect(exchange.outgoing[1].line.contains("cancelled"))
        let late = conversation.read(question(options))
        #expect(late.events == [] && late.outgoing.map(\.key) == ["answer-5"])
        #expect(conversation.read(stopped("prompt", "cancelled")).events == [.turnEnded(.interrupted)])
        #expect(conversation.take(.interrupt(2)) == .nothing)
    }

    /// Who stops an agent does not have it begin with what was said before; what is said after it is another matter.
    @Test func anInterruptionLeavesWhatWaitsForTheTimeAfter() throws {
        var conversation = working()
        _ = conversation.take(.say(message: 0, "And this."))
        let reason = "the turn is interrupted before it could be told"
        #expect(conversation.take(.interrupt(0)).events == [.refusedMessage(0, reason: reason)])
        _ = conversation.take(.say(message: 1, "No, that."))
        let ended = conversation.read(stopped("prompt", "cancelled"))
        #expect(try methods(ended) == [["message-1", "session/prompt"]])
    }

    @Test func aQuestionThatTheAgentTakesBackIsWithdrawn() {
        var conversation = working()
        _ = conversation.read(question(options))
        let exchange = conversation.read(#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":5}}"#)
        #expect(exchange.events == [.withdrew(request: "5")] && exchange.outgoing.map(\.key) == ["answer-5"])
    }

    @Test(arguments: ["fs/write_text_file", "terminal/create", "elicitation/create", "from/the/future"])
    func whatOrchDoesNotOfferIsRefusedAndNotLeftUnanswered(_ method: String) {
        var conversation = working()
        let exchange = conversation.read(["jsonrpc": "2.0", "id": "q", "method": .string(method), "params": [:]])
        let message = "orch does not offer \(method)"
        let line = #"{"jsonrpc":"2.0","id":"q","error":{"code":-32601,"message":"\#(message)"}}"#
        #expect(exchange.outgoing == [.init(key: "reply-q", line: line)])
    }

    // MARK: Tools

    @Test func aToolIsToldOnceAndEndsWithWhatCameOfIt() {
        var conversation = working()
        let begun = conversation.read(
            update([
                "sessionUpdate": "tool_call", "toolCallId": "c", "title": "Tests", "kind": "execute",
                "status": "pending", "rawInput": ["command": ["make", "test"]],
            ])
        )
        let call = ToolCall(id: "c", name: "execute", kind: .execute, title: "Tests", command: "make test")
        #expect(begun.events == [.toolStarted(call)])
        let progress = update(["sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress"])
        #expect(conversation.read(progress).events == [])
        let ended = update([
            "sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "failed",
            "content": [["type": "content", "content": ["type": "text", "text": "no"]]],
        ])
        #expect(conversation.read(ended).events == [.toolEnded(ToolResult("c", .failed, "no"))])
    }

    @Test func aTitleOfTheModelsMakingMakesNoToolOrchs() {
        let shell: JSONValue = ["title": "mcp__orch__complete", "rawInput": ["command": "rm -rf ."]]
        #expect(ToolCall(acp: shell, id: "c", known: nil).kind == .execute)
        let write: JSONValue = ["title": "mcp__orch__x", "locations": [["path": "a"]]]
        #expect(ToolCall(acp: write, id: "c", known: nil).kind == .other)
        let own: JSONValue = ["title": "mcp__orch__claim_paths", "rawInput": ["patterns": ["src/**"]]]
        #expect(ToolCall(acp: own, id: "c", known: nil).kind == .orch)
    }

    // MARK: Ends and costs

    @Test(arguments: [
        ("max_turn_requests", TurnEnd.Failure.turns), ("refusal", .refusal), ("max_tokens", .other),
        ("from the future", .other),
    ]) func aTurnThatStoppedForAnotherReasonHasFailed(_ reason: String, _ failure: TurnEnd.Failure) {
        var conversation = working()
        let exchange = conversation.read(stopped("prompt", reason))
        guard case .turnEnded(.failed(failure, _))? = exchange.events.last else {
            return #expect(Bool(false), "\(exchange)")
        }
        guard case .failed = conversation.verdict(.exited(0), error: "") else {
            return #expect(Bool(false), "it has failed")
        }
    }

    @Test func aPromptThatIsRefusedHasFailed() {
        var conversation = working()
        let exchange = conversation.read(
            #"{"jsonrpc":"2.0","id":"prompt","error":{"code":-32603,"message":"Internal error","data":{"details":"529"}}}"#
        )
        #expect(exchange.events == [.turnEnded(.failed(.other, reason: "Internal error: 529"))])
    }

    private func cost(_ amount: JSONValue, _ currency: String = "USD") -> JSONValue {
        update([
            "sessionUpdate": "usage_update", "used": 5000, "size": 200_000,
            "cost": ["amount": amount, "currency": .string(currency)],
        ])
    }

    @Test func theCostOfTheSessionIsTheRunsWithoutWhatItHadCostBefore() {
        var new = working()
        let report = UsageReport(models: ["": .init(cost: 12_345)])
        #expect(new.read(cost(0.012345)).events == [.used(report)])
        var assignment = Assignment.sample(session: "old")
        assignment.usedBefore = UsageReport(models: ["": .init(cost: 10_000)])
        var resumed = ACPConversation(assignment: assignment, model: nil)
        _ = resumed.begin()
        _ = resumed.read(
            #"{"id":"initialize","result":{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}}"#
        )
        _ = resumed.read(#"{"id":"session","result":{}}"#)
        #expect(resumed.read(cost(0.012345)).events == [.used(UsageReport(models: ["": .init(cost: 2_345)]))])
    }

    @Test func aCostThatIsNoneIsNoneAndAnotherCurrencyIsSaidOnce() {
        var conversation = working()
        for amount: JSONValue in [-1, "x", nil, 1e300] {
            for event in conversation.read(cost(amount)).events {
                if case .used(let report) = event { #expect(report.models[""]?.cost == 1_000_000_000_000) }
            }
        }
        var other = working()
        #expect(other.read(cost(1, "EUR")).events.count == 1)
        #expect(other.read(cost(1, "EUR")).events.isEmpty)
    }
}
