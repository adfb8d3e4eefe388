import Testing

@testable import Core

/// What people tell agents, and the sessions in which agents remember it.
struct MessageTests {
    let id: TicketID = "T-1"
    let agent = AgentID(1)

    private func working() -> Story {
        var story = Story(agents: 1)
        story.enqueue(.new(id))
        story.prepare(id)
        return story
    }

    private func deliveries(_ story: Story) -> [Message.Delivery] { (story[id].messages ?? []).map(\.delivery) }

    @Test func anAgentAtWorkIsHandedIt() {
        var story = working()
        let run = RunID(ticket: id, number: 1)
        let message = Message(number: 1, text: "use tabs", at: story.now, delivery: .handed(run: 1))
        story.hear(
            .commandGiven(.steer(message: "use tabs"), id),
            says: [.messageQueued(id, message)],
            asks: [.deliver(run, message)]
        )
        story.hear(.messageTaken(run, 1), says: [.messageTaken(run, 1)])
        #expect(story[id].messages == nil)
        #expect(story[id].lastMessage == 1)
    }

    @Test func theSameAgainBeforeAnybodyHasReadItIsTheSame() {
        var story = working()
        story.tell(.steer(message: "use tabs"), id)
        story.hear(.commandGiven(.steer(message: "use tabs"), id), says: [])
        #expect(story[id].messages?.count == 1)
        story.hear(.messageTaken(RunID(ticket: id, number: 1), 1))
        story.tell(.steer(message: "use tabs"), id)
        #expect(story[id].messages?.map(\.number) == [2])
    }

    @Test func anAgentThatTakesNoneIsStartedAgainForIt() {
        var story = working()
        let run = RunID(ticket: id, number: 1)
        story.hear(.sessionOpened(run, "s1"), says: [.sessionOpened(run, "s1")])
        story.tell(.steer(message: "use tabs"), id)
        story.hear(
            .messageRefused(run, 1, reason: "it takes none"),
            says: [.messageDeferred(id, 1, reason: "it takes none")]
        )
        #expect(deliveries(story) == [.waiting])
        story.endRun(id)
        story.hear(.workCollected(id, head: "h", changed: true, committedLeftovers: false))
        // Its work is not tested before its agent has heard what there is to say.
        #expect(story[id].currentRun == RunID(ticket: id, number: 2))
        #expect(deliveries(story) == [.opening(run: 2)])
        #expect(story[id].opening == Opening(session: "s1", messages: story[id].messages!))
        guard case .startRun(_, .agent(_, _, _, _, let opening)) = story[id].pendingEffects.first else {
            Issue.record("no run is asked for")
            return
        }
        #expect(opening?.session == "s1" && opening?.messages.map(\.text) == ["use tabs"])
        story.endRun(id)
        #expect(story[id].messages == nil)
    }

    @Test func whatARunWasHandedAndNeverConfirmedIsToldAgain() {
        var story = working()
        story.tell(.steer(message: "use tabs"), id)
        story.endRun(id, .exited(1))
        #expect(deliveries(story) == [.waiting])
        story.hear(.snapshotTaken(id))
        story.tell(.continue, id)
        story.prepare(id)
        #expect(deliveries(story) == [.opening(run: 2)])
        // Who has begun to work has read it.
        let run = RunID(ticket: id, number: 2)
        story.hear(.openingTaken(run), says: [.messageTaken(run, 1)])
        // What it was told first stays as it was: the run goes on.
        #expect(story[id].opening?.messages.count == 1)
    }

    @Test func aStoppedTicketIsToldWhenItGoesOn() {
        var story = working()
        story.hear(.sessionOpened(RunID(ticket: id, number: 1), "s1"))
        story.tell(.stop, id)
        story.endRun(id, .stopped)
        story.hear(.snapshotTaken(id))
        story.tell(.steer(message: "use tabs"), id)
        #expect(story.state(id) == .stopped(resume: .work))
        story.tell(.continue, id)
        story.prepare(id)
        #expect(story[id].opening?.session == "s1")
        #expect(deliveries(story) == [.opening(run: 2)])
    }

    @Test func oneThatWasStoppedWhileItWasTestedIsWorkedOnAgain() {
        var story = working()
        story.collect(id)
        story.tell(.stop, id)
        story.hear(.candidateBuilt(id, .of(id)))
        story.hear(.snapshotTaken(id))
        #expect(story.state(id) == .stopped(resume: .verify))
        story.tell(.steer(message: "use tabs"), id)
        #expect(story.state(id) == .stopped(resume: .work))
    }

    @Test func whoseAgentHasEndedIsNotTold() {
        var story = working()
        story.collect(id)
        story.hear(
            .commandGiven(.steer(message: "use tabs"), id),
            isRefused: "cannot steer T-1: its agent has ended, and its work is being verified"
        )
    }

