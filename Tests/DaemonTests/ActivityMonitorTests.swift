import CSystem
import Core
import Foundation
import Synchronization
import Testing

@testable import Daemon

/// The monitor with a clock driven by hand; its timer never comes to anything by itself.
@Suite struct ActivityMonitorTests {
    private static let run = RunID(ticket: TicketID("T-1"), number: 1)
    private static let heartbeat = Heartbeat(timeout: .seconds(300), grace: .seconds(120))
    private static let start = RunClock.reading()

    private final class Bench: Sendable {
        let clock = Mutex(start)
        let reports = Mutex<[Input]>([])

        func monitor() -> ActivityMonitor {
            ActivityMonitor(
                clocks: { self.clock.withLock { $0 } },
                report: { input in
                    self.reports.withLock { $0.append(input) }
                }
            )
        }

        func pass(_ seconds: Int64, _ monitor: ActivityMonitor) -> [Input] {
            clock.withLock { clock in
                clock.wall += seconds * 1000
                clock.awake += seconds * 1000
                clock.boot += seconds * 1000
            }
            monitor.look()
            return reports.withLock { reports in
                defer { reports = [] }
                return reports
            }
        }
    }

    private func withEvidence(_ body: (RunEvidence) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "orch-monitor-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(RunEvidence(folder: RunFolder(path: folder), worktree: "/nonexistent"))
    }

    private func quiet(grace: Int) -> Input {
        .runWentQuiet(
            Self.run,
            since: Instant(milliseconds: Self.start.wall),
            lookedAt: [.output],
            grace: .seconds(grace)
        )
    }

    @Test func aSilentRunIsReportedOnceThenThatItStayedSo() throws {
        try withEvidence { evidence in
            let bench = Bench()
            let monitor = bench.monitor()
            monitor.watch(Self.run, Self.heartbeat, evidence, isStale: false)
            #expect(bench.pass(75, monitor) == [])
            #expect(bench.pass(225, monitor) == [quiet(grace: 120)])
            #expect(bench.pass(60, monitor) == [])
            #expect(bench.pass(60, monitor) == [.runStayedQuiet(Self.run)])
            monitor.forget(Self.run)
            #expect(bench.pass(60, monitor) == [])
        }
    }

    @Test func aLaterMonitorGoesOnFromWhatIsInTheRunsFolder() throws {
        try withEvidence { evidence in
            let bench = Bench()
            let first = bench.monitor()
            first.watch(Self.run, Self.heartbeat, evidence, isStale: false)
            #expect(bench.pass(200, first) == [])
            first.stop()
            let second = bench.monitor()
            second.watch(Self.run, Self.heartbeat, evidence, isStale: false)
            #expect(bench.pass(100, second) == [quiet(grace: 120)])
            second.stop()
            let third = bench.monitor()
            third.watch(Self.run, Self.heartbeat, evidence, isStale: true)
            #expect(bench.pass(100, third) == [])
            #expect(bench.pass(20, third) == [.runStayedQuiet(Self.run)])
        }
    }

    /// The clock that only grows starts anew with the machine.
    @Test func whatWasNotedBeforeTheMachineWasRestartedIsNotBelieved() throws {
        try withEvidence { evidence in
            let bench = Bench()
            let first = bench.monitor()
            first.watch(Self.run, Self.heartbeat, evidence, isStale: false)
            #expect(bench.pass(200, first) == [])
            first.stop()
            bench.clock.withLock { $0.awake = 1000 }
            let second = bench.monitor()
            second.watch(Self.run, Self.heartbeat, evidence, isStale: false)
            #expect(bench.pass(100, second) == [])
        }
    }

    @Test func locksExpireWhenItsSilenceWouldEndIt() throws {
        try withEvidence { evidence in
            let bench = Bench()
            let monitor = bench.monitor()
            #expect(monitor.expiry(of: Self.run) == nil)
            monitor.watch(Self.run, Self.heartbeat, evidence, isStale: false)
            #expect(bench.pass(100, monitor) == [])
            #expect(monitor.expiry(of: Self.run) == Instant(milliseconds: Self.start.wall + 420_000))
            let wall = bench.clock.withLock { $0.wall }
            try Data("x".utf8).write(to: URL(filePath: evidence.folder.file("stdout")))
            let times = [timeval(tv_sec: Int(wall / 1000), tv_usec: Int(wall % 1000) * 1000)]
            utimes(evidence.folder.file("stdout"), times + times)
            #expect(bench.pass(50, monitor) == [])
            #expect(monitor.expiry(of: Self.run) == Instant(milliseconds: wall + 420_000))
            monitor.forget(Self.run)
            monitor.look()
            #expect(monitor.expiry(of: Self.run) == nil)
        }
    }
}
