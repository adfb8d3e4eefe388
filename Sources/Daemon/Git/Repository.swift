public import Core
import Dispatch
import Glibc
import Synchronization

/// One repository orch works on, found and checked.
///
/// Everything here blocks until git has answered. Reads may run in parallel; what changes the repository holds its
/// lock for the whole operation, and may be asked again after a crash at any point in it.
public struct GitRepository: Sendable {
    public let id: RepositoryID
    let git: Git
    /// The git directory all its worktrees share.
    public let commonDirectory: String
    /// The top of the checkout it was opened in; the repository itself where that is bare.
    public let topLevel: String
    /// orch's own directory, without links.
    public let stateDirectory: String
    /// `sha1` or `sha256`.
    public let objectFormat: String
    /// Whose name orch's commits and agents carry: the user's, else `orch <orch@localhost>`.
    public let identity: Identity
    /// Whether the user's git signs commits; orch then signs what lands.
    public let signsCommits: Bool
    /// How long the user's signer may take: one that asks for a passphrase where nobody sees it would take for ever.
    var signingLimit: Duration = .seconds(60)
    /// How long a remote may take to say what it has.
    var remoteLimit: Duration = .seconds(60)
    /// How long git may look through a worktree: one with a pipe for a `.gitignore` keeps it for ever.
    var snapshotLimit = Git.timeout

    /// A name and an address, as git writes them.
    public struct Identity: Sendable, Equatable {
        public let name: String
        public let email: String
        public init(name: String, email: String) {
            self.name = name
            self.email = email
        }
        /// orch's own.
        public static let orch = Identity(name: "orch", email: "orch@localhost")
    }

    /// Finds the repository that the directory `path` belongs to.
    ///
    /// - Parameter acceptsBare: for who only makes checkouts of its commits.
    /// - Throws: `GitError`: `notFound`, `notRepository`, or `unsupported` for a bare repository, one without any
    ///   commit, or a format orch does not know.
    public static func open(
        _ path: String,
        id: RepositoryID,
        stateDirectory: String,
        git: Git,
        orBare acceptsBare: Bool = false
    ) throws(GitError) -> GitRepository {
        let operation = "open the repository at \(path)"
        guard let path = GitFiles.canonical(path), GitFiles.isDirectory(path) else {
            throw GitError(.notFound, operation, "there is no such directory; give the path of a git repository")
        }
        func ask(_ arguments: String..., accepted: Set<Int32> = [0]) throws(GitError) -> ShellCommand.Output {
            var call = Git.Call(arguments, in: path)
            call.accepted = accepted
            return try git.run(call, for: operation)
        }
        let format: ShellCommand.Output
        do {
            format = try ask("rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--show-object-format")
        } catch  where error.detail.contains("not a git repository") {
            throw GitError(.notRepository, operation, "it is not a git repository; run git init there first")
        }
        /// What to say of a checkout that a setting hides: agents share the repository's configuration.
        func misled(_ setting: String, _ remedy: String) -> GitError {
            let what = "its configuration sets \(setting), which hides the checkout from git"
            return GitError(.unsupported, operation, "\(what); if nobody meant that, run git config \(remedy)")
        }
        let isBare = format.lines.first == "true" && acceptsBare && !GitFiles.exists(path + "/.git/index")
        guard format.lines.count == 3, format.lines[0] == "false" || isBare else {
            if GitFiles.exists(path + "/.git/index") { throw misled("core.bare", "core.bare false") }
            throw GitError(.unsupported, operation, "it is a bare repository, which orch cannot work on yet; clone it")
        }
        guard format.lines[1] == "true" || isBare else {
            if GitFiles.exists(path + "/.git/index") { throw misled("core.worktree", "--unset core.worktree") }
            throw GitError(.unsupported, operation, "it is a git directory; give the path of its checkout")
        }
        // One question each: a path may hold a line end.
        let common = try ask("rev-parse", "--path-format=absolute", "--git-common-dir").line
        let topLevel =
            isBare ? common : try ask("rev-parse", "--path-format=absolute", "--show-toplevel").line
        guard isBare || GitFiles.exists(topLevel + "/.git") else {
            throw misled("core.worktree", "--unset core.worktree")
        }
        guard !GitFiles.exists(common + "/reftable") else {
            throw GitError(.unsupported, operation, "its refs are in the reftable format, which orch cannot read yet")
        }
        if try ask("for-each-ref", "--count=1", "refs/heads").standardOutput.isEmpty,
            try ask("rev-parse", "-q", "--verify", "HEAD^{commit}", accepted: [0, 1, 128]).exitCode != 0
        {
            throw GitError(.unsupported, operation, "it has no commit yet; make a first commit")
        }
        let pattern = "^(user\\.name|user\\.email|commit\\.gpgsign)$"
        // Asked without orch's own settings, which would answer for the user's.
        var query = Git.Call(["config", "--null", "--get-regexp", pattern], in: path)
        query.environment = ["GIT_CONFIG_COUNT": "0"]
        query.accepted = [0, 1]
        let configured = Dictionary(
            try git.run(query, for: operation).records.map { record in
                let parts = record.split(separator: "\n", maxSplits: 1).map(String.init)
                return (parts[0], parts.count > 1 ? parts[1] : "true")
            },
            uniquingKeysWith: { $1 }
        )
        for folder in ["repositories", "worktrees", "trash"] {
            try GitFiles.makeDirectory("\(stateDirectory)/\(folder)", for: operation)
        }
        return GitRepository(
            id: id,
            git: git,
            commonDirectory: GitFiles.canonical(common) ?? common,
            topLevel: topLevel,
            stateDirectory: GitFiles.canonical(stateDirectory) ?? stateDirectory,
            objectFormat: format.lines[2],
            identity: Identity(configured: configured),
            signsCommits: ["true", "yes", "on", "1"].contains(configured["commit.gpgsign"]?.lowercased() ?? "")
        )
    }

