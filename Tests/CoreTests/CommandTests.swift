import Testing

@testable import Core

@Suite struct CommandTests {
    static let commands: [Command] = [
        .continue, .retry, .approve(), .requestChanges(comment: "more"), .stop, .cancel(reason: "no"),
    ]

    /// Each line is a situation; each word is where a command leads from it. `=` changes nothing, `-` is refused.
    @Test func everyCommandIsAnsweredEverywhere() {
        var lines = [Self.row("", Self.commands.map(\.name))]
        for situation in Situation.allCases {
            let before = situation.story
            let cells = Self.commands.map { command -> String in
                var story = before
                let decision = story.tell(command, "T-1")
                if decision.refusal != nil { return "-" }
                if decision.facts.isEmpty { return "=" }
                return Self.word(story["T-1"])
            }
            lines.append(Self.row(situation.rawValue, cells))
        }
        let table = lines.joined(separator: "\n")
        #expect(table == Self.expected, "\n\(table)")
    }

    static let expected = """
                            continue         retry            approve          request-changes  stop             cancel
        queued              =                =                -                -                stopped(work)    cancelled
        preparing           =                -                -                -                stopping         cancelling
        preparingToVerify   =                -                -                -                stopping         cancelling
        settingUp           =                -                -                -                stopping         cancelling
        working             =                -                -                -                stopping         cancelling
        collecting          =                -                -                -                stopping         cancelling
        snapshotting        =                -                -                -                stopping         cancelling
        stale               =                -                -                -                stopping         cancelling
        endingStale         =                -                -                -                stopping         cancelling
        snapshottingStale   =                -                -                -                stopping         cancelling
        building            =                -                -                -                stopping         cancelling
        waitingForSlot      =                -                -                -                stopping         cancelling
        checkingOut         =                -                -                -                stopping         cancelling
        verifying           =                -                -                -                stopping         cancelling
        concluding          =                -                -                -                stopping         cancelling
        awaitingApproval    landing          -                landing          running(work)    -                cancelled
        waitingToLand       =                -                =                -                stopped(verify)  cancelled
        buildingToLand      =                -                =                -                stopping         cancelling
        verifyingToLand     =                -                =                -                stopping         cancelling
        advancing           =                -                =                -                -                -
        blocked             =                -                =                -                stopped(verify)  cancelled
        tryingAgain         =                -                =                -                -                -
        waitingForPaths     =                -                =                -                stopped(verify)  cancelled
        stopped             running(work)    running(work)    -                running(work)    =                cancelled
        stopping            -                -                -                -                =                cancelling
        cancelling          -                -                -                -                =                =
        agentFailed         running(work)    running(work)    -                running(work)    -                cancelled
        agentStale          running(work)    running(work)    -                running(work)    -                cancelled
        lockViolation       running(verify)  running(verify)  running(verify)  running(work)    -                cancelled
        dependencyCancelled -                -                -                -                -                cancelled
        merged              -                -                =                -                -                -
        cancelled           -                -                -                -                -                =
        """

    private static func row(_ name: String, _ cells: [String]) -> String {
        ([name] + cells).enumerated().map { index, cell in
            index == cells.count
                ? cell : cell + String(repeating: " ", count: max(1, (index == 0 ? 20 : 17) - cell.count))
        }.joined()
    }

    private static func word(_ ticket: Ticket) -> String {
        switch (ticket.halt, ticket.state) {
        case (.stop?, _), (.standstill?, _), (.budget?, _): "stopping"
        case (.cancel?, _): "cancelling"
        case (nil, .queued(let stage)): "queued(\(stage))"
        case (nil, .running(let running)):
            if case .preparing(let stage) = running.step { "running(\(stage))" } else { "running" }
        case (nil, .stopped(let stage, _)): "stopped(\(stage))"
        case (nil, .needsHuman): "needs human"
        case (nil, let state): state.name
        }
    }

    /// What is under way is awaited, whatever it comes to; then the ticket is where its command wanted it.
    @Test(arguments: Situation.allCases.filter { !$0.outcomes.isEmpty })
    func aTicketHaltedWhileSomethingIsUnderWayComesToRest(_ situation: Situation) {
        for (command, outcome) in [Command.stop, .cancel(reason: "no")].flatMap({ command in
            situation.outcomes.map { (command, $0) }
        }) {
            var story = situation.story
            let decision = story.tell(command, "T-1")
            #expect(decision.refusal == nil && decision.facts.map(\.event) == [.ticketStopping("T-1")])
            if let run = story["T-1"].currentRun, situation != .endingStale {
                #expect(decision.effects == [.stopRun(run)])
            } else {
                #expect(decision.effects == [])
            }
            #expect(story["T-1"].agent == nil || story.core.agents[AgentID(1)]!.stopping)
            story.hear(outcome)
            if case .running(let running) = story.state("T-1") {
                guard case .snapshotting = running.step else {
                    Issue.record("\(command), \(outcome): \(running)")
                    continue
                }
                story.hear(.snapshotTaken("T-1"))
            }
            switch (command, story.state("T-1")) {
            case (.cancel, .cancelled(reason: "no", _)): break
            case (_, .stopped(let stage, nil)) where command == .stop:
                #expect(stage == situation.stage(after: outcome), "\(outcome)")
            // What had failed before is still the question.
            case (_, .needsHuman(.agentFailed, .work)) where situation == .snapshotting: break
            default: Issue.record("\(command), \(outcome): \(story.state("T-1"))")
            }
            let repository = story.core.repositories[story.repository]!
            #expect(repository.verifying.isEmpty && repository.landingQueue.isEmpty)
            #expect(story.core.freeAgents.count == 3)
        }
    }

