import CSystem
import Core
import Foundation
import Glibc

/// The supervisor's thread: starts runners, and sleeps in epoll until one ends, a run's folder changes, or it is told
/// something. Confined to that thread.
final class RunWatch {
    enum Order: Sendable {
        case start(RunCommand)
        /// It has been begun before: how it stands is in its folder.
        case adopt(RunID)
        case stop(RunID)
        /// A lost run has been fenced, on a thread of its own.
        case fenced(RunID, RunEnd)
    }

    struct Setting: Sendable {
        let directory: String
        let runner: RunnerProcess
        let containment: Containment
        /// Of orch's cgroup for this directory, where there is one.
        let groupName: String
        let boot: String
        /// Keeps secrets out of what the folder says for ever.
        let redactor: Redactor
        let inbox: OrderInbox<Order>
        let report: @Sendable (RunReport) -> Void
        let epoll: Int32
        /// `started` appearing.
        let folders: RunNotifications
        /// Output growing. Apart from the other, so that it alone can be paused.
        let outputs: RunNotifications

        init(
            directory: String,
            runner: RunnerProcess,
            containment: Containment,
            boot: String,
            redactor: Redactor,
            inbox: OrderInbox<Order>,
            report: @escaping @Sendable (RunReport) -> Void
        ) throws(RunFailure) {
            self.directory = directory
            self.runner = runner
            self.containment = containment
            groupName = try CgroupPlan.name(ofRuns: directory)
            self.boot = boot
            self.redactor = redactor
            self.inbox = inbox
            self.report = report
            epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
            guard epoll >= 0 else { throw RunFailure("cannot make an epoll instance", errno: errno) }
            do throws(RunFailure) {
                folders = try RunNotifications()
            } catch {
                close(epoll)
                throw error
            }
            do throws(RunFailure) {
                outputs = try RunNotifications()
            } catch {
                close(folders.descriptor)
                close(epoll)
                throw error
            }
        }
    }

    /// A run from its start, or adoption, to its end.
    private struct Watched {
        /// Nil for one that was begun before: what it executes is in its folder.
        let command: RunCommand?
        let folder: RunFolder
        /// Of its runner; -1 while there is none, or it is not known who it is.
        var runner: Int32 = -1
        /// The runner was spawned by us.
        var isOurs = false
        var folderWatch: Int32 = -1
        var outputWatch: Int32 = -1
        var isStartReported = false
        var stdout = 0
        var stderr = 0
        /// How often we have looked who owns the run, without finding out.
        var looks = 0
        /// When to look again.
        var lookAt: Int64?
    }

    private static let outputPause: Int64 = 250
    private static let lookPause: Int64 = 1000

    private let setting: Setting
    private var runs: [RunID: Watched] = [:]
    private var runOfRunner: [Int32: RunID] = [:]
    private var runOfFolderWatch: [Int32: RunID] = [:]
    private var runOfOutputWatch: [Int32: RunID] = [:]
    /// Runs whose output may have grown.
    private var grown: Set<RunID> = []
    /// Until then output is not looked at, so that a hundred busy runs wake us four times a second, not for each write.
    private var outputPausedUntil: Int64?

    init(_ setting: Setting) { self.setting = setting }

