/// The known name that someone probably meant.
public enum NearestName {
    /// The name that is fewest edits away (a letter added, left out, changed, or two neighbours swapped; upper and
    /// lower case are alike, and so are `_` and `-`), the first of several; nil when none is within 2 edits or a third
    /// of the length, whichever is less, but at least 1.
    public static func of(_ text: String, among known: some Sequence<String>) -> String? {
        guard text.utf8.count <= 100 else { return nil }
        let wanted = folded(text)
        var best: (name: String, distance: Int)?
        for name in known {
            let candidate = folded(name)
            let allowed = max(1, min(2, max(wanted.count, candidate.count) / 3))
            guard abs(candidate.count - wanted.count) <= allowed else { continue }
            let distance = distance(wanted, candidate)
            if distance <= allowed, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best?.name
    }

    /// `; did you mean X?`, or nothing.
    public static func hint(for text: String, among known: some Sequence<String>) -> String {
        of(text, among: known).map { "; did you mean \(quoted($0))?" } ?? ""
    }

    private static func folded(_ text: String) -> [Character] {
        text.lowercased().map { $0 == "-" ? "_" : $0 }
    }

    /// The optimal string alignment distance.
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1] + [Int](repeating: 0, count: b.count)
            for j in b.indices {
                row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], before[j - 1] + 1) }
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
