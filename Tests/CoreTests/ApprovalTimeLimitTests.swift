import Testing

@testable import Core

@Suite struct ApprovalTimeLimitTests {
    let id: TicketID = "T-1"
    let limited = Rules.test(.human) { $0.approvalTimeLimit = .seconds(60) }
    let expired: [ApprovalReason] = [.policy, .approvalExpired(after: .seconds(60))]

    /// T-1 is being landed, and T-2 waits; both were approved at the same moment.
    private func twoApproved() -> Story {
        var story = Story()
        story.enqueue(.new(), .new())
        for id: TicketID in ["T-1", "T-2"] { story.finish(id, .of(id, rules: limited)) }
        for id: TicketID in ["T-1", "T-2"] { story.tell(.approve(), id) }
        return story
    }

    @Test(arguments: [59, 60]) func anApprovalThatIsTooOldWhenItsTurnComesIsAskedForAgain(seconds: Int) {
        var story = twoApproved()
        story.now = story.now + .seconds(seconds)
        story.hear(.targetAdvanced("T-1", to: "T-1@m0"))
        let rebuilt = Candidate.of("T-2", on: "T-1@m0", rules: limited)
        story.verify("T-2", rebuilt)
        story.endRun("T-2")
        let verified = Event.ticketVerified("T-2", tree: rebuilt.tree, reused: false)
        guard seconds == 60 else {
            return story.hear(
                .checkoutInspected("T-2", changed: []),
                says: [verified, .landingStarted("T-2")],
                asks: [.advanceTarget("T-2", rebuilt)]
            )
        }
        story.hear(.checkoutInspected("T-2", changed: []), says: [verified, .approvalRequested("T-2", expired)])
        #expect(
            story["T-2"].reason
                == "waits for approval; it was approved more than 1m ago, for longer than an approval holds"
        )
        // A new word is as good as the first one was.
        story.hear(
            .commandGiven(.approve(), "T-2"),
            says: [.ticketApproved("T-2", .human), .landingStarted("T-2")],
            asks: [.advanceTarget("T-2", rebuilt)]
        )
    }

    @Test func oneThatAgesWhileACheckoutIsInTheWayIsAskedForAgain() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id, rules: limited))
        story.tell(.approve(), id)
        story.hear(.targetBlocked(id, reason: "changes"))
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached, says: [], asks: [.advanceTarget(id, .of(id, rules: limited))])
        story.hear(.targetBlocked(id, reason: "changes"))
        story.now = story.now + .seconds(60)
        story.hear(.deadlineReached, says: [.approvalRequested(id, expired)])
        #expect(story.core.nextDeadline == nil)
        story.hear(
            .commandGiven(.approve(), id),
            says: [.ticketApproved(id, .human), .landingStarted(id)],
            asks: [.advanceTarget(id, .of(id, rules: limited))]
        )
    }

    /// Whether it has landed is seen first, whatever the word.
    @Test func oneThatMayHaveLandedIsNotAskedAbout() {
        var story = Story()
        story.enqueue(.new())
        story.finish(id, .of(id, rules: limited))
        story.tell(.approve(), id)
        story.hear(.repositoryGone(id, reason: "gone"))
        story.now = story.now + .seconds(100)
        story.hear(.deadlineReached, says: [], asks: [.advanceTarget(id, .of(id, rules: limited))])
    }

    @Test func aWordForWhatHadToBeTestedFirstAgesToo() {
        var story = Story()
        story.enqueue(.new(locks: ["docs/**"]))
        story.collect(id, limited)
        story.hear(.candidateBuilt(id, .of(id, rules: limited)))
        story.tell(.approve(), id)
        story.now = story.now + .seconds(60)
        story.prepare(id, limited)
        let candidate = Candidate.of(id, rules: limited)
        story.verify(id, candidate)
        story.endRun(id)
        story.hear(
            .checkoutInspected(id, changed: []),
            says: [.ticketVerified(id, tree: candidate.tree, reused: false), .approvalRequested(id, expired)]
        )
        // What was let through with the first word is with the second.
        story.tell(.approve(), id)
        guard case .landing(let landing) = story.state(id) else { return #expect(Bool(false)) }
        #expect(landing.approval == Approval(by: .human, head: candidate.head, waivesLocks: true, at: story.now))
    }

    @Test func whatThePolicyLandsHasNoAge() {
        var story = Story()
        story.enqueue(.new())
        let rules = Rules.test { $0.approvalTimeLimit = .seconds(60) }
        story.finish(id, .of(id, rules: rules))
        story.hear(.targetBlocked(id, reason: "changes"))
        story.now = story.now + .seconds(100)
        story.hear(.deadlineReached, says: [], asks: [.advanceTarget(id, .of(id, rules: rules))])
    }
}
