import Testing

@testable import Core

/// Locks that agents take while they work.
@Suite struct WorkClaimTests {
    let a: TicketID = "T-1"
    let b: TicketID = "T-2"
    let c: TicketID = "T-3"

    /// Tickets with these locks, each with its agent at work.
    private func story(_ locks: [String]...) -> Story {
        var story = Story(agents: locks.count)
        for locks in locks { story.enqueue(.new(locks: locks)) }
        for number in 1...locks.count { story.prepare(TicketID("T-\(number)")) }
        return story
    }

    private func claim(_ id: TicketID, _ patterns: [String], key: String = "k", wait: Int64 = 60) -> Input {
        .claimAsked(RunID(ticket: id, number: 1), key: key, patterns.map { .at($0) }, for: .seconds(wait))
    }

    private func run(_ id: TicketID) -> RunID { RunID(ticket: id, number: 1) }
    private func held(_ id: TicketID, _ story: Story) -> [String] {
        story.core.grants.values.filter { $0.ticket == id }.sorted { $0.fence < $1.fence }.map(\.pattern.text)
    }

    @Test func whatIsFreeIsGrantedAtOnceAndHeldUntilTheTicketHasLanded() {
        var story = story(["src/**"], [])
        story.hear(claim(a, ["docs/a.md", "src/x.txt"]), says: [.claimGranted(run(a), [.at("docs/a.md")])])
        #expect(held(a, story) == ["src/**", "docs/a.md"])
        #expect(story[a].claimed == [.at("docs/a.md")])
        // What is held need not be claimed.
        story.hear(claim(a, ["docs/a.md"], key: "l"), says: [])
        story.finish(a, .of(a, on: "m0", paths: ["docs/a.md"]))
        story.hear(.targetAdvanced(a, to: "m1"))
        #expect(held(a, story) == [])
    }

    @Test func whatOthersHoldIsWaitedForInTheOrderOfAsking() {
        var story = story(["src/**"], ["b/**"], [])
        let until = story.now + .seconds(60)
        story.hear(
            claim(b, ["src/x", "docs/**"]),
            says: [.claimWaits(run(b), [.at("src/x"), .at("docs/**")], of: [.ticket(a)], until: until)]
        )
        #expect(story[b].reason == "run 1: the agent waits for src/x and docs/**")
        // Half of what the first waits for is free, and still its own.
        story.hear(
            claim(c, ["docs/y"]),
            says: [.claimWaits(run(c), [.at("docs/y")], of: [.ticket(b)], until: until)]
        )
        story.hear(claim(c, ["lib"], key: "l"), says: [.claimWaits(run(c), [.at("lib")], of: [], until: until)])
        let events = story.tell(.cancel(reason: ""), a).facts.map(\.event)
        #expect(!events.contains { if case .claimGranted = $0 { true } else { false } })
        let end = story.endRun(a, .stopped)
        #expect(end.facts.count { if case .claimGranted = $0.event { true } else { false } } == 0)
        let saved = story.hear(.snapshotTaken(a)).facts.map(\.event)
        #expect(saved.contains(.claimGranted(run(b), [.at("src/x"), .at("docs/**")])))
        #expect(story[c].dealings?.claims.count == 2)
        story.hear(
            .claimReleaseAsked(run(b), [.at("docs/**")], changed: ["src/x"]),
            says: [
                .claimReleased(run(b), [.at("docs/**")]), .claimGranted(run(c), [.at("docs/y")]),
                .claimGranted(run(c), [.at("lib")]),
            ]
        )
        #expect(story[c].dealings == nil)
    }

    @Test func aWaitThatWouldNeverEndIsRefusedAtOnceWithWhoHoldsWhat() {
        var story = story(["a/**"], ["b/**"], ["c/**"])
        story.hear(claim(a, ["b/x"]))
        story.hear(claim(b, ["c/x"]))
        story.hear(
            claim(c, ["a/x"]),
            isRefused: "cannot claim a/x: T-1 holds it, and waits for what this ticket holds: neither would ever go on"
        )
        // Nor does it wait behind who waits for it: what is free it gets.
        story.hear(claim(c, ["d"]), says: [.claimGranted(run(c), [.at("d")])])
    }

    @Test func whoWaitsForThisVeryTicketDoesNotComeBeforeIt() {
        var story = story(["a/**"], ["b/**"])
        story.hear(claim(a, ["free", "b/x"]))
        story.hear(claim(b, ["free"]), says: [.claimGranted(run(b), [.at("free")])])
    }

