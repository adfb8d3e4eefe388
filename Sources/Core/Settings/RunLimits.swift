/// How the processes of a run are held together, as the user wants it.
public enum ContainmentChoice: String, CaseIterable, Codable, Sendable {
    /// The best this machine offers.
    case auto
    /// A cgroup of the run's own, or no daemon.
    case cgroup
    /// A PID namespace of the run's own, or no daemon.
    case namespace
    /// Session, sub-reaper and environment marker.
    case none
}

/// What one run may take up.
public struct RunLimits: Hashable, Codable, Sendable {
    /// How many processes and threads a run may have at a time; any number if nil. Kept where there is a cgroup for it.
    public var processes: Int? = 4096
    /// Bytes; as many as there are if nil. A daemon that could not keep it does not start.
    public var memory: Int?
    /// Bytes kept of each of a run's stdout and stderr.
    public var output = 1 << 30

    public init() {}
}
