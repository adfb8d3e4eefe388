import Glibc

/// A checkout of the target branch that git would not fast-forward, and why.
///
/// git stops for any file that is not as its index says, also for one that already is what the candidate brings. That
/// is how a fast-forward looks that was cut short, and running it again is not enough: such files must be told from
/// the user's own changes first.
struct ObstructedCheckout {
    let repository: GitRepository
    let holder: BranchHolder
    let tip: String
    let candidate: String
    /// Whether orch noted that it was about to do this very fast-forward, and never noted that it was done.
    let wasBegun: Bool

    private var path: String { holder.path }

    /// A path the candidate changes and the checkout has otherwise than the tip.
    struct Obstacle: Equatable {
        let path: String
        let state: State
    }

    enum State {
        /// Somebody's own change.
        case changed
        /// The file is the candidate's, and the index has nothing but what the tip or the candidate has.
        case asInCandidate
        /// The file is the beginning of the candidate's, or gone to make room for it: left by a fast-forward of ours that
        /// was cut short.
        case cutShort
    }

    /// What stands between the checkout and the candidate.
    func obstacles(for operation: String) throws(GitError) -> [Obstacle] {
        let changes = try changes(for: operation)
        let status = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no"]
        let dirty = Set(try ask(status, operation).records.map { Array($0.utf8.dropFirst(3)) })
        let tracked = Set(changes.filter { !$0.isAddition }.map { Array($0.path.utf8) })
        var suspects: [Change] = []
        var obstacles: [Obstacle] = []
        for change in changes {
            if dirty.contains(Array(change.path.utf8)) || change.isAddition && isFile(change.path) {
                suspects.append(change)
            } else if change.isAddition {
                let others = try untracked(at: change.path, besides: tracked, for: operation)
                obstacles += others.map { Obstacle(path: $0, state: .changed) }
            }
        }
        return try judge(suspects, for: operation) + obstacles
    }

    /// Puts in order what is nobody's change, so that git can go on: takes files that are as in the candidate into the
    /// index, and moves files that were cut short to the trash.
    func settle(_ obstacles: [Obstacle], lock: RepositoryLock, for operation: String) throws(GitError) {
        for obstacle in obstacles where obstacle.state == .cutShort && GitFiles.exists("\(path)/\(obstacle.path)") {
            try GitFiles.copyToTrash(
                "\(path)/\(obstacle.path)",
                "\(repository.stateDirectory)/trash",
                because: "a fast-forward of orch's was cut short",
                for: operation
            )
        }
        let finished = obstacles.filter { $0.state == .asInCandidate }
        _ = try repository.run(
            ["update-index", "--add", "--remove", "-z", "--stdin"],
            in: path,
            environment: holder.environment,
            input: finished.flatMap { Array($0.path.utf8) + [0] },
            lock: lock,
            for: operation
        )
    }

    // MARK: - Details

    /// One path of the difference between tip and candidate.
    private struct Change {
        let path: String
        let oldMode: String
        let oldObject: String
        let newMode: String
        let newObject: String
        var isAddition: Bool { oldMode == "000000" }
        var isDeletion: Bool { newMode == "000000" }
    }

    private func changes(for operation: String) throws(GitError) -> [Change] {
        let records = try ask(["diff-tree", "-r", "-z", "--raw", "--no-renames", tip, candidate], operation).records
        return stride(from: 0, to: records.count - 1, by: 2).map { index in
            let fields = records[index].dropFirst().split(separator: " ").map(String.init)
            return Change(
                path: records[index + 1],
                oldMode: fields[0],
                oldObject: fields[2],
                newMode: fields[1],
                newObject: fields[3]
            )
        }
    }

    private func isFile(_ file: String) -> Bool {
        GitFiles.exists("\(path)/\(file)") && !GitFiles.isDirectory("\(path)/\(file)")
    }

