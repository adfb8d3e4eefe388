import Foundation
import IPC
import Testing

@testable import Core
@testable import Daemon

/// The lines of docs/protocol.md: what has been sent once is sent like that for ever.
@Suite struct EventLineTests {
    static let ticket = TicketID("T-7")
    static let run = RunID(ticket: ticket, number: 2)
    static let commit = ObjectID("1111111111111111111111111111111111111111")
    static let tree = ObjectID("2222222222222222222222222222222222222222")
    static let tip = ObjectID("3333333333333333333333333333333333333333")

    /// One of each.
    static let events: [Event] = [
        .repositoryAdded(RepositoryID("r1")),
        .repositoryTrusted(RepositoryID("r1"), digest: "abc"),
        .targetMoved(RepositoryID("r1"), from: tip, to: commit),
        .ticketEnqueued(ticket),
        .ticketStarted(ticket, AgentID(1), .work),
        .worktreePrepared(ticket, branch: "agent-1/T-7-avatars", base: tip),
        .runRequested(run, name: "agent-1", stage: "work"),
        .runStarted(run),
        .runEnded(run, .exited(1)),
        .workCollected(ticket, head: commit, committedLeftovers: true),
        .candidateBuilt(ticket, commit: commit, tree: tree, tip: tip),
        .candidateConflicted(ticket, tip: tip, paths: ["a b", "ü"]),
        .verificationStarted(ticket, slot: 0),
        .ticketVerified(ticket, tree: tree, reused: false),
        .verificationFailed(ticket, verifier: "test", outcome: "exit 1"),
        .verificationErred(ticket, reason: "the verifiers changed the tree they judged (a)"),
        .sentBack(ticket, .conflict(paths: ["a"], tip: tip), attempt: 1),
        .approvalRequested(ticket, [.policy, .sensitivePaths(["ci.sh"])]),
        .ticketApproved(ticket, .human),
        .landingStarted(ticket),
        .landingWaited(ticket, of: [LockHolder("T-3")]),
        .landingBlocked(ticket, reason: "local changes to a"),
        .lockViolationAllowed(ticket, paths: ["b"]),
        .ticketEvicted(ticket, reason: "conflicts with the target"),
        .ticketMerged(ticket, commit: commit),
        .ticketStopping(ticket),
        .ticketStopped(ticket),
        .ticketContinued(ticket, .retry),
        .snapshotTaken(ticket, number: 3),
        .snapshotFailed(ticket, reason: "the disk is full"),
        .humanNeeded(ticket, .noChange(run: 2)),
        .ticketCancelled(ticket, reason: "not wanted"),
        .ticketTidied(ticket),
        .ticketLeft(ticket, reason: "its worktree is gone"),
        .ticketChanged(ticket),
        .ticketCommented(ticket, comment: "nice"),
        .repositoryChanged(RepositoryID("r1")),
        .agentForbidden(run, method: "ticket.approve"),
        .snapshotNoted(ticket, number: 3, notes: ["the nested repository vendor/x is in the archive"]),
        .agentStale(run, AgentID(1), stale),
        .agentActive(run, AgentID(1), .output),
        .locksReleased(ticket, after: .seconds(86_400)),
        .diskFilled,
        .diskFreed,
        .backlogTaken(RepositoryID("r1"), BacklogFile(name: "avatars.yaml", key: "1f0c"), [ticket]),
        .backlogRefused(
            RepositoryID("r1"),
            BacklogFile(name: "bad.md", key: "77ab"),
            problems: ["bad.md:1:1: the ticket has no `title`"]
        ),
        .ticketEdited(ticket, [.priority, .locks]),
        .locksClaimed(ticket, paths: ["b"]),
        .claimWaited(ticket, paths: ["b"], of: [LockHolder("T-3")]),
        .lockTaken(RepositoryID("r1"), .at("src/**"), person),
        .lockReleased(RepositoryID("r1"), .at("src/**"), of: "alice", expired: true),
        .landingPushed(RepositoryID("r1"), remote: "https://example.org/x.git", commit: commit),
        .pushFailed(
            RepositoryID("r1"),
            remote: "https://example.org/x.git",
            commit: commit,
            Push.Problem(reason: "the remote refuses it: fetch first", needsHuman: true)
        ),
        .halted(Standstill(since: Instant(milliseconds: 1_795_211_569_120), reason: "the model is down")),
        .resumed,
        .sessionOpened(run, "495a15e7-8506-48e7-8145-123600b9205a"),
        .sessionLost(run),
        .messageQueued(
            ticket,
            Message(
                number: 1,
                text: "use tabs",
                at: Instant(milliseconds: 1_795_211_569_120),
                delivery: .handed(run: 2)
            )
        ),
        .messageTaken(run, 1),
        .messageDeferred(ticket, 1, reason: "its agent takes no messages while it works"),
        .agentLooped(run, AgentID(1), "it called Bash (make) 5 times in a row with the same result", .nudged),
        .claimGranted(run, [.at("docs/**")]),
        .claimWaits(run, [.at("src/x")], of: [LockHolder("T-3")], until: question.until),
        .claimEnded(run, [.at("src/x")], .cycle([TicketID("T-3")])),
        .claimReleased(run, [.at("docs/**")]),
        .questionAsked(run, question),
        .questionAnswered(run, answered),
        .questionEnded(run, question, expired: true),
        .questionEnded(run, question, expired: false),
        .progressReported(run, Progress(text: "half of it", percent: 50, at: question.asked)),
        .workSummarised(run, summary: "Did it."),
        .permissionDenied(run, "Write src/b.txt", reason: "src/b.txt is held by T-3 (Avatars)."),
        .runUsed(
            RunID(ticket: ticket, number: 2),
            Usage(
                tokens: Tokens(input: 1200, output: 345, cacheRead: 90_000, cacheWrite: 4000),
                cost: 1_234_567,
                estimated: 34_567,
                unpriced: 45
            )
        ),
        .budgetGiven(ticket),
        .spendingRenewed,
    ]

