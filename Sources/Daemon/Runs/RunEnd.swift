public import Core

/// How a run ended. Its coded form is the content of the run folder's `exit.json`.
public struct RunEnd: Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The program ended by itself, with this code.
        case exited(Int32)
        /// The program was ended by this signal, not sent by orch.
        case signalled(Int32)
        /// It was stopped by orch's order, before or after it started.
        case stopped
        /// It reached its time limit.
        case timedOut
        /// It never began; why, in a sentence.
        case notStarted(String)
        /// Its runner died: how far it got is not known. What was left of it has been killed.
        case lost(String)
    }

    public var reason: Reason
    /// When the program started; when it was tried, if it did not.
    public var started: Instant
    /// When nothing of the run was left.
    public var ended: Instant
    /// For how long of that it waited for something that was not its own, so that its time limit stood still.
    public var held: Duration
    /// User and system time of everything the runner reaped.
    public var cpu: Duration
    /// The largest resident size of one process, in KiB.
    public var maxRSS: Int
    /// Bytes in the files `stdout` and `stderr`.
    public var stdoutBytes: Int
    public var stderrBytes: Int
    /// Not everything the run wrote is in the files: a line in them says where and why.
    public var outputCut: Bool
    /// How many processes the program left behind, which were then ended.
    public var killedAfterExit: Int

    public init(
        reason: Reason,
        started: Instant,
        ended: Instant,
        held: Duration = .zero,
        cpu: Duration = .zero,
        maxRSS: Int = 0,
        stdoutBytes: Int = 0,
        stderrBytes: Int = 0,
        outputCut: Bool = false,
        killedAfterExit: Int = 0
    ) {
        self.reason = reason
        self.started = started
        self.ended = ended
        self.held = held
        self.cpu = cpu
        self.maxRSS = maxRSS
        self.stdoutBytes = stdoutBytes
        self.stderrBytes = stderrBytes
        self.outputCut = outputCut
        self.killedAfterExit = killedAfterExit
    }

    /// One line for a person: `exit 1 after 12.4 s`.
    public var summary: String {
        switch reason {
        case .exited(let code): "exit \(code) after \(elapsed)"
        case .signalled(let number): "ended by \(signalName(number)) after \(elapsed)"
        case .stopped: "stopped after \(elapsed)"
        case .timedOut: "timed out after \(elapsed)"
        case .notStarted(let why): "not started: \(why)"
        case .lost(let why): "lost: \(why)"
        }
    }

    func redacted(by redactor: Redactor) -> RunEnd {
        var end = self
        switch reason {
        case .notStarted(let why): end.reason = .notStarted(redactor.redact(why))
        case .lost(let why): end.reason = .lost(redactor.redact(why))
        case .exited, .signalled, .stopped, .timedOut: break
        }
        return end
    }

    private var elapsed: String {
        let tenths = max(0, ended.milliseconds - started.milliseconds + 50) / 100
        let seconds = tenths / 10
        if seconds < 60 { return "\(seconds).\(tenths % 10) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds / 60 % 60) min"
    }
}

private func signalName(_ number: Int32) -> String {
    switch number {
    case 1: "SIGHUP"
    case 2: "SIGINT"
    case 3: "SIGQUIT"
    case 4: "SIGILL"
    case 6: "SIGABRT"
    case 7: "SIGBUS"
    case 8: "SIGFPE"
    case 9: "SIGKILL"
    case 11: "SIGSEGV"
    case 13: "SIGPIPE"
    case 15: "SIGTERM"
    case 24: "SIGXCPU"
    case 25: "SIGXFSZ"
    default: "signal \(number)"
    }
}

// MARK: exit.json

extension RunEnd: Codable {
    private enum Key: String, CodingKey {
        case reason, exit, signal, error
        case started = "started_ms"
        case ended = "ended_ms"
        case held = "held_ms"
        case maxRSS = "max_rss_kib"
        case cpu = "cpu_us"
        case stdoutBytes = "stdout_bytes"
        case stderrBytes = "stderr_bytes"
        case outputCut = "output_cut"
        case killedAfterExit = "killed_after_exit"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        let error = try values.decodeIfPresent(String.self, forKey: .error)
        reason =
            switch try values.decode(String.self, forKey: .reason) {
            case "exited": .exited(try values.decode(Int32.self, forKey: .exit))
            case "signalled": .signalled(try values.decode(Int32.self, forKey: .signal))
            case "stopped": .stopped
            case "timed_out": .timedOut
            case "not_started": .notStarted(error ?? "for an unknown reason")
            case "lost": .lost(error ?? "for an unknown reason")
            case let other:
                throw DecodingError.dataCorruptedError(
                    forKey: .reason,
                    in: values,
                    debugDescription: "unknown reason: \(other)"
                )
            }
        started = try values.decode(Instant.self, forKey: .started)
        ended = try values.decode(Instant.self, forKey: .ended)
        // Not there in what an older orch-runner wrote.
        held = .milliseconds(try values.decodeIfPresent(Int64.self, forKey: .held) ?? 0)
        cpu = .microseconds(try values.decode(Int64.self, forKey: .cpu))
        maxRSS = try values.decode(Int.self, forKey: .maxRSS)
        stdoutBytes = try values.decode(Int.self, forKey: .stdoutBytes)
        stderrBytes = try values.decode(Int.self, forKey: .stderrBytes)
        outputCut = try values.decode(Bool.self, forKey: .outputCut)
        killedAfterExit = try values.decode(Int.self, forKey: .killedAfterExit)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        switch reason {
        case .exited(let code):
            try values.encode("exited", forKey: .reason)
            try values.encode(code, forKey: .exit)
        case .signalled(let number):
            try values.encode("signalled", forKey: .reason)
            try values.encode(number, forKey: .signal)
        case .stopped:
            try values.encode("stopped", forKey: .reason)
        case .timedOut:
            try values.encode("timed_out", forKey: .reason)
        case .notStarted(let why):
            try values.encode("not_started", forKey: .reason)
            try values.encode(why, forKey: .error)
        case .lost(let why):
            try values.encode("lost", forKey: .reason)
            try values.encode(why, forKey: .error)
        }
        try values.encode(started, forKey: .started)
        try values.encode(ended, forKey: .ended)
        try values.encode(
            held.components.seconds * 1000 + held.components.attoseconds / 1_000_000_000_000_000,
            forKey: .held
        )
        let (seconds, attoseconds) = cpu.components
        try values.encode(seconds * 1_000_000 + attoseconds / 1_000_000_000_000, forKey: .cpu)
        try values.encode(maxRSS, forKey: .maxRSS)
        try values.encode(stdoutBytes, forKey: .stdoutBytes)
        try values.encode(stderrBytes, forKey: .stderrBytes)
        try values.encode(outputCut, forKey: .outputCut)
        try values.encode(killedAfterExit, forKey: .killedAfterExit)
    }
}

/// What a supervisor tells of its runs.
public enum RunReport: Equatable, Sendable {
    /// The run's program is at work; told again when a later daemon adopts the run.
    case started(RunID, pid: Int32, at: Instant)
    /// So many bytes are in the run's files now. Not told for every write: see ``RunSupervisor``.
    case output(RunID, stdout: Int, stderr: Int)
    /// The run is over and nothing of it is left. The last report of a run.
    case ended(RunID, RunEnd)
}
