import CSystem
import Core
import Glibc

/// Where the signs of life of a run are found on disk and among the processes.
struct RunEvidence: Sendable {
    let folder: RunFolder
    /// Where its agent works.
    let worktree: String

    /// How much it has printed, and when it last did.
    var output: (bytes: Int, at: Int64?) {
        var bytes = 0
        var newest: Int64?
        for stream in ["stdout", "stderr"] {
            var status = stat()
            guard stat(folder.file(stream), &status) == 0 else { continue }
            bytes += Int(status.st_size)
            if status.st_size > 0 { newest = max(newest ?? .min, milliseconds(status.st_mtim)) }
        }
        return (bytes, newest)
    }

    /// When something in the worktree, or what git knows of it, last changed.
    var newestFile: Int64? {
        var newest: Int64 = 0
        guard cs_newest_change(worktree, &newest) == 0 else { return nil }
        for file in ["HEAD", "index", "logs/HEAD"] {
            var status = stat()
            guard let gitDirectory, stat("\(gitDirectory)/\(file)", &status) == 0 else { continue }
            newest = max(newest, milliseconds(status.st_ctim))
        }
        return newest
    }

    /// Where git keeps a worktree's own state: its file `.git` says so.
    private var gitDirectory: String? {
        let bytes = RunFolder(path: worktree).read(".git") ?? []
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("gitdir: ") else { return nil }
        return String(text.dropFirst(8).prefix { $0 != "\n" })
    }

    /// The CPU time, in microseconds, of each of these runs' processes: everything below their runners. One pass over
    /// the machine's processes, however many runs. A run that has a cgroup of its own could be asked there instead.
    static func cpu(of folders: [RunFolder]) -> [RunFolder: Int64] {
        let roots = folders.compactMap { folder in folder.identity(in: "runner").map { (folder, $0) } }
        guard !roots.isEmpty else { return [:] }
        var trees = roots.map { cs_tree_cpu(root: $1.pid, start: $1.start, cpu_microseconds: -1) }
        guard cs_cpu_of_trees(&trees, trees.count) == 0 else { return [:] }
        var result: [RunFolder: Int64] = [:]
        for ((folder, _), tree) in zip(roots, trees) where tree.cpu_microseconds >= 0 {
            result[folder] = tree.cpu_microseconds
        }
        return result
    }

    private func milliseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000 }
}
