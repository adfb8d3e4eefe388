import Testing

@testable import TUI

/// The user's own keys: what is taken, what is refused, and that everything that names a key names theirs.
struct PreferencesTests {
    private static func problems(_ keys: [String: [String]], theme: String = "auto") -> [String] {
        var problems: [Preferences.Problem] = []
        _ = Preferences(theme: theme, keys: keys, problems: &problems)
        return problems.map { "\($0.place): \($0.message)" }
    }

    private static func story(_ keys: [String: [String]]) -> Story {
        var problems: [Preferences.Problem] = []
        var story = Story.aDay()
        story.model.preferences = Preferences(theme: "", keys: keys, problems: &problems)
        #expect(problems.isEmpty)
        return story
    }

    // MARK: Notation

    @Test(arguments: [
        ("c", Key.character("c")), ("H", .character("H")), ("ö", .character("ö")), ("Space", .character(" ")),
        ("Ctrl-D", .control("d")), ("ctrl-d", .control("d")), ("Alt-x", .alt("x")), ("alt-X", .alt("X")),
        ("F5", .function(5)), ("f12", .function(12)), ("f", .character("f")), ("Enter", .enter), ("esc", .escape),
        ("PgUp", .pageUp), ("PageDown", .pageDown), ("Shift-Tab", .backTab), ("Ctrl-Left", .controlLeft),
        ("Ctrl-Space", .control(" ")), ("-", .character("-")),
    ])
    func keysAreRead(_ notation: String, _ key: Key) throws {
        #expect(try Key(notation: notation) == key)
        // What is shown can be written.
        #expect(try Key(notation: key.notation) == key)
    }

    @Test(arguments: [
        ("", "is no key"), ("xy", "\"xy\" is no key"), ("F13", "is no key"), ("Ctrl-", "is no key"),
        ("Ctrl-1", "Ctrl goes with a letter"), ("Ctrl-I", "write Tab"), ("Ctrl-c", "it ends programs"),
        ("\u{1B}", "a control character"), ("Hyper-x", "is no key"),
    ])
    func whatIsNoKeyIsSaid(_ notation: String, _ words: String) {
        #expect { _ = try Key(notation: notation) } throws: {
            ($0 as? Key.Problem)?.message.contains(words) == true
        }
    }

    @Test func everyKeyOfTheTableCanBeWritten() throws {
        for key in KeyBinding.table.flatMap(\.keys) { #expect(try Key(notation: key.notation) == key) }
    }

    @Test func actionsHaveNamesOfTheirOwn() {
        var actions: [String: Action] = [:]
        for action in KeyBinding.table.map(\.action) {
            let name = action.name
            #expect(name.utf8.allSatisfy { $0 == UInt8(ascii: "-") || (0x61...0x7A).contains($0) }, "\(name)")
            #expect(actions.updateValue(action, forKey: name) ?? action == action, "\(name)")
        }
    }

    // MARK: What is refused

    @Test(
        arguments: [
            (["aprove": ["b"]], ["keys.aprove: there is no action \"aprove\"; did you mean \"approve\"?"]),
            (
                ["approve": ["s"]],
                ["keys.approve[0]: s means \"stop\", too, in the lists; give one of them another key"]
            ),
            (
                ["approve": ["b", "s"], "stop": ["s"]],
                ["keys.stop[0]: s means \"approve\", too, in the lists; give one of them another key"]
            ),
            (["stop": ["Ctrl-I"]], ["keys.stop[0]: Ctrl-I is no key of its own: terminals send it for Tab; write Tab"]),
            (["quit": []], ["keys.quit: nothing else leads out in the lists; give it a key"]),
            (
                ["back": ["b"]],
                ["keys.back: nothing else leads out where text is typed; give it a key that is no character"]
            ),
        ] as [([String: [String]], [String])]
    )
    func whatCannotBeIsSaid(_ keys: [String: [String]], _ expected: [String]) {
        #expect(Self.problems(keys) == expected)
    }

    @Test func whatIsFarFromEverythingIsToldAllThereIs() {
        let problem = Self.problems(["frobnicate": ["b"]])
        #expect(problem.count == 1)
        #expect(problem[0].hasPrefix("keys.frobnicate: there is no action \"frobnicate\"; known: "))
        #expect(problem[0].contains(", approve, "))
    }

    @Test func aThemeThatIsNoneIsSaid() {
        #expect(
            Self.problems([:], theme: "drak")[0].hasPrefix("theme: there is no theme named \"drak\"; themes: auto, ")
        )
    }

    @Test func keysCanBeSwappedAndTakenAway() {
        #expect(Self.problems(["approve": ["s"], "stop": ["a"], "request-changes": []]).isEmpty)
        #expect(Self.problems(["back": ["b", "F1"]]).isEmpty)
    }

    // MARK: What follows from them

    @Test func otherKeysDoWhatTheySay() {
        var story = Self.story(["stop": ["F5", "Ctrl-X"], "approve": []])
        story.press("j j s")
        #expect(story.taken().isEmpty)
        #expect(story.row(22).contains("F5 stop"))
        story.happens(.key(.control("x")))
        #expect(story.taken() == [.send(id: 1, .stop(ticket: "T-1"))])
        story.press("k a")
        #expect(story.model.keyContext == .lists)
    }

    @Test func theHelpAndTheQuestionsNameTheUsersKeys() {
        var story = Self.story(["back": ["F1", "b"], "leave-working": ["w"], "help": ["F2"]])
        #expect(story.row(22).contains("F2 help"))
        story.happens(.key(.function(2)))
        #expect(story.model.helpRows.contains { $0.name == "F1 b" })
        story.happens(.key(.character("b")))
        story.press("q")
        #expect(story.picture.contains("│ w    leave them working and quit"))
        #expect(story.picture.contains("│ F1 b stay"))
        story.happens(.key(.function(1)))
        #expect(story.model.keyContext == .lists)
        // Where text is typed, a character is text.
        story.press("j a b")
        #expect(story.row(22).hasPrefix(" approve T-2: b"))
    }
}