    /// A queued ticket that holds locks begins to wait for one whose agent waits for it.
    @Test func anAgentDoesNotGoOnWaitingInACycleThatAnotherCloses() {
        let rules = Rules.test { $0.lockViolation = .claim }
        var story = Story(agents: 2)
        story.enqueue(.new(locks: ["a/**"]), .new(locks: ["b/**"]))
        story.prepare(a, rules)
        story.prepare(b, rules)
        story.hear(claim(b, ["a/x"], wait: 1000))
        story.collect(a, rules)
        let decision = story.hear(.candidateBuilt(a, .of(a, on: "m0", paths: ["a/x", "b/x"], rules: rules)))
        #expect(decision.facts.map(\.event).contains(.claimEnded(run(b), [.at("a/x")], .cycle([a]))))
        #expect(story[b].dealings == nil)
        #expect(story.core.waiting(a) == .lock(.at("b/**"), holder: b))
    }

    @Test func nobodyWaitsLongerThanAskedFor() {
        var story = story(["a/**"], [])
        story.hear(claim(b, ["a/x"], wait: 0), isRefused: "cannot claim a/x now: held, or asked for before, by T-1")
        story.hear(claim(b, ["a/x"]))
        #expect(story.core.nextDeadline == story.now + .seconds(60))
        // The machine slept: that is no waiting.
        story.now = story.now + .seconds(3600)
        story.hear(.clockJumped(by: .seconds(3600)))
        story.hear(.deadlineReached, says: [])
        story.now = story.now + .seconds(60)
        story.hear(.deadlineReached, says: [.claimEnded(run(b), [.at("a/x")], .limit)])
        #expect(held(b, story) == [])
    }

    @Test func aWaitOutlivesTheDaemonAndEndsWhenItsTimeIsOver() {
        var story = story(["a/**"], [])
        story.hear(claim(b, ["a/x"]))
        story.core = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        _ = story.core.recover(at: story.now)
        // Asked again, it is the same.
        story.hear(claim(b, ["a/x"]), says: [])
        #expect(story[b].dealings?.claims.count == 1)
        story.now = story.now + .seconds(60)
        story.hear(.deadlineReached, says: [.claimEnded(run(b), [.at("a/x")], .limit)])
    }

    @Test func whoeverIsGoneOrStoppedWaitsForNothing() {
        var story = story(["a/**"], [])
        story.hear(claim(b, ["a/x"]))
        story.hear(.claimWithdrawn(run(b), key: "k"), says: [.claimEnded(run(b), [.at("a/x")], .withdrawn)])
        story.hear(.claimWithdrawn(run(b), key: "k"), says: [])
        story.hear(claim(b, ["a/x"]))
        story.tell(.stop, b)
        #expect(story[b].dealings == nil)
        story.hear(
            claim(b, ["d"], key: "l"),
            isRefused: "cannot claim: run T-2.1 is over, or is being ended"
        )
    }

    @Test func onlyWhatWasClaimedAndIsNotChangedIsGivenBack() {
        var story = story(["a/**"], [])
        story.hear(claim(a, ["docs/**"]))
        func release(_ pattern: String, _ changed: [String] = []) -> Input {
            .claimReleaseAsked(run(a), [.at(pattern)], changed: changed)
        }
        story.hear(release("a/**"), isRefused: "cannot release a/**: it is a lock of the ticket's own")
        story.hear(release("b/**"), isRefused: "cannot release b/**: you have not claimed it under this name")
        story.hear(release("docs/**", ["docs/x"]), isRefused: "cannot release docs/**: your work changes docs/x")
        story.hear(release("docs/**"), says: [.claimReleased(run(a), [.at("docs/**")])])
        #expect(held(a, story) == ["a/**"])
        #expect(story[a].claimed == nil)
    }

    /// What its agent claims does not make other changes of the ticket a violation.
    @Test func aTicketWithoutLocksOfItsOwnStaysOne() {
        var story = story([])
        story.hear(claim(a, ["docs/**"]))
        #expect(!story[a].isBounded)
        story.finish(a, .of(a, on: "m0", paths: ["src/x"]))
        #expect(story[a].state.name == "landing")
    }

    /// Two such tickets change what the other has claimed: neither would ever land.
    @Test func landingsThatWaitForEachOtherAreForAHuman() {
        var story = story([], [])
        story.hear(claim(a, ["a"]))
        story.hear(claim(b, ["b"]))
        story.finish(a, .of(a, on: "m0", paths: ["b"]))
        #expect(story[a].reason == "changes paths that T-2 holds")
        story.finish(b, .of(b, on: "m0", paths: ["a"]))
        #expect(story[b].state == .needsHuman(.lockCycle(wanted: [.at("a")], holders: [a]), resume: .verify))
    }
}
