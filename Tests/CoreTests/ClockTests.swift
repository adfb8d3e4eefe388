import Testing

@testable import Core

/// Whatever a clock says, Core goes on.
@Suite struct ClockTests {
    @Test func aBlockedLandingIsNotPutOffUntilTheClockIsWhereItWas() {
        var story = Situation.blocked.story
        let due = story.core.nextDeadline!
        story.now = Instant(milliseconds: story.now.milliseconds - 86_400_000)
        story.enqueue(.new("another"))
        #expect(story.core.nextDeadline! < due)
        #expect(story.core.nextDeadline! - story.now <= .seconds(30))
    }

    @Test func theLastMomentThereIsHasNoneAfterIt() {
        let last = Instant(milliseconds: .max)
        #expect(last + .seconds(1) == last)
        #expect(Instant(milliseconds: .min) + .seconds(-1) == Instant(milliseconds: .min))
        #expect(last + .seconds(Int64.max) == last)
        #expect(last - Instant(milliseconds: .min) > .zero)
        var story = Situation.advancing.story
        story.now = last
        story.hear(.targetBlocked("T-1", reason: "changes"))
        #expect(story.core.nextDeadline == last)
    }
}
