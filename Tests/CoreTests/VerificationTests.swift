import Testing

@testable import Core

@Suite struct VerificationTests {
    let id: TicketID = "T-1"

    @Test func aFailedVerifyGoesBackToTheAgentTwiceAndThenToAHuman() {
        var story = Story()
        story.enqueue(.new())
        story.collect(id)
        for attempt in 1...2 {
            let candidate = Candidate.of(id, head: ObjectID("h\(attempt)"), tree: ObjectID("t\(attempt)"))
            story.verify(id, candidate)
            let check = story[id].currentRun!
            story.hear(
                .runEnded(check, .exited(1)),
                says: [.runEnded(check, .exited(1)), .ticketChanged(id)],
                asks: [
                    .concludeVerification(
                        id,
                        candidate,
                        slot: 0,
                        .failed(index: 0, run: check.number, outcome: "exit 1")
                    )
                ]
            )
            let feedback = Feedback.verifierFailed(
                name: "test",
                command: ["make", "test"],
                run: check,
                summary: "exit 1"
            )
            let run = RunID(ticket: id, number: check.number + 1)
            story.hear(
                .checkoutInspected(id, changed: []),
                says: [
                    .verificationFailed(id, verifier: "test", outcome: "exit 1"),
                    .runRequested(run, name: "agent-1", stage: "work"),
                    .sentBack(id, feedback, attempt: attempt),
                ],
                asks: [.startRun(run, .agent(AgentID(1), profile: "script", attempt: attempt + 1, feedback))]
            )
            story.collect(id, head: ObjectID("h\(attempt + 1)"))
        }
        story.verify(id, .of(id, head: "h3", tree: "t3"))
        story.endRun(id, .exited(1))
        story.hear(
            .checkoutInspected(id, changed: []),
            says: [
                .verificationFailed(id, verifier: "test", outcome: "exit 1"),
                .humanNeeded(id, .verifyFailed(verifier: "test", run: 6, "exit 1", attempts: 2)),
            ]
        )
        // Another head of the same ticket that fails in another way still has its own two attempts.
        #expect(story[id].failures == ["verify:test:exit 1": 2])
        #expect(story.core.repositories[story.repository]?.verifying == [:])
    }

    @Test func theCountOfAFailureIsNotResetByASuccess() {
        var story = Story()
        let rules = Rules.test(.human)
        story.enqueue(.new())
        story.collect(id, rules)
        story.verify(id, .of(id, rules: rules))
        story.endRun(id, .exited(1))
        story.hear(.checkoutInspected(id, changed: []))
        story.collect(id, rules, head: "h2")
        story.verify(id, .of(id, rules: rules, head: "h2", tree: "t2"))
        story.pass(id)
        story.tell(.requestChanges(comment: "rename it"), id)
        story.collect(id, rules, head: "h3")
        story.verify(id, .of(id, rules: rules, head: "h3", tree: "t3"))
        story.endRun(id, .exited(1))
        story.hear(.checkoutInspected(id, changed: []))
        #expect(story[id].failures == ["verify:test:exit 1": 2])
    }

    @Test func quickVerifiersRunFirstAndAllMustPass() {
        var story = Story()
        let smoke = Verifier(name: "smoke", command: ["smoke"], quick: true)
        let rules = Rules.test { $0.verifiers = [.test, smoke] }
        let candidate = Candidate.of(id, rules: rules)
        story.enqueue(.new())
        story.collect(id, rules)
        story.hear(.candidateBuilt(id, candidate))
        story.hear(
            .checkoutReady(id),
            says: [.runRequested(RunID(ticket: id, number: 2), name: "smoke", stage: "verify")],
            asks: [.startRun(RunID(ticket: id, number: 2), .verifier(smoke, slot: 0, candidate))]
        )
        story.hear(
            .runEnded(RunID(ticket: id, number: 2), .exited(0)),
            says: [
                .runEnded(RunID(ticket: id, number: 2), .exited(0)),
                .runRequested(RunID(ticket: id, number: 3), name: "test", stage: "verify"),
            ],
            asks: [.startRun(RunID(ticket: id, number: 3), .verifier(.test, slot: 0, candidate))]
        )
    }

