import Core
import IPC

/// A fact as it travels: its name, its own fields, and the patch it makes on the picture.
struct FactLine {
    let name: String
    let ticket: TicketID?
    let bytes: [UInt8]
    /// For every changed ticket, the event that brought it into its state.
    let evidence: [TicketID: String]

    /// - Parameters:
    ///   - known: the evidence of tickets so far.
    ///   - lookup: the ticket an agent works on, for the agents' rows.
    init(
        _ fact: Fact,
        seq: Int,
        time: Instant,
        rows: PictureRows,
        known: [TicketID: String],
        ticket lookup: (TicketID) -> Ticket?
    ) {
        name = fact.event.name
        ticket = fact.event.ticket
        var evidence: [TicketID: String] = [:]
        var params: JSONObject = ["seq": JSONValue(seq), "time": .string(Timestamp.text(time))]
        if let ticket { params["ticket"] = .string(ticket.text) }
        for (key, value) in fact.event.fields { params[key] = value }

        var tickets = JSONObject()
        for change in fact.changes.tickets {
            guard let new = change.new else { continue }
            let old = change.old
            let entered = old?.state.name != new.state.name
            let before = known[new.id]
            let after = entered ? "\(seq) \(name)" : before
            evidence[new.id] = after
            let patch = MergePatch.diff(
                from: old.map { rows.ticket($0, evidence: before) } ?? [:],
                to: rows.ticket(new, evidence: after)
            )
            if !patch.isEmpty { tickets[new.id.text] = .object(patch) }
        }
        var agents = JSONObject()
        for change in fact.changes.agents {
            guard let new = change.new else {
                agents[change.old!.id.description] = .null
                continue
            }
            let patch = MergePatch.diff(
                from: change.old.map { rows.agent($0, ticket: $0.ticket.flatMap(lookup)) } ?? [:],
                to: rows.agent(new, ticket: new.ticket.flatMap(lookup))
            )
            if !patch.isEmpty { agents[new.id.description] = .object(patch) }
        }
        var locks = JSONObject()
        for change in fact.changes.grants {
            if let new = change.new {
                locks[String(new.fence)] = .object(rows.lock(new))
            } else if let old = change.old {
                locks[String(old.fence)] = .null
            }
        }
        var repositories = JSONObject()
        for change in fact.changes.repositories {
            guard let new = change.new else { continue }
            let patch = MergePatch.diff(
                from: change.old.map(rows.repository) ?? [:],
                to: rows.repository(new)
            )
            if !patch.isEmpty { repositories[new.id.text] = .object(patch) }
        }
        var patch = JSONObject()
        var daemon = fact.event.daemonPatch ?? [:]
        if let spent = fact.changes.spent, let old = spent.old, let new = spent.new {
            for (key, value) in MergePatch.diff(from: rows.spent(old), to: rows.spent(new)) { daemon[key] = value }
        }
        if !daemon.isEmpty { patch["daemon"] = .object(daemon) }
        for (key, section) in [
            ("repositories", repositories), ("agents", agents), ("locks", locks), ("tickets", tickets),
        ] where !section.isEmpty {
            patch[key] = .object(section)
        }
        params["patch"] = .object(patch)
        self.evidence = evidence
        bytes = Notification(name, params).bytes
    }
}

