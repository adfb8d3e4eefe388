import Testing

@testable import IPC
@testable import TUI

/// Orders that are given by typing: what is asked of the daemon, and what becomes of the text.
struct PromptTests {
    private static let hostile = "日本語 \u{1B}[2J\u{202E}👩\u{200D}💻\u{7}|"

    // MARK: Approving

    @Test func approvingWithoutACommentIsEnter() {
        var story = Story.aDay()
        story.press("j a")
        #expect(story.row(22) == " approve T-2:   a comment, or Enter alone              Enter approve  Esc back")
        story.press("Enter")
        #expect(story.taken() == [.send(id: 1, .approve(ticket: "T-2", comment: nil))])
        story.happens(.answered(request: 1, .ticket(state: "landing")))
        #expect(story.row(22) == " T-2 approved: now landing")
        #expect(story.model.keyContext == .lists)
    }

    @Test func aCommentGoesWithTheApproval() {
        var story = Story.aDay()
        story.press("j a")
        story.type("Looks good, q?")
        #expect(story.row(22) == " approve T-2: Looks good, q?                           Enter approve  Esc back")
        story.press("Enter")
        #expect(story.taken() == [.send(id: 1, .approve(ticket: "T-2", comment: "Looks good, q?"))])
        // Once: the answer is on its way.
        story.press("Enter x Enter")
        #expect(story.taken().isEmpty)
    }

    @Test func aRefusalLeavesWhatWasTyped() {
        var story = Story.aDay()
        story.press("j r")
        story.type("Use the new helper")
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 1, .requestChanges(ticket: "T-2", comment: "Use the new helper"))])
        story.happens(
            .answered(request: 1, .failure(.init(message: "cannot request-changes T-2: it is landing", hint: "wait")))
        )
        #expect(story.row(22) == " cannot request-changes T-2: it is landing · wait")
        #expect(story.picture.contains("│ Use the new helper"))
        story.type("s")
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 2, .requestChanges(ticket: "T-2", comment: "Use the new helpers"))])
        story.happens(.connectionLost(reason: "gone"))
        // In full, in as many rows as that takes.
        #expect(story.row(21).hasPrefix(" the daemon went away before it answered; look at the ticket's state"))
        #expect(story.row(22) == " back, and repeat: that is safe")
        story.press("Ctrl-S")
        #expect(story.row(22) == " not possible now: the daemon is not connected")
        story.happens(.connectionRegained)
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 3, .requestChanges(ticket: "T-2", comment: "Use the new helpers"))])
        story.happens(.answered(request: 3, .ticket(state: "queued")))
        #expect(story.row(22) == " T-2 goes back to its agent: now queued")
    }

    @Test func aRefusedApprovalSaysSoBelowWhatIsTyped() {
        var story = Story.aDay()
        story.press("a")
        story.type("ok")
        story.press("Enter")
        story.happens(.answered(request: 1, .failure(.init(message: "cannot approve T-3: it failed", hint: nil))))
        #expect(story.row(22).hasPrefix(" approve T-3: ok"))
        #expect(story.row(23) == " cannot approve T-3: it failed")
    }

    @Test func changesWithoutWordsAreRefused() {
        var story = Story.aDay()
        story.press("j r Enter Ctrl-S")
        #expect(story.taken().isEmpty)
        #expect(story.row(22) == " say what is to change: its agent is told nothing else")
        story.press("Esc")
        #expect(story.model.keyContext == .lists)
    }

    @Test(arguments: [
        ("j j a", "T-1 is running: it asks for your word once it is verified"),
        ("j j j a", "T-6 is landing already"),
        ("G a", "T-8 is merged: nothing is left to approve"),
        ("j j j j j j a", "T-7 is stopped: it has to go on first"),
        ("j j r", "T-1 is running: changes can be asked for while it waits for you"),
        ("G r", "T-8 is merged: nothing is left to change"),
        ("Tab j a", "agent-2 works on no ticket"),
    ])
    func whatCannotBeAskedSaysWhy(_ keys: String, _ reason: String) {
        var story = Story.aDay()
        story.press(keys)
        #expect(story.row(22) == " \(reason)")
        #expect(story.model.keyContext == .lists)
    }

    @Test func aPasteIsTextInABoxAndNowhereElse() {
        var story = Story.aDay()
        story.press("j r")
        story.paste("first\nsecond\tqs\n")
        story.press("Ctrl-S")
        #expect(story.taken() == [.send(id: 1, .requestChanges(ticket: "T-2", comment: "first\nsecond\tqs\n"))])
    }

    // MARK: As it looks

    @Test func theLineThatIsTypedHasThePlaceOfTheKeys() {
        Story.shows("prompt-approve") { story in
            story.press("j a")
            story.type("日本語 and e\u{301} ")
            story.paste(Self.hostile)
        }
    }

    @Test func aLineLongerThanTheRoomShowsThePartAroundTheCursor() {
        Story.shows("prompt-long") { story in
            story.press("j a")
            for number in 1...40 { story.type("word\(number) ") }
            story.press("Home")
            for _ in 0..<20 { story.press("C-Right") }
        }
    }

    @Test func severalLinesAreTypedInABox() {
        Story.shows("prompt-changes") { story in
            story.press("j r")
            story.type(
                "Please use the helper in src/avatar/upload.swift instead of a new one, and say why the limit is 2 MB.\n\n"
            )
            story.paste("- 日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語\n- \(Self.hostile)\n")
            for number in 1...9 { story.type("- \(number)\n") }
            story.press("Up Up Up Up Up Up")
        }
    }
}
