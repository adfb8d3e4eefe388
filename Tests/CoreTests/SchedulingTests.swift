import Testing

@testable import Core

@Suite struct SchedulingTests {
    @Test func idsAreAssignedPastThoseThatAreTaken() {
        var story = Story()
        let decision = story.enqueue(.new("T-2"), .new(), .new(), .new("mine"))
        #expect(
            decision.facts.map(\.event).prefix(4)
                == [.ticketEnqueued("T-2"), .ticketEnqueued("T-1"), .ticketEnqueued("T-3"), .ticketEnqueued("mine")]
        )
        #expect(story["T-2"].serial == 1 && story["mine"].serial == 4)
    }

    @Test func ticketsAreTakenInAllOrNone() {
        var story = Story()
        story.enqueue(.new("a"))
        story.hear(
            .enqueueAsked(story.repository, [.new(), .new("a")]),
            isRefused: "ticket a exists already (running)"
        )
        story.hear(.enqueueAsked(story.repository, [.new("b"), .new("b")]), isRefused: "ticket b is given twice")
        story.hear(.enqueueAsked("r9", [.new()]), isRefused: "no repository r9 is registered")
        // A number is given out only with a ticket.
        story.enqueue(.new())
        #expect(story.core.tickets.keys.sorted() == ["T-1", "a"])
    }

    @Test func higherPriorityComesFirstThenAge() {
        var story = Story(agents: 1)
        story.enqueue(.new("busy"))
        story.enqueue(
            .new("old", priority: 1),
            .new("low", priority: -1),
            .new("young", priority: 1),
            .new("high", priority: 5),
            .new("usual")
        )
        var order: [TicketID] = []
        while let id = story.core.agents[AgentID(1)]?.ticket {
            order.append(id)
            story.hear(.worktreeFailed(id, reason: "disk full"))
        }
        #expect(order == ["busy", "high", "old", "young", "usual", "low"])
    }

    @Test func aTicketOfHigherPriorityReservesInsteadOfTheFormerFirst() {
        var story = Story(agents: 3)
        story.enqueue(.new("holder", locks: ["src/**"]), .new("usual", locks: ["src/**", "docs/**"]))
        story.enqueue(.new("behind", locks: ["docs/a.md"]))
        #expect(story.core.waiting("behind") == .reservation(.at("docs/**"), behind: "usual"))
        // Those who waited behind the former first may go, where the new one leaves them room.
        story.enqueue(.new("urgent", priority: 5, locks: ["src/**"]))
        #expect(story["behind"].agent == AgentID(2))
        #expect(story.core.waiting("urgent") == .lock(.at("src/**"), holder: "holder"))
        story.hear(.worktreeFailed("holder", reason: "disk full"))
        story.tell(.cancel(reason: "no"), "holder")
        #expect(story["urgent"].agent != nil && story["usual"].agent == nil)
    }

    @Test func whileDrainingNothingStartsAndWhatRunsGoesOn() {
        var story = Story(agents: 2)
        story.enqueue(.new("a"))
        story.hear(.drainAsked, says: [])
        story.hear(.enqueueAsked(story.repository, [.new("b")]), says: [.ticketEnqueued("b")])
        #expect(story.core.waiting("b") == .draining)
        story.finish("a", .of("a"))
        #expect(story.hear(.targetAdvanced("a", to: "m1")).facts.map(\.event) == [.ticketMerged("a", commit: "m1")])
        #expect(story.state("b") == .queued(resume: .work))
    }

    @Test func aRepositoryIsRegisteredOnce() {
        var story = Story()
        story.hear(
            .repositoryAsked(path: "/repo", target: "main", tip: "m1", trusted: ["e", "d", "c"]),
            says: [
                .repositoryTrusted(story.repository, digest: "c"), .repositoryTrusted(story.repository, digest: "e"),
                .targetMoved(story.repository, from: "m0", to: "m1"),
            ]
        )
        story.hear(.repositoryAsked(path: "/repo", target: "main", tip: "m1", trusted: ["d"]), says: [])
        story.hear(
            .repositoryAsked(path: "/other", target: "main", tip: "x", trusted: []),
            says: [.repositoryAdded("r2")]
        )
    }

    @Test func registeringARepositoryAgainBringsNoOldNewsOfItsTarget() {
        var story = Situation.advancing.story
        let moved = Candidate.of("T-1").commit
        let register = { Input.repositoryAsked(path: "/repo", target: "main", tip: $0, trusted: ["d"]) }
        // orch has moved the target, and its own outcome is still to tell.
        story.hear(register(moved), says: [])
        story.hear(.targetAdvanced("T-1", to: moved))
        // Somebody looked before it was moved.
        story.hear(register("m0"), says: [])
        story.hear(register("m9"), says: [.targetMoved(story.repository, from: moved, to: "m9")])
    }

    @Test func ticketsOfDifferentRepositoriesShareAgentsAndNotLocks() {
        var story = Story(agents: 2)
        story.hear(.repositoryAsked(path: "/other", target: "main", tip: "x", trusted: ["d"]))
        story.enqueue(.new("a", locks: ["**"]))
        story.hear(.enqueueAsked("r2", [.new("b", locks: ["**"])]))
        #expect(story["a"].agent == AgentID(1) && story["b"].agent == AgentID(2))
    }
}
