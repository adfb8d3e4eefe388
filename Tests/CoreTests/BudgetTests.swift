import Testing

@testable import Core

/// Budgets: what is used up ends runs, and keeps others from starting until there is more.
@Suite struct BudgetTests {
    private static let noon = UTCDay("2026-11-21")!.start + .seconds(12 * 3600)
    private static let midnight = UTCDay("2026-11-22")!.start

    private static func used(_ cost: Int, tokens: Int = 0, unpriced: Int = 0) -> Usage {
        Usage(tokens: Tokens(input: tokens), cost: cost, unpriced: unpriced)
    }

    private static func budgets(_ change: (inout Budgets) -> Void) -> Budgets {
        var budgets = Budgets()
        change(&budgets)
        return budgets
    }

    private func story(agents: Int = 2, reserves: [String: Allowance] = [:], _ change: (inout Budgets) -> Void) -> Story
    {
        var story = Story(agents: agents, budgets: Self.budgets(change), reserves: reserves)
        story.now = Self.noon
        return story
    }

    private func begin(_ id: TicketID, in story: inout Story) -> RunID {
        story.enqueue(.new(id))
        story.prepare(id)
        return story[id].currentRun!
    }

    @Test func aTicketAtItsBudgetIsEndedAndGoesToAHuman() {
        var story = story { $0.ticket.cost = 100 }
        let run = begin("T-1", in: &story)
        let other = begin("T-2", in: &story)
        story.hear(.usageSeen(run, Self.used(99)), says: [.runUsed(run, Self.used(99))])
        story.hear(
            .usageSeen(run, Self.used(120)),
            says: [.runUsed(run, Self.used(120)), .ticketStopping("T-1")],
            asks: [.stopRun(run)]
        )
        #expect(story.core.agents[AgentID(1)]?.stopping == true)
        // Once is enough, whatever it still says.
        story.hear(.usageSeen(run, Self.used(130)), says: [.runUsed(run, Self.used(130))])
        story.endRun("T-1", .stopped)
        story.hear(.snapshotTaken("T-1"))
        let problem = BudgetProblem.reached(.ticket, .usd, spent: 120, cap: 100)
        #expect(story.state("T-1") == .needsHuman(.budget(problem), resume: .work))
        #expect(story.core.tickets["T-2"]?.currentRun == other)
    }

    @Test func aRunIsToldTheLeastThatItsBudgetsLeaveIt() {
        var story = story {
            $0.ticket.cost = 100
            $0.day.cost = 150
        }
        let run = begin("T-1", in: &story)
        #expect(story["T-1"].opening == Opening(cost: 100))
        story.hear(.usageSeen(run, Self.used(90)))
        _ = begin("T-2", in: &story)
        #expect(story["T-2"].opening == Opening(cost: 60))
        // Who may use as much as there is needs to know of nothing.
        var free = self.story { $0.day.tokens = 100 }
        _ = begin("T-1", in: &free)
        #expect(free["T-1"].opening == nil)
    }

