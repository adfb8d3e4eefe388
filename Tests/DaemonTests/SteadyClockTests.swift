import Core
import Foundation
import IPC
import Synchronization
import Testing

@testable import Daemon

/// A hand that turns the wall clock and lets time pass.
final class ClockByHand: Sendable {
    private let content: Mutex<(wall: Int64, steady: Int64)>
    init(_ start: Int64 = 1_800_000_000_000) { content = Mutex((start, 5000)) }

    /// Time passes, as everybody sees.
    func pass(_ milliseconds: Int64) {
        content.withLock {
            $0.wall += milliseconds
            $0.steady += milliseconds
        }
    }
    /// Somebody sets the wall clock.
    func set(by milliseconds: Int64) { content.withLock { $0.wall += milliseconds } }

    var sources: SteadyClock.Sources {
        SteadyClock.Sources(
            wall: { Instant(milliseconds: self.content.withLock(\.wall)) },
            steady: { self.content.withLock(\.steady) }
        )
    }
}

@Suite struct SteadyClockTests {
    static let year: Int64 = 365 * 86_400_000

    @Test func itGoesOnAtThePaceOfTimeWhileTheWallClockIsBehind() {
        let hand = ClockByHand()
        var clock = SteadyClock(hand.sources)
        let start = clock.now().time
        hand.set(by: -Self.year)
        #expect(clock.now() == (start, nil))
        hand.pass(1000)
        #expect(clock.now() == (start + .seconds(1), nil))
        // Set right again: nothing has jumped.
        hand.set(by: Self.year)
        #expect(clock.now() == (start + .seconds(1), nil))
    }

    @Test func itFollowsTheWallClockForwardAndSaysByHowMuch() {
        let hand = ClockByHand()
        var clock = SteadyClock(hand.sources)
        let start = clock.now().time
        hand.pass(500)
        hand.set(by: Self.year)
        #expect(clock.now() == (start + .milliseconds(500 + Self.year), .milliseconds(Self.year)))
        hand.pass(10)
        // Asking how long something takes keeps no jump from being told.
        hand.set(by: 5000)
        #expect(clock.untilReal(start + .milliseconds(Self.year + 1510)) == .seconds(1))
        #expect(clock.now().jump == .seconds(5))
        hand.set(by: -5000)
        #expect(clock.now() == (start + .milliseconds(5510 + Self.year), nil))
        // What a network's time server corrects is no jump.
        hand.set(by: 900)
        #expect(clock.now().jump == nil)
    }

    @Test func itBeginsNoEarlierThanWhatIsStored() {
        let hand = ClockByHand()
        let last = hand.sources.wall() + .seconds(3600)
        var clock = SteadyClock(after: last, hand.sources)
        hand.pass(1000)
        #expect(clock.now() == (last + .seconds(1), nil))
    }

    /// The daemon with its clock turned back by a year, then forward by ten, then started again with it turned back.
    @Test func eventsKeepTheirOrderInTimeWhateverTheClockDoes() throws {
        let folder = try StateFolder()
        let hand = ClockByHand()
        let running = try folder.engine(clock: hand.sources)
        try running.register()
        var number = 0
        func enqueue(_ running: EngineAtWork) throws {
            number += 1
            hand.pass(100)
            _ = try running.enqueue("T-\(number)").get()
        }
        try enqueue(running)
        hand.set(by: -Self.year)
        try enqueue(running)
        hand.set(by: 10 * Self.year)
        try enqueue(running)
        try running.stop()
        hand.set(by: -9 * Self.year)
        let again = try folder.engine(clock: hand.sources)
        try enqueue(again)
        let lines = try again.store.events(after: 0, limit: 100)
        let times = try lines.map { line in
            try #require(try JSONValue(parsing: line.bytes)["params"]?["time"]?.stringValue.flatMap(Timestamp.instant))
        }
        #expect(times.count >= 8 && times == times.sorted(), "\(times)")
        let view = try again.look()
        let newest = try #require(times.max())
        for ticket in view.core.tickets.values {
            #expect(ticket.created <= ticket.since && ticket.since <= newest, "\(ticket.id)")
        }
        try again.stop()
    }

    @Test func whatIsReadBackIsWhatWasWritten() {
        for milliseconds: Int64 in [0, 951_782_399_999, 1_709_164_800_000, 1_795_211_569_120, 4_102_444_800_001] {
            let instant = Instant(milliseconds: milliseconds)
            #expect(Timestamp.instant(Timestamp.text(instant)) == instant)
        }
        #expect(Timestamp.instant("yesterday") == nil)
    }
}
