@testable import Core

/// Everywhere a ticket can be, each with the story that leads there. The ticket is always T-1.
enum Situation: String, CaseIterable {
    case queued, preparing, preparingToVerify, settingUp, working, collecting, snapshotting
    case stale, endingStale, snapshottingStale
    case building, waitingForSlot, checkingOut, verifying, concluding
    case awaitingApproval, waitingToLand, buildingToLand, verifyingToLand, advancing, blocked, tryingAgain
    case waitingForPaths, stopped, stopping, cancelling
    case agentFailed, agentStale, lockViolation, dependencyCancelled, merged, cancelled

    var story: Story {
        let id: TicketID = "T-1"
        var story = Story(agents: 3)
        switch self {
        case .queued:
            story = Story(agents: 1)
            story.enqueue(.new("other", priority: 1), .new("T-1"))
        case .preparing: story.enqueue(.new())
        case .preparingToVerify:
            story = Situation.verifying.story
            story.endRun(id, .notStarted("no such program"))
            story.tell(.continue, id)
        case .settingUp:
            story.enqueue(.new())
            story.prepare(id, .test { $0.setup = Setup(command: ["make"]) })
        case .working:
            story.enqueue(.new())
            story.prepare(id)
        case .stale:
            story = Situation.working.story
            story.hear(.wentQuiet(RunID(ticket: id, number: 1)))
        case .endingStale:
            story = Situation.stale.story
            story.hear(.runStayedQuiet(RunID(ticket: id, number: 1)))
        case .snapshottingStale:
            story = Situation.endingStale.story
            story.endRun(id, .stopped)
        case .collecting:
            story = Situation.working.story
            story.endRun(id)
        case .snapshotting:
            story = Situation.working.story
            story.endRun(id, .exited(1))
        case .building:
            story.enqueue(.new())
            story.collect(id)
        case .waitingForSlot:
            story.enqueue(.new("T-1"), .new("other"))
            story.collect("other")
            story.verify("other", .of("other"))
            story.collect(id)
            story.hear(.candidateBuilt(id, .of(id)))
        case .checkingOut:
            story = Situation.building.story
            story.hear(.candidateBuilt(id, .of(id)))
        case .verifying:
            story = Situation.checkingOut.story
            story.hear(.checkoutReady(id))
        case .concluding:
            story = Situation.verifying.story
            story.endRun(id)
        case .awaitingApproval:
            story.enqueue(.new())
            story.finish(id, .of(id, rules: .test(.human)))
        case .waitingToLand:
            story.enqueue(.new("T-1"), .new("other"))
            story.finish("other", .of("other"))
            story.finish(id, .of(id))
        case .buildingToLand:
            story = Situation.advancing.story
            story.hear(.targetMoved(id, to: "m1"))
        case .verifyingToLand:
            story = Situation.buildingToLand.story
            story.verify(id, .of(id, on: "m1"))
        case .advancing:
            story.enqueue(.new())
            story.finish(id, .of(id))
        case .blocked:
            story = Situation.advancing.story
            story.hear(.targetBlocked(id, reason: "changes"))
        case .tryingAgain:
            story = Situation.blocked.story
            story.now = story.core.nextDeadline!
            story.hear(.deadlineReached)
        case .waitingForPaths:
            story.enqueue(.new("other", locks: ["src/**"]), .new("T-1"))
            story.finish(id, .of(id))
        case .stopped:
            story = Situation.stopping.story
            story.endRun(id, .stopped)
            story.hear(.snapshotTaken(id))
        case .stopping:
            story = Situation.working.story
            story.tell(.stop, id)
        case .cancelling:
            story = Situation.working.story
            story.tell(.cancel(reason: "no"), id)
        case .agentFailed:
            story = Situation.snapshotting.story
            story.hear(.snapshotTaken(id))
        case .agentStale:
            story.enqueue(.new())
            for _ in 1...3 {
                story.prepare(id)
                story.goSilent(id)
            }
        case .lockViolation:
            story.enqueue(.new(locks: ["docs/**"]))
            story.collect(id)
            story.hear(.candidateBuilt(id, .of(id)))
        case .dependencyCancelled:
            story.enqueue(.new("other", dependsOn: ["never"]), .new("T-1", dependsOn: ["other"]))
            story.tell(.cancel(reason: "no"), "other")
        case .merged:
            story = Situation.advancing.story
            story.hear(.targetAdvanced(id, to: "m1"))
        case .cancelled:
            story = Situation.queued.story
            story.tell(.cancel(reason: "no"), id)
        }
        return story
    }

    /// How what is under way may end, well or badly; empty where nothing is.
    var outcomes: [Input] {
        let id: TicketID = "T-1"
        let run = story[id].currentRun
        switch self {
        case .preparing, .preparingToVerify:
            return [
                .worktreeReady(id, branch: "b", base: "m0", head: "m0", .test()),
                .worktreeFailed(id, reason: "disk full"),
            ]
        case .settingUp, .working, .stale, .endingStale, .verifying, .verifyingToLand:
            return [.exited(0), .exited(1), .stopped, .lost("x"), .notStarted("x"), .timedOut].map {
                .runEnded(run!, $0)
            }
        case .collecting:
            return [
                .workCollected(id, head: "h1", changed: true, committedLeftovers: true),
                .workCollected(id, head: "m0", changed: false, committedLeftovers: false),
                .collectFailed(id, reason: "disk full"),
            ]
        case .snapshotting, .snapshottingStale: return [.snapshotTaken(id), .snapshotFailed(id, reason: "disk full")]
        case .building, .buildingToLand:
            return [
                .candidateBuilt(id, .of(id)), .candidateEmpty(id, tip: "m0"),
                .candidateConflicted(id, tip: "m0", paths: ["a"]), .candidateFailed(id, reason: "disk full"),
            ]
        case .checkingOut: return [.checkoutReady(id), .checkoutFailed(id, reason: "disk full")]
        case .concluding:
            return [
                .checkoutInspected(id, changed: []), .checkoutInspected(id, changed: ["a"]),
                .checkoutFailed(id, reason: "disk full"),
            ]
        case .queued, .waitingForSlot, .awaitingApproval, .waitingToLand, .advancing, .blocked, .tryingAgain,
            .waitingForPaths, .stopped, .stopping, .cancelling, .agentFailed, .agentStale, .lockViolation,
            .dependencyCancelled, .merged, .cancelled:
            return []
        }
    }
}
