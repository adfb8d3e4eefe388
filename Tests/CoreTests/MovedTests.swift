import Testing

@testable import Core

/// Targets that somebody moves, repositories that are moved away, and what waits for another git.
@Suite struct MovedTests {
    let id: TicketID = "T-1"

    @Test func aTargetSeenElsewhereIsSaidOnce() {
        var story = Story()
        let repository = story.repository
        story.hear(
            .targetSeen(repository, at: "m1", known: "m0"),
            says: [.targetMoved(repository, from: "m0", to: "m1")]
        )
        story.hear(.targetSeen(repository, at: "m1", known: "m1"), says: [])
        // Read before that was known: it may be older.
        story.hear(.targetSeen(repository, at: "m0", known: "m0"), says: [])
        story.hear(.targetSeen("r9", at: "m0", known: nil), says: [])
    }

    @Test func whatOrchIsLandingIsNoSurprise() throws {
        for situation in [Situation.advancing, .blocked, .tryingAgain] {
            var story = situation.story
            let repository = story[id].repository
            let (tip, candidate) = (try #require(story.core.repositories[repository]?.tip), try advancing(story))
            story.hear(.targetSeen(repository, at: candidate.commit, known: tip), says: [])
            #expect(story.core.repositories[repository]?.tip == tip)
            story.hear(
                .targetSeen(repository, at: "theirs", known: tip),
                says: [.targetMoved(repository, from: tip, to: "theirs")]
            )
        }
    }

    private func advancing(_ story: Story) throws -> Candidate {
        guard case .advanceTarget(_, let candidate)? = story[id].pendingEffects.first else {
            throw Missing()
        }
        return candidate
    }
    private struct Missing: Error {}

    @Test(arguments: [
        (Situation.preparing, Stage.work), (.preparingToVerify, .verify), (.collecting, .work), (.building, .verify),
        (.checkingOut, .verify), (.concluding, .verify), (.buildingToLand, .verify),
    ])
    func whatNeedsARepositoryThatIsGoneWaitsUntilItIsFound(_ situation: Situation, _ stage: Stage) {
        var story = situation.story
        let repository = story.core.repositories[story[id].repository]!
        story.hear(.repositoryGone(id, reason: "it is gone"))
        #expect(story.state(id) == .needsHuman(.repositoryGone("it is gone"), resume: stage))
        #expect(story[id].reason == "it is gone")
        let found = story.hear(
            .repositoryAsked(
                path: "/elsewhere",
                target: repository.target,
                tip: repository.tip!,
                trusted: [],
                moved: repository.id
            )
        ).facts.map(\.event)
        #expect(found.prefix(2) == [.repositoryChanged(repository.id), .ticketContinued(id, .continue)])
        #expect(story.core.repositories[repository.id]?.path == "/elsewhere")
        #expect(story.core.repositories.count == 1)
    }

    /// An attempt before a crash may have moved the target: until that has been seen, nothing else is done with it.
    @Test(arguments: [Situation.advancing, .tryingAgain])
    func aLandingWhoseRepositoryIsGoneMayHaveHappenedAndIsLookedForWhenItIsFound(_ situation: Situation) throws {
        var story = situation.story
        let repository = story.core.repositories[story[id].repository]!
        let candidate = try advancing(story)
        story.hear(.repositoryGone(id, reason: "it is gone"), says: [.landingBlocked(id, reason: "it is gone")])
        story.hear(.repositoryGone(id, reason: "it is gone"), says: [])
        for command in [Command.cancel(reason: "no"), .stop] {
            let refusal = story.hear(.commandGiven(command, id)).refusal
            #expect(refusal?.message.contains("it may have landed") == true, "\(String(describing: refusal))")
        }
        let asked = Input.repositoryAsked(
            path: repository.path,
            target: repository.target,
            tip: candidate.commit,
            trusted: []
        )
        story.hear(asked)
        #expect(story.core.nextDeadline.map { $0 <= story.now } == true)
        #expect(story.hear(.deadlineReached).effects == [.advanceTarget(id, candidate)])
        story.hear(.targetAdvanced(id, to: candidate.commit))
        guard case .merged = story.state(id) else {
            Issue.record("it is \(story.state(id))")
            return
        }
    }

    @Test func oneThatIsKnownNotToHaveLandedCanBeCancelled() {
        var story = Situation.advancing.story
        story.hear(.repositoryGone(id, reason: "it is gone"))
        story.hear(.targetBlocked(id, reason: "your checkout has changes"))
        #expect(story.hear(.commandGiven(.cancel(reason: "no"), id)).refusal == nil)
    }

    /// A landing comes to its end before what was seen of the target on the way is heard.
    @Test func oldNewsOfTheTargetSaysNothing() throws {
        var story = Situation.advancing.story
        let repository = story[id].repository
        let (tip, candidate) = (try #require(story.core.repositories[repository]?.tip), try advancing(story))
        story.hear(.targetAdvanced(id, to: candidate.commit))
        story.hear(.targetSeen(repository, at: tip, known: tip), says: [])
        story.hear(.targetMoved(id, to: tip), says: [])
        #expect(story.core.repositories[repository]?.tip == candidate.commit)
    }

    @Test func aRepositoryThatIsBackWhereItWasIsFoundToo() {
        var story = Situation.preparing.story
        let repository = story.core.repositories[story[id].repository]!
        story.hear(.repositoryGone(id, reason: "it is gone"))
        let asked = Input.repositoryAsked(
            path: repository.path,
            target: repository.target,
            tip: repository.tip!,
            trusted: []
        )
        #expect(story.hear(asked).facts.map(\.event).first == .ticketContinued(id, .continue))
    }

    @Test func aHaltGoesBeforeAWaitForTheRepository() {
        var story = Situation.building.story
        story.tell(.stop, id)
        story.hear(.repositoryGone(id, reason: "it is gone"))
        guard case .running(let running) = story.state(id), case .snapshotting = running.step else {
            return #expect(Bool(false), "\(story.state(id))")
        }
    }

    @Test func puttingAwayWaitsForAnotherGitAndIsTriedAgain() {
        var story = Situation.advancing.story
        story.hear(.targetAdvanced(id, to: "m1"))
        let effect = story[id].pendingEffects
        story.hear(.tidied(id, .blocked(reason: "a lock")), says: [.ticketLeft(id, reason: "a lock")])
        story.hear(.tidied(id, .blocked(reason: "a lock")), says: [])
        // Also by the next daemon.
        #expect(story[id].pendingEffects == effect && effect.count == 1)
        story.now = story.core.nextDeadline!
        story.hear(.deadlineReached, says: [], asks: effect)
        #expect(story.core.nextDeadline == nil)
        story.hear(.tidied(id, .done), says: [.ticketTidied(id)])
        story.hear(.tidied(id, .blocked(reason: "late")), says: [])
        #expect(story.core.nextDeadline == nil)
    }
}
