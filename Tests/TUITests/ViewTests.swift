import Testing

@testable import IPC
@testable import TUI

/// Pictures of the screen beside the keys that produced them.
struct ViewTests {
    @Test func aDaysWork() {
        let story = Story.aDay()
        #expect(
            story.picture == """
                ─ Tickets 9 ───────────────────────────────────────┬─ Agents 1/3 ───────────────
                 Needs you 2                                       │ ● agent-1  T-1 Add a…   9m
                 ✗ needs you T-3 Migrate the database to W…    44m │ ○ agent-2  idle
                 ◆ approval  T-2 Fix the login redirect        12m │ ○ agent-10 idle
                 Working 1                                         │
                 ● running   T-1 Add avatar upload          p2  3m │
                 Landing 1                                         │
                 ▲ landing   T-6 Speed up the search index      0s │
                 Queued 2                                          │
                 ○ queued    T-4 Rework the navigation bar  p5  5m │
                 ○ queued    T-5 Explain how to install         5m │
                 Stopped 1                                         │
                 ■ stopped   T-7 Try the new allocator          2h │
                 Done 2                                            │
                 × cancelled T-9 Write a poem                   5h │
                 ✓ merged    T-8 Upgrade dependencies          13h │
                                                                   │
                ─ T-3 ─────────────────────────────────────────────┴────────────────────────────
                 Migrate the database to WAL
                 ✗ needs human review for 44m · stage verify · profile claude · attempt 3
                 verifier test failed 3 times with the same message: expected 3 but found 4

                 c continue  s stop  Enter transcript  Tab agents  ? help  q quit
                 ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2                                              live
                """
        )
    }

    @Test func onAWideScreenThereIsRoomForWordsAndAgents() {
        let story = Story.aDay(columns: 110, rows: 22)
        #expect(
            story.picture == """
                ─ Tickets 9 ──────────────────────────────────────────────────────── 1/9 ─┬─ Agents 1/3 ──────────────────────
                 Needs you 2                                                              │ ● agent-1  T-1 Add avatar u…   9m
                 ✗ needs you T-3 Migrate the database to WAL                          44m │ ○ agent-2  idle
                 ◆ approval  T-2 Fix the login redirect                               12m │ ○ agent-10 idle
                 Working 1                                                                │
                 ● running   T-1 Add avatar upload                         agent-1 p2  3m │
                 Landing 1                                                                │
                 ▲ landing   T-6 Speed up the search index                             0s │
                 Queued 2                                                                 │
                 ○ queued    T-4 Rework the navigation bar                         p5  5m │
                 ○ queued    T-5 Explain how to install                                5m │
                 Stopped 1                                                                │
                 ■ stopped   T-7 Try the new allocator                                 2h │
                 Done 2                                                                   │
                 × cancelled T-9 Write a poem                                          5h │
                ─ T-3 ────────────────────────────────────────────────────────────────────┴───────────────────────────────────
                 Migrate the database to WAL
                 ✗ needs human review for 44m · stage verify · profile claude · attempt 3
                 verifier test failed 3 times with the same message: expected 3 but found 4

                 c continue  s stop  Enter transcript  Tab agents  ? help  q quit
                 ◆ 2 need you  ● 1 running  ▲ 1 landing  ○ 2 queued  ■ 1 stopped  ✓ 2 done                               live
                """
        )
    }

    @Test func onTheSmallestScreenThePanelsStandAboveEachOther() {
        var story = Story.aDay(columns: 40, rows: 10)
        #expect(
            story.picture == """
                ─ Tickets 9 ────────────────────── 1/9 ─
                 ✗ T-3 Migrate the database to WAL  44m
                 ◆ T-2 Fix the login redirect       12m
                 ● T-1 Add avatar upload             3m
                 ▲ T-6 Speed up the search index     0s
                ─ Agents 1/3 ───────────────────── 1/3 ─
                 ● agent-1 working T-1 Add avatar…   9m
                 ✗ needs human review: verifier test f…
                 c continue  s stop  ? help  q quit
                 ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2      live
                """
        )
        story.press("G")
        #expect(
            story.picture == """
                ─ Tickets 9 ────────────────────── 9/9 ─
                 ○ T-5 Explain how to install        5m
                 ■ T-7 Try the new allocator         2h
                 × T-9 Write a poem                  5h
                 ✓ T-8 Upgrade dependencies         13h
                ─ Agents 1/3 ───────────────────── 1/3 ─
                 ● agent-1 working T-1 Add avatar…   9m
                 ✓ merged for 13h · profile claude
                 c continue  s stop  ? help  q quit
                 ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2      live
                """
        )
    }

    @Test func withoutUnicodeEverythingIsDrawnInASCII() {
        let story = Story.aDay(columns: 60, rows: 16, glyphs: .ascii)
        #expect(
            story.picture == """
                - Tickets 9 ------------------------------------------ 1/9 -
                 ! needs you T-3 Migrate the database to WAL            44m
                 ? approval  T-2 Fix the login redirect                 12m
                 * running   T-1 Add avatar upload                   p2  3m
                 ^ landing   T-6 Speed up the search index               0s
                 . queued    T-4 Rework the navigation bar           p5  5m
                 . queued    T-5 Explain how to install                  5m
                - Agents 1/3 ----------------------------------------- 1/3 -
                 * agent-1 working T-1 Add avatar upload                 9m
                 . agent-2 idle
                - T-3 ------------------------------------------------------
                 Migrate the database to WAL
                 ! needs human review for 44m - stage verify - profile cla~
                 verifier test failed 3 times with the same message: expec~
                 c continue  s stop  Enter transcript  ? help  q quit
                 ? 2  * 1  ^ 1  . 2  = 1  + 2                          live
                """
        )
        #expect(story.picture.unicodeScalars.allSatisfy { $0.isASCII })
    }

    @Test func helpComesFromTheTableOfKeys() {
        var story = Story.aDay(columns: 80, rows: 37)
        story.press("?")
        #expect(
            story.picture == """
                ─ Keys ─────────────────────────────────────────────────────────────────────────
                 Tickets and agents
                  c        continue the ticket: approve, resume, or try its failed stage again
                  s        stop the ticket's agent now; everything it did is kept
                  Enter    read what the ticket's agent prints
                  H        halt everything, after asking; when it is halted, let it go on
                  Tab      the other panel; on an agent, c and s act on its ticket
                  Up k     up
                  Down j   down
                  Left h   to the tickets
                  Right l  to the agents
                  PgUp     a page up
                  PgDn     a page down
                  Ctrl-U   half a page up
                  Ctrl-D   half a page down
                  g        to the beginning
                  G        to the end; a transcript follows it
                  Esc      back
                  ?        this help
                  q        quit; with agents working it asks what shall become of them
                  Ctrl-L   draw the screen anew

                 Transcript
                  Enter    on to the ticket's newest run
                  q        back

                 When asked about quitting
                  l        quit; the agents go on working
                  h        stop every running ticket, then quit

                 When asked about halting everything
                  y        stop every agent; nothing starts or lands until H is pressed again

                 The mouse selects with a click and scrolls with the wheel.

                 Esc back
                 ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2                                              live
                """
        )
        story.press("?")
        #expect(story.row(0).hasPrefix("─ Tickets 9"))
    }

    @Test func quittingWithAgentsAtWorkIsAsked() {
        var story = Story.aDay()
        story.press("q")
        #expect(
            story.picture == """
                ─ Tickets 9 ───────────────────────────────────────┬─ Agents 1/3 ───────────────
                 Needs you 2                                       │ ● agent-1  T-1 Add a…   9m
                 ✗ needs you T-3 Migrate the database to W…    44m │ ○ agent-2  idle
                 ◆ approval  T-2 Fix the login redirect        12m │ ○ agent-10 idle
                 Working 1                                         │
                 ● running   T-1 Add avatar upload          p2  3m │
                 Landing 1                                         │
                 ▲ landing   T-6 Speed up the search index      0s │
                 Queued 2             ╭──────────────────────────────────╮
                 ○ queued    T-4 Rewor│ 1 agent is working               │
                 ○ queued    T-5 Expla│                                  │
                 Stopped 1            │ l    leave them working and quit │
                 ■ stopped   T-7 Try t│ h    halt them all and quit      │
                 Done 2               │ Esc  stay                        │
                 × cancelled T-9 Write╰──────────────────────────────────╯
                 ✓ merged    T-8 Upgrade dependencies          13h │
                                                                   │
                ─ T-3 ─────────────────────────────────────────────┴────────────────────────────
                 Migrate the database to WAL
                 ✗ needs human review for 44m · stage verify · profile claude · attempt 3
                 verifier test failed 3 times with the same message: expected 3 but found 4

                 l leave them working  h halt them all  Esc stay
                 ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2                                              live
                """
        )
    }

    @Test func haltingEverythingIsAsked() {
        var story = Story.aDay()
        story.press("H")
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
        #expect(
            story.picture == """
                ─ Tickets ──────────────────────────────────────────────────

                  connecting to the daemon



                ─ Agents ───────────────────────────────────────────────────



                 Tab agents  ? help  q quit
                                                                 connecting
                """
        )
        story.happens(.snapshot(tickets: [], agents: [agent("agent-1")], waiting: [:]))
        #expect(
            story.picture == """
                ─ Tickets ──────────────────────────────────────────────────

                  no tickets yet
                  orch new "TITLE" adds one
                  orch enqueue FILE adds many

                ─ Agents 0/1 ───────────────────────────────────────────────
                 ○ agent-1 idle


                 Tab agents  ? help  q quit
                                                                       live
                """
        )
    }

    @Test func anIdleAgentIsOfferedNoKeyForATicket() {
        var story = Story.aDay()
        story.press("Tab j")
        #expect(story.row(22) == " Tab tickets  ? help  q quit")
        story.press("k")
        #expect(story.row(22) == " c continue  s stop  Enter transcript  Tab tickets  ? help  q quit")
    }

    @Test func theHelpIsWholeOnTheSmallestScreen() {
        var story = Story.aDay(columns: 40, rows: 10)
        story.press("?")
        var seen = story.rows(1...7)
        #expect(
            seen == """
                 Tickets and agents
                  c        continue the ticket:
                           approve, resume, or try its
                           failed stage again
                  s        stop the ticket's agent now;
                           everything it did is kept
                  Enter    read what the ticket's agent
                """
        )
        #expect(story.row(8) == " Down j more  Esc back")
        for _ in 0..<20 {
            story.press("PgDn")
            seen += "\n" + story.rows(1...7)
        }
        #expect(story.row(8) == " Esc back")
        for word in ["           prints", "           them", "wheel."] { #expect(seen.contains(word), "\(word)") }
        #expect(!seen.contains("…"))
    }
}
