/// Durations as configuration files spell them: `90s`, `10m`, `2h`, `1h30m`.
public enum DurationText {
    /// Why a text is not a duration, and what to write instead.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    /// A year, which is longer than anything here should take.
    private static let maximum: Int64 = 366 * 86_400_000

    /// Reads whole numbers with a unit each (`d`, `h`, `m`, `s`, `ms`), larger units first.
    public static func parse(_ text: String) throws(Problem) -> Duration {
        guard !text.isEmpty else { throw Problem(description: "the duration is empty; write one such as `\"10m\"`") }
        var rest = Substring(text)
        var total: Int64 = 0
        var next = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard !digits.isEmpty else { throw Self.malformed(text) }
            if unit.isEmpty, digits.count == text.count {
                throw Problem(description: "\(quoted(text)) has no unit; write \(examples(digits))")
            }
            guard let index = units.firstIndex(where: { $0.name == unit }) else {
                throw unit.isEmpty
                    ? Self.malformed(text)
                    : Problem(
                        description: "\(quoted(text)) has the unknown unit \(quoted(String(unit))); "
                            + "units are `d`, `h`, `m`, `s` and `ms`"
                    )
            }
            guard index >= next else {
                throw Problem(description: "\(quoted(text)) is out of order; write larger units first, as in `1h30m`")
            }
            guard let count = Int64(digits), count <= maximum / units[index].milliseconds,
                total + count * units[index].milliseconds <= maximum
            else { throw Problem(description: "\(quoted(text)) is too long; a duration is at most 366 days") }
            total += count * units[index].milliseconds
            next = index + 1
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return .milliseconds(total)
    }

    /// Writes a duration so that `parse` reads it, in the fewest parts: `90s` as `1m30s`, `3600s` as `1h`. Less than
    /// a millisecond is cut off.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        var rest = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if rest <= 0 { return "0s" }
        var text = ""
        for (name, milliseconds) in units.dropFirst() where rest >= milliseconds {
            text += "\(rest / milliseconds)\(name)"
            rest %= milliseconds
        }
        return text
    }

    /// What to write for a number that stands without its unit.
    public static func examples(_ number: some StringProtocol) -> String {
        "`\"\(number)s\"` for seconds, `\"\(number)m\"` for minutes or `\"\(number)h\"` for hours"
    }

    private static func malformed(_ text: String) -> Problem {
        Problem(
            description: "\(quoted(text)) is not a duration; write whole numbers with units, "
                + "such as `90s`, `10m` or `1h30m`"
        )
    }
}
