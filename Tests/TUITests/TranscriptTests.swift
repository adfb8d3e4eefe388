import Testing

@testable import IPC
@testable import TUI

/// A run's output, read page by page.
struct TranscriptTests {
    /// A story whose requests for output are answered from `output`.
    private struct Reader {
        var story: Story
        var output: [UInt8]
        /// Offsets and lengths asked for so far.
        var reads: [[Int]] = []
        var largestPage = Int.max

        init(_ output: String, columns: Int = 60, rows: Int = 12) {
            self.output = Array(output.utf8)
            story = Story.aDay(columns: columns, rows: rows)
            story.press("g 5")
            answer()
        }

        mutating func answer() {
            while true {
                let commands = story.taken()
                guard !commands.isEmpty else { return }
                for case .send(let id, .readOutput(_, let stream, let offset, let length)) in commands {
                    guard stream == "stdout" else {
                        story.happens(.answered(request: id, .output([], offset: 0, size: 0)))
                        continue
                    }
                    reads.append([offset, length])
                    let end = min(offset + min(length, largestPage), output.count)
                    let bytes = Array(output[min(offset, end)..<end])
                    story.happens(.answered(request: id, .output(bytes, offset: offset, size: output.count)))
                }
            }
        }

        mutating func press(_ keys: String) {
            for key in keys.split(separator: " ") {
                story.press(String(key))
                answer()
            }
        }

        mutating func grow(_ more: String) {
            output += Array(more.utf8)
            story.happens(.outputGrew(run: "T-3.4", stream: "stdout", size: output.count))
            answer()
        }

        var page: [Substring] { story.rows(1...9).split(separator: "\n", omittingEmptySubsequences: false) }
    }

    private static let long = (0..<20_000).map { "line \($0)\n" }.joined()

    @Test func itIsTheAgentsRunAndNotAVerifiers() {
        var story = Story.aDay()
        let row = ticket("T-3", "Migrate", "needs_human_review", minutes: 44) {
            $0.run = "T-3.4"
            $0.agent_run = "T-3.2"
        }
        story.happens(.changed(tickets: ["T-3": row], agents: [:]))
        story.press("g 5 Enter")
        let asked = story.taken().compactMap { command in
            if case .send(_, .readOutput(let run, _, _, _)) = command { run } else { nil }
        }
        #expect(asked == ["T-3.2"])
        // A verifier's that begins changes nothing.
        var next = row
        next.run = "T-3.5"
        story.happens(.changed(tickets: ["T-3": next], agents: [:]))
        #expect(story.taken().isEmpty && !story.statusBar.contains("newer run"))
        next.agent_run = "T-3.6"
        story.happens(.changed(tickets: ["T-3": next], agents: [:]))
        #expect(story.model.detail.hint(for: .open) == "newer run")
    }

