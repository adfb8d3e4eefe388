import Testing

@testable import Core

@Suite struct TicketDraftTests {
    @Test(arguments: [
        "T-1", "a", "7", "fix_login.v2", "A..b".replacing("..", with: "."), String(repeating: "x", count: 64),
    ])
    func takesIds(id: String) {
        #expect(TicketName.problem(with: id) == nil)
        #expect(BranchName.isReferenceName("agent-1/\(id)"))
    }

    @Test(arguments: [
        ("", "the id is empty"), ("a/b", "contains `/`"), ("a b", "contains a space"), ("a..b", "contains `..`"),
        ("..", "does not start with"), ("-rf", "does not start with"), (".hidden", "does not start with"),
        ("a\u{1B}", "the control character U+001B"), ("a\nb", "a line break"), ("a\u{0}", "a NUL"),
        ("🚀", "contains `🚀`"), ("שלום", "contains `ש`"), ("a\u{202E}b", "text direction control U+202E"),
        ("a\u{200B}b", "invisible character U+200B"), ("x.lock", "ends in `.lock`"), ("x.", "ends in `.`"),
        (String(repeating: "x", count: 65), "65 characters; at most 64"), ("a~1", "contains `~`"),
    ])
    func refusesIds(id: String, because: String) throws {
        #expect(try #require(TicketName.problem(with: id)).contains(because))
    }

    @Test(arguments: ["Add avatar upload", "a/b/../c", "-rf", "🚀 ship it 👩‍👩‍👧", "הוסף תמונה", "x", "  padded  "])
    func takesTitles(title: String) {
        #expect(TicketDraft(title: title).problems == [])
    }

    @Test(arguments: [
        ("", "the title is empty"), ("  \t\u{A0}", "the title is empty"), ("a\nb", "more than one line"),
        ("a\r\nb", "more than one line"), ("a\u{2028}b", "more than one line"),
        ("a\u{1B}[31mb", "the control character U+001B at character 2"), ("\u{7}a", "U+0007 at character 1"),
        ("abc\u{202E}", "text direction control U+202E at character 4"), ("a\tb", "a tab at character 2"),
        (String(repeating: "x", count: 201), "201 characters; at most 200"),
    ])
    func refusesTitles(title: String, because: String) throws {
        let problems = TicketDraft(title: title).problems
        #expect(problems.count == 1 && problems[0].field == .title)
        #expect(problems[0].message.contains(because), "\(problems)")
    }

    @Test func refusesWhatIsTooMuch() throws {
        var draft = TicketDraft(title: "t", description: String(repeating: "x", count: 10_000_000))
        #expect(
            draft.problems.map(\.message) == [
                "the description has 10.0 MB; at most 1 MiB is allowed: put long material into a file of the repository"
            ]
        )
        draft.description = String(repeating: "x", count: 1 << 20)
        #expect(draft.problems == [])
        draft.priority = 1_000_001
        draft.locks = try (1...101).map { try LockPattern("f\($0)") }
        draft.dependsOn = (1...101).map { TicketID("T-\($0)") }
        #expect(draft.problems.map(\.field) == [.priority, .locks, .dependsOn])
    }

    @Test func refusesDependenciesThatCannotBe() {
        let draft = TicketDraft(
            id: TicketID("T-1"),
            title: "t",
            dependsOn: [TicketID("T-2"), TicketID("T-1"), TicketID("T-2"), TicketID("a b")]
        )
        #expect(draft.problems.map(\.index) == [1, 2, 3])
        #expect(
            draft.problems.map(\.message).prefix(2) == ["`T-1` depends on itself", "`T-2` is listed twice"]
        )
    }

    @Test func refusesWorkflowsAndProfilesItDoesNotKnow() {
        let draft = TicketDraft(title: "t", agent: "../x", workflow: "feture")
        #expect(draft.problems.map(\.field) == [.agent, .workflow])
        #expect(draft.problems[1].message == "unknown workflow `feture`; known: feature")
    }
}

@Suite struct BranchNameTests {
    @Test(arguments: [
        ("Add avatar upload", "add-avatar-upload"), ("  --force  ", "force"), ("../../etc/passwd", "etc-passwd"),
        ("🚀🚀", ""), ("הוסף תמונה", ""), ("...", ""), ("x.lock", "x-lock"), ("Don't panic", "dont-panic"),
        ("Café au lait", "caf-au-lait"), ("@{upstream}~1^", "upstream-1"), ("a\u{0}b\nc", "a-b-c"),
        (
            "Make the very long title of this ticket fit into a branch name",
            "make-the-very-long-title-of-this-ticket"
        ),
        (String(repeating: "x", count: 60), String(repeating: "x", count: 40)),
        ("a " + String(repeating: "y", count: 60), "a-" + String(repeating: "y", count: 38)),
    ])
    func isMadeFromATitle(title: String, slug: String) {
        #expect(BranchName.slug(title) == slug)
        #expect(
            BranchName.isReferenceName(
                BranchName.branch(
                    prefix: "{agent}/",
                    agent: AgentID(2),
                    ticket: TicketID("T-7"),
                    title: title
                )
            )
        )
    }

    @Test func holdsAgentTicketAndSlug() {
        let name = BranchName.branch(
            prefix: "{agent}/",
            agent: AgentID(1),
            ticket: TicketID("T-7"),
            title: "Avatar upload"
        )
        #expect(name == "agent-1/T-7-avatar-upload")
        #expect(
            BranchName.branch(prefix: "orch/", agent: AgentID(1), ticket: TicketID("T-7"), title: "🚀") == "orch/T-7"
        )
    }

    @Test(arguments: ["{agent}/", "orch/{agent}/", "orch-", "", "a/b/"])
    func takesPrefixes(prefix: String) { #expect(BranchName.problem(withPrefix: prefix) == nil) }

    @Test(arguments: ["/", "a//", "-", "{slot}/", "a b/", ".x/", "a/../", "x.lock/", "a\u{7}", "~", "@{"])
    func refusesPrefixes(prefix: String) { #expect(BranchName.problem(withPrefix: prefix) != nil) }
}

@Suite struct NearestNameTests {
    private let known = ["id", "title", "priority", "locks", "depends_on", "description", "agent"]

    @Test(arguments: [
        ("tilte", "title"), ("Title", "title"), ("prioirty", "priority"), ("dependsOn", "depends_on"),
        ("depends-on", "depends_on"), ("lock", "locks"), ("desription", "description"), ("agnet", "agent"),
    ])
    func findsWhatWasMeant(text: String, name: String) { #expect(NearestName.of(text, among: known) == name) }

    @Test(arguments: ["", "colour", "xyz", "assignee", "nonsense"])
    func doesNotGuess(text: String) { #expect(NearestName.of(text, among: known) == nil) }
}
