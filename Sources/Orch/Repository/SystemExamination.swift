import CSystem
import Daemon
import Glibc
import IPC
import TUI

/// What orch needs of the system, for `orch doctor`: libraries, the kernel's limits, and the file system below the state.
struct SystemExamination {
    typealias Finding = Examination.Finding

    let paths: StatePaths
    let console: Console

    func findings() -> [Finding] { [sqlite(), owner(), fileSystem(), descriptors(), watches(), terminal()] }

    // MARK: libraries

    private func sqlite() -> Finding {
        let isEnough = StoreCheck.isEnough
        return Finding(
            level: isEnough ? .ok : .fail,
            name: "sqlite",
            message: StoreCheck.library,
            hint: isEnough ? nil : "install a newer libsqlite3, 3.20 at least"
        )
    }

    private func terminal() -> Finding {
        guard console.isTerminal else {
            return Finding(level: .ok, name: "terminal", message: "none, and none is needed")
        }
        let name = console.environment["TERM"].flatMap { $0.isEmpty ? nil : $0 } ?? "TERM is not set"
        guard let obstacle = Dashboard.obstacle() else { return Finding(level: .ok, name: "terminal", message: name) }
        return Finding(level: .warn, name: "terminal", message: "\(name): \(obstacle.message)", hint: obstacle.hint)
    }

    // MARK: the state directory

    /// Agents' output and the store are for the user alone.
    private func owner() -> Finding {
        var status = stat()
        guard stat(paths.directory, &status) == 0 else {
            return Finding(level: .ok, name: "state owner", message: "\(paths.directory) is made by the first daemon")
        }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        guard status.st_uid == geteuid() else {
            return Finding(
                level: .fail,
                name: "state owner",
                message: "\(paths.directory) belongs to user \(status.st_uid), you are \(geteuid())",
                hint: "run orch as that user, or choose another --state-dir"
            )
        }
        let isOurs = status.st_mode & 0o077 == 0
        return Finding(
            level: isOurs ? .ok : .warn,
            name: "state owner",
            message: isOurs ? "you alone (mode \(mode))" : "others may look into \(paths.directory) (mode \(mode))",
            hint: isOurs ? nil : "chmod 700 \(paths.directory); a daemon that starts does it, too"
        )
    }

    private func fileSystem() -> Finding {
        var system = cs_file_system()
        guard cs_file_system_of(Examination.nearest(paths.directory), &system) == 0 else {
            return Finding(level: .warn, name: "file system", message: "it cannot be told: \(reason())")
        }
        let kind = FileSystemKind(magic: system.kind)
        let files = system.free_files
        if system.files > 0, files < 10_000 {
            return Finding(
                level: files < 100 ? .fail : .warn,
                name: "file system",
                message: "there is room for \(files) files only where the state is",
                hint: "worktrees take many: remove what is not needed, or choose another --state-dir"
            )
        }
        return Finding(
            level: kind.doubt == nil ? .ok : .warn,
            name: "file system",
            message: kind.message,
            hint: kind.hint
        )
    }

    // MARK: the kernel's limits

    private func descriptors() -> Finding {
        let most = cs_most_descriptors()
        let isEnough = most >= 4096
        return Finding(
            level: isEnough ? .ok : .warn,
            name: "descriptors",
            message: most > 1 << 30 ? "without limit" : "at most \(most), which a daemon takes up",
            hint: isEnough ? nil : "raise the hard limit: `ulimit -Hn 4096`, or LimitNOFILE= of its unit"
        )
    }

    /// As many as a daemon has; they are free for others again when this returns.
    private func watches() -> Finding {
        var taken: [Int32] = []
        defer { for descriptor in taken { close(descriptor) } }
        while taken.count < 4 {
            let descriptor = inotify_init1(Int32(IN_CLOEXEC))
            guard descriptor >= 0 else {
                return Finding(
                    level: .warn,
                    name: "inotify",
                    message: "your processes have taken up all instances that a user may have: \(reason())",
                    hint:
                        "sudo sysctl fs.inotify.max_user_instances=1024; until then orch looks from time to time instead"
                )
            }
            taken.append(descriptor)
        }
        return Finding(level: .ok, name: "inotify", message: "instances are free")
    }

    private func reason() -> String { String(cString: strerror(errno)) }
}

/// What a file system's number in `statfs` says of keeping a database and worktrees on it.
struct FileSystemKind: Equatable {
    enum Doubt { case network, memory }

    let name: String
    let doubt: Doubt?

    init(magic: UInt32) {
        switch magic {
        case 0x6969: (name, doubt) = ("NFS", .network)
        case 0xFF53_4D42, 0xFE53_4D42, 0x517B: (name, doubt) = ("SMB", .network)
        case 0x0102_1997: (name, doubt) = ("9p", .network)
        case 0x00C3_6400: (name, doubt) = ("Ceph", .network)
        case 0x5346_414F: (name, doubt) = ("AFS", .network)
        case 0x0102_1994, 0x8584_58F6: (name, doubt) = ("a file system in memory", .memory)
        default: (name, doubt) = ("local", nil)
        }
    }

    var message: String {
        switch doubt {
        case .network: "the state is on \(name), where locks and the store's memory may not be shared as they must"
        case .memory: "the state is on \(name): a restart of the machine loses it"
        case nil: name
        }
    }

    var hint: String? { doubt == nil ? nil : "choose a --state-dir on a local disk" }
}
