import Foundation
import Testing

@testable import Core

@Suite struct SimulatorTests {
    @Test func nothingForbiddenEverHappens() async {
        let failures = await Self.failures(seeds: Self.seeds)
        for failure in failures.prefix(3) { Issue.record("\(failure)") }
        if failures.count > 3 {
            let kinds = Dictionary(grouping: failures) { $0.violation.description.filter { !$0.isNumber }.prefix(60) }
            Issue.record(
                "\(failures.count) seeds: \(kinds.map { "\n\($1.count)× \($0) (\($1[0].seed))" }.sorted().joined())"
            )
        }
    }

    @Test(arguments: Mistake.all) func everyPlantedMistakeIsFound(_ mistake: Mistake) {
        let found = (1...mistake.seeds).first { seed in
            var simulation = Simulation(seed: seed, planted: mistake.planted)
            return simulation.run() != nil
        }
        #expect(found != nil, "not found in \(mistake.seeds) seeds")
        // The same seeds find nothing where nothing is planted: they are among those of the test above.
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let name: String
        let planted: Simulation.Planted
        /// It is found within so many seeds.
        let seeds: UInt64
        var testDescription: String { name }

        static let all = [
            Mistake("locks are released before landing", .init(core: [.locksReleasedBeforeLanding]), 20),
            Mistake("a wide lock is starved", .init(core: [.starvation]), 20),
            Mistake("effects before their intent is stored", .init(shell: [.intentNotStored]), 20),
            Mistake("events before they are stored", .init(shell: [.publishedBeforeStored]), 20),
            Mistake("recovery forgets runs", .init(shell: [.recoveryForgetsRuns]), 20),
            Mistake("the target is moved without looking", .init(world: [.noCompareAndSwap]), 20),
            Mistake("a run is executed again", .init(world: [.runExecutedAgain]), 20),
        ]

        init(_ name: String, _ planted: Simulation.Planted, _ seeds: UInt64) {
            self.name = name
            self.planted = planted
            self.seeds = seeds
        }
    }

    /// A simulator that never gets anywhere finds nothing either.
    @Test func theSeedsReachEveryKindOfEventAndProblem() {
        var kinds: Set<String> = []
        for seed in UInt64(1)...60 {
            var simulation = Simulation(seed: seed)
            _ = simulation.run()
            for fact in simulation.shell.facts {
                kinds.insert(Self.kind(fact.event))
                if case .humanNeeded(_, let problem) = fact.event { kinds.insert("problem " + Self.kind(problem)) }
            }
        }
        #expect(Self.everyKind.subtracting(kinds).sorted() == [])
    }

    private static func kind(_ value: some Any) -> String { Mirror(reflecting: value).children.first?.label ?? "" }

    static let everyKind: Set<String> = [
        "repositoryAdded", "repositoryTrusted", "targetMoved", "ticketEnqueued", "ticketStarted", "worktreePrepared",
        "runRequested", "runStarted", "runEnded", "workCollected", "candidateBuilt", "candidateConflicted",
        "verificationStarted", "ticketVerified", "verificationFailed", "verificationErred", "sentBack",
        "approvalRequested", "ticketApproved", "landingStarted", "landingWaited", "landingBlocked",
        "lockViolationAllowed", "ticketEvicted", "ticketMerged", "ticketStopping", "ticketStopped", "ticketContinued",
        "snapshotTaken", "snapshotFailed", "humanNeeded", "ticketCancelled", "ticketTidied", "ticketLeft",
        "ticketChanged", "problem worktreeFailed", "problem setupFailed", "problem agentFailed", "problem noChange",
        "problem collectFailed", "problem candidateFailed", "problem verifyFailed", "problem verifyError",
        "problem conflict", "problem lockViolation", "problem untrusted", "problem configuration",
        "problem dependency", "problem landingFailed",
    ]

    @Test func theSameSeedIsTheSameHistory() {
        for seed in UInt64(1)...5 {
            var (a, b) = (Simulation(seed: seed), Simulation(seed: seed))
            let failures = [a.run(), b.run()].compactMap(\.self)
            #expect(failures.isEmpty)
            #expect(a.shell.facts == b.shell.facts, "seed \(seed)")
        }
    }

    static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["ORCH_SEED"].flatMap(UInt64.init) { return [seed] }
        let count = environment["ORCH_SEEDS"].flatMap(UInt64.init) ?? 400
        return Array(1...max(1, count))
    }

    /// Runs the seeds on every core.
    static func failures(seeds: [UInt64]) async -> [Simulation.Failure] {
        let workers = ProcessInfo.processInfo.activeProcessorCount
        return await withTaskGroup(of: [Simulation.Failure].self) { group in
            for worker in 0..<workers {
                group.addTask {
                    seeds.indices.filter { $0 % workers == worker }.compactMap { Simulation.failure(seed: seeds[$0]) }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }.sorted { $0.seed < $1.seed }
        }
    }
}
