import Testing

@testable import IPC
@testable import TUI

/// How verifiers judged a ticket, on a tab.
struct ChecksTests {
    /// T-3 waits for a person: its verifier has failed. What it printed is `outputs`, by run and stream.
    struct Checks {
        var story: Story
        var runs: [RunRow]
        var outputs: [String: String]
        var asked: [DaemonRequest] = []

        init(_ runs: [RunRow], _ outputs: [String: String] = [:], columns: Int = 80, rows: Int = 24) {
            story = Story.aDay(columns: columns, rows: rows)
            self.runs = runs
            self.outputs = outputs
            press("g Enter")
        }

        mutating func press(_ keys: String) {
            for key in keys.split(separator: " ") {
                story.press(String(key))
                answer()
            }
        }

        mutating func happens(_ input: Input) {
            story.happens(input)
            answer()
        }

        mutating func answer() {
            let (runs, outputs) = (runs, outputs)
            var asked: [DaemonRequest] = []
            story.answer { request in
                asked.append(request)
                switch request {
                case .checks: return .result(["runs": .array(runs.map { json($0) })])
                case .readOutput(let run, let stream, let offset, let length):
                    let bytes = Array((outputs["\(run) \(stream)"] ?? "").utf8)
                    let end = min(offset + length, bytes.count)
                    return .output(Array(bytes[min(offset, end)..<end]), offset: min(offset, end), size: bytes.count)
                default: return nil
                }
            }
            self.asked += asked
        }

        /// The ticket has come further.
        mutating func moveOn(_ reason: String) {
            let row = ticket("T-3", "Migrate the database to WAL", "needs_human_review", minutes: 44) {
                $0.stage = "verify"
                $0.run = runs.last?.id
                $0.reason = reason
            }
            happens(.changed(tickets: ["T-3": row], agents: [:]))
        }
    }

    static func run(
        _ number: Int,
        _ name: String,
        _ state: String,
        outcome: String? = nil,
        from start: Int64 = 9,
        seconds: Int64? = nil,
        tree: String = "8970575d1f"
    ) -> RunRow {
        var row = RunRow(id: "T-3.\(number)", ticket: "T-3", number: number, stage: "verify", name: name, state: state)
        row.outcome = outcome
        row.started = ago(start)
        row.ended = seconds.map { moment(Moment(ago(start))!.milliseconds / 1000 + $0) }
        row.tree = tree
        row.commit = "1f0c2ab345"
        return row
    }

    /// Of the day of the story.
    private static func moment(_ seconds: Int64) -> String {
        let ofDay = seconds % 86400
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "2026-11-20T\(two(ofDay / 3600)):\(two(ofDay / 60 % 60)):\(two(ofDay % 60)).400Z"
    }

    /// Two trials: one that timed out, and after the agent has worked again, one that failed.
    static let runs: [RunRow] = {
        var reused = run(2, "smoke 煙", "passed", outcome: "exit 0", from: 300, seconds: 2, tree: "44aa55bb66")
        reused.id = "T-1.2"
        reused.ticket = "T-1"
        reused.reused = true
        return [
            run(2, "lint", "passed", outcome: "exit 0", from: 90, seconds: 1, tree: "5b1e77aa00"),
            run(3, "test", "timed_out", outcome: "ended after 600 s", from: 89, seconds: 600, tree: "5b1e77aa00"),
            run(5, "lint", "passed", outcome: "exit 0", seconds: 0),
            run(6, "単体テスト", "failed", outcome: "exit 1: \u{1B}[31m日本語\u{7} and more", seconds: 192),
            run(7, "smoke 煙", "running", from: 1),
        ]
    }()

    static let failing =
        (0..<300).map { "case \($0): ok, 問題なし \u{1B}[32m✓\u{1B}[0m\n" }.joined()
        + "✘ Test adds() recorded an issue: \u{202E}expected 3 but found 4\n"
        + (0..<40).map { "case \($0 + 301): skipped\n" }.joined() + "error: 1 of 341 cases did not pass\n"

    // MARK: Pictures

    @Test(arguments: Story.sizes) func checksAreShownAtEverySize(_ size: Size) {
        var checks = Checks(Self.runs, columns: size.columns, rows: size.rows)
        checks.story.shows("checks")
        checks.outputs = ["T-3.6 stdout": Self.failing, "T-3.6 stderr": "\ta warning\n"]
        checks.press("Enter")
        checks.story.shows("checks-output")
    }

    @Test(arguments: [Size(columns: 120, rows: 40), Size(columns: 200, rows: 50)])
    func checksAreShownBelowTheLists(_ size: Size) {
        var checks = Checks(Self.runs, columns: size.columns, rows: size.rows)
        checks.press("Esc")
        checks.story.shows("checks-pane")
    }

