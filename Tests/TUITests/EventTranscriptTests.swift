import Foundation
import Testing

@testable import IPC
@testable import TUI

/// A run's transcript where its agent's stream is understood.
struct EventTranscriptTests {
    /// A story whose requests for output are answered from two streams.
    struct Reader {
        var story: Story
        var events: [UInt8]
        var output = Array("{\"type\":\"raw\"}\n".utf8)
        /// Offsets and lengths asked for of the events.
        var reads: [[Int]] = []
        var largestPage = Int.max

        init(_ events: [JSONObject], columns: Int = 80, rows: Int = 24, glyphs: Glyphs = .unicode) {
            self.init(bytes: Self.lines(events), columns: columns, rows: rows, glyphs: glyphs)
        }

        init(bytes: [UInt8], columns: Int = 80, rows: Int = 24, glyphs: Glyphs = .unicode) {
            events = bytes
            story = Story.aDay(columns: columns, rows: rows, glyphs: glyphs)
            open()
        }

        private mutating func open() {
            story.press("g 5")
            if !story.model.detail.reading.fillsScreen { story.press("Enter") }
            answer()
        }

        static func lines(_ events: [JSONObject]) -> [UInt8] {
            events.flatMap { JSONValue.object($0).bytes + [0x0A] }
        }

        mutating func answer() {
            while true {
                let commands = story.taken()
                guard !commands.isEmpty else { return }
                for case .send(let id, .readOutput(_, let stream, let offset, let length)) in commands {
                    let all = stream == "events" ? events : output
                    if stream == "events" { reads.append([offset, length]) }
                    let end = min(offset + min(length, largestPage), all.count)
                    let bytes = Array(all[min(offset, end)..<end])
                    story.happens(.answered(request: id, .output(bytes, offset: offset, size: all.count)))
                }
            }
        }

        mutating func press(_ keys: String) {
            for key in keys.split(separator: " ") {
                story.press(String(key))
                answer()
            }
        }

        mutating func grow(_ more: [JSONObject]) { grow(bytes: Self.lines(more)) }

        mutating func grow(bytes: [UInt8]) {
            events += bytes
            story.happens(.outputGrew(run: "T-3.4", stream: "events", size: events.count))
            answer()
        }

        var rows: [Substring] { story.picture.split(separator: "\n", omittingEmptySubsequences: false) }
        var page: [Substring] { Array(rows[1..<(story.model.size.rows - 2)]) }
        var transcript: EventTranscript? { (story.model.detail.page as? TranscriptPage)?.events }
    }

    /// `seconds` after half an hour before the story's start.
    static func event(_ name: String, _ seconds: Int, _ fields: JSONObject = [:]) -> JSONObject {
        var event = fields
        event["event"] = .string(name)
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        event["time"] = .string("2026-11-20T11:\(two(30 + seconds / 60)):\(two(seconds % 60)).000Z")
        event["offset"] = 0
        return event
    }

    static func said(_ text: String, by: String = "agent", _ seconds: Int = 0) -> JSONObject {
        event("said", seconds, ["by": .string(by), "text": .string(text)])
    }

    static func began(_ call: String, _ tool: String, _ title: String, _ seconds: Int = 0) -> JSONObject {
        event(
            "tool_started",
            seconds,
            ["call": .string(call), "tool": .string(tool), "title": .string(title), "kind": "execute"]
        )
    }

    static func ended(_ call: String, _ outcome: String, _ output: String, _ seconds: Int = 0) -> JSONObject {
        event(
            "tool_ended",
            seconds,
            ["call": .string(call), "outcome": .string(outcome), "output": .string(output)]
        )
    }

    /// A turn with a bit of everything, hostile bytes among it.
    static let turn: [JSONObject] = [
        event("session", 0, ["session": "0b1c", "model": "sonnet"]),
        event("turn_started", 0),
        said("Migrate the database to WAL.\n\n- one\n- two\n- three\n- four\n- five", by: "person"),
        event("message_taken", 0, ["message": 1]),
        said("Where is it opened? \u{1B}[2J\u{202E}I look first.", by: "thinking", 1),
        said("I look where the database is opened, 漢字 👩‍💻, and write the pragma there.\u{7}", 2),
        began("c1", "Grep", "PRAGMA", 2),
        ended("c1", "succeeded", "src/store.c:12: PRAGMA journal_mode\n\u{1B}]0;title\u{7}src/db.c:3", 2),
        began("c2", "Edit", "src/store.c", 3),
        ended("c2", "denied", "src/store.c is locked by T-1", 4),
        said("Then I wait for that lock.", 5),
        event("permission_asked", 6, ["request": "r1", "call": "c3", "tool": "Bash", "title": "make test"]),
        began("c3", "Bash", "make test 2>&1 | tail -20 # and a comment that goes on for longer than a row", 6),
        ended("c3", "failed", "expected 3 but found 4\nmake: *** [test] Error 1", 78),
        event("limited", 80, ["reason": "five hours", "until": "2026-11-20T17:20:00.000Z"]),
        event("retrying", 81, ["reason": "overloaded", "attempt": 2]),
        event("noted", 82, ["text": "the context was compacted"]),
        event("novelty", 82, ["text": "of a later version"]),
        began("c4", "Task", "look at the readers", 90),
        event("tool_started", 91, ["call": "c5", "tool": "Read", "title": "src/db.c", "parent": "c4"]),
        ended("c5", "succeeded", "", 92),
    ]

