/// A git operation that could not be done: which, why, and what a person can do.
public struct GitError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of obstacle it was, for callers that act differently on each.
    public enum Kind: String, CaseIterable, Sendable {
        /// git, or the system, refused for a reason only `detail` tells.
        case failed
        /// A path, branch or commit that was named does not exist.
        case notFound
        /// A registered repository is not where it was.
        case repositoryGone
        /// The path is not in a git repository.
        case notRepository
        /// A repository orch cannot work with: bare, without commits, of a format it does not know.
        case unsupported
        /// A branch of someone else's has the name, or stands where a folder of branches would be.
        case branchInTheWay
        /// The agent left a merge, rebase or cherry-pick unfinished, or its commits where they cannot be taken up.
        case unfinished
        /// What should be changed or removed was not made by orch.
        case notOurs
        /// Another git of orch's still holds the repository.
        case busy
        /// The command did not end in time and was killed.
        case timedOut
        /// Somebody else killed the command, or it crashed: nothing is known about what was asked of it.
        case killed
    }

    public let kind: Kind
    /// What was being done: `create worktree`.
    public let operation: String
    /// The git command, for the log; empty when none was run.
    public let command: String
    /// The command's exit code, or -1.
    public let exitCode: Int32
    /// One sentence a person can act on.
    public let message: String
    /// What git wrote to standard error.
    public let detail: String

    public init(
        _ kind: Kind,
        _ operation: String,
        _ message: String,
        command: String = "",
        exitCode: Int32 = -1,
        detail: String = ""
    ) {
        self.kind = kind
        self.operation = operation
        self.command = command
        self.exitCode = exitCode
        self.message = message
        self.detail = detail
    }

    /// The lock file of another git, or of one that died, that stopped this one.
    var lockInTheWay: String? {
        for line in detail.split(separator: "\n") {
            guard let start = line.firstRange(of: "Unable to create '"),
                let end = line.firstRange(of: ".lock': File exists")
            else { continue }
            return line[start.upperBound..<end.lowerBound] + ".lock"
        }
        return nil
    }

    /// Another git is in the way, and will be out of it.
    var isPassing: Bool { kind == .busy || kind == .repositoryGone || lockInTheWay != nil }

    public var description: String { "cannot \(operation): \(message)" }
}
