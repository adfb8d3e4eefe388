import Testing

@testable import Core

@Suite struct AgentOutcomeTests {
    @Test func theLastRunOfAnAgentIsKnownAmongThoseOfVerifiers() {
        var story = Story()
        story.enqueue(.new())
        #expect(story["T-1"].lastAgentRun == nil)
        story.collect("T-1")
        story.verify("T-1", .of("T-1"))
        #expect((story["T-1"].lastAgentRun, story["T-1"].lastRun) == (1, 2))
    }

    let id: TicketID = "T-1"
    let run = RunID(ticket: "T-1", number: 1)

    private func working() -> Story {
        var story = Story()
        story.enqueue(.new(locks: ["src/**"]))
        story.prepare(id)
        return story
    }

    @Test(arguments: [
        (RunOutcome.exited(3), "exit 3"), (.signalled(9), "ended by signal 9"), (.timedOut, "ran into its time limit"),
        (.notStarted("no such program"), "could not be started: no such program"),
    ])
    func anAgentThatFailsIsSnapshottedAndGoesToAHuman(_ outcome: RunOutcome, _ phrase: String) {
        var story = working()
        story.hear(
            .runEnded(run, outcome),
            says: [.runEnded(run, outcome), .ticketChanged(id)],
            asks: [.takeSnapshot(id, snapshot: 1)]
        )
        story.hear(
            .snapshotTaken(id),
            says: [.snapshotTaken(id, number: 1), .humanNeeded(id, .agentFailed(run: 1, phrase))]
        )
        #expect(story.state(id) == .needsHuman(.agentFailed(run: 1, phrase), resume: .work))
        // It keeps its locks, and frees its agent.
        #expect(story.core.grants.count == 1)
        #expect(story.core.freeAgents.count == 2)
    }

    @Test func anAgentThatChangesNothingGoesToAHuman() {
        var story = working()
        story.endRun(id)
        story.hear(
            .workCollected(id, head: "m0", changed: false, committedLeftovers: false),
            says: [.workCollected(id, head: "m0", committedLeftovers: false), .humanNeeded(id, .noChange(run: 1))]
        )
    }

    @Test func aLostAgentIsStartedAgainTwiceAndThenGoesToAHuman() {
        var story = working()
        for number in 1...2 {
            story.endRun(id, .lost("no exit.json"))
            let next = RunID(ticket: id, number: number + 1)
            story.hear(
                .snapshotTaken(id),
                says: [.snapshotTaken(id, number: number), .runRequested(next, name: "agent-1", stage: "work")],
                asks: [
                    .startRun(
                        next,
                        .agent(AgentID(1), profile: "script", attempt: number + 1, .runLost(run))
                    )
                ]
            )
        }
        story.endRun(id, .lost("no exit.json"))
        story.hear(.snapshotTaken(id))
        #expect(story.state(id) == .needsHuman(.agentFailed(run: 3, "lost: no exit.json"), resume: .work))
    }

    @Test func whatAHumanAskedForIsNotForgottenWhenTheRunIsLost() {
        var story = working()
        story.endRun(id, .exited(1))
        story.hear(.snapshotTaken(id))
        story.tell(.requestChanges(comment: "use tabs"), id)
        story.prepare(id)
        story.endRun(id, .lost("no exit.json"))
        let decision = story.hear(.snapshotTaken(id))
        #expect(
            decision.effects == [
                .startRun(
                    RunID(ticket: id, number: 3),
                    .agent(AgentID(1), profile: "script", attempt: 3, .changesRequested(comment: "use tabs"))
                )
            ]
        )
    }

    @Test func aWorktreeThatCannotBeMadeGoesToAHuman() {
        var story = Story()
        story.enqueue(.new())
        story.hear(.worktreeFailed(id, reason: "disk full"), says: [.humanNeeded(id, .worktreeFailed("disk full"))])
    }

    @Test func workThatCannotBeCollectedGoesToAHuman() {
        var story = working()
        story.endRun(id)
        story.hear(.collectFailed(id, reason: "disk full"), says: [.humanNeeded(id, .collectFailed("disk full"))])
    }

    @Test func aSnapshotThatFailsIsSaidAndTheTicketGoesOn() {
        var story = working()
        story.endRun(id, .exited(1))
        story.hear(
            .snapshotFailed(id, reason: "disk full"),
            says: [.snapshotFailed(id, reason: "disk full"), .humanNeeded(id, .agentFailed(run: 1, "exit 1"))]
        )
    }

    @Test func outcomesThatComeLateAreIgnored() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id, rules: .test(.human)))
        let before = story.core.stored
        let late: [Input] = [
            .worktreeReady(id, branch: "b", base: "x", head: "x", .test()), .worktreeFailed(id, reason: "late"),
            .workCollected(id, head: "x", changed: true, committedLeftovers: false), .collectFailed(id, reason: "late"),
            .snapshotTaken(id), .snapshotFailed(id, reason: "late"), .candidateBuilt(id, .of(id, on: "x")),
            .candidateEmpty(id, tip: "x"), .candidateConflicted(id, tip: "x", paths: []),
            .candidateFailed(id, reason: "late"), .checkoutReady(id), .checkoutFailed(id, reason: "late"),
            .checkoutInspected(id, changed: ["x"]), .targetAdvanced(id, to: "x"), .targetMoved(id, to: "x"),
            .targetBlocked(id, reason: "late"), .targetFailed(id, reason: "late"), .tidied(id, .done),
            .tidied(id, .blocked(reason: "late")), .repositoryGone(id, reason: "late"),
            .runStarted(run, at: story.now), .runEnded(run, .exited(1)), .deadlineReached,
            .wentQuiet(run), .runStirred(run, by: .output), .runStayedQuiet(run),
        ]
        for input in late { story.hear(input, says: []) }
        #expect(story.core.stored == before)
        // While something else is under way, too.
        story.tell(.requestChanges(comment: "more"), id)
        story.prepare(id)
        let working = story.core.stored
        for input in late where input != .runEnded(story[id].currentRun!, .exited(1)) { story.hear(input, says: []) }
        #expect(story.core.stored == working)
        // Of tickets that never were, too.
        story.hear(.snapshotTaken("T-9"), says: [])
        story.hear(.tidied("T-9", .done), says: [])
        story.hear(.runEnded(RunID(ticket: "T-9", number: 1), .exited(0)), says: [])
    }
}