    static let question = Question(
        number: 1,
        key: "k",
        kind: .permission,
        text: "May I?",
        asked: Instant(milliseconds: 1_795_211_569_120),
        until: Instant(milliseconds: 1_795_211_629_120)
    )
    static let answered: Question = {
        var answered = question
        answered.answer = Question.Answer(text: "once", allows: true, at: question.asked)
        return answered
    }()

    static let person = Grant.Person(name: "alice", reason: "by hand", expires: nil)

    static let stale = Stale(
        since: Instant(milliseconds: 1_795_211_209_000),
        lookedAt: [.output, .cpu, .files],
        next: .ends(at: Instant(milliseconds: 1_795_211_659_000))
    )

    @Test func everyEventHasItsGoldenLine() throws {
        let rows = PictureRows(worktrees: "/state/worktrees")
        let lines = Self.events.enumerated().map { index, event in
            let line = FactLine(
                Fact(event: event, changes: Changes()),
                seq: index + 1,
                time: Instant(milliseconds: 1_795_211_569_120),
                rows: rows,
                known: [:],
                ticket: { _ in nil }
            )
            return String(decoding: line.bytes, as: UTF8.self)
        }
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/events.jsonl")
        let golden = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(lines == golden)
    }

    @Test func aStartSaysSinceWhenTheMachineWasShort() {
        let since = Instant(milliseconds: 1_795_211_569_120)
        let fields = Event.ticketStarted(Self.ticket, AgentID(1), .work, shortSince: since).fields
        #expect(JSONObject(fields)["short_since"] == "2026-11-20T21:52:49.120Z")
    }

