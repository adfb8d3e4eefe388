import Testing

@testable import IPC

/// A ticket's row read from its members is what its synthesized decoding makes of them, whatever they are.
struct TicketRowReadingTests {
    /// A row with all its members.
    private static let whole: TicketRow = {
        var row = CodingTests.ticket
        row.reason = "waits for `src/**`"
        row.stale_since = "2026-11-20T21:52:49.120Z"
        row.stale_until = "2026-11-20T22:52:49.120Z"
        row.stale_evidence = "no output"
        row.worktree = "/w"
        row.commit = "c0ffee"
        row.agent_run = "T-7.1"
        row.comments = 3
        row.blocked = true
        row.landing_place = 2
        row.question = QuestionRow(number: 1, kind: "question", text: "why?", since: "a", until: "b")
        row.claim = ClaimRow(patterns: ["src/**"], since: "a", until: "b")
        row.progress = ProgressRow(text: "half", percent: 50, time: "a")
        row.checks = ChecksRow(done: 1, total: 2, running: "test", since: "a")
        row.messages = [MessageRow(number: 1, delivery: "sent", time: "a", text: "go on")]
        row.last_message = 1
        row.session = "s"
        row.usage = UsageRow(input: 1, output: 2, tokens: 3, cost_usd: 0.5)
        row.budget = AllowanceRow(usd: 1.5, tokens: nil)
        return row
    }()

    /// One of each kind, with what is nearly right.
    private static let values: [JSONValue?] = [
        nil, .null, true, 7, 7.0, 7.5, 1e300, "text", "", [], ["a", "b"], ["a", 1], [nil], [:],
        ["number": 1, "kind": "k", "text": "t", "since": "s", "until": "u", "delivery": "d", "time": "t"],
        ["done": 1, "total": 2], ["usd": 1], [["number": 1, "delivery": "d", "time": "t", "text": "t"]],
    ]

    @Test func eachMemberIsReadAsItIsDecoded() throws {
        let whole = try #require(JSONValue(encoding: Self.whole).objectValue)
        #expect(whole.count == Mirror(reflecting: Self.whole).children.count, "a member of the row is nil here")
        #expect(try TicketRow(members: whole) == Self.whole)
        for name in whole.keys {
            for value in Self.values {
                var object = whole
                object[name] = value
                let decoded = try? JSONValue.object(object).decode(TicketRow.self)
                #expect(
                    (try? TicketRow(members: object)) == decoded,
                    "\(name): \(value.map(\.description) ?? "absent")"
                )
            }
        }
    }
}