    @Test func retryBeginsWithoutTheSession() {
        var story = working()
        story.hear(.sessionOpened(RunID(ticket: id, number: 1), "s1"))
        story.endRun(id, .failed("no"))
        story.hear(.snapshotTaken(id))
        story.tell(.retry, id)
        story.prepare(id)
        #expect(story[id].opening == nil)
    }

    @Test func aSessionThatIsGoneIsBegunAnewOnce() {
        var story = working()
        story.hear(.sessionOpened(RunID(ticket: id, number: 1), "s1"))
        story.endRun(id, .failed("no"))
        story.hear(.snapshotTaken(id))
        story.tell(.continue, id)
        story.prepare(id)
        let second = RunID(ticket: id, number: 2)
        #expect(story[id].opening?.session == "s1")
        story.hear(.sessionLost(second), says: [.sessionLost(second)])
        story.hear(.sessionLost(second), says: [])
        story.endRun(id, .failed("no conversation found"))
        story.hear(.snapshotTaken(id))
        #expect(story[id].currentRun == RunID(ticket: id, number: 3))
        #expect(story[id].opening == nil)
        // It had no session to lose: its failure is one.
        story.hear(.sessionLost(RunID(ticket: id, number: 3)), says: [])
        story.endRun(id, .failed("no conversation found"))
        story.hear(.snapshotTaken(id))
        #expect(
            story.state(id) == .needsHuman(.agentFailed(run: 3, "failed: no conversation found"), resume: .work)
        )
    }

    @Test func anotherKindOfAgentDoesNotKnowTheSession() {
        var story = working()
        story.hear(.sessionOpened(RunID(ticket: id, number: 1), "s1"))
        story.tell(.stop, id)
        story.endRun(id, .stopped)
        story.hear(.snapshotTaken(id))
        story.hear(.editAsked(id, TicketEdit(profile: "other")))
        story.tell(.continue, id)
        story.prepare(id)
        #expect(story[id].profile == "other" && story[id].opening == nil)
    }

    @Test func whatIsTooLongOrTooMuchIsRefused() {
        var story = working()
        let long = String(repeating: "x", count: Message.longest + 1)
        story.hear(
            .commandGiven(.steer(message: long), id),
            isRefused: "the message for T-1 is too long: 65537 bytes, of 65536 at most"
        )
        for number in 1...Message.limit { story.tell(.steer(message: "\(number)"), id) }
        story.hear(.commandGiven(.steer(message: "more"), id), isRefused: "100 messages wait for T-1 already")
    }
}

/// Agents that go round in circles.
struct LoopTests {
    let id: TicketID = "T-1"
    let agent = AgentID(1)

    @Test func itIsToldThenInterruptedThenEndedAndAHumanIsAsked() {
        var story = Story(agents: 1)
        story.enqueue(.new(id))
        story.prepare(id)
        let run = RunID(ticket: id, number: 1)
        let finding = "it called Bash (make) 5 times in a row with the same result"

        let nudge = story.hear(.agentLooped(run, finding))
        #expect(nudge.facts.map(\.event) == [.agentLooped(run, agent, finding, .nudged)])
        #expect(nudge.effects == [.deliver(run, story[id].messages![0])])
        #expect(story[id].messages?.first?.text.contains(finding) == true)
        story.hear(.messageTaken(run, 1))

        let second = story.hear(.agentLooped(run, finding))
        #expect(second.effects == [.deliver(run, story[id].messages![0]), .interrupt(run)])
        story.hear(.messageTaken(run, 2))

        story.hear(.agentLooped(run, finding), says: [.agentLooped(run, agent, finding, .ended)], asks: [.stopRun(run)])
        story.hear(.agentLooped(run, finding), says: [])
        story.endRun(id, .stopped)
        story.hear(.snapshotTaken(id))
        #expect(story.state(id) == .needsHuman(.agentLooped(run: 1, finding), resume: .work))
        #expect(
            story[id].reason
                == "the agent goes round in circles (run 1): it called Bash (make) 5 times in a row with the same result"
        )
    }

    @Test func anotherRunBeginsAnew() {
        var story = Story(agents: 1)
        story.enqueue(.new(id))
        story.prepare(id)
        for _ in 1...2 { story.hear(.agentLooped(RunID(ticket: id, number: 1), "it loops")) }
        story.endRun(id, .exited(1))
        story.hear(.snapshotTaken(id))
        story.tell(.continue, id)
        story.prepare(id)
        story.hear(.agentLooped(RunID(ticket: id, number: 2), "it loops"))
        #expect(story[id].loop?.step == .nudged)
    }
}
