import Core
import Testing

@testable import Daemon

@Suite struct MarkdownTicketTests {
    private func parse(_ text: String) -> TicketBatch { TicketFile.parse(Array(text.utf8), name: "t.md") }
    private func problems(_ text: String) -> [String] { parse(text).problems.map(\.description) }

    @Test func theTextBelowTheFrontMatterIsTheDescription() throws {
        let batch = parse(
            """
            ---
            id: T-7
            title: Add avatars
            priority: 2
            locks: [src/avatar/**]
            ---

            # Why

            Users *like* pictures:
              - `---`

            """
        )
        #expect(batch.problems == [])
        #expect(
            batch.drafts == [
                TicketDraft(
                    id: TicketID("T-7"),
                    title: "Add avatars",
                    description: "# Why\n\nUsers *like* pictures:\n  - `---`",
                    priority: 2,
                    locks: [try LockPattern("src/avatar/**")]
                )
            ]
        )
    }

    @Test(arguments: [
        ("---\npriority: 0\n---\n# Add avatars\nText", "Add avatars"),
        ("# Add avatars\n", "Add avatars"),
        ("Text\n\n## No\n#No\n    # No\n```sh\n# No\n```\n # Add avatars ##\n# Another", "Add avatars"),
        ("---\n---\n# Learn C#", "Learn C#"),
        ("\u{FEFF}---\r\n# a comment\r\n...\r\n#\tAdd avatars\r\n", "Add avatars"),
    ])
    func theFirstHeadingIsTheTitleWhereThereIsNoOther(text: String, title: String) {
        let batch = parse(text)
        #expect(batch.problems == [])
        #expect(batch.drafts.map(\.title) == [title])
        #expect(batch.drafts[0].description.contains(title) && !batch.drafts[0].description.contains("\r"))
    }

    @Test func theDescriptionMayStandInTheFrontMatterAlone() {
        let batch = parse("---\ntitle: a\ndescription: b\n---\n\n")
        #expect(batch.problems == [])
        #expect(batch.drafts == [TicketDraft(title: "a", description: "b")])
    }

    @Test(arguments: [
        ("---\ntitle: a\n", ["t.md:1:1: the front matter that begins here has no end; write a line `---` below it"]),
        ("---\n\ntitle: a: b\n---\n", ["t.md:3:9: not YAML: mapping values are not allowed in this context"]),
        ("---\ntitle: a\nlock: [b]\n---\n# b", ["t.md:3:1: unknown key `lock`; did you mean `locks`?"]),
        (
            "---\ntitle: a\ndescription: b\n---\nc",
            ["t.md:3:14: the description is the text below the front matter; move this there"]
        ),
        ("---\n- title: a\n---\n", ["t.md:2:1: the front matter is a list; a Markdown file is one ticket"]),
        (
            "Text",
            [
                "t.md:1:1: the ticket has no `title`; put one into the front matter, or a `# heading` below it, to say "
                    + "in one line what is to be done"
            ]
        ),
        ("---\n---\n\n\n # a\u{1}", ["t.md:5:2: the title contains"]),
    ])
    func everyProblemHasItsPlace(text: String, expected: [String]) {
        let found = problems(text)
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) { #expect(found.hasPrefix(expected)) }
    }
}
