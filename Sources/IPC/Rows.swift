// The things a client sees, as they travel: one struct per noun, with the documented, stable names of
// docs/protocol.md. The daemon's Gateway makes them from Core's values; the dashboard and the CLI read them.

/// One ticket. Everything here is a fact, except `reason` of a queued ticket: see `Picture.waiting`.
public struct TicketRow: Codable, Equatable, Sendable {
    public var id: String
    public var title: String
    /// The repository's opaque id (`r1`).
    public var repository: String
    /// `queued`, `running`, `stopped`, `awaiting_approval`, `landing`, `merged`, `pr_open`, `done`,
    /// `needs_human_review` or `cancelled`; a client shows one it does not know as it stands.
    public var state: String
    /// Why it is in that state, in one sentence.
    public var reason: String?
    /// When its agent gave its last sign of life, while that is too long ago.
    public var stale_since: String?
    /// When its run is ended unless it moves; absent when it is being ended.
    public var stale_until: String?
    /// What was looked at, in vain: `no output, no CPU, no changed file`.
    public var stale_evidence: String?
    /// `setup`, `work`, `verify`, `approve`, `land`.
    public var stage: String?
    /// `agent-2`, while it works on this ticket.
    public var agent: String?
    /// The agent profile.
    public var profile: String
    public var priority: Int
    /// The patterns and resources the ticket asks for.
    public var locks: [String]
    public var depends_on: [String]
    public var branch: String?
    public var worktree: String?
    /// The head of the ticket's branch; once merged, the commit on the target branch.
    public var commit: String?
    /// How often its agent has been started.
    public var attempts: Int
    /// The run under way (`T-7.2`), else the last one.
    public var run: String?
    /// Its agent's run, or else the last one of any agent's; nil where that is not known.
    public var agent_run: String?
    /// How many words of people's are in its events, which `ticket.show` lists; nil where none are.
    public var comments: Int?
    /// When it entered this state, RFC 3339 in UTC with milliseconds.
    public var since: String
    public var created: String
    /// The event that brought it here, by number, and its name: `1042 ticket.started`.
    public var evidence: String?
    /// Whether its landing waits for a person: something of theirs is in the way. Nil is no.
    public var blocked: Bool?
    /// While it is in the landing queue of its repository: who has a smaller number there lands sooner. Nil of a landing
    /// that is set aside.
    public var landing_place: Int?
    /// What its agent asks a person, while it waits for the answer: the question that was asked first.
    @Boxed public var question: QuestionRow?
    /// The locks that its agent waits for.
    @Boxed public var claim: ClaimRow?
    /// What its agent said last about how far it is.
    @Boxed public var progress: ProgressRow?
    /// How far its verifiers are, while it is known which they are and they have not all spoken.
    @Boxed public var checks: ChecksRow?
    /// What people want its agent to know, and no agent is known to have taken in; nil where there is nothing.
    public var messages: [MessageRow]?
    /// The number of the newest message to its agent, taken in or not.
    public var last_message: Int?
    /// The agent's own session, in which it goes on.
    public var session: String?
    /// What its agents have used so far; nil where nobody has said.
    @Boxed public var usage: UsageRow?
    /// What people let it use, where that is not what is configured.
    @Boxed public var budget: AllowanceRow?

    public init(
        id: String,
        title: String,
        repository: String,
        state: String,
        reason: String? = nil,
        stale_since: String? = nil,
        stale_until: String? = nil,
        stale_evidence: String? = nil,
        stage: String? = nil,
        agent: String? = nil,
        profile: String,
        priority: Int,
        locks: [String],
        depends_on: [String],
        branch: String? = nil,
        worktree: String? = nil,
        commit: String? = nil,
        attempts: Int,
        run: String? = nil,
        agent_run: String? = nil,
        comments: Int? = nil,
        since: String,
        created: String,
        evidence: String? = nil,
        blocked: Bool? = nil,
        landing_place: Int? = nil,
        question: QuestionRow? = nil,
        claim: ClaimRow? = nil,
        progress: ProgressRow? = nil,
        checks: ChecksRow? = nil,
        messages: [MessageRow]? = nil,
        last_message: Int? = nil,
        session: String? = nil,
        usage: UsageRow? = nil,
        budget: AllowanceRow? = nil
    ) {
        self.id = id
        self.title = title
        self.repository = repository
        self.state = state
        self.reason = reason
        self.stale_since = stale_since
        self.stale_until = stale_until
        self.stale_evidence = stale_evidence
        self.stage = stage
        self.agent = agent
        self.profile = profile
        self.priority = priority
        self.locks = locks
        self.depends_on = depends_on
        self.branch = branch
        self.worktree = worktree
        self.commit = commit
        self.attempts = attempts
        self.run = run
        self.agent_run = agent_run
        self.comments = comments
        self.since = since
        self.created = created
        self.evidence = evidence
        self.blocked = blocked
        self.landing_place = landing_place
        self.question = question
        self.claim = claim
        self.progress = progress
        self.checks = checks
        self.messages = messages
        self.last_message = last_message
        self.session = session
        self.usage = usage
        self.budget = budget
    }
}

