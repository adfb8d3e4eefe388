import Core

/// Inputs that nobody should ever send: unknown ids, outcomes of what was never asked, huge numbers, moments before time
/// began. They are thrown at a copy of Core, in whatever state it is in. Whatever it makes of them, it answers, and what it
/// says it changed is what it changed.
enum Noise {
    static func throwInputs(_ seed: UInt64, at shell: SimulatedShell) throws(Violation) {
        guard shell.unstored == nil else { return }
        var random = SplitMix64(seed: seed)
        var core = shell.core
        var fold = shell.stored
        for _ in 0..<4 {
            let input = input(core, &random)
            let decision = core.handle(input, at: moment(shell.now, &random))
            if decision.refusal != nil {
                try require(decision.facts.isEmpty && decision.effects.isEmpty, "I9: a refusal has consequences")
            }
            for fact in decision.facts { try fold.apply(fact, mindingRuns: false) }
            try require(fold.agrees(with: core), "I9: after \(input) tickets are not as the facts say")
            try require(fold.repositories == core.repositories, "I9: after \(input) repositories are not as told")
            try require(fold.ledger == core.ledger, "I9: after \(input) the ledger is not as told")
            try require(fold.grants == core.grants, "I9: after \(input) grants are not as the facts say")
            if let problem = core.inconsistency { throw Violation("I9: after \(input): \(problem)") }
        }
        _ = core.recover(at: moment(shell.now, &random))
    }

    private static func moment(_ now: Instant, _ random: inout SplitMix64) -> Instant {
        Instant(
            milliseconds: random.pick([now.milliseconds, 0, -1, .min, .max, now.milliseconds + 1, .max - 1000])
        )
    }

    private static let text = String(repeating: "\u{2028}\u{1B}[31mé", count: 40)

