import CSystem
import Foundation
import Glibc
import IPC
import Testing

/// A daemon as a program, with a state directory, a home and a configuration of its own, and one client that has seen
/// every event. Everything lies in one temporary folder; at the end nothing of it is alive, and the folder goes.
final class World {
    let folder: String
    /// What the daemon is started with.
    var environment: [String: String]
    var arguments: [String] = []
    /// What the daemon is started through: a program that becomes it.
    var wrapper: [String] = []
    private(set) var daemon: Child?
    /// The connection that `picture` and `history` come from.
    private(set) var client: Client!
    private(set) var picture = Picture()
    private var isSubscribed = false
    /// Every event since the first, across restarts. `Picture` makes sure that none is missing.
    private(set) var history: [IPC.Notification] = []
    private(set) var restarts = 0
    private let agents: Int
    private var settings: JSONObject

    var state: String { folder + "/state" }
    var socket: String { environment["ORCH_SOCKET"] ?? state + "/orch.sock" }
    var log: String { folder + "/daemon.log" }

    /// The folder of the executables, which is also the test bundle's.
    static let binaries: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    }()
    static var orch: String { binaries + "/orch" }

    /// Gives `body` a world, with a daemon running unless it is to start one itself; then ends the daemon, and checks
    /// that nothing has stayed behind.
    static func run(
        agents: Int = 5,
        settings: JSONObject = [:],
        profile: JSONObject = [:],
        starting: Bool = true,
        _ body: (World) throws -> Void
    ) throws {
        try #require(access(orch, X_OK) == 0, "orch has not been built beside the tests")
        let world = try World(agents: agents, settings: settings, profile: profile)
        let result: Result<Void, any Error>
        do {
            if starting { try world.start() }
            result = .success(try body(world))
        } catch {
            result = .failure(error)
        }
        // What a failed test left waiting at a gate is not the daemon's fault.
        if case .failure = result { world.endEverything() } else { try world.end() }
        _ = try EndToEndTests.run(["/bin/chmod", "-R", "u+rwX", world.folder], environment: [:])
        _ = try EndToEndTests.run(["/bin/rm", "-rf", world.folder], environment: [:])
        try result.get()
    }

    private init(agents: Int, settings: JSONObject, profile: JSONObject) throws {
        self.agents = agents
        self.settings = settings
        // Short, for the socket's sake.
        var template = Array("/tmp/oe-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: errno \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder + "/home", "ORCH_STATE_DIR": folder + "/state",
            "ORCH_CONFIG": folder + "/config.json", "GIT_CONFIG_NOSYSTEM": "1",
        ]
        for name in ["home", "agents", "gates"] { mkdir("\(folder)/\(name)", 0o700) }
        try write("home/.gitconfig", "[user]\n\tname = Uma User\n\temail = uma@example.org\n")
        try configure(profile: profile)
    }

    /// Writes the configuration. Every ticket's agent is the script of its name; `profile` adds to how it is started.
    func configure(profile: JSONObject) throws {
        var settings = settings
        settings["agents"] = JSONValue(agents)
        settings["defaultProfile"] = "script"
        var profiles = settings["profiles"]?.objectValue ?? [:]
        var script: JSONObject = [
            "kind": "command", "command": ["/bin/sh", "-c", ". \"$WORLD/agents/$ORCH_TICKET\""],
            "environment": ["WORLD": .string(folder)],
        ]
        for (key, value) in profile { script[key] = value }
        profiles["script"] = .object(script)
        settings["profiles"] = .object(profiles)
        try write("config.json", JSONValue.object(settings).description)
    }

    /// Writes the configuration with other settings, for the next daemon.
    func configure(_ more: JSONObject) throws {
        for (key, value) in more { settings[key] = value }
        try configure(profile: [:])
    }

    // MARK: Files

    func write(_ path: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path.hasPrefix("/") ? path : "\(folder)/\(path)"))
    }

    /// What the agent of `ticket` does, from now on.
    func agent(_ ticket: String, _ script: String) throws {
        // Whole or not at all: a shell may be about to read it.
        try write("agents/.new", "set -eu\n\(script)\n")
        guard rename("\(folder)/agents/.new", "\(folder)/agents/\(ticket)") == 0 else { throw Failure("rename") }
    }

    /// A place where a script waits: `read go < "$WORLD/gates/NAME"`.
    func gate(_ name: String) throws -> Gate { try Gate("\(folder)/gates/\(name)") }

    // MARK: The daemon

    /// Starts the daemon and connects. Events are taken up after the last one seen.
    func start() throws {
        try launch()
        try connect()
    }

    /// Starts the daemon, without waiting for it.
    func launch() throws {
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(output) }
        daemon = try Child(
            wrapper + [Self.orch, "daemon"] + arguments,
            environment: environment,
            directory: folder,
            output: output,
            error: output
        )
    }

    private func connect() throws {
        isSubscribed = false
        client = try newClient()
        do { try client.subscribe(since: picture.seq) } catch { throw lost("cannot subscribe: \(error)") }
        isSubscribed = true
    }

    /// A further connection, as soon as the daemon takes one.
    func newClient() throws -> Client {
        let deadline = ContinuousClock.now + patience
        while true {
            do { return try Client.connect(path: socket) } catch {
                if try daemon?.end() != nil { throw lost("the daemon has ended") }
                guard ContinuousClock.now < deadline else { throw problem("the daemon does not answer: \(error)") }
                usleep(3000)
            }
        }
    }

    /// The daemon dies between two instructions, and is there again.
    func kill9() throws {
        daemon?.signal(SIGKILL)
        try daemon?.wait()
        try readRest()
    }

    /// The daemon has been killed while something was asked or awaited of it.
    struct Killed: Error {}

    /// What an unanswered question means: that the daemon was killed, or a problem.
    private func lost(_ what: String) -> any Error {
        guard let end = try? daemon?.end(within: .seconds(2)) else { return problem(what) }
        return end.signal == SIGKILL ? Killed() : problem("\(what); it has ended (\(end.code), \(end.signal))")
    }

    func restart() throws {
        restarts += 1
        try start()
    }

    /// Asks it to end, and returns how it ended.
    @discardableResult
    func quit(_ onStop: String = "detach") throws -> Int32 {
        try client.request("daemon.quit", ["onStop": .string(onStop)], timeout: patience)
        return try waitForEnd()
    }

    /// Waits for the daemon's end, and takes in its last words.
    @discardableResult
    func waitForEnd() throws -> Int32 {
        let end = try waitForAnyEnd()
        guard end.signal == 0 else { throw problem("the daemon has crashed with signal \(end.signal)") }
        return end.code
    }

    /// Waits for the daemon's end, be it by a signal.
    func waitForAnyEnd() throws -> cs_exit {
        guard let daemon else { throw Failure("there is no daemon") }
        // Read on meanwhile: a client that does not read is no part of this.
        try readRest()
        guard let end = try daemon.end(within: patience) else { throw problem("the daemon does not end") }
        return end
    }

    private func readRest() throws {
        // Before the answer to `subscribe`, what comes is whatever happens at the moment, and not from where we left off.
        guard isSubscribed else { return }
        guard let client else { return }
        do {
            while true {
                guard let line = try client.next(timeout: patience) else { throw problem("the daemon does not end") }
                try take(line)
            }
        } catch let error as RPCError where error.code == .disconnected {}
    }

    private func end() throws {
        if let daemon, try daemon.end() == nil { try quit("halt") }
        // A runner writes that its run has ended a moment before it ends itself.
        do {
            try poll(for: "the processes of the runs to end", within: .seconds(10)) { livingProcesses().isEmpty }
        } catch {
            Issue.record("processes are left: \(livingProcesses().map(describe))\n\(tail)")
            endEverything()
        }
    }

    private func endEverything() {
        daemon?.signal(SIGKILL)
        _ = try? daemon?.wait()
        for _ in 0..<100 {
            let left = livingProcesses()
            if left.isEmpty { return }
            for pid in left { kill(pid, SIGKILL) }
            usleep(10_000)
        }
    }

    /// Every process with this world's folder in its environment: daemon, runners, agents, their children, git.
    func livingProcesses() -> [pid_t] {
        let mark = Data("=\(folder)/".utf8)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                environment.range(of: mark) != nil
            else { return false }
            var process = cs_process()
            return cs_process_status(pid, &process) == 0 && process.alive != 0
        }
    }

    func describe(_ pid: pid_t) -> String {
        let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        return "\(pid) " + String(decoding: line.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
    }

    // MARK: Asking and waiting

    /// Asks, and takes in every event that came before the answer.
    @discardableResult
    func ask(_ method: String, _ params: JSONObject = [:]) throws -> JSONValue {
        do {
            let result = try client.request(method, params, timeout: patience)
            try takeArrived()
            return result
        } catch let error as RPCError where error.code == .timedOut || error.code == .disconnected {
            throw lost("\(method): \(error)")
        }
    }

    /// The error that asking comes to.
    func refusal(_ method: String, _ params: JSONObject = [:]) throws -> RPCError {
        do { try client.request(method, params, timeout: patience) } catch {
            try takeArrived()
            return error
        }
        throw problem("\(method) \(params) was not refused")
    }

    private func takeArrived() throws {
        // What arrived with the answer lies in the client's queue: a timeout of nothing takes just that.
        while let line = try client.next(timeout: .zero) { try take(line) }
    }

    private func take(_ line: ServerLine?) throws {
        guard case .notification(let notification)? = line else { return }
        _ = try picture.apply(notification)
        if notification.seq != nil, notification.params["patch"] != nil { history.append(notification) }
    }

    /// Reads events until `isTrue`; looks every `pause` where events do not tell.
    func wait(
        for what: String,
        within limit: Duration = patience,
        looking pause: Duration = patience,
        until isTrue: () throws -> Bool
    ) throws {
        let deadline = ContinuousClock.now + limit
        while try !isTrue() {
            let rest = milliseconds(until: deadline)
            guard rest > 0 else { throw problem("waited in vain for \(what)") }
            let line: ServerLine?
            do { line = try client.next(timeout: min(.milliseconds(rest), pause)) } catch {
                throw lost("waited for \(what): \(error)")
            }
            try take(line)
        }
    }

    /// Waits until a ticket is in `state`.
    @discardableResult
    func wait(for ticket: String, _ state: String) throws -> TicketRow {
        try wait(for: "\(ticket) to be \(state)") { picture.tickets[ticket]?.state == state }
        return try self.ticket(ticket)
    }

    /// Waits until all have landed and their worktrees are put away.
    func waitUntilLanded(_ tickets: [String]) throws {
        try wait(for: "\(tickets.joined(separator: ", ")) to have landed") { try haveLanded(tickets) }
    }

    /// Whether all have landed and are put away. One that waits for a human is a failure.
    func haveLanded(_ tickets: [String]) throws -> Bool {
        for case let row? in tickets.map({ picture.tickets[$0] })
        where ["needs_human_review", "awaiting_approval", "stopped", "cancelled"].contains(row.state) {
            throw problem("\(row.id) is \(row.state): \(row.reason ?? "")")
        }
        return tickets.allSatisfy { picture.tickets[$0]?.state == "merged" && happened("ticket.tidied", $0) }
    }

    func ticket(_ id: String) throws -> TicketRow { try #require(picture.tickets[id], "there is no ticket \(id)") }

    /// Why the ticket is in its state.
    func reason(_ id: String) -> String { picture.tickets[id]?.reason ?? "" }

    /// The events of that name about that ticket so far.
    func events(_ name: String, _ ticket: String? = nil) -> [IPC.Notification] {
        history.filter { $0.method == name && (ticket == nil || $0.params["ticket"]?.stringValue == ticket) }
    }

    func happened(_ name: String, _ ticket: String? = nil) -> Bool { !events(name, ticket).isEmpty }

    func wait(forEvent name: String, _ ticket: String? = nil, times: Int = 1) throws {
        try wait(for: "\(name) \(ticket ?? "")") { events(name, ticket).count >= times }
    }

    // MARK: Tickets

    /// Enqueues tickets of a repository: what they leave out is filled in.
    @discardableResult
    func enqueue(_ repository: ScratchRepository, _ tickets: JSONObject...) throws -> [String] {
        let items = tickets.map { ticket in
            var ticket = ticket
            if ticket["title"] == nil { ticket["title"] = .string("Do \(ticket["id"]?.stringValue ?? "it")") }
            return JSONValue.object(ticket)
        }
        let result = try ask(
            "ticket.enqueue",
            ["repository": .string(repository.path), "tickets": .array(items)]
        )
        return (result["ids"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    @discardableResult
    func command(_ method: String, _ ticket: String, _ params: JSONObject = [:]) throws -> TicketRow {
        var params = params
        params["ticket"] = .string(ticket)
        return try #require(try ask("ticket.\(method)", params)["ticket"]).decode()
    }

    /// The whole of what a run wrote, as `output.read` gives it.
    func output(of run: String, stream: String = "stdout", step: Int = 65_536) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try ask(
                "output.read",
                [
                    "run": .string(run), "stream": .string(stream), "offset": JSONValue(bytes.count),
                    "length": JSONValue(step),
                ]
            )
            if let text = piece["data"]?.stringValue {
                bytes += text.utf8
            } else {
                bytes += Array(Data(base64Encoded: try #require(piece["base64"]?.stringValue)) ?? Data())
            }
            try #require(piece["next"]?.intValue == bytes.count, "\(piece)")
            if piece["eof"]?.boolValue == true { return bytes }
        }
    }

    func text(of run: String, stream: String = "stdout") throws -> String {
        String(decoding: try output(of: run, stream: stream), as: UTF8.self)
    }

    // MARK: Problems

    /// What went wrong, with the last of what happened.
    func problem(_ what: String) -> Failure { Failure("\(what)\n\(tail)") }

    private var tail: String {
        let rows = picture.tickets.values.sorted { $0.id < $1.id }.map {
            "  \($0.id) \($0.state) \($0.stage ?? "") \($0.reason ?? "")"
        }
        let events = history.suffix(25).map { event in
            var params = event.params
            params["patch"] = nil
            params["time"] = nil
            return "  \(event.method) \(JSONValue.object(params))"
        }
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").suffix(25).map { "  \($0)" }
        return (["tickets:"] + rows + ["events:"] + events + ["log:"] + lines).joined(separator: "\n")
    }
}

/// A FIFO at which a script waits until the test lets it go on.
struct Gate {
    let path: String

    init(_ path: String) throws {
        self.path = path
        guard mkfifo(path, 0o600) == 0 else { throw Failure("mkfifo \(path): errno \(errno)") }
    }

    /// Waits until somebody stands at the gate, and lets it through.
    func open() throws { try arrival().letThrough() }

    /// Waits until somebody stands at the gate, which stays shut: the script has come so far.
    func arrival() throws -> Visitor {
        var descriptor: Int32 = -1
        try poll(for: "somebody at the gate \(path)") {
            descriptor = Glibc.open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            return descriptor >= 0
        }
        return Visitor(descriptor: descriptor)
    }

    struct Visitor {
        fileprivate let descriptor: Int32

        /// Lets it go on.
        func letThrough() {
            _ = Glibc.write(descriptor, "go\n", 3)
            close(descriptor)
        }

        /// Lets whoever is there, and whoever may come instead, stand there.
        func leave() { close(descriptor) }
    }
}
