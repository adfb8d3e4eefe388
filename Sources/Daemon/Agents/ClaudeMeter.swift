import Core
import IPC

/// What a run of Claude Code has used.
///
/// While a turn is under way, each answer of the model's is counted once, by its id, although it comes once for each of its
/// blocks; how much was written is not known by then. A result says what all since the result before it came to, with its
/// sub-agents, and takes the place of that. Its totals are of the whole session, so that after a resumption they hold what other
/// runs have used: they are not looked at where the increment is there.
struct ClaudeMeter: Equatable, Sendable {
    private struct Amount: Equatable {
        var tokens = Tokens()
        /// In US dollars.
        var cost: Double?
    }

    private var settled: [String: Amount] = [:]
    private var provisional: [String: (model: String, tokens: Tokens)] = [:]
    private var unnamed = 0
    /// The totals of the last result that had no increment.
    private var totals: [String: Amount]

    /// Whether the output that answers tell is all of it: so in Amp's stream, but in Claude's it is where their stream began.
    private let countsOutput: Bool
    /// Whether its results say what they cost: Claude's do, Amp's do not.
    private var saysCost: Bool { !countsOutput }
    /// Whether the first totals are those of this run: those of a resumed session are not.
    private var knowsTotals: Bool

    init(countsOutput: Bool, isResumed: Bool) {
        self.countsOutput = countsOutput
        knowsTotals = !isResumed
        totals = [:]
    }

    static func == (a: Self, b: Self) -> Bool { a.report == b.report && a.totals == b.totals }

    var report: UsageReport {
        var report = UsageReport(
            models: settled.mapValues { amount in
                UsageReport.OfModel(
                    tokens: amount.tokens,
                    cost: amount.cost.map { Int(($0 * 1_000_000).rounded()) }
                )
            }
        )
        for (model, tokens) in provisional.values {
            var used = report.models[model] ?? UsageReport.OfModel()
            used.tokens = used.tokens + tokens
            if saysCost { used.pending = (used.pending ?? Tokens()) + tokens }
            report.models[model] = used
        }
        return report
    }

    /// Whether that changed anything.
    mutating func saw(message: JSONValue) -> Bool {
        let model = message["model"]?.stringValue ?? ""
        guard model != "<synthetic>", let usage = message["usage"], usage.objectValue != nil else { return false }
        var tokens = Tokens(
            input: usage.count("input_tokens"),
            output: usage.count("output_tokens"),
            cacheRead: usage.count("cache_read_input_tokens"),
            cacheWrite: usage.count("cache_creation_input_tokens")
        )
        if !countsOutput { tokens.output = 0 }
        let id = message["id"]?.stringValue
        if id == nil { unnamed += 1 }
        let key = id ?? "unnamed \(unnamed)"
        guard tokens.total > 0, provisional[key]?.tokens != tokens else { return false }
        provisional[key] = (model, tokens)
        return true
    }

    mutating func saw(result: JSONValue) {
        if let increment = result["model_usage_since_last_result"]?.objectValue {
            provisional = [:]
            for (model, amount) in increment { add(Self.amount(amount), to: model) }
        } else if let now = result["modelUsage"]?.objectValue, now.count > 0 {
            var amounts: [String: Amount] = [:]
            for (model, amount) in now { amounts[model] = Self.amount(amount) }
            if knowsTotals {
                provisional = [:]
                for (model, amount) in amounts {
                    let before = totals[model] ?? Amount(tokens: Tokens(), cost: 0)
                    let cost = amount.cost.map { max(0, $0 - (before.cost ?? 0)) }
                    add(Amount(tokens: (amount.tokens - before.tokens).withoutDebts, cost: cost), to: model)
                }
            } else {
                settle()
            }
            totals = amounts
            knowsTotals = true
        } else {
            settle()
        }
    }

    /// What answers said is all that will be known.
    private mutating func settle() {
        for (model, tokens) in provisional.values { add(Amount(tokens: tokens), to: model) }
        provisional = [:]
    }

    private mutating func add(_ amount: Amount, to model: String) {
        var sum = settled[model] ?? Amount()
        sum.tokens = sum.tokens + amount.tokens
        if let cost = amount.cost { sum.cost = (sum.cost ?? 0) + cost }
        settled[model] = sum
    }

    private static func amount(_ value: JSONValue) -> Amount {
        let cost = value["costUSD"]?.doubleValue
        return Amount(
            tokens: Tokens(
                input: value.count("inputTokens"),
                output: value.count("outputTokens"),
                cacheRead: value.count("cacheReadInputTokens"),
                cacheWrite: value.count("cacheCreationInputTokens")
            ),
            // A figure that cannot be one is none; a trillion dollars still fits.
            cost: cost.flatMap { (0...1e12).contains($0) ? $0 : nil }
        )
    }
}

extension Tokens {
    fileprivate var withoutDebts: Tokens {
        Tokens(
            input: max(0, input),
            output: max(0, output),
            cacheRead: max(0, cacheRead),
            cacheWrite: max(0, cacheWrite)
        )
    }
}
