import CSystem
import Foundation
import Testing

/// A directory for one test, removed with everything in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/orch-tui-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Runs a program to its end: what it wrote to standard output, and its exit code. Its standard input is empty.
@discardableResult
func runProgram(_ program: String, _ arguments: [String], environment: [String: String]) throws -> (
    output: String, code: Int32
) {
    var pipes: [Int32] = [0, 0]
    guard pipe(&pipes) == 0 else { throw Failure("pipe: errno \(errno)") }
    defer { close(pipes[0]) }
    let strings = ([program] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (strings + variables).forEach { free($0) } }
    let files: [Int32] = [-1, pipes[1], pipes[1]]
    var pid: pid_t = 0
    let failed = strings.withUnsafeBufferPointer { arguments in
        variables.withUnsafeBufferPointer { environment in
            files.withUnsafeBufferPointer { files in
                var request = cs_spawn_request(
                    program: arguments[0],
                    arguments: arguments.baseAddress,
                    environment: environment.baseAddress,
                    directory: nil,
                    files: files.baseAddress,
                    file_count: Int32(files.count),
                    new_session: 0
                )
                return cs_spawn(&request, &pid)
            }
        }
    }
    close(pipes[1])
    guard failed == 0 else { throw Failure("cannot start \(program): errno \(failed)") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(pipes[0], &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        bytes += buffer[..<count]
    }
    var exit = cs_exit()
    guard cs_reap(pid, 1, &exit) == 0 else { throw Failure("cannot reap \(program): errno \(errno)") }
    return (String(decoding: bytes, as: UTF8.self), exit.code)
}

/// The end of a process that is somebody else's child: the kernel tells, by a descriptor that is opened while it lives.
final class EndOfProcess: Sendable {
    private let pidfd: Int32

    init(_ pid: pid_t) throws {
        pidfd = cs_pidfd_open(pid)
        guard pidfd >= 0 else { throw Failure("no pidfd of \(pid): errno \(errno)") }
    }

    deinit { close(pidfd) }

    /// Whether it comes within half a minute.
    func comes() async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
                continuation.resume(returning: poll(&watched, 1, 30_000) == 1)
            }
        }
    }
}

/// A real terminal: a tmux server of the test's own, with a shell in it.
final class Tmux: Sendable {
    private static let program = ["/usr/bin/tmux", "/usr/local/bin/tmux", "/bin/tmux"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    static var isInstalled: Bool { program != nil }

    /// Beside the test bundle.
    static var probe: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/TUIProbe"
    }

    private let directory: TemporaryDirectory
    private let environment: [String: String]

    init(columns: Int, rows: Int, in directory: TemporaryDirectory) throws {
        self.directory = directory
        environment = [
            "PATH": "/usr/bin:/bin", "HOME": directory.path, "TMUX_TMPDIR": directory.path, "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        ]
        // Without a history, which the shell would write into a folder that is being removed.
        let shell = "env PS1='> ' HISTFILE= bash --norc --noprofile"
        try tmux("new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", shell)
    }

    deinit { _ = try? tmux("kill-server") }

    @discardableResult
    private func tmux(_ arguments: String...) throws -> String { try tmux(arguments) }

    @discardableResult
    private func tmux(_ arguments: [String]) throws -> String {
        guard let program = Self.program else { throw Failure("tmux is not installed") }
        let name = "orch-test-\(getpid())"
        let result = try runProgram(program, ["-L", name, "-f", "/dev/null"] + arguments, environment: environment)
        guard result.code == 0 else { throw Failure("tmux \(arguments): \(result.output)") }
        return result.output
    }

    /// Types a line into the shell.
    func type(_ line: String) throws {
        try tmux("send-keys", "-l", line)
        try tmux("send-keys", "Enter")
    }

    func press(_ keys: String...) throws { for key in keys { try tmux("send-keys", key) } }

    /// Bytes as a terminal sends them: all at once, since a pause after ESC would make it a key.
    func press(bytes: [UInt8]) throws { try tmux(["send-keys", "-H"] + bytes.map { String($0, radix: 16) }) }

    func resize(columns: Int, rows: Int) throws {
        try tmux("resize-window", "-x", "\(columns)", "-y", "\(rows)")
    }

    /// What tmux knows of the pane, by a format's name.
    func value(of name: String) throws -> String { try String(tmux("display-message", "-p", "#{\(name)}").dropLast()) }

    func set(_ option: String, to value: String) throws { try tmux("set-option", "-s", option, value) }

    /// What a program in it has copied.
    func copied() throws -> String { try tmux("show-buffer") }

    /// Every byte that is written to it from now on goes to a file, too.
    func record(to file: String) throws { try tmux("pipe-pane", "-o", "exec cat > \(file)") }

    /// The window is closed while the program runs.
    func hangUp() throws { try tmux("kill-window") }

    func screen() throws -> String { try tmux("capture-pane", "-p") }
    func styledScreen() throws -> String { try tmux("capture-pane", "-p", "-e") }
    var isAlternateScreen: Bool { get throws { try tmux("display-message", "-p", "#{alternate_on}") == "1\n" } }

    /// What the shell runs now.
    func child() throws -> pid_t {
        let shell = try tmux("display-message", "-p", "#{pane_pid}").split(separator: "\n")[0]
        let children = try runProgram("/bin/cat", ["/proc/\(shell)/task/\(shell)/children"], environment: [:]).output
        guard let child = children.split(separator: " ").first.flatMap({ pid_t($0) }) else {
            throw Failure("the shell runs nothing:\n\(try screen())")
        }
        return child
    }

    /// Waits until the screen shows `text`; the screen then.
    @discardableResult
    func waits(for text: String, until isGood: (String) -> Bool = { _ in true }) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let screen = try screen()
            if screen.contains(text), isGood(screen) { return screen }
            guard ContinuousClock.now < deadline else { throw Failure("\(text) did not appear:\n\(screen)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
