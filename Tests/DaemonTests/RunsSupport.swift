import CSystem
import Core
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Daemon

/// A supervisor with its reports, in a directory of its own. Ends by checking that no process of its runs is left.
final class RunWorld: Sendable {
    /// Beside the test executable, where the build puts it.
    static let runnerPath: String = {
        let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return ((executable ?? "") as NSString).deletingLastPathComponent + "/orch-runner"
    }()

    let root: String
    let reports = RunReports()
    let containment: Containment
    private let current: Mutex<RunSupervisor?>

    /// The containment of tests that say none: `ORCH_TEST_CONTAINMENT=cgroup` runs them all in cgroups.
    static let usualContainment =
        ProcessInfo.processInfo.environment["ORCH_TEST_CONTAINMENT"].flatMap(ContainmentChoice.init) ?? .none

    /// `limits` count where there is a containment to keep them.
    static func run(
        runnerPath: String = runnerPath,
        in containment: ContainmentChoice = usualContainment,
        limits: RunLimits = RunLimits(),
        _ body: (RunWorld) async throws -> Void
    ) async throws {
        try #require(FileManager.default.isExecutableFile(atPath: Self.runnerPath), "orch-runner has not been built")
        let world = try RunWorld(runnerPath: runnerPath, containment, limits)
        let result: Result<Void, any Error>
        do { result = .success(try await body(world)) } catch { result = .failure(error) }
        world.drop()
        let left = world.livingProcesses()
        #expect(left.isEmpty, "processes of the runs are left: \(left)")
        for pid in left { kill(pid, SIGKILL) }
        let groups = world.groups()
        #expect(groups.isEmpty, "cgroups of the runs are left: \(groups)")
        try FileManager.default.removeItem(atPath: world.root)
        try result.get()
    }

    private init(runnerPath: String, _ choice: ContainmentChoice, _ limits: RunLimits) throws {
        root = try #require(Self.temporaryDirectory())
        current = Mutex(nil)
        let runs = root + "/runs"
        try FileManager.default.createDirectory(atPath: runs, withIntermediateDirectories: true)
        containment = try ContainmentProbe(runs: runs, runner: Self.runnerPath, limits: limits).choose(choice)
        try takeOver(runnerPath: runnerPath)
    }

    var supervisor: RunSupervisor { current.withLock { $0! } }

    /// The supervisor goes, as with its daemon; the runs stay.
    func drop() {
        let supervisor = current.withLock { supervisor in
            defer { supervisor = nil }
            return supervisor
        }
        supervisor?.detach()
    }

    /// A new supervisor, with no reports yet.
    func takeOver(runnerPath: String = runnerPath, containment: Containment? = nil) throws {
        drop()
        reports.clear()
        let reports = reports
        let supervisor = try RunSupervisor(
            directory: root + "/runs",
            runnerPath: runnerPath,
            containment: containment ?? self.containment
        ) { reports.add($0) }
        current.withLock { $0 = supervisor }
    }

    /// The kinds this machine offers to these tests, tried as a daemon would.
    static let containments: [ContainmentChoice] = {
        guard let folder = temporaryDirectory() else { return [.none] }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let probe = ContainmentProbe(runs: folder, runner: runnerPath, limits: RunLimits())
        return [.cgroup, .namespace, .none].filter { (try? probe.choose($0)) != nil }
    }()

