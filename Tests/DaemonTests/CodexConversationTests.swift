import Core
import IPC
import Testing

@testable import Daemon

@Suite struct CodexConversationTests {
    private func conversation(session: String? = nil) -> CodexConversation {
        CodexConversation(assignment: .sample(session: session), model: "gpt-5.5")
    }

    /// One that has a thread, and works in the turn `turn-1`.
    private func working() -> CodexConversation {
        var conversation = conversation()
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{"userAgent":"orch/0.163.0"}}"#)
        _ = conversation.read(
            #"{"id":"thread","result":{"thread":{"id":"thread-1","cliVersion":"0.163.0"},"model":"gpt-5.5"}}"#
        )
        _ = conversation.read(started("turn-1"))
        return conversation
    }

    private func started(_ turn: String) -> JSONValue {
        ["method": "turn/started", "params": ["threadId": "thread-1", "turn": ["id": .string(turn)]]]
    }

    private func completed(_ turn: String, _ status: String = "completed", error: JSONValue = nil) -> JSONValue {
        let turn: JSONValue = ["id": .string(turn), "status": .string(status), "error": error]
        return ["method": "turn/completed", "params": ["threadId": "thread-1", "turn": turn]]
    }

    private func took(_ id: String) -> JSONValue {
        let item: JSONValue = ["type": "userMessage", "id": "u", "clientId": .string(id), "content": []]
        return ["method": "item/started", "params": ["threadId": "thread-1", "turnId": "turn-1", "item": item]]
    }

    private func requests(_ exchange: Exchange) throws -> [[String]] {
        try exchange.outgoing.map { outgoing in
            let line = try JSONValue(parsing: outgoing.line)
            #expect(line["method"] == nil || line["id"] == nil || line["id"]?.stringValue == outgoing.key)
            let params = line["params"]
            return [outgoing.key, line["method"]?.stringValue ?? ""]
                + [params?["expectedTurnId"], params?["turnId"]].compactMap { $0?.stringValue }
        }
    }

    // MARK: Its start

    @Test func aThreadIsStartedAndTheOpeningIsItsFirstTurn() throws {
        var conversation = conversation()
        #expect(conversation.isBusy && conversation.isOpen && conversation.canBeSteered)
        #expect(try requests(conversation.begin()) == [["initialize", "initialize"]])
        let opening = conversation.read(#"{"id":"initialize","result":{}}"#)
        #expect(try requests(opening) == [["initialized", "initialized"], ["thread", "thread/start"]])
        let thread = try JSONValue(parsing: opening.outgoing[1].line)
        // What it may do is in its settings, where a profile can change it.
        #expect(thread["params"] == ["cwd": "/worktree", "model": "gpt-5.5"])
        let turn = conversation.read(#"{"id":"thread","result":{"thread":{"id":"t"},"model":"m"}}"#)
        #expect(turn.events == [.session(.init(id: "t", model: "m"))])
        #expect(
            try JSONValue(parsing: turn.outgoing[0].line)
                == [
                    "id": "prompt", "method": "turn/start",
                    "params": [
                        "threadId": "t", "clientUserMessageId": "prompt",
                        "input": [["type": "text", "text": "Do it."]],
                    ],
                ]
        )
    }

    @Test func aSessionIsResumed() throws {
        var conversation = conversation(session: "old")
        _ = conversation.begin()
        let opening = conversation.read(#"{"id":"initialize","result":{}}"#)
        let request = try JSONValue(parsing: opening.outgoing[1].line)
        #expect(request["method"] == "thread/resume" && request["params"]?["threadId"] == "old")
    }

    @Test func aThreadThatIsNotThereIsSaidToBeMissing() {
        var conversation = conversation(session: "old")
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{}}"#)
        let exchange = conversation.read(
            #"{"id":"thread","error":{"code":-32600,"message":"no rollout found for thread id old"}}"#
        )
        let reason = "Codex refused thread: no rollout found for thread id old"
        #expect(exchange == Exchange(events: [.turnEnded(.failed(.noSession, reason: reason))]))
        #expect(!conversation.isBusy)
        #expect(conversation.verdict(.exited(0), error: "") == .failed(reason))
        #expect(
            conversation.take(.say(message: 0, "Hello?")).events
                == [.refusedMessage(0, reason: "Codex has no thread to take it in")]
        )
    }

    @Test func whatIsRefusedForOverloadIsAskedAgainAndNotForEver() throws {
        var conversation = conversation()
        _ = conversation.begin()
        var keys: [String] = []
        var last = Exchange.nothing
        for key in ["initialize"] + (1...9).map({ "initialize-again-\($0)" }) {
            last = conversation.read(["id": .string(key), "error": ["code": -32001, "message": "Server overloaded"]])
            if last.outgoing.isEmpty { break }
            keys += last.outgoing.map(\.key)
        }
        #expect(keys == (1...4).map { "initialize-again-\($0)" })
        #expect(last.events == [.turnEnded(.failed(.other, reason: "Codex refused initialize: Server overloaded"))])
    }

    // MARK: Messages

    @Test func aMessageGoesIntoTheRunningTurnAndIsTakenWhenTheModelHasIt() throws {
        var conversation = working()
        #expect(try requests(conversation.take(.say(message: 3, "Hurry."))) == [["message-3", "turn/steer", "turn-1"]])
        #expect(conversation.read(#"{"id":"message-3","result":{"turnId":"turn-1"}}"#) == .nothing)
        #expect(conversation.read(took("message-3")).events == [.tookMessage(3)])
        #expect(conversation.read(took("message-3")).events == [])
        // Told again, as after a restart of the daemon, it is known to be there.
        #expect(conversation.take(.say(message: 3, "Hurry.")) == .nothing)
        _ = conversation.read(completed("turn-1"))
        #expect(!conversation.isBusy)
    }

    @Test func aMessageBeforeTheFirstTurnWaitsForIt() throws {
        var conversation = conversation()
        _ = conversation.begin()
        #expect(conversation.take(.say(message: 0, "And this.")) == .nothing)
        _ = conversation.read(#"{"id":"initialize","result":{}}"#)
        let opened = conversation.read(#"{"id":"thread","result":{"thread":{"id":"thread-1"}}}"#)
        #expect(try requests(opened) == [["prompt", "turn/start"]])
        #expect(try requests(conversation.read(started("turn-1"))) == [["message-0", "turn/steer", "turn-1"]])
    }

    @Test func aMessageToAnIdleThreadIsATurn() throws {
        var conversation = working()
        _ = conversation.read(completed("turn-1"))
        #expect(conversation.verdict(.exited(0), error: "") == .exited(0))
        #expect(try requests(conversation.take(.say(message: 1, "One more."))) == [["message-1", "turn/start"]])
        #expect(conversation.isBusy)
        // A second one waits for the turn that begins.
        #expect(conversation.take(.say(message: 2, "And this.")) == .nothing)
        let begun = conversation.read(started("turn-2"))
        #expect(begun.events == [.turnStarted])
        #expect(try requests(begun) == [["message-2", "turn/steer", "turn-2"]])
        guard case .unknown = conversation.verdict(.exited(0), error: "") else {
            return #expect(Bool(false), "a turn is under way")
        }
    }

    @Test func aMessageThatMissedItsTurnStartsOne() throws {
        var conversation = working()
        _ = conversation.take(.say(message: 0, "Hurry."))
        _ = conversation.read(completed("turn-1"))
        let refused = conversation.read(
            #"{"id":"message-0","error":{"code":-32600,"message":"no active turn to steer"}}"#
        )
        #expect(try requests(refused) == [["message-0-again-1", "turn/start"]])
    }

    @Test func aTurnThatTakesNoMessagesIsNotAskedTwice() throws {
        var conversation = working()
        _ = conversation.take(.say(message: 0, "Hurry."))
        let refused = conversation.read(#"{"id":"message-0","error":{"code":-32600,"message":"not steerable"}}"#)
        #expect(refused == .nothing)
        #expect(conversation.isBusy)
        #expect(try requests(conversation.read(completed("turn-1"))) == [["message-0-again-1", "turn/start"]])
    }

    @Test func aMessageThatIsRefusedEachTimeIsGivenUp() {
        var conversation = working()
        _ = conversation.read(completed("turn-1"))
        _ = conversation.take(.say(message: 0, "Hurry."))
        var last = Exchange.nothing
        for key in ["message-0"] + (1...9).map({ "message-0-again-\($0)" }) {
            last = conversation.read(["id": .string(key), "error": ["code": -1, "message": "no"]])
            if last.outgoing.isEmpty { break }
        }
        #expect(last.events == [.refusedMessage(0, reason: "Codex refused message-0: no")])
        #expect(!conversation.isBusy)
    }

    @Test func whatATurnAcceptedAndNeverTookInIsTheNextTurn() throws {
        var conversation = working()
        _ = conversation.take(.say(message: 0, "Hurry."))
        _ = conversation.read(#"{"id":"message-0","result":{"turnId":"turn-1"}}"#)
        #expect(try requests(conversation.read(completed("turn-1"))) == [["message-0-again-1", "turn/start"]])
    }

    /// As seen: Codex drops what it has accepted when its turn is interrupted in the middle of a command.
    @Test func whatAnInterruptedTurnNeverTookInIsForTheTimeAfter() throws {
        var conversation = working()
        _ = conversation.take(.say(message: 0, "Hurry."))
        _ = conversation.read(#"{"id":"message-0","result":{"turnId":"turn-1"}}"#)
        #expect(try requests(conversation.take(.interrupt(0))) == [["interrupt-0", "turn/interrupt", "turn-1"]])
        let reason = "the turn was interrupted before it took the message in"
        #expect(
            conversation.read(completed("turn-1", "interrupted"))
                == Exchange(events: [.refusedMessage(0, reason: reason), .turnEnded(.interrupted)])
        )
        #expect(!conversation.isBusy)
        // Said again it has another key: the first was used.
        #expect(try requests(conversation.take(.say(message: 0, "Hurry."))) == [["message-0-again-1", "turn/start"]])
    }

    @Test func whatWaitsWhenTheTurnIsInterruptedIsForTheTimeAfter() throws {
        var conversation = working()
        _ = conversation.take(.say(message: 0, "Hurry."))
        _ = conversation.read(#"{"id":"message-0","error":{"code":-32600,"message":"not steerable"}}"#)
        let reason = "the turn is interrupted before it could be told"
        #expect(conversation.take(.interrupt(0)).events == [.refusedMessage(0, reason: reason)])
        // What is said after it is the next turn.
        _ = conversation.take(.say(message: 1, "Not that."))
        _ = conversation.read(#"{"id":"message-1","error":{"code":-32600,"message":"not steerable"}}"#)
        let ended = conversation.read(completed("turn-1", "interrupted"))
        #expect(try requests(ended) == [["message-1-again-1", "turn/start"]])
    }

    @Test func anInterruptionBeforeTheTurnIsDoneWhenThereIsOne() throws {
        var conversation = conversation()
        _ = conversation.begin()
        #expect(conversation.take(.interrupt(4)) == .nothing)
        _ = conversation.read(#"{"id":"initialize","result":{}}"#)
        _ = conversation.read(#"{"id":"thread","result":{"thread":{"id":"thread-1"}}}"#)
        #expect(try requests(conversation.read(started("turn-1"))) == [["interrupt-4", "turn/interrupt", "turn-1"]])
        _ = conversation.read(completed("turn-1", "interrupted"))
        #expect(conversation.take(.interrupt(5)) == .nothing)
    }

    // MARK: Questions

    private func change(_ method: String, _ status: String) -> JSONValue {
        let changes: JSONValue = [["path": "/worktree/a.txt", "kind": ["type": "add"], "diff": "a\n"]]
        let item: JSONValue = ["type": "fileChange", "id": "call-1", "changes": changes, "status": .string(status)]
        return ["method": .string(method), "params": ["threadId": "thread-1", "turnId": "turn-1", "item": item]]
    }

    private let changeRequest: JSONValue = [
        "method": "item/fileChange/requestApproval", "id": 0,
        "params": ["threadId": "thread-1", "turnId": "turn-1", "itemId": "call-1", "reason": nil, "grantRoot": nil],
    ]

    @Test func aChangeIsAskedForWithItsPathsAndDeniedWithWordsForTheModel() throws {
        var conversation = working()
        _ = conversation.read(change("item/started", "inProgress"))
        let call = ToolCall(
            id: "call-1",
            name: "file_change",
            kind: .edit,
            title: "add /worktree/a.txt",
            paths: ["/worktree/a.txt"]
        )
        #expect(conversation.read(changeRequest).events == [.asked(.init(id: "0", call: call))])
        let denial = conversation.take(.answer(request: "0", .deny("T-9 holds a.txt.")))
        #expect(try requests(denial) == [["denied-0", "turn/steer", "turn-1"], ["answer-0", ""]])
        #expect(denial.outgoing[0].line.contains("T-9 holds a.txt."))
        #expect(denial.outgoing[1].line == #"{"id":0,"result":{"decision":"decline"}}"#)
        #expect(conversation.take(.answer(request: "0", .allow)) == .nothing)
        let resolved = #"{"method":"serverRequest/resolved","params":{"threadId":"thread-1","requestId":0}}"#
        #expect(conversation.read(resolved) == .nothing)
        let ended = conversation.read(change("item/completed", "declined"))
        #expect(ended.events == [.toolEnded(ToolResult("call-1", .denied, "add /worktree/a.txt"))])
    }

    @Test func aQuestionIsAllowed() {
        var conversation = working()
        _ = conversation.read(changeRequest)
        #expect(
            conversation.take(.answer(request: "0", .allow)).outgoing
                == [.init(key: "answer-0", line: #"{"id":0,"result":{"decision":"accept"}}"#)]
        )
    }

    @Test func aQuestionThatIsNotWaitedForAnyMoreIsWithdrawn() {
        var conversation = working()
        _ = conversation.read(changeRequest)
        _ = conversation.read(completed("turn-1", "interrupted"))
        let resolved = #"{"method":"serverRequest/resolved","params":{"threadId":"thread-1","requestId":0}}"#
        #expect(conversation.read(resolved).events == [.withdrew(request: "0")])
        #expect(conversation.take(.answer(request: "0", .allow)) == .nothing)
    }

    @Test func aCommandIsAskedForAsTheShellIsToldIt() {
        var conversation = working()
        let exchange = conversation.read([
            "method": "item/commandExecution/requestApproval", "id": "x-1",
            "params": [
                "threadId": "thread-1", "turnId": "turn-1", "itemId": "call-1", "reason": "I need it",
                "command": "/bin/bash -lc 'touch '\"'\"'a b'\"'\"' && ls'",
            ],
        ])
        let command = "touch 'a b' && ls"
        let call = ToolCall(id: "call-1", name: "command_execution", kind: .execute, title: command, command: command)
        #expect(exchange.events == [.asked(.init(id: "x-1", call: call, reason: "I need it"))])
        let answer = conversation.take(.answer(request: "x-1", .allow))
        #expect(answer.outgoing.map(\.line) == [#"{"id":"x-1","result":{"decision":"accept"}}"#])
    }

    @Test func aToolOfAServerIsAskedForByItsName() {
        var conversation = working()
        _ = conversation.read(
            #"{"method":"item/started","params":{"threadId":"thread-1","item":{"type":"mcpToolCall","id":"c","server":"probe","tool":"echo","status":"inProgress"}}}"#
        )
        let exchange = conversation.read(
            #"{"method":"mcpServer/elicitation/request","id":0,"params":{"threadId":"thread-1","turnId":"turn-1","serverName":"probe","mode":"form","_meta":{"codex_approval_kind":"mcp_tool_call"},"message":"Allow it?"}}"#
        )
        let call = ToolCall(id: "c", name: "mcp__probe__echo", kind: .other, title: "probe: echo")
        #expect(exchange.events == [.asked(.init(id: "0", call: call, reason: "Allow it?"))])
        let answer = conversation.take(.answer(request: "0", .allow))
        #expect(answer.outgoing.map(\.line) == [#"{"id":0,"result":{"action":"accept","content":{}}}"#])
    }

    @Test(arguments: [
        ("item/tool/requestUserInput", #"{"id":9,"result":{"answers":{}}}"#),
        ("mcpServer/elicitation/request", #"{"id":9,"result":{"action":"decline","content":null}}"#),
        ("from/the/future", #"{"id":9,"error":{"code":-32601,"message":"orch does not answer from/the/future"}}"#),
    ]) func whatNobodyAnswersIsNotLeftUnanswered(_ method: String, _ reply: String) {
        var conversation = working()
        let exchange = conversation.read(["method": .string(method), "id": 9, "params": [:]])
        #expect(exchange.outgoing == [.init(key: "reply-9", line: reply)])
        #expect(exchange.events.count == 1)
    }

    // MARK: Usage

    private func used(_ turn: String, _ total: [Int], last: [Int], thread: String = "thread-1") -> JSONValue {
        func counts(_ numbers: [Int]) -> JSONValue {
            [
                "inputTokens": JSONValue(numbers[0]), "cachedInputTokens": JSONValue(numbers[1]),
                "outputTokens": JSONValue(numbers[2]),
            ]
        }
        let usage: JSONValue = ["total": counts(total), "last": counts(last)]
        let params: JSONValue = ["threadId": .string(thread), "turnId": .string(turn), "tokenUsage": usage]
        return ["method": "thread/tokenUsage/updated", "params": params]
    }

    private func report(_ input: Int, _ cached: Int, _ output: Int) -> [AgentEvent] {
        [
            .used(
                UsageReport(models: ["gpt-5.5": .init(tokens: Tokens(input: input, output: output, cacheRead: cached))])
            )
        ]
    }

    @Test func usageCountsUpAndTheSameReportTwiceCountsOnce() {
        var conversation = working()
        #expect(
            conversation.read(used("turn-1", [1000, 200, 50], last: [1000, 200, 50])).events == report(800, 200, 50)
        )
        #expect(conversation.read(used("turn-1", [1000, 200, 50], last: [1000, 200, 50])).events == [])
        #expect(
            conversation.read(used("turn-1", [2100, 200, 60], last: [1100, 0, 10])).events == report(1900, 200, 60)
        )
    }

    @Test func aResumedThreadCountsWhatIsUsedFromHereOn() {
        var conversation = conversation(session: "thread-1")
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{}}"#)
        _ = conversation.read(#"{"id":"thread","result":{"thread":{"id":"thread-1"},"model":"gpt-5.5"}}"#)
        #expect(conversation.read(used("turn-0", [5400, 800, 200], last: [1500, 200, 50])).events == [])
        _ = conversation.read(started("turn-1"))
        #expect(
            conversation.read(used("turn-1", [6400, 800, 250], last: [1000, 0, 50])).events == report(1000, 0, 50)
        )
    }

    @Test func aResumedThreadThatDoesNotSayWhatItHadUsedCountsTheLastRequest() {
        var conversation = conversation(session: "thread-1")
        _ = conversation.begin()
        _ = conversation.read(#"{"id":"initialize","result":{}}"#)
        _ = conversation.read(#"{"id":"thread","result":{"thread":{"id":"thread-1"},"model":"gpt-5.5"}}"#)
        _ = conversation.read(started("turn-1"))
        #expect(
            conversation.read(used("turn-1", [6400, 800, 250], last: [1000, 0, 50])).events == report(1000, 0, 50)
        )
    }

    @Test func aSubagentsThreadCountsToo() {
        var conversation = working()
        _ = conversation.read(used("turn-1", [1000, 0, 50], last: [1000, 0, 50]))
        let exchange = conversation.read(used("sub-1", [300, 0, 5], last: [300, 0, 5], thread: "thread-2"))
        #expect(exchange.events == report(1300, 0, 55))
    }

    // MARK: Ends

    @Test(arguments: [
        (
            #"{"message":"m","codexErrorInfo":{"httpConnectionFailed":{"httpStatusCode":401}}}"#,
            TurnEnd.Failure.credentials
        ),
        (#"{"message":"m","codexErrorInfo":{"responseTooManyFailedAttempts":{"httpStatusCode":429}}}"#, .provider),
        (#"{"message":"m","codexErrorInfo":"unauthorized"}"#, .credentials),
        (#"{"message":"m","codexErrorInfo":"internalServerError"}"#, .provider),
        (#"{"message":"m","codexErrorInfo":"usageLimitExceeded"}"#, .provider),
        (#"{"message":"m","codexErrorInfo":"sessionBudgetExceeded"}"#, .budget),
        (#"{"message":"m","codexErrorInfo":"cyberPolicy"}"#, .refusal),
        (#"{"message":"m","codexErrorInfo":"contextWindowExceeded"}"#, .other),
        (#"{"message":"m","codexErrorInfo":"of the future"}"#, .other),
        (#"{"message":"m"}"#, .other),
    ]) func aTurnThatFailedSaysWhatStoppedIt(_ error: String, _ failure: TurnEnd.Failure) throws {
        var conversation = working()
        let exchange = conversation.read(completed("turn-1", "failed", error: try JSONValue(parsing: error)))
        #expect(exchange.events == [.turnEnded(.failed(failure, reason: "m"))])
        #expect(conversation.verdict(.exited(0), error: "") == .failed("m"))
    }

    @Test(arguments: [
        (#"{"type":"error","error":{"type":"invalid_request_error","message":"no such model"}}"#, "no such model"),
        (
            #"unexpected status 400 Bad Request: {"message":"too long"}, url: x"#,
            "unexpected status 400 Bad Request: too long, url: x"
        ),
        (#"the set {a, b} is empty"#, "the set {a, b} is empty"),
        (#"{"error":"flat"}"#, #"{"error":"flat"}"#),
        ("} {", "} {"),
    ]) func whatAProviderSaysInJSONIsSaidWithoutIt(_ message: String, _ reason: String) {
        var conversation = working()
        let exchange = conversation.read(completed("turn-1", "failed", error: ["message": .string(message)]))
        guard case .turnEnded(.failed(_, let said))? = exchange.events.last else {
            return #expect(Bool(false), "\(exchange.events)")
        }
        #expect(said == reason)
    }

    @Test func anEndOfAKindOfTheFutureIsNoSuccess() {
        var conversation = working()
        _ = conversation.read(completed("turn-1", "perfect"))
        let reason = "its turn ended in a way that orch does not know: perfect"
        #expect(conversation.verdict(.exited(0), error: "") == .failed(reason))
    }

    @Test func noToolIsLeftOpenWhenItsTurnHasEnded() {
        var conversation = working()
        _ = conversation.read(change("item/started", "inProgress"))
        let open = ToolResult("call-1", .failed, "It had not ended when the turn did.")
        let exchange = conversation.read(completed("turn-1", "interrupted"))
        #expect(exchange.events == [.toolEnded(open), .turnEnded(.interrupted)])
    }

    @Test func theTurnOfASubagentIsNotItsOwn() {
        var conversation = working()
        let begun: JSONValue = [
            "method": "turn/started", "params": ["threadId": "thread-2", "turn": ["id": "sub-1"]],
        ]
        let ended: JSONValue = [
            "method": "turn/completed",
            "params": ["threadId": "thread-2", "turn": ["id": "sub-1", "status": "completed"]],
        ]
        #expect(conversation.read(begun) == .nothing)
        _ = conversation.read(completed("turn-1"))
        // Its input stays open for what goes on in the background.
        #expect(conversation.isBusy)
        #expect(conversation.read(ended) == .nothing)
        #expect(!conversation.isBusy)
    }

    @Test func aLimitThatIsReachedIsSaidWithItsEnd() {
        var conversation = working()
        let exchange = conversation.read([
            "method": "account/rateLimits/updated",
            "params": [
                "rateLimits": [
                    "rateLimitReachedType": "rate_limit_reached",
                    "primary": ["usedPercent": 100, "resetsAt": 1_795_300_000], "secondary": ["usedPercent": 4],
                ]
            ],
        ])
        let until = Instant(milliseconds: 1_795_300_000_000)
        #expect(exchange.events == [.limited(reason: "rate limit reached", until: until)])
    }

    @Test func aToolServerThatDoesNotStartIsMissing() {
        var conversation = working()
        let exchange = conversation.read(
            #"{"method":"mcpServer/startupStatus/updated","params":{"threadId":"thread-1","name":"orch","status":"failed","error":"No such file"}}"#
        )
        let session = AgentEvent.Session(
            id: "thread-1",
            model: "gpt-5.5",
            version: "0.163.0",
            missingServers: ["orch": "No such file"]
        )
        #expect(exchange.events == [.session(session)])
    }

    // MARK: How it is started

    @Test func itsSettingsLeaveTheProfileTheLastWord() throws {
        let profile = AgentProfile(
            kind: .codex,
            arguments: ["-c", "sandbox_mode=\"danger-full-access\""],
            model: "gpt-5.5",
            environment: ["A": "b"]
        )
        let tools = Assignment.ToolServer(command: ["/usr/bin/orch", "mcp"], environment: ["ORCH_TOKEN": "secret"])
        let invocation = profile.adapter.invocation(for: .sample(tools: tools))
        #expect(
            invocation.arguments == [
                "codex", "app-server", "-c", "sandbox_mode=\"workspace-write\"", "-c",
                "approval_policy=\"on-request\"", "-c", "model=\"gpt-5.5\"", "-c",
                "mcp_servers.orch.command=\"/usr/bin/orch\"", "-c", "mcp_servers.orch.args=[\"mcp\"]", "-c",
                "mcp_servers.orch.env_vars=[\"ORCH_TOKEN\"]", "-c",
                "mcp_servers.orch.default_tools_approval_mode=\"approve\"", "-c", "mcp_servers.orch.required=true",
                "-c",
                "mcp_servers.orch.tool_timeout_sec=86400", "-c", "sandbox_mode=\"danger-full-access\"",
            ]
        )
        #expect(invocation.standardInput == .messages)
        #expect(invocation.environment["ORCH_TOKEN"] == "secret" && invocation.environment["A"] == "b")
        #expect(!invocation.arguments.contains { $0.contains("secret") })
    }

    @Test func execIsToldAllAtItsStart() {
        let profile = AgentProfile(kind: .codexExec, command: ["/opt/codex"], arguments: ["--skip-git-repo-check"])
        let new = profile.adapter.invocation(for: .sample(opening: "--help me"))
        let settings = ["-c", "sandbox_mode=\"workspace-write\"", "-c", "approval_policy=\"never\""]
        #expect(
            new.arguments == ["/opt/codex", "exec", "--json"] + settings + ["--skip-git-repo-check", "--", "--help me"]
        )
        #expect(new.standardInput == .null)
        let resumed = profile.adapter.invocation(for: .sample(session: "old"))
        #expect(
            resumed.arguments == ["/opt/codex", "exec", "resume", "--json"] + settings
                + ["--skip-git-repo-check", "--", "old", "Do it."]
        )
    }

    @Test func whatIsTooLongForAnArgumentIsReadFromItsFile() {
        let long = String(repeating: "a", count: 200_000)
        let argument = Assignment.sample(opening: long).openingArgument
        #expect(argument.contains("/state/tickets/T-1/prompt.md") && argument.utf8.count < 1000)
    }

    // MARK: codex exec

    @Test func aResumedExecWhoseEarlierUsageNobodyKnowsReportsNone() {
        var conversation = CodexExecConversation(assignment: .sample(session: "old"), model: nil)
        let exchange = conversation.read(
            #"{"type":"turn.completed","usage":{"input_tokens":6400,"cached_input_tokens":800,"output_tokens":250}}"#
        )
        #expect(
            exchange.events == [
                .noted("It says what the whole session has used, and not what this run has."),
                .turnEnded(.completed("")),
            ]
        )
    }

    @Test func execTakesNoMessages() {
        var conversation = CodexExecConversation(assignment: .sample(), model: nil)
        #expect(!conversation.isOpen && !conversation.canBeSteered)
        let reason = "codex exec takes no messages while it works"
        #expect(conversation.take(.say(message: 1, "Hello")) == Exchange(events: [.refusedMessage(1, reason: reason)]))
        #expect(conversation.take(.interrupt(1)) == .nothing)
    }

    @Test func execWithoutItsThreadFailsWithWhatItSays() {
        let conversation = CodexExecConversation(assignment: .sample(session: "old"), model: nil)
        let outcome = conversation.verdict(.exited(1), error: "Error: no rollout found for thread id old\n")
        guard case .failed(let reason) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(reason.contains("no rollout found"))
    }
}
