import Testing

@testable import Core

@Suite struct HappyPathTests {
    let id: TicketID = "T-1"
    let run = RunID(ticket: "T-1", number: 1)

    @Test func aTicketUnderAutoLandsExactlyTheTreeThatWasTested() {
        var story = Story()
        let candidate = Candidate.of(id, paths: ["src/a.txt"])
        story.hear(
            .enqueueAsked(story.repository, [.new(locks: ["src/**"])]),
            says: [.ticketEnqueued(id), .ticketStarted(id, AgentID(1), .work)],
            asks: [.prepareWorktree(id)]
        )
        #expect(story.core.grants[1]?.pattern.text == "src/**")
        story.hear(
            .worktreeReady(id, branch: "agent-1/T-1-add-x", base: "m0", head: "m0", .test()),
            says: [
                .worktreePrepared(id, branch: "agent-1/T-1-add-x", base: "m0"),
                .runRequested(run, name: "agent-1", stage: "work"),
            ],
            asks: [.startRun(run, .agent(AgentID(1), profile: "script", attempt: 1, nil))]
        )
        story.hear(.runStarted(run, at: story.now), says: [.runStarted(run)])
        story.hear(
            .runEnded(run, .exited(0)),
            says: [.runEnded(run, .exited(0)), .ticketChanged(id)],
            asks: [.collectWork(id, snapshot: 1)]
        )
        story.hear(
            .workCollected(id, head: .head(of: id), changed: true, committedLeftovers: true),
            says: [.workCollected(id, head: .head(of: id), committedLeftovers: true), .ticketChanged(id)],
            asks: [.buildCandidate(id)]
        )
        story.hear(
            .candidateBuilt(id, candidate),
            says: [
                .candidateBuilt(id, commit: candidate.commit, tree: candidate.tree, tip: "m0"),
                .verificationStarted(id, slot: 0),
            ],
            asks: [.prepareCheckout(id, candidate, slot: 0)]
        )
        let check = RunID(ticket: id, number: 2)
        story.hear(
            .checkoutReady(id),
            says: [.runRequested(check, name: "test", stage: "verify")],
            asks: [.startRun(check, .verifier(.test, slot: 0, candidate))]
        )
        story.hear(
            .runEnded(check, .exited(0)),
            says: [.runEnded(check, .exited(0)), .ticketChanged(id)],
            asks: [.concludeVerification(id, candidate, slot: 0, .passed)]
        )
        // The target has not moved: what was tested lands, and nothing is built again.
        story.hear(
            .checkoutInspected(id, changed: []),
            says: [
                .ticketVerified(id, tree: candidate.tree, reused: false), .ticketApproved(id, .policy),
                .landingStarted(id),
            ],
            asks: [.advanceTarget(id, candidate)]
        )
        story.hear(
            .targetAdvanced(id, to: candidate.commit),
            says: [.ticketMerged(id, commit: candidate.commit)],
            asks: [.tidy(id, snapshot: 2)]
        )
        story.hear(.tidied(id, .done), says: [.ticketTidied(id)])
        #expect(story.state(id) == .merged(commit: candidate.commit, tidy: .done))
        #expect(story.core.repositories[story.repository]?.tip == candidate.commit)
        #expect(story.core.grants.isEmpty)
        #expect(story.core.freeAgents == [AgentID(2), AgentID(1)])
    }

    @Test func underHumanApprovalATicketWaitsWithoutAnAgentAndLandsOnTheWord() {
        var story = Story(agents: 1)
        let candidate = Candidate.of(id, rules: .test(.human))
        story.enqueue(.new())
        story.collect(id, candidate.rules)
        story.verify(id, candidate)
        story.endRun(id)
        story.hear(
            .checkoutInspected(id, changed: []),
            says: [.ticketVerified(id, tree: candidate.tree, reused: false), .approvalRequested(id, [.policy])]
        )
        #expect(story.state(id) == .awaitingApproval(candidate, [.policy]))
        #expect(story.core.freeAgents == [AgentID(1)])
        story.hear(
            .commandGiven(.approve(), id),
            says: [.ticketApproved(id, .human), .landingStarted(id)],
            asks: [.advanceTarget(id, candidate)]
        )
        #expect(story[id].approvedHead == candidate.head)
        // Given again, the word changes nothing.
        story.hear(.commandGiven(.approve(), id), says: [])
    }

    @Test func setupRunsOnceInAFreshWorktree() {
        var story = Story()
        let setup = Setup(command: ["make", "deps"])
        let rules = Rules.test { $0.setup = setup }
        story.enqueue(.new())
        story.hear(
            .worktreeReady(id, branch: "b", base: "m0", head: "m0", rules),
            says: [.worktreePrepared(id, branch: "b", base: "m0"), .runRequested(run, name: "setup", stage: "setup")],
            asks: [.startRun(run, .setup(setup))]
        )
        let agent = RunID(ticket: id, number: 2)
        story.hear(
            .runEnded(run, .exited(0)),
            says: [.runEnded(run, .exited(0)), .runRequested(agent, name: "agent-1", stage: "work")],
            asks: [.startRun(agent, .agent(AgentID(1), profile: "script", attempt: 1, nil))]
        )
        // Stopped and continued, the worktree is as it was.
        story.tell(.stop, id)
        story.endRun(id, .stopped)
        story.hear(.snapshotTaken(id))
        story.tell(.continue, id)
        story.prepare(id, rules)
        #expect(story[id].currentRun == RunID(ticket: id, number: 3))
        #expect(story.state(id) == .running(Running(agent: AgentID(1), step: .working(run: 3))))
    }

    @Test func aFailedSetupGoesToAHumanAndIsDoneAgainOnContinue() {
        var story = Story()
        let rules = Rules.test { $0.setup = Setup(command: ["make", "deps"]) }
        story.enqueue(.new())
        story.prepare(id, rules)
        story.hear(
            .runEnded(run, .exited(2)),
            says: [.runEnded(run, .exited(2)), .ticketChanged(id)],
            asks: [.takeSnapshot(id, snapshot: 1)]
        )
        story.hear(
            .snapshotTaken(id),
            says: [.snapshotTaken(id, number: 1), .humanNeeded(id, .setupFailed(run: 1, "exit 2"))]
        )
        story.tell(.continue, id)
        let decision = story.hear(.worktreeReady(id, branch: "b", base: "m0", head: "m0", rules))
        #expect(
            decision.effects == [.startRun(RunID(ticket: id, number: 2), .setup(Setup(command: ["make", "deps"])))]
        )
    }
}
