import Testing

@testable import Core

/// Of a ticket that has ended and been put away, Core need know no more than how it ended.
@Suite struct SettledTests {
    /// `landed` has landed and `gone` was cancelled, both are put away, and `waits` may start.
    private var story: Story {
        var story = Story(agents: 1)
        story.enqueue(.new("landed", priority: 1), .new("gone"), .new("waits"))
        story.tell(.cancel(reason: "no"), "gone")
        story.finish("landed", .of("landed"))
        story.hear(.targetAdvanced("landed", to: "m1"))
        story.hear(.tidied("landed", .done))
        return story
    }

    private func forgetful(_ story: Story) -> Story {
        var story = story
        story.core.forget(settled: ["landed", "gone"])
        return story
    }

    private static let inputs: [Input] = ["landed", "gone", "never"].flatMap { (id: TicketID) -> [Input] in
        let run = RunID(ticket: id, number: 1)
        let commands: [Command] = [
            .continue, .stop, .cancel(reason: "no"), .retry, .approve(), .requestChanges(comment: "more"),
        ]
        return commands.map { .commandGiven($0, id) } + [
            .editAsked(id, TicketEdit(priority: 3)), .enqueueAsked("r1", [.new(id)]),
            .enqueueAsked("r1", [.new("new", dependsOn: [id])]),
            .enqueueAsked("r1", [.new("new", locks: ["src/**"], dependsOn: [id]), .new("newer", dependsOn: ["new"])]),
            .forbiddenAsked(run, method: "prune"), .snapshotNoted(id, number: 1, notes: ["note"]),
            .worktreeReady(id, branch: "b", base: "m0", head: "m0", .test()), .worktreeFailed(id, reason: "no"),
            .workCollected(id, head: "h", changed: true, committedLeftovers: false), .collectFailed(id, reason: "no"),
            .snapshotTaken(id), .snapshotFailed(id, reason: "no"), .candidateBuilt(id, .of(id)),
            .candidateEmpty(id, tip: "m1"), .candidateConflicted(id, tip: "m1", paths: ["x"]),
            .candidateFailed(id, reason: "no"), .checkoutReady(id), .checkoutFailed(id, reason: "no"),
            .checkoutInspected(id, changed: []), .targetAdvanced(id, to: "m1"), .targetMoved(id, to: "m2"),
            .targetBlocked(id, reason: "no"), .targetFailed(id, reason: "no"), .tidied(id, .done),
            .tidied(id, .blocked(reason: "no")), .repositoryGone(id, reason: "no"), .runEnded(run, .exited(0)),
            .runStarted(run, at: Instant(milliseconds: 1)), .wentQuiet(run), .runStirred(run, by: .cpu),
            .runStayedQuiet(run),
        ]
    }

    @Test func whateverIsSaidOfAForgottenTicketIsDecidedAsBefore() throws {
        let (story, forgetful) = (story, forgetful(story))
        #expect(forgetful.core.settled == ["landed": .merged, "gone": .cancelled])
        #expect(Array(forgetful.core.tickets.keys) == ["waits"])
        for input in Self.inputs {
            var (knowing, forgetting) = (story.core, forgetful.core)
            let expected = knowing.handle(input, at: story.now)
            let decision = forgetting.handle(input, at: story.now)
            #expect(decision == expected, "\(input)")
            #expect(forgetting.inconsistency == nil)
        }
    }

    @Test func numbersOfForgottenTicketsAreNotGivenOutAgain() {
        var story = Story(agents: 1)
        story.enqueue(.new("other", priority: 1), .new("T-1"))
        story.tell(.cancel(reason: "no"), "T-1")
        story.core.forget(settled: ["T-1"])
        story.enqueue(.new())
        #expect(story.core.tickets.keys.sorted() == ["T-2", "other"])
    }

    /// One that has ended waits for nobody: a new ticket may take the name it waited for in vain.
    @Test func aTicketThatHasEndedIsPartOfNoCircle() {
        var story = Story()
        story.enqueue(.new("old", dependsOn: ["never"]))
        story.tell(.cancel(reason: "no"), "old")
        for forgets in [false, true] {
            var story = story
            if forgets { story.core.forget(settled: ["old"]) }
            story.hear(
                .enqueueAsked("r1", [.new("never", dependsOn: ["old"])]),
                says: [.ticketEnqueued("never"), .humanNeeded("never", .dependency("old", .cancelled))]
            )
        }
    }

    @Test func whatIsForgottenComesThroughARestart() {
        let forgetful = forgetful(story)
        let restored = Orchestrator(limits: forgetful.core.limits, restoring: forgetful.core.stored)
        #expect(restored.stored == forgetful.core.stored)
        #expect(restored.end(of: "landed") == .merged && restored.end(of: "gone") == .cancelled)
        #expect(restored.end(of: "waits") == nil && !restored.knows("never"))
    }

    @Test func whatIsStillToBePutAwayHasNotSettled() {
        #expect(!Situation.merged.story["T-1"].isSettled)
        #expect(Situation.cancelled.story["T-1"].isSettled)
    }
}
