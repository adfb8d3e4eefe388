import Testing

@testable import Core

@Suite struct DependencyTests {
    @Test func aChainStartsOneAfterTheOther() {
        var story = Story(agents: 3)
        story.enqueue(.new("c", dependsOn: ["b"]), .new("b", dependsOn: ["a"]), .new("a"))
        #expect(story.core.waiting("b") == .dependencies(["a"]))
        #expect(story.core.waiting("c") == .dependencies(["b"]))
        story.finish("a", .of("a"))
        let landed = story.hear(.targetAdvanced("a", to: "m1"))
        #expect(
            landed.facts.map(\.event) == [.ticketMerged("a", commit: "m1"), .ticketStarted("b", AgentID(1), .work)]
        )
        #expect(story.core.waiting("c") == .dependencies(["b"]))
    }

    @Test func anUnknownDependencyGoesToAHumanAndContinuesOnceItExists() {
        var story = Story()
        story.hear(
            .enqueueAsked(story.repository, [.new("a", dependsOn: ["b"])]),
            says: [.ticketEnqueued("a"), .humanNeeded("a", .dependency("b", .unknown))]
        )
        story.hear(
            .commandGiven(.continue, "a"),
            isRefused: "cannot continue a: it depends on b, which does not exist"
        )
        story.enqueue(.new("b"))
        story.tell(.continue, "a")
        #expect(story.core.waiting("a") == .dependencies(["b"]))
    }

    @Test func aCancelledDependencyGoesToAHumanWithThatReason() {
        var story = Story(agents: 1)
        story.enqueue(.new("a", priority: -1), .new("b", dependsOn: ["a"]), .new("busy"))
        story.hear(.commandGiven(.cancel(reason: "no"), "a"))
        #expect(story.state("b") == .needsHuman(.dependency("a", .cancelled), resume: .work))
        for command in [Command.continue, .retry, .requestChanges(comment: "more")] {
            story.hear(
                .commandGiven(command, "b"),
                isRefused: "cannot \(command.name) b: it depends on a, which was cancelled"
            )
        }
        story.hear(
            .enqueueAsked(story.repository, [.new("c", dependsOn: ["a"])]),
            says: [
                .ticketEnqueued("c"), .humanNeeded("c", .dependency("a", .cancelled)),
            ]
        )
    }

    @Test func aStoppedTicketWhoseDependencyWasCancelledDoesNotWaitForEver() {
        var story = Story(agents: 1)
        story.enqueue(.new("busy", priority: 1), .new("a"), .new("b", dependsOn: ["a"]))
        story.tell(.stop, "b")
        story.tell(.cancel(reason: "no"), "a")
        story.hear(
            .commandGiven(.continue, "b"),
            isRefused: "cannot continue b: it depends on a, which was cancelled"
        )
    }

    @Test func aCycleIsRefusedAndNamed() {
        var story = Story()
        story.hear(
            .enqueueAsked(
                story.repository,
                [.new("x"), .new("a", dependsOn: ["b"]), .new("b", dependsOn: ["c"]), .new("c", dependsOn: ["a"])]
            ),
            isRefused: "tickets depend on each other in a circle: a → b → c → a"
        )
        story.hear(
            .enqueueAsked(story.repository, [.new("a", dependsOn: ["a"])]),
            isRefused: "tickets depend on each other in a circle: a → a"
        )
        // Closed by one that was unknown until now.
        story.enqueue(.new("a", dependsOn: ["b"]))
        story.hear(
            .enqueueAsked(story.repository, [.new("b", dependsOn: ["a"])]),
            isRefused: "tickets depend on each other in a circle: b → a → b"
        )
    }

    @Test func aLongChainIsTakenInWithoutRunningOutOfStack() {
        var story = Story()
        let count = 5000
        let chain = (0..<count).map { number -> NewTicket in
            .new(TicketID("t\(number)"), dependsOn: number + 1 < count ? [TicketID("t\(number + 1)")] : [])
        }
        #expect(story.hear(.enqueueAsked(story.repository, chain)).refusal == nil)
        #expect(story[TicketID("t\(count - 1)")].agent == AgentID(1))
    }
}
