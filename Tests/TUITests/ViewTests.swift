import Testing

@testable import IPC
@testable import TUI

/// Pictures of the screen beside the keys that produced them.
struct ViewTests {
    @Test func aDaysWork() {
        let story = Story.aDay()
        story.shows("a-day")
    }

    @Test func onAWideScreenThereIsRoomForWordsAndAgents() {
        let story = Story.aDay(columns: 110, rows: 22)
        story.shows("wide")
    }

    @Test func onTheSmallestScreenThePanelsStandAboveEachOther() {
        var story = Story.aDay(columns: 40, rows: 10)
        story.shows("smallest")
        story.press("G")
        story.shows("smallest-2")
    }

    @Test func withoutUnicodeEverythingIsDrawnInASCII() {
        let story = Story.aDay(columns: 60, rows: 16, glyphs: .ascii)
        story.shows("ascii")
        #expect(story.picture.unicodeScalars.allSatisfy { $0.isASCII })
    }

    @Test func helpComesFromTheTableOfKeys() {
        var story = Story.aDay(columns: 80, rows: 37)
        story.press("?")
        story.shows("help")
        story.press("?")
        #expect(story.row(0).hasPrefix("─ Tickets 9"))
    }

    @Test func quittingWithAgentsAtWorkIsAsked() {
        var story = Story.aDay()
        story.press("q")
        story.shows("quit-question")
    }

    @Test func haltingEverythingIsAsked() {
        var story = Story.aDay()
        story.press("H")
        story.shows("halt-question")
        #expect(
            story.rows(9...14) == """
                 ○ queued    T-4 Rewor╭──────────────────────────────────╮
                 ○ queued    T-5 Expla│ halt everything?                 │
                 Stopped 1            │                                  │
                 ■ stopped   T-7 Try t│ y    stop agents and landings    │
                 Done 2               │ Esc  stay                        │
                 × cancelled T-9 Write╰──────────────────────────────────╯
                """
        )
    }

    @Test func aLandingSaysThatEverythingIsHalted() {
        var story = Story.aDay()
        story.happens(.halted("the model is down"))
        story.press("j j j")
        #expect(story.row(20) == " everything is halted (the model is down); it goes on when you resume")
    }

    @Test func whatAPersonHoldsIsShownWithItsReason() {
        var story = Story.aDay()
        story.happens(.waiting(["T-4": "waits for src/**, held by anna: the release"]))
        story.press("j j j j")
        #expect(
            story.rows(17...20) == """
                ─ T-4 ─────────────────────────────────────────────┴────────────────────────────
                 Rework the navigation bar
                 ○ queued for 5m · profile claude · priority 5
                 waits for src/**, held by anna: the release
                """
        )
    }

    @Test func beforeTheFirstTicketTheScreenSaysHowToAddOne() {
        var story = Story(columns: 60, rows: 12)
        story.shows("first")
        story.happens(.snapshot(tickets: [], agents: [agent("agent-1")], waiting: [:]))
        story.shows("first-2")
    }

    @Test func anIdleAgentIsOfferedNoKeyForATicket() {
        var story = Story.aDay()
        story.press("Tab j")
        #expect(story.row(22) == " n new ticket  / filter  ? help  q quit")
        story.press("k")
        #expect(story.row(22) == " c continue  s stop  m message  Enter open  n new ticket  ? help  q quit")
    }

    @Test func keysForWhoKnowsThemStandWhereThereIsRoom() {
        var story = Story.aDay(columns: 200, rows: 50)
        story.press("g")
        #expect(
            story.row(48)
                == " c continue  s stop  r changes  Enter open  n new ticket  / filter  R afresh  x cancel  p priority  e edit  y copy id  ? help  q quit"
        )
    }

    @Test func theHelpIsWholeOnTheSmallestScreen() {
        var story = Story.aDay(columns: 40, rows: 10)
        story.press("?")
        var seen = story.rows(1...7)
        #expect(seen.hasPrefix(" Everywhere\n  c        continue the ticket:\n           approve, resume"))
        #expect(story.row(8) == " Down j more  Esc back")
        for _ in 0..<30 {
            story.press("PgDn")
            seen += "\n" + story.rows(1...7)
        }
        #expect(story.row(8) == " Esc back")
        for word in ["           them", "clicked."] { #expect(seen.contains(word), "\(word)") }
        #expect(!seen.contains("…"))
    }
}