extension Event {
    /// The name on the wire. Names are retired, never reused.
    var name: String {
        switch self {
        case .repositoryAdded: "repository.added"
        case .repositoryTrusted: "repository.trusted"
        case .repositoryChanged: "repository.changed"
        case .targetMoved: "target.moved"
        case .backlogTaken: "backlog.taken"
        case .backlogRefused: "backlog.refused"
        case .ticketEnqueued: "ticket.enqueued"
        case .ticketEdited: "ticket.edited"
        case .ticketStarted: "ticket.started"
        case .worktreePrepared: "worktree.prepared"
        case .runRequested: "run.requested"
        case .runStarted: "run.started"
        case .runEnded: "run.ended"
        case .runUsed: "run.used"
        case .agentForbidden: "agent.forbidden"
        case .agentStale: "agent.stale"
        case .agentActive: "agent.active"
        case .sessionOpened: "session.opened"
        case .sessionLost: "session.lost"
        case .permissionDenied: "permission.denied"
        case .agentLooped: "agent.looped"
        case .messageQueued: "message.queued"
        case .messageTaken: "message.taken"
        case .messageDeferred: "message.deferred"
        case .workCollected: "work.collected"
        case .candidateBuilt: "candidate.built"
        case .candidateConflicted: "candidate.conflicted"
        case .verificationStarted: "verification.started"
        case .ticketVerified: "ticket.verified"
        case .verificationFailed: "verification.failed"
        case .verificationErred: "verification.erred"
        case .sentBack: "ticket.sent_back"
        case .approvalRequested: "ticket.awaiting_approval"
        case .ticketCommented: "ticket.commented"
        case .ticketApproved: "ticket.approved"
        case .landingStarted: "landing.started"
        case .landingWaited: "landing.waiting"
        case .landingBlocked: "landing.blocked"
        case .lockViolationAllowed: "lock.violation_allowed"
        case .lockTaken: "lock.taken"
        case .lockReleased: "lock.released"
        case .locksClaimed: "locks.claimed"
        case .claimWaited: "locks.awaited"
        case .claimGranted: "claim.granted"
        case .claimWaits: "claim.waiting"
        case .claimEnded: "claim.ended"
        case .claimReleased: "claim.released"
        case .questionAsked: "question.asked"
        case .questionAnswered: "question.answered"
        case .questionEnded(_, _, let expired): expired ? "question.expired" : "question.withdrawn"
        case .progressReported: "run.progress"
        case .workSummarised: "work.summarised"
        case .ticketEvicted: "ticket.evicted"
        case .ticketMerged: "ticket.merged"
        case .landingPushed: "landing.pushed"
        case .pushFailed: "landing.push_failed"
        case .ticketStopping: "ticket.stopping"
        case .ticketStopped: "ticket.stopped"
        case .ticketContinued: "ticket.continued"
        case .snapshotTaken: "snapshot.taken"
        case .snapshotFailed: "snapshot.failed"
        case .snapshotNoted: "snapshot.noted"
        case .humanNeeded: "ticket.needs_human_review"
        case .locksReleased: "locks.released"
        case .ticketCancelled: "ticket.cancelled"
        case .ticketTidied: "ticket.tidied"
        case .ticketLeft: "ticket.left"
        case .ticketChanged: "ticket.changed"
        case .budgetGiven: "ticket.budgeted"
        case .spendingRenewed: "spending.renewed"
        case .halted: "daemon.halted"
        case .resumed: "daemon.resumed"
        case .diskFilled: "disk.full"
        case .diskFreed: "disk.ok"
        }
    }

