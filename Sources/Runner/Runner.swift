import CSystem
import Glibc

/// `orch-runner RUNDIR`: owns one run from its start to its end, and outlives the daemon that asked for it.
///
/// Its exit status says only whether it did its work: 0 when `exit.json` is there, 64 for a wrong invocation, 70 when
/// the folder is not fit to be run, 74 when the end could not be recorded, 75 when another runner owns the folder.
@main
struct Runner {
    static func main() {
        var arguments = CommandLine.arguments
        let isProbe = arguments.count == 3 && arguments[1] == "--probe"
        if isProbe { arguments.remove(at: 1) }
        guard arguments.count == 2, arguments[1].utf8.first == UInt8(ascii: "/") else {
            end(64, "usage: orch-runner RUNDIR (an absolute path)")
        }
        guard chdir(arguments[1]) == 0 else {
            end(70, "cannot enter \(arguments[1]): \(String(cString: strerror(errno)))")
        }
        if isProbe { probe() }
        if let problem = RunnerFaultPoint.arm() { end(64, problem) }
        ignoreSignals()
        RunnerFaultPoint.entered.pass()
        takeLock()
        RunnerFaultPoint.locked.pass()
        if Files.exists(ExitRecord.name) { exit(0) }
        if Files.exists("runner") {
            end(70, "the runner of \(arguments[1]) has died: the run is lost and is not started again")
        }
        var record = ExitRecord()
        do throws(Failure) {
            // From here on the run counts as begun: what follows happens at most once.
            let identity = try Files.identity(of: getpid())
            try Files.write("runner", identity.text)
            RunnerFaultPoint.begun.pass()
            record = try supervise(since: identity.start)
        } catch {
            record.error = error.text
        }
        record.ended = wallClock()
        do throws(Failure) { try record.write() } catch { end(74, error.text) }
        RunnerFaultPoint.recorded.pass()
        exit(0)
    }

    /// Says in `exit.json` how the trial went.
    private static func probe() -> Never {
        var record = ExitRecord()
        do throws(Failure) {
            guard let bytes = try Files.read("spec") else { throw Failure("there is no file spec") }
            try Probe.run(try Spec(bytes))
            record.reason = .exited
            record.exit = 0
        } catch {
            record.error = error.text
        }
        record.ended = wallClock()
        do throws(Failure) { try record.write() } catch { end(74, error.text) }
        exit(0)
    }

    private static func supervise(since start: UInt64) throws(Failure) -> ExitRecord {
        let control = try Control()
        if Control.isStopWanted {
            var record = ExitRecord()
            record.reason = .stopped
            return record
        }
        guard let bytes = try Files.read("spec") else { throw Failure("there is no file spec") }
        let spec = try Spec(bytes)
        RunnerFaultPoint.specRead.pass()
        var run: Run
        do throws(Failure) {
            run = try Run(spec, control: control, since: start)
        } catch {
            spec.forget()
            throw error
        }
        spec.forget()
        return run.waitForEnd()
    }

    /// The run must not end by what is meant for a terminal or the daemon. SIGXFSZ: a file size limit is an error of
    /// the write. All are back at their defaults in the child. SIGCHLD: whoever started us may have ignored it, and
    /// then no child would ever be there to be reaped.
    private static func ignoreSignals() {
        signal(SIGCHLD, SIG_DFL)
        for number in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
    }

    /// Held until the process ends, and by nobody else: children do not inherit the descriptor.
    private static func takeLock() {
        let lock = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { end(70, "cannot open lock: \(String(cString: strerror(errno)))") }
        while flock(lock, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { end(75, "another runner owns this run") }
            guard errno == EINTR else { end(70, "cannot lock lock: \(String(cString: strerror(errno)))") }
        }
    }

    private static func end(_ status: Int32, _ text: String) -> Never {
        _ = Files.writeAll(STDERR_FILENO, "orch-runner: \(text)\n")
        exit(status)
    }
}

/// How the runner is told to stop the run: the file `stop` is the lasting intent, a byte through the FIFO `control`, or
/// SIGTERM to the runner, makes it look. The same byte tells of messages, and
/// of the file `hold`, for as long as which is there the time limit stands still.
struct Control {
    let fifo: Int32
    /// Reports SIGCHLD and SIGTERM.
    let signals: Int32

    /// Opens the FIFO before ``isStopWanted`` is first asked, so that an intent is seen either then or through it.
    init() throws(Failure) {
        if mkfifo("control", 0o600) != 0, errno != EEXIST { throw Failure("cannot make control", errno: errno) }
        // For reading and writing, so that it never reports an end when a writer closes it.
        fifo = open("control", O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard fifo >= 0 else { throw Failure("cannot open control", errno: errno) }
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        sigaddset(&set, SIGTERM)
        sigprocmask(SIG_BLOCK, &set, nil)
        signals = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
        guard signals >= 0 else { throw Failure("cannot make a signalfd", errno: errno) }
    }

    static var isStopWanted: Bool { Files.exists("stop") }
    static var isHoldWanted: Bool { Files.exists("hold") }

    func drainFIFO() {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { while read(fifo, $0.baseAddress!, 256) > 0 {} }
    }

    /// Whether SIGTERM was among the signals.
    func drainSignals() -> Bool {
        var terminated = false
        var info = signalfd_siginfo()
        while read(signals, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
            if info.ssi_signo == UInt32(SIGTERM) { terminated = true }
        }
        return terminated
    }
}
