import CSystem
import Core
import Foundation
import Glibc
import Synchronization

/// Notices that somebody changes the ref of a branch that orch follows: a target, or `orch/locks`. One inotify instance and
/// one thread for all repositories, asleep until then.
///
/// git changes a ref by moving a file over it, or by moving a new `packed-refs` into its place. What is reported is only
/// that something has changed; what, has to be read.
final class BranchWatch: Sendable {
    private struct Watched {
        var commonDirectory: String
        var branches: [String]
        /// The watches, and the branches that each name in a folder matters to.
        var names: [Int32: [String: Set<String>]] = [:]
    }

    private let descriptor: Int32
    private let wake: Int32
    private let report: @Sendable (RepositoryID, _ branch: String) -> Void
    /// Guards what is watched.
    private let watched = Mutex<[RepositoryID: Watched]>([:])

    /// Nil when the system has no more inotify instances to give: a moved target is then noticed by the next candidate.
    init?(report: @escaping @Sendable (RepositoryID, _ branch: String) -> Void) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        wake = eventfd(0, Int32(EFD_CLOEXEC))
        self.report = report
        guard descriptor >= 0, wake >= 0 else {
            if descriptor >= 0 { close(descriptor) }
            if wake >= 0 { close(wake) }
            return nil
        }
        let thread = Thread { [self] in run() }
        thread.name = "branches"
        thread.start()
    }

    /// Watches these branches of a repository, and nothing else of it.
    func watch(_ id: RepositoryID, _ commonDirectory: String, _ branches: [String]) {
        watched.withLock { watched in
            if let known = watched[id], known.commonDirectory == commonDirectory, known.branches == branches { return }
            for watch in (watched[id]?.names ?? [:]).keys { inotify_rm_watch(descriptor, watch) }
            watched[id] = Watched(commonDirectory: commonDirectory, branches: branches)
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
        func add(_ folder: String, _ name: String, _ branch: String) {
            let watch = inotify_add_watch(descriptor, folder, mask)
            if watch >= 0 { repository.names[watch, default: [:]][name, default: []].insert(branch) }
        }
        for branch in repository.branches {
            add(repository.commonDirectory, "packed-refs", branch)
            var folder = repository.commonDirectory + "/refs/heads"
            for name in branch.split(separator: "/").map(String.init) {
                add(folder, name, branch)
                folder += "/" + name
            }
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
            for (id, branches) in take() {
                for branch in branches { report(id, branch) }
            }
        }
        close(descriptor)
        close(wake)
    }

    /// The branches that may have changed.
    private func take() -> [RepositoryID: Set<String>] {
        var changed: [RepositoryID: Set<String>] = [:]
        let notifications = RunNotifications(descriptor: descriptor)
        watched.withLock { watched in
            notifications.take { watch, name in
                for (id, repository) in watched {
                    // Reports were lost: anything may have changed.
                    let branches = watch < 0 ? Set(repository.branches) : repository.names[watch]?[name] ?? []
                    if !branches.isEmpty { changed[id, default: []].formUnion(branches) }
                }
            }
            for id in changed.keys { add(&watched[id]!) }
        }
        return changed
    }
}
