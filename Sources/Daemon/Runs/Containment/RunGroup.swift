import Foundation
import Glibc

/// A cgroup of one run, for when its runner cannot end it any more.
struct RunGroup: Hashable, Sendable {
    let directory: String

    var exists: Bool { access(directory, F_OK) == 0 }

    /// Kills everything in it and in the groups the run has made inside. Where there is no `cgroup.kill`, in version 1,
    /// nothing: what is in it is in a group of version 2 as well.
    func kill() {
        let descriptor = open(directory + "/cgroup.kill", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, "1", 1)
        close(descriptor)
    }

    /// Removes it with the groups inside, if everything in them is dead. True when it is gone.
    func remove() -> Bool {
        if rmdir(directory) == 0 || errno == ENOENT { return true }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let inner = directory + "/" + name
            var status = stat()
            if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                _ = RunGroup(directory: inner).remove()
            }
        }
        return rmdir(directory) == 0 || errno == ENOENT
    }

    /// Kills and removes groups; blocks until they are gone, or `limit` milliseconds have passed. True when they are.
    static func end(_ groups: [RunGroup], limit: Int64) -> Bool {
        let giveUp = RunClock.steady() + limit
        var pause: Int32 = 1
        while true {
            for group in groups { group.kill() }
            let left = groups.filter { !$0.remove() }
            // orch's group for all runs, if this was the last one.
            for group in groups { rmdir((group.directory as NSString).deletingLastPathComponent) }
            if left.isEmpty { return true }
            if RunClock.steady() > giveUp { return false }
            poll(nil, 0, pause)
            pause = min(pause * 2, 100)
        }
    }
}

extension RunFolder {
    /// The cgroups its runner was ordered to make, if they are of the name that is orch's for this run: a `spec` that
    /// was tampered with must not lead us to anybody else's.
    func groups(named parent: String, _ name: String) -> [RunGroup] {
        guard let bytes = read("spec") else { return [] }
        let fields = bytes.split(separator: 0, omittingEmptySubsequences: false)
        var groups: [RunGroup] = []
        for index in stride(from: 0, to: fields.count - 1, by: 2) where fields[index].elementsEqual("group".utf8) {
            let directory = String(decoding: fields[index + 1], as: UTF8.self)
            guard directory.hasSuffix("/\(parent)/\(name)"), !directory.contains("/../") else { continue }
            groups.append(RunGroup(directory: directory))
        }
        return groups
    }
}

/// Ends the groups that an earlier daemon's runs have left and nobody will: their runners are dead.
enum LeftoverGroups {
    /// Blocks on the folder's locks and on what resists. Touches nothing but the run groups of this state directory.
    static func end(_ plan: CgroupPlan, runs: String) {
        var groups: [String: [RunGroup]] = [:]
        for parent in plan.parents {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.directory)) ?? [] {
                guard name.hasPrefix("run-") || name.hasPrefix("probe-") else { continue }
                groups[name, default: []].append(RunGroup(directory: "\(parent.directory)/\(name)"))
            }
        }
        for (name, groups) in groups {
            let folder = RunFolder(path: "\(runs)/\(name.drop { $0 != "-" }.dropFirst())")
            guard name.hasPrefix("run-"), folder.has("") else {
                _ = RunGroup.end(groups, limit: 2000)
                continue
            }
            // Held meanwhile, so that no runner begins; whoever asks for the run waits for us.
            guard let lock = try? folder.takeLock() else { continue }
            _ = RunGroup.end(groups, limit: 2000)
            RunFolder.release(lock)
        }
        for parent in plan.parents { rmdir(parent.directory) }
    }
}
