import IPC
import Testing

@testable import Orch

/// The Model Context Protocol, line by line: what clients of either era send, and what they are answered.
@Suite struct ToolProtocolTests {
    private var server = ToolProtocol(version: "1.2.3", tools: [.claimPaths, .getTicket])

    private mutating func hear(_ line: String) -> [ToolProtocol.Output] { server.read(.line(Array(line.utf8))) }

    /// The one line that a line is answered with.
    private mutating func answer(_ line: String) throws -> JSONValue {
        let outputs = hear(line)
        guard outputs.count == 1, case .send(let bytes) = outputs[0] else { throw Unanswered(outputs: outputs) }
        return try JSONValue(parsing: bytes)
    }

    private struct Unanswered: Error { let outputs: [ToolProtocol.Output] }

    private static let envelope =
        #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#
        + #""io.modelcontextprotocol/clientCapabilities":{}}"#

    private mutating func initialise(_ version: String = "2025-11-25") throws -> JSONValue {
        try answer(
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\#(version)","#
                + #""capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#
        )
    }

    @Test(arguments: ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
    mutating func aVersionOfTheHandshakeIsTakenAsItIs(_ version: String) throws {
        let answer = try initialise(version)
        #expect(answer["result"]?["protocolVersion"] == .string(version))
        #expect(answer["result"]?["serverInfo"]?["version"] == "1.2.3")
        #expect(hear(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#) == [])
    }

    @Test mutating func anUnknownVersionIsAnsweredWithTheNewestOfTheHandshake() throws {
        #expect(try initialise("1999-01-01")["result"]?["protocolVersion"] == "2025-11-25")
        #expect(try initialise("2024-11-05")["result"]?["protocolVersion"] == "2024-11-05")
    }

    @Test mutating func whoDoesNotBeginAtTheBeginningIsTold() throws {
        let early = try answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        #expect(early["error"]?["code"] == -32602)
        #expect(try answer(#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#)["result"] == [:])
        #expect(try initialise()["result"] != nil)
    }

    @Test mutating func anEnvelopeOpensTheNewEraAndHoldsForAll() throws {
        let found = try answer(
            #"{"jsonrpc":"2.0","id":"p","method":"server/discover","params":{\#(Self.envelope)}}"#
        )
        #expect(found["id"] == "p")
        #expect(found["result"]?["supportedVersions"] == ["2026-07-28"])
        #expect(found["result"]?["resultType"] == "complete" && found["result"]?["cacheScope"] == "private")
        #expect(found["result"]?["_meta"]?["io.modelcontextprotocol/serverInfo"]?["name"] == "orch")
        let listed = try answer(#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{\#(Self.envelope)}}"#)
        #expect(listed["result"]?["tools"]?.arrayValue?.count == 2 && listed["result"]?["ttlMs"] == 0)
        let bare = try answer(#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#)
        #expect(bare["error"]?["code"] == -32602)
        let old = try initialise()
        #expect(old["error"]?["code"] == -32022 && old["error"]?["data"]?["supported"] == ["2026-07-28"])
        let ping = try answer(#"{"jsonrpc":"2.0","id":4,"method":"ping","params":{\#(Self.envelope)}}"#)
        #expect(ping["error"]?["code"] == -32601)
        let later = Self.envelope.replacing("2026-07-28", with: "2027-01-01")
        let newer = try answer(#"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{\#(later)}}"#)
        #expect(newer["error"]?["code"] == -32022 && newer["error"]?["data"]?["requested"] == "2027-01-01")
    }

    @Test mutating func anEnvelopeIsNotTakenAfterTheHandshake() throws {
        _ = try initialise()
        let late = try answer(#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{\#(Self.envelope)}}"#)
        #expect(late["error"]?["code"] == -32600)
        #expect(try answer(#"{"jsonrpc":"2.0","id":2,"method":"server/discover"}"#)["error"]?["code"] == -32601)
    }

    @Test mutating func linesThatAreNoRequestsAreRefusedOrPassedOver() throws {
        #expect(try answer("{")["error"]?["code"] == -32700)
        #expect(try answer("\u{FF}\u{0}")["error"]?["code"] == -32700)
        #expect(try answer("[]")["error"]?["code"] == -32600)
        #expect(try answer("7")["error"]?["code"] == -32600)
        #expect(try answer(#"{"jsonrpc":"2.0","id":1}"#)["error"]?["code"] == -32600)
        #expect(try answer(#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#)["error"]?["code"] == -32600)
        #expect(try answer(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#)["error"]?["code"] == -32602)
        #expect(hear(#"{"jsonrpc":"2.0","id":1,"result":{}}"#) == [])
        #expect(hear(#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#) == [])
        #expect(hear(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#) == [])
        guard case .send(let bytes)? = server.read(.oversized).first else { throw Unanswered(outputs: []) }
        #expect(try JSONValue(parsing: bytes)["error"]?["code"] == -32700)
    }

    private func call(_ id: Int, _ arguments: String = #"{"paths":["a"]}"#, token: String = "") -> String {
        let meta = token.isEmpty ? "" : #","_meta":{"progressToken":\#(token)}"#
        return #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"claim_paths","#
            + #""arguments":\#(arguments)\#(meta)}}"#
    }

    @Test mutating func aCallIsAnsweredOnceItIsOver() throws {
        _ = try initialise()
        #expect(hear(call(7)) == [.call(.init(number: 1, tool: "claim_paths", arguments: ["paths": ["a"]]))])
        // The same id twice cannot be told apart.
        #expect(try answer(call(7))["error"]?["code"] == -32600)
        let outcome = ToolProtocol.Outcome(text: "Granted.", details: ["outcome": "granted"])
        #expect(
            server.finish(1, outcome) == [
                .send(
                    Array(
                        #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"Granted."}],"#.utf8
                    )
                        + Array(#""structuredContent":{"outcome":"granted"},"isError":false}}"#.utf8)
                )
            ]
        )
        #expect(server.finish(1, outcome) == [] && server.openCalls == [])
    }

    @Test mutating func anOldClientIsGivenNoDetails() throws {
        _ = try initialise("2025-03-26")
        _ = hear(call(7))
        guard case .send(let bytes)? = server.finish(1, .init(text: "x", details: ["a": 1])).first else {
            throw Unanswered(outputs: [])
        }
        #expect(try JSONValue(parsing: bytes)["result"]?["structuredContent"] == nil)
    }

    @Test mutating func whatIsCancelledIsNeverAnswered() throws {
        _ = try initialise()
        _ = hear(call(7, token: #""t""#))
        #expect(hear(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#) == [.cancel(1)])
        #expect(server.progress(1, seconds: 1, total: 9, "waits") == [])
        #expect(server.finish(1, .init(text: "x")) == [])
        // Its id is free again.
        #expect(hear(call(7)).count == 1)
    }

    @Test mutating func progressGoesToWhoAskedForItAndNeverBack() throws {
        _ = try initialise()
        _ = hear(call(1))
        _ = hear(call(2, token: "0"))
        #expect(server.progress(1, seconds: 5, total: 60, "waits") == [])
        func progress(_ number: Int) -> [ToolProtocol.Output] {
            [
                .send(
                    Array(
                        #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":0,"#.utf8
                    ) + Array(#""progress":\#(number),"total":60,"message":"waits"}}"#.utf8)
                )
            ]
        }
        #expect(server.progress(2, seconds: 5, total: 60, "waits") == progress(5))
        #expect(server.progress(2, seconds: 5, total: 60, "waits") == progress(6))
        #expect(server.progress(2, seconds: 10, total: 60, "waits") == progress(10))
    }

    @Test mutating func badArgumentsAreSaidSoThatAModelCanMendThem() throws {
        _ = try initialise()
        for (arguments, said) in [
            ("{}", "claim_paths needs the argument `paths`: an array of 1 to 64 patterns, such as [\"src/api/**\"]."),
            (#"{"paths":"a"}"#, "`paths` of claim_paths has to be an array of 1 to 64 patterns"),
            (#"{"paths":[1]}"#, "`paths` of claim_paths has to be"),
            (#"{"paths":["a"],"wait_seconds":1.5}"#, "`wait_seconds` of claim_paths has to be a whole number"),
            (#"{"path":["a"]}"#, "claim_paths has no argument `path`; it takes `paths`, `wait_seconds`."),
        ] {
            let result = try answer(call(1, arguments))["result"]
            #expect(result?["isError"] == true)
            let text = result?["content"]?.arrayValue?.first?["text"]?.stringValue ?? ""
            #expect(text.hasPrefix(said), "\(arguments): \(text)")
        }
        let unknown = try answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"land"}}"#)
        #expect(
            unknown["result"]?["content"]?.arrayValue?.first?["text"]
                == "Unknown tool: land. There are claim_paths, get_ticket."
        )
        let nameless = try answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":3}}"#)
        #expect(nameless["error"]?["code"] == -32602)
        let listed = try answer(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_ticket","arguments":[]}}"#
        )
        #expect(listed["error"]?["code"] == -32602)
    }

    @Test mutating func noMoreCallsThanMayBeAreUnderWay() throws {
        _ = try initialise()
        for id in 1...ToolProtocol.callLimit { #expect(hear(call(id)).count == 1) }
        #expect(try answer(call(99))["result"]?["isError"] == true)
    }

    /// No tool decides what is for people, or for orch.
    @Test func theToolsAreThese() {
        #expect(
            Tool.all.map(\.name) == [
                "get_ticket", "claim_paths", "release_paths", "list_conflicts", "report_progress", "run_verifier",
                "ask_human", "complete",
            ]
        )
        for tool in Tool.all {
            #expect(
                tool.json["inputSchema"]?["type"] == "object" && tool.json["annotations"]?["destructiveHint"] == false
            )
        }
        #expect(
            Tool.all.filter(\.annotations.isReadOnly).map(\.name) == ["get_ticket", "list_conflicts", "run_verifier"]
        )
    }
}
