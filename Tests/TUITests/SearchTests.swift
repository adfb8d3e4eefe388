import Testing

@testable import IPC
@testable import TUI

/// Looking for something in a tab.
struct SearchTests {
    // MARK: What is a match

    @Test(arguments: [
        ("ab", "xABxab", [1..<3, 4..<6]), ("Ab", "xABxAb", [4..<6]), ("aa", "aaa", [0..<2]), ("漢", "a漢b", [1..<4]),
        ("é", "É", []), ("long", "lon", []),
    ])
    func aCapitalLetterMakesThemMatter(_ text: String, _ line: String, _ ranges: [Range<Int>]) {
        #expect(Needle(text)?.ranges(in: Array(line.utf8)[...]) == ranges)
    }

    @Test func nothingIsNoNeedle() { #expect(Needle("") == nil) }

    // MARK: In a diff

    private static func diff(_ keys: String = "") -> Story {
        var story = Story.aDay()
        story.press("j Enter")
        story.answerDiff(sampleDiff)
        look(for: keys, in: &story)
        return story
    }

    private static func look(for text: String, in story: inout Story) {
        guard !text.isEmpty else { return }
        story.press("/")
        story.type(text)
        story.press("Enter")
    }

    /// The rows where something stands out, with what does.
    private static func marks(_ story: Story) -> [String] {
        let screen = view(story.model)
        return (1..<story.model.size.rows - 2).compactMap { y in
            var text = ""
            for cell in screen.row(y) where cell.style == .match || cell.style == .match.selected {
                cell.cluster?.append(to: &text)
            }
            return text.isEmpty ? nil : text
        }
    }

    @Test func aDiffIsSearchedDownAndUp() {
        var story = Self.diff("@@ -")
        let first = story.rows(1...3)
        #expect(first.contains("@@ -"))
        #expect(Self.marks(story).first == "@@ -")
        #expect(story.statusBar.contains("n next match"))
        story.press("n")
        let second = story.rows(1...3)
        #expect(second != first && second.contains("@@ -"))
        story.press("N")
        #expect(story.rows(1...3) == first)
        story.press("N")
        #expect(story.row(22) == " no @@ - further up, as far as it has been read")
        // It ends, and n is for hunks again.
        story.press("Esc")
        #expect(Self.marks(story).isEmpty)
        #expect(story.model.keyContext == .page && story.model.detail.search == nil)
        story.press("Esc")
        #expect(story.model.keyContext == .lists)
    }

    @Test func aFileIsFoundByItsName() throws {
        var story = Self.diff()
        let page = try #require(story.model.detail.page as? DiffPage)
        let name = String(decoding: try #require(page.text?.files.last?.name), as: UTF8.self)
        Self.look(for: name, in: &story)
        #expect(story.row(1).contains(name))
        story.press("n n n n")
        #expect(story.row(22).hasPrefix(" no \(name.prefix(5))"))
    }

    @Test func everyMatchOfADiffIsComeTo() throws {
        var story = Self.diff()
        let page = try #require(story.model.detail.page as? DiffPage)
        let text = try #require(page.text)
        let needle = try #require(Needle("a"))
        let all = (0..<text.lineCount).count { text.has(needle, in: $0) }
        #expect(all > 5)
        Self.look(for: "a", in: &story)
        var found = 1
        while !story.row(22).hasPrefix(" no a further down"), found <= all + 1 {
            story.press("n")
            found += 1
        }
        #expect(found == all + 1)
        for _ in 1..<all { story.press("N") }
        #expect(!story.row(22).hasPrefix(" no a"))
        story.press("N")
        #expect(story.row(22).hasPrefix(" no a further up"))
    }

    // MARK: In a transcript

    private static func look(for text: String, in reader: inout EventTranscriptTests.Reader) {
        reader.press("/")
        reader.story.type(text)
        reader.press("Enter")
    }

    @Test func whatIsFoldedIsFoundAndUnfolded() {
        var reader = EventTranscriptTests.Reader(EventTranscriptTests.turn)
        reader.press("g")
        Self.look(for: "expected 3", in: &reader)
        #expect(Self.marks(reader.story) == ["expected 3"])
        #expect(reader.story.picture.contains("     expected 3 but found 4"))
        Self.look(for: "漢字", in: &reader)
        #expect(reader.story.row(22) == " no 漢字 further down, as far as it has been read")
        reader.press("N")
        #expect(Self.marks(reader.story) == ["漢字"])
    }

    @Test func rawOutputIsSearchedLineByLine() {
        var reader = EventTranscriptTests.Reader(EventTranscriptTests.turn)
        let lines = (0..<500).map { $0 % 100 == 7 ? "needle \($0)\n" : "line \($0)\n" }
        reader.output = Array(lines.joined().utf8)
        reader.press("t g")
        Self.look(for: "needle", in: &reader)
        var seen: [String] = []
        while !reader.story.row(22).hasPrefix(" no needle"), seen.count < 9 {
            let row = reader.page.first { $0.contains("needle") && !seen.contains(String($0)) }
            seen.append(row.map(String.init) ?? "none")
            reader.press("n")
        }
        #expect(seen == [7, 107, 207, 307, 407].map { " needle \($0)" })
        reader.press("G N")
        #expect(reader.page.contains(" needle 407"))
    }

    // MARK: Elsewhere

    @Test func aPageThatIsNotSearchedSaysSo() {
        var story = Story.aDay()
        story.press("j Enter 4")
        Self.look(for: "x", in: &story)
        #expect(story.row(22).hasPrefix(" transcripts, diffs and what checks print can be searched"))
    }

    @Test func nothingTypedEndsIt() {
        var story = Self.diff("@@")
        story.press("/")
        // What was looked for stands there; the first key takes its place.
        #expect(story.picture.contains("/ @@"))
        story.press("Ctrl-U Enter")
        #expect(story.model.detail.search == nil && Self.marks(story).isEmpty)
    }
}
