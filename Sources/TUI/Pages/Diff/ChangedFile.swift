/// A file that a diff changes: what its headers say of it, and how much of it is changed.
struct ChangedFile: Equatable, Sendable {
    enum Change: Equatable, Sendable {
        case modified, added, deleted
        /// From another name; how much of it is the same, in percent, as git says it.
        case renamed(similarity: String?)
        case copied(similarity: String?)
    }

    /// Its heading's line.
    var line = 0
    /// Its first hunk, counted over the whole diff.
    var firstHunk = 0
    /// As bytes: a name may hold any.
    var name: [UInt8] = []
    var oldName: [UInt8]?
    var change = Change.modified
    /// As git writes them: `100644`.
    var oldMode: String?
    var newMode: String?
    var isBinary = false
    var added = 0
    var removed = 0

    /// One letter, as `git status` has it.
    var letter: String {
        switch change {
        case .modified: "M"
        case .added: "A"
        case .deleted: "D"
        case .renamed: "R"
        case .copied: "C"
        }
    }

    /// In the summary: the new name, and the old one where there is one.
    var title: [UInt8] {
        guard let oldName, oldName != name else { return name }
        return oldName + Array(" => ".utf8) + name
    }

    /// What became of it besides its lines: `new file`, `renamed from a.txt (97% the same)`, `now executable`, `binary`.
    var remarks: [String] {
        var remarks: [String] = []
        func from(_ verb: String, _ similarity: String?) -> String {
            let old = oldName.map { " from " + String(decoding: $0, as: UTF8.self) } ?? ""
            return verb + old + (similarity.map { " (\($0) the same)" } ?? "")
        }
        switch change {
        case .modified: break
        case .added: remarks.append("new \(Self.kind(newMode))")
        case .deleted: remarks.append("\(Self.kind(oldMode)) deleted")
        case .renamed(let similarity): remarks.append(from("renamed", similarity))
        case .copied(let similarity): remarks.append(from("copied", similarity))
        }
        if change != .added, let oldMode, let newMode, oldMode != newMode {
            switch (oldMode, newMode) {
            case ("100644", "100755"): remarks.append("now executable")
            case ("100755", "100644"): remarks.append("no longer executable")
            default: remarks.append("\(Self.kind(oldMode)), now \(Self.kind(newMode))")
            }
        }
        if isBinary { remarks.append("binary") }
        return remarks
    }

    private static func kind(_ mode: String?) -> String {
        switch mode {
        case "100755": "executable file"
        case "120000": "symbolic link"
        case "160000": "submodule"
        default: "file"
        }
    }
}

// MARK: What git's headers say

extension ChangedFile {
    /// Of the line `diff --git a/NAME b/NAME`, or `diff --cc NAME`.
    init(heading line: ArraySlice<UInt8>, line index: Int, firstHunk: Int) {
        self.line = index
        self.firstHunk = firstHunk
        let rest = line.dropFirst(5).drop { $0 != space }.dropFirst()
        if !line.starts(with: "diff --git ".utf8) {
            name = path(rest, side: nil)
        } else if rest.first == quote {
            name = path(rest, side: "a/")
        } else {
            // The same name twice: the separator is in the middle.
            let half = rest.prefix(max(0, rest.count - 1) / 2)
            name = path(half, side: "a/")
        }
    }

    /// Takes in a line between the heading and the first hunk; false where it is not known.
    mutating func take(header line: ArraySlice<UInt8>) -> Bool {
        func rest(after prefix: String) -> ArraySlice<UInt8>? {
            line.starts(with: prefix.utf8) ? line.dropFirst(prefix.utf8.count) : nil
        }
        func words(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
        if let mode = rest(after: "old mode ") {
            oldMode = words(mode)
        } else if let mode = rest(after: "new mode ") {
            newMode = words(mode)
        } else if let mode = rest(after: "new file mode ") {
            (change, newMode) = (.added, words(mode))
        } else if let mode = rest(after: "deleted file mode ") {
            (change, oldMode) = (.deleted, words(mode))
        } else if let old = rest(after: "rename from ") {
            change = .renamed(similarity: similarity)
            oldName = path(old, side: nil)
        } else if let old = rest(after: "copy from ") {
            change = .copied(similarity: similarity)
            oldName = path(old, side: nil)
        } else if let new = rest(after: "rename to ") ?? rest(after: "copy to ") {
            name = path(new, side: nil)
        } else if let percent = rest(after: "similarity index ") {
            change = .renamed(similarity: words(percent))
        } else if let old = rest(after: "--- ") {
            if !old.elementsEqual("/dev/null".utf8) { name = path(old, side: "a/") }
        } else if let new = rest(after: "+++ ") {
            if !new.elementsEqual("/dev/null".utf8) { name = path(new, side: "b/") }
        } else if rest(after: "Binary files ") != nil || rest(after: "GIT binary patch") != nil {
            isBinary = true
        } else if rest(after: "index ") == nil, rest(after: "dissimilarity index ") == nil, rest(after: "mode ") == nil
        {
            return false
        }
        return true
    }

    private var similarity: String? {
        switch change {
        case .renamed(let similarity), .copied(let similarity): similarity
        case .modified, .added, .deleted: nil
        }
    }
}

private let space = UInt8(ascii: " ")
private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")

/// A name as git writes it: quoted as in C where it has to be, with a tab behind it where it holds spaces.
private func path(_ written: ArraySlice<UInt8>, side: String?) -> [UInt8] {
    var name = written.first == quote ? unquoted(written.dropFirst()) : Array(written)
    if name.last == 0x09 { name.removeLast() }
    if let side, name.starts(with: side.utf8) { name.removeFirst(side.utf8.count) }
    return name
}

/// What stands between the quotes, of which the first is gone.
private func unquoted(_ written: ArraySlice<UInt8>) -> [UInt8] {
    var name: [UInt8] = []
    var rest = written
    while let byte = rest.popFirst(), byte != quote {
        guard byte == backslash, let escaped = rest.popFirst() else {
            name.append(byte)
            continue
        }
        let octal = (UInt8(ascii: "0")...UInt8(ascii: "7"))
        if octal.contains(escaped) {
            var value = Int(escaped - octal.lowerBound)
            for _ in 0..<2 {
                guard let digit = rest.first, octal.contains(digit) else { break }
                value = value * 8 + Int(digit - octal.lowerBound)
                rest.removeFirst()
            }
            name.append(UInt8(truncatingIfNeeded: value))
        } else {
            let controls: [UInt8: UInt8] = [
                UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, UInt8(ascii: "n"): 10,
                UInt8(ascii: "v"): 11, UInt8(ascii: "f"): 12, UInt8(ascii: "r"): 13,
            ]
            name.append(controls[escaped] ?? escaped)
        }
    }
    return name
}
