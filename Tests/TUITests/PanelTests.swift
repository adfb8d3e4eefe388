import Testing

@testable import IPC
@testable import TUI

/// What the lists and the bar below them say at a glance.
struct PanelTests {
    /// A day on which everybody waits for somebody.
    private static func busy(_ story: inout Story) {
        var rows: [String: TicketRow?] = [
            "T-2": ticket("T-2", "Fix the login redirect", "awaiting_approval", minutes: 12) {
                $0.reason = "verified: test, smoke"
                $0.comments = 2
            },
            "T-5": ticket("T-5", "漢字 Explain how to install", "queued") { $0.comments = 120 },
            "T-8": ticket("T-8", "Wait for T-1", "queued"),
        ]
        for (index, id) in ["T-20", "T-21", "T-22", "T-23"].enumerated() {
            rows[id] = ticket(id, "Land \u{1B}[31m\(id)", "landing", minutes: Int64(index)) { row in
                row.landing_place = [40, 12, nil, 41][index]
                if index == 0 { row.reason = "waits for its turn" }
                if index == 1 {
                    row.checks = ChecksRow(done: 1, total: 3, running: "test", since: "2026-11-20T11:59:48.000Z")
                }
                if index == 2 {
                    row.blocked = true
                    row.reason = "your checkout has changes to README.md"
                }
                if index == 3 { row.checks = ChecksRow(done: 2, total: 2) }
            }
        }
        story.happens(.changed(tickets: rows, agents: ["agent-2": agent("agent-2", on: "T-7", minutes: 70)]))
        story.happens(.waiting(["T-5": "waits for src/**, held by anna: the release", "T-8": "waits for T-1 to land"]))
        story.happens(.printed(ticket: "T-1", at: Moment("2026-11-20T11:59:55.000Z")))
        story.happens(.printed(ticket: "T-7", at: Moment("2026-11-20T11:57:30.000Z")))
    }

    @Test func atAGlance() {
        Story.shows("busy") { story in Self.busy(&story) }
    }

    @Test func withoutUnicodeToo() {
        var story = Story.aDay(columns: 120, rows: 40, glyphs: .ascii)
        Self.busy(&story)
        story.shows("busy-ascii")
        #expect(!story.picture.unicodeScalars.contains { !$0.isASCII && !(0x2E80...0xFFFF).contains($0.value) })
    }

    @Test func theQueueIsInItsTrueOrder() {
        var story = Story.aDay()
        Self.busy(&story)
        // Those without a place come last, and T-6 has waited for less long than T-22.
        #expect(story.model.tickets.landing == ["T-21", "T-20", "T-23", "T-22", "T-6"])
        #expect(["T-21", "T-20", "T-23", "T-22"].map(story.model.tickets.landingPlace) == [1, 2, 3, nil])
        // Every repository has a queue of its own.
        let other = ticket("T-24", "Elsewhere", "landing") {
            $0.repository = "r2"
            $0.landing_place = 30
        }
        story.happens(.changed(tickets: ["T-24": other], agents: [:]))
        #expect(["T-24", "T-20", "T-23"].map(story.model.tickets.landingPlace) == [1, 2, 3])
    }

    @Test func anAgentThatPrintsChangesNothingOnTheScreen() {
        var story = Story.aDay(columns: 120, rows: 40)
        story.happens(.printed(ticket: "T-1"))
        let before = story.picture
        story.now = Moment(milliseconds: story.now.milliseconds + 6000)
        story.happens(.printed(ticket: "T-1"))
        #expect(story.row(1) == before.split(separator: "\n", omittingEmptySubsequences: false)[1])
        story.now = Moment(milliseconds: story.now.milliseconds + 75_000)
        story.happens(.clock)
        #expect(story.row(1).contains(" »1m"))
        // Whose ticket is done has nothing to say about the next one.
        story.happens(.changed(tickets: [:], agents: ["agent-1": agent("agent-1", on: "T-4")]))
        #expect(!story.row(1).contains("»"))
    }

    @Test func printingIsToldNowAndThen() {
        var pulse = Pulse()
        func told(_ tickets: [String], read: String? = nil, at seconds: Int64) -> Int {
            let inputs: [Input] = tickets.map { .outputGrew(run: "\($0).2", stream: "stdout", size: 3) }
            return pulse.inputs(inputs, read: read, now: seconds * 1000).count
        }
        #expect(told(["T-1", "T-1", "T-2", "T-1"], at: 0) == 2)
        #expect(told(["T-1", "T-2"], at: 4) == 0)
        // All that is read, and no more signs of life than else.
        #expect(told(["T-1", "T-1"], read: "T-1", at: 4) == 2)
        #expect(told(["T-1"], at: 5) == 1)
        pulse.forget()
        #expect(told(["T-1"], at: 6) == 1)
    }

    // MARK: The status bar

    @Test func whoHasWaitedLongestIsSaidWhereThereIsRoom() {
        var story = Story.aDay(columns: 110, rows: 22)
        #expect(
            story.row(21).hasPrefix(
                " ◆ 2 need you  ● 1 running  ▲ 1 landing  ○ 2 queued  ■ 1 stopped  ✓ 2 done  oldest waits 44m   "
            )
        )
        story.happens(.resized(Size(columns: 80, rows: 24)))
        #expect(story.row(23).hasPrefix(" ◆ 2  ● 1  ▲ 1  ○ 2  ■ 1  ✓ 2  oldest waits 44m "))
        story.happens(.resized(Size(columns: 50, rows: 24)))
        #expect(!story.row(23).contains("oldest"))
        story.happens(.resized(Size(columns: 80, rows: 24)))
        story.happens(.changed(tickets: ["T-3": nil, "T-2": nil], agents: [:]))
        #expect(!story.row(23).contains("oldest"))
    }

    // MARK: The first run

    @Test func withoutARepositoryThatIsTheFirstStep() {
        for size in Story.sizes {
            var story = Story(columns: size.columns, rows: size.rows)
            story.happens(.snapshot(tickets: [], agents: [agent("agent-1")], waiting: [:]))
            story.shows("no-repository")
            story.happens(.repositories([RepositoryRow(id: "r1", path: "/home/ann/site", target: "main")]))
            story.shows("no-tickets")
        }
    }

    // MARK: What was missed

    @Test func whatWasMissedIsCounted() {
        var story = Story.aDay()
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionLost(reason: "y"))
        story.happens(.connectionRegained)
        #expect(story.row(22) == " the daemon is back")
        let changes: [String: TicketRow?] = [
            "T-1": ticket("T-1", "A", "merged"), "T-6": ticket("T-6", "A", "merged"),
            "T-4": ticket("T-4", "A", "needs_human_review"),
            "T-7": ticket("T-7", "A", "cancelled"), "T-2": ticket("T-2", "A", "needs_human_review"),
            "T-50": ticket("T-50", "A", "queued"),
        ]
        story.happens(.changed(tickets: changes, agents: [:]))
        story.happens(.caughtUp)
        #expect(story.row(22) == " the daemon is back: 2 landed, 1 needs you, 1 cancelled, 1 new")
        // Said once, and not over something else.
        story.happens(.connectionLost(reason: "x"))
        story.happens(.snapshot(tickets: [], agents: [], waiting: [:]))
        #expect(story.row(22) == " the daemon is back: nothing was missed")
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionRegained)
        story.press("c")
        story.happens(.caughtUp)
        #expect(!story.row(22).contains("back"))
    }
}
