import Core
import Foundation
import Testing

@testable import Daemon

@Suite struct TicketFileTests {
    private func parse(_ text: String, name: String = "t.yaml") -> TicketBatch {
        TicketFile.parse(Array(text.utf8), name: name)
    }

    private func problems(_ text: String, name: String = "t.yaml") -> [String] {
        parse(text, name: name).problems.map(\.description)
    }

    // MARK: What is understood

    @Test func readsATicket() throws {
        let batch = parse(
            """
            id: T-123            # optional
            title: Add avatar upload
            priority: 2
            locks: [src/avatar/**, docs/avatar.md, "**/*.png", resource:postgres]
            depends_on: [T-1, 7]
            agent: claude
            workflow: feature
            description: |
              First line: with a colon
                - and * stars & more
            """
        )
        #expect(batch.problems == [])
        let locks = try ["src/avatar/**", "docs/avatar.md", "**/*.png", "resource:postgres"].map { try LockPattern($0) }
        #expect(
            batch.drafts == [
                TicketDraft(
                    id: TicketID("T-123"),
                    title: "Add avatar upload",
                    description: "First line: with a colon\n  - and * stars & more",
                    priority: 2,
                    locks: locks,
                    dependsOn: [TicketID("T-1"), TicketID("7")],
                    agent: "claude",
                    workflow: "feature"
                )
            ]
        )
    }

    @Test(arguments: [
        ("title: a\n---\ntitle: b\n", "t.yaml"),
        ("- title: a\n- title: b\n", "t.yaml"),
        ("tickets:\n  - title: a\n  - title: b\n", "t.yaml"),
        ("---\n---\ntitle: a\n---\n- title: b\n...\n", "t.yaml"),
        ("{\"tickets\": [{\"title\": \"a\"}, {\"title\": \"b\"}]}", "t.json"),
        ("[{\"title\": \"a\"},\n\t{\"title\": \"b\"}]", "standard input"),
        ("{\"title\": \"a\"}\n{\"title\": \"b\"}\n", "t.jsonl"),
        ("[{title: a}, {title: b,}]", "t.yaml"),
        ("\u{FEFF}- title: a\r\n- title: b\r\n", "t.yaml"),
    ])
    func readsSeveralTickets(text: String, name: String) {
        let batch = parse(text, name: name)
        #expect(batch.problems == [])
        #expect(batch.drafts.map(\.title) == ["a", "b"])
    }

    @Test func takesScalarsAsTheyAreSpelledWhereThatIsPlain() {
        let batch = parse("- {id: 0123, title: yes, description: 2026-01-01}\n- {id: 1.10, title: no, agent: on}")
        #expect(batch.problems == [])
        #expect(batch.drafts.map(\.id?.text) == ["0123", "1.10"])
        #expect(batch.drafts.map(\.title) == ["yes", "no"])
    }

    @Test func takesKeysWithoutAValueAsLeftOut() {
        let batch = parse("title: a\nid:\nlocks: ~\ndepends_on:\npriority: null\ndescription:\nagent:\nworkflow:\n")
        #expect(batch.problems == [])
        #expect(batch.drafts == [TicketDraft(title: "a")])
    }

    @Test func readsJSONEscapesThatYAMLDoesNotKnow() {
        let batch = parse(#"{"title": "\ud83d\ude80 a\/b"}"#, name: "-")
        #expect(batch.drafts.map(\.title) == ["🚀 a/b"])
    }

    @Test func readsAnchors() {
        let batch = parse("- title: a\n  locks: &l [src, docs]\n- title: b\n  locks: *l\n")
        #expect(batch.problems == [])
        #expect(batch.drafts.map(\.locks.count) == [2, 2])
    }

    // MARK: What is wrong

    @Test(
        arguments: [
            ("title: 3", ["t.yaml:1:8: `title` is the number `3`; put it into quotes to make it text"]),
            ("title: true", ["t.yaml:1:8: `title` is the truth value `true`; put it into quotes to make it text"]),
            ("title: [a]", ["t.yaml:1:8: `title` is a list; write text"]),
            ("title:", ["t.yaml:1:7: the title is empty; say in one line what is to be done"]),
            ("title: '  '", ["t.yaml:1:8: the title is empty; say in one line what is to be done"]),
            ("id: T-1", ["t.yaml:1:1: the ticket has no `title`; say in one line what is to be done"]),
            (
                "title: a\npriority: high",
                ["t.yaml:2:11: `priority` is the text `high`; write a whole number, higher first"]
            ),
            (
                "title: a\npriority: '2'",
                ["t.yaml:2:11: `priority` is the text `2`; write the number without quotes"]
            ),
            ("title: a\npriority: 1.5", ["t.yaml:2:11: `priority` is `1.5`; write a whole number, higher first"]),
            (
                "title: a\npriority: 99999999999999999999",
                [
                    "t.yaml:2:11: priority `99999999999999999999` is out of range; it is a whole number from -1000000 to "
                        + "1000000, higher first"
                ]
            ),
            (
                "title: a\nlocks: src/**",
                ["t.yaml:2:8: `locks` is a string; write a list, such as `[src/**, docs/avatar.md]`"]
            ),
            ("title: a\nlocks: [5]", ["t.yaml:2:9: a lock is a number; write a pattern as text, such as `\"src/**\"`"]),
            (
                "title: a\ndepends_on: {}",
                ["t.yaml:2:13: `depends_on` is an object; write a list, such as `[T-1, T-2]`"]
            ),
            (
                "tilte: a",
                [
                    "t.yaml:1:1: unknown key `tilte`; did you mean `title`?",
                    "t.yaml:1:1: the ticket has no `title`; say in one line what is to be done",
                ]
            ),
            (
                "title: a\ncolour: red",
                [
                    "t.yaml:2:1: unknown key `colour`; known here: id, title, description, priority, locks, depends_on, "
                        + "agent, workflow"
                ]
            ),
            ("title: a\ndependsOn: [b]", ["t.yaml:2:1: unknown key `dependsOn`; did you mean `depends_on`?"]),
            ("title: a\ntitle: b", ["t.yaml:2:1: the key `title` is here twice, first in line 1; keep one"]),
            ("title: a\n? [x]\n: b", ["t.yaml:2:3: a key is a list; keys are plain names"]),
            ("just some words", ["t.yaml:1:1: a ticket is an object with at least a `title`; this is a string"]),
            ("- 5\n- title: a", ["t.yaml:1:3: a ticket is an object with at least a `title`; this is a number"]),
            ("tickets: 5", ["t.yaml:1:10: `tickets` is a number; write a list of tickets"]),
            (
                "tickets: []\ntitle: a",
                ["t.yaml:2:1: unknown key `title` beside `tickets`; put it into a ticket"]
            ),
            (
                "title: a\nlocks: [/etc/passwd, ok, ../x]",
                [
                    "t.yaml:2:9: lock `/etc/passwd` is an absolute path; write it relative to the repository's root",
                    "t.yaml:2:26: lock `../x` contains `..`; a lock names paths inside the repository, relative to its root",
                ]
            ),
            (
                "title: a\ndepends_on: [x, a b]",
                [
                    "t.yaml:2:17: id `a b` contains a space; an id is up to 64 letters, digits, `.`, `_` and `-`, and starts with "
                        + "a letter or digit"
                ]
            ),
            ("title: a\nworkflow: bugfix", ["t.yaml:2:11: unknown workflow `bugfix`; known: feature"]),
            (
                "title: !shell a",
                ["t.yaml:1:8: the tag `!shell` is not known; put text that starts with `!` into quotes"]
            ),
            ("", ["t.yaml: the file has no ticket; write one, such as `title: …`"]),
            ("# nothing\n---\n", ["t.yaml: the file has no ticket; write one, such as `title: …`"]),
            ("[]", ["t.yaml: the file has no ticket; write one, such as `title: …`"]),
        ] as [(String, [String])]
    )
    func saysWhatIsWrongAndWhere(text: String, expected: [String]) {
        #expect(problems(text) == expected)
    }

    @Test(arguments: [
        (
            "title: a: b",
            "t.yaml:1:9: not YAML: mapping values are not allowed in this context; put a text that contains `: ` into quotes"
        ),
        ("title: a\nlocks: [**/*.md]", "put a pattern that starts with `*` into quotes, as in `\"**/*.md\"`"),
        (
            "title: a\nlocks: [*x]",
            "t.yaml:2:9: there is no anchor `&x` before this; put a pattern that starts with `*` into quotes"
        ),
        ("title: a\n\tpriority: 2", "indent with spaces, not with tabs"),
        ("title: @home", "put text that starts with `@` into quotes"),
        ("title: 'a", "t.yaml:"), ("{{{{", "not YAML"), ("title: a\n  bad\n indent: x", "t.yaml:"),
        ("title: \"a\\qb\"", "unknown escape"),
        ("title: a\u{7}b", "t.yaml:1:9: not YAML: control characters are not allowed (U+0007)"),
        ("a: &a [*a]", "there is no anchor `&a` before this"),
    ])
    func saysWhatIsNotYAML(text: String, expected: String) {
        let found = problems(text)
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test(arguments: [
        ("{\"title\": \"a\",}", "t.json:1:14: a comma before `}` is not allowed in JSON; remove it"),
        ("{\"title\": 'a'}", "t.json:1:11: strings take double quotes in JSON"),
        ("title: a", "t.json:1:1: expected a value, found `title`"),
        (
            "{\"title\": \"a\", \"title\": \"b\"}",
            "t.json:1:16: the key `title` is here twice, first in line 1; keep one"
        ),
        ("{\"title\": 3}", "t.json:1:11: `title` is the number `3`; put it into quotes to make it text"),
    ])
    func saysWhatIsNotJSON(text: String, expected: String) {
        #expect(problems(text, name: "t.json") == [expected])
    }

    @Test func tellsOfEveryProblemInTheOrderOfTheFile() {
        let text = """
            - title: ""
              id: a/b
              prioritty: 1
            - title: ok
              locks: [".."]
            - id: x
            """
        #expect(parse(text).problems.map(\.line) == [1, 2, 3, 5, 6])
    }

    @Test(arguments: [
        ("a/b", "contains `/`"), ("a b", "contains a space"), ("..", "does not start with"), ("a..b", "contains `..`"),
        ("-rf", "does not start with"), ("🚀", "contains `🚀`"), ("שלום", "contains `ש`"), ("x.lock", "ends in `.lock`"),
        ("a\\u001bb", "the control character U+001B"), ("a\\0", "a NUL"),
    ])
    func refusesIdsThatNoBranchCanHave(id: String, because: String) {
        let found = problems("title: t\nid: \"\(id)\"\n")
        #expect(found.count == 1 && found[0].hasPrefix("t.yaml:2:5: ") && found[0].contains(because), "\(found)")
    }

    @Test func takesAnyTitleThatIsALine() {
        for title in ["../../etc/passwd", "--force", "🚀👩‍👩‍👧", "הוסף תמונה", "a/b c"] {
            #expect(parse("title: \"\(title)\"").drafts.map(\.title) == [title])
            #expect(problems("title: \"\(title)\"") == [])
        }
        #expect(problems("title: \"a\\tb\"") == ["t.yaml:1:8: the title contains a tab at character 2; remove it"])
        #expect(problems("title: |\n  a\n  b\n")[0].contains("more than one line"))
    }

    @Test func refusesDescriptionsThatAreTooLong() {
        let found = problems("title: a\ndescription: \(String(repeating: "x", count: 10_000_000))")
        #expect(
            found == [
                "t.yaml:2:14: the description has 10.0 MB; at most 1 MiB is allowed: put long material into a file of the "
                    + "repository"
            ]
        )
    }

    @Test func refusesFilesThatAreTooLarge() {
        let batch = TicketFile.parse([UInt8](repeating: 0x20, count: 17 << 20), name: "t.yaml")
        #expect(batch.problems.map(\.description) == ["t.yaml: the file is larger than 16 MiB; split it"])
    }

    @Test(
        arguments: [
            (Array("title: a".utf8) + [0xFF], "t.yaml:1:9: this is not UTF-8; save the file as UTF-8"),
            ([0xC3, 0x28], "t.yaml:1:1: this is not UTF-8; save the file as UTF-8"),
            (Array("title: a\nx\u{0}".utf8), "t.yaml:2:2: the file contains a NUL; it is not a text file"),
            ([0xFF, 0xFE, 0x61, 0], "t.yaml: the file is UTF-16; save it as UTF-8"),
        ] as [([UInt8], String)]
    )
    func refusesWhatIsNotText(bytes: [UInt8], expected: String) {
        #expect(TicketFile.parse(bytes, name: "t.yaml").problems.map(\.description) == [expected])
    }

    // MARK: Across tickets

    @Test func refusesIdsThatComeTwice() {
        #expect(
            problems("- {id: A, title: a}\n- {id: B, title: b}\n- {id: A, title: c}\n")
                == ["t.yaml:3:8: the id `A` is already that of the ticket in line 1"]
        )
    }

    @Test func namesCycles() {
        #expect(
            problems(
                """
                - {id: A, title: a, depends_on: [B]}
                - {id: B, title: b, depends_on: [X, C]}
                - {id: C, title: c, depends_on: [A]}
                - {id: D, title: d, depends_on: [A]}
                """
            ) == ["t.yaml:1:34: the dependencies go in a circle, A → B → C → A; take one of them away"]
        )
        #expect(problems("{id: A, title: a, depends_on: [A]}") == ["t.yaml:1:32: `A` depends on itself"])
    }

    @Test func aLongChainIsNoCycle() {
        let chain = (1...50_000).map { "- {id: T\($0), title: t, depends_on: [T\($0 + 1)]}" }.joined(separator: "\n")
        let batch = parse(chain)
        #expect(batch.problems == [] && batch.drafts.count == 50_000)
    }

    @Test func aThousandProblemsAreToldOfInAHundredLines() {
        let found = problems(String(repeating: "- {id: x}\n", count: 1000))
        #expect(found.count == 101)
        #expect(found.last == "t.yaml: and 1899 more problems like these")
    }

    // MARK: Files made to hurt

    @Test func deepNestingIsRefused() {
        for piece in ["[", "- ", "{a: ", "? "] {
            let found = problems(String(repeating: piece, count: 100_000) + "x")
            #expect(found.contains { $0.hasSuffix("this is nested too deeply") }, "\(piece): \(found)")
        }
    }

    @Test func aliasesThatMultiplyAreBounded() {
        let bomb =
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + zip("abcdefgh", "bcdefghi").map {
                "\($1): &\($1) [\(Array(repeating: "*\($0)", count: 9).joined(separator: ","))]\n"
            }
            .joined()
        let clock = ContinuousClock()
        let took = clock.measure {
            let found = problems(bomb)
            #expect(found.contains { $0.contains("more than 2000000 values") }, "\(found)")
        }
        #expect(took < .seconds(20))
        // As keys, where comparing them would take for ever.
        #expect(problems("a: &a [x]\n" + "? *a\n: y\n? *a\n: z\n").contains { $0.contains("a key is a list") })
    }

    @Test func anyBytesGiveProblemsOrTickets() {
        let sample = Array("- {id: A, title: 'a', locks: [\"x/**\", &b c, *b], priority: 1}\n- title: |\n   x\n".utf8)
        for seed in 1...3000 {
            var random = FileSeed(state: UInt64(seed))
            var bytes = sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert("{}[]:,-&*!|>'\"%@`\n\t ?#".utf8.randomElement(using: &random)!, at: at)
                }
            }
            let batch = TicketFile.parse(bytes, name: "t.yaml")
            if batch.drafts.isEmpty { #expect(!batch.problems.isEmpty, "seed \(seed)") }
        }
    }

    // MARK: Reading

    @Test func readsSeveralFilesAsOneBatch() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "orch-tickets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (a, b) = (directory.appending(path: "a.yaml"), directory.appending(path: "b.json"))
        try Data("id: A\ntitle: a\ndepends_on: [B]\n".utf8).write(to: a)
        try Data("{\"id\": \"B\", \"title\": \"b\"}".utf8).write(to: b)
        let batch = TicketFile.read([a.path, b.path])
        #expect(batch.problems == [] && batch.drafts.map(\.id?.text) == ["A", "B"])
        #expect(
            batch.problem(draft: 0, field: .dependsOn, index: 0, "unknown").description == "\(a.path):3:14: unknown"
        )
        try Data("{\"id\": \"A\", \"title\": \"b\", \"depends_on\": [\"A\"]}".utf8).write(to: b)
        #expect(
            TicketFile.read([a.path, b.path]).problems.map(\.message) == [
                "`A` depends on itself", "the id `A` is already that of the ticket in \(a.path):1",
            ]
        )
        let missing = directory.appending(path: "missing.yaml").path
        #expect(
            TicketFile.read([missing, directory.path]).problems.map(\.description) == [
                "\(missing): there is no such file", "\(directory.path): the file is a directory, not a file",
            ]
        )
        let fifo = directory.appending(path: "fifo").path
        try #require(mkfifo(fifo, 0o600) == 0)
        #expect(
            TicketFile.read([fifo], regularOnly: true).problems.map(\.message) == ["the file is not a regular file"]
        )
    }
}

/// The same numbers for the same seed.
private struct FileSeed: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