    private static func input(_ core: Orchestrator, _ random: inout SplitMix64) -> Input {
        let known = (Array(core.tickets.keys) + core.settled.keys).sorted()
        let id = known.isEmpty || random.chance(15) ? TicketID(random.pick(["T-0", "", text])) : random.pick(known)
        let number = random.pick([0, 1, 2, core.tickets[id]?.lastRun ?? 1, .max, .min])
        let run = RunID(ticket: id, number: number)
        let object = ObjectID(random.pick(["c1", "c2", "", text]))
        let repository = RepositoryID(random.pick(["r1", "r2", "r99", ""]))
        let outcome = random.pick([
            RunOutcome.exited(0), .exited(.min), .signalled(.max), .stopped, .timedOut, .notStarted(text), .lost(text),
            .failed(text), .unknown(text),
        ])
        switch random.below(42) {
        case 0: return .worktreeReady(id, branch: text, base: object, head: object, rules(&random))
        case 1: return .worktreeFailed(id, reason: text)
        case 2: return .workCollected(id, head: object, changed: random.chance(50), committedLeftovers: true)
        case 3: return .collectFailed(id, reason: "")
        case 4: return .snapshotTaken(id)
        case 5: return .snapshotFailed(id, reason: text)
        case 6, 7: return .candidateBuilt(id, candidate(object, core.tickets[id]?.head, &random))
        case 8: return .candidateEmpty(id, tip: object)
        case 9: return .candidateConflicted(id, tip: object, paths: random.chance(50) ? [] : [text])
        case 10: return .candidateFailed(id, reason: text)
        case 11: return .checkoutReady(id)
        case 12: return .checkoutFailed(id, reason: text)
        case 13: return .checkoutInspected(id, changed: random.chance(50) ? [] : [text])
        case 14: return .targetAdvanced(id, to: object)
        case 15: return .targetMoved(id, to: object)
        case 16: return .targetBlocked(id, reason: text)
        case 17: return .targetFailed(id, reason: text)
        case 18: return .tidied(id, random.chance(50) ? .done : .left(reason: text))
        case 19: return .runStarted(run, at: moment(Instant(milliseconds: 0), &random))
        case 20: return .runEnded(run, outcome, at: moment(Instant(milliseconds: 0), &random))
        case 21: return .deadlineReached
        case 22:
            return .runWentQuiet(
                run,
                since: moment(Instant(milliseconds: 0), &random),
                lookedAt: [],
                grace: .seconds(Int64.max)
            )
        case 23: return .runStirred(run, by: nil)
        case 24: return .runStayedQuiet(run)
        case 25:
            let command = random.pick([
                Command.continue, .stop, .cancel(reason: text), .retry, .approve(comment: text),
                .requestChanges(comment: ""), .steer(message: text),
            ])
            return .commandGiven(command, id)
        case 26:
            let pattern = pattern(core, &random)
            let duration = random.pick([nil, Duration.zero, .seconds(5), .seconds(-5), .seconds(Int64.max)])
            return .lockAsked(repository, pattern, by: random.pick(["anna", "", text]), reason: text, for: duration)
        case 40:
            let count = random.pick([0, 1, -1, .max, .min])
            let tokens = Tokens(
                input: count,
                output: random.pick([0, .max, .min]),
                cacheRead: count,
                cacheWrite: count
            )
            return .usageSeen(run, Usage(tokens: tokens, cost: count, estimated: count, unpriced: count))
        case 41:
            return .budgetGiven(id, Allowance(cost: random.pick([nil, 0, -1, .max]), tokens: random.pick([nil, 1])))
        case 27:
            let fence = random.pick([0, -1, core.counters.fence, .max, .min])
            return .lockReleaseAsked(
                random.chance(50) ? .fence(fence) : .pattern(repository, pattern(core, &random))
            )
        case 28: return .sessionOpened(run, text)
        case 29: return .sessionLost(run)
        case 30: return .messageRefused(run, number, reason: text)
        case 31: return .agentLooped(run, text)
        case 32:
            let patterns = random.chance(20) ? [] : [pattern(core, &random), pattern(core, &random)]
            let limit = random.pick([Duration.zero, .seconds(9), .seconds(-5), .seconds(Int64.max)])
            return .claimAsked(
                current(id, core, run, &random),
                key: random.pick(["a", "", text]),
                patterns,
                for: limit
            )
        case 33: return .claimWithdrawn(current(id, core, run, &random), key: random.pick(["a", text]))
        case 34:
            let patterns = core.tickets[id]?.claimed ?? [pattern(core, &random)]
            return .claimReleaseAsked(current(id, core, run, &random), patterns, changed: random.pick([[], [text]]))
        case 35:
            let limit = random.pick([Duration.zero, .seconds(9), .seconds(-5), .seconds(Int64.max)])
            let kind = random.pick(Question.Kind.allCases)
            let question = NewQuestion(
                key: random.pick(["a", "b"]),
                kind: kind,
                text: random.pick(["", text]),
                limit: limit
            )
            return .questionAsked(current(id, core, run, &random), question)
        case 36:
            let number = random.pick([nil, 0, 1, Int.max])
            return .answerGiven(id, question: number, text: random.pick(["", text]), allows: random.pick([nil, true]))
        case 37:
            let percent = random.pick([nil, -1, 50, .max])
            return random.chance(50)
                ? .progressReported(current(id, core, run, &random), text: random.pick(["", text]), percent: percent)
                : .summaryGiven(current(id, core, run, &random), text: random.pick(["", text]))
        default:
            let new = NewTicket(
                id: random.chance(50) ? id : nil,
                title: text,
                priority: random.pick([.max, .min, 0]),
                locks: random.chance(50) ? [] : core.tickets[id]?.locks ?? [],
                dependsOn: random.chance(50) ? [] : [id, TicketID("T-\(Int.max)")],
                profile: ""
            )
            if random.chance(15) {
                return .editAsked(id, TicketEdit(title: text, priority: new.priority, locks: new.locks, profile: ""))
            }
            return random.chance(70)
                ? .enqueueAsked(repository, random.chance(20) ? [] : [new])
                : .repositoryAsked(path: random.pick(["/r/r1", ""]), target: text, tip: object, trusted: [text])
        }
    }

    /// Mostly the run under way.
    private static func current(
        _ id: TicketID,
        _ core: Orchestrator,
        _ other: RunID,
        _ random: inout SplitMix64
    ) -> RunID { random.chance(70) ? core.tickets[id]?.currentRun ?? other : other }

    private static func pattern(_ core: Orchestrator, _ random: inout SplitMix64) -> LockPattern {
        let held = core.grants.values.sorted { $0.fence < $1.fence }.map(\.pattern)
        let others = ["**", "src/a/one.txt", "resource:db"].compactMap { try? LockPattern($0) }
        let other = random.pick(others)
        return held.isEmpty || random.chance(50) ? other : random.pick(held)
    }

    private static func rules(_ random: inout SplitMix64) -> Rules {
        var policy = Policy()
        policy.approve = random.chance(50) ? .auto : .human
        policy.maxFixAttempts = random.pick([.min, 0, 2, .max])
        if random.chance(50) { policy.setup = Setup(command: random.chance(50) ? [] : ["setup"]) }
        if random.chance(70) { policy.verifiers = [Verifier(name: "", command: [])] }
        let digest = FakeWorld.digest(random.below(FakeWorld.configurations))
        return Rules(digest: digest, policy: policy, problem: random.chance(10) ? text : nil)
    }

    private static func candidate(_ object: ObjectID, _ head: ObjectID?, _ random: inout SplitMix64) -> Candidate {
        Candidate(
            commit: object,
            tree: object,
            tip: ObjectID(random.pick(["c1", ""])),
            head: random.chance(70) ? head ?? object : object,
            paths: random.chance(30) ? [] : [random.pick(["src/a/one.txt", "", text, "ci.sh"])],
            rules: rules(&random),
            ownDigest: text
        )
    }
}
