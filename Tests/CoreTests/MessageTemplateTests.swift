import Core
import Testing

@Suite struct MessageTemplateTests {
    private func filled(_ text: String) throws -> String {
        try MessageTemplate(text).filled { $0 == .description ? "about {title}" : "<\($0.rawValue)>" }
    }

    @Test(arguments: [
        (MessageTemplate.standard, "<title>\n\nabout {title}"),
        ("{ticket}: {title} ({agent})", "<ticket>: <title> (<agent>)"),
        ("{{title}} {title}}}", "{title} <title>}"), ("plain", "plain"), ("{title}{title}", "<title><title>"),
    ])
    func placeholdersStandForWhatTheyName(_ text: String, _ expected: String) throws {
        #expect(try filled(text) == expected)
    }

    @Test(arguments: [
        ("{titel}", "unknown placeholder `{titel}`; did you mean `{title}`?"),
        ("{Title}", "unknown placeholder `{Title}`; did you mean `{title}`?"),
        (
            "{x} y",
            "unknown placeholder `{x}`; known are `{title}`, `{description}`, `{ticket}`, `{agent}`"
        ),
        ("{title", "`{` stands alone; write `{{` for the brace itself"),
        ("{title}}", "`}` stands alone; write `}}` for the brace itself"),
        ("", "its first line, the title of the commit, is empty"),
        (" \n{title}", "its first line, the title of the commit, is empty"),
    ])
    func whatIsNoTemplateSaysWhatToWrite(_ text: String, _ expected: String) {
        #expect(throws: MessageTemplate.Problem(description: expected)) { try MessageTemplate(text) }
    }
}
