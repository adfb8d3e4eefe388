import Core
import Testing

@testable import Daemon

/// Five minutes without a sign of life, and then two more; the clock is driven by hand.
@Suite struct PulseTests {
    private static let minute: Int64 = 60_000
    private static let heartbeat = Heartbeat(timeout: .seconds(300), grace: .seconds(120))
    private static let all: [SignOfLife] = [.output, .cpu, .files]

    /// A run, the clocks, and what is to be seen of it.
    private struct Patient {
        var now = ClockReading(wall: 1_000_000_000, awake: 5_000_000, boot: 5_000_000)
        let start: ClockReading
        var pulse: Pulse
        var outputBytes = 0
        var outputAt: Int64?
        /// In microseconds.
        var cpu: Int64? = 0
        var newestFile: Int64?

        init() {
            start = now
            pulse = Pulse(heartbeat, from: now)
            newestFile = start.wall - minute
        }

        mutating func pass(_ milliseconds: Int64) {
            now.wall += milliseconds
            now.awake += milliseconds
            now.boot += milliseconds
        }

        mutating func sleep(_ milliseconds: Int64) {
            now.wall += milliseconds
            now.boot += milliseconds
        }

        mutating func look() -> Pulse.Finding? {
            let newest = newestFile
            return pulse.look(
                now,
                RunSigns(outputBytes: outputBytes, outputAt: outputAt, cpu: cpu, newestFile: { newest })
            )
        }

        /// Looks when the monitor would, for so long; and what that comes to, with the minutes since the start.
        mutating func live(_ milliseconds: Int64, _ body: (inout Patient) -> Void = { _ in }) -> [String] {
            let end = now.awake + milliseconds
            var found: [String] = []
            while now.awake < end {
                pass(min(end, max(pulse.nextLook, now.awake + 1)) - now.awake)
                body(&self)
                if let finding = look() { found.append("\((now.awake - start.awake) / 1000)s \(finding)") }
            }
            return found
        }

        mutating func print() {
            outputBytes += 10
            outputAt = now.wall
        }

        /// A later daemon goes on, with what has been kept.
        mutating func restart(isStale: Bool) {
            pulse = Pulse(heartbeat, remembering: pulse.memory, isStale: isStale, from: now)
        }
    }

    @Test func aSilentRunIsStaleAfterItsTimeoutAndOverAfterItsGrace() {
        var run = Patient()
        let found = run.live(8 * Self.minute)
        #expect(found.prefix(2) == ["300s quiet(since: 1000000000, lookedAt: \(Self.all), left: 120000)", "420s over"])
        #expect(found.dropFirst(2).allSatisfy { $0.hasSuffix(" over") })
    }

    @Test func anySignOfLifeKeepsItAlive() {
        let signs: [(inout Patient) -> Void] = [
            { $0.print() }, { $0.cpu! += 5_000_000 }, { $0.newestFile = $0.now.wall - 1000 },
        ]
        for sign in signs {
            var run = Patient()
            #expect(run.live(60 * Self.minute, sign) == [])
        }
    }

    @Test func whatOnlyWaitsUsesALittleTimeAndIsQuietAllTheSame() {
        var run = Patient()
        // Five thousandths of the time.
        let found = run.live(5 * Self.minute) { $0.cpu! = ($0.now.awake - $0.start.awake) * 5 }
        #expect(found.count == 1)
    }

    @Test func aStaleRunThatMovesIsAliveAgain() {
        for (sign, move) in [
            (SignOfLife.output, { (run: inout Patient) in run.print() }),
            (.cpu, { $0.cpu! += 60_000_000 }), (.files, { $0.newestFile = $0.now.wall }),
        ] {
            var run = Patient()
            #expect(run.live(6 * Self.minute).count == 1)
            move(&run)
            #expect(run.look() == .stirred(sign))
            #expect(run.live(4 * Self.minute) == [])
            #expect(run.live(2 * Self.minute).count == 1)
        }
    }

    @Test func silenceIsCountedFromWhenItLastPrintedNotFromWhenThatWasSeen() {
        var run = Patient()
        run.pass(10_000)
        run.print()
        #expect(run.live(5 * Self.minute).first?.hasPrefix("310s quiet(since: 1000010000") == true)
    }

    @Test func anHourOfSleepCountsNothing() {
        var run = Patient()
        #expect(run.live(4 * Self.minute) == [])
        run.sleep(60 * Self.minute)
        #expect(run.look() == nil)
        #expect(run.live(Self.minute - 1) == [])
        let found = run.live(1)
        #expect(found.count == 1)
        // By the wall clock it has been silent for an hour and five minutes.
        #expect(found.first?.contains("since: \(run.start.wall),") == true)
    }

    @Test func whatChangedBeforeASleepIsNotOlderForIt() {
        var run = Patient()
        _ = run.live(2 * Self.minute)
        run.newestFile = run.now.wall
        run.sleep(600 * Self.minute)
        #expect(run.live(5 * Self.minute - 1) == [])
        #expect(run.live(1).count == 1)
    }

    @Test func aStaleRunThatSleepsKeepsTheRestOfItsGraceAndTheEndIsToldAnew() {
        var run = Patient()
        _ = run.live(6 * Self.minute)
        run.sleep(60 * Self.minute)
        #expect(run.look() == .quiet(since: run.start.wall, lookedAt: Self.all, left: 60_000))
        #expect(run.look() == nil)
        #expect(run.live(Self.minute).last?.hasSuffix("over") == true)
    }

