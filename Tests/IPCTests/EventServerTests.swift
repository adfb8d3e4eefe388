import Foundation
import IPC
import Testing

@Suite struct GreetingAndRequestTests {
    @Test func aClientIsGreetedAndThenHearsEventsWithoutAsking() throws {
        let daemon = try TestDaemon(stored: 41)
        let raw = RawSocket(daemon.path)
        #expect(
            raw.line()
                == #"{"jsonrpc":"2.0","method":"hello","params":{"protocol":1,"daemon":"0.1.0","seq":41,"tickets":12,"agents":3,"role":"user"}}"#
        )
        daemon.emit()
        #expect(raw.line() == #"{"jsonrpc":"2.0","method":"ticket.started","params":{"seq":42,"ticket":"T-7"}}"#)
    }

    @Test func everyRequestGetsItsAnswerAndANotificationGetsNone() throws {
        let daemon = try TestDaemon()
        let raw = RawSocket(daemon.path)
        _ = raw.line()
        raw.write(
            #"{"jsonrpc":"2.0","method":"echo","params":{"silent":true}}"# + "\n"
                + #"{"jsonrpc":"2.0","id":"a","method":"echo","params":{"x":[1,null]}}"# + "\r\n\n"
                + #"{"jsonrpc":"2.0","id":null,"method":"echo"}"# + "\n"
                + #"{"jsonrpc":"2.0","id":2,"method":"nonsense"}"# + "\n"
        )
        #expect(raw.line() == #"{"jsonrpc":"2.0","id":"a","result":{"x":[1,null]}}"#)
        #expect(raw.line() == #"{"jsonrpc":"2.0","id":null,"result":{}}"#)
        #expect(
            raw.line() == #"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"there is no method nonsense","#
                + #""data":{"code":"unknown_method"}}}"#
        )
        #expect(daemon.requests.first == Request(id: nil, method: "echo", params: ["silent": true]))
    }

    /// A line, and the error it must get.
    struct BadLine: Sendable, CustomTestStringConvertible {
        let line: String
        let number: Int
        let code: String
        init(_ line: String, _ number: Int, _ code: String) {
            (self.line, self.number, self.code) = (line, number, code)
        }
        var testDescription: String { "\(line.prefix(60)): \(code)" }
    }

    @Test(arguments: [
        BadLine("nonsense", -32700, "parse_error"),
        BadLine("\u{0}\u{1}\u{2}", -32700, "parse_error"),
        BadLine("[]", -32600, "invalid_request"),
        BadLine(#"[{"jsonrpc":"2.0","id":1,"method":"tick"}]"#, -32600, "invalid_request"),
        BadLine("7", -32600, "invalid_request"),
        BadLine(#"{"id":1,"method":"tick"}"#, -32600, "invalid_request"),
        BadLine(#"{"jsonrpc":"2.0","id":1}"#, -32600, "invalid_request"),
        BadLine(#"{"jsonrpc":"2.0","id":{},"method":"tick"}"#, -32600, "invalid_request"),
        BadLine(#"{"jsonrpc":"2.0","id":1,"method":"tick","params":[1]}"#, -32602, "invalid_params"),
        BadLine(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":-1}}"#, -32602, "invalid_params"),
        BadLine(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":"x"}}"#, -32602, "invalid_params"),
        BadLine(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":"x"}}"#, -32602, "invalid_params"),
        BadLine(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"tickets":[1]}}"#, -32602, "invalid_params"),
        BadLine(String(repeating: "[", count: 100_000), -32700, "parse_error"),
        BadLine(String(repeating: "x", count: 9 << 20), -32007, "too_large"),
    ])
    func aBadLineIsAnsweredAndCostsNobodyTheConnection(_ bad: BadLine) throws {
        let daemon = try TestDaemon()
        let raw = RawSocket(daemon.path)
        _ = raw.line()
        #expect(raw.write(bad.line + "\n" + #"{"jsonrpc":"2.0","id":9,"method":"tick"}"# + "\n"))
        let answer = try JSONValue(parsing: try #require(raw.line()))
        #expect(answer["error"]?["code"]?.intValue == bad.number)
        #expect(answer["error"]?["data"]?["code"]?.stringValue == bad.code)
        #expect(answer["error"]?["message"]?.stringValue?.isEmpty == false)
        #expect(raw.line() == #"{"jsonrpc":"2.0","id":9,"result":{"seq":0}}"#)
    }

    @Test func noiseWithoutEndIsHopeless() throws {
        let daemon = try TestDaemon()
        let raw = RawSocket(daemon.path)
        var random = SplitMix(state: 6)
        for _ in 0..<300 {
            raw.write((0..<50).map { _ in UInt8.random(in: 0xB...0xFF, using: &random) } + [0x0A])
        }
        let lines = raw.remaining()
        #expect(lines.count == 102)
        #expect(lines.last == #"{"jsonrpc":"2.0","method":"goodbye","params":{"reason":"malformed","seq":0}}"#)
        #expect(try daemon.connect().request("tick") == ["seq": 0])
    }

    @Test func aLineOfAHundredMegabytesIsHopeless() async throws {
        let daemon = try TestDaemon()
        let lines = try await onThread { [path = daemon.path] in
            let raw = RawSocket(path)
            let chunk = [UInt8](repeating: 0x20, count: 1 << 20)
            var sent = 0
            while sent < 100, raw.write(chunk) { sent += 1 }
            #expect(sent < 100)
            return raw.remaining()
        }
        #expect(lines.count == 3)
        #expect(lines.last?.contains(#""reason":"too_large""#) == true)
        #expect(try daemon.connect().request("tick") == ["seq": 0])
    }

    @Test func aClientThatVanishesInTheMiddleOfALineIsNothing() throws {
        let daemon = try TestDaemon()
        for _ in 0..<50 {
            let raw = RawSocket(daemon.path)
            raw.write(#"{"jsonrpc":"2.0","id":1,"#)
        }
        #expect(try daemon.connect().request("tick") == ["seq": 0])
    }

    @Test func whatAClientAskedBeforeItLeftIsDroppedUnlessItWasTakenUp() throws {
        let daemon = try TestDaemon { $0.quickInHand = 1 }
        let busy = try daemon.connect()
        busy.send("hold")
        // Every lane has room for one, and one is taken.
        let other = try daemon.connect()
        other.send("hold")
        while daemon.requests.isEmpty { usleep(1000) }
        do {
            let gone = RawSocket(daemon.path)
            _ = gone.line()
            gone.write(#"{"jsonrpc":"2.0","id":1,"method":"echo","params":{"n":1}}"# + "\n")
        }
        // A request that is let through as it comes shows that the server has looked at everything before it.
        let lister = try daemon.connect()
        try lister.request("list", timeout: patience)
        daemon.releaseHeld()
        while daemon.requests.count(where: { $0.method == "hold" }) < 2 { usleep(1000) }
        daemon.releaseHeld()
        #expect(try lister.request("tick", timeout: patience) == ["seq": 0])
        #expect(!daemon.requests.contains { $0.method == "echo" })
        #expect(daemon.requests.count(where: { $0.method == "hold" }) == 2)
    }

    @Test func whoeverAsksForOneThingDoesNotWaitForAllThatOthersHaveAskedFor() throws {
        let daemon = try TestDaemon { $0.quickInHand = 1 }
        let crowd = try (0..<20).map { _ in try daemon.connect() }
        for client in crowd { for _ in 0..<100 { client.send("hold") } }
        while daemon.requests.isEmpty { usleep(1000) }
        let modest = try daemon.connect()
        modest.send("echo", ["modest": true])
        let lister = try daemon.connect()
        try lister.request("list", timeout: patience)
        // One turn of each, and it has been heard.
        var turns = 0
        while !daemon.requests.contains(where: { $0.method == "echo" }) {
            let before = daemon.requests.count
            daemon.releaseHeld()
            turns += 1
            try #require(turns <= 25, "\(turns) others came before it")
            while daemon.requests.count == before { usleep(1000) }
        }
        // What is asked in one lane does not wait for another.
        #expect(daemon.requests.count(where: { $0.method == "list" }) == 1)
    }

    @Test func aClientThatOnlyReadsOnGoesOnReading() throws {
        let daemon = try TestDaemon()
        let raw = RawSocket(daemon.path)
        _ = raw.line()
        raw.write(#"{"jsonrpc":"2.0","id":1,"method":"tick"}"# + "\n")
        shutdown(raw.descriptor, Int32(SHUT_WR))
        #expect(raw.line() == #"{"jsonrpc":"2.0","id":1,"result":{"seq":0}}"#)
        daemon.emit(1)
        #expect(raw.line()?.contains(#""seq":1"#) == true)
    }

    @Test func anAnswerComesAfterEveryEventPublishedBeforeIt() throws {
        let daemon = try TestDaemon()
        let client = try daemon.connect()
        for round in 1...200 {
            daemon.emit(7, padding: 3000)
            let answer = try client.request("tick", timeout: patience)
            #expect(answer == ["seq": JSONValue(round * 7)])
            for seq in (round * 7 - 6)...(round * 7) {
                // Already here: next(0) does not wait.
                guard case .notification(let event)? = try client.next(timeout: .zero) else {
                    Issue.record("event \(seq) came after the answer")
                    return
                }
                #expect(event.seq == seq)
            }
        }
    }

    @Test func requestsOfOneWhoNeverReadsAreNotTakenForEver() async throws {
        let daemon = try TestDaemon()
        let raw = RawSocket(daemon.path)
        _ = raw.line()
        _ = fcntl(raw.descriptor, F_SETFL, O_NONBLOCK)
        // Each asks for 64 KiB and takes 80 bytes: the server must stop reading long before 10,000 of them.
        let request = Array((#"{"jsonrpc":"2.0","id":1,"method":"big","params":{"size":65536}}"# + "\n").utf8)
        var written = 0
        while written < 10_000, raw.write(request) { written += 1 }
        let other = try daemon.connect()
        #expect(try other.request("tick", timeout: patience) == ["seq": 0])
        let taken = daemon.requests.count
        #expect(taken < 200, "\(taken) requests were taken")
        #expect(written < 10_000)
        // Once it reads, everything it asked whole is answered.
        _ = fcntl(raw.descriptor, F_SETFL, 0)
        for _ in 0..<written { #expect(raw.line()?.utf8.count ?? 0 > 65_536) }
    }

    @Test func noMoreThanSoManyRequestsAreUnderWay() throws {
        let daemon = try TestDaemon { $0.requestsInFlight = 8 }
        let client = try daemon.connect()
        for _ in 0..<100 { client.send("hold") }
        let other = try daemon.connect()
        var answered = 0
        while answered < 100 {
            while daemon.requests.count(where: { $0.method == "hold" }) <= answered {
                try other.request("tick", timeout: patience)
            }
            try other.request("tick", timeout: patience)
            let held = daemon.requests.count(where: { $0.method == "hold" })
            #expect(held - answered <= 8)
            daemon.releaseHeld()
            while answered < held {
                guard case .response(let response)? = try client.next(timeout: patience) else { continue }
                #expect(response.result == .success("released"))
                answered += 1
            }
        }
    }

    @Test func stoppingSaysGoodbyeAfterEverythingElseAndRemovesTheSocket() throws {
        let daemon = try TestDaemon()
        let clients = try (0..<10).map { _ in try daemon.connect() }
        daemon.emit(100)
        daemon.server.stop()
        for client in clients {
            let lines = client.untilClosed()
            #expect(lines.count == 101)
            #expect(client.goodbye == ["reason": "stopping", "seq": 100])
        }
        #expect(!FileManager.default.fileExists(atPath: daemon.path))
        #expect { try Client.connect(path: daemon.path) } throws: {
            ($0 as? RPCError)
                == RPCError(
                    .daemonNotRunning,
                    "no daemon is listening on \(daemon.path)",
                    hint: "start one with: orch daemon"
                )
        }
        daemon.emit(1)
    }

    @Test func aRequestCutOffByTheEndOfTheDaemonSaysSo() throws {
        let daemon = try TestDaemon()
        let client = try daemon.connect()
        client.send("hold")
        daemon.server.stop()
        #expect { try client.request("tick") } throws: {
            ($0 as? RPCError)
                == RPCError(
                    .disconnected,
                    "the daemon has closed the connection: stopping",
                    hint: "`orch status` says whether a daemon runs; what it had answered is done"
                )
        }
    }
}
