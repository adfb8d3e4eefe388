import Testing

@testable import Core

/// What has passed is not tested again: for whatever ticket, as long as nothing of it is another.
@Suite struct ProofTests {
    private static func candidate(
        _ id: TicketID,
        tree: ObjectID = "t",
        surroundings: String? = "s",
        _ rules: Rules = .test()
    ) -> Candidate {
        var candidate = Candidate.of(id, rules: rules, tree: tree)
        candidate.surroundings = surroundings
        return candidate
    }

    /// What the store is told of a candidate whose verifiers pass.
    private func passes(of candidate: Candidate, after surroundings: String?) -> [Pass] {
        var story = Story()
        story.enqueue(.new())
        story.collect("T-1", candidate.rules)
        story.verify("T-1", candidate)
        while story["T-1"].currentRun != nil { story.endRun("T-1") }
        return story.hear(.checkoutInspected("T-1", changed: [], surroundings: surroundings)).facts
            .flatMap(\.changes.passes)
    }

    @Test func aPassIsForTheStoreWithAllItIsAPassOf() {
        let candidate = Self.candidate("T-1")
        let proof = Proof(tree: "t", fingerprint: candidate.rules.fingerprint, surroundings: "s")
        #expect(passes(of: candidate, after: "s") == [Pass(repository: "r1", proof: proof, ticket: "T-1")])
    }

    @Test func whatChangedWhileTheVerifiersRanProvesNothingToOthers() {
        #expect(passes(of: Self.candidate("T-1"), after: "other") == [])
        #expect(passes(of: Self.candidate("T-1", surroundings: nil), after: nil) == [])
    }

    @Test func aTreeThatPassedForOneTicketIsNotTestedForAnother() {
        var story = Story()
        let candidate = Self.candidate("T-1")
        story.enqueue(.new())
        story.collect("T-1")
        story.hear(
            .candidateBuilt("T-1", candidate, passes: [candidate.proof]),
            says: [
                .candidateBuilt("T-1", commit: candidate.commit, tree: "t", tip: "m0"),
                .ticketVerified("T-1", tree: "t", reused: true), .ticketApproved("T-1", .policy),
                .landingStarted("T-1"),
            ],
            asks: [.advanceTarget("T-1", candidate)]
        )
    }

    /// One part of a PASS each that is another.
    static let others: [(part: String, proof: Proof)] = [
        ("tree", candidate("T-1", tree: "other").proof),
        ("surroundings", candidate("T-1", surroundings: "other").proof),
        ("surroundings unknown", candidate("T-1", surroundings: nil).proof),
        ("command", candidate("T-1", .test { $0.verifiers[0].command = ["make", "check"] }).proof),
        ("name", candidate("T-1", .test { $0.verifiers[0].name = "check" }).proof),
        ("a verifier more", candidate("T-1", .test { $0.verifiers.append(.init(name: "b", command: ["b"])) }).proof),
        ("setup", candidate("T-1", .test { $0.setup = Setup(command: ["make", "deps"]) }).proof),
        (".orch", candidate("T-1", .test(digest: "other")).proof),
    ]

    @Test(arguments: others.map(\.part)) func whatDiffersInAnythingIsTested(_ part: String) throws {
        let proof = try #require(Self.others.first { $0.part == part }).proof
        let candidate = Self.candidate("T-1")
        var story = Story()
        story.enqueue(.new())
        story.collect("T-1")
        story.hear(
            .candidateBuilt("T-1", candidate, passes: [proof]),
            says: [
                .candidateBuilt("T-1", commit: candidate.commit, tree: "t", tip: "m0"),
                .verificationStarted("T-1", slot: 0),
            ],
            asks: [.prepareCheckout("T-1", candidate, slot: 0)]
        )
    }

    @Test func aFailIsNotRemembered() {
        var story = Story()
        story.enqueue(.new())
        story.collect("T-1")
        story.verify("T-1", Self.candidate("T-1"))
        story.endRun("T-1", .exited(1))
        let decision = story.hear(.checkoutInspected("T-1", changed: [], surroundings: "s"))
        #expect(decision.facts.flatMap(\.changes.passes).isEmpty)
        #expect(story["T-1"].proof == nil)
    }
}