    @Test func withoutUnicodeChecksAreDrawnInASCII() {
        var story = Story.aDay(glyphs: .ascii)
        story.press("g Enter")
        story.answer { _ in
            .result(["runs": .array([json(Self.run(2, "test", "failed", outcome: "exit 1", seconds: 3))])])
        }
        #expect(story.row(2).hasPrefix(" ! failed    test    3.4s exit 1"))
        #expect(story.picture.unicodeScalars.allSatisfy { $0.isASCII })
    }

    // MARK: The list

    @Test func theNewestTrialIsOnTopAndWhatFailedIsSelected() {
        let checks = Checks(Self.runs)
        #expect(checks.asked == [.checks(ticket: "T-3")])
        let rows = checks.story.rows(1...8).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(rows[0].hasPrefix(" newest trial · commit 1f0c2ab345 · tree 8970575d1f"))
        #expect(rows[3].hasPrefix(" ● running   smoke 煙"))
        #expect(rows[3].hasSuffix("      1m"))
        #expect(rows[5].hasPrefix(" earlier"))
        #expect(rows[7].contains(" 10m 0s ended after 600 s"))
        let styles = (1...8).map { Array(view(checks.story.model).row($0))[1].style }
        #expect(styles[1].role == .done && styles[2] == .failed.selected && styles[7].role == .dim)
    }

    @Test func theCursorStaysOnItsRunAndInSight() {
        var checks = Checks(Self.runs, columns: 40, rows: 10)
        checks.press("G")
        #expect(checks.story.row(7).contains("timed out"))
        checks.runs.append(Self.run(9, "lint", "running", from: 0, tree: "77cc"))
        checks.moveOn("verifying again")
        #expect(checks.story.row(7).contains("timed out"))
        checks.press("g")
        #expect(checks.story.row(1).hasPrefix(" newest trial"))
        #expect(checks.story.row(2).contains("running   lint"))
    }

    @Test func runsAreGroupedByTrials() {
        var reused = Self.run(2, "test", "passed", tree: "bb")
        reused.reused = true
        let runs = [
            Self.run(2, "setup", "passed", tree: "aa"), Self.run(3, "test", "failed", tree: "aa"),
            // The same tree again.
            Self.run(4, "setup", "passed", tree: "aa"), Self.run(5, "test", "passed", tree: "aa"),
            // The agent had a run.
            Self.run(7, "smoke", "passed", tree: "aa"), Self.run(8, "test", "passed", tree: "bb"), reused,
        ]
        let groups = Trial.trials(of: runs).map { $0.runs.map(\.number) }
        #expect(groups == [[2], [8], [7], [4, 5], [2, 3]])
        #expect(Trial.trials(of: runs)[0].isReused)
    }

    @Test func howLongOneRunsIsToldFromItsBeginning() {
        var begun = Self.run(8, "test", "starting")
        begun.started = nil
        #expect(Trial.trials(of: [Self.run(7, "lint", "passed", seconds: 5), begun])[0].runs[1].started != nil)
        var checks = Checks([begun])
        #expect(checks.story.row(2) == " ● running   test")
        #expect(checks.story.model.watchedTicket == "T-3")
        checks.runs = [Self.run(8, "test", "running", from: 2)]
        checks.happens(.outputGrew(run: "T-3.8", stream: "stdout", size: 1))
        #expect(checks.story.row(2) == " ● running   test      2m")
        // Once is enough.
        checks.asked = []
        checks.happens(.outputGrew(run: "T-3.8", stream: "stdout", size: 2))
        #expect(checks.asked.isEmpty)
    }

    @Test func whatIsReusedSaysSo() {
        var reused = Self.run(2, "test", "passed", outcome: "exit 0", seconds: 2)
        (reused.id, reused.ticket, reused.reused) = ("T-1.2", "T-1", true)
        let checks = Checks([reused], columns: 100)
        #expect(checks.story.row(1).hasPrefix(" passed before, reused · commit 1f0c2ab345"))
        #expect(checks.story.row(2).hasPrefix(" ✓ passed    test    2.4s exit 0, reused from 1f0c2ab345 of T-1"))
    }

    @Test func withoutChecksASentenceSaysWhatThatMeans() {
        let checks = Checks([])
        #expect(checks.story.row(1) == " no verifier has judged T-3")
        var story = Story.aDay()
        story.press("j j j j 7")
        story.answer { _ in .result(["runs": []]) }
        #expect(story.row(1).hasPrefix(" no verifier has judged T-4 yet: they run on what its agent leaves"))
        story.press("Enter")
        #expect(story.row(22) == " no verifier has run yet")
    }

    @Test func aRefusalIsShownAndTheConnectionsReturnTriesAgain() {
        var story = Story.aDay()
        story.press("g Enter")
        story.answer { _ in .failure(.init(message: "no ticket T-3", hint: nil)) }
        #expect(story.row(1) == " the checks cannot be read: no ticket T-3")
        story.happens(.connectionLost(reason: "gone"))
        story.happens(.connectionRegained)
        #expect(story.taken().map { if case .send(_, .checks) = $0 { true } else { false } } == [true])
    }

    // MARK: Output

