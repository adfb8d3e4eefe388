import Testing

@testable import IPC
@testable import TUI

/// The overview of a ticket: over the screen, in a pane, in a few rows.
struct OverviewTests {
    @Test func aPageSaysWhatHoldsNowFirst() {
        Story.shows("overview") { story in
            story.hasAPast()
            story.press("Enter 4")
            story.answersAll()
        }
    }

    @Test func inAPaneItIsTheSameWhereThereIsRoom() {
        Story.shows("overview-pane") { story in
            story.hasAPast()
            story.answersAll()
        }
    }

    @Test func whoATicketWaitsForIsNamed() {
        var story = Story.aDay(columns: 100, rows: 30)
        story.press("j j j j j")
        let holder = "T-1      ● running   3m · agent-1 · Add avatar upload"
        #expect(story.picture.contains(" waits for lock src/** of T-1\n   \(holder)"))
        #expect(story.picture.contains(" s keeps it from starting"))
    }

    @Test func anAgentsSilenceIsReadAnewEverySecondOnlyWhereItIsSeen() {
        var story = Story.aDay(columns: 100, rows: 40)
        let stale = ticket("T-3", "Silent", "running", minutes: 6) {
            $0.stale_since = ago(6)
            $0.stale_evidence = "no output"
        }
        story.happens(.changed(tickets: ["T-3": stale], agents: [:]))
        story.press("g")
        while story.model.selectedTicket != "T-3" { story.press("j") }
        #expect(story.picture.contains(" no sign of life for 6m (no output); its run is being ended"))
        #expect(view(story.model).nextChange == Moment(milliseconds: Story.start.milliseconds + 1000))
    }

    @Test func itsFactsAreAskedForWhereThereIsRoomAndWhenItChanges() {
        var story = Story.aDay()
        #expect(story.taken().isEmpty)
        story.press("Enter 4")
        #expect(story.answers { $0 == .showTicket("T-3") ? .facts("") : nil }.last == .showTicket("T-3"))
        story.happens(.changed(tickets: ["T-7": ticket("T-7", "Try the new allocator", "queued")], agents: [:]))
        #expect(story.taken().isEmpty)
        story.hasAPast()
        story.happens(.changed(tickets: ["T-3": ticket("T-3", "Another title", "queued")], agents: [:]))
        // What has changed while it was asked is asked once more, after the answer.
        #expect(story.taken() == [.send(id: 3, .showTicket("T-3"))])
        story.happens(.answered(request: 3, .past))
        #expect(story.taken() == [.send(id: 4, .showTicket("T-3"))])
        story.happens(.answered(request: 4, .failure(.init(message: "the disk is gone", hint: nil))))
        #expect(story.picture.contains("more cannot be read: the disk is gone"))
        #expect(story.taken().isEmpty)
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionRegained)
        #expect(story.taken() == [.send(id: 5, .showTicket("T-3"))])
    }

    @Test func itScrollsToItsEndAndNoFurther() {
        var story = Story.aDay(columns: 40, rows: 10)
        story.hasAPast()
        story.press("Enter 4")
        story.answersAll()
        story.press("G")
        let end = story.picture
        #expect(end.contains("created"))
        story.press("PgDn j j")
        #expect(story.picture == end)
        story.press("k")
        #expect(story.picture != end)
        story.press("g")
        #expect(story.row(1) == " Migrate the database to WAL")
    }

    @Test(arguments: [(400, "0.4s"), (9_960, "10s"), (61_000, "1m1s"), (7_260_000, "2h1m"), (180_000_000, "2d2h")])
    func lengthsAreShort(_ milliseconds: Int64, _ text: String) {
        #expect(length(milliseconds: milliseconds) == text)
    }
}
