import Core
import IPC

/// What a run of Codex's app server has used. Codex counts by thread, from the thread's first turn on; a run's part is what
/// came to it since.
struct CodexUsage {
    /// The thread was there before this run.
    private let isResumed: Bool
    private var thread: String?
    private var model = ""
    private var rerouted: String?
    private var turns: Set<String> = []
    /// What each thread's count was when it was last looked at.
    private var counts: [String: Tokens] = [:]
    private var report = UsageReport()

    init(isResumed: Bool) { self.isResumed = isResumed }

    mutating func begin(thread: String, model: String?) {
        self.thread = thread
        self.model = model ?? ""
        if !isResumed { counts[thread] = Tokens() }
    }

    mutating func began(turn: String) { turns.insert(turn) }
    mutating func ended(turn: String) { rerouted = nil }

    mutating func rerouted(_ params: JSONValue) {
        if params.text("threadId") == thread { rerouted = params.text("toModel") }
    }

    /// What has been used by now; nil if that is no news.
    mutating func update(_ params: JSONValue) -> UsageReport? {
        guard let thread = params.text("threadId"), let usage = params["tokenUsage"], let totals = usage["total"] else {
            return nil
        }
        let total = Tokens(codex: totals)
        defer { counts[thread] = total }
        // A thread that is resumed is told with what it had used before, as of a turn that is not of this run.
        guard self.thread != nil else { return nil }
        if counts[thread] == nil, thread == self.thread, !turns.contains(params.text("turnId") ?? "") { return nil }
        let before = counts[thread] ?? total - Tokens(codex: usage["last"] ?? totals)
        let used = total - before
        let part = Tokens(
            input: max(0, used.input),
            output: max(0, used.output),
            cacheRead: max(0, used.cacheRead),
            cacheWrite: max(0, used.cacheWrite)
        )
        guard part.total > 0 else { return nil }
        let model = thread == self.thread ? rerouted ?? self.model : self.model
        report.models[model, default: .init()].tokens = (report.models[model]?.tokens ?? Tokens()) + part
        return report
    }
}

extension Tokens {
    /// Codex's input includes what came from the cache and what went into it.
    init(codex counts: JSONValue) {
        func count(_ camel: String, _ snake: String) -> Int { max(counts.count(camel), counts.count(snake)) }
        let read = count("cachedInputTokens", "cached_input_tokens")
        let write = count("cacheWriteInputTokens", "cache_write_input_tokens")
        self.init(
            input: max(0, count("inputTokens", "input_tokens") - read - write),
            output: count("outputTokens", "output_tokens"),
            cacheRead: read,
            cacheWrite: write
        )
    }
}
