/// An amount of money, of tokens, of both; nil where nothing is said.
public struct Allowance: Hashable, Sendable, Codable {
    /// In millionths of a US dollar.
    public var cost: Int?
    public var tokens: Int?

    public init(cost: Int? = nil, tokens: Int? = nil) {
        self.cost = cost
        self.tokens = tokens
    }

    public var isEmpty: Bool { cost == nil && tokens == nil }

    public subscript(unit: BudgetUnit) -> Int? {
        switch unit {
        case .usd: cost
        case .tokens: tokens
        }
    }
}

/// What a budget is counted in.
public enum BudgetUnit: String, CaseIterable, Sendable, Codable { case usd, tokens }

/// What a budget is for.
public enum BudgetSpan: String, CaseIterable, Sendable, Codable {
    case ticket
    /// All that is used on a day, in UTC.
    case day
    /// In a month of the calendar, in UTC.
    case month
}

/// What happens to a run that uses tokens whose cost nobody knows, where money is limited.
public enum UnknownUsage: String, CaseIterable, Sendable, Codable {
    /// They count as nothing.
    case allow
    /// It is ended.
    case refuse
}

/// What may be used; anything where nothing is said.
public struct Budgets: Hashable, Sendable, Codable {
    public var ticket = Allowance()
    public var day = Allowance()
    public var month = Allowance()
    public var unknownUsage = UnknownUsage.allow

    public init() {}

    public subscript(span: BudgetSpan) -> Allowance {
        switch span {
        case .ticket: ticket
        case .day: day
        case .month: month
        }
    }
}

/// Why a budget ends a run.
public enum BudgetProblem: Hashable, Sendable, Codable {
    /// As much, or more, has been used as may be. More, as what a model answers is known only when it has.
    case reached(BudgetSpan, BudgetUnit, spent: Int, cap: Int)
    /// Nobody knows what these cost, and money is limited.
    case unpriced(tokens: Int)
}

/// Why a budget lets no run start.
public struct BudgetShortfall: Hashable, Sendable {
    public var span: BudgetSpan
    public var unit: BudgetUnit
    public var cap: Int
    public var spent: Int
    /// Set aside for the runs under way, beyond what they have used.
    public var reserved: Int
    /// To be set aside for the run that would start.
    public var wanted: Int
    /// When it begins anew.
    public var renews: UTCDay
}

/// What was used on a day so far, and in its month.
public struct Spent: Equatable, Sendable {
    public var day: UTCDay
    public var today: Usage
    public var month: Usage

    public init(_ ledger: [UTCDay: Usage], on day: UTCDay) {
        self.day = day
        today = ledger[day] ?? Usage()
        month = (day.firstOfMonth.number..<day.firstOfNextMonth.number).reduce(Usage()) { sum, number in
            ledger[UTCDay(number: number)].map { sum + $0 } ?? sum
        }
    }

    public subscript(span: BudgetSpan) -> Usage { span == .day ? today : month }
}

/// What a run has used on a day beyond what was known of.
public struct UsageRecord: Equatable, Sendable {
    public var run: RunID
    public var day: UTCDay
    public var profile: String
    public var usage: Usage
}

/// What a ticket's newest run that reported anything has used, in all: the next report tells the difference.
public struct RunUsage: Equatable, Sendable, Codable {
    public var run: Int
    public var usage: Usage
}

extension Usage {
    public subscript(unit: BudgetUnit) -> Int {
        switch unit {
        case .usd: cost
        case .tokens: tokens.total
        }
    }

    /// More than anybody will ever use, and few enough that no sum of them overflows.
    private static let most = 1_000_000_000_000_000

    /// As an agent may say anything.
    var bounded: Usage {
        func bounded(_ value: Int) -> Int { min(max(0, value), Self.most) }
        let cost = bounded(cost)
        return Usage(
            tokens: Tokens(
                input: bounded(tokens.input),
                output: bounded(tokens.output),
                cacheRead: bounded(tokens.cacheRead),
                cacheWrite: bounded(tokens.cacheWrite)
            ),
            cost: cost,
            estimated: min(bounded(estimated), cost),
            unpriced: bounded(unpriced)
        )
    }
}
