import Simulator
import Testing

/// The simulator is believed because it finds what is put there to be found.
@Suite struct PlantedBugTests {
    @Test(arguments: Mistake.all) func everyPlantedMistakeIsFound(_ mistake: Mistake) throws {
        for seed in 1...mistake.seeds {
            guard let failure = History.of(seed: seed, planted: mistake.planted).failure else { continue }
            let names = failure.violation.description.hasPrefix(mistake.invariant)
            return #expect(names, "seed \(seed): \(failure), not by \(mistake.invariant)")
        }
        // The same seeds find nothing where nothing is planted: they are among those of `nothingForbiddenEverHappens`.
        Issue.record("not found in \(mistake.seeds) seeds")
    }

    @Test func noMistakeIsLeftOut() {
        #expect(Set(Mistake.all.map(\.name)) == Set(Simulation.Planted.each.map(\.name)))
    }

    /// Told in full it takes hundreds of steps.
    @Test(arguments: ["adoptedAgentIsFree", "runExecutedAgain", "slotLeaked"])
    func aFailureIsShrunkToAFewLines(_ name: String) throws {
        let mistake = try #require(Mistake.all.first { $0.name == name })
        let failure = try #require(
            (1...mistake.seeds).lazy.compactMap { History.of(seed: $0, planted: mistake.planted).failure }.first
        )
        let shortest = try #require(Shrinker.shrink(failure, planted: mistake.planted))
        #expect(shortest.script.actions.count <= 30, "\(shortest.script.text)")

        // What is printed can be read back, fails in the same way, and is harmless where nothing is planted.
        let script = try Script(shortest.script.text)
        #expect(script == shortest.script)
        #expect(History.of(script, planted: mistake.planted).failure?.isLike(shortest) == true)
        #expect(History.of(script).failure == nil)
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        /// What is planted.
        let name: String
        /// What finds it: how the violation begins.
        let invariant: String
        /// It is found within so many seeds.
        let seeds: UInt64
        var testDescription: String { name }
        var planted: Simulation.Planted { Simulation.Planted.each.first { $0.name == name }!.planted }

        init(_ name: String, _ invariant: String, _ seeds: UInt64) {
            self.name = name
            self.invariant = invariant
            self.seeds = seeds
        }

        static let all = [
            // Core's.
            Mistake("locksReleasedBeforeLanding", "I1", 10),
            Mistake("starvation", "I4", 40),
            Mistake("dependenciesIgnored", "I4", 10),
            Mistake("heldPathsGrantedAtWork", "I1", 40),
            Mistake("claimCycleIgnored", "I4", 500),
            Mistake("releaseGrantsNothing", "I4", 400),
            Mistake("waitEndForgottenAtRestart", "I4", 80),
            Mistake("staleRunAccepted", "I5", 10),
            Mistake("approvalKeptOverAnotherDiff", "I2", 2000),
            Mistake("recoveryForgetsLandings", "I4", 80),
            Mistake("slotLeaked", "I4", 10),
            Mistake("adoptedAgentIsFree", "I4", 10),
            Mistake("lostWorkNotSaved", "I3", 20),
            Mistake("deadlineMissed", "I4", 40),
            Mistake("failuresForgotten", "I4", 10),
            Mistake("startsOnAFullDisk", "I4", 20),
            Mistake("blockedTidyForgotten", "I4", 40),
            Mistake("startsWhileHalted", "I4", 40),
            Mistake("resumeForgets", "I4", 40),
            Mistake("limitsIgnored", "I4", 40),
            Mistake("startsInNeed", "I4", 40),
            Mistake("heldPathsClaimed", "I1", 80),
            Mistake("usageCountedAgain", "I7", 40),
            Mistake("budgetIgnored", "I4", 40),
            Mistake("budgetNotRenewed", "I4", 40),
            Mistake("recoveryForgetsPushes", "I4", 200),
            Mistake("personalReleaseWakesNobody", "I4", 40),
            Mistake("personalEndForgottenAtRestart", "I4", 40),
            // The shell's.
            Mistake("intentNotStored", "I5", 10),
            Mistake("publishedBeforeStored", "I7", 40),
            Mistake("answeredBeforeStored", "I7", 40),
            Mistake("recoveryForgetsRuns", "I4", 20),
            Mistake("effectsOfLateStoreForgotten", "I4", 20),
            // The world's.
            Mistake("noCompareAndSwap", "I2", 40),
            Mistake("landsAgain", "I2", 200),
            Mistake("runExecutedAgain", "I5", 20),
            Mistake("escapedSurvive", "I6", 20),
            Mistake("lostTreeSurvives", "I6", 20),
            Mistake("tidiedUnsaved", "I3", 10),
            Mistake("collectingStartsOver", "I3", 10),
            // The broadcaster's.
            Mistake("replayGap", "I7", 10),
            Mistake("handOverRepeats", "I7", 10),
        ]
    }
}
