import Testing

@testable import Core

@Suite struct QuotaTests {
    @Test func noMoreAgentsOfAProfileWorkThanMay() {
        var story = Story(agents: 3, profiles: ["big": 1])
        story.enqueue(.new("a", profile: "big"), .new("b", profile: "big"), .new("c"))
        #expect(story["a"].agent != nil && story["b"].agent == nil && story["c"].agent != nil)
        #expect(story.core.waiting("b") == .quota(.profile("big"), limit: 1))
        #expect(story.core.waiting("b")!.sentence == "waits for a free agent of profile big (1 at a time)")
        // The first that waits goes on, not the newest.
        story.enqueue(.new("d", profile: "big"))
        story.hear(.worktreeFailed("a", reason: "no"))
        #expect(story["b"].agent != nil && story["d"].agent == nil)
    }

    @Test func noMoreAgentsWorkOnARepositoryThanItsTargetSays() {
        var story = Story(agents: 3, repositoryLimit: 1)
        story.enqueue(.new("a"), .new("b"))
        #expect(story.core.waiting("b") == .quota(.repository(story.repository), limit: 1))
        // What the target says is noted with whatever is read from it, and what waits goes on at once.
        var rules = Rules.test()
        rules.policy.agents = 2
        let decision = story.hear(.worktreeReady("a", branch: "b/a", base: "m0", head: "m0", rules))
        #expect(decision.facts.map(\.event).first == .repositoryChanged(story.repository))
        #expect(story["b"].agent != nil)
        let restarted = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(restarted.inconsistency == nil && restarted.repositories[story.repository]!.agents == 2)
    }

    @Test func oneThatWaitsForItsProfileReservesItsLocks() {
        var story = Story(agents: 3, profiles: ["big": 1])
        story.enqueue(.new("a", profile: "big"), .new("wide", locks: ["src/**"], profile: "big"))
        story.enqueue(.new("narrow", locks: ["src/a"]))
        #expect(story.core.waiting("narrow") == .reservation(.at("src/**"), behind: "wide"))
        story.hear(.worktreeFailed("a", reason: "no"))
        #expect(story["wide"].agent != nil)
        story.hear(.worktreeFailed("wide", reason: "no"))
        story.tell(.cancel(reason: "no"), "wide")
        #expect(story["narrow"].agent != nil)
    }

    @Test func anotherProfileIsAnotherQuota() {
        var story = Story(agents: 3, profiles: ["big": 1])
        story.enqueue(.new("a", profile: "big"), .new("b", profile: "big"))
        story.hear(.editAsked("b", TicketEdit(profile: "script")))
        #expect(story["b"].agent != nil)
    }
}
