/// Sizes as configuration files spell them: `512MiB`, `4GiB`.
public enum SizeText {
    /// Why a text is not a size, and what to write instead.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// Reads a whole number with a unit: `B`, `KiB`, `MiB`, `GiB` or `TiB`.
    public static func parse(_ text: String) throws(Problem) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard !digits.isEmpty else { throw malformed(text) }
        guard let unit = units.first(where: { $0.name == name }) else {
            let why = name.isEmpty ? "has no unit" : "has the unknown unit \(quoted(String(name)))"
            throw Problem(description: "\(quoted(text)) \(why); units are `B`, `KiB`, `MiB`, `GiB` and `TiB`")
        }
        guard let count = Int(digits), count <= (1 << 50) / unit.bytes else {
            throw Problem(description: "\(quoted(text)) is too much; a size is at most 1024 TiB")
        }
        return count * unit.bytes
    }

    /// Writes a size so that `parse` reads it, with the largest unit that leaves a whole number.
    public static func format(_ bytes: Int) -> String {
        guard bytes > 0, let unit = units.first(where: { bytes % $0.bytes == 0 }) else { return "0B" }
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    private static func malformed(_ text: String) -> Problem {
        Problem(description: "\(quoted(text)) is not a size; write a whole number with a unit, such as `512MiB`")
    }
}
