import Foundation
import IPC

@testable import Core
@testable import Daemon

/// One ticket state of every kind, by a name of its own. What is stored once is read for ever: a case that is renamed or
/// loses a value fails `StoredFormatTests`, and one that is new is added here, with a line in the golden file.
enum StoredStates {
    static let tip = ObjectID("3333333333333333333333333333333333333333")
    static let candidate: Candidate = {
        var policy = Policy()
        policy.approve = .auto
        policy.setup = Setup(command: ["make", "deps"], copy: [".env"], timeout: .seconds(60))
        policy.verifiers = [Verifier(name: "test", command: ["make", "test"])]
        return Candidate(
            commit: ObjectID("1111111111111111111111111111111111111111"),
            tree: ObjectID("2222222222222222222222222222222222222222"),
            tip: tip,
            head: ObjectID("4444444444444444444444444444444444444444"),
            paths: ["a b", "ü/x"],
            rules: Rules(digest: "abc", policy: policy, problem: "no"),
            ownDigest: "def"
        )
    }()
    static let agent = AgentID(1)
    static let approval = Approval(by: .human, head: candidate.head, waivesLocks: true)

    static let dealings: Dealings = {
        var dealings = Dealings()
        let (asked, until) = (Instant(milliseconds: 1_795_211_569_120), Instant(milliseconds: 1_795_211_629_120))
        dealings.claims = [PathClaim(key: "k", patterns: [.at("src/x")], asked: asked, until: until, place: 3)]
        dealings.questions = [Question.Kind.question, .permission].enumerated().map { index, kind in
            Question(number: index + 1, key: "q\(index)", kind: kind, text: "Which?", asked: asked, until: until)
        }
        dealings.questions[1].answer = Question.Answer(text: "yes", allows: true, at: until)
        dealings.progress = Progress(text: "half", percent: 50, at: asked)
        return dealings
    }()

    static let all: [(name: String, state: TicketState)] = simple + running + landing + human

    private static let simple: [(name: String, state: TicketState)] = [
        ("queued", .queued(resume: .work)), ("queued at verify", .queued(resume: .verify)),
        ("stopped", .stopped(resume: .work)),
        ("awaiting", .awaitingApproval(candidate, [.policy, .noVerifier, .sensitivePaths(["ci.sh"]), .afterChange])),
        ("awaiting another word", .awaitingApproval(candidate, [.approvalExpired(after: .seconds(3600))])),
        ("merged", .merged(commit: candidate.commit, tidy: .pending)),
        ("merged, done", .merged(commit: candidate.commit, tidy: .done)),
        ("cancelled", .cancelled(reason: "no", tidy: .left)),
        ("stopped with all", .stopped(resume: .verify, withAll: true)),
    ]

    private static let running: [(name: String, state: TicketState)] = {
        var states: [(name: String, state: TicketState)] = []
        for (name, step) in steps { states.append(("running: \(name)", .running(Running(agent: agent, step: step)))) }
        for (name, halt) in [("stopping", Halt.stop), ("cancelling", .cancel(reason: "no")), ("halted", .standstill)]
            + budgetHalts
        {
            let running = Running(agent: agent, step: .working(run: 2), halt: halt)
            states.append(("running, \(name)", .running(running)))
        }
        return states
    }()

    private static let budgetHalts: [(String, Halt)] = budgets.map { ("at its budget: \($0.0)", .budget($0.1)) }
    private static let budgets: [(String, BudgetProblem)] = [
        ("ticket", .reached(.ticket, .usd, spent: 5_320_000, cap: 5_000_000)),
        ("day", .reached(.day, .tokens, spent: 12, cap: 10)), ("month", .reached(.month, .usd, spent: 2, cap: 1)),
        ("unpriced", .unpriced(tokens: 500)),
    ]

