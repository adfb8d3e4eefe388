/// An event in plain words: the only place that words them. Names that this version does not know get a line all the
/// same.
///
/// It remembers what each run is for, because an event about a run names the run alone.
public struct EventSentence: Sendable {
    /// A sentence, and whether it is a step between those that matter.
    public struct Line: Equatable, Sendable {
        /// Nil where the event is about no ticket.
        public var ticket: String?
        public var text: String
        /// Only for those who want to see every event.
        public var isDetail = false
    }

    private let clock: @Sendable (String) -> String
    private var runs: [String: (name: String, stage: String)] = [:]

    /// - Parameter clock: a moment as it travels, as the reader's clock says it.
    public init(clock: @escaping @Sendable (String) -> String) { self.clock = clock }

    /// The lines an event makes; more than one only where it is about several tickets.
    public mutating func lines(_ event: Notification) -> [Line] {
        let params = event.params
        if event.method == "ticket.waiting" {
            return (params["waiting"]?.objectValue ?? [:]).compactMap { ticket, reason in
                reason.stringValue.map { Line(ticket: ticket, text: $0) }
            }
        }
        let ticket = params["ticket"]?.stringValue ?? params["run"]?.stringValue.flatMap(Self.ticket(ofRun:))
        var line = Line(ticket: ticket, text: "")
        switch event.method.split(separator: ".").first {
        case "run": (line.text, line.isDetail) = run(event)
        // What `goodbye` says is told as the error it leads to.
        case "hello", "through", "output", "goodbye": return []
        case "agent" where event.method == "agent.activity": return []
        default:
            if let (text, isDetail) = work(event, ticket: ticket) ?? Self.decision(event) {
                (line.text, line.isDetail) = (text, isDetail)
            } else {
                line.text = Self.unknown(event)
            }
        }
        return [line]
    }

    private static func ticket(ofRun run: String) -> String? {
        run.lastIndex(of: ".").map { String(run[..<$0]) }
    }

    /// `deploy.began` of a later version: its name, and why if it says, or else what it says.
    private static func unknown(_ event: Notification) -> String {
        let words = event.method.replacing(".", with: " ").replacing("_", with: " ")
        if let reason = event.params["reason"]?.stringValue { return "\(words): \(reason)" }
        let fields = event.fields.map { "\($0.name) \($0.value)" }
        return fields.isEmpty ? words : "\(words): \(fields.joined(separator: ", "))"
    }

    // MARK: Runs

    private mutating func run(_ event: Notification) -> (String, Bool) {
        let id = event.string("run")
        switch event.method {
        case "run.requested":
            runs[id] = (event.string("name"), event.string("stage"))
            return ("\(what(id)) is being started", true)
        case "run.started":
            return ("\(what(id)) started (run \(id))", true)
        case "run.progress":
            let percent = event.params["percent"]?.intValue.map { " (\($0) %)" } ?? ""
            return ("its agent says: \(event.string("text"))\(percent)", true)
        case "run.ended":
            let outcome = event.string("outcome")
            let run = runs.removeValue(forKey: id)
            guard let run else { return ("run \(id) ended: \(outcome)", false) }
            if outcome == "exit 0" {
                return (run.stage == "work" ? "\(run.name) finished" : "\(run.stage): \(run.name) passed", false)
            }
            // What a verifier's failure means is the next event.
            if run.stage == "verify" { return ("verify: \(run.name) ended: \(outcome)", true) }
            return ("\(run.stage == "work" ? run.name : "\(run.stage): \(run.name)") failed (\(outcome))", false)
        case "run.used":
            let usage = event.params["usage"]
            return ("\(what(id)) has used \(usage.map(UsageText.sentence) ?? "nothing")", true)
        default:
            return (Self.unknown(event), false)
        }
    }

    private func what(_ id: String) -> String {
        guard let run = runs[id] else { return "run \(id)" }
        return run.stage == "work" ? run.name : "\(run.stage): \(run.name)"
    }

    // MARK: The work on a ticket