    static func temporaryDirectory() -> String? {
        var template = Array((NSTemporaryDirectory() + "/orch-runs-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        // As the kernel names it, since the marker and the working directory are compared.
        guard let path = realpath(template, nil) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }

    /// Waits for a fact no report tells of.
    static func wait(for what: String, _ isTrue: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isTrue() {
            if ContinuousClock.now > deadline { throw RunWaitFailed(description: "waited in vain for \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    // MARK: Runs

    /// Run 1 of T-1.
    func command(
        _ arguments: [String],
        environment: [String: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin"],
        directory: String? = nil,
        input: RunCommand.StandardInput = .null,
        timeLimit: Duration? = nil,
        grace: Duration = .seconds(5),
        outputCap: Int = 1 << 30
    ) -> RunCommand {
        RunCommand(
            id: RunID(ticket: TicketID("T-1"), number: 1),
            arguments: arguments,
            environment: environment,
            directory: directory ?? root,
            standardInput: input,
            timeLimit: timeLimit,
            grace: grace,
            outputCap: outputCap
        )
    }

    /// A further run of T-1.
    func command(
        _ number: Int,
        _ arguments: [String],
        environment: [String: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin"],
        directory: String? = nil,
        input: RunCommand.StandardInput = .null
    ) -> RunCommand {
        var command = command(arguments, environment: environment, directory: directory, input: input)
        command.id = RunID(ticket: TicketID("T-1"), number: number)
        return command
    }

    /// Runs a shell script to its end.
    func end(of script: String) async throws -> RunEnd { try await end(of: command(["/bin/sh", "-c", script])) }

    func end(of command: RunCommand) async throws -> RunEnd {
        supervisor.start(command)
        return try await reports.end(of: command.id)
    }

    func folder(_ command: RunCommand) -> RunFolder { RunFolder(path: supervisor.folder(of: command.id)) }

    func output(_ command: RunCommand, _ stream: RunStream = .stdout) throws -> [UInt8] {
        try RunSupervisor.readOutput(
            folder: supervisor.folder(of: command.id),
            stream: stream,
            offset: 0,
            length: .max
        ).bytes
    }

    func text(_ command: RunCommand, _ stream: RunStream = .stdout) throws -> String {
        String(decoding: try output(command, stream), as: UTF8.self)
    }

    /// Starts a run and waits until it has written something.
    func startUntilOutput(_ command: RunCommand) async throws {
        supervisor.start(command)
        _ = try await reports.first { if case .output(command.id, _, _) = $0 { true } else { nil } }
    }

    /// Looks for the runs' marker in every environment, by means of its own.
    func livingProcesses() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                environment.range(of: Data("ORCH_RUN_FOLDER=\(root)/runs/".utf8)) != nil
            else { return false }
            var process = cs_process()
            return cs_process_status(pid, &process) == 0 && process.alive != 0
        }
    }
}

extension RunWorld {
    /// The cgroups made for this world's runs, and what they are made in.
    func groups() -> [String] {
        guard case .cgroup(let plan) = containment.kind else { return [] }
        return plan.parents.map(\.directory).filter { access($0, F_OK) == 0 }.flatMap { parent in
            [parent]
                + ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).filter {
                    $0.hasPrefix("run-")
                }
        }
    }

    /// The living processes whose command line ends in a file of the world's: for those without an environment.
    func processesNamedAfterUs() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
                line.suffix(root.utf8.count + 9) == Data("\(root)/escaped\0".utf8)
            else { return false }
            var process = cs_process()
            return cs_process_status(pid, &process) == 0 && process.alive != 0
        }
    }

    /// A line of shell that leaves a process behind which nothing but a containment holds: of another session, without
    /// parents, without environment, deaf to SIGTERM. It is there when the line has been executed.
    var escape: String {
        """
        mkfifo '\(root)/fifo'
        (setsid env -i /bin/sh -c 'trap "" TERM HUP INT; echo > "$0"; while :; do sleep 1; done' '\(root)/fifo' \
            '\(root)/escaped' >/dev/null 2>&1 </dev/null &)
        read x < '\(root)/fifo'

        """
    }
}

/// The numbers, each on a line of its own.
func numberedLines(_ numbers: ClosedRange<Int>, after prefix: String = "") -> String {
    numbers.map { "\(prefix)\($0)\n" }.joined()
}

struct RunWaitFailed: Error, CustomStringConvertible {
    let description: String
}

/// What a supervisor has reported, and a way to wait for more.
final class RunReports: Sendable {
    private struct State {
        var all: [RunReport] = []
        var waiters: [Int: @Sendable ([RunReport]) -> Bool] = [:]
        var nextWaiter = 0
    }

    // Guards the reports and those who wait for one.
    private let state = Mutex(State())

    var all: [RunReport] { state.withLock { $0.all } }

    func clear() { state.withLock { $0.all = [] } }

    func add(_ report: RunReport) {
        state.withLock { state in
            state.all.append(report)
            for (key, isDone) in state.waiters where isDone(state.all) { state.waiters[key] = nil }
        }
    }

    /// The first report of which `match` makes something, past or to come.
    func first<Value: Sendable>(_ match: @escaping @Sendable (RunReport) -> Value?) async throws -> Value {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self)
        let look: @Sendable ([RunReport]) -> Bool = { reports in
            guard let value = reports.lazy.compactMap(match).first else { return false }
            continuation.yield(value)
            return true
        }
        state.withLock { state in
            if look(state.all) { return }
            state.waiters[state.nextWaiter] = look
            state.nextWaiter += 1
        }
        let deadline = Task {
            try await Task.sleep(for: .seconds(60))
            continuation.finish()
        }
        defer { deadline.cancel() }
        for await value in stream { return value }
        throw RunWaitFailed(description: "no such report among \(all)")
    }

    func end(of run: RunID) async throws -> RunEnd {
        try await first { if case .ended(run, let end) = $0 { end } else { nil } }
    }

    func start(of run: RunID) async throws -> Int32 {
        try await first { if case .started(run, let pid, _) = $0 { pid } else { nil } }
    }
}