    /// What the event itself says, beside what changed.
    var fields: [(String, JSONValue)] {
        switch self {
        case .repositoryAdded(let id), .repositoryChanged(let id): [("repository", .string(id.text))]
        case .repositoryTrusted(let id, let digest): [("repository", .string(id.text)), ("digest", .string(digest))]
        case .targetMoved(let id, let from, let to):
            [("repository", .string(id.text)), ("from", .string(from.text)), ("to", .string(to.text))]
        case .ticketEdited(_, let fields): [("changed", JSONValue(fields.map(\.rawValue)))]
        case .backlogTaken(let id, let file, let tickets):
            [("repository", .string(id.text))] + file.eventFields + [("tickets", JSONValue(tickets.map(\.text)))]
        case .backlogRefused(let id, let file, let problems):
            [("repository", .string(id.text))] + file.eventFields + [("problems", JSONValue(problems))]
        case .ticketStarted(_, let agent, let stage, let shortSince):
            [("agent", .string(agent.description)), ("stage", .string(stage.rawValue))]
                + (shortSince.map { [("short_since", .string(Timestamp.text($0)))] } ?? [])
        case .worktreePrepared(_, let branch, let base, let notes):
            [("branch", .string(branch)), ("base", .string(base.text))]
                + (notes.isEmpty ? [] : [("notes", JSONValue(notes))])
        case .runRequested(let run, let name, let stage):
            [("run", .string(run.description)), ("name", .string(name)), ("stage", .string(stage))]
        case .runStarted(let run): [("run", .string(run.description))]
        case .agentForbidden(let run, let method):
            [("run", .string(run.description)), ("method", .string(method))]
        case .runEnded(let run, let outcome):
            [("run", .string(run.description)), ("outcome", .string(outcome.phrase))]
        case .runUsed(let run, let usage):
            [("run", .string(run.description)), ("usage", .object(usage.row))]
        case .agentStale(let run, let agent, let stale):
            [("run", .string(run.description)), ("agent", .string(agent.description))] + stale.eventFields
        case .agentActive(let run, let agent, let sign):
            [
                ("run", .string(run.description)), ("agent", .string(agent.description)),
                ("evidence", .string(sign?.noun ?? "its profile waits longer now")),
            ]
        case .sessionOpened(let run, let id): [("run", .string(run.description)), ("session", .string(id))]
        case .sessionLost(let run): [("run", .string(run.description))]
        case .permissionDenied(let run, let what, let reason):
            [("run", .string(run.description)), ("what", .string(what)), ("reason", .string(reason))]
        case .agentLooped(let run, let agent, let finding, let step):
            [
                ("run", .string(run.description)), ("agent", .string(agent.description)),
                ("evidence", .string(finding)), ("step", .string(step.rawValue)),
            ]
        case .messageQueued(_, let message):
            [
                ("message", JSONValue(message.number)), ("text", .string(message.text)),
                ("delivery", .string(message.delivery.word)),
            ]
        case .messageTaken(let run, let number):
            [("run", .string(run.description)), ("message", JSONValue(number))]
        case .messageDeferred(_, let number, let reason):
            [("message", JSONValue(number)), ("reason", .string(reason))]
        case .workCollected(_, let head, let leftovers):
            [("head", .string(head.text)), ("committed_leftovers", .bool(leftovers))]
        case .candidateBuilt(_, let commit, let tree, let tip):
            [("commit", .string(commit.text)), ("tree", .string(tree.text)), ("tip", .string(tip.text))]
        case .candidateConflicted(_, let tip, let paths): [("tip", .string(tip.text)), ("paths", JSONValue(paths))]
        case .verificationStarted(_, let slot): [("slot", JSONValue(slot))]
        case .ticketVerified(_, let tree, let reused): [("tree", .string(tree.text)), ("reused", .bool(reused))]
        case .verificationFailed(_, let verifier, let outcome):
            [("verifier", .string(verifier)), ("outcome", .string(outcome))]
        case .verificationErred(_, let reason), .landingBlocked(_, let reason), .ticketEvicted(_, let reason),
            .snapshotFailed(_, let reason), .ticketCancelled(_, let reason), .ticketLeft(_, let reason):
            [("reason", .string(reason))]
        case .sentBack(_, let feedback, let attempt):
            [("reason", .string(feedback.sentence)), ("attempt", JSONValue(attempt))]
        case .approvalRequested(_, let reasons): [("reasons", JSONValue(reasons.map(\.sentence)))]
        case .ticketCommented(_, let comment): [("comment", .string(comment))]
        case .ticketApproved(_, let by): [("by", .string(by.rawValue))]
        case .landingWaited(_, let holders): [("holders", JSONValue(holders.map(\.name)))]
        case .lockViolationAllowed(_, let paths), .locksClaimed(_, let paths): [("paths", JSONValue(paths))]
        case .claimWaited(_, let paths, let holders):
            [("paths", JSONValue(paths)), ("holders", JSONValue(holders.map(\.name)))]
        case .claimGranted(let run, let patterns), .claimReleased(let run, let patterns):
            [("run", .string(run.description)), ("patterns", JSONValue(patterns.map(\.text)))]
        case .claimWaits(let run, let patterns, let holders, let until):
            [
                ("run", .string(run.description)), ("patterns", JSONValue(patterns.map(\.text))),
                ("holders", JSONValue(holders.map(\.name))), ("until", .string(Timestamp.text(until))),
            ]
        case .claimEnded(let run, let patterns, let end):
            [
                ("run", .string(run.description)), ("patterns", JSONValue(patterns.map(\.text))),
                ("reason", .string(end.reason)),
            ]
        case .questionAsked(let run, let question), .questionEnded(let run, let question, _):
            [("run", .string(run.description))] + question.eventFields
        case .questionAnswered(let run, let question):
            [("run", .string(run.description))] + question.eventFields + (question.answer?.eventFields ?? [])
        case .progressReported(let run, let progress):
            [("run", .string(run.description)), ("text", .string(progress.text))]
                + (progress.percent.map { [("percent", JSONValue($0))] } ?? [])
        case .workSummarised(let run, let summary):
            [("run", .string(run.description)), ("summary", .string(summary))]
        case .lockTaken(let id, let pattern, let person):
            [
                ("repository", .string(id.text)), ("pattern", .string(pattern.text)), ("person", .string(person.name)),
                ("reason", .string(person.reason)),
            ]
        case .lockReleased(let id, let pattern, let name, let expired):
            [
                ("repository", .string(id.text)), ("pattern", .string(pattern.text)), ("person", .string(name)),
                ("expired", .bool(expired)),
            ]
        case .halted(let standstill): [("reason", .string(standstill.reason))]
        case .ticketMerged(_, let commit): [("commit", .string(commit.text))]
        case .landingPushed(let id, let remote, let commit):
            [("repository", .string(id.text)), ("remote", .string(remote)), ("commit", .string(commit.text))]
        case .pushFailed(let id, let remote, let commit, let problem):
            [
                ("repository", .string(id.text)), ("remote", .string(remote)), ("commit", .string(commit.text)),
                ("reason", .string(problem.reason)), ("needs_human", .bool(problem.needsHuman)),
            ]
        case .ticketContinued(_, let command):
            [("command", .string(command.name))] + (words.map { [("comment", .string($0))] } ?? [])
        case .snapshotTaken(_, let number): [("snapshot", JSONValue(number))]
        case .snapshotNoted(_, let number, let notes):
            [("snapshot", JSONValue(number)), ("notes", JSONValue(notes))]
        case .humanNeeded(_, let problem): [("reason", .string(problem.sentence))]
        case .locksReleased(_, let hold):
            [("reason", .string("it has waited for a human for \(DurationText.format(hold))"))]
        case .ticketEnqueued, .landingStarted, .ticketStopping, .ticketStopped, .ticketTidied,
            .ticketChanged, .resumed, .diskFilled, .diskFreed, .budgetGiven, .spendingRenewed:
            []
        }
    }