    @Test(arguments: [RunOutcome.notStarted("no such program"), .stopped])
    func aVerifierThatCannotJudgeIsNeverAPass(_ outcome: RunOutcome) {
        var story = Story()
        story.enqueue(.new())
        story.collect(id)
        story.verify(id, .of(id))
        let check = story[id].currentRun!
        let reason = "verifier test \(outcome.phrase)"
        story.hear(
            .runEnded(check, outcome),
            says: [
                .runEnded(check, outcome), .verificationErred(id, reason: reason),
                .humanNeeded(id, .verifyError(reason)),
            ]
        )
        #expect(story[id].proof == nil)
    }

    @Test func aFreshCheckoutIsSetUpBeforeItsVerifiersRun() {
        var story = Story()
        let setup = Setup(command: ["npm", "ci"])
        let rules = Rules.test { $0.setup = setup }
        story.enqueue(.new())
        story.prepare(id, rules)
        story.endRun(id)  // The setup of its worktree.
        story.collect(id, rules)
        let candidate = Candidate.of(id, rules: rules)
        story.hear(.candidateBuilt(id, candidate))
        let first = RunID(ticket: id, number: 3)
        let check = Verifier(name: "setup", command: ["npm", "ci"])
        #expect(story.hear(.checkoutReady(id)).effects == [.startRun(first, .verifier(check, slot: 0, candidate))])
        let second = RunID(ticket: id, number: 4)
        #expect(story.endRun(id).effects == [.startRun(second, .verifier(.test, slot: 0, candidate))])
        story.endRun(id)
        story.hear(.checkoutInspected(id, changed: []))
        #expect(story[id].proof?.tree == candidate.tree)
    }

    @Test func aCheckoutThatIsSetUpIsNotSetUpAgain() {
        var story = Story()
        let rules = Rules.test { $0.setup = Setup(command: ["npm", "ci"]) }
        story.enqueue(.new())
        story.prepare(id, rules)
        story.endRun(id)  // The setup of its worktree.
        story.collect(id, rules)
        let candidate = Candidate.of(id, rules: rules)
        story.hear(.candidateBuilt(id, candidate))
        let check = RunID(ticket: id, number: 3)
        story.hear(
            .checkoutReady(id, isSetUp: true),
            says: [.runRequested(check, name: "test", stage: "verify")],
            asks: [.startRun(check, .verifier(.test, slot: 0, candidate))]
        )
        story.pass(id)
        #expect(story[id].proof?.tree == candidate.tree)
    }

    @Test func aLostVerifierIsRunAgainFromACleanCheckoutAndTheThirdTimeAHumanIsAsked() {
        var story = Story()
        story.enqueue(.new())
        story.collect(id)
        story.verify(id, .of(id))
        for number in 2...3 {
            let check = RunID(ticket: id, number: number)
            story.hear(
                .runEnded(check, .lost("no exit.json")),
                says: [
                    .runEnded(check, .lost("no exit.json")), .verificationErred(id, reason: "lost: no exit.json"),
                    .ticketChanged(id), .verificationStarted(id, slot: 0),
                ],
                asks: [.prepareCheckout(id, .of(id), slot: 0)]
            )
            story.hear(.checkoutReady(id))
        }
        story.endRun(id, .lost("no exit.json"))
        #expect(story.state(id) == .needsHuman(.verifyError("verifier test lost: no exit.json"), resume: .verify))
        #expect(story[id].proof == nil)
    }

    @Test func aVerifierThatChangesTheTreeHasNotPassedIt() {
        var story = Story()
        story.enqueue(.new())
        story.collect(id)
        story.verify(id, .of(id))
        story.endRun(id)
        let reason = "the verifiers changed the tree they judged (src/a.txt); have git ignore what they make"
        story.hear(
            .checkoutInspected(id, changed: ["src/a.txt"]),
            says: [.verificationErred(id, reason: reason), .humanNeeded(id, .verifyError(reason))]
        )
        #expect(story[id].proof == nil)
    }

