import Glibc

/// The program git, as orch runs it: the only place that does.
///
/// Every call has the same environment, whatever the user's shell or an enclosing git left in ours: nothing inherited
/// of `GIT_*`, untranslated messages, no prompts, no hooks, no background housekeeping, no signing, durable refs and
/// objects, and no talk with other repositories, not even to complete a partial clone. What the user configured
/// otherwise (identity, filters, line ends, merge drivers, the signer) holds.
public struct Git: Sendable {
    /// The path of the program.
    public let program: String
    private let environment: [String: String]
    /// What the user's environment says to reach other machines with; nothing but a push asks for it.
    let sshCommand: String?
    /// Is told what is worth a line in the log.
    let notice: @Sendable (String) -> Void

    /// The longest any single git command may take.
    static let timeout: Duration = .seconds(600)

    /// - Parameters:
    ///   - environment: the daemon's own; `PATH` says where git is.
    ///   - isDurable: whether what git writes survives a power failure (`durability: full`).
    ///   - notice: is told what is worth a line in the log.
    /// - Throws: `GitError` when there is no git on the path.
    public init(
        environment inherited: [String: String],
        isDurable: Bool = true,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    )
        throws(GitError)
    {
        self.notice = notice
        let path = inherited["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        guard let program = Self.locate("git", on: path) else {
            throw GitError(.notFound, "run git", "no git on the path \(path); install git 2.39 or newer")
        }
        self.program = program
        sshCommand = inherited["GIT_SSH_COMMAND"].flatMap { $0.isEmpty ? nil : $0 }
        var environment = FaultPoint.disarmed(inherited).filter { name, _ in
            !name.hasPrefix("GIT_") && !name.hasPrefix("LC_") && !["LANGUAGE", "LANG", "PAGER"].contains(name)
        }
        environment["PATH"] = path
        environment["LC_ALL"] = "C.UTF-8"
        environment["GIT_TERMINAL_PROMPT"] = "0"
        environment["GIT_EDITOR"] = ":"
        environment["GIT_PAGER"] = "cat"
        // A list of the protocols allowed, before which no configuration counts. How a transport is started is up to the
        // repository's configuration, which agents can write.
        environment["GIT_ALLOW_PROTOCOL"] = "none"
        environment["GIT_NO_LAZY_FETCH"] = "1"
        self.environment = environment.merging(Self.configuration(Self.settings(isDurable: isDurable))) { $1 }
    }

    /// What orch decides for every git of its own, over what the user configured.
    private static func settings(isDurable: Bool) -> [(String, String)] {
        [
            ("core.hooksPath", "/dev/null"), ("core.fsmonitor", "false"), ("core.quotePath", "false"),
            ("core.fsync", isDurable ? "committed,reference" : "committed,-loose-object"), ("core.safecrlf", "false"),
            ("gc.auto", "0"), ("maintenance.auto", "false"), ("submodule.recurse", "false"),
            ("commit.gpgSign", "false"), ("tag.gpgSign", "false"), ("merge.verifySignatures", "false"),
            ("i18n.commitEncoding", "UTF-8"), ("i18n.logOutputEncoding", "UTF-8"), ("advice.detachedHead", "false"),
            // A lock that another git has for a moment is waited for.
            ("core.filesRefLockTimeout", "1000"), ("core.packedRefsTimeout", "5000"),
        ]
    }

    /// Where a program is that git's surroundings need.
    func locate(_ name: String) -> String? { Self.locate(name, on: environment["PATH"] ?? "") }

