import CSystem
import Foundation
import Glibc
import IPC
import Sanitizers
import Testing

@Suite("The socket, end to end", .ownThread)
struct SocketTests {
    @Test func whoeverConnectsIsGreetedAndSeesTheEvents() throws {
        try World.run { world in
            try world.wait(forEvent: "daemon.started")
            let raw = try RawClient(world.socket)
            let hello = try JSONValue(parsing: raw.line())
            #expect(hello["method"] == "hello")
            #expect(hello["params"]?["protocol"] == 1)
            #expect(hello["params"]?["seq"] == 1)
            let repository = try world.repository()
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, ["title": "Es\u{2028}caped \u{1F680}".filter { $0 != "\u{2028}" }.json])
            try world.waitUntilLanded(["T-1"])
            var seen: [String] = []
            var next = 2
            while seen.last != "ticket.tidied" {
                let line = try raw.line()
                #expect(!line.contains { $0 < 0x20 })
                let event = try JSONValue(parsing: line)
                #expect(event["jsonrpc"] == "2.0")
                guard let seq = event["params"]?["seq"]?.intValue else { continue }
                #expect(seq == next)
                next += 1
                seen.append(event["method"]?.stringValue ?? "")
            }
            let story = [
                "repository.added", "ticket.enqueued", "ticket.started", "worktree.prepared", "run.requested",
                "run.started", "run.ended", "work.collected", "candidate.built", "verification.started",
                "ticket.verified", "ticket.approved", "landing.started", "ticket.merged", "ticket.tidied",
            ]
            var rest = seen[...]
            for name in story { rest = rest.drop { $0 != name }.dropFirst() }
            #expect(seen.contains("ticket.tidied") && rest.isEmpty, "\(seen)")
            var status = stat()
            #expect(stat(world.socket, &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(stat(world.state, &status) == 0 && status.st_mode & 0o777 == 0o700)
        }
    }

    @Test func whateverALineHoldsItIsAnsweredAndTheDaemonLives() throws {
        try World.run { world in
            let raw = try RawClient(world.socket)
            _ = try raw.line()
            func error(_ line: String) throws -> (code: String, id: JSONValue?, message: String) {
                try raw.send(line + "\n")
                let answer = try raw.answer()
                return (
                    answer["error"]?["data"]?["code"]?.stringValue ?? "none", answer["id"],
                    answer["error"]?["message"]?.stringValue ?? ""
                )
            }
            func code(_ line: String) throws -> String { try error(line).code }
            func ask(_ method: String, _ params: String) -> String {
                #"{"jsonrpc":"2.0","id":7,"method":"\#(method)","params":\#(params)}"#
            }
            #expect(try code("hello?") == "parse_error")
            #expect(try code(String(repeating: "[", count: 100_000)) == "parse_error")
            #expect(
                try code(#"{"jsonrpc":"2.0","id":1,"method":"tick","params":"# + #"{"a":"# + "\u{0}}") == "parse_error"
            )
            #expect(try code("[]") == "invalid_request")
            #expect(try code("17") == "invalid_request")
            #expect(try code(#"{"jsonrpc":"1.0","id":1,"method":"tick"}"#) == "invalid_request")
            #expect(try code(#"{"jsonrpc":"2.0","id":{},"method":"tick"}"#) == "invalid_request")
            #expect(try code(#"{"jsonrpc":"2.0","id":1,"method":5}"#) == "invalid_request")
            #expect(try code(ask("tick", "[1]")) == "invalid_params")
            let unknown = try error(ask("ticket.contineu", "{}"))
            #expect(unknown.code == "unknown_method" && unknown.id == 7)
            for (method, params) in [
                ("ticket.show", "{}"), ("ticket.show", #"{"ticket":5}"#), ("ticket.enqueue", "{}"),
                ("ticket.enqueue", #"{"repository":"/","tickets":{}}"#),
                ("ticket.enqueue", #"{"repository":"/","tickets":[]}"#),
                ("ticket.enqueue", #"{"repository":"/","tickets":[5]}"#),
                ("ticket.enqueue", #"{"repository":"/","tickets":[{"title":""}]}"#),
                ("ticket.enqueue", #"{"repository":"/","tickets":[{"title":"x","locks":["/a"]}]}"#),
                ("ticket.enqueue", #"{"repository":"/","tickets":[{"title":"x","priority":1e99}]}"#),
                ("ticket.enqueue", #"{"repository":"/","tickets":[{"title":"x","agent":"nobody"}]}"#),
                ("output.read", #"{"run":"T-1","offset":0}"#), ("output.read", #"{"run":"T-1.1","offset":-1}"#),
                ("output.read", #"{"run":"T-1.1","stream":"../../orch.db","offset":0}"#),
                ("subscribe", #"{"since":"x"}"#), ("subscribe", #"{"topics":5}"#),
                ("daemon.quit", #"{"onStop":"explode"}"#), ("repository.add", #"{"path":[]}"#),
            ] {
                #expect(try code(ask(method, params)) == "invalid_params", "\(method) \(params)")
            }
            for (method, params) in [
                ("ticket.show", #"{"ticket":"T-1"}"#), ("ticket.cancel", #"{"ticket":"agent-1"}"#),
                ("output.read", #"{"run":"../../../etc/passwd.1","offset":0}"#),
                ("repository.add", #"{"path":"/nowhere at all"}"#),
                ("ticket.enqueue", #"{"repository":"/nowhere","tickets":[{"title":"x"}]}"#),
            ] {
                #expect(try code(ask(method, params)) == "not_found", "\(method) \(params)")
            }
            #expect(try code(ask("subscribe", #"{"since":1000000}"#)) == "gone")
            #expect(try code(ask("subscribe", #"{"since":9223372036854775807}"#)) == "gone")

            // A request in two halves, with a carriage return and empty lines around it.
            try raw.send("\r\n\n" + #"{"jsonrpc":"2.0","id":"half","me"#)
            try raw.send(#"thod":"tick"}"# + "\r\n")
            #expect(try raw.answer()["id"] == "half")
            // Those who vanish in the middle of a line, or of an answer, are missed by nobody.
            for _ in 0..<50 {
                let brief = try RawClient(world.socket)
                try brief.send(#"{"jsonrpc":"2.0","id":1,"method":"snapshot"}"# + "\n{\"jsonrpc\":")
            }
            // Noise is answered, until it is hopeless.
            let noise = try RawClient(world.socket)
            var bytes: [UInt8] = []
            var random = SplitMix64(seed: 7)
            for _ in 0..<200 { bytes += (0..<100).map { _ in UInt8.random(in: 11...255, using: &random) } + [0x0A] }
            try noise.send(bytes)
            #expect(try noise.lastLine()["params"]?["reason"] == "malformed")
            #expect(try world.ask("daemon.status")["seq"]?.intValue == world.picture.seq)
            #expect(try world.refusal("ticket.show", ["ticket": "T-1"]).code == .notFound)
        }
    }

    @Test func aLineOfAHundredMegabytesEndsItsOwnConnectionAlone() throws {
        try World.run { world in
            let raw = try RawClient(world.socket)
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            var sent = 0
            while sent < 100, (try? raw.send(piece)) != nil { sent += 1 }
            #expect(sent >= 60 && sent < 100)
            #expect(try raw.lastLine()["params"]?["reason"] == "too_large")
            if !Sanitizers.isOn { #expect(try memory(of: world, "VmHWM") < 150 << 20) }
            // One of ten is ignored with an error, and the next one read.
            let other = try RawClient(world.socket)
            for _ in 0..<10 { try other.send(piece) }
            try other.send("\n" + #"{"jsonrpc":"2.0","id":2,"method":"tick"}"# + "\n")
            #expect(try other.answer()["error"]?["data"]?["code"] == "too_large")
            #expect(try other.answer()["id"] == 2)
            try world.ask("tick")
        }
    }

    @Test func aClientThatNeverReadsIsClosedAndNobodyElseNotices() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let gate = try world.gate("busy")
            try world.agent("BUSY", "echo a > a.txt; read go < \"$WORLD/gates/busy\"")
            try world.enqueue(repository, ["id": "BUSY"])
            let visitor = try gate.arrival()
            let sleeper = try RawClient(world.socket)
            _ = try sleeper.line()
            let before = try memory(of: world, "VmRSS")
            // Tickets with long titles make long events, and are gone again with the next request.
            let title = JSONValue.string(String(repeating: "\u{1F680}", count: 200))
            let perBatch = 250
            var bytes = 0
            var batch = 0
            while bytes < 18 << 20 {
                let ids = (0..<perBatch).map { "B\(batch)-\($0)-\(String(repeating: "x", count: 48))" }
                world.client.send(
                    "ticket.enqueue",
                    [
                        "repository": .string(repository.path),
                        "tickets": .array(ids.map { ["id": .string($0), "title": title] }),
                    ]
                )
                for id in ids { world.client.send("ticket.cancel", ["ticket": .string(id)]) }
                let seen = world.history.count
                try world.ask("tick")
                for event in world.history[seen...] { bytes += event.bytes.count }
                batch += 1
            }
            #expect(world.picture.tickets.values.count { $0.state == "cancelled" } == batch * perBatch)
            // The one who follows has seen everything; the sleeper was told goodbye, or found the line cut.
            var asleep = 0
            while let line = try? sleeper.line() { asleep += line.count }
            #expect(asleep < 18 << 20)
            let after = try memory(of: world, "VmRSS")
            // A sanitizer has memory of its own, and keeps what was freed.
            #expect(
                Sanitizers.isOn || after - before < 150 << 20,
                "\(before >> 20) MiB before, \(after >> 20) MiB after \(bytes >> 20) MiB"
            )
            visitor.letThrough()
            try world.waitUntilLanded(["BUSY"])
            try world.expectReplayMatchesSnapshot()
        }
    }

    private func memory(of world: World, _ field: String) throws -> Int {
        let daemon = try #require(world.daemon)
        let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(field + ":") })
        return 1024 * (try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])))
    }
}

extension String {
    fileprivate var json: JSONValue { .string(self) }
}

/// A connection as `nc -U` has it.
final class RawClient {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var taken = 0

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Failure("cannot connect: errno \(errno)") }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure("cannot send: errno \(errno)") }
            sent += count
        }
    }

    /// The next line, without its end.
    func line() throws -> [UInt8] {
        while true {
            if let end = buffer[taken...].firstIndex(of: 0x0A) {
                defer {
                    taken = end + 1
                    if taken > 1 << 20 {
                        buffer.removeFirst(taken)
                        taken = 0
                    }
                }
                return Array(buffer[taken..<end])
            }
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { throw Failure("the connection has ended, errno \(errno)") }
            buffer += piece[..<count]
        }
    }

    /// The next line that is an answer.
    func answer() throws -> JSONValue {
        while true {
            let value = try JSONValue(parsing: line())
            if value["id"] != nil { return value }
        }
    }

    /// What was said last before the connection was closed.
    func lastLine() throws -> JSONValue {
        var last: [UInt8] = []
        while let line = try? line() { last = line }
        return try JSONValue(parsing: last)
    }
}
