import Foundation

/// Where the system's cgroups are, and which of them this process is in.
struct CgroupMounts: Equatable, Sendable {
    /// The folder of this process's own group of version 2.
    var own: String?
    /// Its folders in version 1, by controller.
    var legacy: [String: String] = [:]

    static func current() -> CgroupMounts {
        CgroupMounts(
            mounts: (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? "",
            groups: (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
        )
    }

    /// From the content of `/proc/self/mountinfo` and `/proc/self/cgroup`. Version 2 is found wherever it is mounted:
    /// at `/sys/fs/cgroup`, or beside version 1 at `/sys/fs/cgroup/unified`.
    init(mounts: String, groups: String) {
        var paths: [String: String] = [:]
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            // `0::/path` is version 2.
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[String(controller)] = String(fields[2])
            }
        }
        for line in mounts.split(separator: "\n") {
            // `36 35 98:0 /root /mount/point options optional… - type source super-options`
            let halves = line.split(separator: " - ", maxSplits: 1)
            let fields = halves.first?.split(separator: " ") ?? []
            let kind = halves.count == 2 ? halves[1].split(separator: " ") : []
            guard fields.count >= 5, kind.count >= 3 else { continue }
            let (root, point) = (Self.unescaped(fields[3]), Self.unescaped(fields[4]))
            if kind[0] == "cgroup2", own == nil, let path = paths[""] {
                own = Self.folder(of: path, root: root, point: point)
            } else if kind[0] == "cgroup" {
                for controller in kind[2].split(separator: ",").map(String.init) {
                    guard legacy[controller] == nil, let path = paths[controller] else { continue }
                    legacy[controller] = Self.folder(of: path, root: root, point: point)
                }
            }
        }
    }

    /// Nil for a group that lies outside of what is mounted.
    private static func folder(of path: String, root: String, point: String) -> String? {
        if root == "/" { return path == "/" ? point : point + path }
        guard path == root || path.hasPrefix(root + "/") else { return nil }
        return point + path.dropFirst(root.count)
    }

    /// The system writes a space as `\040`, and so on.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
