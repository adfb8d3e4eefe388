import Foundation
import IPC
import Testing

/// Lines that daemons and clients have written, one file per direction. They stay for ever: a line may be added, none
/// may be changed.
@Suite struct GoldenTests {
    private static func lines(_ name: String) throws -> [String] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).jsonl")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test func everyRequestIsReadAndWrittenAsItStands() throws {
        let lines = try Self.lines("requests")
        #expect(lines.count >= 10)
        for line in lines {
            let request = try Request(line: Array(line.utf8))
            #expect(String(decoding: request.bytes, as: UTF8.self) == line)
        }
    }

    @Test func everyLineOfADaemonIsReadAndWrittenAsItStands() throws {
        let lines = try Self.lines("daemon")
        #expect(lines.count >= 10)
        for line in lines {
            switch try #require(ServerLine(line: Array(line.utf8)), "\(line)") {
            case .notification(let notification):
                #expect(String(decoding: notification.bytes, as: UTF8.self) == line)
            case .response(let response): #expect(String(decoding: response.bytes, as: UTF8.self) == line)
            }
        }
    }

    @Test func theEventsFoldIntoRows() throws {
        var picture = Picture()
        for line in try Self.lines("daemon") {
            guard case .notification(let event)? = ServerLine(line: Array(line.utf8)) else { continue }
            _ = try picture.apply(event)
        }
        #expect(picture.seq == 4)
        #expect(picture.tickets["T-7"]?.state == "running")
        #expect(picture.tickets["T-7"]?.agent == "agent-1")
        #expect(picture.agents["agent-1"]?.ticket == "T-7")
        #expect(picture.locks["1"]?.pattern == "src/avatar/**")
        #expect(picture.repositories["r1"]?.target == "main")
        #expect(picture.waiting == ["T-9": "waits for lock src/** of T-7"])
        #expect(picture.shortage == "waits for memory: 400 MiB free, 1 GiB wanted")
    }

    @Test func everyCodeHasItsNumberAndExitStatus() {
        let table = ErrorCode.allCases.map { "\($0.rawValue) \($0.number) \($0.exitStatus)" }
        #expect(
            table == [
                "parse_error -32700 1", "invalid_request -32600 1", "unknown_method -32601 1",
                "invalid_params -32602 2", "internal -32603 1", "not_found -32004 4", "refused -32005 5",
                "gone -32006 1", "too_large -32007 1", "forbidden -32008 1", "stopping -32009 1",
                "unavailable -32010 1", "usage -32090 2",
                "daemon_not_running -32091 3", "disconnected -32092 3", "timed_out -32093 1",
            ]
        )
        for code in ErrorCode.allCases { #expect(ErrorCode(number: code.number) == code) }
    }

    @Test func anErrorKeepsItsMessageWhateverItsCode() {
        let later: JSONValue = ["code": -31000, "message": "no budget", "data": ["code": "no_budget", "hint": "wait"]]
        #expect(RPCError(json: later) == RPCError(.internal, "no budget", hint: "wait"))
        let plain: JSONValue = ["code": -32601, "message": "Method not found"]
        #expect(RPCError(json: plain) == RPCError(.unknownMethod, "Method not found"))
        let ours = RPCError(.refused, "cannot approve T-7: it is running", hint: "stop it first")
        #expect(RPCError(json: ours.json) == ours)
    }
}
