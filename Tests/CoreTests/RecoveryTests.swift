import Testing

@testable import Core

@Suite struct RecoveryTests {
    @Test(arguments: Situation.allCases.filter { $0 != .waitingToLand })
    func recoveryAsksForExactlyWhatWasUnderWay(_ situation: Situation) {
        let story = situation.story
        var restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(restored.stored == story.core.stored)
        #expect(restored.agents == story.core.agents)
        #expect(restored.freeAgents == story.core.freeAgents)
        #expect(restored.fences == story.core.fences)
        #expect(restored.scheduler.members == story.core.scheduler.members)
        let decision = restored.recover(at: story.now)
        #expect(decision.facts.isEmpty && decision.refusal == nil)
        let pending = story.core.tickets.values.sorted { $0.serial < $1.serial }.flatMap(\.pendingEffects)
        #expect(decision.effects == pending)
        #expect(restored.stored == story.core.stored)
    }

    /// The user may insist on a human by now.
    @Test func whatThePolicyLetLandIsBuiltAnewWithTheRulesOfToday() {
        let story = Situation.waitingToLand.story
        var restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(restored.stored == story.core.stored)
        let decision = restored.recover(at: story.now)
        #expect(decision.facts.map(\.event) == [.ticketChanged("T-1")])
        guard case .landing(let landing) = restored.tickets["T-1"]!.state else { return #expect(Bool(false)) }
        #expect(landing.step == .waiting(nil))
        #expect(decision.effects == [.advanceTarget("other", .of("other"))])
    }

    @Test func aRunBeingStoppedIsAskedForAndStoppedAgain() {
        let story = Situation.stopping.story
        let run = RunID(ticket: "T-1", number: 1)
        var restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(
            restored.recover(at: story.now).effects == [
                .startRun(run, .agent(AgentID(1), profile: "script", attempt: 1, nil)), .stopRun(run),
            ]
        )
    }

    @Test func aBlockedLandingIsTriedAtOnceAndThenLaterAndLater() {
        let story = Situation.blocked.story
        var restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(restored.recover(at: story.now).effects == [.advanceTarget("T-1", .of("T-1"))])
        #expect(restored.nextDeadline == nil)
        #expect(restored.handle(.targetBlocked("T-1", reason: "changes"), at: story.now).facts.isEmpty)
        #expect(restored.nextDeadline == story.now + .seconds(2))
    }

    @Test func afterADrainWhatWaitedStarts() {
        var story = Story()
        story.hear(.drainAsked)
        story.enqueue(.new())
        var restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        let decision = restored.recover(at: story.now)
        #expect(decision.facts.map(\.event) == [.ticketStarted("T-1", AgentID(1), .work)])
        #expect(decision.effects == [.prepareWorktree("T-1")])
    }

    @Test func withFewerAgentsThanBeforeAWorkingTicketKeepsItsOwnUntilItEnds() {
        var story = Story(agents: 3)
        story.enqueue(.new("a"), .new("b"), .new("c"))
        let limits = Orchestrator.Limits(agents: 1, verificationSlots: 1)
        var restored = Orchestrator(limits: limits, restoring: story.core.stored)
        #expect(restored.agents.keys.sorted() == [AgentID(1), AgentID(2), AgentID(3)])
        #expect(restored.freeAgents == [])
        _ = restored.recover(at: story.now)
        let decision = restored.handle(.worktreeFailed("b", reason: "disk full"), at: story.now)
        #expect(decision.facts[0].changes.agents.map(\.new) == [nil])
        #expect(restored.freeAgents == [])
        _ = restored.handle(.worktreeFailed("a", reason: "disk full"), at: story.now)
        #expect(restored.freeAgents == [AgentID(1)])
    }
}
