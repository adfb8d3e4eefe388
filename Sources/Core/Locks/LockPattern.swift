/// What a lock is on: paths of the repository, or a resource that has a name.
///
/// A path pattern has the syntax of git's `:(glob)` pathspecs, anchored at the repository's root: `*` and `?` do not
/// match `/`, `[...]` has ranges, `[:classes:]` and negation by `!` or `^`, a segment of `**` is any number of
/// directories, a backslash escapes. Matching is by bytes, as git's is: `?` and a class match one byte, so `é` takes
/// two of them, and case counts. A pattern with a class or a backslash also matches the path that is spelled like
/// the pattern itself, as in git: `app/[id]/page.tsx` covers the file of that name.
///
/// Beyond git, a pattern covers everything beneath what it matches, and it matches no name that git cannot track
/// (`.`, `..`, `.git`). There is no negation.
///
/// A resource is `resource:NAME` or `port:NUMBER`.
public struct LockPattern: Hashable, Sendable {
    enum Form: Sendable {
        case resource
        /// The pattern, and where that is another language, the path spelled like it.
        case paths(PathGlob, literally: PathGlob?)
    }

    /// The longest pattern, in bytes of UTF-8. It bounds what the most tangled pair of patterns costs to compare.
    public static let maximumBytes = 512
    /// The longest name of a resource, in characters.
    public static let maximumResourceName = 200

    /// The pattern in one spelling: without a leading `./` (where it can go), doubled and trailing slashes. Two
    /// patterns are equal when this is.
    public let text: String
    let form: Form

    /// Reads a pattern as an author writes it.
    public init(_ text: String) throws(LockPatternError) {
        var parser = LockPatternParser(text)
        (self.text, form) = try parser.parse()
    }

    /// The pattern of one path of the repository, as git lists it. Throws where no pattern can spell it.
    public init(path: String) throws(LockPatternError) {
        var text = ""
        for scalar in path.unicodeScalars {
            if "*?[\\".unicodeScalars.contains(scalar) { text.unicodeScalars.append("\\") }
            text.unicodeScalars.append(scalar)
        }
        // Else `resource:x`, `!x` and `:x` would be something else than a path.
        try self.init("./" + text)
    }

    /// Whether it names a resource rather than paths.
    public var isResource: Bool {
        if case .resource = form { true } else { false }
    }

    /// Whether some path could be covered by both, decided exactly: of paths git can track, and in time that grows
    /// with the product of the two lengths. Resources conflict when they are equal.
    public func conflicts(with other: LockPattern) -> Bool {
        switch (form, other.form) {
        case (.resource, .resource): return text == other.text
        case (.resource, .paths), (.paths, .resource): return false
        case (.paths(let a, let literalA), .paths(let b, let literalB)):
            if a.intersects(b) { return true }
            if let literalA, literalA.intersects(b) { return true }
            guard let literalB else { return false }
            return literalB.intersects(a) || literalA?.intersects(literalB) == true
        }
    }

    /// Whether a path of the repository (as git lists it: relative to the root, `/` between segments) is what the
    /// pattern matches, or lies beneath it. A resource covers no path.
    public func covers(path: String) -> Bool { covers(path: Array(path.utf8)) }

    /// The same for a path that need not be UTF-8.
    public func covers(path: [UInt8]) -> Bool {
        guard case .paths(let glob, let literally) = form else { return false }
        let segments = path.split(separator: UInt8(ascii: "/"))
        return glob.covers(segments) || literally?.covers(segments) == true
    }

    public static func == (a: Self, b: Self) -> Bool { a.text == b.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension LockPattern: CustomStringConvertible {
    public var description: String { text }
}

extension LockPattern: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do throws(LockPatternError) {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: error.description)
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
