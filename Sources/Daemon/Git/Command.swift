import CSystem
import Glibc

/// A short command, run to its end by the thread that asks.
///
/// The child gets a session of its own (no terminal to prompt on), exactly the descriptors named here, and default
/// signals. Whatever of its session is still alive when it ends is killed: nothing it started may go on holding the
/// descriptors it inherited. Safe to use from any number of threads.
public struct ShellCommand: Sendable {
    /// The program's path, then its arguments. No search is made.
    public var arguments: [String]
    /// `NAME=value` entries; nothing of ours is added.
    public var environment: [String]
    /// Working directory; nil for ours.
    public var directory: String?
    /// Bytes for standard input; a child that does not read them loses them.
    public var input: [UInt8] = []
    /// Descriptors of ours that become 3, 4, … of the child.
    public var inherited: [Int32] = []
    /// Bytes of standard output kept. At the limit the child is killed and the output marked as truncated.
    public var outputLimit = 256 << 20
    /// After this long the child and its session are killed.
    public var timeout: Duration?

    public init(_ arguments: [String], environment: [String], directory: String? = nil) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }

    /// How a command ended.
    public struct Output: Sendable, Equatable {
        /// The exit code, or -1 when a signal ended it.
        public var exitCode: Int32 = -1
        /// The signal that ended it, or 0.
        public var signal: Int32 = 0
        public var standardOutput: [UInt8] = []
        /// At most the first 64 KiB.
        public var standardError: [UInt8] = []
        /// Standard output reached its limit and was cut there.
        public var isTruncated = false
        public var timedOut = false
    }

    /// The command could not be started.
    public struct StartFailure: Error, CustomStringConvertible {
        public let program: String
        public let directory: String?
        public let errorNumber: Int32
        public var description: String {
            let place = directory.map { " in \($0)" } ?? ""
            return "cannot start \(program)\(place): \(String(cString: strerror(errorNumber)))"
        }
    }

    /// Runs the command and waits for its end.
    ///
    /// - Throws: `StartFailure`. A command that ran and failed is an answer, not an error.
    public func run() throws(StartFailure) -> Output {
        ignoreBrokenPipes
        var session = try Session(self)
        FaultPoint.gitStarted.pass()
        session.pump()
        return session.finish()
    }
}

/// Writing to a child that does not read must give EPIPE, not end the process.
private let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

// MARK: - One child, from spawn to reaping

/// The pipes and the pidfd of one running child. Used by one thread.
private struct Session {
    let pid: pid_t
    let pidfd: Int32
    var input: Int32
    var output: Int32
    var error: Int32
    let bytes: [UInt8]
    var written = 0
    let outputLimit: Int
    let deadline: ContinuousClock.Instant?
    var result = ShellCommand.Output()
    var killed = false
    var buffer = [UInt8](repeating: 0, count: 65536)

