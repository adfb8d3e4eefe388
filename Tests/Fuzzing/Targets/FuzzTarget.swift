/// What is fuzzed: each takes any bytes, and throws a `Finding` when something that must hold of them does not. A trap is
/// a finding too.
///
/// The corpus beside it (`Tests/Fuzzing/Corpus/<target>`) is replayed by the tests; `make fuzz TARGET=lines` looks for
/// more.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// Cutting a stream into lines.
    case lines
    /// JSON and JSON-RPC requests.
    case requests
    /// Ticket files.
    case tickets
    /// Whether two lock patterns can match a common path.
    case locks
    /// Agents' output on the dashboard.
    case transcript
    /// Configuration files.
    case settings
    /// What agents print, in every protocol.
    case agents

    public func run(_ bytes: [UInt8]) throws {
        switch self {
        case .lines: try checkLines(bytes)
        case .requests: try checkRequests(bytes)
        case .tickets: try checkTickets(bytes)
        case .locks: try checkLocks(bytes)
        case .transcript: try checkTranscript(bytes)
        case .settings: try checkSettings(bytes)
        case .agents: try checkAgents(bytes)
        }
    }
}

/// Something that must hold and does not.
public struct Finding: Error, CustomStringConvertible {
    public let description: String
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    guard condition else { throw Finding(description: message()) }
}
