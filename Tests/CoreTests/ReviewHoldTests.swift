import Testing

@testable import Core

@Suite struct ReviewHoldTests {
    let id: TicketID = "T-1"
    let day = Duration.seconds(24 * 60 * 60)

    /// A ticket that changed paths outside its locks waits for a human, and another for its locks.
    private func violating() -> Story {
        var story = Story()
        story.enqueue(.new(locks: ["docs/**"]))
        story.collect(id)
        story.hear(.candidateBuilt(id, .of(id)))
        story.enqueue(.new("next", locks: ["docs/**"]))
        return story
    }

    @Test func aTicketThatWaitsForAHumanKeepsItsLocksForADayAndThenLetsGo() {
        var story = violating()
        #expect(story.core.nextDeadline == story.now + day)
        #expect(story.core.lockExpiry(of: id) == story.now + day)
        story.now = story.now + day + .milliseconds(-1)
        story.hear(.deadlineReached, says: [])
        story.now = story.now + .milliseconds(1)
        story.hear(
            .deadlineReached,
            says: [.locksReleased(id, after: day), .ticketStarted("next", AgentID(1), .work)],
            asks: [.prepareWorktree("next")]
        )
        #expect(story.core.nextDeadline == nil)
        #expect(story.core.lockExpiry(of: id) == nil)
    }

    @Test func itTakesThemAgainInItsTurnWhenItGoesOn() {
        var story = violating()
        story.now = story.now + day
        story.hear(.deadlineReached)
        story.tell(.continue, id)
        #expect(story.core.waiting(id) == .lock(.at("docs/**"), holder: "next"))
        story.tell(.cancel(reason: "no"), "next")
        story.hear(.worktreeFailed("next", reason: "x"))
        #expect(story.core.grants.values.map(\.ticket) == [id])
        #expect(story.core.nextDeadline == nil)
    }

    @Test func oneThatIsApprovedAfterItLetGoTakesItsLocksBeforeItLands() {
        var story = Story()
        story.enqueue(.new(locks: ["docs/**"]))
        // Its tree has passed before it turned out to leave its locks.
        story.finish(id, .of(id, paths: ["docs/a.md"], rules: .test(.human)))
        story.tell(.requestChanges(comment: "more"), id)
        story.collect(id, .test(.human))
        story.hear(.candidateBuilt(id, .of(id, rules: .test(.human))))
        guard case .needsHuman(.lockViolation, _) = story.state(id) else { return #expect(Bool(false)) }
        story.now = story.now + day
        story.hear(.deadlineReached)
        #expect(story.core.grants.isEmpty)
        story.tell(.approve(), id)
        #expect(story.core.grants.values.map(\.ticket) == [id])
        guard case .running = story.state(id) else { return #expect(Bool(false)) }
    }

    @Test func theHoldGoesOnAfterARestart() {
        let story = violating()
        var restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        _ = restored.recover(at: story.now)
        #expect(restored.nextDeadline == story.now + day)
        let decision = restored.handle(.deadlineReached, at: story.now + day + day)
        #expect(decision.facts.first?.event == .locksReleased(id, after: day))
    }

    @Test func aClockThatIsSetBackDoesNotMakeTheHoldLonger() {
        var story = violating()
        story.now = story.now + .seconds(-100 * 24 * 60 * 60)
        story.hear(.deadlineReached, says: [])
        #expect(story.core.nextDeadline == story.now + day)
        // Nor where it was set back while there was no daemon.
        let restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        #expect(restored.nextDeadline == story.now + day)
    }

    @Test func whoHoldsNoLockHasNothingToLetGoOf() {
        let story = Situation.agentFailed.story
        #expect(story.core.nextDeadline == nil)
    }
}
