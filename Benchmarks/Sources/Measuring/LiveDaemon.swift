import Foundation
import Glibc
public import IPC

/// The real `orch daemon`, in a scratch folder, with a client connected to it.
public final class LiveDaemon {
    public private(set) var client: Client
    private var child: Child
    private let scratch: Scratch
    private let programs: String
    private let environment: [String: String]
    /// Where its store is.
    public let state: String

    /// - Parameters:
    ///   - programs: the folder of `orch` and `orch-runner`.
    ///   - agent: the command of the only profile.
    ///   - more: what else its configuration says.
    public init(
        _ scratch: Scratch,
        programs: String,
        agent: [String],
        agents: Int = 1,
        durability: String,
        approve: String,
        more: JSONObject = [:]
    ) throws {
        self.scratch = scratch
        self.programs = programs
        var settings: JSONObject = [
            "agents": JSONValue(agents), "approve": .string(approve), "durability": .string(durability),
            "profiles": ["bench": ["command": .array(agent.map { .string($0) }), "timeLimit": "10m"]],
            "defaultProfile": "bench",
        ]
        for (key, value) in more { settings[key] = value }
        state = "\(scratch.folder)/state-\(durability)"
        let configuration = "config-\(durability).json"
        try scratch.write(String(decoding: JSONValue.object(settings).bytes, as: UTF8.self), to: configuration)
        var environment = scratch.environment
        environment["ORCH_STATE_DIR"] = state
        environment["ORCH_CONFIG"] = "\(scratch.folder)/\(configuration)"
        self.environment = environment
        child = try Self.spawn(scratch, programs, environment)
        client = try Self.connect(state + "/orch.sock")
        try client.request("repository.add", ["path": .string(scratch.repository), "trust": true])
    }

    deinit {
        _ = try? client.request("daemon.quit", ["onStop": "halt"])
        try? child.wait("orch daemon")
    }

    private static func spawn(_ scratch: Scratch, _ programs: String, _ environment: [String: String]) throws -> Child {
        try Child(
            ["\(programs)/orch", "daemon", "--log-level", "error"],
            in: scratch.folder,
            environment: environment
        )
    }

    /// Ends it; its agents go on.
    public func quit() throws {
        try client.request("daemon.quit", ["onStop": "detach"])
        try child.wait("orch daemon")
    }

    /// Starts it again; how long until it has answered its first request, in nanoseconds.
    public func restart() throws -> Int64 {
        let began = monotonic()
        child = try Self.spawn(scratch, programs, environment)
        client = try Self.connect(state + "/orch.sock", every: 1000)
        try client.request("tick", timeout: .seconds(120))
        return monotonic() - began
    }

    /// A line of /proc/PID/status, such as `VmHWM`, in KiB.
    public func memory(_ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private static func connect(_ socket: String, every interval: UInt32 = 10_000) throws -> Client {
        for _ in 0..<60_000_000 / interval {
            if let client = try? Client.connect(path: socket) { return client }
            usleep(interval)
        }
        throw Trouble("orch daemon does not listen on \(socket)")
    }

    /// Nanoseconds of CPU the daemon has used, without its children.
    public var cpu: Int64 {
        var clock = clockid_t()
        guard clock_getcpuclockid(child.pid, &clock) == 0 else { return 0 }
        return nanoseconds(of: clock)
    }

    /// Enqueues one ticket.
    public func enqueue(_ ticket: JSONObject) throws -> String {
        let result = try client.request(
            "ticket.enqueue",
            ["repository": .string(scratch.repository), "tickets": [.object(ticket)]]
        )
        guard let id = result["ids"]?.arrayValue?.first?.stringValue else { throw Trouble("no id in \(result)") }
        return id
    }

    /// Waits for an event of a ticket; tells of every event that arrives until then, and when it arrived.
    @discardableResult
    public func wait(
        for name: String,
        of ticket: String,
        each: (String, Int64) -> Void = { _, _ in }
    ) throws -> IPC.Notification {
        while let line = try client.next(timeout: .seconds(60)) {
            guard case .notification(let event) = line, event.params["ticket"]?.stringValue == ticket else { continue }
            each(event.method, monotonic())
            if event.method == name { return event }
            if event.method == "ticket.needs_human_review" || event.method == "ticket.left" {
                throw Trouble("\(ticket) came to \(event.method) instead of \(name): \(event.params)")
            }
        }
        throw Trouble("\(ticket) did not come to \(name) within a minute")
    }
}

/// The folder of the release programs: the first argument, else where `swift build -c release` puts them.
public func programsFolder() throws -> String {
    let given = CommandLine.arguments.dropFirst().first { !$0.hasPrefix("--") } ?? "../.build/release"
    guard let real = realpath(given, nil) else {
        throw Trouble("there is no \(given); build orch with swift build -c release, or name the folder of orch")
    }
    defer { free(real) }
    return String(cString: real)
}

/// A program of this package, beside the one that runs.
public func neighbour(_ name: String) -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
}

/// The number behind an option such as `--pairs`.
public func option(_ name: String, _ fallback: Int) -> Int {
    let arguments = CommandLine.arguments
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return fallback }
    return Int(arguments[index + 1]) ?? fallback
}
