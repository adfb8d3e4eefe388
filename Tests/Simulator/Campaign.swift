import Synchronization

/// Many seeds, on every core.
package struct Campaign: Sendable {
    package private(set) var seeds = 0
    package private(set) var steps = 0
    package private(set) var crashes = 0
    package private(set) var facts = 0
    package private(set) var coverage = Coverage()
    package private(set) var failures: [(seed: UInt64, failure: History.Failure)] = []

    package init() {}

    /// - Parameter starting: called with each seed before its history begins, on the thread that tells it.
    package static func run(
        _ seeds: ClosedRange<UInt64>,
        workers: Int,
        planted: Simulation.Planted = .init(),
        starting: @escaping @Sendable (Int, UInt64) -> Void = { _, _ in }
    ) async -> Campaign {
        let seeds = Seeds(seeds)
        return await withTaskGroup(of: Campaign.self) { group in
            for worker in 0..<max(1, workers) {
                group.addTask {
                    var campaign = Campaign()
                    while let seed = seeds.next() {
                        starting(worker, seed)
                        campaign.note(seed, History.of(seed: seed, planted: planted))
                    }
                    return campaign
                }
            }
            var all = await group.reduce(into: Campaign()) { $0.add($1) }
            all.failures.sort { $0.seed < $1.seed }
            return all
        }
    }

    private mutating func note(_ seed: UInt64, _ history: History) {
        seeds += 1
        steps += history.steps
        crashes += history.crashes
        facts += history.facts.count
        coverage += history.coverage
        if let failure = history.failure { failures.append((seed, failure)) }
    }

    private mutating func add(_ other: Campaign) {
        seeds += other.seeds
        steps += other.steps
        crashes += other.crashes
        facts += other.facts
        coverage += other.coverage
        failures += other.failures
    }
}

/// The seeds that nobody has taken yet.
private final class Seeds: Sendable {
    private let following: Atomic<UInt64>
    private let last: UInt64

    init(_ seeds: ClosedRange<UInt64>) {
        following = Atomic(seeds.lowerBound)
        last = seeds.upperBound
    }

    func next() -> UInt64? {
        let seed = following.wrappingAdd(1, ordering: .relaxed).oldValue
        return seed <= last ? seed : nil
    }
}