    @Test func aFailedOneOpensAtWhatItFailedBy() {
        var checks = Checks(Self.runs, ["T-3.6 stdout": Self.failing])
        checks.press("Enter")
        #expect(checks.story.row(0).contains("failing line 1/2 · 単体テスト stdout"))
        #expect(checks.story.row(4) == " ✘ Test adds() recorded an issue: expected 3 but found 4")
        #expect(checks.story.row(3).hasPrefix(" case 299: ok"))
        #expect(Array(view(checks.story.model).row(4))[1].style == .match.selected)
        #expect(checks.story.statusBar.contains("n next failing line"))
        checks.press("n")
        #expect(checks.story.row(0).contains("failing line 2/2"))
        #expect(checks.story.picture.contains("\n error: 1 of 341 cases did not pass\n"))
        checks.press("n")
        #expect(checks.story.row(22) == " this is the last failing line")
        checks.press("N")
        #expect(checks.story.row(4).hasPrefix(" ✘ Test adds()"))
        checks.press("N")
        #expect(checks.story.row(22) == " this is the first failing line")
        // Back to the list, and out of it.
        checks.press("Esc")
        #expect(checks.story.row(1).hasPrefix(" newest trial"))
        checks.press("Esc")
        #expect(checks.story.model.keyContext == .lists)
    }

    @Test func whatFailedOnStandardErrorIsFoundThere() {
        var checks = Checks(Self.runs, ["T-3.6 stdout": "fine\n", "T-3.6 stderr": "a\nfatal: no\n"])
        checks.press("Enter")
        #expect(checks.story.row(0).contains("failing line 1/1 · 単体テスト stderr"))
        #expect(checks.story.rows(1...2) == " a\n fatal: no")
        #expect(checks.story.statusBar.contains("Enter standard output"))
        checks.press("Enter")
        #expect(checks.story.row(1) == " fine")
        checks.press("n")
        #expect(checks.story.row(22) == " this is the last failing line")
    }

    @Test func oneThatPassedOpensAtItsEnd() {
        var checks = Checks(
            Self.runs,
            ["T-3.5 stdout": "error: bad\n" + String(repeating: "line\n", count: 90) + "end\n"]
        )
        checks.press("k Enter")
        #expect(checks.story.row(0).contains("lint stdout end"))
        #expect(checks.story.row(21) == " end")
        checks.press("Enter")
        #expect(checks.story.row(22) == " it printed nothing to standard error")
        checks.press("n")
        #expect(checks.story.row(0).contains("failing line 1/1"))
    }

    @Test func oneUnderWayIsFollowedAndGoesToItsFailureWhenItFails() {
        var checks = Checks(Self.runs, ["T-3.7 stdout": "begun\n"])
        checks.press("j Enter")
        #expect(checks.story.row(0).contains("smoke 煙 stdout following"))
        #expect(checks.story.model.watchedTicket == "T-3")
        checks.press("n")
        #expect(checks.story.row(22) == " failing lines are looked for when it has ended")
        checks.outputs["T-3.7 stdout"]! += "more\nerror: no\n" + String(repeating: "after\n", count: 90)
        checks.happens(.outputGrew(run: "T-3.7", stream: "stdout", size: checks.outputs["T-3.7 stdout"]!.utf8.count))
        #expect(checks.story.row(21) == " after")
        checks.runs[4] = Self.run(7, "smoke 煙", "failed", outcome: "exit 1", from: 1, seconds: 20)
        checks.moveOn("verifier smoke failed")
        #expect(checks.story.row(0).contains("failing line 1/1"))
        #expect(checks.story.row(3) == " error: no")
        #expect(checks.story.model.watchedTicket == nil)
        #expect(checks.asked.count { $0 == .checks(ticket: "T-3") } == 2)
    }

    @Test func aFailureFarFromTheEndIsGoneTo() {
        let long = String(repeating: "a line that says nothing at all\n", count: 20_000)
        var checks = Checks(Self.runs, ["T-3.6 stdout": long + "error: here\n" + long])
        checks.press("Enter")
        #expect(checks.story.row(4) == " error: here")
        checks.press("j k")
        #expect(checks.story.row(4) == " error: here")
        checks.press("PgUp PgDn")
        #expect(checks.story.row(4) == " error: here")
        checks.press("G")
        #expect(checks.story.row(21) == " a line that says nothing at all")
        checks.press("g n")
        #expect(checks.story.row(22) == " this is the last failing line")
    }

    @Test func whatOneComesForIsOpenedFirst() {
        func tab(_ state: String, _ stage: String?, run: String? = "T-1.1") -> Tab {
            Tab.best(for: ticket("T-1", "A title", state) { ($0.stage, $0.run) = (stage, run) })
        }
        #expect(tab("awaiting_approval", "approve") == .diff)
        #expect(tab("needs_human_review", "verify") == .checks)
        #expect(tab("needs_human_review", "work") == .transcript)
        #expect(tab("running", "work") == .transcript)
        #expect(tab("queued", nil, run: nil) == .overview)
    }
}