    @Test func itGoesOnOnceItMayUseMore() {
        var story = story { $0.ticket.cost = 5_000_000 }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(5_320_000)))
        story.endRun("T-1", .stopped)
        story.hear(.snapshotTaken("T-1"))
        #expect(story["T-1"].reason == "its budget is used up (5.32 of 5.00 USD); `orch budget` gives it more")
        for command in [Command.continue, .retry, .requestChanges(comment: "more")] {
            story.hear(
                .commandGiven(command, "T-1"),
                isRefused: "cannot \(command.name) T-1: its budget is used up (5.32 of 5.00 USD)"
            )
        }
        story.hear(.budgetGiven("T-1", Allowance(cost: 6_000_000)), says: [.budgetGiven("T-1")])
        story.hear(.budgetGiven("T-1", Allowance(cost: 6_000_000)), says: [])
        story.tell(.continue, "T-1")
        story.prepare("T-1")
        #expect(story["T-1"].currentRun != nil)
        // What was used before counts.
        let second = story["T-1"].currentRun!
        story.hear(.usageSeen(second, Self.used(600_000)))
        #expect(story["T-1"].halt == nil)
        story.hear(.usageSeen(second, Self.used(680_000)))
        #expect(story["T-1"].halt == .budget(.reached(.ticket, .usd, spent: 6_000_000, cap: 6_000_000)))
    }

    @Test func aBudgetThatIsTakenAwayEndsTheRun() {
        var story = story { _ in }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(50, tokens: 1000)))
        story.hear(
            .budgetGiven("T-1", Allowance(tokens: 1000)),
            says: [.budgetGiven("T-1"), .ticketStopping("T-1")],
            asks: [.stopRun(run)]
        )
        story.hear(.budgetGiven("T-9", Allowance(cost: 1)), isRefused: "there is no ticket T-9")
    }

    @Test func anAgentThatIsDoneBeforeItIsStoppedHasItsWorkTaken() {
        var story = story { $0.ticket.cost = 100 }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(100)))
        story.endRun("T-1", .exited(0))
        #expect(story.state("T-1") == .running(Running(agent: AgentID(1), step: .collecting)))
        story.hear(.workCollected("T-1", head: "h", changed: true, committedLeftovers: false))
        // Verifying costs nothing; but what is to be repaired is for a human.
        story.verify("T-1", .of("T-1", head: "h"))
        story.endRun("T-1", .exited(1))
        story.hear(.checkoutInspected("T-1", changed: []))
        #expect(
            story.state("T-1")
                == .needsHuman(.budget(.reached(.ticket, .usd, spent: 100, cap: 100)), resume: .work)
        )
        #expect(story["T-1"].feedback != nil)
    }

    @Test func theDaysBudgetEndsAllThatWorkAndLetsNothingStart() throws {
        var story = story(agents: 3) { $0.day.cost = 100 }
        let one = begin("T-1", in: &story)
        let two = begin("T-2", in: &story)
        story.hear(.usageSeen(one, Self.used(60)))
        story.enqueue(.new("settingUp"))
        let decision = story.hear(.usageSeen(two, Self.used(45)))
        #expect(
            decision.facts.map(\.event)
                == [.runUsed(two, Self.used(45)), .ticketStopping("T-1"), .ticketStopping("T-2")]
        )
        #expect(decision.effects == [.stopRun(two), .stopRun(one)])
        let problem = BudgetProblem.reached(.day, .usd, spent: 105, cap: 100)
        #expect(story["T-1"].halt == .budget(problem) && story["T-2"].halt == .budget(problem))
        // One whose agent was to start next goes back to the queue with all it has, and lets its agent go.
        story.prepare("settingUp")
        #expect(story.state("settingUp") == .queued(resume: .work))
        for id: TicketID in ["T-1", "T-2"] {
            story.endRun(id, .stopped)
            story.hear(.snapshotTaken(id))
        }
        story.enqueue(.new("T-3"))
        let shortfall = BudgetShortfall(
            span: .day,
            unit: .usd,
            cap: 100,
            spent: 105,
            reserved: 0,
            wanted: 0,
            renews: UTCDay(Self.midnight)
        )
        #expect(
            story.core.waiting("T-3") == .budget(shortfall) && story.core.waiting("settingUp") == .budget(shortfall)
        )
        // Whoever is told to go on waits as well.
        story.tell(.continue, "T-1")
        #expect(story.core.waiting("T-1") == .budget(shortfall))
        #expect(story.core.nextDeadline == Self.midnight)
        story.now = Self.midnight
        let renewed = story.hear(.deadlineReached)
        #expect(renewed.facts.first?.event == .spendingRenewed)
        #expect(["T-1", "T-3", "settingUp"].allSatisfy { story[TicketID($0)].agent != nil })
    }

    @Test func theMonthsBudgetRenewsOnTheFirst() {
        var story = story { $0.month.tokens = 1000 }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(0, tokens: 1000)))
        story.endRun("T-1", .stopped)
        story.hear(.snapshotTaken("T-1"))
        #expect(
            story["T-1"].reason
                == "the budget of the month is used up (1000 of 1000 tokens); `continue` has it wait for the next month"
        )
        story.enqueue(.new("T-2"))
        #expect(
            story.core.waiting("T-2")?.sentence
                == "waits for the budget of the month: 1000 of 1000 tokens used; it begins anew on 2026-12-01 at 00:00 UTC"
        )
        story.now = Self.midnight
        story.hear(.deadlineReached, says: [.spendingRenewed])
        #expect(story["T-2"].agent == nil)
        story.now = UTCDay("2026-12-01")!.start
        story.hear(.deadlineReached)
        #expect(story["T-2"].agent != nil)
    }

    @Test func whatIsSetAsideForRunsUnderWayIsNotGivenToOthers() {
        var story = story(agents: 4, reserves: ["script": Allowance(cost: 4_000_000)]) {
            $0.day.cost = 10_000_000
        }
        let one = begin("T-1", in: &story)
        _ = begin("T-2", in: &story)
        story.enqueue(.new("T-3"))
        story.enqueue(.new("free", profile: "cheap"))
        #expect(story["T-3"].agent == nil && story["free"].agent != nil)
        #expect(
            story.core.waiting("T-3")?.sentence
                == "waits for the budget of the day: 0.00 of 10.00 USD used, 8.00 set aside for others, 4.00 wanted; "
                + "it begins anew on 2026-11-22 at 00:00 UTC"
        )
        // What it uses comes out of what was set aside for it.
        story.hear(.usageSeen(one, Self.used(1_500_000)))
        #expect(story["T-3"].agent == nil)
        // It ends with less than that: there is room for another.
        story.endRun("T-1", .exited(1))
        #expect(story["T-3"].agent != nil)
        story.prepare("T-3")
        #expect(story["T-3"].currentRun != nil)
    }

    @Test func whatHasOnlyToBeVerifiedNeedsNoBudget() {
        var story = story(agents: 1) { $0.day.cost = 100 }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(100)))
        story.endRun("T-1", .exited(0))
        story.hear(.workCollected("T-1", head: "h", changed: true, committedLeftovers: false))
        story.tell(.stop, "T-1")
        story.hear(.candidateFailed("T-1", reason: "halted"))
        story.hear(.snapshotTaken("T-1"))
        // Ahead of it, one waits that may not start, for the same locks.
        story.enqueue(.new("first", priority: 9))
        story.tell(.continue, "T-1")
        #expect(story.core.waiting("first") != nil && story["T-1"].agent != nil)
    }

    @Test func whoWaitsForTheBudgetKeepsNoLocksFromOthers() {
        var story = story(agents: 2, reserves: ["dear": Allowance(cost: 90)]) { $0.day.cost = 100 }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(20)))
        story.enqueue(.new("dear", priority: 9, locks: ["src/**"], profile: "dear"))
        story.enqueue(.new("cheap", locks: ["src/a.txt"]))
        #expect(story["dear"].agent == nil && story["cheap"].agent != nil)
    }

    @Test func whoFirstWaitedForALockAndThenForTheBudgetLetsTheOthersGo() {
        var story = story(agents: 2, reserves: ["dear": Allowance(cost: 90)]) { $0.day.cost = 100 }
        story.enqueue(.new("T-1", locks: ["src/b.txt"]))
        story.prepare("T-1")
        story.hear(.usageSeen(story["T-1"].currentRun!, Self.used(20)))
        story.enqueue(.new("other"))
        story.enqueue(.new("dear", priority: 9, locks: ["src/**"], profile: "dear"))
        // Behind the one that the lock is reserved for, as there is nothing yet that keeps that from starting but a lock.
        story.enqueue(.new("cheap", locks: ["src/a.txt"]))
        story.tell(.cancel(reason: "no"), "other")
        story.hear(.worktreeFailed("other", reason: "no"))
        #expect(story["dear"].agent == nil && story["cheap"].agent == nil)
        story.tell(.cancel(reason: "no"), "T-1")
        story.endRun("T-1", .stopped)
        story.hear(.snapshotTaken("T-1"))
        #expect(story["dear"].agent == nil && story["cheap"].agent != nil)
    }

    @Test func tokensNobodyKnowsThePriceOfEndTheirRunWhereThatIsThePolicy() {
        for policy in UnknownUsage.allCases {
            var story = story {
                $0.day.cost = 100
                $0.unknownUsage = policy
            }
            let run = begin("T-1", in: &story)
            story.hear(.usageSeen(run, Self.used(1, tokens: 500, unpriced: 500)))
            #expect(story["T-1"].halt == (policy == .refuse ? .budget(.unpriced(tokens: 500)) : nil))
        }
        // Where no money is limited, nobody needs to know.
        var story = story {
            $0.day.tokens = 1000
            $0.unknownUsage = .refuse
        }
        let run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(0, tokens: 500, unpriced: 500)))
        #expect(story["T-1"].halt == nil)
    }

    @Test func peopleAndTheHaltGoBeforeABudget() {
        for (command, end) in [
            (Command.stop, TicketState.stopped(resume: .work)),
            (.cancel(reason: "no"), .cancelled(reason: "no", tidy: .pending)),
        ] {
            var story = story { $0.ticket.cost = 100 }
            let run = begin("T-1", in: &story)
            story.hear(.usageSeen(run, Self.used(100)))
            story.tell(command, "T-1")
            story.endRun("T-1", .stopped)
            story.hear(.snapshotTaken("T-1"))
            #expect(story.state("T-1") == end)
        }
        // One that is done just then goes on no more than one that is stopped.
        for outcome in [RunOutcome.stopped, .exited(0)] {
            var story = story { $0.ticket.cost = 100 }
            let run = begin("T-1", in: &story)
            story.hear(.usageSeen(run, Self.used(100)))
            story.hear(.haltAsked(reason: ""))
            story.endRun("T-1", outcome)
            story.hear(.snapshotTaken("T-1"))
            // It would not go on by itself after `resume` anyway.
            guard case .needsHuman(.budget, .work) = story.state("T-1") else {
                Issue.record("\(story.state("T-1"))")
                return
            }
        }
    }

    @Test func aDaemonThatStartsWithLessEndsWhatIsBeyondIt() {
        var (story, run) = (story { _ in }, RunID(ticket: "T-1", number: 1))
        run = begin("T-1", in: &story)
        story.hear(.usageSeen(run, Self.used(100)))
        let limits = Orchestrator.Limits(agents: 1, verificationSlots: 1, budgets: Self.budgets { $0.day.cost = 50 })
        var core = Orchestrator(limits: limits, restoring: story.core.stored, at: story.now)
        _ = core.recover(at: story.now)
        // Its driver says again what it has used.
        let decision = core.handle(.usageSeen(run, Self.used(100)), at: story.now)
        #expect(decision.effects == [.stopRun(run)])
    }
}