    private static let landing: [(name: String, state: TicketState)] = {
        var states: [(name: String, state: TicketState)] = []
        for (name, step) in landings {
            states.append(("landing: \(name)", .landing(Landing(approval: approval, step: step))))
        }
        let dated = Approval(by: .human, head: candidate.head, at: Instant(milliseconds: 1_795_211_569_120))
        states.append(("landing, approved then", .landing(Landing(approval: dated, step: .waiting(nil)))))
        let policy = Approval(by: .policy, head: tip)
        states.append(
            ("landing by policy, stopping", .landing(Landing(approval: policy, step: .waiting(nil), halt: .stop)))
        )
        return states
    }()

    private static let human: [(name: String, state: TicketState)] = problems.map { name, problem in
        ("human: \(name)", .needsHuman(problem, resume: .work))
    }

    static let trials: [(String, Trial)] = [
        ("building", .building), ("waitingForSlot", .waitingForSlot(candidate)),
        ("checkingOut", .checkingOut(candidate, slot: 0)),
        ("verifying", .verifying(candidate, slot: 1, index: 0, run: 3)),
        ("verifying since then", .verifying(candidate, slot: 1, index: 0, run: 3, since: tomorrow)),
        ("passed", .concluding(candidate, slot: 0, .passed)),
        ("failed", .concluding(candidate, slot: 0, .failed(index: 0, run: 3, outcome: "exit 1"))),
    ]

    private static let tomorrow = Instant(milliseconds: 1_795_297_969_120)
    private static func stale(_ next: Stale.Next) -> Stale {
        Stale(since: Instant(milliseconds: 1_795_211_569_120), lookedAt: [.output, .cpu, .files], next: next)
    }

    static let steps: [(String, Step)] = steps(of: trials)
    private static func steps(of trials: [(String, Trial)]) -> [(String, Step)] {
        let others: [(String, Step)] = [
            ("preparing", .preparing(then: .work)), ("settingUp", .settingUp(run: 1, Setup(command: ["a"]))),
            ("working", .working(run: 2)), ("working, stale", .working(run: 2, stale: stale(.ends(at: tomorrow)))),
            ("working, stale, ending", .working(run: 2, stale: stale(.ending))), ("collecting", .collecting),
            ("snapshot, stopped", .snapshotting(.stopped(resume: .verify))),
            ("snapshot, cancelled", .snapshotting(.cancelled(reason: "no"))),
            ("snapshot, human", .snapshotting(.needsHuman(.noChange(run: 1), resume: .work))),
            ("snapshot, again", .snapshotting(.again)),
            ("snapshot, queue", .snapshotting(.queue(.runStale(RunID(ticket: TicketID("T-1"), number: 2))))),
        ]
        return others + trials.map { ($0.0, Step.trying($0.1)) }
    }

    static let landings: [(String, LandingStep)] = landings(of: trials)
    private static func landings(of trials: [(String, Trial)]) -> [(String, LandingStep)] {
        let others: [(String, LandingStep)] = [
            ("waiting", .waiting(candidate)), ("waiting for a new one", .waiting(nil)),
            ("waitingForPaths", .waitingForPaths(candidate, of: [LockHolder("T-1")])),
            ("advancing", .advancing(candidate)), ("blocked", .blocked(candidate, reason: "local changes")),
        ]
        return others + trials.map { ($0.0, LandingStep.trying($0.1)) }
    }

    static let problems: [(String, Problem)] =
        [
            ("worktreeFailed", .worktreeFailed("no")), ("setupFailed", .setupFailed(run: 1, "exit 1")),
            ("agentFailed", .agentFailed(run: 1, "exit 1")), ("noChange", .noChange(run: 1)),
            ("nothingLeft", .nothingLeft),
            ("collectFailed", .collectFailed("no")), ("candidateFailed", .candidateFailed("no")),
            ("verifyFailed", .verifyFailed(verifier: "test", run: 2, "exit 1", attempts: 2)),
            ("verifyError", .verifyError("no")), ("conflict", .conflict(paths: ["a"], attempts: 1)),
            ("lockViolation", .lockViolation(paths: ["a"], candidate)), ("untrusted", .untrusted(digest: "abc")),
            ("configuration", .configuration("no")), ("dependency, unknown", .dependency(TicketID("T-1"), .unknown)),
            ("dependency, cancelled", .dependency(TicketID("T-1"), .cancelled)),
            ("landingFailed", .landingFailed("no")),
            ("agentStale", .agentStale(run: 1, attempts: 3)),
            ("agentLooped", .agentLooped(run: 1, "it called Bash 5 times")), ("repositoryGone", .repositoryGone("no")),
            ("lockCycle", .lockCycle(wanted: [LockPattern.at("src/b")], holders: [TicketID("T-2")])),
        ] + budgets.map { ("budget, \($0.0)", .budget($0.1)) }

