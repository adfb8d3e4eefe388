import Testing

@testable import Core

@Suite struct LockRuleTests {
    let id: TicketID = "T-1"

    @Test func aPathOutsideItsLocksBlocksATicketAndAWordLetsItThrough() {
        var story = Story()
        let candidate = Candidate.of(id, paths: ["src/a.txt", "docs/b.md"])
        story.enqueue(.new(locks: ["src/**"]))
        story.collect(id)
        story.hear(
            .candidateBuilt(id, candidate),
            says: [
                .candidateBuilt(id, commit: candidate.commit, tree: candidate.tree, tip: "m0"),
                .humanNeeded(id, .lockViolation(paths: ["docs/b.md"], candidate)),
            ]
        )
        // Let through, it still has to pass.
        story.hear(
            .commandGiven(.approve(), id),
            says: [.ticketContinued(id, .approve()), .ticketStarted(id, AgentID(1), .verify)],
            asks: [.prepareWorktree(id)]
        )
        story.hear(.worktreeReady(id, branch: "b", base: "m0", head: candidate.head, .test()))
        story.verify(id, candidate)
        story.endRun(id)
        story.hear(
            .checkoutInspected(id, changed: []),
            says: [
                .ticketVerified(id, tree: candidate.tree, reused: false), .ticketApproved(id, .human),
                .landingStarted(id),
            ],
            asks: [.advanceTarget(id, candidate)]
        )
        // On another tip the word still holds; for another head it does not.
        story.hear(.targetMoved(id, to: "m1"))
        let moved = Candidate.of(id, on: "m1", paths: candidate.paths)
        #expect(story.hear(.candidateBuilt(id, moved)).effects == [.prepareCheckout(id, moved, slot: 0)])
        story.hear(.checkoutFailed(id, reason: "disk full"))
        story.tell(.continue, id)
        story.hear(.worktreeReady(id, branch: "b", base: "m0", head: "h2", .test()))
        let other = Candidate.of(id, on: "m1", paths: candidate.paths, head: "h2")
        story.hear(.candidateBuilt(id, other))
        #expect(story.state(id) == .needsHuman(.lockViolation(paths: ["docs/b.md"], other), resume: .verify))
    }

    @Test func underWarnAPathOutsideItsLocksIsSaidAndLands() {
        var story = Story()
        let rules = Rules.test { $0.lockViolation = .warn }
        let candidate = Candidate.of(id, paths: ["docs/b.md"], rules: rules)
        story.enqueue(.new(locks: ["src/**"]))
        story.collect(id, rules)
        story.hear(
            .candidateBuilt(id, candidate),
            says: [
                .lockViolationAllowed(id, paths: ["docs/b.md"]),
                .candidateBuilt(id, commit: candidate.commit, tree: candidate.tree, tip: "m0"),
                .verificationStarted(id, slot: 0),
            ],
            asks: [.prepareCheckout(id, candidate, slot: 0)]
        )
    }

    @Test func aTicketWithoutLocksWaitsForThoseWhoHoldItsPathsAndLetsOthersPass() {
        var story = Story(agents: 3)
        story.enqueue(.new(locks: ["src/**"]), .new(), .new())
        story.prepare("T-1")
        story.collect("T-2")
        story.verify("T-2", .of("T-2", paths: ["src/a.txt"]))
        story.endRun("T-2")
        story.hear(
            .checkoutInspected("T-2", changed: []),
            says: [
                .ticketVerified("T-2", tree: "tree-T-2@m0", reused: false), .ticketApproved("T-2", .policy),
                .landingWaited("T-2", of: ["T-1"]),
            ]
        )
        #expect(story.core.repositories[story.repository]?.landingQueue == [])
        story.finish("T-3", .of("T-3", paths: ["docs/b.md"]))
        story.hear(.targetAdvanced("T-3", to: "T-3@m0"))
        // The holder lets go: the ticket is built again, for the target has moved.
        story.endRun("T-1", .exited(1))
        story.hear(.snapshotTaken("T-1"))
        story.hear(
            .commandGiven(.cancel(reason: "no"), "T-1"),
            says: [.ticketCancelled("T-1", reason: "no"), .landingStarted("T-2")],
            asks: [.tidy("T-1", snapshot: 2), .buildCandidate("T-2")]
        )
    }

    @Test func locksAreHeldThroughStopApprovalAndAQuestionAndReleasedAtTheEnd() {
        var story = Story(agents: 2)
        let rules = Rules.test(.human)
        story.enqueue(.new(locks: ["src/**"]), .new(locks: ["src/a.txt"]))
        #expect(story.core.waiting("T-2") == .lock(.at("src/**"), holder: "T-1"))
        story.prepare("T-1", rules)
        story.tell(.stop, "T-1")
        story.endRun("T-1", .stopped)
        story.hear(.snapshotTaken("T-1"))
        #expect(story.core.waiting("T-2") == .lock(.at("src/**"), holder: "T-1"))
        story.tell(.continue, "T-1")
        story.finish("T-1", .of("T-1", rules: rules))
        #expect(story.core.waiting("T-2") == .lock(.at("src/**"), holder: "T-1"))
        story.tell(.approve(), "T-1")
        let landed = story.hear(.targetAdvanced("T-1", to: "m1"))
        #expect(
            landed.facts.map(\.event) == [.ticketMerged("T-1", commit: "m1"), .ticketStarted("T-2", AgentID(1), .work)]
        )
        #expect(story.core.grants.values.map(\.ticket) == ["T-2"])
        #expect(story.core.grants.keys.max() == 2)
    }

    @Test func aWideLockIsNotStarvedByAStreamOfNarrowOnes() {
        var story = Story(agents: 3)
        story.enqueue(.new(locks: ["src/a/**"]))
        story.enqueue(.new(locks: ["**"]))
        for number in 3...6 {
            story.enqueue(.new(locks: ["src/b\(number)/**"]))
        }
        #expect(story.core.waiting("T-2") == .lock(.at("src/a/**"), holder: "T-1"))
        #expect(story.core.waiting("T-3") == .reservation(.at("**"), behind: "T-2"))
        #expect(story.core.waiting("T-6") == .reservation(.at("**"), behind: "T-2"))
        // What does not conflict with the reservation goes on.
        story.enqueue(.new("other", locks: ["resource:db"]))
        #expect(story["other"].agent == AgentID(2))
        story.finish("T-1", .of("T-1", paths: ["src/a/x"]))
        story.hear(.targetAdvanced("T-1", to: "m1"))
        #expect(story["T-2"].agent == AgentID(1))
        #expect(story.core.waiting("T-3") == .lock(.at("**"), holder: "T-2"))
        // Gone, it keeps nobody waiting any more.
        story.hear(.worktreeFailed("T-2", reason: "disk full"))
        story.tell(.cancel(reason: "no"), "T-2")
        #expect(story["T-3"].agent != nil && story["T-4"].agent != nil)
        #expect(story.core.waiting("T-5") == .agent(busy: 3))
    }
}