    /// What is asked for is told with it; for the line of one without, see the golden file.
    @Test func aRequestForChangesSaysWhatIsAskedFor() throws {
        let event = Event.ticketContinued(Self.ticket, .requestChanges(comment: "use tabs\nplease"))
        let line = FactLine(
            Fact(event: event, changes: Changes()),
            seq: 7,
            time: Instant(milliseconds: 1_795_211_569_120),
            rows: PictureRows(worktrees: "/state/worktrees"),
            known: [:],
            ticket: { _ in nil }
        )
        let params = try JSONValue(parsing: line.bytes)["params"]
        #expect(params?["command"] == "request-changes" && params?["comment"] == "use tabs\nplease")
    }

    @Test func everyNameIsUsedOnceAndStandsInTheProtocolPage() throws {
        let names = Self.events.map(\.name)
        #expect(Set(names).count == names.count)
        let page = URL(fileURLWithPath: #filePath).appending(path: "../../../docs/protocol.md").standardizedFileURL
        let text = try String(contentsOf: page, encoding: .utf8)
        for name in names + ["daemon.started"] { #expect(text.contains("`\(name)`"), "\(name)") }
    }

    @Test func rowsAreWhatClientsDecode() throws {
        var core = Orchestrator(limits: .init(agents: 1, verificationSlots: 1))
        let now = Instant(milliseconds: 1_795_211_569_120)
        _ = core.handle(.repositoryAsked(path: "/r", target: "main", tip: Self.tip, trusted: []), at: now)
        let draft = NewTicket(title: "Avatars", locks: [try LockPattern("src/**")], profile: "script")
        _ = core.handle(.enqueueAsked(RepositoryID("r1"), [draft]), at: now)
        let rows = PictureRows(worktrees: "/state/worktrees")

        let ticket = try JSONValue.object(rows.ticket(core.tickets[TicketID("T-1")]!, evidence: "3 ticket.started"))
            .decode(TicketRow.self)
        #expect(ticket.state == "running")
        #expect(ticket.locks == ["src/**"])
        #expect(ticket.branch == "agent-1/T-1-avatars")
        #expect(ticket.since == "2026-11-20T21:52:49.120Z")
        let agent = try JSONValue.object(rows.agent(core.agents[AgentID(1)]!, ticket: core.tickets[TicketID("T-1")]))
            .decode(AgentRow.self)
        #expect(agent.ticket == "T-1" && agent.profile == "script" && agent.state == "working")
        let run = RunID(ticket: TicketID("T-1"), number: 1)
        let ready = Input.worktreeReady(
            run.ticket,
            branch: "b",
            base: Self.tip,
            head: Self.tip,
            Rules(digest: "", policy: Policy())
        )
        _ = core.handle(ready, at: now)
        _ = core.handle(
            .runWentQuiet(run, since: Self.stale.since, lookedAt: Self.stale.lookedAt, grace: .seconds(90)),
            at: now
        )
        let silent = try JSONValue.object(rows.agent(core.agents[AgentID(1)]!, ticket: nil)).decode(AgentRow.self)
        #expect(silent.state == "stale" && silent.stale_since == "2026-11-20T21:46:49.000Z")
        let stale = try JSONValue.object(rows.ticket(core.tickets[run.ticket]!, evidence: nil)).decode(TicketRow.self)
        #expect(stale.state == "running" && stale.stale_until == "2026-11-20T21:54:19.120Z")
        #expect(stale.stale_evidence == "no output, no CPU, no changed file")
        let lock = try JSONValue.object(rows.lock(core.grants[1]!)).decode(LockRow.self)
        #expect(lock.pattern == "src/**" && lock.fence == 1)
        let repository = try JSONValue.object(rows.repository(core.repositories[RepositoryID("r1")]!))
            .decode(RepositoryRow.self)
        #expect(repository.path == "/r" && repository.tip == Self.tip.text && repository.push == nil)
        var owing = core.repositories[RepositoryID("r1")]!
        owing.push = Push(remote: "/x", commit: Self.tip, problem: Push.Problem(reason: "no", needsHuman: true))
        let owed = try JSONValue.object(rows.repository(owing)).decode(RepositoryRow.self).push
        #expect(owed == PushRow(remote: "/x", commit: Self.tip.text, problem: "no", needs_human: true))
    }
}
