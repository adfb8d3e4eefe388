import Foundation
import IPC
import Sanitizers
import Testing

@Suite(.serialized) struct SlowReaderTests {
    private static func residentMiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }!
        return Int(line.split(separator: " ").dropFirst().first!)! >> 10
    }

    @Test func whoeverNeverReadsIsClosedAndNobodyElseNotices() async throws {
        let daemon = try TestDaemon()
        let stalled = (0..<40).map { _ in RawSocket(daemon.path) }
        let readers = try (0..<5).map { _ in try daemon.connect() }
        let line = 10_000
        func publish(_ count: Int) throws {
            for _ in 0..<count {
                daemon.emit(padding: line - 100)
                for reader in readers {
                    #expect(try reader.event().seq == daemon.seq)
                }
            }
        }
        // Ten megabytes behind is not yet too far. (What the test daemon stores counts for both measurements.)
        try publish(1000)
        let before = try Self.residentMiB()
        let probe = try daemon.connect()
        try probe.request("tick", timeout: patience)
        for socket in stalled {
            var poll = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            #expect(Glibc.poll(&poll, 1, 0) == 1 && poll.revents & Int16(POLLHUP) == 0)
        }
        try publish(1000)
        // A buffer for each of the 40 would be 400 MB more by now. The ring and the test's own history are some 40, and
        // other tests run beside this one.
        let grown = try Self.residentMiB() - before
        if !Sanitizers.isOn { #expect(grown < 200, "\(grown) MiB more") }
        for socket in stalled {
            var seqs = 0
            let lines = socket.remaining()
            for line in lines.dropFirst().dropLast() {
                seqs += 1
                #expect(line.hasPrefix(#"{"jsonrpc":"2.0","method":"ticket.started","params":{"seq":\#(seqs),"#))
                #expect(line.hasSuffix("}"))
            }
            #expect(seqs < 1700)
            if lines.last?.contains("goodbye") == true {
                #expect(
                    lines.last == #"{"jsonrpc":"2.0","method":"goodbye","params":{"reason":"slow","seq":\#(seqs)}}"#
                )
            }
        }
        for reader in readers { #expect(reader.goodbye == nil) }
    }

    @Test func oneWhoIsSlowAndThenReadsFindsAGoodbyeWithTheNumberToGoOnFrom() throws {
        let daemon = try TestDaemon {
            $0.ringBytes = 1 << 20
            $0.goodbyeMilliseconds = 60_000
        }
        let slow = try daemon.connect()
        let witness = try daemon.connect()
        for _ in 0..<500 {
            daemon.emit(padding: 9000)
            #expect(try witness.event().seq == daemon.seq)
        }
        var last = 0
        for case .notification(let line) in slow.untilClosed() where line.method == "ticket.started" {
            #expect(line.seq == last + 1)
            last = line.seq!
        }
        #expect(slow.goodbye == ["reason": "slow", "seq": JSONValue(last)])
        let again = try daemon.connect()
        try again.subscribe(since: last)
        #expect(try again.seqs(through: 500) == Array((last + 1)...500))
    }

    @Test func aLineLongerThanTheRingReachesThoseWhoComeBack() throws {
        let daemon = try TestDaemon { $0.ringBytes = 64 << 10 }
        let client = try daemon.connect()
        daemon.emit(2)
        daemon.emit(padding: 100_000)
        daemon.emit(1)
        _ = client.untilClosed()
        #expect(client.goodbye == ["reason": "slow", "seq": 2])
        let again = try daemon.connect()
        try again.subscribe(since: 2)
        #expect(try again.seqs(through: 4) == [3, 4])
    }

    /// Lines of every length, so that the ring wraps at every place within a line.
    @Test func linesAcrossTheEndOfTheRingArriveWhole() throws {
        let daemon = try TestDaemon { $0.ringBytes = 4099 }
        let client = try daemon.connect()
        let filtered = try daemon.connect()
        try filtered.subscribe(topics: ["run"])
        for round in 0..<3000 {
            daemon.emit(topic: round % 3 == 0 ? "run" : "ticket", padding: round % 900)
            let event = try client.event()
            #expect(event.seq == round + 1)
            #expect((event.params["padding"]?.stringValue?.utf8.count ?? 0) == round % 900)
            if round % 3 == 0 {
                var seen = try filtered.event()
                while seen.method == "through" { seen = try filtered.event() }
                #expect(seen == event)
            }
        }
    }
}
