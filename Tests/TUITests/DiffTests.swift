import Foundation
import Sanitizers
import Testing

@testable import IPC
@testable import TUI

/// What a ticket changes, on a tab.
struct DiffTests {
    /// T-2 waits for approval; its diff is what `git` prints.
    private static func story(_ diff: String = sampleDiff, columns: Int = 80, rows: Int = 24) -> Story {
        var story = Story.aDay(columns: columns, rows: rows)
        story.press("j Enter")
        story.answerDiff(diff)
        return story
    }

    // MARK: Pictures

    @Test func aDiffIsShownAtEverySize() {
        Story.shows("diff") { story in
            story.press("j Enter")
            story.answerDiff(sampleDiff)
        }
        Story.shows("diff-hunk") { story in
            story.press("j Enter")
            story.answerDiff(sampleDiff)
            story.press("n n n n n n n")
        }
        Story.shows("diff-end") { story in
            story.press("j Enter")
            story.answerDiff(sampleDiff)
            story.press("G")
        }
    }

    @Test(arguments: [Size(columns: 120, rows: 40), Size(columns: 200, rows: 50)])
    func aDiffIsShownBelowTheLists(_ size: Size) {
        var story = Story.aDay(columns: size.columns, rows: size.rows)
        story.press("j 6")
        story.answerDiff(sampleDiff)
        story.shows("diff-pane")
        story.happens(.key(.backTab))
        story.press("j j n")
        story.shows("diff-pane-read")
    }

    @Test func withoutUnicodeADiffIsDrawnInASCII() {
        var story = Story.aDay(columns: 40, rows: 24, glyphs: .ascii)
        story.press("j Enter")
        let long = String(repeating: "b", count: 90)
        story.answerDiff("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+\(long)\n")
        story.press("n")
        #expect(story.rows(1...5).contains("+bbb"))
        #expect(story.picture.unicodeScalars.allSatisfy { $0.isASCII })
    }

    // MARK: Reading

    @Test func whatIsWaitedForIsReadAtOnceAndOnce() {
        var story = Story.aDay()
        story.press("j Enter")
        #expect(story.taken() == [.send(id: 1, .diff(ticket: "T-2"))])
        #expect(story.row(1) == " reading")
        story.happens(.answered(request: 1, .diff(sampleDiff)))
        #expect(story.row(1) == " 7 files +11 -8")
        story.press("j k n N G g")
        #expect(story.taken().isEmpty)
    }

    @Test func anotherCommitIsAnotherDiffAndThePlaceIsKept() {
        var story = Self.story()
        story.press("n n n n n n")
        let before = story.rows(1...5)
        #expect(before.contains("@@ -37,7 +38,7 @@"))
        story.happens(
            .changed(
                tickets: [
                    "T-2": ticket("T-2", "Fix the login redirect", "running") {
                        $0.run = "T-2.3"
                        $0.commit = "2222222222"
                    }
                ],
                agents: [:]
            )
        )
        guard case .send(let id, .diff(ticket: "T-2"))? = story.taken().last else {
            Issue.record("it is not read anew")
            return
        }
        // Meanwhile what is known stays.
        #expect(story.rows(1...5) == before)
        // Another file in front of it moves everything; the summary has a line more.
        let other = "diff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+a\n"
        let patch = sampleDiff[sampleDiff.range(of: "diff --git")!.lowerBound...]
        story.happens(.answered(request: id, .diff(other + patch)))
        #expect(story.rows(1...5) == before)
        #expect(story.row(0).contains("file 6/8"))
        // Its file is gone: at the beginning.
        story.happens(.changed(tickets: ["T-2": ticket("T-2", "Fix the login redirect", "running")], agents: [:]))
        story.answerDiff(other)
        #expect(story.row(1) == " 1 file +1")
    }

    @Test(
        arguments: [
            ("j j j j j", .null, "nothing is changed yet: T-5 gets a branch when an agent begins on it"),
            ("j j", "1111", "no commits yet: what its agent leaves uncommitted is committed when it ends,"),
            ("j", "1111", "no commits on its branch yet: what is not committed is not shown here"),
            ("j", "2222", "its commits change nothing: the files are what they were before"),
            ("G", .null, "T-8 was merged before anything was changed"),
            ("G k", "1111", "T-9 has changed nothing: there is no commit on its branch"),
        ] as [(String, JSONValue, String)]
    )
    func nothingToSeeIsSaidInASentence(_ keys: String, _ base: JSONValue, _ sentence: String) {
        var story = Story.aDay()
        story.press(keys)
        story.press("6")
        let head: JSONValue = base == .null ? .null : "1111"
        story.answer { request in
            guard case .diff = request else { return nil }
            return .result(["diff": "", "base": base, "head": head])
        }
        #expect(story.row(1) == " \(sentence)")
        story.press("n")
        #expect(story.row(22) == " there is no change to go to")
    }

