import Testing

@testable import Core

/// A full disk and a clock that jumps.
@Suite struct MachineTests {
    @Test func whileTheDiskIsFullWhatRunsGoesOnAndNothingStarts() {
        var story = Story(agents: 2)
        story.enqueue(.new("runs"))
        story.hear(.diskFilled, says: [.diskFilled])
        story.hear(.diskFilled, says: [])
        let decision = story.enqueue(.new("waits"))
        #expect(decision.facts.map(\.event) == [.ticketEnqueued("waits")])
        #expect(story.core.waiting("waits") == .diskFull)
        #expect(story.core.waiting("waits")?.sentence == "waits for room on the disk")
        // What runs goes on, up to where something new would start.
        story.collect("runs")
        story.hear(.candidateBuilt("runs", .of("runs")))
        #expect(story["runs"].trial == .waitingForSlot(.of("runs")))
        let resumed = story.hear(.diskHasRoom)
        #expect(resumed.facts.first?.event == .diskFreed)
        #expect(story["waits"].agent != nil)
        #expect(story["runs"].trial == .checkingOut(.of("runs"), slot: 0))
        story.hear(.diskHasRoom, says: [])
    }

    @Test func noLandingBeginsWhileTheDiskIsFull() {
        var story = Story(agents: 1)
        story.enqueue(.new("a"))
        story.collect("a")
        story.verify("a", .of("a"))
        story.hear(.diskFilled)
        story.pass("a")
        guard case .landing(let landing) = story.state("a"), case .waiting = landing.step else {
            Issue.record("\(story.state("a"))")
            return
        }
        let decision = story.hear(.diskHasRoom)
        #expect(decision.effects.contains { if case .advanceTarget = $0 { true } else { false } })
    }

    @Test func aClockThatIsPutForwardMakesNothingDueSooner() throws {
        var story = Story(agents: 1)
        story.enqueue(.new("a"))
        story.finish("a", .of("a"))
        story.hear(.targetBlocked("a", reason: "local changes"))
        let due = try #require(story.core.nextDeadline)
        #expect(due == story.now + .seconds(2))
        story.now = story.now + .seconds(86_400 * 365)
        story.hear(.clockJumped(by: .seconds(86_400 * 365)), says: [])
        #expect(story.core.nextDeadline == story.now + .seconds(2))
        story.hear(.deadlineReached, says: [])
        story.now = story.now + .seconds(2)
        let decision = story.hear(.deadlineReached)
        #expect(decision.effects.count == 1)
    }

    @Test func whatWasTrueBeforeIsFoundAgainFromWhatHasChanged() {
        var story = Story(agents: 2)
        story.enqueue(.new("a", locks: ["src/**"]), .new("b", locks: ["src/**"]))
        story.enqueue(.new("used"))
        story.prepare("used")
        let run = story["used"].currentRun!
        story.hear(.usageSeen(run, Usage(cost: 2)))
        let before = story.core
        var changes: [Changes] = []
        for input: Input in [
            .worktreeFailed("a", reason: "no"), .commandGiven(.cancel(reason: "no"), "a"),
            .enqueueAsked(story.repository, [.new("c")]), .usageSeen(run, Usage(cost: 5)),
        ] {
            changes += story.hear(input).facts.map(\.changes)
        }
        #expect(story.core.stored != before.stored)
        let earlier = story.core.before(
            changes,
            counters: before.counters,
            isDiskFull: false,
            standstill: nil,
            ledger: before.ledger,
            at: story.now
        )
        #expect(earlier.stored == before.stored)
        #expect(earlier.agents == before.agents && earlier.fences == before.fences)
        #expect(earlier.waiting("b") == before.waiting("b"))
        #expect(earlier.spent == before.spent && before.spent.today.cost == 2)
    }
}
