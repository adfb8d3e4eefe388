/// Ports that agents may listen on without getting into each other's way: each agent slot has a range of its own, and with it
/// whatever ticket works there. Nothing keeps others out of it.
public struct Ports: Hashable, Codable, Sendable {
    /// The first port of `agent-1`.
    public var from = 20_000
    /// How many each agent has.
    public var count = 10

    public init() {}

    /// Those of an agent; nil where there are no such ports.
    public func range(of agent: AgentID) -> Range<Int>? {
        let first = from + (agent.number - 1) * count
        return first + count <= 65_536 ? first..<first + count : nil
    }
}
