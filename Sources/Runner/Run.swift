import CSystem
import Glibc

/// The run under way: its leader, the tree below, its two output streams and its deadlines. One thread, asleep in poll
/// until something happens or a deadline passes.
struct Run {
    /// Where the run stands. Each case says who moves it on.
    private enum Phase {
        /// Nothing was asked of it yet; the leader's end, a stop or the time limit move it on.
        case running
        /// Stopping: SIGINT was sent to the group, SIGTERM is next.
        case interrupted
        /// SIGTERM was sent to the group, SIGKILL to the tree is next.
        case terminated
        /// The leader ended by itself; what it left may finish for a moment, such as a `tee` at the end of its output.
        case lingering
        /// The leader has ended; what it left was sent SIGTERM.
        case dismissed
        /// SIGKILL was sent to the whole tree, and is sent again until nothing is left.
        case killed
    }

    private static let interruptTime: Int64 = 500
    /// Without output; with it, at most the second.
    private static let lingerTime: Int64 = 100
    private static let lingerMost: Int64 = 2000
    private static let dismissTime: Int64 = 200
    /// After this long of SIGKILL, something is out of our reach (another user's, or stuck in the kernel).
    private static let killTime: Int64 = 30_000

    private let control: Control
    private let grace: Int64
    private let marker: Spec.Text?
    private let since: UInt64
    private let leader: pid_t
    private let containment: any Containment
    /// Of the containment, for as long as it is not reaped.
    private var namespaceInit: pid_t
    private var leaderHasEnded = false
    private var stdout: Pump
    private var stderr: Pump
    private var inbox: Inbox?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private var record = ExitRecord()
    private var phase = Phase.running
    private var deadline: Int64?
    /// While the run waits for something that is not its own, its time limit stands still: since when, and what was left.
    private var hold: (since: Int64, left: Int64)?
    private var lingerEnd: Int64 = 0
    private var killStarted: Int64 = 0
    private var killPause: Int64 = 5

    /// Starts the leader.
    init(_ spec: Spec, control: Control, since start: UInt64) throws(Failure) {
        guard let directory = spec.directory.map({ String(cString: $0) }), directory.utf8.first == UInt8(ascii: "/")
        else { throw Failure("spec: directory must be an absolute path") }
        try Self.checkDirectory(directory)
        let name = String(cString: spec.arguments[0]!)
        let program = try Program.resolve(name, directory: directory, path: spec.variable("PATH"))
        let (inbox, input) = try Self.makeInput(spec)
        let (stdout, stdoutEnd) = try Pump.make("stdout", cap: spec.outputCap)
        let (stderr, stderrEnd) = try Pump.make("stderr", cap: spec.outputCap)
        guard cs_become_subreaper() == 0 else { throw Failure("cannot become a sub-reaper", errno: errno) }
        if let descriptors = spec.descriptors {
            // The program inherits it, and we need no more ourselves.
            var (before, now): (UInt64, UInt64) = (0, 0)
            _ = cs_limit_descriptors(UInt64(descriptors), &before, &now)
        }
        let containment = try spec.makeContainment()
        let began = steadyClock()
        record.started = wallClock()
        do throws(Failure) {
            let files = [input, stdoutEnd, stderrEnd]
            leader = try Self.spawn(spec, in: containment, program: program, name: name, files: files)
        } catch {
            try? containment.remove()
            throw error
        }
        self.containment = containment
        namespaceInit = containment.namespaceInit
        for descriptor in [input, stdoutEnd, stderrEnd] where descriptor >= 0 { close(descriptor) }
        self.control = control
        self.stdout = stdout
        self.stderr = stderr
        self.inbox = inbox
        self.stdout.openFile()
        self.stderr.openFile()
        grace = spec.grace
        marker = spec.marker
        since = start
        deadline = spec.timeLimit.map { began + $0 }
        RunnerFaultPoint.agentStarted.pass()
        announce()
        RunnerFaultPoint.announced.pass()
        ExitRecord.reserve()
        Reserve.take()
        // Anything later is told through the FIFO, which is open.
        self.inbox?.look(through: buffer)
    }

    private static func checkDirectory(_ directory: String) throws(Failure) {
        var status = stat()
        if stat(directory, &status) != 0 {
            throw Failure("cannot start in \(directory)", errno: errno)
        }
        if status.st_mode & S_IFMT != S_IFDIR { throw Failure("cannot start in \(directory): it is not a directory") }
        if access(directory, X_OK) != 0 { throw Failure("cannot start in \(directory)", errno: errno) }
    }

