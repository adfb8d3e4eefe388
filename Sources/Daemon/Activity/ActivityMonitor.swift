import Core
import Dispatch
import Foundation
import Synchronization

/// The only place that looks for signs of life, of the runs whose agents must give some.
///
/// It looks a few times in each run's timeout, at all runs that are about due at once, on a queue of its own; with no run
/// to watch it sleeps. What it knows of a run is kept in the run's folder, so that a later daemon goes on from there.
final class ActivityMonitor: Sendable {
    private struct Watched {
        var pulse: Pulse
        /// What is in the run's folder; nil before the folder is there.
        var kept: Pulse.Memory?
        let evidence: RunEvidence
    }

    /// When a run gave its last sign, and how long it may go without another until it is ended.
    private struct Patience {
        var lastSign: Instant
        var allowance: Duration
    }

    private let clocks: @Sendable () -> ClockReading
    private let report: @Sendable (Input) -> Void
    private let queue = DispatchQueue(label: "orch.activity", qos: .utility)
    // A source may be used from any thread; Dispatch does not say so to the compiler.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer
    // Changed on the queue alone, which makes looking and changing one step.
    private let watched = Mutex<[RunID: Watched]>([:])
    private let patience = Mutex<[RunID: Patience]>([:])

    init(
        clocks: @escaping @Sendable () -> ClockReading = RunClock.reading,
        report: @escaping @Sendable (Input) -> Void
    ) {
        self.clocks = clocks
        self.report = report
        timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in self?.lookAround() }
        timer.activate()
    }

    deinit { timer.cancel() }

    /// Watches a run from now on, until it is forgotten; one that an earlier daemon watched, from where that left off. To
    /// be called before the run can end, so that it is not forgotten first.
    func watch(_ run: RunID, _ heartbeat: Heartbeat, _ evidence: RunEvidence, isStale: Bool) {
        let now = clocks()
        queue.async { [self] in
            var pulse = Pulse(heartbeat, from: now)
            // The clock that only grows starts anew with the machine: what is remembered is of this start of it.
            if let memory = evidence.folder.pulse, memory.lastLook.awake <= now.awake {
                pulse = Pulse(heartbeat, remembering: memory, isStale: isStale, from: now)
            } else if isStale {
                pulse = Pulse(heartbeat, remembering: pulse.memory, isStale: true, from: now)
            }
            put(run, Watched(pulse: pulse, evidence: evidence))
            schedule()
        }
    }

    /// The run has ended.
    func forget(_ run: RunID) {
        queue.async { [self] in
            watched.withLock { _ = $0.removeValue(forKey: run) }
            patience.withLock { _ = $0.removeValue(forKey: run) }
            schedule()
        }
    }

    /// When the run would be ended, were its last sign of life the last.
    func expiry(of run: RunID) -> Instant? {
        patience.withLock { $0[run] }.map { $0.lastSign + $0.allowance }
    }

    /// Looks no more, once this returns.
    func stop() {
        timer.cancel()
        queue.sync { watched.withLock { $0 = [:] } }
    }

    /// Looks at every run that is due, now.
    func look() { queue.sync { lookAround() } }

    // MARK: on the queue

    private func lookAround() {
        let now = clocks()
        // Those that are nearly due, too: one waking for many.
        let due = watched.withLock { $0.filter { $0.value.pulse.nextLook - $0.value.pulse.pace / 2 <= now.awake } }
        if !due.isEmpty {
            let cpu = RunEvidence.cpu(of: due.values.map(\.evidence.folder))
            for (run, watched) in due { look(run, watched, now, cpu[watched.evidence.folder]) }
        }
        schedule()
    }

    private func look(_ run: RunID, _ watched: Watched, _ now: ClockReading, _ cpu: Int64?) {
        var watched = watched
        let evidence = watched.evidence
        let output = evidence.output
        let signs = RunSigns(
            outputBytes: output.bytes,
            outputAt: output.at,
            isHeld: evidence.folder.has("hold"),
            cpu: cpu,
            newestFile: { evidence.newestFile }
        )
        let finding = watched.pulse.look(now, signs)
        let memory = watched.pulse.memory
        // When nothing has happened, an older note says the same.
        if watched.kept?.lastSign != memory.lastSign || watched.kept?.toldAt != memory.toldAt {
            evidence.folder.pulse = memory
            watched.kept = memory
        }
        put(run, watched)
        switch finding {
        case .quiet(let since, let lookedAt, let left)?:
            report(
                .runWentQuiet(
                    run,
                    since: Instant(milliseconds: since),
                    lookedAt: lookedAt,
                    grace: .milliseconds(left)
                )
            )
        case .stirred(let sign)?: report(.runStirred(run, by: sign))
        case .over?: report(.runStayedQuiet(run))
        case nil: break
        }
    }

    private func put(_ run: RunID, _ new: Watched) {
        let heartbeat = new.pulse.heartbeat
        let now = clocks()
        let sign = Patience(
            lastSign: Instant(milliseconds: now.wall - (now.awake - new.pulse.memory.lastSign.awake)),
            allowance: .milliseconds(heartbeat.timeout + heartbeat.grace)
        )
        watched.withLock { $0[run] = new }
        patience.withLock { $0[run] = sign }
    }

    private func schedule() {
        guard let next = watched.withLock({ $0.values.map(\.pulse.nextLook).min() }) else {
            return timer.schedule(deadline: .distantFuture)
        }
        let wait = Int(clamping: max(0, next - clocks().awake))
        // The kernel may put it together with other wakings.
        timer.schedule(deadline: .now() + .milliseconds(wait), leeway: .milliseconds(wait / 16))
    }
}

extension RunFolder {
    /// What the monitor knows of the run. Nothing is lost where it cannot be written: a later daemon waits longer.
    fileprivate var pulse: Pulse.Memory? {
        get { read("pulse").flatMap { try? JSONDecoder().decode(Pulse.Memory.self, from: Data($0)) } }
        nonmutating set {
            guard let newValue, let bytes = try? JSONEncoder().encode(newValue) else { return }
            try? write("pulse", Array(bytes) + [0x0A])
        }
    }
}