    init(_ command: ShellCommand) throws(ShellCommand.StartFailure) {
        func failure(_ number: Int32) -> ShellCommand.StartFailure {
            .init(program: command.arguments[0], directory: command.directory, errorNumber: number)
        }
        let texts = command.arguments + command.environment
        guard !texts.contains(where: { $0.utf8.contains(0) }) else { throw failure(EINVAL) }
        var pipes: [(read: Int32, write: Int32)] = []
        // Every child of this process is spawned with all but its own descriptors closed, so these need no close-on-exec.
        for _ in 0..<(command.input.isEmpty ? 2 : 3) {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                let number = errno
                for pipe in pipes { _ = (close(pipe.read), close(pipe.write)) }
                throw failure(number)
            }
            pipes.append((ends[0], ends[1]))
        }
        let stdin = command.input.isEmpty ? nil : pipes[2]
        let files = [stdin?.read ?? -1, pipes[0].write, pipes[1].write] + command.inherited
        var pid: pid_t = 0
        let failed = spawn(command, files: files, pid: &pid)
        for descriptor in [pipes[0].write, pipes[1].write, stdin?.read].compactMap({ $0 }) { close(descriptor) }
        guard failed == 0 else {
            for descriptor in [pipes[0].read, pipes[1].read, stdin?.write].compactMap({ $0 }) { close(descriptor) }
            throw failure(failed)
        }
        self.pid = pid
        pidfd = cs_pidfd_open(pid)
        input = stdin?.write ?? -1
        output = pipes[0].read
        error = pipes[1].read
        bytes = command.input
        outputLimit = command.outputLimit
        deadline = command.timeout.map { ContinuousClock.now + $0 }
        for descriptor in [input, output, error] where descriptor >= 0 {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    /// Feeds and drains the child until it has ended.
    ///
    /// The end is the child's own, seen through its pidfd: a grandchild that keeps a pipe open is not waited for. What
    /// the child itself wrote is in the pipes by then.
    mutating func pump() {
        while pidfd >= 0 || output >= 0 || error >= 0 {
            var polled = [
                pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: error, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
            ]
            if poll(&polled, 4, remainingMilliseconds()) < 0, errno != EINTR { break }
            if polled[3].revents != 0 { feed() }
            if polled[1].revents != 0 { drainOutput() }
            if polled[2].revents != 0 { drainError() }
            if polled[0].revents != 0 {
                drainOutput()
                drainError()
                return
            }
            if let deadline, !killed, ContinuousClock.now >= deadline {
                result.timedOut = true
                killSession()
            }
        }
    }

    /// Reaps the child and closes what is left.
    mutating func finish() -> ShellCommand.Output {
        // The child is not reaped yet, so its number still names its session and nobody else's.
        killSession()
        var exit = cs_exit()
        if cs_reap(pid, 1, &exit) == 0 {
            result.exitCode = exit.code
            result.signal = exit.signal
        }
        for descriptor in [input, output, error, pidfd] where descriptor >= 0 { close(descriptor) }
        return result
    }

    private mutating func killSession() {
        killed = true
        kill(-pid, SIGKILL)
    }

    private func remainingMilliseconds() -> Int32 {
        guard let deadline, !killed else { return -1 }
        let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
        return Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    }

    private mutating func feed() {
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(input, $0.baseAddress! + written, bytes.count - written) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            if count < 0 { break }
            written += count
        }
        close(input)
        input = -1
    }

    private mutating func drainOutput() {
        drain(\.output) { session, count in
            let room = session.outputLimit - session.result.standardOutput.count
            session.result.standardOutput += session.buffer[..<min(count, room)]
            if count > room, !session.result.isTruncated {
                session.result.isTruncated = true
                session.killSession()
            }
        }
    }

    private mutating func drainError() {
        drain(\.error) { session, count in
            session.result.standardError += session.buffer[..<min(count, 65536 - session.result.standardError.count)]
        }
    }

    private mutating func drain(_ descriptor: WritableKeyPath<Session, Int32>, keep: (inout Session, Int) -> Void) {
        while self[keyPath: descriptor] >= 0 {
            let count = read(self[keyPath: descriptor], &buffer, buffer.count)
            if count > 0 {
                keep(&self, count)
            } else if count < 0 && errno == EINTR {
                continue
            } else if count < 0 && errno == EAGAIN {
                return
            } else {
                close(self[keyPath: descriptor])
                self[keyPath: descriptor] = -1
            }
        }
    }
}

/// 0 and the child's pid, or an errno value.
private func spawn(_ command: ShellCommand, files: [Int32], pid: inout pid_t) -> Int32 {
    var arguments: [UnsafeMutablePointer<CChar>?] = command.arguments.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = command.environment.map { strdup($0) } + [nil]
    let directory = command.directory.map { strdup($0) } ?? nil
    defer {
        for text in arguments + environment { free(text) }
        free(directory)
    }
    return files.withUnsafeBufferPointer { files in
        arguments.withUnsafeMutableBufferPointer { arguments in
            environment.withUnsafeMutableBufferPointer { environment in
                var request = cs_spawn_request()
                request.program = UnsafePointer(arguments[0])
                request.arguments = UnsafePointer(arguments.baseAddress)
                request.environment = UnsafePointer(environment.baseAddress)
                request.directory = UnsafePointer(directory)
                request.files = files.baseAddress
                request.file_count = Int32(files.count)
                request.new_session = 1
                return cs_spawn(&request, &pid)
            }
        }
    }
}
