import CSystem
import Core
import Foundation
import Glibc
import Synchronization

/// Notices that something has happened in a repository's backlog folder: one inotify instance and one thread for all,
/// asleep until then. What it has to do with, whoever looks finds out.
///
/// Where the folder is not there, the nearest one above it that is, up to the top of the repository, is watched for it.
/// Only where the system has no watch to give the folders are looked at now and then.
final class BacklogWatch: Sendable {
    /// What came of a look.
    enum Finding {
        case settled
        /// Something has to be looked at again soon, though nothing may tell.
        case pending
    }

    private struct Watched {
        var repository: Core.Repository
        /// The watches, and the name in each folder that matters; nil where any does.
        var watches: [Int32: String?] = [:]
        /// No watch could be had.
        var isBlind = false
    }

    private struct State {
        var repositories: [RepositoryID: Watched] = [:]
        var due: Set<RepositoryID> = []
        var isEnding = false
    }

    private let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    private let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    /// Guards what is watched.
    private let state = Mutex(State())
    private let look: @Sendable (BacklogWatch, Core.Repository) -> Finding

    private static let pause: Int32 = 200
    private static let period: Int32 = 5000

    /// - Parameter look: is called on the watch's thread.
    init(look: @escaping @Sendable (BacklogWatch, Core.Repository) -> Finding) {
        self.look = look
        let thread = Thread { [self] in run() }
        thread.name = "backlog"
        thread.start()
    }

    /// Not before: until the daemon has ended, effects still ask for a watch.
    deinit {
        if descriptor >= 0 { close(descriptor) }
        if wake >= 0 { close(wake) }
    }

    /// Watches the backlog folder of a repository, and has it looked at now; nothing new where it is watched there
    /// already.
    func watch(_ repository: Core.Repository) {
        let isNew = state.withLock { state in
            if state.repositories[repository.id]?.repository.path == repository.path { return false }
            for watch in (state.repositories[repository.id]?.watches ?? [:]).keys {
                inotify_rm_watch(descriptor, watch)
            }
            state.repositories[repository.id] = Watched(repository: repository)
            state.due.insert(repository.id)
            return true
        }
        if isNew { eventfd_write(wake, 1) }
    }

    /// Has a folder looked at again, although nothing has happened in it.
    func lookAgain(at id: RepositoryID) {
        _ = state.withLock { $0.due.insert(id) }
        eventfd_write(wake, 1)
    }

    /// Ends the thread, once it has done with the file it is at.
    func end() {
        state.withLock { $0.isEnding = true }
        eventfd_write(wake, 1)
    }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    // MARK: the thread

    private func run() {
        var pending: Set<RepositoryID> = []
        var pause = Self.pause
        while !isEnding {
            let due = state.withLock { state in
                defer { state.due = [] }
                return state.due.compactMap { state.repositories[$0]?.repository }
            }
            for repository in due.sorted(by: { $0.id < $1.id }) where !isEnding {
                // First watched, then looked at: nothing comes in between.
                follow(repository.id)
                switch look(self, repository) {
                case .settled: pending.remove(repository.id)
                case .pending: pending.insert(repository.id)
                }
            }
            wait(pending, pause)
            // A git command ends soon; a lock that one left stays.
            pause = pending.isEmpty ? Self.pause : min(pause * 2, Self.period)
        }
    }

    private func wait(_ pending: Set<RepositoryID>, _ pause: Int32) {
        let blind = state.withLock { state in state.repositories.filter { $0.value.isBlind }.map(\.key) }
        var polled = [
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        // A negative descriptor is passed over.
        let count = poll(&polled, 2, pending.isEmpty ? (blind.isEmpty ? -1 : Self.period) : pause)
        if count == 0 { state.withLock { $0.due.formUnion(pending.union(blind)) } }
        var value: eventfd_t = 0
        eventfd_read(wake, &value)
        guard descriptor >= 0 else { return }
        state.withLock { state in
            RunNotifications(descriptor: descriptor).take { watch, name in
                for (id, watched) in state.repositories {
                    // Reports were lost: anything may have happened. A folder's own end has no name.
                    guard watch >= 0 else {
                        state.due.insert(id)
                        continue
                    }
                    guard let wanted = watched.watches[watch] else { continue }
                    if wanted == nil || wanted == name || name.isEmpty { state.due.insert(id) }
                }
            }
        }
    }

    /// Watches the folder, or where it would come to be, as these are now.
    private func follow(_ id: RepositoryID) {
        state.withLock { state in
            guard var watched = state.repositories[id] else { return }
            let before = Set(watched.watches.keys)
            watched.watches = [:]
            watched.isBlind = false
            let own = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW
            let top = watched.repository.path
            let folders = [(top, ".orch"), (top + "/.orch", "backlog"), (top + "/.orch/backlog", nil)]
            for (index, (path, name)) in folders.enumerated() where GitFiles.isDirectory(path) {
                let isDeepest = index + 1 == folders.count || !GitFiles.isDirectory(folders[index + 1].0)
                let more = isDeepest ? IN_CREATE | IN_MOVED_TO | (name == nil ? IN_CLOSE_WRITE : 0) : 0
                let watch = inotify_add_watch(descriptor, path, UInt32(own) | UInt32(more))
                if watch >= 0 { watched.watches[watch] = .some(name) } else { watched.isBlind = true }
                if isDeepest { break }
            }
            for watch in before.subtracting(watched.watches.keys) { inotify_rm_watch(descriptor, watch) }
            state.repositories[id] = watched
        }
    }
}