    // MARK: - Questions

    /// The branch HEAD is on; nil when it is detached.
    public func currentBranch() throws(GitError) -> String? {
        let question = ["symbolic-ref", "-q", "--short", "HEAD"]
        let answer = try run(question, accepted: [0, 1], for: "find the current branch")
        return answer.exitCode == 0 ? answer.line : nil
    }

    /// The commit a branch points at; nil when there is no such branch.
    public func targetTip(_ branch: String) throws(GitError) -> String? {
        try resolve("refs/heads/\(branch)")
    }

    /// The commit a ref or object name stands for; nil when there is none.
    public func resolve(_ name: String) throws(GitError) -> String? {
        let question = ["rev-parse", "-q", "--verify", "--end-of-options", "\(name)^{commit}"]
        let output = try run(question, accepted: [0, 1, 128], for: "read \(name)")
        return output.exitCode == 0 ? output.line : nil
    }

    /// Whether `ancestor` is `commit` or in its history.
    public func isAncestor(_ ancestor: String, of commit: String) throws(GitError) -> Bool {
        let question = ["merge-base", "--is-ancestor", ancestor, commit]
        return try run(question, accepted: [0, 1], for: "compare \(ancestor) with \(commit)").exitCode == 0
    }

    /// The paths that differ between two commits, in git's order; a rename counts as both its paths.
    ///
    /// A name that is not UTF-8 has U+FFFD in its place.
    public func changedPaths(from base: String, to head: String) throws(GitError) -> [String] {
        let question = ["diff-tree", "-r", "-z", "--no-renames", "--name-only", base, head]
        return try run(question, for: "compare \(base) with \(head)").records
    }

    /// What changed between two commits, as statistics and a patch, for reading.
    ///
    /// - Parameter limit: bytes kept; a longer diff is cut there and says so in its last line.
    public func diff(from base: String, to head: String, limit: Int = 4 << 20) throws(GitError) -> String {
        let format = ["--stat=120", "--patch", "-M", "--no-color", "--no-ext-diff", "--no-textconv"]
        var call = Git.Call(["diff-tree", "-r"] + format + [base, head], in: commonDirectory)
        call.environment = ["GIT_DIR": commonDirectory]
        call.outputLimit = limit
        call.mayTruncate = true
        let output = try git.run(call, for: "compare \(base) with \(head)")
        return Git.text(output.standardOutput)
            + (output.isTruncated ? "\n[the diff is cut after \(limit) bytes]\n" : "")
    }

    // MARK: - For those that change it

    /// Runs `body` as the only one of orch's that changes this repository; again, if a git of its was killed.
    func locked<Result>(_ operation: String, _ body: (RepositoryLock) throws -> Result) throws -> Result {
        try Git.despiteKills {
            let path = "\(stateDirectory)/repositories/\(id).lock"
            return try RepositoryLock.hold(path, for: operation, notice: git.notice, body)
        }
    }

    /// Runs a git command in the common directory, or in `directory`.
    func run(
        _ arguments: [String],
        in directory: String? = nil,
        environment: [String: String] = [:],
        input: [UInt8] = [],
        accepted: Set<Int32> = [0],
        lock: RepositoryLock? = nil,
        timeout: Duration = Git.timeout,
        for operation: String
    ) throws(GitError) -> ShellCommand.Output {
        var call = Git.Call(arguments, in: directory ?? commonDirectory)
        // Named rather than discovered: that is quicker, and does not depend on what the user allows git to discover.
        call.environment = (directory == nil ? ["GIT_DIR": commonDirectory] : [:]).merging(environment) { $1 }
        call.input = input
        call.accepted = accepted
        call.lock = lock
        call.timeout = timeout
        return try git.run(call, for: operation)
    }

    /// Runs commands that do not change anything the others see at the same time; their answers in the same order.
    func runTogether(
        _ calls: [Git.Call],
        for operation: String
    ) -> [Result<ShellCommand.Output, GitError>] {
        let answers = Mutex<[Int: Result<ShellCommand.Output, GitError>]>([:])
        DispatchQueue.concurrentPerform(iterations: calls.count) { [git] index in
            let answer: Result<ShellCommand.Output, GitError>
            do throws(GitError) { answer = .success(try git.run(calls[index], for: operation)) } catch {
                answer = .failure(error)
            }
            answers.withLock { $0[index] = answer }
        }
        return answers.withLock { answers in calls.indices.map { answers[$0]! } }
    }

    /// The object name that stands for "none".
    var noObject: String { String(repeating: "0", count: objectFormat == "sha256" ? 64 : 40) }
}

extension GitRepository.Identity {
    /// The user's identity where git has a whole one, else orch's.
    fileprivate init(configured: [String: String]) {
        let name = configured["user.name"] ?? ""
        let email = configured["user.email"] ?? ""
        self = name.isEmpty || email.isEmpty ? .orch : .init(name: name, email: email)
    }

    /// As author and committer, for git's environment.
    var environment: [String: String] {
        authorEnvironment.merging(["GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email]) { $1 }
    }

    var authorEnvironment: [String: String] { ["GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email] }
}
