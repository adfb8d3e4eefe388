/// What programs of agents keep for themselves at the top of a worktree, without asking where: new files there are no work.
///
/// So it is whichever agent a ticket has by now: one that came before it may have left them.
enum AgentCache {
    /// aider's, of what it knows of the repository; the number behind it is that of its format.
    private static let aider = Array(".aider.tags.cache.v".utf8)

    /// Whether the path of a file, as git says it, lies in one. A repository of its own, whose path ends in a slash, does not.
    static func holds(_ path: [UInt8]) -> Bool {
        guard path.starts(with: aider), let slash = path.firstIndex(of: UInt8(ascii: "/")) else { return false }
        let format = path[aider.count..<slash]
        return !format.isEmpty && format.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
            && path.last != UInt8(ascii: "/")
    }
}