    @Test func aConflictGoesBackToTheAgentTwiceAndThenToAHuman() {
        var story = Story()
        story.enqueue(.new())
        story.collect(id)
        for attempt in 1...2 {
            let feedback = Feedback.conflict(paths: ["a"], tip: "m0")
            let run = RunID(ticket: id, number: attempt + 1)
            story.hear(
                .candidateConflicted(id, tip: "m0", paths: ["a"]),
                says: [
                    .candidateConflicted(id, tip: "m0", paths: ["a"]),
                    .runRequested(run, name: "agent-1", stage: "work"), .sentBack(id, feedback, attempt: attempt),
                ],
                asks: [.startRun(run, .agent(AgentID(1), profile: "script", attempt: attempt + 1, feedback))]
            )
            story.collect(id)
        }
        story.hear(.candidateConflicted(id, tip: "m0", paths: ["a"]))
        #expect(story.state(id) == .needsHuman(.conflict(paths: ["a"], attempts: 2), resume: .verify))
    }

    @Test func slotsAreGivenInTheOrderTheyWereAskedFor() {
        var story = Story(agents: 3)
        story.enqueue(.new(), .new(), .new())
        for id: TicketID in ["T-1", "T-2", "T-3"] { story.collect(id) }
        story.hear(.candidateBuilt("T-3", .of("T-3")))
        story.hear(.candidateBuilt("T-1", .of("T-1")))
        story.hear(.candidateBuilt("T-2", .of("T-2")))
        #expect(story.core.repositories[story.repository]?.verifying == [0: "T-3"])
        #expect(story.core.repositories[story.repository]?.waitingToVerify == ["T-1", "T-2"])
        story.hear(
            .checkoutFailed("T-3", reason: "disk full"),
            says: [
                .verificationErred("T-3", reason: "disk full"), .humanNeeded("T-3", .verifyError("disk full")),
                .verificationStarted("T-1", slot: 0),
            ],
            asks: [.prepareCheckout("T-1", .of("T-1"), slot: 0)]
        )
    }

    @Test func aSlotThatAStoppedTicketLeavesGoesToTheNext() {
        var story = Story()
        story.enqueue(.new(), .new())
        story.collect("T-1")
        story.collect("T-2")
        story.verify("T-1", .of("T-1"))
        story.hear(
            .candidateBuilt("T-2", .of("T-2")),
            says: [
                .candidateBuilt("T-2", commit: "T-2@m0", tree: "tree-T-2@m0", tip: "m0")
            ]
        )
        story.tell(.stop, "T-1")
        let run = story["T-1"].currentRun!
        story.hear(
            .runEnded(run, .stopped),
            says: [.runEnded(run, .stopped), .ticketChanged("T-1"), .verificationStarted("T-2", slot: 0)],
            asks: [.takeSnapshot("T-1", snapshot: 2), .prepareCheckout("T-2", .of("T-2"), slot: 0)]
        )
    }

