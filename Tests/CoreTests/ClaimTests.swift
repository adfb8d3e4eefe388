import Testing

@testable import Core

/// `lockViolation: claim`: a ticket takes what it lacks, waits for it where others hold it, and a cycle is for a human.
@Suite struct ClaimTests {
    let rules = Rules.test { $0.lockViolation = .claim }
    let a: TicketID = "T-1"
    let b: TicketID = "T-2"

    private func stray(_ id: TicketID, _ paths: [String], on tip: ObjectID = "m0") -> Candidate {
        .of(id, on: tip, paths: paths, rules: rules)
    }

    @Test func aPathThatNobodyHoldsIsTakenAndKeptUntilTheTicketHasLanded() {
        var story = Story()
        // The name is a path, not a pattern, whatever it looks like.
        let candidate = stray(a, ["src/a.txt", "docs/[b].md"])
        story.enqueue(.new(locks: ["src/**"]))
        story.collect(a, rules)
        story.hear(
            .candidateBuilt(a, candidate),
            says: [
                .locksClaimed(a, paths: ["docs/[b].md"]),
                .candidateBuilt(a, commit: candidate.commit, tree: candidate.tree, tip: "m0"),
                .verificationStarted(a, slot: 0),
            ],
            asks: [.prepareCheckout(a, candidate, slot: 0)]
        )
        #expect(story[a].locks.map(\.text) == ["src/**", "docs/\\[b].md"])
        #expect(story.core.grants.values.sorted { $0.fence < $1.fence }.map(\.pattern) == story[a].locks)
        story.enqueue(.new(locks: ["docs/b.md"]))
        #expect(story[b].agent != nil)
        story.enqueue(.new(locks: ["docs/[b].md"]))
        #expect(story.core.waiting("T-3") == .lock(.at("docs/\\[b].md"), holder: a))
        story.hear(.checkoutReady(a))
        story.pass(a)
        story.hear(.targetAdvanced(a, to: "m1"))
        #expect(story.core.grants.values.allSatisfy { $0.ticket != a })
    }

    @Test func aPathThatAnotherHoldsIsWaitedForWithoutAnAgentAndWithoutLettingGo() {
        var story = Story(agents: 2)
        story.enqueue(.new(locks: ["src/**"]), .new(locks: ["docs/**"]), .new(locks: ["src/a.txt"]), .new())
        story.collect(a, rules)
        let candidate = stray(a, ["src/a.txt", "docs/b.md"])
        story.hear(
            .candidateBuilt(a, candidate),
            says: [
                .candidateBuilt(a, commit: candidate.commit, tree: candidate.tree, tip: "m0"),
                .claimWaited(a, paths: ["docs/b.md"], of: [.ticket(b)]),
                // Its agent goes to another; not to the one that wants what it holds.
                .ticketStarted("T-4", AgentID(1), .work),
            ],
            asks: [.prepareWorktree("T-4")]
        )
        #expect(story.core.waiting(a)?.sentence == "waits for lock docs/** of T-2")
        #expect(story.core.waiting("T-3") == .lock(.at("src/**"), holder: a))
        #expect(story.core.grants.values.filter { $0.ticket == a }.map(\.pattern.text) == ["src/**"])
        story.finish(b, stray(b, ["docs/b.md"]))
        let landed = story.hear(.targetAdvanced(b, to: "m1"))
        #expect(landed.facts.map(\.event).contains(.ticketStarted(a, AgentID(2), .verify)))
        story.hear(.worktreeReady(a, branch: "b", base: "m0", head: .head(of: a), rules))
        #expect(story.core.grants.values.filter { $0.ticket == a }.count == 2)
        let rebuilt = stray(a, ["src/a.txt", "docs/b.md"], on: "m1")
        #expect(story.hear(.candidateBuilt(a, rebuilt)).effects == [.prepareCheckout(a, rebuilt, slot: 0)])
    }

    /// Without it the two would wait for each other for ever: the reserver for the holder, the holder behind it.
    @Test func aHolderDoesNotWaitBehindOneThatHasReservedWhatItLacks() {
        var story = Story(agents: 2)
        story.enqueue(.new(locks: ["src/**"]), .new(locks: ["docs/**"]))
        story.enqueue(.new("wide", priority: 9, locks: ["**"]))
        story.collect(a, rules)
        story.hear(.candidateBuilt(a, stray(a, ["docs/b.md"])))
        story.hear(.worktreeFailed(b, reason: "disk full"))
        story.tell(.cancel(reason: "no"), b)
        #expect(story[a].agent != nil)
        #expect(story.core.waiting("wide") == .lock(.at("docs/b.md"), holder: a))
    }

    /// It is told without the value, and a lock on what is told would match nothing.
    @Test func aPathThatHoldsASecretIsNotClaimed() {
        var story = Story()
        story.enqueue(.new(locks: ["src/**"]))
        story.collect(a, rules)
        let candidate = stray(a, ["src/a.txt", "docs/\(SecretMark.text("TOKEN")).md"])
        story.hear(.candidateBuilt(a, candidate))
        let paths = ["docs/[secret TOKEN].md"]
        #expect(story.state(a) == .needsHuman(.lockViolation(paths: paths, candidate), resume: .verify))
        #expect(
            story[a].reason
                == "it changes paths outside its locks: docs/[secret TOKEN].md (no lock can name a secret's value)"
        )
        #expect(story[a].locks.map(\.text) == ["src/**"])
    }

    @Test func aCycleOfClaimsGoesToAHumanAndTheOthersGoOn() {
        var story = Story(agents: 3)
        story.enqueue(.new(locks: ["a/**"]), .new(locks: ["b/**"]), .new(locks: ["c/**"]))
        for id in [a, b, "T-3"] { story.collect(id, rules) }
        story.hear(.candidateBuilt(a, stray(a, ["b/1"])))
        story.hear(.candidateBuilt(b, stray(b, ["c/1"])))
        #expect(story.core.waiting(a) == .lock(.at("b/**"), holder: b))
        let third: TicketID = "T-3"
        let problem = Problem.lockCycle(wanted: [.at("a/1")], holders: [a])
        let candidate = stray(third, ["a/1"])
        story.hear(
            .candidateBuilt(third, candidate),
            says: [
                .candidateBuilt(third, commit: candidate.commit, tree: candidate.tree, tip: "m0"),
                .claimWaited(third, paths: ["a/1"], of: [.ticket(a)]), .humanNeeded(third, problem),
            ]
        )
        #expect(story.state(third) == .needsHuman(problem, resume: .verify))
        // Still in the way, still a human's.
        story.tell(.continue, third)
        #expect(story.state(third) == .needsHuman(problem, resume: .verify))
        // Given up, it keeps nobody waiting.
        var other = story
        other.tell(.cancel(reason: "no"), third)
        #expect(other[b].agent != nil)
        // What its agent is to do otherwise, it need not wait for.
        story.tell(.requestChanges(comment: "leave a alone"), third)
        #expect(story[third].agent != nil)
        #expect(story[third].locks == [.at("c/**")])
    }

    @Test func aWaitForAClaimOutlivesARestart() {
        var story = Story(agents: 2)
        story.enqueue(.new(locks: ["src/**"]), .new(locks: ["docs/**"]))
        story.collect(a, rules)
        story.hear(.candidateBuilt(a, stray(a, ["docs/b.md"])))
        let restored = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        #expect(restored.waiting(a) == .lock(.at("docs/**"), holder: b))
        #expect(story.core.inconsistency == nil)
    }
}
