import Glibc

/// The root's `.worktreeinclude`: patterns, as git ignores files, of what a fresh worktree is given from the user's checkout.
///
/// Only files that git neither tracks nor shows are: `.env`, say. No link is followed, and none is copied.
struct WorktreeInclude {
    /// The name of the file.
    static let name = ".worktreeinclude"
    private static let longest = 64 << 10

    /// One pattern each, in their order.
    let patterns: [String]
    /// What of the file is left out; nil where it is read whole.
    let shortcoming: String?

    /// Reads what the file holds; the lines behind the first 64 KiB of one that is too long are left out.
    init(_ bytes: [UInt8]) {
        var read = bytes.prefix(Self.longest)
        if read.count < bytes.count { read = read[...(read.lastIndex(of: 0x0A) ?? 0)] }
        shortcoming = read.count < bytes.count ? "\(Self.name) is read up to \(Self.longest >> 10) KiB" : nil
        let text = Git.text(read.drop { [0xEF, 0xBB, 0xBF].contains($0) })
        patterns = text.split(whereSeparator: \.isNewline).compactMap { line in
            if line.hasPrefix("#") { return nil }
            var pattern = line
            while pattern.last == " ", !pattern.hasSuffix("\\ ") { pattern = pattern.dropLast() }
            return pattern.isEmpty || pattern.contains("\0") ? nil : String(pattern)
        }
    }
}

extension GitRepository {
    /// Copies the files of the user's checkout that the patterns name, and that git ignores there, to a worktree; what is
    /// there already stays. A copy is there whole or not at all.
    ///
    /// - Returns: which could not be copied, and why: no obstacle to the work, but something to know.
    func copyIncluded(_ include: WorktreeInclude, to destination: String) -> [String] {
        guard !include.patterns.isEmpty else { return [] }
        let names: [[UInt8]]
        do { names = try includedFiles(include) } catch {
            return ["\(WorktreeInclude.name): \(error.message)"]
        }
        var notes = [include.shortcoming].compactMap(\.self)
        for name in names {
            guard let problem = FileCopy(from: topLevel, to: destination).copy(name) else { continue }
            notes.append("\(Git.text(name)) (\(WorktreeInclude.name)) is not copied: \(problem)")
            // A whole folder that cannot be read need not be told file by file.
            if notes.count == 20 { return notes + ["and others"] }
        }
        return notes
    }

    /// Paths from the root: those that no index has, that the patterns match, and that the usual rules ignore as well.
    private func includedFiles(_ include: WorktreeInclude) throws(GitError) -> [[UInt8]] {
        let operation = "find what \(WorktreeInclude.name) names"
        let question = ["ls-files", "--others", "--ignored", "-z"] + include.patterns.map { "--exclude=\($0)" }
        let checkout = ["GIT_DIR": commonDirectory, "GIT_WORK_TREE": topLevel]
        let matching = try run(question, in: topLevel, environment: checkout, for: operation).standardOutput
        guard !matching.isEmpty else { return [] }
        let ignored = try run(
            ["check-ignore", "--stdin", "-z"],
            in: topLevel,
            environment: checkout,
            input: matching,
            accepted: [0, 1],
            for: operation
        )
        return ignored.standardOutput.split(separator: 0).map(Array.init)
    }
}

/// Copies files from one folder to another, by their paths in both, from descriptor to descriptor: no link on the way is
/// followed, whoever puts it there meanwhile.
struct FileCopy {
    let from: String
    let to: String

    /// Copies one file with its mode, sharing its blocks where the file system can. Nil when it is there then, or was
    /// before; else why it is not.
    func copy(_ path: [UInt8]) -> String? {
        let names = path.split(separator: UInt8(ascii: "/")).map { $0.map { CChar(bitPattern: $0) } + [0] }
        guard let name = names.last else { return "it has no name" }
        guard let source = Self.folder(from, names.dropLast(), makes: false) else { return Self.reason(errno) }
        defer { close(source) }
        let file = openat(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return Self.reason(errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return Self.reason(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is no plain file" }
        guard let target = Self.folder(to, names.dropLast(), makes: true) else { return Self.reason(errno) }
        defer { close(target) }
        if faccessat(target, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return nil }
        return Self.fill(target, name, from: file, mode: status.st_mode & 0o777)
    }

    /// FICLONE, a macro that Swift does not see.
    private static let cloneRequest: UInt = 0x4004_9409
    /// __O_TMPFILE, likewise.
    private static let withoutName: Int32 = 0o20_000_000 | O_DIRECTORY

    /// Gives the file its name once it is whole: until then it has none, so that nothing is left if we are killed.
    private static func fill(_ folder: Int32, _ name: [CChar], from file: Int32, mode: mode_t) -> String? {
        let copy = openat(folder, ".", O_WRONLY | withoutName | O_CLOEXEC, 0o600)
        guard copy >= 0 else {
            return errno == EOPNOTSUPP ? fillByName(folder, name, from: file, mode: mode) : reason(errno)
        }
        defer { close(copy) }
        guard pourOrShare(file, into: copy), fchmod(copy, mode) == 0 else { return reason(errno) }
        if linkat(AT_FDCWD, "/proc/self/fd/\(copy)", folder, name, AT_SYMLINK_FOLLOW) == 0 { return nil }
        return errno == EEXIST ? nil : reason(errno)
    }

    /// Where files without names are not known (network file systems): under a name that nobody has, private until whole.
    private static func fillByName(_ folder: Int32, _ name: [CChar], from file: Int32, mode: mode_t) -> String? {
        let unfinished = ".orch-copy-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let copy = openat(folder, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard copy >= 0 else { return reason(errno) }
        defer { close(copy) }
        guard pourOrShare(file, into: copy), fchmod(copy, mode) == 0, renameat(folder, unfinished, folder, name) == 0
        else {
            let problem = reason(errno)
            unlinkat(folder, unfinished, 0)
            return problem
        }
        return nil
    }

    private static func pourOrShare(_ file: Int32, into copy: Int32) -> Bool {
        ioctl(copy, cloneRequest, file) == 0 || pour(file, into: copy)
    }

    private static func pour(_ file: Int32, into copy: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count == 0 { return true }
            if count < 0, errno == EINTR { continue }
            var written = 0
            while count > 0, written < count {
                let step = buffer.withUnsafeBytes { write(copy, $0.baseAddress! + written, count - written) }
                if step < 0, errno == EINTR { continue }
                guard step > 0 else { return false }
                written += step
            }
            guard count > 0 else { return false }
        }
    }

    /// The folder below a root that these names lead to; nil, and errno, where there is none.
    private static func folder(_ root: String, _ names: some Sequence<[CChar]>, makes: Bool) -> Int32? {
        var folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for name in names {
            guard folder >= 0 else { return nil }
            if makes { mkdirat(folder, name, 0o777) }
            let next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let code = errno
            close(folder)
            errno = code
            folder = next
        }
        return folder >= 0 ? folder : nil
    }

    private static func reason(_ code: Int32) -> String {
        code == ELOOP || code == ENOTDIR ? "it is a link, or lies behind one" : String(cString: strerror(code))
    }
}
