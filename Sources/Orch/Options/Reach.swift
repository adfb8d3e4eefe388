import Daemon
import Glibc
import IPC

/// The way to the daemon of a state directory, and what is said when there is none.
struct Reach {
    let paths: StatePaths

    /// How long a daemon whose socket was removed may take to make it anew. It takes a millisecond.
    private static let patience = Duration.seconds(1)

    /// - Throws: `daemonNotRunning` when there is no daemon, or none that listens yet; `unavailable` when one lives and
    ///   cannot be reached, so that starting another would be in vain.
    func connect() throws -> Client {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do throws(RPCError) { return try Client.connect(path: paths.socket) } catch {
                guard error.code == .daemonNotRunning, let holder = StateLock.holder(path: paths.lock) else {
                    throw error
                }
                guard holder.socket == paths.socket, ContinuousClock.now < deadline else {
                    throw explained(error, holder)
                }
                usleep(5000)
            }
        }
    }

    private func explained(_ error: RPCError, _ holder: StateLock.Holder) -> RPCError {
        guard let socket = holder.socket else {
            return RPCError(
                .daemonNotRunning,
                "a daemon is starting or ending (pid \(holder.pid)) and does not listen on \(paths.socket)",
                hint: "try again in a moment"
            )
        }
        guard socket == paths.socket else {
            return RPCError(
                .unavailable,
                "the daemon (pid \(holder.pid)) listens on another socket, \(socket), not on \(paths.socket)",
                hint: "use --socket \(socket), or set ORCH_SOCKET to it"
            )
        }
        return RPCError(
            .unavailable,
            "a daemon is running (pid \(holder.pid)), but it cannot be reached: \(error.message)",
            hint:
                "its log says what is in the way of its socket; or end it with `kill \(holder.pid)` and start another: "
                + "what runs goes on"
        )
    }
}
