import CSystem
public import Core
import Dispatch
import Foundation
import Glibc
import Synchronization

/// The only place that starts, adopts and stops runs. Each belongs to an `orch-runner` process that outlives us; we watch
/// the runners, and read what they leave in the runs' folders.
///
/// Everything happens on one thread of the supervisor's own, and every report is made there, one after the other: a
/// report must not block. For each run they come in the order `started`, `output`…, `ended`; `started` is missing when
/// the program never ran, `output` comes at most four times a second, and at once when there was none for a while.
public final class RunSupervisor: Sendable {
    private let directory: String
    private let inbox: OrderInbox<RunWatch.Order>
    private let ended = DispatchSemaphore(value: 0)
    // The id of the watching thread, once it runs; only ever set by it.
    private let threadID = Atomic<Int32>(0)

    /// `directory` holds a folder for each run, and is made if absent; `runnerPath` is the orch-runner executable. Both
    /// absolute. `containment` has been tried for this directory. There must be one supervisor for a directory at a
    /// time. What an earlier one's runs left in their cgroups is ended.
    public init(
        directory: String,
        runnerPath: String,
        containment: Containment = .untried,
        redactor: Redactor = .none,
        report: @escaping @Sendable (RunReport) -> Void
    ) throws {
        for path in [directory, runnerPath] where !path.hasPrefix("/") {
            throw RunFailure("cannot supervise runs: not an absolute path: \(path)")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw RunFailure("cannot make the folder for runs \(directory): \(error.localizedDescription)")
        }
        let inbox = try OrderInbox<RunWatch.Order>()
        let setting = try RunWatch.Setting(
            directory: directory,
            runner: RunnerProcess(
                path: runnerPath,
                environment: FaultPoint.forRunners(ProcessInfo.processInfo.environment).map { "\($0.key)=\($0.value)" }
            ),
            containment: containment,
            boot: ProcessIdentity.currentBoot(),
            redactor: redactor,
            inbox: inbox,
            report: report
        )
        // Only now is there something to detach from: a supervisor that could not be made has no thread to wait for.
        self.directory = directory
        self.inbox = inbox
        let thread = Thread { [ended, weak self] in
            self?.threadID.store(cs_thread_id(), ordering: .releasing)
            RunWatch(setting).run()
            ended.signal()
        }
        thread.name = "orch-runs"
        thread.start()
    }

    deinit { detach() }

    /// Starts the run; or adopts it, if it is already under way; or reports its end, if it has ended. Asked twice, it
    /// runs once. Returns at once: what became of it is reported.
    public func start(_ command: RunCommand) { inbox.post(.start(command)) }

    /// Whether the run has been begun, by this or an earlier supervisor: then ``adopt(_:)`` does what ``start(_:)`` would,
    /// and what it executes need not be known any more.
    public func hasBegun(_ run: RunID) -> Bool { RunFolder(path: folder(of: run)).has("spec") }

    /// Goes on with a run that has begun: watches it, or reports its end.
    public func adopt(_ run: RunID) { inbox.post(.adopt(run)) }

    /// Stops the run: the intent is left in its folder first, then its runner is told. Also before ``start(_:)``, which
    /// then reports it as stopped; safe to repeat; without effect on a run that has ended. The end of a run is reported
    /// only to the supervisor that was asked to start it.
    public func stop(_ run: RunID) { inbox.post(.stop(run)) }

    /// Sends one line to the standard input of a run started with ``RunCommand/StandardInput/messages``, also before
    /// ``start(_:)``. `number` counts the run's messages from 0: one that was sent before is not sent again, so that who
    /// does not know whether it was may repeat it. When this returns the message outlives the daemon; it is handed on as
    /// soon as the program reads. Blocks on the disk alone.
    public func send(_ line: String, number: Int, to run: RunID) throws(RunFailure) {
        let folder = try folderForMessages(to: run)
        try folder.addMessage(line, number: number)
        folder.wakeRunner()
    }

    /// After the messages sent so far, the program finds the end of its input.
    public func endMessages(to run: RunID) throws(RunFailure) {
        let folder = try folderForMessages(to: run)
        try folder.endMessages()
        folder.wakeRunner()
    }

    /// How many messages the run's program has been given whole; also when the run has ended.
    public func messagesTaken(by run: RunID) -> Int { RunFolder(path: folder(of: run)).messagesTaken }

    /// When the run last printed something that was kept; nil while it has not.
    public func lastOutput(of run: RunID) -> Instant? { RunFolder(path: folder(of: run)).lastOutput }

    private func folderForMessages(to run: RunID) throws(RunFailure) -> RunFolder {
        let folder = RunFolder(path: folder(of: run))
        if try !folder.create(), folder.has("exit.json") {
            throw RunFailure("cannot send a message to run \(run): it has ended")
        }
        return folder
    }

    /// Ends the watching; the runs go on, and another supervisor may take over. When this returns there are no more
    /// reports, unless it is called from within one.
    public func detach() {
        inbox.close()
        guard threadID.load(ordering: .acquiring) != cs_thread_id() else { return }
        ended.wait()
        ended.signal()
    }

    /// The folder of a run, whether or not it exists.
    public func folder(of run: RunID) -> String { directory + "/" + run.folderName }

    /// Reads at most `length` bytes of a run's output from `offset`; output that has not begun is empty. Blocks on the
    /// disk alone.
    public static func readOutput(
        folder: String,
        stream: RunStream,
        offset: Int,
        length: Int
    ) throws(RunFailure) -> RunOutput {
        try RunFolder(path: folder).readOutput(stream, offset: offset, length: length)
    }
}
