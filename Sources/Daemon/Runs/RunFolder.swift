import CSystem
import Core
import Foundation
import Glibc

/// The folder of one run, through which the daemon and the run's orch-runner speak.
///
/// | file | by | what |
/// |---|---|---|
/// | `spec` | daemon | what to run; whole or absent. Without environment and arguments once the run has begun |
/// | `token` | daemon | by what its agent's tools show that they are its own |
/// | `pulse` | daemon | when its agent gave its last sign of life, where it must give some |
/// | `stop` | daemon | the lasting intent to stop |
/// | `hold` | daemon | the time limit stands still for as long as it is there |
/// | `agreement.json` | daemon | how the run's agent is spoken with, where it speaks a protocol |
/// | `inbox.jsonl`, `inbox.end` | daemon | messages to the program, and that no more follow |
/// | `inbox.keys` | daemon | what each message is about, where the agent speaks a protocol |
/// | `events.jsonl` | daemon | what such an agent has said and done |
/// | `usage.json` | daemon | what it has used, once it has ended |
/// | `finished` | daemon | its turn had ended, and it did not end by itself |
/// | `inbox.taken` | runner | how many bytes of them the program has been given |
/// | `control` | runner | a FIFO; a byte makes the runner look for `stop`, `hold` and messages |
/// | `lock` | runner | locked (flock) for as long as the runner lives |
/// | `runner`, `started` | runner | who the runner and the run's program are |
/// | `init` | runner | who the init of the run's PID namespace is, where it has one |
/// | `stdout`, `stderr` | runner | the run's output, only ever appended to |
/// | `exit.json` | runner | how it ended; by the daemon when the runner could not say |
///
/// None of the daemon's files is flushed to disk: they need to outlive the daemon, which the page cache does, and not
/// the machine, with which the run itself is gone. `spec` carries the boot id, so that a run from before a restart of
/// the machine is found to be lost and never starts a second time.
struct RunFolder: Hashable, Sendable {
    let path: String

    /// The environment entry that marks the processes of this run, and no other on this machine: ids such as `T-1.1`
    /// would be the same in another state directory.
    static let markerName = "ORCH_RUN_FOLDER"
    var marker: String { Self.markerName + "=" + path }

    func file(_ name: String) -> String { path + "/" + name }

    /// Makes the folder; false if it was there already.
    func create() throws(RunFailure) -> Bool {
        if mkdir(path, 0o700) == 0 { return true }
        if errno == EEXIST { return false }
        throw RunFailure("cannot make the run folder \(path)", errno: errno)
    }

    func has(_ name: String) -> Bool { access(file(name), F_OK) == 0 }

    func size(of name: String) -> Int {
        var status = stat()
        return stat(file(name), &status) == 0 ? Int(status.st_size) : 0
    }

