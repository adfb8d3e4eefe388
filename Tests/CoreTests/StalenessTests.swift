import Foundation
import Testing

@testable import Core

@Suite struct StalenessTests {
    let id: TicketID = "T-1"
    let run = RunID(ticket: "T-1", number: 1)
    let agent = AgentID(1)
    let stale = Stale(
        since: Instant(milliseconds: 400),
        lookedAt: [.output, .cpu, .files],
        next: .ends(at: Instant(milliseconds: 121_000))
    )

    private func working(locks: [String] = ["src/**"]) -> Story {
        var story = Story()
        story.enqueue(.new(locks: locks))
        story.prepare(id)
        return story
    }

    @Test func anAgentWithoutASignOfLifeIsStaleUntilItGivesOne() {
        var story = working()
        story.hear(.wentQuiet(run), says: [.agentStale(run, agent, stale)])
        #expect(story.state(id) == .running(Running(agent: agent, step: .working(run: 1, stale: stale))))
        #expect(story.core.agents[agent]?.stale == stale)
        #expect(
            story[id].reason
                == "stale: no sign of life (no output, no CPU, no changed file); its run is ended soon unless it moves"
        )
        #expect(story.core.lockExpiry(of: id) == Instant(milliseconds: 121_000))
        story.hear(.runStirred(run, by: .output), says: [.agentActive(run, agent, .output)])
        #expect(story.state(id) == .running(Running(agent: agent, step: .working(run: 1))))
        #expect(story.core.agents[agent]?.stale == nil)
        #expect(story.core.lockExpiry(of: id) == nil)
        // What is known already is no news, and comes too late.
        story.hear(.runStirred(run, by: .cpu), says: [])
        story.hear(.runStayedQuiet(run), says: [])
    }

    @Test func theEndOfTheGraceIsSaidAgainWhereItMoves() {
        var story = working()
        story.hear(.wentQuiet(run))
        story.hear(.wentQuiet(run), says: [])
        story.now = Instant(milliseconds: 9000)
        var later = stale
        later.next = .ends(at: Instant(milliseconds: 129_000))
        story.hear(.wentQuiet(run), says: [.agentStale(run, agent, later)])
    }

    @Test func anAgentThatStaysQuietIsEndedSavedAndGoesBackToTheQueueWithoutItsLocks() {
        var story = working()
        story.enqueue(.new("other", priority: 1, locks: ["src/a/**"]))
        story.hear(.wentQuiet(run))
        story.hear(.runStayedQuiet(run), says: [.ticketChanged(id)], asks: [.stopRun(run)])
        // A sign of life comes too late by now.
        story.hear(.runStirred(run, by: .output), says: [])
        story.hear(
            .runEnded(run, .stopped),
            says: [.runEnded(run, .stale), .ticketChanged(id)],
            asks: [.takeSnapshot(id, snapshot: 1)]
        )
        story.hear(
            .snapshotTaken(id),
            says: [
                .snapshotTaken(id, number: 1), .sentBack(id, .runStale(run), attempt: 1),
                .ticketStarted("other", agent, .work),
            ],
            asks: [.prepareWorktree("other")]
        )
        #expect(story.state(id) == .queued(resume: .work))
        #expect(story.core.grants.values.map(\.ticket) == ["other"])
        #expect(story.core.waiting(id) == .lock(.at("src/a/**"), holder: "other"))
        // It takes its locks again, and its agent is told.
        story.finish("other", .of("other", paths: ["src/a/b.txt"]))
        story.hear(.targetAdvanced("other", to: "m1"))
        story.prepare(id)
        #expect(story.core.grants.values.map(\.ticket) == [id])
        let order = RunOrder.agent(agent, profile: "script", attempt: 2, .runStale(run))
        #expect(story[id].pendingEffects == [.startRun(RunID(ticket: id, number: 2), order)])
    }

    @Test func theThirdTimeAHumanIsAskedAndTheLocksAreReleased() {
        var story = working()
        for _ in 1...3 {
            if case .running = story.state(id), story[id].currentRun == nil { story.prepare(id) }
            story.goSilent(id)
        }
        #expect(story.state(id) == .needsHuman(.agentStale(run: 3, attempts: 2), resume: .work))
        #expect(story.core.grants.isEmpty)
        #expect(
            story[id].reason
                == "its agent gave no sign of life (run 3), after its agent tried 2 times more; its locks are released"
        )
        story.tell(.continue, id)
        #expect(story.core.grants.values.map(\.ticket) == [id])
    }

    @Test func whatAHumanAskedForIsNotForgottenWhenTheRunIsStale() {
        var story = working()
        story.endRun(id, .exited(1))
        story.hear(.snapshotTaken(id))
        story.tell(.requestChanges(comment: "use tabs"), id)
        story.prepare(id)
        story.goSilent(id)
        #expect(story[id].feedback == .changesRequested(comment: "use tabs"))
    }

    @Test func aStaleAgentThatEndsByItselfHasEndedByItself() {
        for situation in [Situation.stale, .endingStale] {
            var story = situation.story
            story.hear(
                .runEnded(run, .exited(0)),
                says: [.runEnded(run, .exited(0)), .ticketChanged(id)],
                asks: [.collectWork(id, snapshot: 1)]
            )
        }
    }

    @Test func aHumanWhoStopsAStaleAgentGetsAStoppedTicketWithItsLocks() {
        for quiet in [[Input.wentQuiet(run)], [.wentQuiet(run), .runStayedQuiet(run)]] {
            var story = working()
            for input in quiet { story.hear(input) }
            story.tell(.stop, id)
            #expect(story[id].reason == "stopping")
            #expect(story.core.agents[agent]?.stale == nil)
            story.hear(.runStayedQuiet(run), says: [])
            story.hear(
                .runEnded(run, .stopped),
                says: [.runEnded(run, .stopped), .ticketChanged(id)],
                asks: [
                    .takeSnapshot(id, snapshot: 1)
                ]
            )
            story.hear(.snapshotTaken(id))
            #expect(story.state(id) == .stopped(resume: .work))
            #expect(story.core.grants.count == 1)
        }
    }

    @Test func aHumanWhoStopsItWhileItIsSavedGetsAStoppedTicket() {
        var story = Situation.snapshottingStale.story
        story.tell(.stop, id)
        story.hear(.snapshotTaken(id))
        #expect(story.state(id) == .stopped(resume: .work))
    }

    /// A daemon that is restarted as a newer version finds agents at work that an older one has stored.
    @Test func aWorkingStepStoredBeforeStalenessWasKnownIsRead() throws {
        let step = try JSONDecoder().decode(Step.self, from: Data(#"{"working":{"run":3}}"#.utf8))
        #expect(step == .working(run: 3))
        let agent = #"{"id":1,"ticket":"T-1","since":1000,"stopping":false}"#
        #expect(try JSONDecoder().decode(Agent.self, from: Data(agent.utf8)).stale == nil)
    }
}