    static let feedbacks: [(String, Feedback)] = [
        (
            "verifierFailed",
            .verifierFailed(
                name: "test",
                command: ["make", "test"],
                run: RunID(ticket: TicketID("T-1"), number: 2),
                summary: "exit 1"
            )
        ),
        ("conflict", .conflict(paths: ["a"], tip: tip)), ("changesRequested", .changesRequested(comment: "more")),
        ("runLost", .runLost(RunID(ticket: TicketID("T-1"), number: 1))),
        ("runStale", .runStale(RunID(ticket: TicketID("T-1"), number: 1))),
    ]

    /// Never called: the compiler finds the case that is new. Add it above.
    private func everyCaseIsAbove(
        _ state: TicketState,
        _ step: Step,
        _ trial: Trial,
        _ landing: LandingStep,
        _ problem: Problem,
        _ feedback: Feedback
    ) {
        switch state {
        case .queued, .running, .stopped, .awaitingApproval, .landing, .needsHuman, .merged, .cancelled: break
        }
        switch step {
        case .preparing, .settingUp, .working, .collecting, .trying, .snapshotting: break
        }
        switch trial {
        case .building, .waitingForSlot, .checkingOut, .verifying, .concluding: break
        }
        switch landing {
        case .waiting, .trying, .waitingForPaths, .advancing, .blocked: break
        }
        switch problem {
        case .worktreeFailed, .setupFailed, .agentFailed, .noChange, .nothingLeft, .collectFailed, .candidateFailed,
            .verifyFailed, .verifyError, .conflict, .lockViolation, .untrusted, .configuration, .dependency,
            .landingFailed, .agentStale, .agentLooped, .repositoryGone, .lockCycle, .budget:
            break
        }
        switch feedback {
        case .verifierFailed, .conflict, .changesRequested, .runLost, .runStale: break
        }
    }

    // MARK: a store with all of it

    /// A ticket in each of the states, with everything a ticket can have; running ones on agents of their own.
    static func tickets() -> [Ticket] {
        all.enumerated().map { index, entry in
            var state = entry.state
            if case .running(var running) = state {
                running.agent = AgentID(index + 1)
                state = .running(running)
            }
            var ticket = Ticket(
                id: TicketID("T-\(index + 1)"),
                serial: index + 1,
                repository: RepositoryID("r1"),
                title: "Ünïcode: \(entry.name)",
                priority: index % 3 - 1,
                locks: [LockPattern.at("src/\(index)/**")],
                dependsOn: index == 0 ? [] : [TicketID("T-1")],
                profile: "script",
                created: Instant(milliseconds: 1_795_211_569_120),
                state: state,
                since: Instant(milliseconds: 1_795_211_569_121 + Int64(index)),
                worktree: .init(name: "w\(index + 1)", branch: "agent-1/T-\(index + 1)", base: tip, isSetUp: true),
                head: candidate.head,
                attempts: 2,
                lastRun: 3,
                lastSnapshot: 1,
                failures: ["conflict": 1],
                feedback: feedbacks[index % feedbacks.count].1,
                proof: .init(tree: candidate.tree, fingerprint: "abc\u{1F}test"),
                approvedHead: candidate.head
            )
            ticket.wasSentBack = true
            ticket.waivedHead = candidate.head
            ticket.comments = index % 2 == 0 ? nil : index
            ticket.usage = index % 2 == 0 ? nil : usage
            ticket.runUsage = index % 2 == 0 ? nil : RunUsage(run: 1, usage: usage)
            ticket.budget = index % 3 == 0 ? Allowance(cost: 5_000_000) : index % 3 == 1 ? Allowance(tokens: 7) : nil
            ticket.landingPlace = ticket.state.isInLandingQueue ? index : nil
            return ticket
        }
    }