    private static func locate(_ name: String, on path: String) -> String? {
        path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// git configuration as environment variables (`GIT_CONFIG_COUNT` and the rest).
    static func configuration(_ settings: [(String, String)]) -> [String: String] {
        var environment = ["GIT_CONFIG_COUNT": "\(settings.count)"]
        for (index, setting) in settings.enumerated() {
            environment["GIT_CONFIG_KEY_\(index)"] = setting.0
            environment["GIT_CONFIG_VALUE_\(index)"] = setting.1
        }
        return environment
    }

    /// One git command: what to run, where, and what to accept as an answer.
    struct Call {
        var arguments: [String]
        var directory: String
        /// Added to the environment.
        var environment: [String: String] = [:]
        var input: [UInt8] = []
        /// Exit codes that are answers; any other is an error.
        var accepted: Set<Int32> = [0]
        /// With a lock the call may write, and the child holds the lock as long as it lives.
        var lock: RepositoryLock?
        var outputLimit = 256 << 20
        /// After this long it is killed.
        var timeout = Git.timeout
        /// Output beyond the limit is dropped instead of being an error.
        var mayTruncate = false

        init(_ arguments: [String], in directory: String) {
            self.arguments = arguments
            self.directory = directory
        }
    }

    /// Runs one command and waits for it. One that only reads is run again if it was killed.
    ///
    /// - Throws: `GitError` of `operation` when it cannot be started, is killed, or ends with a code not accepted.
    func run(_ call: Call, for operation: String) throws(GitError) -> ShellCommand.Output {
        guard call.lock == nil else { return try attempt(call, for: operation) }
        return try Self.despiteKills { () throws(GitError) in try attempt(call, for: operation) }
    }

    /// Calls `body`, which may be asked again after it was cut short, up to three times while somebody kills its gits: the
    /// system when memory is short, say.
    static func despiteKills<Result, Problem: Error>(_ body: () throws(Problem) -> Result) throws(Problem) -> Result {
        for _ in 1...2 {
            do { return try body() } catch {
                guard (error as? GitError)?.kind == .killed else { throw error }
            }
        }
        return try body()
    }

    private func attempt(_ call: Call, for operation: String) throws(GitError) -> ShellCommand.Output {
        var environment = environment.merging(call.environment) { $1 }
        // A read must never wait for, or disturb, a git of the user's.
        if call.lock == nil { environment["GIT_OPTIONAL_LOCKS"] = "0" }
        var command = ShellCommand(
            [program] + call.arguments,
            environment: environment.map { "\($0)=\($1)" },
            directory: call.directory
        )
        command.input = call.input
        command.inherited = call.lock.map { [$0.descriptor] } ?? []
        command.outputLimit = call.outputLimit
        command.timeout = call.timeout
        let output: ShellCommand.Output
        do { output = try command.run() } catch {
            throw GitError(.failed, operation, error.description, command: call.text)
        }
        if output.timedOut {
            throw GitError(
                .timedOut,
                operation,
                "git did not end within \(call.timeout) and was killed",
                command: call.text,
                detail: Self.text(output.standardError)
            )
        }
        if output.isTruncated && call.mayTruncate { return output }
        guard call.accepted.contains(output.exitCode), !output.isTruncated else {
            throw call.failure(output, operation)
        }
        return output
    }

    static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
}

extension Git.Call {
    var text: String { (["git"] + arguments).joined(separator: " ") }

    func failure(_ output: ShellCommand.Output, _ operation: String) -> GitError {
        let detail = Git.text(output.standardError)
        let said = detail.split(separator: "\n").first { $0.hasPrefix("fatal:") || $0.hasPrefix("error:") }
        var message = said.map { String($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) } ?? ""
        if output.isTruncated { message = "git's answer is larger than \(outputLimit) bytes" }
        if detail.contains("dubious ownership") {
            message = "\(directory) belongs to another user; allow it with git config --global --add safe.directory"
        }
        if detail.contains("promisor remote") || detail.contains("not allowed") && detail.contains("transport") {
            message =
                "not all of its objects are here: it is a partial clone, and orch never fetches; "
                + "git fetch --refetch --no-filter brings them"
        }
        if message.isEmpty {
            message =
                output.signal != 0 ? "git was ended by signal \(output.signal)" : "git ended with \(output.exitCode)"
        }
        // git runs others of its kind, and says it of them.
        let isKilled = output.signal != 0 || detail.contains(" died of signal ")
        let kind = isKilled && !output.isTruncated ? GitError.Kind.killed : .failed
        return GitError(kind, operation, message, command: text, exitCode: output.exitCode, detail: detail)
    }
}

extension ShellCommand.Output {
    /// Standard output as text, without one line end at its end.
    var line: String {
        Git.text(standardOutput.last == 0x0A ? standardOutput.dropLast() : standardOutput[...])
    }

    /// Standard output as lines.
    var lines: [String] { standardOutput.split(separator: 0x0A).map { Git.text($0) } }

    /// Standard output as NUL-ended records.
    var records: [String] { standardOutput.split(separator: 0).map { Git.text($0) } }
}