/// A message to a ticket's agent that is on its way.
public struct MessageRow: Codable, Equatable, Sendable {
    /// Counts the ticket's messages from 1.
    public var number: Int
    /// `queued` for the next run, or `sent` to the one under way, whose agent has not said yet that it has it.
    public var delivery: String
    public var time: String
    public var text: String

    public init(number: Int, delivery: String, time: String, text: String) {
        self.number = number
        self.delivery = delivery
        self.time = time
        self.text = text
    }
}

/// What an agent that speaks a protocol does now, as its own stream says.
public struct ActivityRow: Codable, Equatable, Sendable {
    /// `starting`, `working`, `tool`, `permission`, `question`, `stuck`, `limited`, `retrying` or `idle`.
    public var state: String
    /// The tool it uses, or waits for leave to use.
    public var tool: String?
    /// What with: the command, the file.
    public var title: String?
    /// Why it is kept waiting.
    public var reason: String?
    /// Until when, where that is known.
    public var until: String?
    public var since: String

    public init(
        state: String,
        tool: String? = nil,
        title: String? = nil,
        reason: String? = nil,
        until: String? = nil,
        since: String
    ) {
        self.state = state
        self.tool = tool
        self.title = title
        self.reason = reason
        self.until = until
        self.since = since
    }
}

/// A question of an agent's that waits for a person.
public struct QuestionRow: Codable, Equatable, Sendable {
    /// Counted per ticket.
    public var number: Int
    /// `question`; or `permission`, which is answered by yes or no.
    public var kind: String
    public var text: String
    public var since: String
    /// When nobody waits for the answer any more.
    public var until: String

    public init(number: Int, kind: String, text: String, since: String, until: String) {
        self.number = number
        self.kind = kind
        self.text = text
        self.since = since
        self.until = until
    }
}

/// Locks that an agent waits for while it works.
public struct ClaimRow: Codable, Equatable, Sendable {
    public var patterns: [String]
    public var since: String
    public var until: String

    public init(patterns: [String], since: String, until: String) {
        self.patterns = patterns
        self.since = since
        self.until = until
    }
}

/// What an agent says about how far it is.
public struct ProgressRow: Codable, Equatable, Sendable {
    public var text: String
    /// From 0 to 100.
    public var percent: Int?
    public var time: String

    public init(text: String, percent: Int? = nil, time: String) {
        self.text = text
        self.percent = percent
        self.time = time
    }
}

/// What agents used.
public struct UsageRow: Codable, Equatable, Sendable {
    /// Tokens read anew; what came from, or went into, a cache is beside it.
    public var input: Int
    public var output: Int
    public var cache_read: Int
    public var cache_write: Int
    /// All of them.
    public var tokens: Int
    /// In US dollars, as far as it is known.
    public var cost_usd: Double
    /// The part of `cost_usd` that was worked out from the configured prices.
    public var estimated: Double
    /// Tokens whose cost nobody knows.
    public var unpriced: Int

    public init(
        input: Int = 0,
        output: Int = 0,
        cache_read: Int = 0,
        cache_write: Int = 0,
        tokens: Int = 0,
        cost_usd: Double = 0,
        estimated: Double = 0,
        unpriced: Int = 0
    ) {
        self.input = input
        self.output = output
        self.cache_read = cache_read
        self.cache_write = cache_write
        self.tokens = tokens
        self.cost_usd = cost_usd
        self.estimated = estimated
        self.unpriced = unpriced
    }
}

/// What may be used; any amount where nil.
public struct AllowanceRow: Codable, Equatable, Sendable {
    public var usd: Double?
    public var tokens: Int?

    public init(usd: Double? = nil, tokens: Int? = nil) {
        self.usd = usd
        self.tokens = tokens
    }
}

/// How far the verifiers of a ticket's trial are.
public struct ChecksRow: Codable, Equatable, Sendable {
    /// How many have passed.
    public var done: Int
    public var total: Int
    /// The verifier that runs, or `setup`; nil while none does.
    public var running: String?
    /// When that was asked for.
    public var since: String?

    public init(done: Int, total: Int, running: String? = nil, since: String? = nil) {
        self.done = done
        self.total = total
        self.running = running
        self.since = since
    }
}