    @Test(arguments: [-31_536_000_000, -3_600_000, 3_600_000, 31_536_000_000] as [Int64])
    func aClockThatIsSetDoesNothing(_ jump: Int64) {
        var run = Patient()
        #expect(run.live(4 * Self.minute) { $0.print() } == [])
        run.now.wall += jump
        #expect(run.look() == nil)
        // Its patience starts anew, once.
        #expect(run.live(5 * Self.minute - 1) == [])
        let found = run.live(1)
        #expect(found.count == 1)
        #expect(run.live(2 * Self.minute).map { $0.suffix(4) } == ["over"])
        // One that is stale stays so.
        var stale = Patient()
        _ = stale.live(6 * Self.minute)
        stale.now.wall += jump
        #expect(stale.look() == .quiet(since: stale.start.wall + jump, lookedAt: Self.all, left: 60_000))
        #expect(stale.live(Self.minute).map { $0.suffix(4) } == ["over"])
    }

    @Test func aDateInTheFutureIsASignOnlyOnce() {
        var run = Patient()
        run.newestFile = run.now.wall + 600 * Self.minute
        #expect(run.live(10 * Self.minute - 1) == [])
        #expect(run.live(1).count == 1)
    }

    @Test func whereCPUTimeOrFilesCannotBeSeenTheEvidenceDoesNotNameThem() {
        var run = Patient()
        run.cpu = nil
        run.newestFile = nil
        #expect(
            run.live(5 * Self.minute) == [
                "300s quiet(since: 1000000000, lookedAt: \([SignOfLife.output]), left: 120000)"
            ]
        )
    }

    // MARK: a later daemon

    @Test func aLaterDaemonCountsFromTheLastSignNotFromItsOwnStart() {
        var run = Patient()
        _ = run.live(Self.minute) { $0.print() }
        run.pass(3 * Self.minute)
        run.restart(isStale: false)
        #expect(run.look() == nil)
        #expect(run.live(2 * Self.minute - 1) == [])
        #expect(run.live(1).count == 1)
    }

    @Test func whatHappenedWhileThereWasNoDaemonIsSeenByItsDate() {
        var run = Patient()
        run.pass(2 * Self.minute)
        run.print()
        run.pass(2 * Self.minute)
        run.restart(isStale: false)
        #expect(run.look() == nil)
        #expect(run.live(3 * Self.minute - 1) == [])
        #expect(run.live(1).count == 1)
    }

    @Test func oneThatFellSilentWhileThereWasNoDaemonGetsItsWholeGrace() {
        var run = Patient()
        run.pass(60 * Self.minute)
        run.restart(isStale: false)
        #expect(run.look() == .quiet(since: run.start.wall, lookedAt: Self.all, left: 120_000))
    }

    @Test func aStaleRunStaysStaleAndItsGraceGoesOn() {
        var run = Patient()
        #expect(run.live(6 * Self.minute).count == 1)
        run.pass(30_000)
        run.restart(isStale: true)
        #expect(run.look() == nil)
        #expect(run.live(30_000).map { $0.suffix(4) } == ["over"])
    }

    @Test func aStaleRunThatMovedWhileThereWasNoDaemonIsAlive() {
        var run = Patient()
        _ = run.live(6 * Self.minute)
        run.print()
        run.pass(1000)
        run.restart(isStale: true)
        #expect(run.look() == .stirred(.output))
    }

    @Test func whereOrchAndTheNoteDifferTheGraceStartsAnewAndIsTold() {
        // Noted as stale, and the daemon died before it was stored.
        var run = Patient()
        _ = run.live(6 * Self.minute)
        run.restart(isStale: false)
        #expect(run.look() == .quiet(since: run.start.wall, lookedAt: Self.all, left: 120_000))
        // Stored as stale, and the note was lost.
        var other = Patient()
        other.pass(6 * Self.minute)
        other.restart(isStale: true)
        #expect(other.look() == .quiet(since: other.start.wall, lookedAt: Self.all, left: 120_000))
    }

    @Test func aTimeoutThatWasRaisedMeanwhileMakesAStaleRunActive() {
        var run = Patient()
        _ = run.live(6 * Self.minute)
        let longer = Heartbeat(timeout: .seconds(3600), grace: .seconds(120))
        run.pulse = Pulse(longer, remembering: run.pulse.memory, isStale: true, from: run.now)
        #expect(run.look() == .stirred(nil))
    }

    // MARK: looking

    @Test func itIsLookedAtAFewTimesInItsTimeoutAndNeverMoreThanEveryTwentyMilliseconds() {
        var run = Patient()
        var looks = 0
        _ = run.live(5 * Self.minute) { _ in looks += 1 }
        #expect(looks == 4)
        #expect(Pulse(Heartbeat(timeout: .milliseconds(1), grace: .milliseconds(1)), from: run.now).pace == 20)
    }

    @Test func filesAreLookedAtOnlyWhenAllElseIsQuiet() {
        var pulse = Pulse(Self.heartbeat, from: Patient().now)
        var now = Patient().now
        now.wall += 299_999
        now.awake += 299_999
        now.boot += 299_999
        _ = pulse.look(
            now,
            RunSigns(outputBytes: 0, cpu: 0) {
                Issue.record("files were looked at")
                return nil
            }
        )
    }
}
