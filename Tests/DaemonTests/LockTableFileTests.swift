import Core
import Foundation
import Testing

@testable import Daemon

@Suite struct LockTableFileTests {
    private let docs: LockPattern
    private let net: LockPattern

    init() throws {
        docs = try LockPattern("docs/**")
        net = try LockPattern("src/net/**")
    }

    private var rows: [LockTableFile.Row] {
        [
            .init(
                pattern: net,
                holder: .ticket(TicketID("T-3"), title: "Say \"hello\""),
                since: Instant(milliseconds: 1_700_000_000_000),
                until: nil
            ),
            .init(
                pattern: docs,
                holder: .person(name: "anna", reason: "the release"),
                since: Instant(milliseconds: 1_700_000_000_500),
                until: Instant(milliseconds: 1_700_003_600_500)
            ),
        ]
    }

    @Test func aLockIsALineAndTheirOrderIsFixed() {
        let text = """
            {
              "locks": [
                {"pattern":"docs/**","by":"anna","reason":"the release","since":"2023-11-14T22:13:20.500Z","until":"2023-11-14T23:13:20.500Z"},
                {"pattern":"src/net/**","ticket":"T-3","title":"Say \\"hello\\"","since":"2023-11-14T22:13:20.000Z"}
              ]
            }

            """
        #expect(LockTableFile.text(rows) == text)
        #expect(LockTableFile.text(rows.reversed()) == text)
        #expect(LockTableFile.text([]) == "{\n  \"locks\": []\n}\n")
    }

    @Test func whatOrchWritesIsReadAsWhatPeopleHold() {
        let reader = LockTableReader(Array(LockTableFile.text(rows).utf8))
        #expect(reader.problems == [])
        let end = LockTableReader.Entry.End.at(Instant(milliseconds: 1_700_003_600_500))
        #expect(
            reader.entries == [.init(pattern: docs, name: "anna", reason: "the release", end: end)]
        )
        #expect(reader.mentions == Set(rows.map(\.mention)))
    }

    @Test func aPersonMayLeaveOutWhatOrchKnows() {
        let text = """
            {"locks": [{"pattern": "a/**", "by": "bob", "reason": "by hand", "for": "2h"},
                       {"pattern": "b", "by": "bob", "reason": "by hand"},
                       {"pattern": "c", "by": "bob", "reason": "by hand", "until": "2026-11-30T18:00:00Z"}]}
            """
        let reader = LockTableReader(Array(text.utf8))
        #expect(reader.problems == [])
        #expect(
            reader.entries.map(\.end) == [
                .after(.seconds(7200)), .open, .at(Instant(milliseconds: 1_796_061_600_000)),
            ]
        )
    }

    @Test func theExampleCanBeCommittedAsItIs() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../examples/locks.json").standardized
        let reader = LockTableReader(Array(try Data(contentsOf: file)))
        #expect(reader.problems == [] && reader.entries.count == 3)
    }

    @Test(arguments: [
        ("", "locks.json:1:1: the file is empty; write `{}` at least"),
        ("[]", "locks.json:1:1: this is not `{\"locks\": […]}`"),
        (#"{"locks": [7]}"#, "locks.json:1:12: a lock is an object; this is a number"),
        (
            #"{"locks": [{"by": "bob", "reason": "x"}]}"#,
            #"locks.json:1:12: a lock needs `pattern`, a string: what is locked"#
        ),
        (
            #"{"locks": [{"pattern": "a", "reason": "x"}]}"#,
            #"locks.json:1:12: a lock needs `by`, a string: who holds it"#
        ),
        (
            #"{"locks": [{"pattern": "a", "by": "bob"}]}"#,
            #"locks.json:1:12: a lock needs `reason`, a string: why"#
        ),
        (
            #"{"locks": [{"pattern": "a", "by": "bob", "reson": "x", "reason": "x"}]}"#,
            #"locks.json:1:42: unknown field `reson`; did you mean `reason`?"#
        ),
        (
            #"{"locks": [{"pattern": "a", "by": "bob", "reason": "x", "until": "tomorrow"}]}"#,
            #"locks.json:1:66: `until` is a moment in UTC, such as "2026-11-30T18:00:00Z"; or write `for`: "2h""#
        ),
        (
            #"{"locks": [{"pattern": "a", "by": "bob", "reason": "x"}, {"pattern": "a", "by": "bob", "reason": "y"}]}"#,
            "locks.json:1:58: bob has a in the file already; keep one of the two"
        ),
    ])
    func whatCannotBeReadIsSaidWithItsPlace(_ text: String, _ problem: String) {
        #expect(LockTableReader(Array(text.utf8)).problems.map(\.description) == [problem])
    }

    @Test func aMessageSaysWhatItsCommitChanges() {
        let (docs, net, tests) = (
            LockMention(pattern: "docs/**", holder: "anna"), LockMention(pattern: "src/net/**", holder: "T-3"),
            LockMention(pattern: "tests/**", holder: "T-4")
        )
        #expect(LockTableMessage.text(from: [], to: [net], refused: []) == "Locks: T-3 takes src/net/**\n")
        #expect(LockTableMessage.text(from: [docs], to: [], refused: []) == "Locks: anna releases docs/**\n")
        #expect(
            LockTableMessage.text(from: [docs], to: [net, tests], refused: ["a: no"])
                == """
                Locks: 2 taken, 1 released

                - docs/**  anna
                + src/net/**  T-3
                + tests/**  T-4

                Not taken up:
                a: no

                """
        )
        #expect(
            LockTableMessage.text(from: [net], to: [net], refused: ["a: no"])
                == "Locks: a change was not taken up\n\nNot taken up:\na: no\n"
        )
    }
}
