/// What agents may do that ask orch for leave. What a ticket's locks say comes before it.
public struct PermissionPolicy: Hashable, Codable, Sendable {
    public enum Action: String, CaseIterable, Codable, Sendable {
        case allow, deny
        /// A person is asked.
        case ask
    }

    /// The first that matches counts.
    public var rules: [PermissionRule] = []
    /// What no rule matches.
    public var otherwise = Action.allow
    /// Writing to a file outside of the ticket's worktree, where no rule matches.
    public var outside = Action.ask
    /// How long a person is waited for; then the answer is no.
    public var timeLimit = Duration.seconds(10 * 60)

    public init() {}

    /// What the rules say to a use of a tool.
    ///
    /// - Parameters:
    ///   - command: the command line it runs, if it runs one.
    ///   - paths: what it writes, or reads, within the worktree, from its root.
    ///   - leaves: whether it writes to a file outside of the worktree.
    public func action(tool: String, command: String?, paths: [String], leaves: Bool) -> Action {
        for rule in rules where rule.matches(tool: tool, command: command, paths: paths) { return rule.action }
        return leaves ? outside : otherwise
    }
}

/// One rule; what it does not name may be anything.
public struct PermissionRule: Hashable, Codable, Sendable {
    /// A tool's name as the agent calls it; `*` stands for any text.
    public var tool: String?
    /// A command line; `*` stands for any text.
    public var command: String?
    /// As a lock's pattern. Matches where one of the paths does.
    public var path: String?
    public var action: PermissionPolicy.Action

    public init(
        tool: String? = nil,
        command: String? = nil,
        path: String? = nil,
        action: PermissionPolicy.Action = .ask
    ) {
        self.tool = tool
        self.command = command
        self.path = path
        self.action = action
    }

    func matches(tool name: String, command line: String?, paths: [String]) -> Bool {
        if let tool, !Self.matches(tool, name) { return false }
        if let command, !(line.map { Self.matches(command, $0) } ?? false) { return false }
        if let path {
            guard let pattern = try? LockPattern(path), paths.contains(where: { pattern.covers(path: $0) }) else {
                return false
            }
        }
        return true
    }

    /// `*` matches any text, everything else itself.
    static func matches(_ pattern: String, _ text: String) -> Bool {
        let parts = Array(pattern.utf8).split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        var rest = Array(text.utf8)[...]
        guard parts.count > 1 else { return rest.elementsEqual(parts[0]) }
        guard rest.starts(with: parts[0]) else { return false }
        rest = rest.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let place = rest.firstRange(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        let last = parts.last!
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
