import IPC

/// What all agents have used today, and what they may.
struct Spending: Equatable, Sendable {
    var today: UsageRow?
    /// For a day.
    var budget: AllowanceRow?
    /// For a ticket that has none of its own.
    var ticketBudget: AllowanceRow?

    init() {}

    /// - Parameter daemon: its row in the picture.
    init(_ daemon: JSONValue?) {
        today = try? daemon?["spent_today"]?.decode()
        budget = try? daemon?["budgets"]?["day"]?.decode()
        ticketBudget = try? daemon?["budgets"]?["ticket"]?.decode()
    }

    /// `today ~3.20 of 50.00 USD`, or tokens where nobody knows or limits what they cost; empty where there is nothing to say.
    var sentence: String {
        guard today != nil || budget != nil else { return "" }
        let usage = today ?? UsageRow()
        let isMoney = budget?.usd != nil || budget?.tokens == nil && usage.cost_usd > 0
        return "today \(isMoney ? UsageText.money(usage, of: budget) : UsageText.count(usage, of: budget))"
    }

    /// The part of the day's budget that is used, of money or of tokens, whichever is more; nil where there is none.
    var part: Double? {
        let usage = today ?? UsageRow()
        let parts = [
            budget?.usd.map { $0 > 0 ? usage.cost_usd / $0 : 1 },
            budget?.tokens.map { $0 > 0 ? Double(usage.tokens) / Double($0) : 1 },
        ]
        return parts.compactMap(\.self).max()
    }
}
