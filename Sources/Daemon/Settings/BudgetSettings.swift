import Core

// The keys of what agents may use, and of what that costs.

extension Budgets {
    private typealias Key = SettingKey<Budgets>

    static let keys: [SettingKey<Budgets>] = [
        Key.object("ticket", \.ticket, Allowance.keys, "What all the runs of a ticket may use together."),
        Key.object("day", \.day, Allowance.keys, "What may be used on a day, in UTC."),
        Key.object("month", \.month, Allowance.keys, "What may be used in a month of the calendar, in UTC."),
        Key.choice(
            "unknownUsage",
            \.unknownUsage,
            "Where dollars are limited: tokens that nobody knows the price of cost nothing, or end their run."
        ),
    ]
}

extension Allowance {
    private typealias Key = SettingKey<Allowance>

    static let keys: [SettingKey<Allowance>] = [
        Key.optionalDollars("usd", \.cost, "US dollars."),
        Key.optionalInteger(
            "tokens",
            \.tokens,
            in: 1...1_000_000_000_000,
            "Tokens: input, output, and what is read from and written to caches."
        ),
    ]
}

extension Price {
    private typealias Key = SettingKey<Price>

    static let keys: [SettingKey<Price>] = [
        Key.text(
            "model",
            \.model,
            "The model, as its agent calls it; `*` stands for any text. The longest that fits holds.",
            problem: { $0.isEmpty ? "it is empty; write the name of a model, or `*` for every one" : nil }
        ).required,
        Key.optionalDay("since", \.since, "The first day it holds on, `2026-01-31`; the newest holds. Always if null."),
        Key.dollars("input", \.input, "Of input that is read anew.").required,
        Key.dollars("output", \.output, "Of output.").required,
        Key.optionalDollars("cacheRead", \.cacheRead, "Of input read from a cache; nobody knows if null."),
        Key.optionalDollars("cacheWrite", \.cacheWrite, "Of input written to a cache; nobody knows if null."),
    ]
}

extension UserSettings {
    /// A run whose reserve is more than there can ever be would never start.
    var reserveProblem: String? {
        for (name, profile) in profiles.sorted(by: { $0.key < $1.key }) {
            for span in [BudgetSpan.day, .month] {
                for unit in BudgetUnit.allCases {
                    guard let reserve = profile.reserve[unit], let cap = budgets[span][unit], reserve > cap else {
                        continue
                    }
                    return "no agent of profile \(quoted(name)) could ever start: "
                        + "its `reserve` is more `\(unit.rawValue)` than `budgets.\(span.rawValue)`"
                }
            }
        }
        return nil
    }
}
