import Core
import Testing

@testable import Daemon

@Suite struct IssueFileTests {
    private func problems(_ text: String) -> [String] {
        do throws(FileProblems) {
            _ = try IssueFile.parse(Array(text.utf8), name: "issues.json")
            return []
        } catch { return error.problems.map(\.description) }
    }

    @Test func whatGhPrintsIsATicketForEachIssue() throws {
        let long = String(repeating: "long ", count: 50)
        let text = """
            [{"number": 7, "title": "Crash on start", "body": "It\\r\\ncrashes", "state": "OPEN", "url": "https://x/7",
              "labels": [{"id": "L", "name": "bug", "description": "", "color": "d73a4a"}, {"name": "priority:2"}]},
             {"number": 8, "title": "\(long)", "body": null, "labels": ["Priority: 1", "priority:high", "priority:3"],
              "state": "CLOSED"}]
            """
        let issues = try IssueFile.parse(Array(text.utf8), name: "issues.json")
        #expect(
            issues.map(\.draft) == [
                TicketDraft(id: TicketID("GH-7"), title: "Crash on start", description: "It\ncrashes", priority: 2),
                TicketDraft(
                    id: TicketID("GH-8"),
                    title: String(long.prefix(199)) + "…",
                    description: long + "\n\n",
                    priority: 3
                ),
            ]
        )
        #expect(issues.map(\.isClosed) == [false, true])
        #expect(issues[0].labels == ["bug", "priority:2"])
        #expect(try IssueFile.parse(Array("[]".utf8), name: "issues.json") == [])
    }

    @Test(arguments: [
        ("", ["issues.json:1:1: the file is empty; fill it with: gh issue list --json number,title,body,labels"]),
        (
            "{\"number\": 1}",
            [
                "issues.json:1:1: this is an object and no list of issues; make one with: "
                    + "gh issue list --json number,title,body,labels"
            ]
        ),
        (
            "[{\"number\": 1, \"title\": \"a\", \"labels\": []},\n{\"number\": 2, \"title\": \"b\", \"labels\": []}]",
            [
                "issues.json:1:2: the issue has no `body`; list issues with: gh issue list --json number,title,body,labels"
            ]
        ),
        (
            "[{\"number\": 1, \"title\": \"a\", \"body\": \"\", \"labels\": [],\n \"lables\": []}]",
            ["issues.json:2:2: unknown field `lables`; did you mean `labels`?"]
        ),
        (
            "[{\"number\": \"1\", \"title\": \"a\", \"body\": \"\", \"labels\": []}]",
            ["issues.json:1:13: `number` is a string and no issue's number"]
        ),
        (
            "[{\"number\": 1, \"title\": \" \", \"body\": \"\", \"labels\": []}]",
            ["issues.json:1:25: issue 1: the title is empty; say in one line what is to be done"]
        ),
        (
            "[{\"number\": 1, \"title\": \"a\", \"body\": \"\", \"labels\": []},\n"
                + "{\"number\": 1, \"title\": \"b\", \"body\": \"\", \"labels\": []}]",
            ["issues.json:2:1: the issue 1 is in line 1 already"]
        ),
        ("[{\"number\": 1,]", ["issues.json:1:15:"]),
    ])
    func whatIsWrongIsSaidOnceAtItsPlace(text: String, expected: [String]) {
        let found = problems(text)
        #expect(found.count == expected.count, "\(found)")
        for (found, expected) in zip(found, expected) { #expect(found.hasPrefix(expected), "\(found)") }
    }
}