    /// What it changes in the daemon's own row.
    fileprivate var daemonPatch: JSONObject? {
        switch self {
        case .halted(let standstill): ["halted": .object(standstill.row)]
        case .resumed: ["halted": .null]
        case .diskFilled: ["disk": "full"]
        case .diskFreed: ["disk": .null]
        default: nil
        }
    }
}

extension BacklogFile {
    fileprivate var eventFields: [(String, JSONValue)] { [("file", .string(name)), ("key", .string(key))] }
}

extension Question {
    fileprivate var eventFields: [(String, JSONValue)] {
        [
            ("question", JSONValue(number)), ("kind", .string(kind.rawValue)), ("text", .string(text)),
            ("until", .string(Timestamp.text(until))),
        ]
    }
}

extension Question.Answer {
    fileprivate var eventFields: [(String, JSONValue)] {
        [("answer", .string(text))] + (allows.map { [("allows", .bool($0))] } ?? [])
    }
}

extension Stale {
    /// Since when, on what evidence, and what happens next and when.
    fileprivate var eventFields: [(String, JSONValue)] {
        let known: [(String, JSONValue)] = [
            ("since", .string(Timestamp.text(since))), ("evidence", .string(evidence)),
            ("next", "its run is ended unless it moves"),
        ]
        guard case .ends(let at) = next else { return known }
        return known + [("at", .string(Timestamp.text(at)))]
    }
}