    private func work(_ event: Notification, ticket: String?) -> (String, isDetail: Bool)? {
        switch event.method {
        case "ticket.enqueued":
            let title = ticket.flatMap { event.params["patch"]?["tickets"]?[$0]?["title"]?.stringValue }
            return (title.map { "enqueued: \($0)" } ?? "enqueued", false)
        case "ticket.started":
            let stage = event.string("stage")
            return (
                stage == "work" || stage == "setup"
                    ? "\(event.string("agent")) started work" : "\(event.string("agent")) took it up for \(stage)",
                false
            )
        case "ticket.edited": return ("edited: \(event.list("changed"))", false)
        case "worktree.prepared":
            let ready = "its worktree is ready, on branch \(event.string("branch"))"
            let notes = event.list("notes", separator: "; ")
            return notes.isEmpty ? (ready, true) : ("\(ready); \(notes)", false)
        case "agent.stale":
            let since = clock(event.string("since"))
            let end = event.params["at"]?.stringValue.map { "ended at \(clock($0)) unless it moves" } ?? ""
            return (
                "\(event.string("agent")) is stale: no sign of life since \(since) (\(event.string("evidence"))); \(end)",
                false
            )
        case "agent.active":
            return ("\(event.string("agent")) is active again: \(event.string("evidence"))", false)
        case "session.opened": return ("its agent's session is \(event.string("session"))", true)
        case "session.lost": return ("its agent does not know its session any more: a new one begins", false)
        case "permission.denied":
            return ("its agent may not: \(event.string("what")): \(event.string("reason"))", false)
        case "agent.looped":
            let done = ["nudged": "it is told so", "interrupted": "it is interrupted"][event.string("step")]
            return (
                "\(event.string("agent")) goes round in circles: \(event.string("evidence")); \(done ?? "it is ended")",
                false
            )
        case "message.queued":
            let isSent = event.string("delivery") == "sent"
            return ("told\(isSent ? "" : ", with its next run"): \(event.string("text"))", false)
        case "message.taken": return ("its agent has taken message \(event.number("message")) in", false)
        case "message.deferred":
            return ("message \(event.number("message")) waits for the next run: \(event.string("reason"))", false)
        case "work.collected":
            let leftovers = event.params["committed_leftovers"]?.boolValue == true
            return (
                "its work is collected at \(event.object("head"))\(leftovers ? ", with what was uncommitted" : "")",
                true
            )
        case "work.summarised": return ("its agent has done this: \(event.string("summary"))", false)
        case "claim.granted": return ("its agent holds \(event.list("patterns")) as well", false)
        case "claim.waiting":
            let holders = event.list("holders")
            let whose = holders.isEmpty ? "after another of its claims" : "behind \(holders)"
            return ("its agent waits for \(event.list("patterns")), \(whose)", false)
        case "claim.ended":
            return ("its agent waits for \(event.list("patterns")) no longer: \(event.string("reason"))", false)
        case "claim.released": return ("its agent lets go of \(event.list("patterns"))", false)
        case "question.asked": return ("its agent \(Self.asks(event)): \(event.string("text"))", false)
        case "question.answered":
            let answer = event.string("answer")
            switch event.params["allows"]?.boolValue {
            case true?: return ("a human allows it" + (answer.isEmpty ? "" : ": \(answer)"), false)
            case false?: return ("a human denies it" + (answer.isEmpty ? "" : ": \(answer)"), false)
            case nil: return ("a human answers: \(answer)", false)
            }
        case "question.expired": return ("nobody has answered in time: \(event.string("text"))", false)
        case "question.withdrawn": return ("its agent does not ask any more: \(event.string("text"))", true)
        case "candidate.built": return ("merged onto the target at \(event.object("tip")), to be tested", true)
        case "candidate.conflicted": return ("conflicts with the target in \(event.list("paths"))", false)
        case "verification.started": return ("verify: begins", true)
        case "verification.failed":
            return ("verify: \(event.string("verifier")) failed (\(event.string("outcome")))", false)
        case "verification.erred": return ("could not be verified: \(event.string("reason"))", false)
        case "ticket.verified":
            let reused = event.params["reused"]?.boolValue == true
            return ("verified\(reused ? ", as this tree was before" : "") (tree \(event.object("tree")))", reused)
        case "ticket.sent_back":
            let attempt = event.params["attempt"]?.intValue.map { ", attempt \($0)" } ?? ""
            return ("goes back to its agent\(attempt): \(event.string("reason"))", false)
        case "snapshot.taken":
            return ("saved as snapshot \(event.params["snapshot"]?.intValue.map(String.init) ?? "?")", true)
        case "snapshot.noted":
            let number = event.params["snapshot"]?.intValue.map(String.init) ?? "?"
            return ("snapshot \(number): \(event.list("notes", separator: "; "))", false)
        case "snapshot.failed": return ("could not be saved: \(event.string("reason"))", false)
        case "ticket.tidied": return ("its worktree is put away", true)
        case "ticket.left": return ("its worktree stays where it is: \(event.string("reason"))", false)
        case "ticket.changed":
            let patch = ticket.flatMap { event.params["patch"]?["tickets"]?[$0]?.objectValue } ?? [:]
            if let reason = patch["reason"]?.stringValue { return ("now: \(reason)", true) }
            let names = patch.map { $0.key }.filter { $0 != "evidence" }
            return (names.isEmpty ? "its next step begins" : "changed: \(names.joined(separator: ", "))", true)
        default: return nil
        }
    }

    private static func asks(_ event: Notification) -> String {
        event.string("kind") == "permission" ? "asks for permission" : "asks"
    }

    // MARK: Decisions, landing, repositories, the daemon

