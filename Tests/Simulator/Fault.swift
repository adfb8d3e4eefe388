/// What can go wrong in the simulated world, each by the name it is counted under: one that the seeds never exercise is a
/// hole in the proof.
package enum Fault: String, CaseIterable, Sendable {
    // The daemon dies.
    case crashBeforeStoring, crashBeforePublishing, crashBeforePerforming, crashWhilePerforming, crashBetweenTurns
    case crashWhileRecovering
    /// The machine goes down with it, and every process.
    case powerLoss
    /// It dies between the halves of an effect.
    case effectCut
    /// What it had begun goes on for a while without it.
    case orphanFinishes
    /// An effect is asked for whose work had been done, or half done, before.
    case askedAgain
    case fewerSlots, moreSlots

    // The store.
    case storeFails, crashWhileStoreFails, effectFailsOnFullDisk, reserveSpent

    // Effects and their news.
    case effectFails, pushFails, newsLate, newsTwice, newsFromBefore

    // Runs.
    case messageTaken, messageRefused, sessionLost
    case agentFails, agentFallsSilent, runTimesOut, runnerKilled, runnerKilledUnseen, processEscapes, strayWrite
    case flakyVerifier, verifierChangesTree

    // What agents use.
    case agentUses, usageRepeated, budgetUsedUp, budgetAwaited

    // Time.
    case clockBack, clockForward

    // The machine.
    case machineShort

    // People.
    case repositoryGone, userGitInTheWay, targetSeen
    case targetMoved, checkoutDirty, checkoutCleaned, userCommits, rulesChanged, registeredAgain, trustGiven
    case commandRepeated, commandForNobody, editedInTheQueue, dependencyCancelled, drained
    case halted, haltedAtWork, resumed, resumedWhileStopping
    case personHolds, personLetsGo, personalLockExpires
    case agentClaims, agentWaits, agentIsRefusedACycle, agentWaitsInVain, agentLetsGo, agentAsks, agentIsAnswered
    /// An input that nobody should have sent.
    case noise

    // Clients.
    case slowSubscriber, subscriberReconnects
    case aThousandTickets
}

/// How often each fault was exercised.
package struct Coverage: Sendable {
    private var counts = [Int](repeating: 0, count: Fault.allCases.count)
    private static let indexes = Dictionary(uniqueKeysWithValues: zip(Fault.allCases, 0...))

    package init() {}
    package mutating func count(_ fault: Fault) { counts[Self.indexes[fault]!] += 1 }
    package subscript(fault: Fault) -> Int { counts[Self.indexes[fault]!] }
    package static func += (a: inout Self, b: Self) {
        for index in a.counts.indices { a.counts[index] += b.counts[index] }
    }
    package var neverExercised: [Fault] { Fault.allCases.filter { self[$0] == 0 } }
}
