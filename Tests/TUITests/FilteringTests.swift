import Testing

@testable import IPC
@testable import TUI

/// The list of tickets while a filter is typed, and after.
struct FilteringTests {
    @Test func theListFollowsWhatIsTyped() {
        var story = Story.aDay()
        story.press("/")
        #expect(story.row(22).hasPrefix(" / "))
        story.type("upl")
        #expect(story.row(0).hasPrefix("─ Tickets 1/9 /upl ──"))
        #expect(story.model.selectedTicket == "T-1")
        story.press("Enter")
        #expect(story.row(0).hasPrefix("─ Tickets 1/9 /upl ──"))
        #expect(story.row(22).hasSuffix("Esc show all  ? help  q quit"))
        story.press("Esc")
        #expect(story.row(0).hasPrefix("─ Tickets 9 ──"))
        #expect(story.model.selectedTicket == "T-1")
    }

    @Test func escapeWhileTypingListsAllAndSelectsWhatWas() {
        var story = Story.aDay()
        story.press("j j j")
        let before = story.picture
        story.press("/")
        story.type("is:queued")
        #expect(story.model.selectedTicket == "T-4")
        story.press("Esc")
        #expect(story.picture == before)
    }

    @Test func whatIsSelectedComesBackWithTheListItIsIn() {
        var story = Story.aDay()
        story.press("j /")
        story.type("x")
        #expect(story.model.selectedTicket == "T-2")
        story.type("y")
        #expect(story.model.selectedTicket == nil)
        story.press("BS BS")
        #expect(story.model.selectedTicket == "T-2")
    }

    @Test func aKeptFilterIsChanged() {
        var story = Story.aDay()
        story.press("/")
        story.type("is:done")
        story.press("Enter G")
        #expect(story.model.selectedTicket == "T-8")
        story.press("/")
        #expect(story.row(22).hasPrefix(" / is:done"))
        story.press("Ctrl-U Enter")
        #expect(story.row(0).hasPrefix("─ Tickets 9 ──"))
    }

    @Test func aTicketThatNoLongerMatchesGivesWay() {
        var story = Story.aDay()
        story.press("/")
        story.type("is:queued")
        story.press("Enter")
        story.happens(.changed(tickets: ["T-4": ticket("T-4", "Rework the navigation bar", "running")], agents: [:]))
        #expect(story.model.selectedTicket == "T-5")
        story.happens(.changed(tickets: ["T-5": ticket("T-5", "Explain how to install", "running")], agents: [:]))
        #expect(story.model.selectedTicket == nil)
        #expect(story.picture.contains("no ticket matches"))
        #expect(story.picture.contains("Esc lists all 9"))
    }

    @Test func whatCanNeverHoldIsSaidAsItIsTyped() {
        Story.shows("filter-problem") { story in
            story.press("/")
            story.type("is:nothing")
        }
        var story = Story.aDay()
        story.press("/")
        story.type("is:nothing")
        #expect(story.row(23).hasPrefix(" nothing is nothing; known: needs-you, working"))
        #expect(story.model.selectedTicket == nil)
    }

    @Test func pictures() {
        Story.shows("filter") { story in
            story.press("/")
            story.type("is:needs-you")
        }
        Story.shows("filter-none") { story in
            story.press("/")
            story.type("xyzzy")
            story.press("Enter")
        }
    }
}

/// What is typed behind a colon.
struct CommandLineTests {
    private static func after(_ line: String, _ prepare: (inout Story) -> Void = { _ in }) -> Story {
        var story = Story.aDay()
        prepare(&story)
        story.press(":")
        story.type(line)
        story.press("Enter")
        return story
    }

    @Test func actionsAreGivenByName() {
        var story = Self.after("stop T-1")
        #expect(story.taken() == [.send(id: 1, .stop(ticket: "T-1"))])
        #expect(story.model.selectedTicket == "T-1")
        story = Self.after("approve t-2 well done")
        #expect(story.taken() == [.send(id: 1, .approve(ticket: "T-2", comment: "well done"))])
        story = Self.after("approve T-2")
        #expect(story.row(22).hasPrefix(" approve T-2:"))
        story = Self.after("filter is:done")
        #expect(story.row(0).hasPrefix("─ Tickets 2/9 /is:done"))
        #expect(story.model.keyContext == .lists)
        story = Self.after("request-changes T-2 more tests")
        #expect(story.picture.contains("│ more tests"))
        #expect(story.taken().isEmpty)
        story = Self.after("T-7")
        #expect(story.model.selectedTicket == "T-7")
        story = Self.after("quit")
        #expect(story.model.keyContext == .quitQuestion)
        story = Self.after("")
        #expect(story.model.keyContext == .lists)
    }

    @Test func aTicketThatIsNotListedIsListedToBeWorkedOn() {
        let story = Self.after("transcript T-7") {
            $0.press("/")
            $0.type("is:done")
            $0.press("Enter")
        }
        #expect(story.model.selectedTicket == "T-7")
        #expect(story.row(0).contains(" T-7 "))
    }

    @Test func themesAreChosen() {
        var story = Self.after("theme dark")
        #expect(story.taken().count == 1)
        story = Self.after("theme drak")
        #expect(story.taken().isEmpty)
        #expect(story.row(23).hasPrefix(" there is no theme named \"drak\" · themes: auto, dark"))
    }

    @Test func whatIsNoCommandIsSaidAndStays() {
        var story = Self.after("aprove T-2")
        #expect(story.row(23) == " there is no action aprove · did you mean approve?")
        #expect(story.row(22).hasPrefix(" : aprove T-2"))
        story = Self.after("stop T-2")
        #expect(story.row(22) == " T-2 waits for you: no agent works on it")
        story = Self.after("help me")
        #expect(story.taken().isEmpty)
    }

