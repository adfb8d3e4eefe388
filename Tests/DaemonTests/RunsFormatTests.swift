import Core
import Foundation
import Testing

@testable import Daemon

@Suite struct RunsFormatTests {
    static let started = Instant(milliseconds: 1_000_000)

    @Test(arguments: [
        (RunEnd.Reason.exited(1), 12_350, "exit 1 after 12.4 s"),
        (.exited(0), 0, "exit 0 after 0.0 s"),
        (.signalled(9), 61_000, "ended by SIGKILL after 1 min 1 s"),
        (.signalled(35), 100, "ended by signal 35 after 0.1 s"),
        (.stopped, 7_380_000, "stopped after 2 h 3 min"),
        (.timedOut, 600_000, "timed out after 10 min 0 s"),
        (.notStarted("no such file"), 0, "not started: no such file"),
        (.lost("its orch-runner had died"), 0, "lost: its orch-runner had died"),
        (.exited(2), -5, "exit 2 after 0.0 s"),
    ])
    func anEndIsOneLineForAPerson(_ reason: RunEnd.Reason, _ milliseconds: Int64, _ text: String) {
        let ended = Instant(milliseconds: Self.started.milliseconds + milliseconds)
        #expect(RunEnd(reason: reason, started: Self.started, ended: ended).summary == text)
    }

    @Test(arguments: [
        RunEnd.Reason.exited(255), .signalled(11), .stopped, .timedOut, .notStarted("a \"b\" \u{1}"), .lost("gone"),
    ])
    func anEndSurvivesItsCoding(_ reason: RunEnd.Reason) throws {
        let end = RunEnd(
            reason: reason,
            started: Self.started,
            ended: Self.started + .seconds(3),
            cpu: .microseconds(1_234_567),
            maxRSS: 4321,
            stdoutBytes: 1,
            stderrBytes: 2,
            outputCut: true,
            killedAfterExit: 3
        )
        #expect(try JSONDecoder().decode(RunEnd.self, from: JSONEncoder().encode(end)) == end)
    }

    @Test func anEndIsReadFromWhatTheRunnerWrites() throws {
        let line = """
            {"reason":"stopped","exit":null,"signal":9,"started_ms":5,"ended_ms":7,"max_rss_kib":10,"cpu_us":11,\
            "stdout_bytes":12,"stderr_bytes":13,"output_cut":false,"killed_after_exit":1}
            """
        let end = RunEnd(
            reason: .stopped,
            started: Instant(milliseconds: 5),
            ended: Instant(milliseconds: 7),
            cpu: .microseconds(11),
            maxRSS: 10,
            stdoutBytes: 12,
            stderrBytes: 13,
            killedAfterExit: 1
        )
        #expect(try JSONDecoder().decode(RunEnd.self, from: Data(line.utf8)) == end)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(RunEnd.self, from: Data(line.replacing("stopped", with: "paused").utf8))
        }
    }

    @Test(arguments: [
        ("T-7", "T-7.2"), ("a/b", "a%2Fb.2"), ("..", "%2E..2"), ("\u{E9} x", "%C3%A9%20x.2"), ("%2F", "%252F.2"),
        ("\n", "%0A.2"),
    ])
    func aFolderIsNamedAfterItsRun(_ ticket: String, _ name: String) {
        #expect(RunID(ticket: TicketID(ticket), number: 2).folderName == name)
    }

    @Test func aSpecIsPairsEndedByNULs() throws {
        let command = RunCommand(
            id: RunID(ticket: TicketID("T-1"), number: 1),
            arguments: ["sh", ""],
            environment: ["B": "2", "A": "1"],
            directory: "/d",
            standardInput: .file("/p"),
            timeLimit: .microseconds(1500),
            grace: .seconds(-1),
            outputCap: 7
        )
        let bytes = try command.spec(folder: RunFolder(path: "/r"), boot: "b")
        #expect(
            bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) } == [
                "version", "1", "boot", "b", "run", "T-1.1", "argument", "sh", "argument", "", "environment", "A=1",
                "environment",
                "B=2", "environment", "ORCH_RUN=T-1.1", "environment", "ORCH_RUN_FOLDER=/r", "marker",
                "ORCH_RUN_FOLDER=/r", "directory", "/d", "stdin", "/p", "time_limit_ms", "2", "grace_ms", "0",
                "output_cap", "7", "oom_score", "500", "end", "", "",
            ]
        )
    }

    @Test(arguments: [
        "", "pid 4\nstart 5\n", "pid x\nstart 5\nboot b\n", "pid 0\nstart 5\nboot b\n", "pid 4 start 5 boot b",
    ])
    func aBrokenIdentityIsNone(_ text: String) {
        #expect(ProcessIdentity(bytes: Array(text.utf8)) == nil)
    }
}
