import Daemon
import Glibc
import IPC

/// The only place that writes to standard output and standard error.
final class Console {
    let environment: [String: String]
    /// Standard output is a terminal: a person reads it as it comes.
    let isTerminal: Bool
    /// Whoever read standard output has gone; what is written goes nowhere.
    private(set) var isClosed = false
    private var buffer: [UInt8] = []
    /// Why standard output could not be written, if it could not.
    private var failure: Int32?

    init(environment: [String: String]) {
        self.environment = environment
        isTerminal = isatty(STDOUT_FILENO) == 1
    }

    /// Takes up the user's character set, for widths; where it has none beyond ASCII, UTF-8.
    static func adoptLocale() {
        setlocale(LC_CTYPE, "")
        if String(cString: nl_langinfo(nl_item(CODESET))) != "UTF-8" { setlocale(LC_CTYPE, "C.UTF-8") }
    }

    /// Columns of the terminal; nil where output is no terminal, and nothing needs to fit.
    var width: Int? {
        guard isTerminal else { return nil }
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment["COLUMNS"].flatMap(Int.init) ?? 80
    }

    /// Colours only for a terminal that can show them, and whose user wants them.
    var usesColour: Bool {
        isTerminal && environment["NO_COLOR"].map(\.isEmpty) ?? true && environment["TERM"] != "dumb"
    }

    // MARK: standard output

    /// Prints one line.
    func write(_ line: String) {
        write(bytes: line.utf8)
        write(bytes: [0x0A])
    }

    /// Prints a value on one line.
    func write(json: JSONValue) {
        write(bytes: json.bytes)
        write(bytes: [0x0A])
    }

    /// Prints lines to be read by a person, with a style for those who see colours.
    func write(_ table: Table) {
        for line in table.lines(width: width, colour: usesColour) { write(line) }
    }

    /// Text in the colours of its meaning, for those who see colours.
    func styled(_ text: String, _ style: Table.Style) -> String {
        usesColour && style != .plain ? style.rawValue + text + "\u{1B}[0m" : text
    }

    func write(bytes: some Sequence<UInt8>) {
        guard !isClosed else { return }
        buffer.append(contentsOf: bytes)
        if buffer.count >= 1 << 16 { flush() }
    }

    /// Hands on what was printed so far.
    func flush() {
        var written = 0
        while written < buffer.count, !isClosed {
            let count = buffer.withUnsafeBytes {
                Glibc.write(STDOUT_FILENO, $0.baseAddress! + written, $0.count - written)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                var wait = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                poll(&wait, 1, -1)
            } else if errno != EINTR {
                if errno != EPIPE { failure = errno }
                isClosed = true
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Hands on the rest. A reader that has gone is no failure; a full disk is.
    func finish() -> ExitStatus {
        flush()
        guard let failure else { return .done }
        complain("cannot write to standard output: \(String(cString: strerror(failure)))")
        return .failed
    }

    // MARK: standard error

    /// Reports an error: for scripts on standard output, where they look for JSON, for people on standard error.
    func report(_ error: CommandError, json: Bool) {
        if json { return write(json: error.json) }
        for problem in error.problems { say(problem.description) }
        complain(error.message, hint: error.hint)
    }

    /// `orch: what is wrong`, and what to do about it.
    func complain(_ message: String, hint: String? = nil) {
        say("orch: " + message)
        if let hint { say("hint: " + hint) }
    }

    /// A line on standard error, behind everything printed so far.
    func say(_ line: String) {
        flush()
        var bytes = Array((SafeText.lines(line) + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress!, $0.count) }
            if count > 0 { bytes = bytes.dropFirst(count) } else if errno != EINTR { return }
        }
    }
}
