import Core
import IPC

/// What a ticket went through, from its first event to its last: folded from the events as they were sent, so that what a
/// later orch wants to know of an old ticket can still be found out.
struct TicketHistory: Equatable {
    /// What a ticket's time went into; what is left of its life is orch's own.
    enum Share: String, CaseIterable {
        /// In the queue, for other tickets to land.
        case dependencies
        /// In the queue after that; `Wait` says for what.
        case queue
        /// Agents of its own ran.
        case agent
        /// Its verifiers ran.
        case verification
        /// Stopped, to be approved, or in need of somebody.
        case human
        /// To be landed, its turn or its paths not free.
        case landing
        /// To be landed, something of the user's in the way.
        case checkout
    }

    /// A time it was in the queue, without a start, and what it asked for.
    struct Stay: Equatable {
        fileprivate(set) var time: Range<Instant>
        let locks: [LockPattern]
    }

    private(set) var repository: String?
    private(set) var profile: String?
    private(set) var priority = 0
    private(set) var dependencies: [TicketID] = []
    private(set) var queued: Instant?
    private(set) var started: Instant?
    private(set) var firstCommit: Instant?
    private(set) var verified: Instant?
    private(set) var approved: Instant?
    private(set) var finished: Instant?
    private(set) var hasLanded = false
    private(set) var commit: String?
    /// Where the last candidate was built.
    private(set) var tip: String?
    /// Agent runs.
    private(set) var attempts = 0
    /// How often it went back to its agent.
    private(set) var sentBack = 0
    private(set) var conflicts = 0
    private(set) var evictions = 0
    private(set) var failedVerifications = 0
    private(set) var milliseconds: [Share: Int64] = [:]
    /// In the queue, once those it depends on had landed.
    private(set) var stays: [Stay] = []
    /// What its time in the queue went into; empty where that is not known.
    var waits: [Wait: Int64] = [:]
    /// What its agents used, as its row has it; empty where nobody has said.
    private(set) var usage = JSONObject()
    private var locks: [LockPattern] = []

    private var state = ""
    private var isBlocked = false
    private var now: Instant?
    /// The stage of the run under way.
    private var stage: String?
    private var isRunning = false

    /// Takes the next event of the ticket, in order.
    mutating func take(_ name: String, _ params: JSONValue, ticket: TicketID) {
        guard let time = params["time"]?.stringValue.flatMap(Timestamp.instant) else { return }
        if let share, let now, now < time {
            milliseconds[share, default: 0] += (now..<time).milliseconds
            if share == .queue { stay(now..<time) }
        }
        now = time
        let row = params["patch"]?["tickets"]?[ticket.text]
        switch name {
        case "ticket.enqueued":
            queued = time
            repository = row?["repository"]?.stringValue
            profile = row?["profile"]?.stringValue
        case "ticket.started": started = started ?? time
        case "run.requested":
            stage = params["stage"]?.stringValue
            if stage == "work" { attempts += 1 }
        case "run.started": isRunning = true
        case "run.ended": isRunning = false
        case "work.collected": firstCommit = firstCommit ?? time
        case "candidate.built": tip = params["tip"]?.stringValue
        case "candidate.conflicted": conflicts += 1
        case "verification.failed": failedVerifications += 1
        case "ticket.verified": verified = time
        case "ticket.approved": approved = time
        case "ticket.sent_back": sentBack += 1
        case "ticket.continued": if params["command"]?.stringValue == "request-changes" { sentBack += 1 }
        case "ticket.evicted": evictions += 1
        case "ticket.merged":
            (hasLanded, finished) = (true, time)
            commit = params["commit"]?.stringValue
        case "ticket.cancelled": finished = time
        default: break
        }
        if let priority = row?["priority"]?.intValue { self.priority = priority }
        if let ids = row?["depends_on"]?.arrayValue {
            dependencies = ids.compactMap { $0.stringValue.map { TicketID($0) } }
        }
        if let texts = row?["locks"]?.arrayValue {
            locks = texts.compactMap { $0.stringValue.flatMap { try? LockPattern($0) } }
        }
        if let used = row?["usage"]?.objectValue { MergePatch.apply(used, to: &usage) }
        if let state = row?["state"]?.stringValue { self.state = state }
        if let blocked = row?["blocked"] { isBlocked = blocked.boolValue ?? false }
    }

    /// What its time goes into now.
    private var share: Share? {
        switch state {
        case "queued": .queue
        case "running" where isRunning: stage == "verify" ? .verification : stage == "work" ? .agent : nil
        case "stopped", "awaiting_approval", "needs_human_review": .human
        case "landing" where isBlocked: .checkout
        case "landing": isRunning ? .verification : .landing
        default: nil
        }
    }

    private mutating func stay(_ time: Range<Instant>) {
        if let last = stays.last, last.time.upperBound == time.lowerBound, last.locks == locks {
            stays[stays.count - 1].time = last.time.lowerBound..<time.upperBound
        } else {
            stays.append(Stay(time: time, locks: locks))
        }
    }

    /// Of its time in the queue before its first start, what it waited for others to land.
    mutating func waited(forDependenciesUntil last: Instant?) {
        guard let last else { return }
        let until = min(last, started ?? finished ?? last)
        for index in stays.indices where stays[index].time.lowerBound < until {
            let time = stays[index].time
            stays[index].time = min(until, time.upperBound)..<time.upperBound
        }
        stays.removeAll { $0.time.isEmpty }
        let left = stays.reduce(0) { $0 + $1.time.milliseconds }
        milliseconds[.dependencies] = (milliseconds[.queue] ?? 0) - left
        milliseconds[.queue] = left
    }
}
