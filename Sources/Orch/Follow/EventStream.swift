import Glibc
import IPC

/// What the daemon says, as it comes, until it goes or nobody reads our output any more.
struct EventStream {
    private let client: Client
    private let console: Console

    init(_ client: Client, _ console: Console) {
        self.client = client
        self.console = console
    }

    /// The daemon has closed the connection because our output was not read: a new one can go on from there.
    struct TooSlow: Error {}

    /// The next lines; empty when whoever read our output has gone. Throws `disconnected` when the daemon has, and `TooSlow`
    /// where it is still there.
    func next() throws -> [Notification] {
        console.flush()
        while !console.isClosed {
            let lines = try receive()
            let notifications = lines.compactMap { line -> Notification? in
                guard case .notification(let notification) = line else { return nil }
                return notification
            }
            if !notifications.isEmpty { return notifications }
            var watched = [
                pollfd(fd: client.fileDescriptor, events: Int16(POLLIN), revents: 0),
                // Asked for nothing, a pipe still says when its reader has gone.
                pollfd(fd: STDOUT_FILENO, events: 0, revents: 0),
            ]
            poll(&watched, nfds_t(watched.count), -1)
            if watched[1].revents & Int16(POLLERR) != 0 { return [] }
        }
        return []
    }

    private func receive() throws -> [ServerLine] {
        do {
            return try client.receive()
        } catch {
            // Its last words have come after everything else it sent.
            guard client.goodbye?["reason"]?.stringValue == "slow" else { throw error }
            throw TooSlow()
        }
    }
}
