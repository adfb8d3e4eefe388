import Testing

@testable import IPC
@testable import TUI

/// What people have said of a ticket.
struct ReviewTests {
    @Test func theNewestWordsComeFirst() {
        Story.shows("review") { story in
            story.hasAPast()
            story.press("Enter 8")
            story.answersAll()
        }
    }

    @Test func inAPane() {
        Story.shows("review-pane") { story in
            story.hasAPast()
            story.press("8")
            story.answersAll()
        }
    }

    @Test func withoutAnyASentenceSaysHowTheyComeAbout() {
        var story = Story.aDay()
        story.press("Enter 8")
        story.answers { if case .showTicket = $0 { .facts("") } else { nil } }
        #expect(story.row(1).hasPrefix(" nobody has said anything about T-3 yet: "))
        story.happens(.connectionLost(reason: "x"))
        story.happens(.connectionRegained)
        story.answers { _ in .failure(.init(message: "the disk is gone", hint: nil)) }
        #expect(story.row(1) == " the comments cannot be read: the disk is gone")
    }

    @Test func itScrollsToItsEndAndNoFurther() {
        var story = Story.aDay(columns: 40, rows: 10)
        story.hasAPast()
        story.press("Enter 8")
        story.answersAll()
        story.press("G")
        let end = story.picture
        #expect(end.contains("wonder."))
        story.press("j")
        #expect(story.picture == end)
    }
}
