import Testing

@testable import Core

@Suite struct StandstillTests {
    static let reason = Standstill(since: Instant(milliseconds: 1000), reason: "the model is down")

    @Test func whatRunsIsStoppedWithItsWorkSavedAndGoesBackToTheQueue() {
        var story = Story(agents: 1)
        story.enqueue(.new("a", locks: ["src/**"]), .new("b"))
        story.prepare("a")
        let run = story["a"].currentRun!
        story.hear(
            .haltAsked(reason: "the model is down"),
            says: [.halted(Self.reason), .ticketStopping("a")],
            asks: [.stopRun(run)]
        )
        story.hear(
            .runEnded(run, .stopped),
            says: [.runEnded(run, .stopped), .ticketChanged("a")],
            asks: [
                .takeSnapshot("a", snapshot: 1)
            ]
        )
        story.hear(.snapshotTaken("a"), says: [.snapshotTaken("a", number: 1), .ticketStopped("a")])
        #expect(story.state("a") == .stopped(resume: .work, withAll: true))
        #expect(story["a"].reason == "stopped by `orch halt`; it goes on after `orch resume`")
        #expect(story.core.waiting("b") == .halted(reason: "the model is down"))
        #expect(!story.core.grants.isEmpty)

        // It is before `b` again, although that has waited for an agent all the while.
        story.hear(
            .resumeAsked,
            says: [.resumed, .ticketContinued("a", .continue), .ticketStarted("a", AgentID(1), .work)],
            asks: [.prepareWorktree("a")]
        )
        #expect(story.core.waiting("b") == .agent(busy: 1))
    }

    @Test func onlyWhatHaltHasStoppedGoesOn() {
        var story = Story(agents: 3)
        story.enqueue(.new("mine"), .new("both"), .new("queued"))
        story.tell(.stop, "mine")
        story.hear(.worktreeFailed("mine", reason: "no"))
        story.hear(.haltAsked(reason: ""))
        // Who is stopped by name meanwhile stays so, whether it has stopped already or not.
        story.tell(.stop, "both")
        story.hear(.worktreeFailed("both", reason: "no"))
        story.hear(.worktreeFailed("queued", reason: "no"))
        #expect(story.state("queued") == .stopped(resume: .work, withAll: true))
        story.tell(.stop, "queued")
        #expect(story.state("queued") == .stopped(resume: .work))
        story.hear(.resumeAsked, says: [.resumed])
        for id in ["mine", "both", "queued"] as [TicketID] { #expect(story.state(id) == .stopped(resume: .work)) }
    }

    @Test func whatHasNotStoppedYetWhenEverythingGoesOnGoesOnByItself() {
        var story = Story()
        story.enqueue(.new("a"))
        story.prepare("a")
        story.hear(.haltAsked(reason: ""))
        story.hear(.resumeAsked, says: [.resumed])
        story.endRun("a", .stopped)
        let decision = story.hear(.snapshotTaken("a"))
        #expect(decision.facts.map(\.event).contains(.ticketStarted("a", AgentID(1), .work)))
    }

    @Test func aTestedLandingKeepsItsPlaceAndNothingLands() {
        var story = Story(agents: 2)
        story.enqueue(.new("a"), .new("b"))
        story.finish("a", .of("a"))
        story.finish("b", .of("b"))
        // `a` is moving the target, `b` is behind it.
        story.hear(.haltAsked(reason: ""), says: [.halted(Standstill(since: story.now, reason: ""))])
        #expect(story.core.waiting("b")?.sentence == "everything is halted; it goes on after `orch resume`")
        #expect(story.core.waiting("a") == nil)
        let landed = story.hear(.targetAdvanced("a", to: "m1"))
        #expect(landed.facts.map(\.event) == [.ticketMerged("a", commit: "m1")])
        #expect(story.core.repositories[story.repository]!.landingQueue == ["b"])

        story.hear(.resumeAsked, says: [.resumed, .landingStarted("b")], asks: [.buildCandidate("b")])
        #expect(story.core.waiting("b") == nil)
        story.hear(.haltAsked(reason: "again"))
        let settled = story.hear(.candidateBuilt("b", .of("b", on: "m1")))
        #expect(settled.facts.map(\.event) == [.ticketChanged("b")] && settled.effects.isEmpty)
        #expect(story.core.repositories[story.repository]!.landingQueue == ["b"])
        story.hear(.resumeAsked, says: [.resumed, .landingStarted("b")], asks: [.buildCandidate("b")])
    }

    @Test func aBlockedLandingIsNotTriedWhileEverythingIsHalted() {
        var story = Story()
        story.enqueue(.new("a"))
        story.finish("a", .of("a"))
        story.hear(.targetBlocked("a", reason: "local changes"))
        story.hear(.haltAsked(reason: ""))
        #expect(story.core.nextDeadline == nil)
        story.now = story.now + .seconds(60)
        #expect(story.hear(.deadlineReached).effects.isEmpty)
        story.hear(.resumeAsked)
        #expect(story.core.nextDeadline.map { $0 <= story.now } ?? false)
        #expect(story.hear(.deadlineReached).effects.count == 1)
    }

    @Test func itSurvivesARestartAndIsSafeToRepeat() {
        var story = Story()
        story.enqueue(.new("a"))
        story.prepare("a")
        story.hear(.haltAsked(reason: "the model is down"))
        story.hear(.haltAsked(reason: ""), says: [])
        story.hear(.haltAsked(reason: "the model is down"), says: [])
        let run = story["a"].currentRun!
        var restarted = Orchestrator(limits: story.core.limits, restoring: story.core.stored)
        #expect(restarted.standstill == Self.reason)
        #expect(restarted.recover(at: story.now).effects.contains(.stopRun(run)))

        let other = Standstill(since: story.now, reason: "something else")
        story.hear(.haltAsked(reason: "something else"), says: [.halted(other)])
        story.hear(
            .haltAsked(reason: String(repeating: "x", count: 501)),
            isRefused: "cannot halt: a reason has up to 500 bytes"
        )
        story.hear(.resumeAsked, says: [.resumed])
        story.hear(.resumeAsked, says: [])
    }
}
