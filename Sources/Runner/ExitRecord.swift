import Glibc

/// How the run ended: what `exit.json` says.
struct ExitRecord {
    enum Reason: String {
        case exited
        case signalled
        case stopped
        case timedOut = "timed_out"
        case notStarted = "not_started"
    }

    var reason = Reason.notStarted
    /// The leader's exit code and signal: one of them once it has ended.
    var exit: Int32?
    var signal: Int32?
    var error: String?
    var started = wallClock()
    var ended: Int64 = 0
    var maxRSS: Int64 = 0
    var cpu: Int64 = 0
    /// For how long the time limit stood still, in milliseconds.
    var held: Int64 = 0
    var stdout: Int64 = 0
    var stderr: Int64 = 0
    var outputCut = false
    /// How many processes were left when the leader had ended, and were ended by us.
    var killedAfterExit: Int32 = 0

    var json: String {
        var text = "{\"reason\":\"\(reason.rawValue)\""
        text += ",\"exit\":\(exit.map { String($0) } ?? "null"),\"signal\":\(signal.map { String($0) } ?? "null")"
        if let error { text += ",\"error\":\"\(escaped(error))\"" }
        text +=
            ",\"started_ms\":\(started),\"ended_ms\":\(ended),\"held_ms\":\(held),\"max_rss_kib\":\(maxRSS),\"cpu_us\":\(cpu)"
        text += ",\"stdout_bytes\":\(stdout),\"stderr_bytes\":\(stderr),\"output_cut\":\(outputCut)"
        text += ",\"killed_after_exit\":\(killedAfterExit)}\n"
        return text
    }

    // MARK: Writing

    static let name = "exit.json"
    private static let temporary = "exit.json.tmp"

    /// Takes the space the record will need, so that a disk that fills up during the run cannot keep its end from being
    /// recorded. Failing is no harm yet.
    static func reserve() {
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        posix_fallocate(descriptor, 0, 4096)
        close(descriptor)
    }

    /// Writes the record, whole or not at all, and returns when it is durable. Tries for some seconds, since without it
    /// the run counts as lost.
    func write() throws(Failure) {
        for attempt in 1... {
            let failed = attemptToWrite()
            if failed == 0 { return }
            if attempt == 5 { throw Failure("cannot write \(Self.name)", errno: failed) }
            poll(nil, 0, 1000)
        }
    }

    private func attemptToWrite() -> Int32 {
        let text = json
        let descriptor = open(Self.temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno }
        var failed = Files.writeAll(descriptor, text)
        if failed == 0, ftruncate(descriptor, text.utf8.count) != 0 { failed = errno }
        if failed == 0, fsync(descriptor) != 0 { failed = errno }
        close(descriptor)
        RunnerFaultPoint.recordWritten.pass()
        if failed == 0, rename(Self.temporary, Self.name) != 0 { failed = errno }
        if failed != 0 { return failed }
        let folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return errno }
        fsync(folder)
        close(folder)
        return 0
    }
}

private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\u{0}"..."\u{1F}", "\u{7F}":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// Some room kept from the start, so that on a disk that has filled up the files of the run's output can still say so.
enum Reserve {
    private static let name = "reserve"
    private static let size: off_t = 16 << 10

    /// Failing is no harm yet.
    static func take() {
        let descriptor = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        posix_fallocate(descriptor, 0, size)
        close(descriptor)
    }

    static func giveBack() { unlink(name) }
}