    private static let usage = Usage(
        tokens: Tokens(input: 10, output: 5, cacheRead: 100, cacheWrite: 7),
        cost: 1_234_567,
        estimated: 34_567,
        unpriced: 9
    )

    /// Everything, as one daemon could have left it.
    static func batch() -> Batch {
        let tickets = tickets()
        var repository = Core.Repository(
            id: RepositoryID("r1"),
            path: "/repo",
            target: "main",
            tip: tip,
            trusted: ["abc"]
        )
        repository.landingQueue = tickets.filter(\.state.isInLandingQueue).map(\.id)
        for ticket in tickets {
            if let slot = ticket.trial?.slot { repository.verifying[slot] = ticket.id }
            if case .waitingForSlot? = ticket.trial { repository.waitingToVerify.append(ticket.id) }
        }
        var batch = Batch()
        batch.counters = .init()
        batch.counters?.serial = tickets.count
        batch.counters?.ticket = tickets.count
        batch.counters?.fence = tickets.count
        batch.counters?.repository = 1
        batch.daemonRow = ["version": "0.1.0"]
        func step(_ name: String, _ ticket: Ticket?, _ change: (inout Changes) -> Void) {
            var changes = Changes()
            change(&changes)
            let seq = batch.steps.count + 1
            let line = #"{"jsonrpc":"2.0","method":"\#(name)","params":{"seq":\#(seq),"patch":{}}}"#
            batch.steps.append(
                Batch.Step(
                    seq: seq,
                    time: Instant(milliseconds: 1_795_211_570_000 + Int64(seq)),
                    name: name,
                    ticket: ticket?.id,
                    line: Array(line.utf8),
                    changes: changes,
                    evidence: ticket.map { [$0.id: "\(seq) \(name)"] } ?? [:],
                    descriptions: ticket.map { [($0.id, "Do \($0.title)\n")] } ?? []
                )
            )
        }
        step("repository.added", nil) { $0.repositories = [Change(old: nil, new: repository)] }
        for ticket in tickets {
            step("ticket.changed", ticket) { changes in
                changes.tickets = [Change(old: nil, new: ticket)]
                changes.grants = [
                    Change(
                        old: nil,
                        new: Grant(
                            fence: ticket.serial,
                            pattern: ticket.locks[0],
                            repository: ticket.repository,
                            ticket: ticket.id,
                            since: ticket.created
                        )
                    )
                ]
                if let id = ticket.agent {
                    let agent = Agent(id: id, ticket: ticket.id, since: ticket.since, stopping: ticket.halt != nil)
                    changes.agents = [Change(old: nil, new: agent)]
                }
                let outcomes: [RunOutcome?] = [
                    .exited(0), .exited(1), .signalled(9), .stopped, .timedOut, .notStarted("no"), .lost("gone"),
                    .failed("no"), .unknown("no"), nil,
                ]
                let run = RunID(ticket: ticket.id, number: 1)
                changes.runs = [
                    .requested(run, name: "agent-1", stage: "work", tree: nil, commit: nil),
                    .started(run, ticket.since),
                ]
                if ticket.runUsage != nil {
                    let day = UTCDay(number: 20_000 + ticket.serial % 3)
                    changes.usage = [UsageRecord(run: run, day: day, profile: "script", usage: usage)]
                }
                if ticket.serial == 1 {
                    let proof = Proof(tree: tip, fingerprint: "abc", surroundings: "def")
                    changes.passes = [Pass(repository: ticket.repository, proof: proof, ticket: ticket.id)]
                }
                if let outcome = outcomes[ticket.serial % outcomes.count] {
                    changes.runs.append(.ended(run, ticket.since + .seconds(3), outcome))
                }
            }
        }
        return batch
    }
}

extension LockPattern {
    static func at(_ text: String) -> LockPattern { (try? LockPattern(text))! }  // Literals in tests are patterns.
}
