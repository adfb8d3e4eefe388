/// What a snapshot's commit says about it, in its message: everything that `orch snapshots` shows and `orch restore`
/// needs lies in the repository, and outlives orch's own files.
struct SnapshotRecord: Equatable {
    /// The first line: `Snapshot 3 of T-7`.
    var title = ""
    /// Why it was taken, in a phrase.
    var reason = ""
    /// The commit HEAD was at; nil on a branch without one.
    var head: String?
    /// The branch HEAD was on, `refs/heads/…`; nil when it was detached.
    var headRef: String?
    /// What was staged, as a tree; nil where the index could not be read.
    var index: String?
    /// The names of the archives beside it, oldest first.
    var archives: [String] = []
    /// Something an agent wrote could not be read, and is in the worktree alone.
    var isIncomplete = false
    /// What is not in the commit, and where it is, in sentences.
    var notes: [String] = []

    private static let subject = "Snapshot "

    var message: String {
        var lines = [title, ""]
        func add(_ key: String, _ value: String?) {
            if let value, !value.isEmpty { lines.append("\(key): \(Self.line(value))") }
        }
        add("Reason", reason)
        add("Head", head)
        add("Branch", headRef)
        add("Index", index)
        for archive in archives { add("Archive", archive) }
        if isIncomplete { add("Incomplete", "yes") }
        for note in notes { add("Note", note) }
        return lines.joined(separator: "\n") + "\n"
    }

    init(title: String) { self.title = title }

    /// Reads a commit's message back; nil when it is none of a snapshot.
    init?(message: String) {
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.hasPrefix(Self.subject) else { return nil }
        title = String(first)
        for line in lines.dropFirst(2) {
            guard let colon = line.firstRange(of: ": ") else { continue }
            let value = String(line[colon.upperBound...])
            switch line[..<colon.lowerBound] {
            case "Reason": reason = value
            case "Head": head = value
            case "Branch": headRef = value
            case "Index": index = value
            case "Archive": archives.append(value)
            case "Incomplete": isIncomplete = true
            case "Note": notes.append(value)
            default: continue
            }
        }
    }

    /// A value as one line: what would break it is left out.
    private static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}

/// The names of files, as bytes: they need not be UTF-8.
enum PathBytes {
    /// For a sentence.
    static func text(_ path: some Sequence<UInt8>) -> String { Git.text(path) }

    /// As NUL-ended records, for git's or tar's standard input.
    static func records(_ paths: some Sequence<[UInt8]>) -> [UInt8] { paths.flatMap { $0 + [0] } }

    /// A few of them for a sentence.
    static func listing(_ paths: [[UInt8]], limit: Int = 5) -> String {
        let some = paths.prefix(limit).map { text($0) }.joined(separator: ", ")
        return some + (paths.count > limit ? " and \(paths.count - limit) more" : "")
    }

    /// As one line for git, or as one of a list that colons separate: quoted as in C where it has to be.
    static func quoted(_ path: [UInt8]) -> [UInt8] {
        guard path.contains(0x0A) || path.contains(UInt8(ascii: ":")) || path.first == UInt8(ascii: "\"") else {
            return path
        }
        let escaped = path.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x0A: Array("\\n".utf8)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7F: [byte]
            default: Array(("\\" + String(Int(byte) + 0o1000, radix: 8).dropFirst()).utf8)
            }
        }
        return [UInt8(ascii: "\"")] + escaped + [UInt8(ascii: "\"")]
    }
}