    @Test func aStopDoesNotUndoACancellation() {
        var story = Situation.cancelling.story
        story.hear(.commandGiven(.stop, "T-1"), says: [])
        story.hear(.commandGiven(.cancel(reason: "no"), "T-1"), says: [])
        story.endRun("T-1", .stopped)
        story.hear(.commandGiven(.stop, "T-1"), says: [])
        story.hear(.snapshotTaken("T-1"))
        #expect(story.state("T-1") == .cancelled(reason: "no", tidy: .pending))
    }

    @Test func aCancellationOvertakesAStop() {
        var story = Situation.stopping.story
        story.hear(.commandGiven(.cancel(reason: "no"), "T-1"), says: [.ticketStopping("T-1")])
        story.endRun("T-1", .stopped)
        story.hear(.snapshotTaken("T-1"))
        #expect(story.state("T-1") == .cancelled(reason: "no", tidy: .pending))
    }

    @Test func aTicketStoppedAfterItsWorkWasCollectedIsNotWorkedOnAgain() {
        var story = Situation.collecting.story
        story.tell(.stop, "T-1")
        story.hear(.workCollected("T-1", head: "h1", changed: true, committedLeftovers: true))
        story.hear(.snapshotTaken("T-1"))
        story.hear(
            .commandGiven(.continue, "T-1"),
            says: [.ticketContinued("T-1", .continue), .ticketStarted("T-1", AgentID(1), .verify)],
            asks: [.prepareWorktree("T-1")]
        )
    }

    @Test func requestedChangesReachTheAgentAndRetryForgetsWhatWentWrong() {
        var story = Situation.awaitingApproval.story
        story.tell(.requestChanges(comment: "use tabs"), "T-1")
        #expect(story["T-1"].feedback == .changesRequested(comment: "use tabs"))
        story.collect("T-1", .test(.human), head: "h2")
        #expect(story["T-1"].feedback == nil)
        story.verify("T-1", .of("T-1", rules: .test(.human), head: "h2", tree: "t2"))
        story.endRun("T-1", .exited(1))
        story.hear(.checkoutInspected("T-1", changed: []))
        story.endRun("T-1", .exited(1))
        story.hear(.snapshotTaken("T-1"))
        #expect(story["T-1"].feedback != nil)
        story.tell(.retry, "T-1")
        #expect(story["T-1"].feedback == nil)
    }

    /// The count is what the events say, and no more: nobody has said anything with an empty comment.
    @Test func whatPeopleSayIsCountedWithTheEventThatTellsIt() {
        var story = Situation.awaitingApproval.story
        var said: [String] = []
        func tell(_ command: Command) {
            let facts = story.tell(command, "T-1").facts
            said += facts.compactMap(\.event.words)
            #expect(story["T-1"].comments ?? 0 == said.count)
            // In one fact with the words, so that whoever has the one has the other.
            for fact in facts where fact.event.words != nil {
                let (old, new) = (fact.changes.tickets[0].old?.comments, fact.changes.tickets[0].new?.comments)
                #expect(new == (old ?? 0) + 1)
            }
        }
        tell(.requestChanges(comment: "use tabs"))
        story.collect("T-1", .test(.human), head: "h2")
        story.verify("T-1", .of("T-1", rules: .test(.human), head: "h2", tree: "t2"))
        story.pass("T-1")
        tell(.requestChanges(comment: ""))
        story.collect("T-1", .test(.human), head: "h3")
        story.verify("T-1", .of("T-1", rules: .test(.human), head: "h3", tree: "t3"))
        story.pass("T-1")
        tell(.approve(comment: "nice"))
        tell(.cancel(reason: "not now"))
        #expect(said == ["use tabs", "nice"])
        story = Situation.awaitingApproval.story
        said = []
        tell(.cancel(reason: "not wanted"))
        #expect(said == ["not wanted"])
    }

    @Test func whatCannotBeDoneIsRefusedInASentence() {
        var story = Situation.merged.story
        story.hear(.commandGiven(.stop, "T-1"), isRefused: "cannot stop T-1: it is merged")
        story.hear(.commandGiven(.cancel(reason: "no"), "T-1"), isRefused: "cannot give T-1 up: it has landed")
        story.hear(.commandGiven(.approve(), "T-1"))
        story = Situation.stopped.story
        story.hear(.commandGiven(.approve(), "T-1"), isRefused: "cannot approve T-1: it is stopped")
        story = Situation.agentFailed.story
        let problem = story["T-1"].reason ?? ""
        story.hear(.commandGiven(.approve(), "T-1"), isRefused: "cannot approve T-1: \(problem)")
        story = Situation.working.story
        story.hear(.commandGiven(.retry, "T-1"), isRefused: "cannot retry T-1: it is running")
        story.hear(.commandGiven(.continue, "T-9"), isRefused: "there is no ticket T-9")
        story = Situation.stopping.story
        story.hear(.commandGiven(.continue, "T-1"), isRefused: "cannot continue T-1: it is being stopped")
    }
}

extension Situation {
    /// Where a ticket goes on that was stopped here while this was awaited.
    fileprivate func stage(after outcome: Input) -> Stage {
        switch self {
        case .collecting:
            if case .workCollected(_, _, true, _) = outcome { .verify } else { .work }
        case .preparingToVerify, .building, .checkingOut, .verifying, .concluding, .buildingToLand, .verifyingToLand:
            .verify
        default: .work
        }
    }
}
