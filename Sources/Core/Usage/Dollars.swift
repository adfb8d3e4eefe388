/// Amounts of US dollars, which are counted in millionths.
public enum Dollars {
    /// The most that a text can name.
    public static let maximum = 1_000_000_000 * 1_000_000

    /// Reads `5`, `0.25` or `1.234567`: up to six digits behind the point, up to a billion. Nil for all else.
    public static func parse(_ text: String) -> Int? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard let whole = parts.first, isDigits(whole), isDigits(fraction), whole.utf8.count <= 10,
            fraction.utf8.count <= 6, let units = Int(whole),
            let millionths = Int(fraction + String(repeating: "0", count: 6 - fraction.utf8.count))
        else { return nil }
        let amount = units * 1_000_000 + millionths
        return amount <= maximum ? amount : nil
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }

    /// Every digit there is, and no more: `5`, `0.25`.
    public static func exact(_ amount: Int) -> String {
        var text = fixed(amount, digits: 6)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    /// For people: to the cent, below a dollar to the hundredth of one.
    public static func short(_ amount: Int) -> String {
        guard amount.magnitude < 1_000_000 else { return fixed(rounded(amount, to: 10_000), digits: 2) }
        var text = fixed(rounded(amount, to: 100), digits: 4)
        while text.last == "0", text.dropLast(2).last != "." { text.removeLast() }
        return text
    }

    private static func rounded(_ amount: Int, to step: Int) -> Int {
        let half = amount < 0 ? -step / 2 : step / 2
        return (amount + half) / step * step
    }

    private static func fixed(_ amount: Int, digits: Int) -> String {
        let (whole, rest) = amount.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let fraction = String(rest)
        let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
        return (amount < 0 ? "-" : "") + "\(whole)." + padded.prefix(digits)
    }
}
