import CSystem
import Daemon
import Glibc
import IPC

/// A daemon in the background, in a session of its own, for those who have none running.
struct DetachedDaemon {
    let global: GlobalOptions
    let console: Console

    /// How long a daemon may take until it listens; one with a long history loads it first.
    private static let patience = Duration.seconds(60)

    /// A connection to the daemon that runs, or to one that is started for it.
    ///
    /// - Throws: the end of the daemon's log where it did not come up.
    func connect() throws -> (Client, isNew: Bool) {
        do {
            return (try global.connect(console), false)
        } catch let error as RPCError where error.code == .daemonNotRunning {
            return (try start(), true)
        }
    }

    private func start() throws -> Client {
        try InsideRun.refuse("starting a daemon", global, console)
        let paths = try global.paths(console)
        // Refused here where its problems can be read, not in a log.
        _ = try global.settings(console)
        let log = "\(paths.directory)/daemon.log"
        let begun = try openLog(log, in: paths.directory)
        defer { close(begun.descriptor) }
        let process = try spawn(paths, log: begun.descriptor)
        defer { close(process) }
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            do { return try global.connect(console) } catch let error as RPCError where error.code == .unavailable {
                // Somebody else's, which will not listen here.
                throw error
            } catch {}
            var end = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
            // Nothing tells of a socket that begins to listen, so it is tried now and again until the daemon has ended.
            guard poll(&end, 1, 20) > 0 else { continue }
            // Somebody else's came first, and this one has made way for it; that one may not listen yet.
            if said(in: log, from: begun.size).contains("another daemon is running") {
                usleep(20_000)
                continue
            }
            if let client = try? Client.connect(path: paths.socket) { return client }
            throw failure("the daemon ended before it listened", log, from: begun.size)
        }
        throw failure(
            "the daemon does not listen yet after \(Self.patience.components.seconds) s",
            log,
            from: begun.size
        )
    }

    private func openLog(_ log: String, in directory: String) throws -> (descriptor: Int32, size: Int) {
        do {
            try Folders.make(directory)
        } catch {
            throw CommandError.failed("cannot make \(directory): \(error)", hint: "choose another --state-dir")
        }
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandError.failed(
                "cannot write \(log): \(String(cString: strerror(errno)))",
                hint: "choose another --state-dir"
            )
        }
        var status = stat()
        fstat(descriptor, &status)
        return (descriptor, Int(status.st_size))
    }

    /// Starts `orch daemon` with our options, and returns a descriptor of the process.
    private func spawn(_ paths: StatePaths, log: Int32) throws -> Int32 {
        var arguments = [
            "orch", "daemon", "--state-dir", paths.directory, "--socket", paths.socket,
        ]
        // Named only where it was: a file that is named has to exist.
        if global.config != nil { arguments += ["--config", paths.configuration] }
        let environment = console.environment.map { "\($0.key)=\($0.value)" }
        var pid: pid_t = 0
        let failed = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                Programs.ourselves().withCString { program in
                    "/".withCString { root in
                        [-1, log, log].withUnsafeBufferPointer { files in
                            var request = cs_spawn_request()
                            request.program = program
                            request.arguments = arguments
                            request.environment = environment
                            request.directory = root
                            request.files = files.baseAddress
                            request.file_count = Int32(files.count)
                            request.new_session = 1
                            return cs_spawn(&request, &pid)
                        }
                    }
                }
            }
        }
        guard failed == 0 else {
            throw CommandError.failed(
                "cannot start a daemon: \(String(cString: strerror(failed)))",
                hint: "try: orch daemon"
            )
        }
        let descriptor = cs_pidfd_open(pid)
        guard descriptor >= 0 else {
            throw CommandError.failed(
                "cannot watch the daemon: \(String(cString: strerror(errno)))",
                hint: "`orch status` says whether it runs"
            )
        }
        return descriptor
    }

    /// The strings as C has them, with a null behind the last, as long as `body` runs.
    private func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeMutableBufferPointer { body(UnsafePointer($0.baseAddress!)) }
    }

    /// What the log says since the daemon was started, at most its last lines.
    private func failure(_ message: String, _ log: String, from start: Int) -> CommandError {
        let lines = said(in: log, from: start).split(separator: "\n").suffix(10)
        let end = lines.isEmpty ? "" : ":\n" + lines.map { "    " + $0 }.joined(separator: "\n")
        return .failed(message + end, hint: "its log is \(log); to see it start: orch daemon")
    }

    /// The log behind an offset, at most 64 KiB of it.
    private func said(in log: String, from start: Int) -> String {
        guard let file = fopen(log, "re") else { return "" }
        defer { fclose(file) }
        fseek(file, start, SEEK_SET)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        return String(decoding: buffer[..<fread(&buffer, 1, buffer.count, file)], as: UTF8.self)
    }
}
