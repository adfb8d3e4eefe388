import Testing

@testable import Core

@Suite struct LandingTests {
    let id: TicketID = "T-1"

    /// Two tickets, approved one after the other: the first is being landed, the second waits.
    private func twoLanding() -> Story {
        var story = Story()
        story.enqueue(.new(), .new())
        story.finish("T-1", .of("T-1"))
        story.finish("T-2", .of("T-2"))
        return story
    }

    @Test func theNextInTheQueueIsBuiltAndTestedOnTopOfTheOneBefore() {
        var story = twoLanding()
        #expect(
            story.state("T-2")
                == .landing(Landing(approval: Approval(by: .policy, head: "h-T-2"), step: .waiting(.of("T-2"))))
        )
        story.hear(
            .targetAdvanced("T-1", to: "T-1@m0"),
            says: [.ticketMerged("T-1", commit: "T-1@m0"), .landingStarted("T-2")],
            asks: [.tidy("T-1", snapshot: 2), .buildCandidate("T-2")]
        )
        let rebuilt = Candidate.of("T-2", on: "T-1@m0")
        story.verify("T-2", rebuilt)
        story.endRun("T-2")
        story.hear(
            .checkoutInspected("T-2", changed: []),
            says: [.ticketVerified("T-2", tree: rebuilt.tree, reused: false), .landingStarted("T-2")],
            asks: [.advanceTarget("T-2", rebuilt)]
        )
    }

    /// What a client can sort by: the queue's own order, also when one is set aside and comes back behind the others.
    @Test func placesAreTheOrderInWhichTheyLand() {
        var story = Story(agents: 3)
        story.enqueue(.new(), .new(), .new())
        func inOrder(_ story: Story) -> [TicketID] {
            story.core.tickets.values.filter { $0.landingPlace != nil }
                .sorted { $0.landingPlace! < $1.landingPlace! }.map(\.id)
        }
        func queue(_ story: Story) -> [TicketID] { story.core.repositories[story.repository]!.landingQueue }
        for id: TicketID in ["T-2", "T-1", "T-3"] { story.finish(id, .of(id)) }
        #expect(queue(story) == ["T-2", "T-1", "T-3"] && inOrder(story) == queue(story))
        #expect(["T-2", "T-1", "T-3"].map { story[$0].landingPlace } == [1, 2, 3])
        story.hear(.targetBlocked("T-2", reason: "local changes"))
        #expect(queue(story) == ["T-1", "T-3"] && inOrder(story) == queue(story))
        #expect(story[id].landingPlace == 2 && story["T-2"].landingPlace == nil)
        // Its target has moved meanwhile: it takes its place behind the others.
        story.hear(.targetMoved("T-2", to: "m1"))
        #expect(queue(story) == ["T-1", "T-3", "T-2"] && inOrder(story) == queue(story))
        // What an older orch stored has no places.
        var stored = story.core.stored
        for index in stored.tickets.indices { stored.tickets[index].landingPlace = nil }
        var later = Orchestrator(limits: story.core.limits, restoring: stored)
        let said = later.recover(at: story.now).facts
        #expect(["T-1", "T-3", "T-2"].map { later.tickets[$0]?.landingPlace } == [1, 2, 3])
        let told = said.first { $0.event == .ticketChanged("T-3") }
        #expect(told?.changes.tickets.map(\.new?.landingPlace) == [2])
    }

    @Test func aTreeThatHasPassedIsNotTestedAgain() {
        var story = twoLanding()
        story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        let same = Candidate.of("T-2", on: "T-1@m0", tree: "tree-T-2@m0")
        story.hear(
            .candidateBuilt("T-2", same),
            says: [
                .candidateBuilt("T-2", commit: same.commit, tree: same.tree, tip: "T-1@m0"),
                .ticketVerified("T-2", tree: same.tree, reused: true), .landingStarted("T-2"),
            ],
            asks: [.advanceTarget("T-2", same)]
        )
    }

    @Test func aTreeThatPassedUnderOtherVerifiersIsTestedAgain() {
        var story = twoLanding()
        story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        let stricter = Rules.test { $0.verifiers.append(Verifier(name: "more", command: ["more"])) }
        let same = Candidate.of("T-2", on: "T-1@m0", rules: stricter, tree: "tree-T-2@m0")
        #expect(story.hear(.candidateBuilt("T-2", same)).effects == [.prepareCheckout("T-2", same, slot: 0)])
    }

    @Test func aTicketThatIsRedOnTopOfAnotherIsEvictedAndTheQueueGoesOn() {
        var story = Story(agents: 3)
        story.enqueue(.new(), .new(), .new())
        for id: TicketID in ["T-1", "T-2", "T-3"] { story.finish(id, .of(id)) }
        story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        story.verify("T-2", .of("T-2", on: "T-1@m0"))
        let check = story["T-2"].currentRun!
        story.endRun("T-2", .exited(1))
        let feedback = Feedback.verifierFailed(name: "test", command: ["make", "test"], run: check, summary: "exit 1")
        story.hear(
            .checkoutInspected("T-2", changed: []),
            says: [
                .verificationFailed("T-2", verifier: "test", outcome: "exit 1"),
                .ticketEvicted("T-2", reason: "red on top of the target"), .sentBack("T-2", feedback, attempt: 1),
                .landingStarted("T-3"), .ticketStarted("T-2", AgentID(1), .work),
            ],
            asks: [.prepareWorktree("T-2"), .buildCandidate("T-3")]
        )
        #expect(story["T-2"].feedback == feedback)
    }

    @Test func aConflictOnTheTipEvicts() {
        var story = twoLanding()
        story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        story.hear(
            .candidateConflicted("T-2", tip: "T-1@m0", paths: ["a"]),
            says: [
                .candidateConflicted("T-2", tip: "T-1@m0", paths: ["a"]),
                .ticketEvicted("T-2", reason: "conflicts with the target"),
                .sentBack("T-2", .conflict(paths: ["a"], tip: "T-1@m0"), attempt: 1),
                .ticketStarted("T-2", AgentID(1), .work),
            ],
            asks: [.prepareWorktree("T-2")]
        )
    }

    @Test func othersLandPastOneThatTheUsersCheckoutIsInTheWayOf() {
        var story = Story()
        story.enqueue(.new("a"), .new("b"))
        story.finish("a", .of("a"))
        story.finish("b", .of("b"))
        // The first is being landed, the second waits behind it.
        #expect(
            story.hear(.targetBlocked("a", reason: "changes")).effects == [.advanceTarget("b", .of("b"))]
        )
        story.hear(.targetAdvanced("b", to: "b@m0"))
        // Tried again, it finds the target moved, and is tested on what has landed meanwhile.
        story.now = story.core.nextDeadline!
        #expect(story.hear(.deadlineReached).effects == [.advanceTarget("a", .of("a"))])
        #expect(story.hear(.targetMoved("a", to: "b@m0")).effects == [.buildCandidate("a")])
    }

    @Test func anApprovalHoldsForItsHeadAndNoOther() {
        var story = Story()
        let rules = Rules.test(.human)
        story.enqueue(.new())
        story.finish(id, .of(id, rules: rules))
        story.tell(.approve(), id)
        story.hear(.targetMoved(id, to: "m1"))
        // Somebody has committed on its branch meanwhile.
        let other = Candidate.of(id, on: "m1", rules: rules, head: "h2")
        story.verify(id, other)
        story.endRun(id)
        story.hear(
            .checkoutInspected(id, changed: []),
            says: [
                .ticketVerified(id, tree: other.tree, reused: false),
                .approvalRequested(id, [.policy, .afterChange]),
            ]
        )
        // The same head on another tip needs no new word.
        story.tell(.approve(), id)
        story.hear(.targetMoved(id, to: "m2"))
        let moved = Candidate.of(id, on: "m2", rules: rules, head: "h2")
        story.verify(id, moved)
        story.endRun(id)
        #expect(story.hear(.checkoutInspected(id, changed: [])).effects == [.advanceTarget(id, moved)])
    }

    @Test(arguments: [ApprovalPolicy.human, .auto])
    func whoAsksForChangesTakesAnApprovalBack(_ policy: ApprovalPolicy) {
        var story = Story()
        let sensitive = Rules.test(policy) { $0.verifiers[0].command = ["ci.sh"] }
        let candidate = Candidate.of(id, paths: ["ci.sh"], rules: sensitive)
        story.enqueue(.new())
        story.finish(id, candidate)
        story.tell(.approve(), id)
        story.hear(.targetMoved(id, to: "m1"))
        story.tell(.stop, id)
        story.hear(.candidateFailed(id, reason: "stopped"))
        story.tell(.requestChanges(comment: "rename it"), id)
        // Its agent does nothing, and the very head that had been approved comes back.
        story.finish(id, candidate)
        guard case .awaitingApproval(_, let reasons) = story.state(id) else {
            return #expect(Bool(false), "\(story.state(id))")
        }
        #expect(reasons.contains(.afterChange))
    }

    @Test func anEvictedTicketWhoseDiffChangedNeedsANewWord() {
        var story = Story()
        let rules = Rules.test(.human)
        story.enqueue(.new())
        story.finish(id, .of(id, rules: rules))
        story.tell(.approve(), id)
        story.hear(.targetMoved(id, to: "m1"))
        story.hear(.candidateConflicted(id, tip: "m1", paths: ["a"]))
        story.collect(id, rules, head: "h2")
        story.verify(id, .of(id, on: "m1", rules: rules, head: "h2"))
        story.pass(id)
        #expect(
            story.state(id) == .awaitingApproval(.of(id, on: "m1", rules: rules, head: "h2"), [.policy, .afterChange])
        )
    }

    @Test func aTargetThatSomebodyElseMovedIsSaidAndBuiltOn() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id))
        story.hear(
            .targetMoved(id, to: "m1"),
            says: [.targetMoved(story.repository, from: "m0", to: "m1"), .landingStarted(id)],
            asks: [.buildCandidate(id)]
        )
        #expect(story.core.repositories[story.repository]?.tip == "m1")
    }

    @Test func aCandidateBuiltBeforeAnotherLandedIsNoMoveBySomebodyElse() {
        var story = Story()
        story.enqueue(.new(), .new())
        story.finish("T-1", .of("T-1"))
        story.collect("T-2")
        story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        let events = story.hear(.candidateBuilt("T-2", .of("T-2", on: "m0"))).facts.map(\.event)
        #expect(!events.contains { if case .targetMoved = $0 { true } else { false } })
        #expect(story.core.repositories[story.repository]?.tip == "T-1@m0")
    }

    @Test func aCandidateBuiltOnWhatIsJustBeingLandedIsNoMoveBySomebodyElse() {
        var story = Story()
        story.enqueue(.new(), .new())
        story.finish("T-1", .of("T-1"))
        story.collect("T-2")
        let events = story.hear(.candidateBuilt("T-2", .of("T-2", on: "T-1@m0"))).facts.map(\.event)
        #expect(!events.contains { if case .targetMoved = $0 { true } else { false } })
        #expect(story.core.repositories[story.repository]?.tip == "m0")
    }

    @Test func aCandidateThatIsOutOfDateWhenItIsApprovedIsBuiltAgain() {
        var story = Situation.waitingToLand.story
        story.tell(.stop, id)
        story.tell(.continue, id)
        story.hear(.worktreeReady(id, branch: "b", base: "m0", head: .head(of: id), .test()))
        story.hear(.targetAdvanced("other", to: "other@m0"))
        // Its tree has passed before, so it is approved at once; but the target has moved since it was built.
        story.hear(
            .candidateBuilt(id, .of(id)),
            says: [
                .candidateBuilt(id, commit: "T-1@m0", tree: "tree-T-1@m0", tip: "m0"),
                .ticketVerified(id, tree: "tree-T-1@m0", reused: true), .ticketApproved(id, .policy),
                .landingStarted(id),
            ],
            asks: [.buildCandidate(id)]
        )
    }

    @Test func theUsersCheckoutInTheWayIsSaidOnceAndTriedAgainLaterAndLater() {
        var story = Story()
        let candidate = Candidate.of(id)
        story.enqueue(.new())
        story.finish(id, candidate)
        story.hear(.targetBlocked(id, reason: "changes in a"), says: [.landingBlocked(id, reason: "changes in a")])
        var delays: [Int64] = []
        for _ in 1...6 {
            let deadline = story.core.nextDeadline!
            delays.append(deadline.milliseconds - story.now.milliseconds)
            // Too early, nothing happens.
            story.hear(.deadlineReached, says: [])
            story.now = deadline
            story.hear(.deadlineReached, says: [], asks: [.advanceTarget(id, candidate)])
            #expect(story.core.nextDeadline == nil)
            story.hear(.targetBlocked(id, reason: "changes in a"), says: [])
        }
        #expect(delays == [2000, 4000, 8000, 16000, 30000, 30000])
        // Something else is in the way: that is worth saying.
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        story.hear(.targetBlocked(id, reason: "a rebase"), says: [.landingBlocked(id, reason: "a rebase")])
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        #expect(
            story.hear(.targetAdvanced(id, to: candidate.commit)).facts.map(\.event) == [
                .ticketMerged(id, commit: candidate.commit)
            ]
        )
        #expect(story.core.nextDeadline == nil)
    }

    @Test func aBlockedLandingCanBeStoppedButNotWhileItIsTried() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id))
        let refusal = "cannot stop T-1: it is landing at this moment"
        story.hear(.commandGiven(.stop, id), isRefused: refusal)
        story.hear(.targetBlocked(id, reason: "changes"))
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached)
        story.hear(.commandGiven(.stop, id), isRefused: refusal)
        story.hear(.targetBlocked(id, reason: "changes"))
        story.hear(.commandGiven(.stop, id), says: [.ticketStopping(id), .ticketStopped(id)])
        #expect(story.state(id) == .stopped(resume: .verify))
        #expect(story.core.nextDeadline == nil)
    }

    @Test func aLandingThatFailsGoesToAHuman() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id))
        story.hear(.targetFailed(id, reason: "disk full"), says: [.humanNeeded(id, .landingFailed("disk full"))])
        #expect(story.core.repositories[story.repository]?.landingQueue == [])
    }

    @Test func whatAHumanLetLandIsTrusted() {
        var story = Story()
        var candidate = Candidate.of(id, paths: [".orch/config.json"])
        candidate.ownDigest = "new"
        story.enqueue(.new())
        story.finish(id, candidate)
        story.tell(.approve(), id)
        story.hear(.targetAdvanced(id, to: candidate.commit))
        #expect(story.core.repositories[story.repository]?.trusted == ["d", "new"])
    }

    @Test func aWorktreeThatCannotBePutAwayStaysAndIsNamed() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id))
        story.hear(.targetAdvanced(id, to: "m1"))
        story.hear(.tidied(id, .left(reason: "in use")), says: [.ticketLeft(id, reason: "in use")])
        #expect(story.state(id) == .merged(commit: "m1", tidy: .left))
        story.hear(.tidied(id, .done), says: [])
    }
}