    private static func decision(_ event: Notification) -> (String, isDetail: Bool)? {
        switch event.method {
        case "ticket.awaiting_approval":
            let reasons = event.list("reasons", separator: "; ")
            let says = reasons.contains("waits for approval")
            return (
                reasons.isEmpty || says
                    ? (reasons.isEmpty ? "waits for approval" : reasons) : "waits for approval: \(reasons)", false
            )
        case "ticket.commented": return ("a human says: \(event.string("comment"))", false)
        case "ticket.approved":
            return ("approved by \(event.string("by") == "human" ? "a human" : "the policy")", false)
        case "ticket.continued":
            switch event.string("command") {
            case "request-changes":
                let comment = event.string("comment")
                return (
                    "goes back to its agent with " + (comment.isEmpty ? "a comment" : "the comment: \(comment)"), false
                )
            case "retry": return ("starts its stage afresh", false)
            default: return ("goes on", false)
            }
        case "ticket.stopping": return ("is being stopped", false)
        case "ticket.stopped": return ("stopped", false)
        case "ticket.needs_human_review": return ("needs a human: \(event.string("reason"))", false)
        case "ticket.budgeted": return ("has a budget of its own by a human's word", false)
        case "spending.renewed": return ("another day: what is counted for it begins anew", true)
        case "locks.released": return ("its locks are released: \(event.string("reason"))", false)
        case "ticket.cancelled":
            let reason = event.string("reason")
            return (reason.isEmpty ? "cancelled" : "cancelled: \(reason)", false)
        case "landing.started": return ("is in the landing queue", false)
        case "landing.waiting": return ("waits for paths of \(event.list("holders"))", false)
        case "landing.blocked": return ("cannot land yet: \(event.string("reason"))", false)
        case "lock.violation_allowed":
            return ("changes paths outside its locks, let through: \(event.list("paths"))", false)
        case "lock.taken":
            return ("\(event.string("person")) holds \(event.string("pattern")): \(event.string("reason"))", false)
        case "lock.released":
            let isOver = event.params["expired"]?.boolValue == true
            let how = isOver ? "its time is over" : "released"
            return ("\(event.string("person")) holds \(event.string("pattern")) no longer: \(how)", false)
        case "locks.claimed": return ("takes the locks it lacked: \(event.list("paths"))", false)
        case "locks.awaited":
            return ("changes \(event.list("paths")), and waits for the locks of \(event.list("holders"))", false)
        case "ticket.evicted": return ("left the landing queue: \(event.string("reason"))", false)
        case "ticket.merged": return ("landed as \(event.object("commit"))", false)
        case "landing.pushed":
            return ("\(event.object("commit")) was pushed to \(event.string("remote"))", false)
        case "landing.push_failed":
            let what = "\(event.object("commit")) could not be pushed to \(event.string("remote"))"
            return ("\(what): \(event.string("reason"))", false)
        case "repository.added":
            let id = event.string("repository")
            let path = event.params["patch"]?["repositories"]?[id]?["path"]?.stringValue
            return ("repository \(id) registered\(path.map { ": \($0)" } ?? "")", false)
        case "repository.trusted":
            return (
                "the .orch/ (\(event.object("digest"))) of repository \(event.string("repository")) is trusted", false
            )
        case "target.moved":
            return (
                "the target branch of repository \(event.string("repository")) was moved, not by orch: "
                    + "\(event.object("from")) → \(event.object("to"))", false
            )
        case "backlog.taken":
            return ("the backlog file \(event.string("file")) was taken in: \(event.list("tickets"))", false)
        case "backlog.refused":
            let problems = event.params["problems"]?.arrayValue?.compactMap(\.stringValue) ?? []
            let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
            return (
                "the backlog file \(event.string("file")) was put into failed/: \(problems.first ?? "")\(more)", false
            )
        case "agent.forbidden":
            return (
                "inside run \(event.string("run")) \(event.string("method")) was tried, which is for people: refused",
                false
            )
        case "daemon.started": return ("the daemon started", false)
        case "daemon.halted":
            let reason = event.string("reason")
            return ("everything is halted" + (reason.isEmpty ? "" : ": \(reason)"), false)
        case "daemon.resumed": return ("everything goes on", false)
        case "disk.full": return ("the disk is full: nothing new starts until there is room", false)
        case "disk.ok": return ("there is room on the disk again", false)
        case "daemon.shortage":
            let shortage = event.string("shortage")
            return (shortage.isEmpty ? "the machine has room for more again" : "the machine \(shortage)", true)
        case "daemon.trouble":
            let problem = event.string("problem")
            return (problem.isEmpty ? "the daemon's trouble is over" : "the daemon is in trouble: \(problem)", false)
        default: return nil
        }
    }
}

extension Notification {
    /// What the event says besides when it was and about which ticket, by name; texts as they are, all else as JSON.
    public var fields: [(name: String, value: String)] {
        let others: Set = ["seq", "time", "ticket", "patch", "event"]
        return params.filter { !others.contains($0.key) }.sorted { $0.key < $1.key }.map { name, value in
            (name, value.stringValue ?? value.description)
        }
    }

    fileprivate func string(_ name: String) -> String { params[name]?.stringValue ?? "" }

    fileprivate func number(_ name: String) -> String { params[name]?.intValue.map(String.init) ?? "?" }

    /// An object name, short enough to read.
    fileprivate func object(_ name: String) -> String { String(string(name).prefix(7)) }

    fileprivate func list(_ name: String, separator: String = ", ") -> String {
        (params[name]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: separator)
    }
}