    @Test func aRefusalIsShownWithItsHintAndTheConnectionsReturnTriesAgain() {
        var story = Story.aDay()
        story.press("j Enter")
        _ = story.taken()
        story.happens(.answered(request: 1, .failure(.init(message: "cannot compare a with b", hint: "git fsck"))))
        #expect(story.rows(1...2) == " the diff cannot be read: cannot compare a with b\n git fsck")
        #expect(story.taken().isEmpty)
        story.happens(.connectionLost(reason: "gone"))
        story.happens(.connectionRegained)
        #expect(story.taken() == [.send(id: 2, .diff(ticket: "T-2"))])
    }

    // MARK: Moving

    @Test func hunksAreGoneToOneByOneAndBack() {
        var story = Self.story()
        var there: [String] = []
        for _ in 0..<20 {
            story.press("n")
            let message = story.row(22)
            if message == " this is the last hunk" { break }
            there.append(String(story.row(0).split(separator: "─").last ?? ""))
        }
        #expect(
            there == [
                " file 1/7 · hunk 1/7 ", " file 2/7 · hunk 2/7 ", " file 3/7 ", " file 4/7 ", " file 5/7 · hunk 3/7 ",
                " file 5/7 · hunk 4/7 ", " file 5/7 · hunk 5/7 ", " file 6/7 · hunk 6/7 ", " file 7/7 · hunk 7/7 ",
            ]
        )
        for place in there.dropLast().reversed() {
            story.press("N")
            #expect(String(story.row(0).split(separator: "─").last ?? "") == place)
        }
        story.press("N N")
        #expect(story.row(1) == " 7 files +11 -8")
        story.press("N")
        #expect(story.row(22) == " this is the beginning")
    }

    @Test func aFileOfTheSummaryIsOpened() {
        var story = Self.story()
        story.press("j j j j")
        #expect(story.statusBar.contains("Enter to the file"))
        story.press("Enter")
        #expect(story.row(1) == " src/avatar/Upload.swift  +5 -3")
        #expect(story.row(2) == " @@ -8,8 +8,9 @@ line 7")
        #expect(story.statusBar.contains("Enter next file"))
        // Its name stays when it is scrolled.
        story.press("j j j")
        #expect(story.row(1) == " src/avatar/Upload.swift  +5 -3")
        #expect(story.row(2) == "  func upload(_ picture: Picture) -> Bool {")
        story.press("Enter")
        #expect(story.row(1).hasPrefix(" src/avatar/new name.txt  +1 -1  renamed from src/avatar/old name.txt (95%"))
        story.press("Enter Enter")
        #expect(story.row(22) == " this is the last file")
    }

    @Test func everyLineComesByOnTheWayDown() {
        var story = Self.story(rows: 10)
        func body() -> [Substring] {
            story.rows(2...7).split(separator: "\n", omittingEmptySubsequences: false)
        }
        var seen = body()
        for _ in 0..<200 { story.press("j") }
        let end = story.rows(1...7)
        story.press("g")
        seen = body()
        for _ in 0..<60 {
            let before = story.rows(1...7)
            story.press("PgDn")
            if story.rows(1...7) == before { break }
            seen += body()
        }
        #expect(story.rows(1...7) == end)
        let all = seen.map(String.init)
        for wanted in [
            " D gone.txt", "--- a comment", " +one␍", "  line 52", " +hostile: red gnp.exe ␇ end",
            " \\ No newline at end of file", "…ed, 日本語も, a very",
        ] { #expect(all.contains { $0.contains(wanted) }, "\(wanted)") }
        for _ in 0..<300 { story.press("k") }
        #expect(story.row(1) == " 7 files +11 -8")
    }

    @Test func linesAreColouredByWhatTheyMean() {
        var story = Self.story()
        func roles() -> [Style.Role] { (1...20).map { Array(view(story.model).row($0))[1].style.role } }
        #expect(roles().prefix(3) == [.title, .hunk, .removed])
        story.press("n n n n n")
        #expect(
            roles().prefix(10) == [
                .file, .hunk, .plain, .plain, .plain, .removed, .removed, .added, .added, .added,
            ]
        )
    }

    // MARK: What git says

    @Test func headersAreTakenIn() {
        let files = DiffText(Array(sampleDiff.utf8)).files
        let names = files.map { String(decoding: $0.name, as: UTF8.self) }
        #expect(
            names == [
                "dos.txt", "gone.txt", "logo.png", "run.sh", "src/avatar/Upload.swift", "src/avatar/new name.txt",
                "日本語.md",
            ]
        )
        #expect(
            files.map(\.remarks) == [
                [], ["file deleted"], ["binary"], ["now executable"], [],
                ["renamed from src/avatar/old name.txt (95% the same)"], ["new file"],
            ]
        )
        #expect(files.map(\.letter).joined() == "MDMMMRA")
    }

    @Test(arguments: [
        ("diff --git a/x y b/x y\nold mode 100644\nnew mode 120000\n", "x y", ["file, now symbolic link"]),
        (
            "diff --git \"a/q\\\"\\303\\251\\n\" \"b/q\\\"\\303\\251\\n\"\nnew file mode 100755\n", "q\"é\n",
            ["new executable file"]
        ),
        ("diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n", "s", ["new submodule"]),
        ("diff --git a/a b/b\nsimilarity index 100%\ncopy from a\ncopy to b\n", "b", ["copied from a (100% the same)"]),
        ("diff --cc m.txt\nindex 1,2..3\n--- a/m.txt\n+++ b/m.txt\n", "m.txt", []),
        ("diff --git ", "", []), ("diff --git a", "", []), ("diff --git \"a/", "", []),
    ])
    func namesAndModesAreRead(_ diff: String, _ name: String, _ remarks: [String]) {
        let file = DiffText(Array(diff.utf8)).files[0]
        #expect(String(decoding: file.name, as: UTF8.self) == name)
        #expect(file.remarks == remarks)
    }

    @Test func aMergeHasAColumnForEachParent() {
        let text = DiffText(
            Array(
                """
                diff --cc m
                --- a/m
                +++ b/m
                @@@ -1,2 -1,2 +1,3 @@@
                  same
                 -one
                - two
                ++both
                diff --git a/x b/x
                """.utf8
            )
        )
        #expect(
            text.kinds == [
                .total, .stat, .stat, .blank, .heading, .hunk, .context, .removed, .removed, .added, .blank, .heading,
            ]
        )
        #expect(text.files[0].added == 1 && text.files[0].removed == 2)
    }

    @Test func aDiffThatIsCutSaysSo() {
        var story = Self.story(
            """
             a | 9 +
             b | 1 +
             2 files changed, 10 insertions(+)

            diff --git a/a b/a
            --- a/a
            +++ b/a
            @@ -0,0 +1,9 @@
            +on
            [the diff is cut after 64 bytes]

            """
        )
        #expect(story.row(1) == " 1 file of 2: the diff is too long, and cut +1")
        story.press("G")
        #expect(story.picture.contains("\n [the diff is cut after 64 bytes]\n"))
    }

    @Test func whatIsNoDiffIsShownAsItStands() {
        let story = Self.story("fatal: no such thing\nat all")
        #expect(story.rows(1...3) == " fatal: no such thing\n at all\n")
    }

    /// Whatever the bytes, at whatever size: nothing traps, nothing is drawn outside, and every line can be reached.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func anyBytesAreDrawn(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let pieces = [
            "diff --git a/x b/x\n", "diff --cc y\n", "@@ -1,3 +1,4 @@\n", "@@@ -1 -1 +1 @@@\n", "@@\n",
            "@@ -0,0 +1,99999999999999999999 @@\n",
            "--- a/x\n", "+++ /dev/null\n", "rename from \"\\", "\n", "+", "-", " ", "\\ No newline\n", "日本語",
            "\u{1B}[2J", "\r",
            "\t", "Binary files ", "[the diff is cut after 1 bytes]\n", " 7 files changed, 1\n", "e\u{301}",
        ]
        for _ in 0..<30 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<120, using: &random) {
                if Bool.random(using: &random) {
                    bytes += Array(pieces.randomElement(using: &random)!.utf8)
                } else {
                    let count = Int.random(in: 0..<40, using: &random)
                    bytes += (0..<count).map { _ in .random(in: 0...255, using: &random) }
                }
            }
            let columns = Int.random(in: 40...120, using: &random)
            let rows = Int.random(in: 10...60, using: &random)
            var story = Self.story(String(decoding: bytes, as: UTF8.self), columns: columns, rows: rows)
            let keys = ["j", "k", "n", "N", "PgDn", "PgUp", "G", "g", "Enter", "Ctrl-D"]
            for _ in 0..<20 {
                story.press(keys.randomElement(using: &random)!)
                let screen = view(story.model)
                let isFramed = (1..<screen.size.rows - 2).allSatisfy { y in
                    let row = Array(screen.row(y))
                    return row[0] == .blank && row[columns - 1] == .blank
                }
                #expect(isFramed)
            }
            // The bytes themselves, which need not be text.
            let text = DiffText(bytes)
            #expect(text.kinds.count == text.starts.count)
            var place = Place.beginning
            while place.line < text.lineCount { place = text.moved(place, by: 1, columns: columns) }
        }
    }
}

extension Answer {
    static func diff(_ diff: String) -> Answer { .result(["diff": .string(diff), "base": "1111", "head": "2222"]) }
}

extension Story {
    /// Answers what was asked, and what is asked after that, until nothing is.
    mutating func answer(_ answer: (DaemonRequest) -> Answer?) {
        while true {
            var isAnswered = false
            for case .send(let id, let request) in taken() {
                guard let answer = answer(request) else { continue }
                happens(.answered(request: id, answer))
                isAnswered = true
            }
            guard isAnswered else { return }
        }
    }

    mutating func answerDiff(_ diff: String) {
        answer { if case .diff = $0 { .diff(diff) } else { nil } }
    }
}