    /// The descriptor is the program's; -1 stands for /dev/null.
    private static func makeInput(_ spec: Spec) throws(Failure) -> (Inbox?, Int32) {
        guard spec.wantsMessages else { return (nil, try openInput(spec.standardInput)) }
        let (inbox, readEnd) = try Inbox.make()
        return (inbox, readEnd)
    }

    private static func openInput(_ file: Spec.Text?) throws(Failure) -> Int32 {
        guard let file else { return -1 }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure("cannot open \(String(cString: file)) as standard input", errno: errno)
        }
        return descriptor
    }

    private static func spawn(
        _ spec: Spec,
        in containment: any Containment,
        program: String,
        name: String,
        files: [Int32]
    ) throws(Failure) -> pid_t {
        var pid: pid_t = 0
        var step: Int32 = 0
        let groups = containment.groups
        let failed = program.withCString { program in
            spec.arguments.withUnsafeBufferPointer { arguments in
                spec.environment.withUnsafeBufferPointer { environment in
                    files.withUnsafeBufferPointer { files in
                        groups.withUnsafeBufferPointer { groups in
                            var request = cs_spawn_request()
                            request.program = program
                            request.arguments = arguments.baseAddress
                            request.environment = environment.baseAddress
                            request.directory = UnsafePointer(spec.directory)
                            request.files = files.baseAddress
                            request.file_count = 3
                            request.new_session = 1
                            var member = cs_containment()
                            member.into = containment.home
                            member.groups = groups.baseAddress
                            member.group_count = Int32(groups.count)
                            member.own_proc = containment.namespaceInit != 0 ? 1 : 0
                            member.oom_score = spec.oomScore
                            return cs_spawn_contained(&request, &member, &pid, &step)
                        }
                    }
                }
            }
        }
        if failed == 0 { return pid }
        if step == CS_STEP_DIRECTORY, let directory = spec.directory {
            throw Failure("cannot start in \(String(cString: directory))", errno: failed)
        }
        throw step == CS_STEP_EXEC ? Program.explain(failed, name: name, file: program) : explainSpawn(step, failed)
    }

    /// Says in `started` who the leader is. Without it the daemon knows less, but the run goes on. Made durable only
    /// now that the leader is at work, so that no disk delays its start.
    private func announce() {
        do throws(Failure) {
            try Files.write("started", Files.identity(of: leader).text + "at_ms \(record.started)\n")
            Files.makeDurable("started")
        } catch {}
    }

    // MARK: The loop

    /// Returns when the leader has ended, nothing of its tree is left and all output is in the files.
    mutating func waitForEnd() -> ExitRecord {
        // The leader may have ended before SIGCHLD was first looked for; the signal is pending then, and the poll
        // returns at once.
        while !isOver { waitForEvent() }
        RunnerFaultPoint.treeEnded.pass()
        Reserve.giveBack()
        do throws(Failure) { try containment.remove() } catch { record.error = record.error ?? error.text }
        stdout.finish(through: buffer)
        stderr.finish(through: buffer)
        if let hold { record.held += steadyClock() - hold.since }
        record.stdout = stdout.size
        record.stderr = stderr.size
        record.outputCut = stdout.isCut || stderr.isCut
        for pump in [stdout, stderr] where pump.failure != 0 && record.error == nil {
            record.error = "\(pump.name) could not be written: \(String(cString: strerror(pump.failure)))"
        }
        return record
    }

    private var isOver = false

    private mutating func waitForEvent() {
        var descriptors = [
            pollfd(fd: control.signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: control.fifo, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stdout.pipe ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stderr.pipe ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: inbox?.isWaiting == true ? inbox?.pipe ?? -1 : -1, events: Int16(POLLOUT), revents: 0),
        ]
        let timeout = deadline.map { Int32(clamping: max(0, $0 - steadyClock())) } ?? -1
        guard poll(&descriptors, nfds_t(descriptors.count), timeout) >= 0 else { return }
        let buffer = buffer
        var hasMoved = false
        if descriptors[2].revents != 0, stdout.move(through: buffer) { hasMoved = true }
        if descriptors[3].revents != 0, stderr.move(through: buffer) { hasMoved = true }
        if hasMoved, phase == .lingering { deadline = min(steadyClock() + Self.lingerTime, lingerEnd) }
        if descriptors[4].revents != 0 { inbox?.forward(through: buffer) }
        // The leader's end first: what has ended by itself is not stopped any more.
        var isStopWanted = false
        if descriptors[0].revents != 0 {
            isStopWanted = control.drainSignals()
            reap()
        }
        if descriptors[1].revents != 0 {
            control.drainFIFO()
            inbox?.look(through: buffer)
            lookAtHold()
            isStopWanted = isStopWanted || Control.isStopWanted
        }
        if isStopWanted { stop() }
        if let deadline, deadline <= steadyClock() { advance() }
    }

    private mutating func lookAtHold() {
        let now = steadyClock()
        if let hold, !Control.isHoldWanted {
            record.held += now - hold.since
            self.hold = nil
            if phase == .running { deadline = now + hold.left }
        } else if hold == nil, phase == .running, let deadline, Control.isHoldWanted {
            hold = (now, deadline - now)
            self.deadline = nil
        }
    }

    private mutating func reap() {
        let hadEnded = leaderHasEnded
        var end = cs_exit()
        while cs_reap_any(0, &end) == 0, end.pid != 0 {
            record.cpu += end.cpu_microseconds
            record.maxRSS = max(record.maxRSS, end.max_rss_kib)
            if end.pid == namespaceInit { namespaceInit = 0 }
            guard end.pid == leader else { continue }
            leaderHasEnded = true
            record.exit = end.code >= 0 ? end.code : nil
            record.signal = end.signal != 0 ? end.signal : nil
        }
        if leaderHasEnded, !hadEnded {
            RunnerFaultPoint.leaderEnded.pass()
            leaderEnded()
        } else if leaderHasEnded, signalTree(0) == 0, containment.isEmpty != false {
            isOver = true
        }
    }

    // MARK: Moving on

    private mutating func leaderEnded() {
        let asked = phase != .running
        if !asked { record.reason = record.signal == nil ? .exited : .signalled }
        if signalTree(0) == 0, containment.isEmpty != false {
            isOver = true
        } else if phase == .killed {
            kill()
        } else if asked {
            dismiss()
        } else {
            lingerEnd = steadyClock() + Self.lingerMost
            enter(.lingering, for: Self.lingerTime)
        }
    }

    private mutating func stop() {
        guard phase == .running, !leaderHasEnded else { return }
        record.reason = .stopped
        signalGroup(SIGINT)
        enter(.interrupted, for: min(Self.interruptTime, grace))
    }

    private mutating func advance() {
        switch phase {
        case .running:
            record.reason = .timedOut
            terminate()
        case .interrupted:
            terminate()
        case .lingering:
            dismiss()
        case .terminated, .dismissed:
            killStarted = steadyClock()
            kill()
        case .killed:
            kill()
        }
    }

    private mutating func terminate() {
        signalGroup(SIGTERM)
        enter(.terminated, for: grace)
    }

    private mutating func dismiss() {
        record.killedAfterExit = signalTree(SIGTERM)
        if record.killedAfterExit == 0, containment.isEmpty != false { isOver = true }
        enter(.dismissed, for: min(Self.dismissTime, grace))
    }

    private mutating func kill() {
        containment.kill()
        var left = signalTree(SIGKILL)
        // What the containment holds and /proc does not show us.
        if left == 0, containment.isEmpty == false { left = 1 }
        if left == 0, leaderHasEnded {
            isOver = true
        } else if left != 0, steadyClock() - killStarted > Self.killTime {
            record.error = left < 0 ? "cannot read /proc" : "\(left) processes of the run could not be killed"
            isOver = true
        }
        enter(.killed, for: killPause)
        killPause = min(killPause * 2, 500)
    }

    private mutating func enter(_ phase: Phase, for time: Int64) {
        self.phase = phase
        deadline = steadyClock() + time
    }

    // MARK: Signals

    /// To the leader's group, which keeps its number for as long as the leader is not reaped.
    private func signalGroup(_ signal: Int32) {
        guard !leaderHasEnded else { return }
        _ = Glibc.kill(-leader, signal)
        // What is suspended sees neither.
        _ = Glibc.kill(-leader, SIGCONT)
    }

    /// To every process of the run; says how many there were.
    private func signalTree(_ signal: Int32) -> Int32 {
        var tree = cs_tree()
        tree.root = getpid()
        tree.namespace_init = namespaceInit
        tree.marker = marker.map { UnsafePointer($0) }
        tree.since = since
        return cs_tree_signal(&tree, signal)
    }
}
