import Core
import Foundation
import Simulator
import Testing

/// A few seeds of what `make simulate` and CI do with thousands.
@Suite struct SimulatorTests {
    @Test func nothingForbiddenEverHappens() async {
        let workers = ProcessInfo.processInfo.activeProcessorCount
        let campaign = await Campaign.run(1...Self.seeds, workers: workers)
        for (seed, failure) in campaign.failures.prefix(3) {
            let shortest = Shrinker.shrink(failure) ?? failure
            Issue.record("seed \(seed), \(failure)\nin short:\n\(shortest.script.text)")
        }
        #expect(campaign.failures.isEmpty, "\(campaign.failures.count) of \(Self.seeds) seeds fail")
    }

    private static var seeds: UInt64 { ProcessInfo.processInfo.environment["ORCH_SEEDS"].flatMap(UInt64.init) ?? 150 }

    /// A simulator that never gets anywhere finds nothing either.
    @Test func theSeedsReachEveryKindOfEventAndProblem() {
        var kinds: Set<String> = []
        for seed in UInt64(1)...100 where !Self.everyKind.isSubset(of: kinds) {
            for fact in History.of(seed: seed).facts {
                kinds.insert(Self.kind(fact.event))
                if case .humanNeeded(_, let problem) = fact.event { kinds.insert("problem " + Self.kind(problem)) }
            }
        }
        #expect(Self.everyKind.subtracting(kinds).sorted() == [])
    }

    private static func kind(_ value: some Any) -> String { Mirror(reflecting: value).children.first?.label ?? "" }

    static let everyKind: Set<String> = [
        "repositoryAdded", "repositoryTrusted", "targetMoved", "ticketEnqueued", "ticketStarted", "worktreePrepared",
        "runRequested", "runStarted", "runEnded", "agentStale", "agentActive", "locksReleased", "workCollected",
        "candidateBuilt", "candidateConflicted",
        "verificationStarted", "ticketVerified", "verificationFailed", "verificationErred", "sentBack",
        "approvalRequested", "ticketApproved", "landingStarted", "landingWaited", "landingBlocked",
        "lockViolationAllowed", "ticketEvicted", "ticketMerged", "ticketStopping", "ticketStopped", "ticketContinued",
        "halted", "lockTaken", "lockReleased",
        "snapshotTaken", "snapshotFailed", "humanNeeded", "ticketCancelled", "ticketTidied", "ticketLeft",
        "ticketChanged", "problem worktreeFailed", "problem setupFailed", "problem agentFailed", "problem noChange",
        "problem collectFailed", "problem candidateFailed", "problem verifyFailed", "problem verifyError",
        "problem conflict", "problem lockViolation", "problem untrusted", "problem configuration",
        "problem dependency", "problem landingFailed",
    ]

    @Test func theSameSeedIsTheSameHistory() {
        for seed in UInt64(1)...5 {
            let (a, b) = (History.of(seed: seed), History.of(seed: seed))
            #expect(a.failure == nil && b.failure == nil)
            #expect(a.facts == b.facts, "seed \(seed)")
        }
    }
}
