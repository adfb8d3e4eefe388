/// What git sees in a worktree, through an index of orch's own choice.
struct WorktreeStatus {
    /// The commit HEAD is at; nil on a branch without one.
    var head: (commit: String, tree: String)?
    /// What the asked-for ref points at.
    var ref: String?
    /// Something is staged that HEAD does not have.
    var hasStaged = false
    /// Paths with conflicts.
    var conflicted: [[UInt8]] = []
    /// Tracked files that are gone.
    var removed: [[UInt8]] = []
    /// Files that differ from the index or are new, those not among them that are ignored or `caches`.
    var changed: [[UInt8]] = []
    /// Repositories that the worktree does not track.
    var nested: [[UInt8]] = []
    /// New files that are an agent's program's own, and no work.
    var caches: [[UInt8]] = []
    /// Ignored files, and ignored folders as one (ended by a slash).
    var ignored: [[UInt8]] = []
    /// Submodules, filled or not.
    var submodules: [[UInt8]] = []
    /// Tracked paths that git was told not to look at.
    var assumedUnchanged: [[UInt8]] = []
    var skipped: [[UInt8]] = []

    static let question = [
        "status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty",
        "--ignored=matching",
    ]
    static let indexQuestion = ["ls-files", "--stage", "-v", "-z"]

    /// Reads what `question` was answered with.
    mutating func read(status bytes: [UInt8]) {
        bytes.forEachRecord { record in
            guard let kind = record.first else { return }
            switch kind {
            case UInt8(ascii: "?"): note(untracked: Array(record.dropFirst(2)))
            case UInt8(ascii: "!"): ignored.append(Array(record.dropFirst(2)))
            case UInt8(ascii: "1"):
                // `1 XY sub mH mI mW hH hI path`
                let (staged, unstaged) = (record[record.startIndex + 2], record[record.startIndex + 3])
                if staged != UInt8(ascii: ".") { hasStaged = true }
                if unstaged != UInt8(ascii: ".") {
                    note(record.path(after: 8), isRemoved: unstaged == UInt8(ascii: "D"))
                }
            case UInt8(ascii: "u"):
                // `u XY sub m1 m2 m3 mW h1 h2 h3 path`
                hasStaged = true
                let path = record.path(after: 10)
                conflicted.append(path)
                note(path, isRemoved: record.path(after: 6).starts(with: "000000".utf8))
            default: return
            }
        }
    }

    private mutating func note(_ path: [UInt8], isRemoved: Bool) {
        if isRemoved { removed.append(path) } else { changed.append(path) }
    }

    private mutating func note(untracked path: [UInt8]) {
        if AgentCache.holds(path) { return caches.append(path) }
        if path.last == UInt8(ascii: "/") { nested.append(path.dropLast()) } else { changed.append(path) }
    }

    /// Reads what `indexQuestion` was answered with: `H 100644 <object> 0<TAB>path`.
    mutating func read(index bytes: [UInt8]) {
        bytes.forEachRecord { record in
            guard record.count > 8 else { return }
            let (tag, mode) = (record[record.startIndex], record[record.startIndex + 2])
            let isSubmodule = mode == UInt8(ascii: "1") && record[record.startIndex + 3] == UInt8(ascii: "6")
            if tag == UInt8(ascii: "H"), !isSubmodule { return }
            let path = record.firstIndex(of: 0x09).map { Array(record[($0 + 1)...]) } ?? []
            if isSubmodule { submodules.append(path) }
            if tag | 0x20 == UInt8(ascii: "s") { skipped.append(path) }
            if tag & 0x20 != 0 { assumedUnchanged.append(path) }
        }
    }
}

extension [UInt8] {
    /// Calls `body` with every NUL-ended record.
    fileprivate func forEachRecord(_ body: (ArraySlice<UInt8>) -> Void) {
        var start = startIndex
        while start < endIndex, let end = self[start...].firstIndex(of: 0) {
            body(self[start..<end])
            start = end + 1
        }
    }
}

extension ArraySlice<UInt8> {
    /// What follows so many spaces.
    fileprivate func path(after spaces: Int) -> [UInt8] {
        var (position, count) = (startIndex, 0)
        while position < endIndex, count < spaces {
            if self[position] == 0x20 { count += 1 }
            position += 1
        }
        return Array(self[position...])
    }
}
