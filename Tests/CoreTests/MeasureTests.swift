import Testing

@testable import Core

@Suite struct MeasureTests {
    static let short = Shortage.memory(free: 400 << 20, wanted: 1 << 30)

    @Test func theMachineIsMeasuredOnlyWhenATicketCouldStart() {
        var story = Story(agents: 1, measuresMachine: true)
        #expect(!story.core.wantsMeasure)
        story.hear(
            .enqueueAsked(story.repository, [.new("a"), .new("b")]),
            says: [.ticketEnqueued("a"), .ticketEnqueued("b")]
        )
        #expect(story.core.wantsMeasure)
        story.hear(.machineMeasured(nil), says: [.ticketStarted("a", AgentID(1), .work)], asks: [.prepareWorktree("a")])
        // There is no agent for the other.
        #expect(!story.core.wantsMeasure && story.core.nextDeadline == nil)
        story.hear(.worktreeFailed("a", reason: "no"))
        #expect(story.core.wantsMeasure && story["b"].agent == nil)
    }

    @Test func whatIsShortIsSaidAndLookedAtAgainWhileSomethingWaits() {
        var story = Story(measuresMachine: true)
        story.enqueue(.new("a"))
        story.hear(.machineMeasured(Self.short), says: [])
        #expect(story.core.waiting("a")?.sentence == "waits for memory: 400 MiB free, 1 GiB wanted")
        story.enqueue(.new("b"))
        #expect(!story.core.wantsMeasure)
        let due = story.core.nextDeadline!
        #expect(due == story.now + .seconds(5))
        story.now = due
        story.hear(.deadlineReached, says: [])
        #expect(story.core.wantsMeasure && story.core.nextDeadline == nil)
        story.hear(.machineMeasured(nil))
        #expect(story["a"].agent != nil && story["b"].agent != nil && story.core.shortage == nil)
    }

    @Test func nobodyLooksAgainWhenNothingWaitsAnyMore() {
        var story = Story(measuresMachine: true)
        story.enqueue(.new("a"))
        story.hear(.machineMeasured(Self.short))
        story.tell(.cancel(reason: "no"), "a")
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        #expect(!story.core.wantsMeasure && story.core.nextDeadline == nil && story.core.shortage == nil)
    }

    @Test func theFirstStartSaysSinceWhenTheMachineWasShort() {
        var story = Story(measuresMachine: true)
        story.enqueue(.new("a"))
        let since = story.now
        story.hear(.machineMeasured(Self.short))
        for _ in 1...2 {
            story.now = story.core.nextDeadline!
            story.hear(.deadlineReached)
            story.hear(.machineMeasured(Self.short))
        }
        story.enqueue(.new("b"))
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        story.hear(
            .machineMeasured(nil),
            says: [
                .ticketStarted("a", AgentID(1), .work, shortSince: since), .ticketStarted("b", AgentID(2), .work),
            ],
            asks: [.prepareWorktree("a"), .prepareWorktree("b")]
        )
    }

    @Test func aShortageIsCountedFromWhenATicketWaitsForIt() {
        var story = Story(measuresMachine: true)
        story.enqueue(.new("a"))
        story.hear(.machineMeasured(Self.short))
        story.tell(.cancel(reason: "no"), "a")
        story.now = story.now + .seconds(1)
        let since = story.now
        story.enqueue(.new("b"))
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        let decision = story.hear(.machineMeasured(nil))
        #expect(decision.facts.map(\.event) == [.ticketStarted("b", AgentID(1), .work, shortSince: since)])
    }

    @Test func theClockDoesNotPutItOff() {
        var story = Story(measuresMachine: true)
        story.enqueue(.new("a"))
        story.hear(.machineMeasured(Self.short))
        story.now = Instant(milliseconds: 0)
        story.hear(.enqueueAsked(story.repository, [.new("b")]))
        #expect(story.core.nextDeadline == story.now + .seconds(5))
    }

    @Test func sentencesNameWhatIsShort() {
        #expect(
            Shortage.disk(free: 1_610_612_736, wanted: 2 << 30).sentence
                == "waits for room on the disk: 1.5 GiB free, 2 GiB wanted"
        )
        #expect(
            Shortage.cpuPressure(93, limit: 90).sentence
                == "waits for the CPU: programs wait for it 93 % of the time, the limit is 90 %"
        )
        #expect(Shortage.memory(free: 0, wanted: 1).sentence == "waits for memory: 0 B free, 1 B wanted")
    }
}