    /// Writes a file so that it is seen whole or not at all.
    func write(_ name: String, _ bytes: [UInt8]) throws(RunFailure) {
        let temporary = file(name + ".new")
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure("cannot write \(file(name))", errno: errno) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                let failed = errno
                close(descriptor)
                throw RunFailure("cannot write \(file(name))", errno: failed)
            }
            written += count
        }
        close(descriptor)
        FaultPoint.runFileWritten.pass()
        if rename(temporary, file(name)) != 0 { throw RunFailure("cannot write \(file(name))", errno: errno) }
    }

    /// The whole of a small file; nil when there is none or it cannot be read.
    func read(_ name: String) -> [UInt8]? {
        let descriptor = open(file(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// How the run ended, if it has.
    var end: RunEnd? {
        guard let bytes = read("exit.json") else { return nil }
        do {
            return try JSONDecoder().decode(RunEnd.self, from: Data(bytes))
        } catch {
            let now = RunClock.now()
            return RunEnd(reason: .lost("\(file("exit.json")) cannot be read: \(error)"), started: now, ended: now)
        }
    }

    /// The boot id under which the run was asked for: the third and fourth field of `spec`.
    var specBoot: String? {
        guard let bytes = read("spec") else { return nil }
        let fields = bytes.split(separator: 0, maxSplits: 4, omittingEmptySubsequences: false)
        guard fields.count == 5, fields[2].elementsEqual("boot".utf8) else { return nil }
        return String(decoding: fields[3], as: UTF8.self)
    }

    /// Leaves of `spec` what says which run it was, if its runner has not done so: nothing that a run was given in its
    /// environment stays on the disk when it is over.
    func forgetSpec() {
        guard let bytes = read("spec") else { return }
        let fields = bytes.split(separator: 0, omittingEmptySubsequences: false)
        var kept: [UInt8] = []
        var index = 0
        while index + 1 < fields.count {
            if ["version", "boot", "run", "group"].contains(where: { fields[index].elementsEqual($0.utf8) }) {
                kept += fields[index] + [0] + fields[index + 1] + [0]
            }
            index += 2
        }
        kept += Array("end\0\0".utf8)
        if kept != bytes { try? write("spec", kept) }
    }

    /// Who a file of the runner's names.
    func identity(in name: String) -> ProcessIdentity? { read(name).flatMap(ProcessIdentity.init(bytes:)) }

    // MARK: The lock

    /// Takes the runner's lock if no runner lives. The descriptor holds it until closed; nil when a runner has it.
    func takeLock() throws(RunFailure) -> Int32? {
        let descriptor = open(file("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure("cannot open \(file("lock"))", errno: errno) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let failed = errno
            close(descriptor)
            if failed == EWOULDBLOCK { return nil }
            throw RunFailure("cannot lock \(file("lock"))", errno: failed)
        }
        return descriptor
    }

    /// Gives the lock back at once, even where a child about to start still has a copy of the descriptor.
    static func release(_ lock: Int32) {
        flock(lock, LOCK_UN)
        close(lock)
    }

    // MARK: Stopping

    /// Leaves the intent to stop, then wakes the runner, if there is one. In this order: a runner that opens its FIFO
    /// only after the byte was sent looks for the file afterwards.
    func requestStop() throws(RunFailure) {
        let descriptor = open(file("stop"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure("cannot write \(file("stop"))", errno: errno) }
        close(descriptor)
        FaultPoint.runStopWritten.pass()
        wakeRunner()
    }

    /// Makes the runner look at what was left for it, if there is one.
    func wakeRunner() {
        let control = open(file("control"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard control >= 0 else { return }
        _ = Glibc.write(control, "s", 1)
        close(control)
    }
}

/// One process, beyond doubt until the machine restarts; numbers alone are reused.
struct ProcessIdentity: Equatable, Sendable {
    let pid: pid_t
    /// In clock ticks since the machine's start.
    let start: UInt64
    let boot: String
    /// Milliseconds since 1970; of `started` only.
    var at: Int64?

    /// Reads lines such as `pid 4121`.
    init?(bytes: [UInt8]) {
        var values: [Substring: Substring] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        guard let pid = values["pid"].flatMap({ pid_t($0) }), pid > 0,
            let start = values["start"].flatMap({ UInt64($0) }),
            let boot = values["boot"]
        else { return nil }
        self.pid = pid
        self.start = start
        self.boot = String(boot)
        at = values["at_ms"].flatMap { Int64($0) }
    }

    /// A pidfd of the process, if it is still there: opened first, so that what is then compared is what it stands for.
    func openPidfd(boot current: String) -> Int32? {
        guard boot == current else { return nil }
        let pidfd = cs_pidfd_open(pid)
        guard pidfd >= 0 else { return nil }
        var process = cs_process()
        if cs_process_status(pid, &process) == 0, process.start == start { return pidfd }
        close(pidfd)
        return nil
    }

    /// The id of this start of the machine.
    static func currentBoot() throws(RunFailure) -> String {
        var text = [CChar](repeating: 0, count: 37)
        guard cs_boot_id(&text) == 0 else { throw RunFailure("cannot read the boot id", errno: errno) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension RunID {
    /// The run's folder within `runs/`: its id, with what a file name cannot hold, or would hide, as `%2F`.
    var folderName: String {
        var name = ""
        for byte in description.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where !name.isEmpty:
                name += "."
            default:
                name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return name
    }
}
