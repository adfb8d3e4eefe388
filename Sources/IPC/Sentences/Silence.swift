/// An agent's silence in one sentence, the same wherever people read it.
public enum Silence {
    /// `no sign of life for 6m (no output, no CPU, no changed file); ended in 1m 30s unless it moves`.
    ///
    /// - Parameters:
    ///   - evidence: what was looked at in vain, as rows have it.
    ///   - seconds: since the last sign of life.
    ///   - left: seconds until its run is ended; nil when that is being done.
    public static func sentence(evidence: String?, seconds: Int, left: Int?) -> String {
        let looked = evidence.map { " (\($0))" } ?? ""
        let next =
            switch left {
            case nil: "its run is being ended"
            case let left? where left > 0: "ended in \(length(left)) unless it moves"
            case _?: "ended any moment unless it moves"
            }
        return "no sign of life for \(length(seconds < 600 ? seconds : seconds / 60 * 60))\(looked); \(next)"
    }

    /// The two largest parts: `45s`, `1m 30s`, `2m`, `1h 5m`.
    static func length(_ seconds: Int) -> String {
        let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]
        guard let first = units.firstIndex(where: { seconds >= $0.0 }) else { return "0s" }
        var rest = seconds
        var parts: [String] = []
        for (unit, letter) in units[first...].prefix(2) where rest >= unit {
            parts.append("\(rest / unit)\(letter)")
            rest %= unit
        }
        return parts.joined(separator: " ")
    }
}
