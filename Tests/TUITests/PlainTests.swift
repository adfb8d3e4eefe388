import Testing

@testable import IPC
@testable import TUI

/// The dashboard for screen readers.
struct PlainTests {
    @Test func wordsSayItAllAndNothingIsDrawn() {
        for size in Story.sizes {
            var story = Story.aDay(columns: size.columns, rows: size.rows, glyphs: .words)
            story.shows("plain")
            story.press("q")
            story.shows("plain-question")
            story.press("Esc Enter")
            let drawn = "─│┬┴├╭╮╰╯●○◆▲■✓✗×…|"
            #expect(!story.picture.contains { drawn.contains($0) })
        }
    }

    @Test func theCursorStandsOnWhatIsSelected() {
        var story = Story.aDay(columns: 120, rows: 40, glyphs: .words)
        func cursorRow() -> String? { view(story.model).cursor.map { story.row($0.y) } }
        #expect(cursorRow()?.contains("T-3 Migrate") == true)
        story.press("j")
        #expect(cursorRow()?.contains("T-2 Fix") == true)
        story.press("2")
        #expect(cursorRow()?.contains("agent-1") == true)
        story.press("/")
        story.type("ab")
        #expect(view(story.model).cursor == Screen.Place(x: 5, y: 38))
    }
}

/// Where no daemon runs.
struct DaemonStartTests {
    @Test func oneIsOfferedStartedAndFound() {
        var story = Story()
        story.happens(.connectionLost(reason: "no daemon is listening"))
        story.happens(.daemonMissing)
        #expect(story.row(22) == " Enter start one  q quit  Esc back")
        story.press("Enter Enter")
        #expect(story.taken() == [.startDaemon])
        #expect(story.picture.contains("│ starting a daemon"))
        story.happens(.snapshot(tickets: [], agents: [agent("agent-1")], waiting: [:]))
        #expect(story.row(22) == " the daemon runs")
        #expect(story.model.keyContext == .lists)
    }

    @Test func whoLooksAtWhatWasMayStartOneAfterAll() {
        var story = Story.aDay()
        story.press("D")
        #expect(story.row(22) == " a daemon runs")
        story.happens(.connectionLost(reason: "no daemon is listening"))
        story.press("D")
        #expect(story.row(22) == " it is not known yet that none runs")
        story.happens(.daemonMissing)
        story.press("Esc")
        #expect(story.row(22).contains("D start a daemon"))
        story.press("D")
        #expect(story.taken() == [.startDaemon])
        #expect(story.picture.contains("│ starting a daemon"))
    }

    @Test func aFailureIsSaidAndTriedAgain() {
        var story = Story()
        story.happens(.daemonMissing)
        story.press("Enter")
        story.happens(.daemonFailed("the daemon ended before it listened:\n    no room", hint: "orch daemon"))
        #expect(story.picture.contains("│ the daemon ended before it listened:"))
        story.press("Enter")
        #expect(story.taken() == [.startDaemon, .startDaemon])
        story.press("q")
        #expect(story.taken() == [.quit])
    }

    @Test func whoTypesIsNotInterrupted() {
        var story = Story.aDay()
        story.press("j a")
        story.happens(.connectionLost(reason: "gone"))
        story.happens(.daemonMissing)
        #expect(story.model.keyContext == .prompt)
    }

    @Test func pictures() {
        Story.shows("no-daemon") { story in
            story.happens(.connectionLost(reason: "no daemon is listening"))
            story.happens(.daemonMissing)
        }
        Story.shows("no-daemon-failed") { story in
            story.happens(.connectionLost(reason: "no daemon is listening"))
            story.happens(.daemonMissing)
            let reason =
                "the daemon ended before it listened:\n    orch: 1 problem in /home/me/.config/orch/config.json"
            story.happens(.daemonFailed(reason, hint: "its log is /home/me/.local/state/orch/daemon.log"))
        }
    }
}
