import Testing

@testable import IPC
@testable import TUI

/// What agents ask people, and how it is answered.
struct QuestionTests {
    private static func question(_ kind: String, _ text: String, minutes: Int64 = 2) -> QuestionRow {
        QuestionRow(number: 3, kind: kind, text: text, since: ago(minutes), until: ago(-30))
    }

    private static func asks(
        _ kind: String,
        _ text: String = "Which of the two schemas is right?",
        columns: Int = 80,
        rows: Int = 24
    ) -> Story {
        var story = Story.aDay(columns: columns, rows: rows)
        let row = ticket("T-1", "Add avatar upload", "running", minutes: 50) {
            $0.stage = "work"
            $0.agent = "agent-1"
            $0.run = "T-1.1"
            $0.question = question(kind, text)
        }
        story.happens(.changed(tickets: ["T-1": row], agents: [:]))
        return story
    }

    private static func order(_ text: String, _ allows: Bool?) -> [Command] {
        [.send(id: 1, .answer(ticket: "T-1", question: 3, text: text, allows: allows))]
    }

    @Test func whoAsksStandsAmongThoseThatNeedSomebody() {
        let story = Self.asks("question")
        // It waits since it asks, not since it works.
        #expect(story.row(1).hasPrefix(" Needs you 3"))
        #expect(story.row(4).hasPrefix(" ◆ asks      T-1 "))
        #expect(story.row(4).contains(" 2m "))
        #expect(story.model.tickets.count(of: .working) == 0)
        #expect(story.statusBar.contains("oldest waits 44m"))
        var filtered = story
        for (filter, count) in [("is:needs-you", 3), ("is:working", 1)] {
            filtered.press("Esc /")
            filtered.type(filter)
            #expect(filtered.model.tickets.count == count, "\(filter)")
            filtered.press("Esc")
        }
        var answered = story
        let row = ticket("T-1", "Add avatar upload", "running", minutes: 50)
        answered.happens(.changed(tickets: ["T-1": row], agents: [:]))
        #expect(answered.row(1).hasPrefix(" Needs you 2"))
    }

    @Test func somebodyIsTold() {
        var story = Story.aDay()
        story.model.preferences.alert = .bell
        let row = ticket("T-1", "Add avatar upload", "running") { $0.question = Self.question("question", "What?") }
        story.happens(.changed(tickets: ["T-1": row], agents: [:]))
        #expect(story.taken() == [.alert("T-1 needs you: Add avatar upload")])
    }

    @Test func aQuestionIsAnswered() {
        let text =
            "Which of the two schemas is right, the one of the docs or that of the code? \u{1B}[2J漢字 "
            + String(repeating: "Say so. ", count: 20)
        Story.shows("question") { story in
            let row = ticket("T-1", "Add avatar upload", "running", minutes: 50) {
                $0.stage = "work"
                $0.agent = "agent-1"
                $0.run = "T-1.1"
                $0.question = Self.question("question", text)
            }
            story.happens(.changed(tickets: ["T-1": row], agents: [:]))
            story.press("g j j a")
            story.type("that of the code")
        }
        var story = Self.asks("question")
        story.press("g j j")
        #expect(story.row(22).contains("a answer"))
        story.press("r")
        #expect(story.row(22) == " T-1 asks for an answer, not for leave")
        story.press("a Ctrl-S")
        #expect(story.taken().isEmpty && story.row(22).contains("say the answer"))
        story.type("that of the code")
        story.press("Ctrl-S")
        #expect(story.taken() == Self.order("that of the code", nil))
        story.happens(.answered(request: 1, .ticket(state: "running")))
        #expect(story.row(22) == " T-1 has its answer")
        #expect(story.model.keyContext == .lists)
    }

    @Test(arguments: [
        (key: "a", verb: "allow", allows: true, says: "T-1 may do it"), ("r", "deny", false, "T-1 may not do it"),
    ])
    func leaveIsGivenOrDenied(_ key: String, _ verb: String, _ allows: Bool, _ says: String) {
        var story = Self.asks("permission", "Bash: git push")
        #expect(story.row(4).hasPrefix(" ◆ leave?    T-1 "))
        story.press("g j j")
        #expect(story.row(22).contains("\(key) \(verb)"))
        #expect(story.picture.contains("asks for leave: Bash: git push"))
        story.press(key)
        #expect(story.row(22).hasPrefix(" \(verb) T-1:"))
        story.press("Enter")
        #expect(story.taken() == Self.order("", allows))
        story.happens(.answered(request: 1, .ticket(state: "running")))
        #expect(story.row(22) == " " + says)
    }

    @Test func whatCannotBeAnsweredAnyMoreIsSaid() {
        var story = Self.asks("permission", "Bash: git push")
        story.press("g j j a Enter")
        story.happens(.answered(request: 1, .failure(.init(message: "T-1 asks nothing", hint: nil))))
        #expect(story.picture.contains("T-1 asks nothing"))
    }
}
