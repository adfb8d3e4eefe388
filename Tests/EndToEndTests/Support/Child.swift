import CSystem
import Glibc

/// A process a test has started: its own session, its descriptors given one by one, and a pidfd to wait on.
final class Child {
    let pid: pid_t
    private let pidfd: Int32
    private var ended: cs_exit?

    /// - Parameters:
    ///   - arguments: the program's path first.
    ///   - output, error: descriptors that become the child's; they stay open here.
    init(
        _ arguments: [String],
        environment: [String: String],
        directory: String? = nil,
        output: Int32 = -1,
        error: Int32 = -1
    ) throws {
        let strings = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        let place = directory.map { strdup($0) } ?? nil
        defer { (strings + variables + [place]).forEach { free($0) } }
        let files: [Int32] = [-1, output, error]
        var pid: pid_t = 0
        let failed = strings.withUnsafeBufferPointer { arguments in
            variables.withUnsafeBufferPointer { environment in
                files.withUnsafeBufferPointer { files in
                    var request = cs_spawn_request(
                        program: arguments[0],
                        arguments: arguments.baseAddress,
                        environment: environment.baseAddress,
                        directory: place,
                        files: files.baseAddress,
                        file_count: Int32(files.count),
                        new_session: 1
                    )
                    return cs_spawn(&request, &pid)
                }
            }
        }
        guard failed == 0 else {
            throw Failure("cannot start \(arguments[0]): \(String(cString: strerror(failed)))")
        }
        self.pid = pid
        pidfd = cs_pidfd_open(pid)
        guard pidfd >= 0 else { throw Failure("no pidfd of \(pid)") }
    }

    deinit {
        if ended == nil {
            signal(SIGKILL)
            _ = try? wait()
        }
        close(pidfd)
    }

    func signal(_ number: Int32) { _ = cs_pidfd_send_signal(pidfd, number) }

    /// How it ended, if it has by then.
    func end(within limit: Duration = .zero) throws -> cs_exit? {
        if let ended { return ended }
        var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        let deadline = ContinuousClock.now + limit
        repeat {
            if poll(&watched, 1, Int32(max(0, milliseconds(until: deadline)))) > 0 {
                var exit = cs_exit()
                guard cs_reap_pidfd(pidfd, 1, &exit) == 0 else { throw Failure("cannot reap \(pid)") }
                ended = exit
                return exit
            }
        } while ContinuousClock.now < deadline
        return nil
    }

    /// Waits for its end; one that does not come in a minute is a failure.
    @discardableResult
    func wait() throws -> cs_exit {
        guard let end = try end(within: patience) else { throw Failure("process \(pid) does not end") }
        return end
    }
}

/// How long a fact may take to come about before the test gives up: on any machine, under any load.
let patience = Duration.seconds(60)

func milliseconds(until moment: ContinuousClock.Instant) -> Int64 {
    let (seconds, attoseconds) = (moment - .now).components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
}

/// Waits for a fact that nothing tells of.
func poll(for what: String, within limit: Duration = patience, _ isTrue: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + limit
    while try !isTrue() {
        guard ContinuousClock.now < deadline else { throw Failure("waited in vain for \(what)") }
        usleep(2000)
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What a program that has ended left behind.
struct ProgramOutput {
    let output: String
    let error: String
    let code: Int32
}

/// Runs a program to its end. Its output goes through files, so that neither side ever waits for the other.
func run(_ arguments: [String], environment: [String: String], directory: String? = nil) throws -> ProgramOutput {
    func scratch() throws -> Int32 {
        var name = Array("/tmp/oe-out-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw Failure("no scratch file: errno \(errno)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(name)
        return descriptor
    }
    let (output, error) = (try scratch(), try scratch())
    defer {
        close(output)
        close(error)
    }
    let child = try Child(
        arguments,
        environment: environment,
        directory: directory,
        output: output,
        error: error
    )
    let end = try child.wait()
    func text(_ descriptor: Int32) -> String {
        lseek(descriptor, 0, SEEK_SET)
        return String(decoding: readToEnd(descriptor), as: UTF8.self)
    }
    return ProgramOutput(output: text(output), error: text(error), code: end.code)
}

func readToEnd(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}
