import CMeasuring
import Glibc

/// Something went wrong that makes figures worthless.
public struct Trouble: Error, CustomStringConvertible {
    public let description: String
    public init(_ text: String) { description = text }
}

/// A process as one would start it by hand: posix_spawn and nothing else.
public struct Child {
    public let pid: Int32

    /// - Parameter terminal: the name of one that shall be its own; else it has ours.
    public init(
        _ arguments: [String],
        in directory: String? = nil,
        environment: [String: String],
        terminal: String? = nil
    ) throws {
        let texts = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in texts + variables { free(text) } }
        var pid: pid_t = 0
        let failed = cm_spawn(&pid, directory, terminal, texts, variables)
        guard failed == 0 else { throw Trouble("cannot start \(arguments[0]): \(String(cString: strerror(failed)))") }
        self.pid = pid
    }

    /// Waits for its end. Throws when that is not exit 0.
    public func wait(_ what: String) throws {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw Trouble("cannot wait for \(what)") }
        }
        if status != 0 { throw Trouble("\(what) failed (wait status \(status))") }
    }
}