    @Test func aShortOutputIsShownAsItIs() {
        let reader = Reader("one\n\u{1B}[31mtwo\u{1B}[0m\r\n50%\r100%\n\n日本語 👩‍💻\nno line break")
        #expect(
            reader.story.rows(0...9) == """
                ─ T-3 ─ Transcript ─ Migrate the d…─ T-3.4 following, 63 B ─
                 one
                 two
                 100%

                 日本語 👩
                 no line break



                """
        )
    }

    @Test func itOpensOnTheLastPageAndReadsNoMore() {
        let reader = Reader(Self.long)
        let size = Self.long.utf8.count
        #expect(reader.reads == [[0, 1], [size - 65536, 65536]])
        #expect(reader.page.last == " line 19999")
        #expect(reader.page.first == " line 19991")
    }

    @Test func itFollowsWhatIsWritten() {
        var reader = Reader("first\n")
        reader.grow("sec")
        #expect(reader.page[1] == " sec")
        reader.grow("ond\n")
        #expect(reader.page[1] == " second")
        for line in 0..<20 { reader.grow("line \(line)\n") }
        #expect(reader.page.last == " line 19")
    }

    @Test func scrolledUpItStaysWhereItIs() {
        var reader = Reader(Self.long)
        reader.press("Up Up")
        let page = reader.page
        #expect(page.last == " line 19997")
        reader.grow("more\n")
        #expect(reader.page == page)
        #expect(reader.story.row(0).contains("scrolled"))
        reader.press("G")
        #expect(reader.page.last == " more")
        #expect(reader.story.row(0).contains("following"))
    }

    @Test func earlierPagesAreReadWhenTheyAreScrolledTo() {
        var reader = Reader(Self.long)
        var last = 19999
        // Up through several pages: every line comes by, in order.
        while last > 4000 {
            reader.press("PgUp")
            last -= 9
            guard reader.page.last == " line \(last)", reader.page.first == " line \(last - 8)" else {
                Issue.record("\(reader.page.last ?? "") instead of line \(last)")
                return
            }
        }
        #expect(reader.reads.count == 4)
        reader.press("g")
        #expect(reader.page.first == " line 0")
        for _ in 0..<100 { reader.press("PgDn") }
        #expect(reader.page.last == " line 908")
        reader.press("G")
        #expect(reader.page.last == " line 19999")
    }

    @Test func aDaemonThatGivesLessThanAskedIsUnderstood() {
        var reader = Reader("")
        reader.output = Array(Self.long.utf8)
        reader.largestPage = 10_000
        reader.grow("end\n")
        #expect(reader.page.last == " end")
        for _ in 0..<400 { reader.press("PgUp") }
        #expect(reader.page.last == " line 16400")
    }

    /// A line that begins before the window is wrapped anew when its beginning is read: that shifts it by part of a
    /// row, and no further.
    @Test func oneEndlessLineIsWrappedAndScrolled() {
        // 15,000 numbers of six digits, without a line break.
        var reader = Reader((0..<15_000).map { "\(100_000 + $0)" }.joined(separator: " "))
        #expect(reader.reads.count == 2)
        func position() -> Int? { reader.page[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } }
        var before = position()!
        for _ in 0..<140 {
            reader.press("PgUp")
            // Nine rows of 58 columns.
            guard let now = position(), (65...84).contains(before - now) else {
                Issue.record("the page jumped from \(before) to \(position() ?? 0)")
                return
            }
            before = now
        }
        #expect(reader.reads.count == 3)
        reader.press("g")
        #expect(reader.page.first?.hasPrefix(" 100000 100001") == true)
    }

    @Test func manyMegabytesAreNotKept() {
        var reader = Reader("")
        for chunk in 0..<40 { reader.grow(String(repeating: "chunk \(chunk)\n", count: 8000)) }
        guard let transcript = (reader.story.model.detail.page as? TranscriptPage)?.transcript else {
            Issue.record("no transcript")
            return
        }
        #expect(transcript.bytes.count <= Transcript.windowLimit)
        #expect(reader.page.last == " chunk 39")
    }

    @Test func farBehindItJumpsToTheEnd() {
        var reader = Reader("begin\n")
        let reads = reader.reads.count
        reader.grow(String(repeating: "x\n", count: 2_000_000) + "end\n")
        #expect(reader.page.last == " end")
        #expect(reader.reads.count <= reads + 2)
    }

    @Test func charactersCutAtAPageAreShownWhole() {
        // Three bytes each: pages end within characters.
        var reader = Reader("x" + String(repeating: "語", count: 30_000))
        #expect(!reader.story.picture.contains("\u{FFFD}"))
        for _ in 0..<100 { reader.press("PgUp") }
        #expect(!reader.story.picture.contains("\u{FFFD}"))
        // Written byte by byte: what is not complete is not shown yet.
        var slow = Reader("")
        for byte in "é語👍".utf8 {
            slow.output.append(byte)
            slow.story.happens(.outputGrew(run: "T-3.4", stream: "stdout", size: slow.output.count))
            slow.answer()
            #expect(!slow.story.picture.contains("\u{FFFD}"))
        }
        #expect(slow.page.first == " é語👍")
    }

    @Test func aNewerRunIsOffered() {
        var reader = Reader("old\n")
        reader.press("Enter")
        #expect(reader.story.row(10) == " this is the newest run")
        reader.story.happens(
            .changed(
                tickets: ["T-3": ticket("T-3", "Migrate the database to WAL", "running") { $0.run = "T-3.5" }],
                agents: [:]
            )
        )
        reader.press("Down")
        #expect(reader.story.row(10).contains("Enter newer run"))
        reader.press("Enter")
        #expect(reader.story.row(0).contains("T-3.5"))
    }

    @Test func aFailureIsShownAndTheConnectionsReturnTriesAgain() {
        var story = Story.aDay()
        story.press("5")
        #expect(story.taken() == [.send(id: 1, .readOutput(run: "T-3.4", stream: "events", offset: 0, length: 1))])
        story.happens(.answered(request: 1, .failure(.init(message: "no such run T-3.4", hint: nil))))
        #expect(story.taken() == [.send(id: 2, .readOutput(run: "T-3.4", stream: "stdout", offset: 0, length: 1))])
        story.happens(.answered(request: 2, .failure(.init(message: "no such run T-3.4", hint: nil))))
        #expect(story.row(1) == " the output cannot be read: no such run T-3.4")
        #expect(story.taken().isEmpty)
        story.happens(.connectionLost(reason: "gone"))
        story.happens(.connectionRegained)
        #expect(story.taken() == [.send(id: 3, .readOutput(run: "T-3.4", stream: "events", offset: 0, length: 1))])
        story.press("Esc")
        #expect(story.model.keyContext == .lists)
    }
}
