// What the agent of a run may have of orch while it works, and how long it waits for it at most. Who asks is checked by
// the daemon; that the run is under way, here.

/// What a working agent waits for, by what ends the wait when nothing else does.
struct AgentWait: Hashable, Comparable, Sendable {
    let ticket: TicketID
    let isQuestion: Bool
    let key: String

    static func < (a: Self, b: Self) -> Bool {
        (a.ticket, a.isQuestion ? 1 : 0, a.key) < (b.ticket, b.isQuestion ? 1 : 0, b.key)
    }
}

extension Orchestrator {
    /// The longest that anything may be waited for.
    public static let longestWait = Duration.seconds(24 * 60 * 60)
    /// The longest text of an agent's: a question, a summary. In bytes.
    public static let longestAgentText = 8192
    /// The longest word about progress, in bytes.
    public static let longestProgress = 500
    /// How often an agent's word about its progress is noted.
    public static let progressInterval = Duration.seconds(5)

    /// The ticket whose agent this run is, while it works.
    func dealing(_ run: RunID, _ operation: String) throws(Refusal) -> Ticket {
        guard let ticket = tickets[run.ticket], ticket.workingRun == run else {
            let hint = "end your work here: what you have done so far is kept"
            throw Refusal(.refused, "cannot \(operation): run \(run) is over, or is being ended", hint: hint)
        }
        return ticket
    }

    /// The only place that changes what a run's agent and orch have between them.
    mutating func deal(_ id: TicketID, _ body: (inout Dealings) -> Void) {
        let old = tickets[id]!.dealings
        var new = old ?? Dealings()
        body(&new)
        change(id) { $0.dealings = new == Dealings() ? nil : new }
        followWaits(of: id, since: old)
    }

    /// The run is over, or is to end: nobody waits for anything in its name.
    mutating func endDealings(_ id: TicketID) {
        guard let old = tickets[id]!.dealings else { return }
        change(id) { $0.dealings = nil }
        followWaits(of: id, since: old)
    }

    /// Brings the indexes up to what the ticket's agent waits for now.
    mutating func followWaits(of id: TicketID, since old: Dealings?) {
        let before = old?.waits(of: id) ?? [:]
        let after = tickets[id]!.dealings?.waits(of: id) ?? [:]
        for wait in before.keys where after[wait] == nil { waitEnds.remove(wait) }
        for (wait, span) in after where before[wait] == nil {
            waitEnds.set(wait, min(span.asked, now) + span.length)
        }
        if tickets[id]!.dealings?.claims.isEmpty ?? true { claiming.remove(id) } else { claiming.insert(id) }
        if after.isEmpty { waitingAgents.remove(id) } else { waitingAgents.insert(id) }
    }

    /// What nobody has granted, or answered, in time is waited for no longer.
    mutating func endWaits() {
        while let (deadline, wait) = waitEnds.min, deadline <= now {
            if wait.isQuestion { expireQuestion(wait) } else { endClaim(wait.key, of: wait.ticket, .limit) }
        }
    }

    /// The clock went back: nothing is waited for longer for that.
    mutating func boundWaits(at now: Instant) {
        for id in waitingAgents {
            for (wait, span) in tickets[id]!.dealings?.waits(of: id) ?? [:] {
                if let end = waitEnds[wait] { waitEnds.set(wait, min(end, now + span.length)) }
            }
        }
    }

    /// The clock went ahead of time: nothing is waited for shorter for that.
    mutating func putOffWaits(_ by: Duration) {
        for id in waitingAgents {
            for wait in (tickets[id]!.dealings?.waits(of: id) ?? [:]).keys {
                if let end = waitEnds[wait] { waitEnds.set(wait, end + by) }
            }
        }
    }

    /// How long is asked for, made one that may be.
    static func bounded(_ limit: Duration) -> Duration { min(max(limit, .zero), longestWait) }

    static func refuseLong(_ text: String, _ what: String, limit: Int = longestAgentText) throws(Refusal) {
        if text.allSatisfy(\.isWhitespace) { throw Refusal(.invalid, "\(what) is empty", hint: "say it in words") }
        if text.utf8.count > limit {
            let hint = "say it in fewer words"
            throw Refusal(.invalid, "\(what) has \(text.utf8.count) bytes; it has up to \(limit)", hint: hint)
        }
    }

    // MARK: what it says

    /// Noted every few seconds at most: a word that comes too soon after the last comes to no fact.
    mutating func reportProgress(_ run: RunID, _ text: String, _ percent: Int?) throws(Refusal) {
        let ticket = try dealing(run, "report progress")
        try Self.refuseLong(text, "the progress", limit: Self.longestProgress)
        if let percent, !(0...100).contains(percent) {
            throw Refusal(.invalid, "the percentage \(percent) is not between 0 and 100")
        }
        if let last = ticket.dealings?.progress, last.at <= now, now < last.at + Self.progressInterval { return }
        let progress = Progress(text: text, percent: percent, at: now)
        deal(run.ticket) { $0.progress = progress }
        emit(.progressReported(run, progress))
    }

    /// What the agent says it has done: kept with the ticket, and decides nothing. A later word takes its place.
    mutating func summarise(_ run: RunID, _ text: String) throws(Refusal) {
        _ = try dealing(run, "take the summary")
        try Self.refuseLong(text, "the summary")
        change(run.ticket) { $0.summary = text }
        emit(.workSummarised(run, summary: text))
    }
}

extension Dealings {
    /// Everything that is waited for: when it was asked for, and for how long.
    fileprivate func waits(of id: TicketID) -> [AgentWait: (asked: Instant, length: Duration)] {
        var waits: [AgentWait: (asked: Instant, length: Duration)] = [:]
        for claim in claims {
            waits[AgentWait(ticket: id, isQuestion: false, key: claim.key)] = (claim.asked, claim.until - claim.asked)
        }
        for question in questions where question.answer == nil {
            waits[AgentWait(ticket: id, isQuestion: true, key: question.key)] = (
                question.asked, question.until - question.asked
            )
        }
        return waits
    }
}
