import CSystem
import Core
import Foundation
import Glibc
import Synchronization

/// Notices that somebody changes the ref of a target branch: one inotify instance and one thread for all repositories,
/// asleep until then.
///
/// git changes a ref by moving a file over it, or by moving a new `packed-refs` into its place. What is reported is only
/// that something has changed; what, has to be read.
final class TargetWatch: Sendable {
    private struct Watched {
        var commonDirectory: String
        var branch: String
        /// The watches, and the name in each folder that matters.
        var names: [Int32: String] = [:]
    }

    private let descriptor: Int32
    private let wake: Int32
    private let report: @Sendable (RepositoryID) -> Void
    /// Guards what is watched.
    private let watched = Mutex<[RepositoryID: Watched]>([:])

    /// Nil when the system has no more inotify instances to give: a moved target is then noticed by the next candidate.
    init?(report: @escaping @Sendable (RepositoryID) -> Void) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        wake = eventfd(0, Int32(EFD_CLOEXEC))
        self.report = report
        guard descriptor >= 0, wake >= 0 else {
            if descriptor >= 0 { close(descriptor) }
            if wake >= 0 { close(wake) }
            return nil
        }
        let thread = Thread { [self] in run() }
        thread.name = "targets"
        thread.start()
    }

    /// Watches the target of a repository, and nothing else of it.
    func watch(_ id: RepositoryID, _ commonDirectory: String, _ branch: String) {
        watched.withLock { watched in
            if let known = watched[id], known.commonDirectory == commonDirectory, known.branch == branch { return }
            for watch in (watched[id]?.names ?? [:]).keys { inotify_rm_watch(descriptor, watch) }
            watched[id] = Watched(commonDirectory: commonDirectory, branch: branch)
            add(&watched[id]!)
        }
    }

    /// Ends the thread. Nothing is reported afterwards.
    func end() {
        eventfd_write(wake, 1)
    }

    /// A folder of the ref that does not exist (its branch is packed) is watched for from the one above.
    private func add(_ repository: inout Watched) {
        let mask = UInt32(IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR)
        repository.names = [:]
        func add(_ folder: String, _ name: String) {
            let watch = inotify_add_watch(descriptor, folder, mask)
            if watch >= 0 { repository.names[watch] = name }
        }
        add(repository.commonDirectory, "packed-refs")
        var folder = repository.commonDirectory + "/refs/heads"
        for name in repository.branch.split(separator: "/").map(String.init) {
            add(folder, name)
            folder += "/" + name
        }
    }

    private func run() {
        while true {
            var polled = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&polled, 2, -1) < 0 { continue }
            if polled[1].revents != 0 { break }
            for id in take() { report(id) }
        }
        close(descriptor)
        close(wake)
    }

    /// The repositories whose target may have changed.
    private func take() -> Set<RepositoryID> {
        var changed: Set<RepositoryID> = []
        let notifications = RunNotifications(descriptor: descriptor)
        watched.withLock { watched in
            notifications.take { watch, name in
                // Reports were lost: anything may have changed.
                for id in watched.keys where watch < 0 || watched[id]!.names[watch] == name { changed.insert(id) }
            }
            for id in changed { add(&watched[id]!) }
        }
        return changed
    }
}
