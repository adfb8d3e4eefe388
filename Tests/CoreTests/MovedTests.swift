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
        (.checkingOut, .verify), (.concluding, .verify), (.buildingToLand, .verify), (.advancing, .verify),
        (.blocked, .verify),
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