    // MARK: Pictures

    @Test func aPage() {
        for size in Story.sizes {
            var reader = Reader(Self.turn, columns: size.columns, rows: size.rows)
            reader.story.shows("transcript")
            reader.press("N")
            reader.press("Enter")
            reader.story.shows("transcript-unfolded")
        }
    }

    @Test func inAPane() {
        for size in Story.sizes.suffix(2) {
            var reader = Reader(Self.turn, columns: size.columns, rows: size.rows)
            reader.press("Esc")
            reader.story.shows("transcript-pane")
        }
    }

    @Test func withoutUnicodeAndInWords() {
        let ascii = Reader(Self.turn, glyphs: .ascii)
        #expect(ascii.page.contains { $0.hasPrefix(" ! Bash  make test") && $0.hasSuffix(" failed 1m 12s") })
        #expect(ascii.page.contains { $0.hasPrefix(" * Task  look at the readers") && $0.contains(" runs ") })
        let words = Reader(Self.turn, glyphs: .words)
        #expect(words.page.contains { $0.contains("Read  src/db.c") && $0.contains(" done ") })
    }

    // MARK: Tools

    @Test func aToolIsOneLineThatItsEndCompletes() {
        var reader = Reader([Self.began("a", "Bash", "make test", 1795)])
        #expect(reader.page[0] == " ● Bash  make test" + String(repeating: " ", count: 50) + "runs     5s")
        reader.grow([Self.ended("a", "succeeded", "ok\nall of it", 1798)])
        #expect(reader.page[0].hasPrefix(" ✓ Bash  make test"))
        #expect(reader.page[0].hasSuffix("  3.0s"))
        #expect(!reader.story.picture.contains("all of it"))
        #expect(reader.story.statusBar.contains("Enter unfold"))
        reader.press("Enter")
        #expect(reader.page[1] == "     ok")
        #expect(reader.page[2] == "     all of it")
        reader.press("Enter")
        #expect(!reader.story.picture.contains("all of it"))
    }