    /// Untracked files below a path that shall become a file, or a file where the path needs a folder.
    private func untracked(
        at file: String,
        besides tracked: Set<[UInt8]>,
        for operation: String
    ) throws(GitError) -> [String] {
        if GitFiles.isDirectory("\(path)/\(file)") {
            return try ask(["ls-files", "--others", "-z", "--", ":(top,literal)\(file)"], operation).records
        }
        var folder = file
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            if isFile(folder) { return tracked.contains(Array(folder.utf8)) ? [] : [folder] }
        }
        return []
    }

    /// Tells which of these files are somebody's changes.
    private func judge(_ suspects: [Change], for operation: String) throws(GitError) -> [Obstacle] {
        guard !suspects.isEmpty else { return [] }
        var staged: [[UInt8]: [String]] = [:]
        for entry in try ask(["ls-files", "--stage", "-z"], operation).records {
            let parts = entry.split(separator: "\t", maxSplits: 1)
            if parts.count == 2 { staged[Array(parts[1].utf8), default: []].append(String(parts[0])) }
        }
        let files = suspects.filter { kind(of: $0.path) == S_IFREG }
        let hashes = try ask(
            ["hash-object", "--stdin-paths"],
            operation,
            input: files.flatMap { PathBytes.quoted(Array($0.path.utf8)) + [0x0A] }
        ).lines
        let hash = Dictionary(zip(files.map { Array($0.path.utf8) }, hashes), uniquingKeysWith: { $1 })
        var obstacles: [Obstacle] = []
        for change in suspects {
            let key = Array(change.path.utf8)
            let known = ["\(change.oldMode) \(change.oldObject) 0", "\(change.newMode) \(change.newObject) 0"]
            var state = State.changed
            // What is staged and neither the tip's nor the candidate's is somebody's, whatever the file is.
            if staged[key, default: []].allSatisfy({ known.contains($0) }) {
                if try isDone(change, hash: hash[key], for: operation) {
                    state = .asInCandidate
                } else if try wasCutShort(change, for: operation) {
                    state = .cutShort
                }
            }
            obstacles.append(Obstacle(path: change.path, state: state))
        }
        return obstacles
    }

    /// Whether this path is in the checkout exactly as in the candidate.
    private func isDone(_ change: Change, hash: String?, for operation: String) throws(GitError) -> Bool {
        let full = "\(path)/\(change.path)"
        switch (change.newMode, kind(of: change.path)) {
        case ("000000", nil): return true
        case ("100644", S_IFREG), ("100755", S_IFREG):
            return hash == change.newObject && (access(full, X_OK) == 0) == (change.newMode == "100755")
        case ("120000", S_IFLNK):
            guard let target = GitFiles.linkTarget(full) else { return false }
            return try ask(["hash-object", "--stdin", "--no-filters"], operation, input: target).line
                == change.newObject
        default: return false
        }
    }

    /// Whether this is a file that git had begun to write for us when it died.
    private func wasCutShort(_ change: Change, for operation: String) throws(GitError) -> Bool {
        guard wasBegun, !change.isDeletion else { return false }
        // git deletes the old file before it writes the new one.
        guard GitFiles.exists("\(path)/\(change.path)") else { return true }
        guard change.newMode.hasPrefix("100"), kind(of: change.path) == S_IFREG,
            let bytes = GitFiles.read("\(path)/\(change.path)")
        else { return false }
        let whole = try ask(["cat-file", "--filters", "\(candidate):\(change.path)"], operation).standardOutput
        return bytes.count < whole.count && whole.starts(with: bytes)
    }

    private func kind(of file: String) -> mode_t? {
        var status = stat()
        return lstat("\(path)/\(file)", &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private func ask(
        _ arguments: [String],
        _ operation: String,
        input: [UInt8] = []
    ) throws(GitError) -> ShellCommand.Output {
        try repository.run(
            arguments,
            in: path,
            environment: holder.environment,
            input: input,
            for: operation
        )
    }
}