    /// Returns when the inbox is closed. Leaves all runners alone.
    func run() {
        listen(setting.inbox.wake)
        listen(setting.folders.descriptor)
        listen(setting.outputs.descriptor)
        endLeftovers()
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(setting.epoll, &events, Int32(events.count), timeout())
            for event in events.prefix(Int(max(0, count))) {
                switch event.data.fd {
                case setting.inbox.wake:
                    guard let orders = setting.inbox.take() else { return end() }
                    for order in orders { perform(order) }
                case setting.folders.descriptor: foldersChanged()
                case setting.outputs.descriptor: outputsChanged()
                case let runner: if let run = runOfRunner[runner] { runnerEnded(run) }
                }
            }
            lookAgain()
        }
    }

    /// On a thread of its own: what resists must not keep the runs waiting.
    private func endLeftovers() {
        guard case .cgroup(let plan) = setting.containment.kind else { return }
        let directory = setting.directory
        guard plan.parents.contains(where: { access($0.directory, F_OK) == 0 }) else { return }
        let thread = Thread { LeftoverGroups.end(plan, runs: directory) }
        thread.name = "orch-leftovers"
        thread.start()
    }

    private func end() {
        for watched in runs.values where watched.runner >= 0 { close(watched.runner) }
        for descriptor in [setting.epoll, setting.folders.descriptor, setting.outputs.descriptor] { close(descriptor) }
    }

    private func perform(_ order: Order) {
        switch order {
        case .start(let command): start(command.id, command)
        case .adopt(let run): start(run, nil)
        case .stop(let run): stop(run)
        case .fenced(let run, let end): if runs[run] != nil { conclude(run, end) }
        }
    }

    // MARK: Starting and stopping

    private func folder(of run: RunID) -> RunFolder { RunFolder(path: setting.directory + "/" + run.folderName) }

    private func start(_ run: RunID, _ command: RunCommand?) {
        guard runs[run] == nil else { return }
        let folder = folder(of: run)
        let isNew: Bool
        do { isNew = try folder.create() } catch {
            let now = RunClock.now()
            setting.report(.ended(run, RunEnd(reason: .notStarted(error.description), started: now, ended: now)))
            return
        }
        if isNew { FaultPoint.runFolderMade.pass() }
        runs[run] = Watched(command: command, folder: folder)
        // Before anything is looked at, so that no change is missed.
        addWatches(run)
        if isNew { writeSpecAndSpawn(run) } else { examine(run) }
    }

    private func stop(_ run: RunID) {
        let folder = folder(of: run)
        do {
            if try !folder.create(), folder.has("exit.json") { return }
            try folder.requestStop()
        } catch {
            // No room for the intent, perhaps: the runner, which we know to be it, takes SIGTERM for a stop.
            if let runner = runs[run]?.runner, runner >= 0 { cs_pidfd_send_signal(runner, SIGTERM) }
        }
    }

    private func writeSpecAndSpawn(_ run: RunID) {
        guard let watched = runs[run] else { return }
        do throws(RunFailure) {
            guard let command = watched.command else { throw RunFailure("its folder \(watched.folder.path) is gone") }
            let spec = try command.spec(
                folder: watched.folder,
                boot: setting.boot,
                containment: setting.containment
            )
            try watched.folder.write("spec", spec)
            FaultPoint.runSpecWritten.pass()
        } catch {
            return refuse(run, error.description)
        }
        spawn(run)
    }

    private func spawn(_ run: RunID) {
        guard let folder = runs[run]?.folder else { return }
        var pid: pid_t = 0
        let failed = setting.runner.spawn([folder.path], &pid)
        if failed != 0 {
            return refuse(run, "cannot start \(setting.runner.path): \(String(cString: strerror(failed)))")
        }
        FaultPoint.runRunnerSpawned.pass()
        runs[run]?.isOurs = true
        watchRunner(run, cs_pidfd_open(pid))
    }

    /// The run cannot be started.
    private func refuse(_ run: RunID, _ why: String) { declare(run, .notStarted(why)) }

    /// Records how the run ended, in its runner's place, so that who asks again hears the same.
    private func declare(_ run: RunID, _ reason: RunEnd.Reason) {
        let now = RunClock.now()
        let end = RunEnd(reason: reason, started: now, ended: now)
        runs[run]?.folder.record(end)
        conclude(run, end)
    }

    // MARK: Finding out how a run stands

    /// Decides by what is in the folder; see ``RunFolder``. The lock tells whether a runner lives.
    private func examine(_ run: RunID, why: String = "its orch-runner had died") {
        guard let folder = runs[run]?.folder else { return }
        let lock: Int32
        do {
            guard let taken = try folder.takeLock() else { return adopt(run) }
            lock = taken
        } catch {
            if !folder.has("") { return fence(run, lock: -1, why: "its folder \(folder.path) is gone") }
            // Perhaps there is no descriptor to be had just now. What is not known is not declared.
            return lookLater(run)
        }
        if let end = folder.end {
            RunFolder.release(lock)
            conclude(run, end)
        } else if folder.has("runner") || folder.has("started") || folder.specBoot.map({ $0 != setting.boot }) == true {
            fence(run, lock: lock, why: why)
        } else if folder.specBoot != nil {
            RunFolder.release(lock)
            spawn(run)
        } else {
            RunFolder.release(lock)
            writeSpecAndSpawn(run)
        }
    }

    /// A runner lives: watches it, once it has said who it is.
    private func adopt(_ run: RunID) {
        guard let identity = runs[run]?.folder.identity(in: "runner"),
            let runner = identity.openPidfd(boot: setting.boot)
        else { return lookLater(run) }
        runs[run]?.isOurs = false
        watchRunner(run, runner)
        reportStart(run)
        reportOutput(run)
    }

    private func lookLater(_ run: RunID) {
        guard let looks = runs[run]?.looks else { return }
        runs[run]?.looks += 1
        runs[run]?.lookAt = RunClock.steady() + min(Self.lookPause, 5 << Int64(min(looks, 8)))
    }

    /// `lock` is the folder's, or -1 when there is no folder any more.
    private func fence(_ run: RunID, lock: Int32, why: String) {
        guard let folder = runs[run]?.folder else { return }
        let setting = setting
        let groups = groups(of: run, folder)
        let thread = Thread {
            let end = RunFence.end(folder, groups: groups, why: why, boot: setting.boot)
            RunFolder.release(lock)
            setting.inbox.post(.fenced(run, end))
        }
        thread.name = "orch-fence"
        thread.start()
    }

    /// The cgroups the run was put into, whatever today's containment is; and, in case its folder is gone, those it
    /// would be put into today.
    private func groups(of run: RunID, _ folder: RunFolder) -> [RunGroup] {
        let name = CgroupPlan.name(of: run)
        var groups = Set(folder.groups(named: setting.groupName, name))
        if case .cgroup(let plan) = setting.containment.kind {
            for parent in plan.parents { groups.insert(RunGroup(directory: "\(parent.directory)/\(name)")) }
        }
        return groups.filter(\.exists).sorted { $0.directory < $1.directory }
    }

    // MARK: Runners

    private func watchRunner(_ run: RunID, _ runner: Int32) {
        guard runner >= 0 else { return lookLater(run) }
        runs[run]?.runner = runner
        runs[run]?.looks = 0
        runOfRunner[runner] = run
        listen(runner)
    }

    private func runnerEnded(_ run: RunID) {
        guard let watched = runs[run] else { return }
        var exit = cs_exit()
        // Fails for a runner that is not our child, which is nothing to us: what counts is in the folder.
        let isKnown = cs_reap_pidfd(watched.runner, 0, &exit) == 0 && exit.pid != 0
        forgetRunner(run)
        if let end = watched.folder.end { return conclude(run, end) }
        let how = exit.signal != 0 ? "was ended by signal \(exit.signal)" : "ended with exit \(exit.code)"
        let hasBegun = watched.isStartReported || watched.folder.has("runner") || !watched.folder.has("")
        if watched.isOurs, isKnown, exit.code != 75, !hasBegun {
            let why = "\(setting.runner.path) \(how) before it did anything"
            // Killed from outside (memory is short, say), it says nothing about what was to be run: another may do better.
            if exit.signal != 0 { declare(run, .lost(why)) } else { refuse(run, why) }
        } else {
            examine(run, why: isKnown ? "its orch-runner \(how)" : "its orch-runner died")
        }
    }

    private func forgetRunner(_ run: RunID) {
        guard let runner = runs[run]?.runner, runner >= 0 else { return }
        runs[run]?.runner = -1
        runOfRunner[runner] = nil
        close(runner)  // which also takes it out of epoll
    }

    // MARK: Folders

    private func addWatches(_ run: RunID) {
        guard let folder = runs[run]?.folder else { return }
        let folderWatch = setting.folders.watch(folder, for: IN_MOVED_TO)
        let outputWatch = setting.outputs.watch(folder, for: IN_MODIFY)
        runs[run]?.folderWatch = folderWatch
        runs[run]?.outputWatch = outputWatch
        runOfFolderWatch[folderWatch] = run
        runOfOutputWatch[outputWatch] = run
        // No watches left in the system: then, and only then, the folder is looked at now and again.
        if folderWatch < 0 || outputWatch < 0 { runs[run]?.lookAt = RunClock.steady() + Self.lookPause }
    }

    private func foldersChanged() {
        setting.folders.take { watch, name in
            if watch < 0 {
                for run in runs.keys { reportStart(run) }
            } else if name == "started", let run = runOfFolderWatch[watch] {
                reportStart(run)
            }
        }
    }

    private func outputsChanged() {
        setting.outputs.take { watch, name in
            if watch < 0 {
                grown.formUnion(runs.keys)
            } else if name == "stdout" || name == "stderr", let run = runOfOutputWatch[watch] {
                grown.insert(run)
            }
        }
        guard !grown.isEmpty else { return }
        for run in grown { reportOutput(run) }
        grown.removeAll(keepingCapacity: true)
        pauseOutputs(true)
    }

    private func pauseOutputs(_ pause: Bool) {
        outputPausedUntil = pause ? RunClock.steady() + Self.outputPause : nil
        listen(setting.outputs.descriptor, EPOLL_CTL_MOD, for: pause ? 0 : EPOLLIN.rawValue)
    }

    // MARK: Reports

    private func reportStart(_ run: RunID) {
        guard let watched = runs[run], !watched.isStartReported, let leader = watched.folder.identity(in: "started"),
            let at = leader.at
        else { return }
        runs[run]?.isStartReported = true
        setting.report(.started(run, pid: leader.pid, at: Instant(milliseconds: at)))
    }

    private func reportOutput(_ run: RunID) {
        guard let watched = runs[run] else { return }
        let stdout = watched.folder.size(of: "stdout")
        let stderr = watched.folder.size(of: "stderr")
        guard stdout != watched.stdout || stderr != watched.stderr else { return }
        reportStart(run)
        runs[run]?.stdout = stdout
        runs[run]?.stderr = stderr
        setting.report(.output(run, stdout: stdout, stderr: stderr))
    }

    private func conclude(_ run: RunID, _ end: RunEnd) {
        reportStart(run)
        reportOutput(run)
        forgetRunner(run)
        guard let watched = runs.removeValue(forKey: run) else { return }
        watched.folder.forgetSpec()
        // Why a program could not be started names it.
        let told = end.redacted(by: setting.redactor)
        if told != end { watched.folder.record(told) }
        runOfFolderWatch[watched.folderWatch] = nil
        runOfOutputWatch[watched.outputWatch] = nil
        setting.folders.end(watched.folderWatch)
        setting.outputs.end(watched.outputWatch)
        setting.report(.ended(run, told))
    }

    // MARK: epoll

    private func listen(_ descriptor: Int32, _ operation: Int32 = EPOLL_CTL_ADD, for events: UInt32 = EPOLLIN.rawValue)
    {
        var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
        epoll_ctl(setting.epoll, operation, descriptor, &event)
    }

    /// Milliseconds until something is due; -1, for ever, when nothing is.
    private func timeout() -> Int32 {
        var due = outputPausedUntil
        for watched in runs.values {
            if let lookAt = watched.lookAt { due = min(due ?? lookAt, lookAt) }
        }
        return due.map { Int32(clamping: max(0, $0 - RunClock.steady())) } ?? -1
    }

    private func lookAgain() {
        let now = RunClock.steady()
        if let until = outputPausedUntil, until <= now { pauseOutputs(false) }
        for (run, watched) in runs {
            guard let lookAt = watched.lookAt, lookAt <= now else { continue }
            let isBlind = watched.folderWatch < 0 || watched.outputWatch < 0
            runs[run]?.lookAt = isBlind ? now + Self.lookPause : nil
            if isBlind {
                reportStart(run)
                reportOutput(run)
            }
            if watched.runner < 0 { examine(run) }
        }
    }
}
