import Foundation
import IPC
import Testing

@Suite struct SubscriptionTests {
    @Test func aReplayIsFollowedByWhatHappensWithoutGapOrDuplicate() throws {
        let daemon = try TestDaemon(stored: 1000) { $0.pageLines = 64 }
        for since in [0, 1, 63, 64, 65, 500, 999, 1000] {
            let client = try daemon.connect()
            let before = daemon.seq
            #expect(try client.subscribe(since: since) == before)
            daemon.emit(3)
            #expect(try client.seqs(through: before + 3) == Array((since + 1)...(before + 3)))
        }
    }

    /// Many subscribers begin anywhere, at any time, while events are published as fast as they can be, with a ring
    /// so small that most must change between history and ring more than once.
    @Test(arguments: [32 << 10, 256 << 10, 16 << 20])
    func everySubscriberSeesEveryEventOnceHoweverItBegins(_ ringBytes: Int) async throws {
        let daemon = try TestDaemon(stored: 500) {
            $0.ringBytes = ringBytes
            $0.pageLines = 100
            // However slow the machine, every reader reads why it was closed.
            $0.goodbyeMilliseconds = 600_000
        }
        let last = 6500
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await onThread {
                    var random = SplitMix(state: 7)
                    let pacer = try daemon.connect()
                    var published = 500
                    while published < last {
                        let count = min(Int.random(in: 1...40, using: &random), last - published)
                        daemon.emit(count)
                        published += count
                        // Now and then let the readers come near, so that hand-overs happen at the edge too.
                        if Int.random(in: 0..<4, using: &random) == 0 { try pacer.request("echo", timeout: patience) }
                        _ = try? pacer.receive()
                    }
                }
            }
            for number in 0..<24 {
                group.addTask {
                    try await onThread {
                        var random = SplitMix(state: UInt64(number))
                        var seen = Int.random(in: 0...500, using: &random)
                        // A reader closed for being slow goes on where it was told to, as a real one would.
                        while seen < last {
                            let client = try daemon.connect()
                            do {
                                try client.subscribe(since: seen)
                                while seen < last {
                                    let event = try client.event()
                                    guard event.method == "ticket.started", let seq = event.seq else { continue }
                                    // What the standard subscription brought before ours began is skipped.
                                    if seq != seen + 1 { try #require(seq == seen + 1) }
                                    seen = seq
                                }
                            } catch let error as RPCError where error.code == .disconnected {
                                #expect(client.goodbye?["reason"] == "slow")
                                #expect(try #require(client.goodbye?["seq"]?.intValue) >= seen)
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(daemon.seq == last)
    }

    @Test func whatTheHistoryHasAheadOfTheRingIsNotSentTwice() throws {
        let daemon = try TestDaemon(stored: 10)
        let early = daemon.storeOnly()
        let client = try daemon.connect()
        #expect(client.hello.seq == 10)
        #expect(try client.subscribe(since: 0) == 10)
        #expect(try client.seqs(through: 10) == Array(1...10))
        daemon.server.publish([early])
        daemon.emit()
        #expect(try client.seqs(through: 12) == [11, 12])
    }

    @Test func anAnswerDoesNotOvertakeAReplay() throws {
        let daemon = try TestDaemon(stored: 3000) { $0.pageLines = 100 }
        let raw = RawSocket(daemon.path)
        _ = raw.line()
        raw.write(
            #"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":0}}"# + "\n"
                + #"{"jsonrpc":"2.0","id":2,"method":"tick"}"# + "\n"
        )
        #expect(raw.line() == #"{"jsonrpc":"2.0","id":1,"result":{"seq":3000}}"#)
        for seq in 1...3000 { #expect(raw.line()?.contains("\"seq\":\(seq),") == true) }
        #expect(raw.line() == #"{"jsonrpc":"2.0","id":2,"result":{"seq":3000}}"#)
    }

    @Test func aReplayIsReadOnlyAsFastAsItIsTaken() throws {
        let daemon = try TestDaemon(stored: 100_000) { $0.pageLines = 100 }
        let raw = RawSocket(daemon.path)
        raw.write(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":0}}"# + "\n")
        let other = try daemon.connect()
        while daemon.pagesRead < 2 { try other.request("tick", timeout: patience) }
        for _ in 0..<2000 { try other.request("tick", timeout: patience) }
        #expect(daemon.pagesRead < 200, "1000 pages, and nobody reads")
        let lines = (0..<100_002).map { _ in raw.line() }
        #expect(lines.last??.contains("\"seq\":100000,") == true)
    }

    @Test func whatIsGoneOrUnknownOrUnreadableIsSaidAndTheSubscriptionStaysAsItWas() throws {
        let daemon = try TestDaemon(stored: 100)
        daemon.prune(before: 50)
        let client = try daemon.connect()
        func code(_ since: Int) -> ErrorCode? {
            do {
                try client.subscribe(since: since)
                return nil
            } catch { return error.code }
        }
        #expect(code(10) == .gone)
        #expect(code(101) == .gone)
        daemon.failHistory("disk I/O error")
        #expect(code(60) == .internal)
        daemon.emit()
        #expect(try client.event().seq == 101)
    }

    @Test func aHistoryThatFailsDuringAReplayEndsItWithTheNumberReached() throws {
        let daemon = try TestDaemon(stored: 1000) { $0.pageLines = 100 }
        let raw = RawSocket(daemon.path)
        raw.write(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":0}}"# + "\n")
        // One page at a time: the first is here when the response is.
        _ = (raw.line(), raw.line())
        daemon.failHistory("disk I/O error")
        let lines = raw.remaining()
        let events = lines.dropLast().filter { $0.contains("ticket.started") }.count
        #expect(lines.last == #"{"jsonrpc":"2.0","method":"goodbye","params":{"reason":"internal","seq":\#(events)}}"#)
    }

    @Test func outputIsOnlyForThoseWhoAskAndOtherEphemeralLinesAreForAll() throws {
        let daemon = try TestDaemon()
        let standard = try daemon.connect()
        let curious = try daemon.connect()
        try curious.subscribe(topics: ["output", "ticket"])
        for round in 1...3 {
            daemon.emitEphemeral(
                "output",
                ["run": "T-7.1", "stream": "stdout", "size": JSONValue(round)],
                ticket: "T-7"
            )
            daemon.emitEphemeral("ticket.waiting", ["waiting": ["T-9": "waits for lock src/** of T-7"]])
            daemon.emit()
        }
        for _ in 1...3 {
            #expect(try standard.event().method == "ticket.waiting")
            #expect(try standard.event().method == "ticket.started")
            #expect(try curious.event().method == "output")
            #expect(try curious.event().method == "ticket.waiting")
            #expect(try curious.event().method == "ticket.started")
        }
    }

    @Test func aFilterTakesWholeWordsOfTopicsAndNamedTickets() throws {
        let daemon = try TestDaemon()
        let client = try daemon.connect()
        try client.subscribe(topics: ["ticket.started", "run"], tickets: ["T-1", "T-2"])
        daemon.emit(topic: "ticket.started", ticket: "T-1")
        daemon.emit(topic: "ticket.started_again", ticket: "T-1")
        daemon.emit(topic: "ticket.started", ticket: "T-3")
        daemon.emit(topic: "running", ticket: "T-1")
        daemon.emit(topic: "run.ended", ticket: "T-2")
        daemon.emit(topic: "run", ticket: "T-1")
        daemon.emit(topic: "run", ticket: nil)
        daemon.emit(topic: "run.ended.late", ticket: "T-1")
        #expect(try client.seqs(through: 8) == [1, 5, 6, 8])
    }

    @Test func marksSayWhatAFilteredSubscriberHasNotMissed() throws {
        let daemon = try TestDaemon { $0.markMilliseconds = 100 }
        let client = try daemon.connect()
        try client.subscribe(topics: ["run"])
        daemon.emit(50)
        // The first comes at once, the rest at most ten a second, the last when all is quiet.
        var marks = [try client.event()]
        #expect(marks[0].method == "through")
        daemon.emit(topic: "run.started")
        let started = Date()
        while Date().timeIntervalSince(started) < 0.5 {
            daemon.emit(5)
            _ = try daemon.connect()
        }
        let last = daemon.seq
        while marks.last?.seq != last { marks.append(try client.event()) }
        #expect(marks.map { $0.seq! } == marks.map { $0.seq! }.sorted())
        let count = marks.count { $0.method == "through" }
        #expect(count <= 12, "\(count) marks in about half a second")
        #expect(try client.next(timeout: .milliseconds(300)) == nil)
    }

    @Test func aFilteredReplayEndsWithAMark() throws {
        let daemon = try TestDaemon(stored: 1000) { $0.pageLines = 100 }
        let client = try daemon.connect()
        try client.subscribe(since: 0, topics: ["nothing"])
        var last = try client.event()
        while last.seq != 1000 {
            #expect(last.method == "through")
            last = try client.event()
        }
        daemon.emit(topic: "nothing.happened")
        #expect(try client.event() == IPC.Notification("nothing.happened", ["seq": 1001, "ticket": "T-7"]))
    }

    @Test func aNewSubscriptionHoldsFromItsResponseOn() throws {
        let daemon = try TestDaemon()
        let client = try daemon.connect()
        daemon.emit(3)
        #expect(try client.subscribe(topics: ["run"]) == 3)
        daemon.emit(topic: "run.started")
        #expect(try client.seqs(through: 4) == [1, 2, 3, 4])
        #expect(try client.subscribe() == 4)
        daemon.emit(2)
        #expect(try client.seqs(through: 6) == [5, 6])
        #expect(try client.subscribe(since: 2) == 6)
        #expect(try client.seqs(through: 6) == [3, 4, 5, 6])
    }
}
