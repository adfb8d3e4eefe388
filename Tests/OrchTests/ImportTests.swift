import Foundation
import IPC
import Testing

/// `orch import`, with a real daemon.
@Suite struct ImportTests {
    @Test func `import makes a ticket of each issue, and none of those that are there`() throws {
        let world = try World(approve: "human", agent: "sleep 1000")
        #expect(try world.orch("run", "--title", "Begin").status == 0)
        func issue(_ number: Int, _ labels: String, _ more: String = "") -> String {
            #"{"number": \#(number), "title": "Issue \#(number)", "body": "Do it", "labels": [\#(labels)]\#(more)}"#
        }
        let bug = #"{"name": "bug"}"#
        try world.write("repo/issues.json", "[\(issue(7, bug)), \(issue(9, #""priority:4""#))]")
        let first = try world.orch("import", "issues.json", "--label", "bug")
        #expect(first.status == 0 && first.output == "GH-7\n", "\(first.error)")
        #expect(first.error == "left out: 1 issue, closed, or without the label\n")
        let second = try world.orch("import", "issues.json")
        #expect(second.output == "GH-9\n" && second.error == "here already: GH-7\n")
        #expect(try world.orch("show", "GH-9", "--json").json["priority"] == 4)
        let third = try world.orch("import", "issues.json", "--json")
        #expect(try third.json == ["ids": [], "known": ["GH-7", "GH-9"], "left_out": 0])
        try world.write("repo/bad.json", "[{\"number\": 7}]")
        let bad = try world.orch("import", "bad.json")
        #expect(bad.status == 1 && bad.error.contains("bad.json:1:2: the issue has no `title`"), "\(bad.error)")
    }
}
