public import Core
import Glibc

/// What a run executes, and where, and within which limits.
public struct RunCommand: Equatable, Sendable {
    /// What the run finds on standard input.
    public enum StandardInput: Equatable, Sendable {
        /// `/dev/null`.
        case null
        /// The file's content, then end of file. An absolute path.
        case file(String)
        /// What ``RunSupervisor/send(_:number:to:)`` sends, as it comes, until ``RunSupervisor/endMessages(to:)``.
        case messages
    }

    public var id: RunID
    /// The program and what it is told. A name without a slash is looked for in PATH of `environment`, one with a slash
    /// counts from `directory`.
    public var arguments: [String]
    /// All the run is given, but for `ORCH_RUN` and `ORCH_RUN_FOLDER`, which the supervisor sets.
    public var environment: [String: String]
    /// The working directory, absolute.
    public var directory: String
    public var standardInput: StandardInput
    /// Wall-clock time from the start of the program; then it is sent SIGTERM.
    public var timeLimit: Duration?
    /// From SIGTERM to SIGKILL.
    public var grace: Duration
    /// What the run's oom_score_adj is raised to: when memory runs out, agents go before the daemon and their runners do.
    static let oomScore = 500
    /// Bytes kept of each of stdout and stderr; what comes after is read and dropped, and a line says so.
    public var outputCap: Int

    public init(
        id: RunID,
        arguments: [String],
        environment: [String: String],
        directory: String,
        standardInput: StandardInput = .null,
        timeLimit: Duration? = nil,
        grace: Duration = .seconds(5),
        outputCap: Int = 1 << 30
    ) {
        self.id = id
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.standardInput = standardInput
        self.timeLimit = timeLimit
        self.grace = grace
        self.outputCap = outputCap
    }
}

extension RunCommand {
    /// Little: what a program needs to run at all. Secrets of the user's shell stay there.
    static func environment(from inherited: [String: String]) -> [String: String] {
        let passed = ["HOME", "PATH", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER", "LOGNAME", "SHELL", "TZ"]
        var result = inherited.filter { passed.contains($0.key) }
        result["PATH"] = result["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        result["TERM"] = result["TERM"] ?? "dumb"
        return result
    }

    /// The content of the run folder's file `spec`, which orch-runner reads: pairs of a key and a value, each ended by a
    /// NUL. The format is described in the runner's `Spec.swift`.
    func spec(folder: RunFolder, boot: String, containment: Containment = .untried) throws(RunFailure) -> [UInt8] {
        guard !arguments.isEmpty else { throw RunFailure("cannot start run \(id): it has no program") }
        var bytes: [UInt8] = []
        func put(_ key: String, _ value: String) throws(RunFailure) {
            guard !value.utf8.contains(0) else {
                throw RunFailure("cannot start run \(id): its \(key) contains a NUL: \(value.debugDescription)")
            }
            bytes += Array(key.utf8) + [0] + Array(value.utf8) + [0]
        }
        try put("version", "1")
        try put("boot", boot)
        try put("run", id.description)
        for argument in arguments { try put("argument", argument) }
        var environment = environment
        environment["ORCH_RUN"] = id.description
        environment[RunFolder.markerName] = folder.path
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw RunFailure("cannot start run \(id): \(name.debugDescription) cannot name an environment variable")
            }
            try put("environment", name + "=" + value)
        }
        try put("marker", folder.marker)
        try put("directory", directory)
        switch standardInput {
        case .null: break
        case .file(let path): try put("stdin", path)
        case .messages: try put("messages", "")
        }
        if let timeLimit { try put("time_limit_ms", timeLimit.wholeMilliseconds.description) }
        try put("grace_ms", grace.wholeMilliseconds.description)
        try put("output_cap", max(0, outputCap).description)
        for (key, value) in containment.orders(for: id) { try put(key, value) }
        try put("oom_score", Self.oomScore.description)
        if let descriptors = DescriptorLimit.ofRuns { try put("descriptors", descriptors.description) }
        try put("end", "")
        return bytes
    }
}

extension Duration {
    /// Never negative, and rounded up, so that a limit does not come too early.
    fileprivate var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (thousands, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? 0 : .max / 4 }
        return min(max(0, thousands + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000), .max / 4)
    }
}

/// Why something could not be done with a run, in a sentence for a person.
public struct RunFailure: Error, Equatable, CustomStringConvertible {
    public let description: String
    init(_ text: String) { description = text }
    /// What was attempted, and the system's reason.
    init(_ operation: String, errno code: Int32) { description = "\(operation): \(String(cString: strerror(code)))" }
}