    @Test func sensitivePathsAndMissingVerifiersNeedAHumanUnderAuto() {
        var story = Story(agents: 3)
        story.enqueue(.new(), .new(), .new())
        story.finish("T-1", .of("T-1", paths: ["ci.sh", "a"]))
        #expect(
            story.state("T-1") == .awaitingApproval(.of("T-1", paths: ["ci.sh", "a"]), [.sensitivePaths(["ci.sh"])])
        )
        let none = Rules.test { $0.verifiers = [] }
        story.collect("T-2", none)
        story.hear(
            .candidateBuilt("T-2", .of("T-2", rules: none)),
            says: [
                .candidateBuilt("T-2", commit: "T-2@m0", tree: "tree-T-2@m0", tip: "m0"),
                .approvalRequested("T-2", [.noVerifier]),
            ]
        )
        let named = Rules.test { $0.verifiers = [Verifier(name: "t", command: ["./check.sh"])] }
        story.finish("T-3", .of("T-3", paths: [".orch/config.json", "check.sh"], rules: named))
        guard case .awaitingApproval(_, let reasons) = story.state("T-3") else { Issue.record(); return }
        #expect(reasons == [.sensitivePaths([".orch/config.json", "check.sh"])])
    }

    @Test func rulesThatNobodyTrustsStopATicketAndTrustResumesIt() {
        var story = Story()
        story.enqueue(.new(), .new())
        let strange = Rules.test(digest: "strange")
        story.hear(
            .worktreeReady("T-1", branch: "b", base: "m0", head: "m0", strange),
            says: [
                .worktreePrepared("T-1", branch: "b", base: "m0"), .humanNeeded("T-1", .untrusted(digest: "strange")),
            ]
        )
        // Seen only when the candidate is built: the target has moved meanwhile.
        story.collect("T-2")
        story.hear(.candidateBuilt("T-2", .of("T-2", on: "m1", rules: strange)))
        #expect(story.state("T-2") == .needsHuman(.untrusted(digest: "strange"), resume: .verify))
        story.hear(
            .trustGiven(story.repository, digest: "strange"),
            says: [
                .repositoryTrusted(story.repository, digest: "strange"), .ticketContinued("T-1", .continue),
                .ticketContinued("T-2", .continue), .ticketStarted("T-1", AgentID(1), .work),
                .ticketStarted("T-2", AgentID(2), .verify),
            ],
            asks: [.prepareWorktree("T-1"), .prepareWorktree("T-2")]
        )
        story.hear(.trustGiven("r9", digest: "x"), isRefused: "no repository r9 is registered")
    }

    @Test func aConfigurationThatCannotBeReadStopsATicket() {
        var story = Story()
        story.enqueue(.new())
        var rules = Rules.test()
        rules.problem = "`.orch/config.json`: unknown key `verifier`"
        story.prepare(id, rules)
        #expect(story.state(id) == .needsHuman(.configuration(rules.problem!), resume: .work))
    }

    @Test func whereQuickVerifiersAreEnoughTheyAloneJudge() {
        let slow = Verifier(name: "slow", command: ["slow"])
        let quick = Verifier(name: "quick", command: ["quick"], quick: true)
        func rules(_ verify: LandingVerification, _ verifiers: [Verifier]) -> Rules {
            .test { policy in
                policy.landing.verify = verify
                policy.verifiers = verifiers
            }
        }
        #expect(rules(.all, [slow, quick]).verifiers == [quick, slow])
        #expect(rules(.quick, [slow, quick]).verifiers == [quick])
        #expect(rules(.quick, [slow, quick]).isRelaxed)
        // Without a quick one, all of them have to; what passed some is not taken for what passed all.
        #expect(rules(.quick, [slow]).verifiers == [slow] && !rules(.quick, [slow]).isRelaxed)
        #expect(!rules(.quick, [quick]).isRelaxed && !rules(.quick, []).isRelaxed)
        #expect(rules(.quick, [slow, quick]).fingerprint != rules(.all, [slow, quick]).fingerprint)
        // What decides elsewhere what verification means is sensitive all the same.
        let script = Verifier(name: "script", command: ["./slow.sh"])
        #expect(rules(.quick, [script, quick]).sensitivePaths(among: ["slow.sh"]) == ["slow.sh"])
    }

    @Test func itsProgressIsThatOfItsVerifiersWithoutTheSetup() {
        var story = Story()
        story.enqueue(.new(), .new())
        let rules = Rules.test {
            $0.setup = Setup(command: ["make", "deps"])
            $0.verifiers = [Verifier(name: "lint", command: ["lint"]), .test]
        }
        for id: TicketID in ["T-1", "T-2"] {
            story.collect(id)
            #expect(story[id].trial == .building && story[id].trial?.progress == nil)
            story.hear(.candidateBuilt(id, .of(id, rules: rules)))
        }
        func progress(_ passed: Int, _ running: String? = nil, since: Instant? = nil) -> TrialProgress {
            TrialProgress(passed: passed, total: 2, running: running, since: since)
        }
        #expect(story["T-1"].trial?.progress == progress(0) && story["T-2"].trial?.progress == progress(0))
        for (passed, name) in [(0, "setup"), (0, "lint"), (1, "test")] {
            story.now = story.now + .seconds(5)
            if name == "setup" { story.hear(.checkoutReady("T-1")) } else { story.endRun("T-1") }
            #expect(story["T-1"].trial?.progress == progress(passed, name, since: story.now))
        }
        story.endRun("T-1")
        #expect(story["T-1"].trial?.progress == progress(2))
        story.hear(.checkoutInspected("T-1", changed: []))
        #expect(story["T-1"].trial?.progress == nil)
        // One that is set up already, and fails at the second.
        story.hear(.checkoutReady("T-2", isSetUp: true))
        #expect(story["T-2"].trial?.progress?.running == "lint")
        story.endRun("T-2")
        story.endRun("T-2", .exited(1))
        #expect(story["T-2"].trial?.progress == progress(1))
    }
}