/// One agent slot.
public struct AgentRow: Codable, Equatable, Sendable {
    public var id: String
    /// `idle` or `working`, `stale`, `stopping`; what the agent itself says comes with structured agents.
    public var state: String
    /// As of its ticket: see `TicketRow`.
    public var stale_since: String?
    public var stale_until: String?
    public var stale_evidence: String?
    public var ticket: String?
    public var profile: String?
    /// The run under way; in `agent.list` alone.
    public var run: String?
    /// When that last printed something; in `agent.list` alone.
    public var last_output: String?
    /// What it does, where it speaks a protocol; in `agent.list` alone, and in `agent.activity` as it changes.
    public var activity: ActivityRow?
    public var since: String

    public init(
        id: String,
        state: String,
        stale_since: String? = nil,
        stale_until: String? = nil,
        stale_evidence: String? = nil,
        ticket: String? = nil,
        profile: String? = nil,
        run: String? = nil,
        last_output: String? = nil,
        activity: ActivityRow? = nil,
        since: String
    ) {
        self.id = id
        self.state = state
        self.activity = activity
        self.stale_since = stale_since
        self.stale_until = stale_until
        self.stale_evidence = stale_evidence
        self.ticket = ticket
        self.profile = profile
        self.run = run
        self.last_output = last_output
        self.since = since
    }
}

/// One granted lock.
public struct LockRow: Codable, Equatable, Sendable {
    public var pattern: String
    public var repository: String
    /// The ticket that holds it; nil where a person does.
    public var ticket: String?
    /// The person who holds it, and why.
    public var person: String?
    public var reason: String?
    public var run: String?
    public var since: String
    public var expires: String?
    public var fence: Int

    public init(
        pattern: String,
        repository: String,
        ticket: String? = nil,
        person: String? = nil,
        reason: String? = nil,
        run: String? = nil,
        since: String,
        expires: String? = nil,
        fence: Int
    ) {
        self.pattern = pattern
        self.repository = repository
        self.ticket = ticket
        self.person = person
        self.reason = reason
        self.run = run
        self.since = since
        self.expires = expires
        self.fence = fence
    }
}

/// One registered repository.
public struct RepositoryRow: Codable, Equatable, Sendable {
    public var id: String
    public var path: String
    /// The branch tickets land on.
    public var target: String
    /// The target branch as orch last saw it.
    public var tip: String?
    /// What its remote has yet to get; nil where that is nothing.
    public var push: PushRow?

    public init(
        id: String,
        path: String,
        target: String,
        tip: String? = nil,
        push: PushRow? = nil
    ) {
        self.id = id
        self.path = path
        self.target = target
        self.tip = tip
        self.push = push
    }
}

/// A target branch that its remote has yet to get.
public struct PushRow: Codable, Equatable, Sendable {
    public var remote: String
    public var commit: String
    /// Why the last attempt came to nothing.
    public var problem: String?
    /// Trying again will hardly help; nil where it may.
    public var needs_human: Bool?

    public init(remote: String, commit: String, problem: String? = nil, needs_human: Bool? = nil) {
        self.remote = remote
        self.commit = commit
        self.problem = problem
        self.needs_human = needs_human
    }
}

/// One attempt at a stage, as `ticket.show` and `ticket.checks` list it.
public struct RunRow: Codable, Equatable, Sendable {
    /// `T-7.2`.
    public var id: String
    public var ticket: String
    public var number: Int
    public var stage: String
    /// The agent slot, the verifier's name, or `setup`.
    public var name: String
    /// `starting`, `running`, `stopping`, `passed`, `failed`, `stopped`, `timed_out`, `lost`.
    public var state: String
    /// One sentence: `exit 1 after 12.4 s`.
    public var outcome: String?
    public var started: String?
    public var ended: String?
    /// The tree a verifier judged.
    public var tree: String?
    /// The commit that had it; nil where that was not noted yet.
    public var commit: String?
    /// True of another ticket's run, on whose PASS the ticket that was asked for was let through; else nil.
    public var reused: Bool?
    /// What its agent used; nil where nobody has said.
    public var usage: UsageRow?
    /// For how many milliseconds its agent waited for what is not its own (a lock, a verifier, a person, its provider), which
    /// its time limit does not count; in `ticket.show`, of an agent's run that has ended and waited.
    public var waited_ms: Int?

    public init(
        id: String,
        ticket: String,
        number: Int,
        stage: String,
        name: String,
        state: String,
        outcome: String? = nil,
        started: String? = nil,
        ended: String? = nil,
        tree: String? = nil,
        commit: String? = nil
    ) {
        self.id = id
        self.ticket = ticket
        self.number = number
        self.stage = stage
        self.name = name
        self.state = state
        self.outcome = outcome
        self.started = started
        self.ended = ended
        self.tree = tree
        self.commit = commit
    }
}

extension RunRow {
    /// How it ended, and how long of that its agent waited for others: `exit 0; 42 s of it waiting`.
    public var ending: String? {
        guard let waited_ms, waited_ms >= 1000 else { return outcome }
        return "\(outcome ?? state); \(waited_ms / 1000) s of it waiting"
    }
}