    @Test func namesAreCompleted() {
        func completed(_ text: String) -> Story {
            var story = Story.aDay()
            story.press(":")
            story.type(text)
            story.press("Tab")
            return story
        }
        #expect(completed("appr").row(22).hasPrefix(" : approve  "))
        #expect(completed("approve t-3").row(22).hasPrefix(" : approve T-3 "))
        #expect(completed("theme l").row(22).hasPrefix(" : theme light "))
        #expect(completed("filter is:ne").row(22).hasPrefix(" : filter is:needs-you "))
        #expect(completed("co").row(23) == " continue  copy-ticket  copy-worktree  command")
        #expect(completed("copy").row(22).hasPrefix(" : copy-"))
        #expect(completed("xyzzy").row(23) == " nothing begins with xyzzy")
        Story.shows("command") { story in
            story.press(":")
            story.type("ne")
            story.press("Tab")
        }
    }

    @Test func withoutTheDaemonWhatAsksNothingOfItWorks() {
        let story = Self.after("filter is:done") { $0.happens(.connectionLost(reason: "gone")) }
        #expect(story.row(0).hasPrefix("─ Tickets 2/9"))
    }
}

/// Clicks beyond the lists.
struct MouseTests {
    private static func place(of text: String, in story: Story) throws -> (x: Int, y: Int) {
        for (y, row) in story.picture.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let range = row.firstRange(of: text) else { continue }
            return (row.distance(from: row.startIndex, to: range.lowerBound), y)
        }
        throw Failure("\(text) is not on the screen:\n\(story.picture)")
    }

    private static func click(_ text: String, _ story: inout Story, _ kind: Mouse.Kind = .press) throws {
        let (x, y) = try place(of: text, in: story)
        story.happens(.mouse(Mouse(kind: kind, x: x, y: y)))
    }

    @Test func hintsAreKeys() throws {
        var story = Story.aDay()
        try Self.click("quit", &story)
        #expect(story.model.keyContext == .quitQuestion)
        try Self.click("leave them working and quit", &story)
        #expect(story.taken() == [.quit])
    }

    @Test func aClickBesideAQuestionIsNothing() throws {
        var story = Story.aDay()
        story.press("H")
        try Self.click("Tickets", &story)
        try Self.click("halt everything?", &story)
        #expect(story.model.keyContext == .haltQuestion)
        try Self.click("stay", &story)
        #expect(story.model.keyContext == .lists)
    }

    @Test func tabsAreShownAndTicketsOpened() throws {
        var story = Story.aDay(columns: 120, rows: 40)
        try Self.click("Transcript", &story)
        #expect(story.model.detail.tab == .transcript)
        try Self.click("Fix the login", &story, .doublePress)
        #expect(story.model.detail.reading == .page(ticket: "T-2"))
        try Self.click("Overview", &story)
        #expect(story.model.detail.shown == .overview)
        story.press("Esc")
        try Self.click("Needs you 2", &story, .doublePress)
        #expect(story.model.detail.reading == .lists)
    }

    @Test func itIsLeftToTheTerminalAndTakenBack() {
        var story = Story.aDay()
        story.press("M")
        #expect(story.taken() == [.reportMouse(false)])
        #expect(story.row(22) == " the mouse is the terminal's: select text with it · M takes it back")
        story.press("M")
        #expect(story.taken() == [.reportMouse(true)])
    }
}

/// The bell that rings when somebody is needed.
struct AlertTests {
    private static func story(_ alert: Preferences.Alert = .bell) -> Story {
        var story = Story()
        story.model.preferences.alert = alert
        story.happens(.snapshot(tickets: [ticket("T-1", "A", "awaiting_approval")], agents: [], waiting: [:]))
        return story
    }

    @Test func whatNeedsSomebodyIsToldOnceInABurst() {
        var story = Self.story()
        #expect(story.taken().isEmpty)
        story.happens(.changed(tickets: ["T-2": ticket("T-2", "Fix it", "running")], agents: [:]))
        #expect(story.taken().isEmpty)
        story.happens(.changed(tickets: ["T-2": ticket("T-2", "Fix it", "needs_human_review")], agents: [:]))
        #expect(story.taken() == [.alert("T-2 needs you: Fix it")])
        // It still does, and another one does, too.
        story.happens(.changed(tickets: ["T-2": ticket("T-2", "Fix it", "awaiting_approval")], agents: [:]))
        story.happens(.changed(tickets: ["T-3": ticket("T-3", "C", "awaiting_approval")], agents: [:]))
        #expect(story.taken().isEmpty)
        story.now.milliseconds += 5000
        let two = ["T-4", "T-5"].map { ($0, ticket($0, "D", "running") { $0.blocked = true }) }
        story.happens(.changed(tickets: Dictionary(uniqueKeysWithValues: two), agents: [:]))
        #expect(story.taken() == [.alert("2 tickets need you")])
    }

    @Test func whatWasMissedIsTold() {
        var story = Self.story()
        story.happens(.connectionLost(reason: "gone"))
        story.happens(
            .snapshot(
                tickets: [ticket("T-1", "A", "awaiting_approval"), ticket("T-2", "B", "awaiting_approval")],
                agents: [],
                waiting: [:]
            )
        )
        #expect(story.taken() == [.alert("T-2 needs you: B")])
    }

    @Test func byDefaultNobodyIsTold() {
        var story = Self.story(.off)
        story.happens(.changed(tickets: ["T-2": ticket("T-2", "Fix it", "needs_human_review")], agents: [:]))
        #expect(story.taken().isEmpty)
    }
}
