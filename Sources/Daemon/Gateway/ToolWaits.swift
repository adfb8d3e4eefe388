import Core
import IPC
import Synchronization

/// What agents wait for inside tools of orch's, and on which connection: who closes it waits no longer. The one place that
/// knows which runs wait, and since when; that time is not their own.
final class ToolWaits: Sendable {
    /// One call that waits.
    enum Call: Hashable, Sendable {
        case claim(RunID, key: String)
        case question(RunID, key: String)
        case verification(RunID, key: String)

        var run: RunID {
            switch self {
            case .claim(let run, _), .question(let run, _), .verification(let run, _): run
            }
        }
    }

    private struct State {
        var connections: [Call: ConnectionID] = [:]
        var since: [RunID: Instant] = [:]
    }

    private let state = Mutex(State())
    /// Is told when a run begins to wait, and when it waits for nothing any more.
    private let changed: @Sendable (RunID, _ isWaiting: Bool) -> Void

    init(changed: @escaping @Sendable (RunID, _ isWaiting: Bool) -> Void) { self.changed = changed }

    /// Since when the run waits; nil while it does not.
    func since(_ run: RunID) -> Instant? { state.withLock { $0.since[run] } }

    /// The call waits; on this connection from now on, where it did on another.
    func begin(_ call: Call, on connection: ConnectionID) {
        let isNew = state.withLock { state in
            state.connections[call] = connection
            guard state.since[call.run] == nil else { return false }
            state.since[call.run] = Timestamp.now()
            return true
        }
        if isNew { changed(call.run, true) }
    }

    /// The call has its answer, or none will come.
    func end(_ call: Call) {
        let isLast = state.withLock { state in
            guard state.connections.removeValue(forKey: call) != nil,
                !state.connections.keys.contains(where: { $0.run == call.run })
            else { return false }
            return state.since.removeValue(forKey: call.run) != nil
        }
        if isLast { changed(call.run, false) }
    }

    /// What waited on a connection that has gone. It waits until `end` says otherwise.
    func calls(on connection: ConnectionID) -> [Call] {
        state.withLock { $0.connections.filter { $0.value == connection }.map(\.key) }
    }
}
