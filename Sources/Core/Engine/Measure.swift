// Whether the machine has room for one more run. Core asks for a measure when a ticket could start, and not before: where
// nothing waits, nobody looks. Where there was too little, it asks again after a while, for as long as something waits.

/// What the machine has too little of for one more run.
public enum Shortage: Equatable, Sendable {
    /// In bytes.
    case memory(free: Int, wanted: Int)
    case disk(free: Int, wanted: Int)
    /// In percent of the time, in which something waited for it.
    case memoryPressure(Int, limit: Int)
    case cpuPressure(Int, limit: Int)
}

/// What is known of it.
enum Measure: Equatable, Sendable {
    /// Nobody has asked.
    case none
    /// A ticket could start, if there were room.
    case wanted
    /// There is room, for what is being decided now.
    case enough
    /// There was too little; asked again at `due`.
    case short(Shortage, due: Instant)

    /// How long a shortage is taken for one.
    static let interval = Duration.seconds(5)

    var due: Instant? {
        guard case .short(_, let due) = self else { return nil }
        return due
    }

    /// What was enough for one decision need not be for the next.
    mutating func forgetSufficiency() {
        if self == .enough { self = .none }
    }

    mutating func boundDue(at now: Instant) {
        if case .short(let shortage, let due) = self { self = .short(shortage, due: min(due, now + Self.interval)) }
    }

    mutating func putOffDue(_ by: Duration) {
        if case .short(let shortage, let due) = self { self = .short(shortage, due: due + by) }
    }
}

extension Orchestrator {
    /// A ticket could start: whoever runs this measures the machine, and says so (`machineMeasured`) before anything else.
    public var wantsMeasure: Bool { measure == .wanted }

    /// What the machine was short of when a ticket was last to start.
    public var shortage: Shortage? {
        guard case .short(let shortage, _) = measure else { return nil }
        return shortage
    }

    /// Whether a ticket may start, as far as the machine is concerned; else it is asked about.
    mutating func machineHasRoom() -> Bool {
        guard limits.measuresMachine, !isPlanted(.startsInNeed) else { return true }
        switch measure {
        case .enough: return true
        case .none: measure = .wanted
        case .wanted: break
        case .short: shortSince = min(shortSince ?? now, now)
        }
        return false
    }

    mutating func machineMeasured(_ shortage: Shortage?) {
        guard measure == .wanted else { return }
        measure = shortage.map { .short($0, due: now + Measure.interval) } ?? .enough
    }

    /// Long enough ago to look again, if something still waits.
    mutating func endShortage() {
        if let due = measure.due, due <= now { measure = .none }
    }
}
