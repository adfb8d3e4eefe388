/// What agents used, in words: the same wherever people read it.
public enum UsageText {
    /// `5.32`; `0.0042` below a dollar. Nothing is rounded away to nothing.
    public static func dollars(_ amount: Double) -> String {
        let millionths = (amount * 1_000_000).rounded()
        guard millionths.magnitude < 1_000_000 else { return fixed(millionths / 10_000, digits: 2) }
        if millionths != 0, millionths.magnitude < 50 { return millionths < 0 ? "-0.0001" : "<0.0001" }
        var text = fixed(millionths / 100, digits: 4)
        while text.last == "0", text.dropLast(2).last != "." { text.removeLast() }
        return text
    }

    /// - Parameter units: of the last digit that is shown.
    private static func fixed(_ units: Double, digits: Int) -> String {
        let whole = Int(clamping: Int64(min(max(units.rounded(), -9e18), 9e18)))
        let text = String(whole.magnitude)
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return (whole < 0 ? "-" : "") + "\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    /// `950`, `12.4k`, `3.1M`.
    public static func tokens(_ count: Int) -> String {
        var (value, unit) = (Double(count), 0)
        let units = ["", "k", "M", "G", "T"]
        // 999.95 k is a million to one who reads it.
        while value.magnitude >= 999.95, unit + 1 < units.count { (value, unit) = (value / 1000, unit + 1) }
        if unit == 0 { return String(count) }
        let tenths = Int((value * 10).rounded())
        let rest = tenths % 10 == 0 ? "" : ".\(tenths.magnitude % 10)"
        return "\(tenths / 10)\(rest)\(units[unit])"
    }

    /// `5.32`, `~5.32` where a part of it is an estimate, `5.32+?` where there is more that nobody knows the price of; `?`
    /// where nobody knows any.
    public static func cost(_ usage: UsageRow) -> String {
        if usage.unpriced > 0, usage.cost_usd == 0 { return "?" }
        return (usage.estimated > 0 ? "~" : "") + dollars(usage.cost_usd) + (usage.unpriced > 0 ? "+?" : "")
    }

    /// `12.4k tokens, ~0.53 USD`.
    public static func sentence(_ usage: UsageRow) -> String {
        "\(tokens(usage.tokens)) tokens, \(cost(usage)) USD"
    }

    /// `~3.20 of 50.00 USD, 1.2M of 20M tokens`, what it is of where that is limited.
    public static func spent(_ usage: UsageRow, of allowance: AllowanceRow?) -> String {
        "\(money(usage, of: allowance)), \(count(usage, of: allowance))"
    }

    /// `~3.20 of 50.00 USD`.
    public static func money(_ usage: UsageRow, of allowance: AllowanceRow?) -> String {
        "\(cost(usage))\(allowance?.usd.map { " of \(dollars($0))" } ?? "") USD"
    }

    /// `1.2M of 20M tokens`.
    public static func count(_ usage: UsageRow, of allowance: AllowanceRow?) -> String {
        "\(tokens(usage.tokens))\(allowance?.tokens.map { " of \(tokens($0))" } ?? "") tokens"
    }

    static func sentence(_ usage: JSONValue) -> String {
        func number(_ key: String) -> Double { usage[key]?.doubleValue ?? 0 }
        func count(_ key: String) -> Int { usage[key]?.intValue ?? 0 }
        return sentence(
            UsageRow(
                input: count("input"),
                output: count("output"),
                cache_read: count("cache_read"),
                cache_write: count("cache_write"),
                tokens: count("tokens"),
                cost_usd: number("cost_usd"),
                estimated: number("estimated"),
                unpriced: count("unpriced")
            )
        )
    }
}
