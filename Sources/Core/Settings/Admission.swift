/// What the machine must have left for another ticket to start; where one is nil, nobody looks. What runs goes on.
public struct Admission: Hashable, Codable, Sendable {
    /// Bytes of memory that programs can still be given.
    public var memoryAvailable: Int? = 512 << 20
    /// The share of the time in which programs wait for memory, in percent.
    public var memoryPressure: Int? = 60
    /// The share of the time in which programs wait for a processor, in percent.
    public var cpuPressure: Int?
    /// Bytes left on the disk that holds the state, to those who are not root.
    public var diskFree: Int?

    public init() {}

    /// Whether anything is looked at.
    public var isOff: Bool { [memoryAvailable, memoryPressure, cpuPressure, diskFree].allSatisfy { $0 == nil } }
}
