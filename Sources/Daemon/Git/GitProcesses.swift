import CSystem
import Glibc

/// The processes of this machine, looked at for those that are git's or hold a file: the evidence on which a lock that
/// stands in the way is waited for, or put aside.
enum GitProcesses {
    /// One process, proven to be the same by its start time.
    struct Process {
        let pid: pid_t
        /// Clock ticks from the machine's start to the process's.
        let start: UInt64
        /// Its command line, cut short.
        let command: String

        /// How long it has been running.
        var age: Duration {
            var now = timespec()
            clock_gettime(CLOCK_BOOTTIME, &now)
            let ticks = Int64(now.tv_sec) * Int64(sysconf(Int32(_SC_CLK_TCK)))
            return .seconds(max(0, ticks - Int64(start)) / Int64(sysconf(Int32(_SC_CLK_TCK))))
        }

        /// Kills it, unless it has ended and something else has its number.
        func kill() {
            let pidfd = cs_pidfd_open(pid)
            guard pidfd >= 0 else { return }
            defer { close(pidfd) }
            var process = cs_process()
            guard cs_process_status(pid, &process) == 0, process.start == start else { return }
            _ = cs_pidfd_send_signal(pidfd, SIGKILL)
        }

        fileprivate init?(_ pid: pid_t) {
            var process = cs_process()
            guard cs_process_status(pid, &process) == 0, process.alive != 0 else { return nil }
            self.pid = pid
            start = process.start
            let words = (GitFiles.read("/proc/\(pid)/cmdline") ?? []).split(separator: 0).map { Git.text($0) }
            command = String(words.joined(separator: " ").prefix(100))
        }
    }

    /// The processes beside this one that have `path` open.
    static func holding(_ path: String) -> [Process] {
        all.filter { $0 != getpid() && hasOpen($0, path) }.compactMap { Process($0) }
    }

    /// Whether a git is at work in one of the folders, or has `file` open.
    ///
    /// - Parameter unseen: what to take a git for that cannot be looked into, because it is another user's.
    static func isGitAtWork(in folders: [String], on file: String, unseen: Bool) -> Bool {
        all.contains { pid in
            guard GitFiles.line("/proc/\(pid)/comm")?.hasPrefix("git") == true, Process(pid) != nil else {
                return false
            }
            guard let place = GitFiles.linkTarget("/proc/\(pid)/cwd").map({ Git.text($0) }) else {
                // One that has ended meanwhile is gone.
                return unseen && errno == EACCES
            }
            return folders.contains { place == $0 || place.hasPrefix($0 + "/") } || hasOpen(pid, file)
        }
    }

    private static var all: [pid_t] { GitFiles.names(in: "/proc").compactMap { pid_t($0) } }

    private static func hasOpen(_ pid: pid_t, _ path: String) -> Bool {
        let wanted = Array(path.utf8)
        return GitFiles.names(in: "/proc/\(pid)/fd").contains { GitFiles.linkTarget("/proc/\(pid)/fd/\($0)") == wanted }
    }
}
