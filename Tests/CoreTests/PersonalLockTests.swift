import Testing

@testable import Core

@Suite struct PersonalLockTests {
    private func take(_ pattern: String, _ name: String = "alice", for duration: Duration? = nil) -> Input {
        .lockAsked("r1", .at(pattern), by: name, reason: "by hand", for: duration)
    }

    private func release(_ pattern: String) -> Input { .lockReleaseAsked(.pattern("r1", .at(pattern))) }

    @Test func ticketsWaitForWhatAPersonHoldsAndStartWhenItIsReleased() {
        var story = Story()
        let alice = Grant.Person(name: "alice", reason: "by hand", expires: nil)
        story.hear(take("src/**"), says: [.lockTaken("r1", .at("src/**"), alice)])
        story.enqueue(.new(locks: ["src/a.txt"]))
        #expect(story.core.waiting("T-1")?.sentence == "waits for src/**, held by alice: by hand")
        story.hear(take("port:5432", "bob"))
        story.enqueue(.new(locks: ["port:5432"]), .new(locks: ["docs/**"]))
        #expect(story.core.waiting("T-2")?.sentence == "waits for port:5432, held by bob: by hand")
        #expect(story["T-3"].agent != nil)
        story.hear(
            release("src/**"),
            says: [
                .lockReleased("r1", .at("src/**"), of: "alice", expired: false),
                .ticketStarted("T-1", AgentID(2), .work),
            ],
            asks: [.prepareWorktree("T-1")]
        )
        story.hear(.lockReleaseAsked(.fence(2)))
        #expect(story.core.waiting("T-2") == .agent(busy: 2))
        #expect(story.core.inconsistency == nil)
    }

    @Test func whatOthersHoldCannotBeTakenAndWhatOneHoldsCanBeTakenAnew() {
        var story = Story()
        story.enqueue(.new(locks: ["src/a.txt"]))
        story.hear(take("src/**"), isRefused: "cannot take src/**: T-1 holds src/a.txt")
        story.hear(take("docs/**"))
        story.hear(take("docs/a.md", "bob"), isRefused: "cannot take docs/a.md: alice holds docs/**: by hand")
        story.hear(take("docs/a.md"))
        story.hear(take("docs/**", for: .seconds(60)))
        #expect(story.core.grants.values.filter { $0.person != nil }.map(\.fence).sorted() == [3, 4])
        story.hear(release("src/a.txt"), isRefused: "cannot release src/a.txt: the ticket T-1 holds it")
        story.hear(release("docs/b.md"), isRefused: "nobody holds docs/b.md")
        story.hear(
            .lockAsked("r1", .at("x"), by: "alice", reason: "", for: nil),
            isRefused: "cannot take x: say why, in up to 500 bytes"
        )
    }

    @Test func aTicketWithoutLocksWaitsForPathsThatAPersonHolds() {
        var story = Story()
        story.hear(take("src/**"))
        story.enqueue(.new())
        story.finish("T-1", .of("T-1", paths: ["src/a.txt"]))
        #expect(story["T-1"].reason == "changes paths that alice holds")
        let freed = story.hear(release("src/**"))
        #expect(freed.effects == [.advanceTarget("T-1", .of("T-1", paths: ["src/a.txt"]))])
    }

    @Test func aLockEndsAtItsTimeAlsoAfterARestartAndWithAClockThatWentBack() {
        var story = Story()
        story.hear(take("src/**", for: .seconds(60)))
        story.enqueue(.new(locks: ["src/**"]))
        #expect(story.core.nextDeadline == story.now + .seconds(60))
        let restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        #expect(restored.nextDeadline == story.core.nextDeadline)
        #expect(restored.waiting("T-1") == story.core.waiting("T-1"))
        story.now = story.now + .seconds(-100)
        story.hear(.deadlineReached, says: [])
        #expect(story.core.nextDeadline == story.now + .seconds(60))
        story.now = story.now + .seconds(60)
        story.hear(
            .deadlineReached,
            says: [
                .lockReleased("r1", .at("src/**"), of: "alice", expired: true),
                .ticketStarted("T-1", AgentID(1), .work),
            ],
            asks: [.prepareWorktree("T-1")]
        )
        #expect(story.core.nextDeadline == nil)
    }
}
