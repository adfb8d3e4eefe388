import Testing

@testable import Core

/// What may be changed of a ticket, when, and what that does to the queue.
@Suite struct EditTests {
    /// In each situation: whether its priority may be changed, and its locks.
    @Test func whatMayBeChangedDependsOnWhatTheTicketHolds() {
        var lines: [String] = []
        for situation in Situation.allCases {
            let before = situation.story
            let edits = [TicketEdit(priority: 7), TicketEdit(locks: [.at("other/**")])]
            let cells = edits.map { edit -> String in
                var story = before
                let decision = story.hear(.editAsked("T-1", edit))
                return decision.refusal == nil && !decision.facts.isEmpty ? "yes" : "-"
            }
            if cells != ["-", "-"] { lines.append("\(situation.rawValue) \(cells[0]) \(cells[1])") }
        }
        #expect(
            lines == [
                "queued yes yes", "stopped yes yes", "agentFailed yes yes", "agentStale yes yes", "lockViolation yes -",
                "dependencyCancelled yes yes",
            ],
            "\(lines)"
        )
    }

    @Test func aPriorityThatChangesInTheQueueChangesWhoStartsNext() {
        var story = Story(agents: 1)
        story.enqueue(.new("first"), .new("a"), .new("b"), .new("c"))
        story.hear(.editAsked("c", TicketEdit(priority: 2)), says: [.ticketEdited("c", [.priority])])
        story.hear(.editAsked("a", TicketEdit(priority: -1)), says: [.ticketEdited("a", [.priority])])
        story.hear(.editAsked("a", TicketEdit(priority: -1)), says: [])
        var started: [TicketID] = []
        for id: TicketID in ["first", "c", "b", "a"] {
            if case .running = story.state(id) { started.append(id) }
            story.tell(.cancel(reason: "next"), id)
            story.hear(.worktreeFailed(id, reason: "halted"))
        }
        #expect(started == ["first", "c", "b", "a"])
    }

    @Test func otherLocksLetItStartAtOnce() {
        var story = Story()
        story.enqueue(.new("holds", locks: ["src/**"]), .new("waits", locks: ["src/a"]))
        #expect(story.core.waiting("waits") == .lock(.at("src/**"), holder: "holds"))
        let decision = story.hear(.editAsked("waits", TicketEdit(locks: [.at("docs/**"), .at("docs/**")])))
        #expect(
            decision.facts.map(\.event) == [
                .ticketEdited("waits", [.locks]), .ticketStarted("waits", AgentID(2), .work),
            ]
        )
        #expect(story["waits"].locks == [.at("docs/**")])
    }

    @Test func onesThatReservedALockAndDoesNotAskForItAnyMoreKeepsNobodyWaiting() {
        var story = Story(agents: 3)
        story.enqueue(
            .new("holds", locks: ["src/a"]),
            .new("wide", locks: ["src/**"]),
            .new("narrow", locks: ["src/b"])
        )
        #expect(story.core.waiting("narrow") == .reservation(.at("src/**"), behind: "wide"))
        story.hear(.editAsked("wide", TicketEdit(locks: [.at("src/a")])))
        #expect(story.state("narrow").name == "running")
        #expect(story.core.waiting("wide") == .lock(.at("src/a"), holder: "holds"))
    }

    @Test func theLocksOfOneThatHoldsThemStay() {
        var story = Story()
        story.enqueue(.new("a", locks: ["src/**"]))
        story.tell(.stop, "a")
        story.hear(.worktreeReady("a", branch: "b", base: "m0", head: "m0", .test()))
        if case .running = story.state("a") { story.hear(.snapshotTaken("a")) }
        #expect(story.state("a").name == "stopped")
        story.hear(
            .editAsked("a", TicketEdit(locks: [.at("docs/**")])),
            isRefused: "cannot edit a: it holds its locks, which others count on"
        )
        story.hear(
            .editAsked("a", TicketEdit(priority: 3, locks: [.at("src/**")], changesDescription: true)),
            says: [.ticketEdited("a", [.priority, .description])]
        )
    }

    @Test func oneThatWaitsForAnotherGoesOnWaitingForIt() {
        var story = Story()
        story.enqueue(.new("first"), .new("second", dependsOn: ["first"]))
        story.hear(.editAsked("second", TicketEdit(priority: 9)))
        #expect(story.core.waiting("second") == .dependencies(["first"]))
        story.hear(.editAsked("never", TicketEdit()), isRefused: "there is no ticket never")
        story.hear(.editAsked("first", TicketEdit(priority: 1)), isRefused: "cannot edit first: it is running")
    }

    @Test func whatATicketWaitsForCanBeChangedAsLongAsItHasNotBegun() {
        var story = Story()
        story.enqueue(.new("first"), .new("second"), .new("third", dependsOn: ["first"]))
        story.hear(
            .editAsked("third", TicketEdit(dependsOn: ["second"])),
            says: [.ticketEdited("third", [.dependsOn])]
        )
        #expect(story.core.waiting("third") == .dependencies(["second"]))
        story.hear(.editAsked("third", TicketEdit(dependsOn: ["second"])), says: [])
        story.hear(
            .editAsked("third", TicketEdit(dependsOn: ["third"])),
            isRefused: "tickets depend on each other in a circle: third → third"
        )
        story.enqueue(.new("fourth", dependsOn: ["third"]))
        story.hear(
            .editAsked("third", TicketEdit(dependsOn: ["second", "fourth"])),
            isRefused: "tickets depend on each other in a circle: third → fourth → third"
        )
        #expect(story.core.waiting("third") == .dependencies(["second"]))
        story.hear(.editAsked("third", TicketEdit(dependsOn: [])))
        #expect(story.core.waiting("third")?.sentence.contains("agent") ?? (story["third"].agent != nil))
        #expect(story.core.inconsistency == nil)
    }

    @Test func aDependencyThatWillNeverLandSendsAQueuedTicketToAHuman() {
        var story = Story(agents: 1)
        story.enqueue(.new("first"), .new("second"))
        story.hear(
            .editAsked("second", TicketEdit(dependsOn: ["never"])),
            says: [
                .ticketEdited("second", [.dependsOn]), .humanNeeded("second", .dependency("never", .unknown)),
            ]
        )
        story.hear(.editAsked("second", TicketEdit(dependsOn: [])))
        story.tell(.continue, "second")
        #expect(story.core.waiting("second") == .agent(busy: 1))
        story.tell(.stop, "first")
        story.hear(.worktreeReady("first", branch: "b", base: "m0", head: "m0", .test()))
        if case .running = story.state("first") { story.hear(.snapshotTaken("first")) }
        #expect(story.state("first").name == "stopped")
        story.hear(
            .editAsked("first", TicketEdit(dependsOn: ["second"])),
            isRefused: "cannot edit first: it has begun, and waits for no other ticket"
        )
    }
}
