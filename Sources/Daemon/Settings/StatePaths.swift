import Glibc

/// Where orch keeps its files: state, socket and the user's configuration.
public struct StatePaths: Hashable, Sendable {
    /// Why there is no place for the state, and how to give one.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// Absolute; everything else is in it, but the socket where there is a directory for sockets.
    public let directory: String
    /// Absolute. Longer than a socket's name may be where the state directory is deep: binding says so.
    public let socket: String
    /// Whether the socket's directory is orch's own: nobody has asked for another one.
    let ownsSocketDirectory: Bool
    /// The user's configuration; it need not exist.
    public let configuration: String

    public var database: String { directory + "/orch.db" }
    public var runs: String { directory + "/runs" }
    public var worktrees: String { directory + "/worktrees" }
    public var metrics: String { directory + "/metrics" }
    public var caches: String { directory + "/caches" }
    public var trash: String { directory + "/trash" }
    public var lock: String { directory + "/daemon.lock" }

    /// Finds the places.
    ///
    /// - State: the flag, `ORCH_STATE_DIR`, `$XDG_STATE_HOME/orch`, `~/.local/state/orch`.
    /// - Socket: the flag, `ORCH_SOCKET`; with the state in a place that was asked for by flag or `ORCH_STATE_DIR`,
    ///   `orch.sock` in it, so that two daemons do not share one; else `$XDG_RUNTIME_DIR/orch/orch.sock`, else in the
    ///   state directory.
    /// - Configuration: the flag, `ORCH_CONFIG`, `$XDG_CONFIG_HOME/orch/config.json`, `~/.config/orch/config.json`.
    ///
    /// Relative `XDG_` variables are ignored, as their specification asks; a relative flag or `ORCH_` variable is
    /// read from the working directory. Where `HOME` is missing, empty or relative, the user database is asked.
    public init(
        environment: [String: String],
        stateDirectory: String? = nil,
        socket: String? = nil,
        configuration: String? = nil,
        workingDirectory: String,
        homeOfUser: () -> String? = Self.homeInUserDatabase
    ) throws(Problem) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func xdg(_ name: String) -> String? { variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        func absolute(_ path: String) -> String {
            Self.normalized(path.hasPrefix("/") ? path : workingDirectory + "/" + path)
        }
        func home(for what: String, _ flag: String) throws(Problem) -> String {
            if let home = xdg("HOME") { return home }
            if let home = homeOfUser(), home.hasPrefix("/") { return home }
            throw Problem(
                description:
                    "there is no home directory for the \(what): HOME is not set, and user \(getuid()) has none; "
                    + "set HOME or use \(flag)"
            )
        }
        let asked = stateDirectory ?? variable("ORCH_STATE_DIR")
        let directory: String
        if let asked {
            directory = absolute(asked)
        } else if let base = xdg("XDG_STATE_HOME") {
            directory = Self.normalized(base + "/orch")
        } else {
            directory = Self.normalized(try home(for: "state", "--state-dir") + "/.local/state/orch")
        }
        self.directory = directory

        if let socket = socket ?? variable("ORCH_SOCKET") {
            self.socket = absolute(socket)
            ownsSocketDirectory = false
        } else if asked == nil, let base = xdg("XDG_RUNTIME_DIR") {
            self.socket = Self.normalized(base + "/orch/orch.sock")
            ownsSocketDirectory = true
        } else {
            self.socket = directory + "/orch.sock"
            ownsSocketDirectory = true
        }

        if let configuration = configuration ?? variable("ORCH_CONFIG") {
            self.configuration = absolute(configuration)
        } else if let base = xdg("XDG_CONFIG_HOME") {
            self.configuration = Self.normalized(base + "/orch/config.json")
        } else {
            self.configuration = Self.normalized(
                try home(for: "configuration", "--config") + "/.config/orch/config.json"
            )
        }
    }

    /// Without doubled and trailing slashes and `.`; `..` stays, because what it means depends on links.
    static func normalized(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The home directory the user database has for this process's user.
    public static func homeInUserDatabase() -> String? {
        var buffer = [CChar](repeating: 0, count: 1 << 14)
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(getuid(), &entry, &buffer, buffer.count, &result) == 0, result != nil, let home = entry.pw_dir
        else { return nil }
        return String(cString: home)
    }
}
