/// Why a text is not a lock pattern, and what to write instead.
public struct LockPatternError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case empty
        case wholeRepository
        case tooLong(bytes: Int)
        case controlCharacter(UInt32)
        case absolute
        case outsideTheRepository
        case gitDirectory
        case negation
        case pathspecMagic
        case trailingBackslash
        case escapedSlash
        case gluedStars(segment: String)
        case unclosedClass
        case unknownClass(String)
        case matchesNothing(segment: String)
        case unknownKind(String)
        case badResourceName
        case badPort
    }

    /// What was written.
    public let pattern: String
    public let reason: Reason

    init(_ pattern: String, _ reason: Reason) {
        self.pattern = pattern
        self.reason = reason
    }

    public var description: String {
        reason == .empty ? "a lock is empty; \(advice)" : "lock \(quoted(pattern)) \(advice)"
    }

    private var advice: String {
        switch reason {
        case .empty:
            "write a path of the repository such as `src/**`, or a resource such as `resource:postgres`"
        case .wholeRepository:
            "names the repository's root; write `**` to lock the whole repository"
        case .tooLong(let bytes):
            "has \(bytes) bytes; at most \(LockPattern.maximumBytes) are allowed"
        case .controlCharacter(let scalar):
            "contains the control character \(codePoint(scalar)); use `?` to match it"
        case .absolute:
            "is an absolute path; write it relative to the repository's root"
        case .outsideTheRepository:
            "contains `..`; a lock names paths inside the repository, relative to its root"
        case .gitDirectory:
            "names `.git`, which git never tracks; lock something else by a name such as `resource:git`"
        case .negation:
            "starts with `!`, and locks have no negation; write `\\!` where a file's name starts so"
        case .pathspecMagic:
            "starts with pathspec magic; write the pattern alone, it is always read as `:(glob)` from the root"
        case .trailingBackslash:
            "ends in a backslash that escapes nothing; write `\\\\` for a backslash"
        case .escapedSlash:
            "escapes a `/`, which needs no escape; write `/`"
        case .gluedStars(let segment):
            "has \(quoted(segment)) before a `/`, where git reads `**` in two ways; "
                + "write `*` for any name, and `**` between slashes for any directories"
        case .unclosedClass:
            "has a `[` without its `]`; write `\\[` for the character itself"
        case .unknownClass(let name):
            "has the unknown character class \(quoted("[:\(name):]")); known are \(knownClasses)"
        case .matchesNothing(let segment):
            "can match no path: no file's name matches \(quoted(segment))"
        case .unknownKind(let kind):
            "is of the unknown kind \(quoted(kind)); write `resource:NAME` or `port:NUMBER`, "
                + "or \(quoted("./" + pattern)) where it is a path"
        case .badResourceName:
            "is not a resource; its name is up to \(LockPattern.maximumResourceName) letters, digits, "
                + "`.`, `_`, `-`, `:` and `/`, and starts with a letter or digit"
        case .badPort:
            "is not a port; write `port:` and a number from 1 to 65535"
        }
    }

    private var knownClasses: String { ByteSet.namedClasses.map(\.name).joined(separator: ", ") }
}
