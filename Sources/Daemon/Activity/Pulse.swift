import Core

/// How long an agent may go without a sign of life, and how long it is then waited for.
struct Heartbeat: Equatable, Sendable {
    /// In milliseconds, as everything here.
    var timeout: Int64
    var grace: Int64

    init(timeout: Duration, grace: Duration) {
        self.timeout = timeout.milliseconds
        self.grace = grace.milliseconds
    }
}

/// What there is to see of a run at one moment.
struct RunSigns {
    /// Bytes it has printed, and when it last did, by the wall clock.
    var outputBytes: Int
    var outputAt: Int64?
    /// It waits for orch, a person or its provider, who have all the time they need.
    var isHeld = false
    /// The CPU time of its processes so far, in microseconds; nil when that cannot be known.
    var cpu: Int64?
    /// When one of its files last changed, by the wall clock. Costs something, and is asked for only when all else is
    /// quiet.
    var newestFile: () -> Int64?
}

/// Whether one run is alive: decides by what is seen of it, and when. Pure, so that the clock can be driven by hand.
///
/// Time is counted on the clock that stands still while the machine sleeps. The wall clock is read only to place what
/// has a date on disk; where it was set, dates mean nothing, and patience starts anew.
struct Pulse {
    /// What has to be remembered for a later daemon to go on.
    struct Memory: Codable, Equatable {
        var lastSign: ClockReading
        var lastLook: ClockReading
        var outputBytes = 0
        var cpu: Int64?
        var newestFile: Int64?
        /// When it was found to be stale.
        var staleAt: ClockReading?
        /// When that was last told, with the end of the grace.
        var toldAt: ClockReading?
    }

    /// What a look comes to, if anything has changed.
    enum Finding: Equatable {
        /// No sign of life since then, by the wall clock; so much of the grace is left.
        case quiet(since: Int64, lookedAt: [SignOfLife], left: Int64)
        /// It is alive; nil when not it has changed, but how long it is waited for.
        case stirred(SignOfLife?)
        /// The grace is over.
        case over
    }

    let heartbeat: Heartbeat
    private(set) var memory: Memory

    /// A run that is about to start.
    init(_ heartbeat: Heartbeat, from now: ClockReading) {
        self.heartbeat = heartbeat
        memory = Memory(lastSign: now, lastLook: now)
    }

    /// A run that an earlier daemon has watched. `isStale` says whether orch takes it for stale: it may have ended
    /// between noting that here and storing it, or the other way round.
    init(_ heartbeat: Heartbeat, remembering memory: Memory, isStale: Bool, from now: ClockReading) {
        self.heartbeat = heartbeat
        self.memory = memory
        if !isStale {
            self.memory.staleAt = nil
        } else if memory.staleAt == nil {
            self.memory.staleAt = now
        }
        // The end of its grace has moved, if the machine has slept or its clock was set.
        if self.memory.staleAt == nil { self.memory.toldAt = nil }
    }

    /// How often it is looked at: often enough to place CPU time, which has no date.
    var pace: Int64 {
        let shortest = memory.staleAt == nil ? heartbeat.timeout : min(heartbeat.timeout, heartbeat.grace)
        return min(max(shortest / 4, 20), 120_000)
    }

    /// When to look next, on the clock that stands still while the machine sleeps.
    var nextLook: Int64 {
        let regular = memory.lastLook.awake + pace
        let turn =
            memory.staleAt.map { $0.awake + heartbeat.grace } ?? (memory.lastSign.awake + heartbeat.timeout)
        return turn > memory.lastLook.awake ? min(regular, turn) : regular
    }

    /// Looks at the run. Also when nothing is found, what is to be remembered may have changed.
    mutating func look(_ now: ClockReading, _ signs: RunSigns) -> Finding? {
        var lookedAt: [SignOfLife] = [.output]
        var last: (sign: SignOfLife?, at: ClockReading) = (nil, memory.lastSign)
        if signs.outputBytes != memory.outputBytes {
            last = (.output, later(signs.outputAt.map { place($0, now) } ?? now, last.at))
        }
        if let cpu = signs.cpu {
            lookedAt.append(.cpu)
            if hasComputed(cpu, now) { last = (.cpu, now) }
        }
        if wasClockSet(now), memory.staleAt == nil {
            last.at = now
            memory.newestFile = signs.newestFile()
        }
        if !signs.isHeld, now.awake - last.at.awake >= heartbeat.timeout, let newest = signs.newestFile() {
            lookedAt.append(.files)
            let changed = place(newest, now)
            // A date in the future, where the clock was set back, is a sign only once.
            if newest != memory.newestFile, changed.awake > last.at.awake { last = (.files, changed) }
            memory.newestFile = newest
        }
        if signs.isHeld { last = (.waits, now) }
        memory.outputBytes = signs.outputBytes
        memory.cpu = signs.cpu ?? memory.cpu
        memory.lastSign = last.at
        memory.lastLook = now
        return finding(now, last.sign, lookedAt)
    }

    private mutating func finding(_ now: ClockReading, _ sign: SignOfLife?, _ lookedAt: [SignOfLife]) -> Finding? {
        guard now.awake - memory.lastSign.awake >= heartbeat.timeout else {
            guard memory.staleAt != nil else { return nil }
            (memory.staleAt, memory.toldAt) = (nil, nil)
            return .stirred(sign)
        }
        let staleAt = memory.staleAt ?? now
        memory.staleAt = staleAt
        let left = heartbeat.grace - (now.awake - staleAt.awake)
        guard left > 0 else { return .over }
        // Told again where the end of the grace, by the wall clock, is not where it was told to be.
        if let told = memory.toldAt, abs((now.wall - now.awake) - (told.wall - told.awake)) < 1000, sign == nil {
            return nil
        }
        memory.toldAt = now
        return .quiet(since: now.wall - (now.boot - memory.lastSign.boot), lookedAt: lookedAt, left: left)
    }

    /// Whether its processes have computed noticeably since the last look: for a hundredth of the time. What only waits
    /// uses a little, too.
    private func hasComputed(_ cpu: Int64, _ now: ClockReading) -> Bool {
        let milliseconds = (cpu - (memory.cpu ?? 0)) / 1000
        return milliseconds >= max(10, (now.awake - memory.lastLook.awake) / 100)
    }

    /// Set by hand or in one step: a clock that is corrected bit by bit gains less than a thousandth.
    private func wasClockSet(_ now: ClockReading) -> Bool {
        let last = memory.lastLook
        return abs((now.wall - now.boot) - (last.wall - last.boot)) > 1000 + (now.boot - last.boot) / 1000
    }

    /// The moment of a date on disk. Where the machine has slept since the last sign, it is taken to have done so after
    /// this one.
    private func place(_ wall: Int64, _ now: ClockReading) -> ClockReading {
        let ago = max(0, now.wall - wall)
        let awakeAgo = max(0, ago - max(0, now.slept - memory.lastSign.slept))
        return ClockReading(wall: wall, awake: now.awake - awakeAgo, boot: now.boot - ago)
    }

    private func later(_ a: ClockReading, _ b: ClockReading) -> ClockReading { a.awake > b.awake ? a : b }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