    @Test func whatATerminalWouldObeyIsText() {
        let reader = Reader([
            Self.began("a", "Ba\u{1B}[2Jsh", "x\u{9B}31m\ny", 1), Self.ended("a", "fai\u{7}led", "\u{1B}c\u{202E}", 2),
            Self.said("\u{1B}]52;c;aGk=\u{7}hi\u{0}"), Self.event("noted", 3, ["text": "\u{1B}[Hnote"]),
        ])
        #expect(
            reader.story.picture.unicodeScalars.allSatisfy {
                $0 == "\n" || !($0.properties.generalCategory == .control)
            }
        )
        #expect(reader.page.contains { $0.hasPrefix("   hi") })
    }

    @Test func muchOutputIsBounded() {
        var reader = Reader([
            Self.began("a", "Bash", "yes"), Self.ended("a", "succeeded", String(repeating: "y\n", count: 5000)),
        ])
        reader.press("Enter G")
        #expect(reader.page.last == "   … 4000 more rows")
    }

    // MARK: Going about

    @Test func itFollowsAndStaysWhereOneIs() {
        var reader = Reader((0..<30).map { Self.said("line \($0)", $0) })
        #expect(reader.page.last == "   line 29")
        #expect(reader.story.row(0).contains("following"))
        reader.grow([Self.said("more")])
        #expect(reader.page.last == "   more")
        reader.press("PgUp")
        #expect(reader.story.row(0).contains("scrolled"))
        let page = reader.page
        reader.grow([Self.said("and more")])
        #expect(reader.page == page)
        reader.press("G")
        #expect(reader.page.last == "   and more")
    }

    @Test func failuresAreGoneThrough() {
        var reader = Reader(Self.turn)
        reader.press("N")
        #expect(reader.story.statusBar.contains("Enter unfold"))
        reader.press("Enter")
        #expect(reader.page.contains { $0.hasSuffix("make: *** [test] Error 1") })
        reader.press("N Enter")
        #expect(reader.page.contains { $0.hasSuffix("src/store.c is locked by T-1") })
        reader.press("N")
        #expect(reader.story.statusBar.contains("nothing earlier has failed"))
    }

    @Test func rawOutputIsAKeyAway() {
        var reader = Reader(Self.turn)
        #expect(reader.story.statusBar.contains("t raw output"))
        reader.press("t")
        #expect(reader.page.first == " {\"type\":\"raw\"}")
        reader.press("t")
        #expect(reader.page.contains { $0.contains("Then I wait for that lock.") })
        reader.press("7 t")
        #expect(reader.story.statusBar.contains("only a transcript has raw output"))
    }

    @Test func whoSaysNothingYetIsReadOnceItDoes() {
        var reader = Reader([])
        #expect(reader.page.first == " {\"type\":\"raw\"}")
        reader.grow([Self.said("hello")])
        #expect(reader.page.contains("   hello"))
        reader.press("t t")
        #expect(reader.page.contains("   hello"))
    }

    // MARK: Reading by offset

    @Test func theEndIsReadAndNoMore() {
        let events = (0..<4000).map { Self.said("line \($0)") }
        let reader = Reader(events)
        let size = reader.events.count
        #expect(size > 4 * 65536)
        #expect(reader.reads == [[0, 1], [size - 65536, 65536]])
        #expect(reader.page.last == "   line 3999")
    }

    @Test func everythingComesByOnTheWayUp() {
        // Long lines, so that pieces end within them, and tools whose ends are in later pieces.
        let events = (0..<300).flatMap { number in
            [
                Self.began("c\(number)", "Bash", "job \(number)", number),
                Self.said("line \(number)", number),
                Self.ended("c\(number)", "succeeded", String(repeating: "long 語 ", count: 300), number + 1),
            ]
        }
        var reader = Reader(events)
        var seen: Set<String> = []
        for _ in 0..<80 {
            for row in reader.page { seen.insert(row.trimmingCharacters(in: .whitespaces)) }
            reader.press("PgUp")
        }
        for number in 0..<300 {
            #expect(seen.contains("line \(number)"))
            #expect(seen.contains { $0.hasPrefix("✓ Bash  job \(number) ") })
        }
        #expect(reader.reads.count < 20)
        reader.press("g")
        #expect(reader.page.first?.hasPrefix(" ✓ Bash  job 0") == true)
    }

    @Test func aLineLongerThanAPieceIsReadWhole() {
        let long = String(repeating: "x", count: 300_000)
        var reader = Reader([Self.said("first"), Self.said(long + " end"), Self.said("last")], columns: 200, rows: 50)
        reader.press("g")
        #expect(reader.page[0] == "   first" || reader.page[1] == "   first")
        reader.grow([Self.said(long + " grown")])
        reader.press("G")
        #expect(reader.page.last?.hasSuffix("grown") == true)
    }

    @Test func howeverItIsCutItIsTheSame() {
        let bytes = Reader.lines(Self.turn)
        func offsets(_ window: (inout EventWindow, (EventWindow.Line) -> Void) -> Void, from start: Int) -> Set<Int> {
            var value = EventWindow(at: start)
            var offsets: Set<Int> = []
            window(&value) { offsets.insert($0.offset) }
            return offsets
        }
        let whole = offsets({ $0.append(bytes, $1) }, from: 0)
        #expect(whole.count == Self.turn.count)
        for cut in stride(from: 1, to: bytes.count, by: 7) {
            let upwards = offsets(
                { window, take in
                    window.append(Array(bytes[cut...]), take)
                    window.prepend(Array(bytes[(cut / 2)..<cut]), take)
                    window.prepend(Array(bytes[..<(cut / 2)]), take)
                },
                from: cut
            )
            #expect(upwards == whole, "cut at \(cut)")
            let onwards = offsets(
                { window, take in
                    window.append(Array(bytes[..<cut]), take)
                    window.append(Array(bytes[cut...]), take)
                },
                from: 0
            )
            #expect(onwards == whole, "cut at \(cut)")
        }
    }

    @Test func manyMegabytesAreNotKept() {
        var reader = Reader([Self.said("begin")])
        let chunk = Reader.lines((0..<500).map { Self.said(String(repeating: "z", count: 1000) + " \($0)") })
        for _ in 0..<20 { reader.grow(bytes: chunk) }
        #expect((reader.transcript?.items.count ?? 0) < 6000)
        #expect(reader.page.last?.hasSuffix("z 499") == true)
        reader.press("g")
        #expect(reader.page.contains("   begin"))
        reader.press("G")
        #expect(reader.page.last?.hasSuffix("z 499") == true)
    }
}
