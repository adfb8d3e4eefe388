import Glibc

/// Makes trees of a worktree through a copy of its own index, so that what is tracked although it is ignored stays, and
/// the index is not touched. One value per snapshot.
struct Staging {
    let repository: GitRepository
    let worktree: Worktree
    let lock: RepositoryLock
    let operation: String
    private let index: String
    /// Filters that are required and do not work: their files are added as they are.
    private var brokenFilters: Set<String> = []
    /// There while many files are added.
    private var quarantine: ObjectQuarantine?

    init(_ repository: GitRepository, _ worktree: Worktree, lock: RepositoryLock, operation: String) {
        self.repository = repository
        self.worktree = worktree
        self.lock = lock
        self.operation = operation
        index = "\(worktree.gitDirectory)/orch-index"
        unlink("\(index).lock")
        ObjectQuarantine.clear(for: worktree, in: repository)
    }

    func clear() {
        unlink(index)
        ObjectQuarantine.clear(for: worktree, in: repository)
    }

    /// Looks at the worktree and makes its trees.
    ///
    /// - Parameters:
    ///   - ref: a ref to be looked up along the way.
    ///   - patterns: which ignored files are to be archived.
    mutating func content(
        besides ref: String,
        keepingIgnored patterns: [String]
    ) throws(GitError) -> WorktreeContent {
        var content = WorktreeContent()
        copyIndex()
        var unseen = UnseenFiles(in: worktree.path)
        clearWay(unseen.takeThoseGitOpens(), in: &content)
        do throws(GitError) {
            content.status = try look(besides: ref)
        } catch {
            return try archived(because: error, besides: ref, content)
        }
        // What was told by now still holds if git does not come through.
        let looked = content
        do throws(GitError) {
            content.indexTree = try stagedTree(content.status)
            try stage(&content)
        } catch  where error.kind == .timedOut {
            return try archived(because: error, besides: ref, looked)
        }
        try archiveIgnored(patterns, in: &content)
        archiveNested(in: &content)
        noteUnseen(&unseen, in: &content)
        return content
    }

    /// Of a worktree whose folder somebody has deleted: what the repository has of it, which is what was staged, and its
    /// commits.
    func contentWithoutFolder(besides ref: String) throws(GitError) -> WorktreeContent {
        var content = WorktreeContent()
        let question = ["rev-parse", "HEAD^{commit}", "HEAD^{tree}"]
        let environment = worktree.checkout.environment
        let head = try repository.run(question, environment: environment, accepted: [0, 128], for: operation)
        if head.exitCode == 0, head.lines.count == 2 { content.status.head = (head.lines[0], head.lines[1]) }
        content.status.ref = try repository.resolve(ref)
        if GitFiles.exists("\(worktree.gitDirectory)/index") {
            let staged = try repository.run(
                ["write-tree"],
                environment: environment,
                accepted: [0, 128],
                lock: lock,
                for: operation
            )
            content.indexTree = staged.exitCode == 0 ? staged.line : nil
        }
        if let tree = content.indexTree ?? content.status.head?.tree {
            content.tree = tree
        } else {
            content.tree = try repository.run(["mktree"], lock: lock, for: operation).line
        }
        content.tell("its folder was gone; what was staged and its commits are kept")
        return content
    }

    // MARK: - Looking

    private func copyIndex() {
        // git takes a file for unchanged when it is older than the index and looks the same. A copy with a newer time
        // would hide a change made in the same instant as the index was written.
        if !GitFiles.copy("\(worktree.gitDirectory)/index", to: index) { unlink(index) }
    }

    /// HEAD says what is tracked, where there is no index or a broken one.
    private mutating func rebuildIndex(_ head: String?) throws(GitError) {
        unlink(index)
        _ = try ask(["read-tree", head ?? "--empty"])
    }

    /// Takes away what would keep git waiting before git comes by: a pipe in place of a `.gitignore`, say. There is nothing
    /// in such a file that could be lost.
    private mutating func clearWay(_ files: [(path: [UInt8], kind: String)], in content: inout WorktreeContent) {
        for (path, kind) in files {
            do throws(GitError) {
                let what = "\(PathBytes.text(path)) (\(kind), at which git would have waited)"
                content.tell("not kept, no plain file: \(what); \(try takeAway(path, kind))")
            } catch {
                // git waits there, is ended when its time is up, and the whole folder goes into the archive.
            }
        }
    }

    /// Puts back what the index has there, or leaves nothing there.
    ///
    /// - Returns: what is there now, for a sentence.
    private mutating func takeAway(_ path: [UInt8], _ kind: String) throws(GitError) -> String {
        let name = PathBytes.text(path)
        // Named with its stage, whatever characters it begins with.
        let tracked = try ask(["cat-file", "blob", ":0:\(name)"], accepted: [0, 1, 128])
        if tracked.exitCode == 0 {
            let whole = "\(worktree.path).returned"
            try GitFiles.write(tracked.standardOutput, to: whole, isDurable: false, mode: 0o644, for: operation)
            guard rename(whole, cString(path)) == 0 else {
                throw GitError(.failed, operation, "cannot replace \(name): \(GitFiles.reason())")
            }
            return "the file is again as it was tracked"
        }
        guard Array(name.utf8) == path else {
            // A name that is no text is none for a note in the trash.
            guard unlink(cString(path)) == 0 else {
                throw GitError(.failed, operation, "cannot remove \(name): \(GitFiles.reason())")
            }
            return "it is gone"
        }
        _ = try GitFiles.moveToTrash(
            "\(worktree.path)/\(name)",
            "\(repository.stateDirectory)/trash",
            because: "\(kind), at which git would have waited",
            for: operation
        )
        return "it is in the trash"
    }

    private mutating func look(besides ref: String) throws(GitError) -> WorktreeStatus {
        var isRebuilt = false
        if !GitFiles.exists(index) {
            try rebuildIndex(try headAndRef(besides: ref).head?.commit)
            isRebuilt = true
        }
        while true {
            // Three questions at once: none changes anything, and the first takes most of the time.
            let questions = [
                call(WorktreeStatus.question), call(WorktreeStatus.indexQuestion), headCall(besides: ref),
            ]
            let answers = repository.runTogether(questions, for: operation)
            let (files, entries, head) = (try answers[0].get(), try answers[1].get(), try answers[2].get())
            if files.exitCode == 0, entries.exitCode == 0 {
                var status = Self.headAndRef(head)
                status.read(status: files.standardOutput)
                status.read(index: entries.standardOutput)
                return status
            }
            if tolerate(files) { continue }
            guard !isRebuilt else {
                throw GitError(.failed, operation, "git cannot read it", detail: Git.text(files.standardError))
            }
            isRebuilt = true
            try rebuildIndex(Self.headAndRef(head).head?.commit)
        }
    }

    private func headCall(besides ref: String) -> Git.Call {
        var question = call(["cat-file", "--batch-check=%(objectname)"])
        question.input = Array("HEAD^{commit}\nHEAD^{tree}\n\(ref)^{commit}\n".utf8)
        return question
    }

    private func headAndRef(besides ref: String) throws(GitError) -> WorktreeStatus {
        Self.headAndRef(try repository.git.run(headCall(besides: ref), for: operation))
    }

    private static func headAndRef(_ output: ShellCommand.Output) -> WorktreeStatus {
        var status = WorktreeStatus()
        let names = output.lines.map { line in line.hasSuffix(" missing") ? nil : line }
        guard names.count == 3 else { return status }
        if let commit = names[0], let tree = names[1] { status.head = (commit, tree) }
        status.ref = names[2]
        return status
    }

    // MARK: - Staging

    /// The index as a tree, without the paths that have conflicts.
    private mutating func stagedTree(_ status: WorktreeStatus) throws(GitError) -> String {
        if !status.hasStaged, let head = status.head { return head.tree }
        guard !status.conflicted.isEmpty else { return try writeTree() }
        let whole = "\(index)-whole"
        unlink(whole)
        guard rename(index, whole) == 0, GitFiles.copy(whole, to: index) else {
            throw GitError(.failed, operation, "cannot copy the index: \(GitFiles.reason())")
        }
        try remove(status.conflicted)
        let tree = try writeTree()
        guard rename(whole, index) == 0 else {
            throw GitError(.failed, operation, "cannot copy the index: \(GitFiles.reason())")
        }
        return tree
    }

    /// Brings the copied index to what the files are, and makes the tree.
    private mutating func stage(_ content: inout WorktreeContent) throws(GitError) {
        let hidden = try reveal(content.status)
        let gone = hidden.filter { !exists($0) }
        let removed = content.status.removed + gone
        if !removed.isEmpty { try remove(removed) }
        let paths = content.status.changed + hidden.filter { exists($0) }
        if paths.count > ObjectQuarantine.threshold {
            quarantine = try ObjectQuarantine(for: worktree, in: repository, for: operation)
        }
        let failed = try add(paths)
        if !failed.isEmpty { try addAsTheyAre(failed, in: &content) }
        if !brokenFilters.isEmpty { try tellBrokenFilters(paths, in: &content) }
        if !content.status.conflicted.isEmpty {
            content.notes.append(
                "it has conflicts in \(PathBytes.listing(content.status.conflicted)); the files are kept as they are"
            )
        }
        if removed.isEmpty, paths.isEmpty, let index = content.indexTree {
            content.tree = index
        } else {
            content.tree = try writeTree()
        }
        if let quarantine { try settle(content.tree, from: quarantine) }
    }

    /// Has the objects of a tree in the repository and on the disk.
    private mutating func settle(_ tree: String, from quarantine: ObjectQuarantine) throws(GitError) {
        FaultPoint.snapshotFilesAdded.pass()
        _ = try ask(quarantine.settling, input: Array("\(tree)\n".utf8))
        try quarantine.synchronize(for: operation)
        self.quarantine = nil
        FaultPoint.snapshotPacked.pass()
    }

    /// Paths that git was told to take for unchanged, or to leave alone: from now on it looks at those that are there.
    private mutating func reveal(_ status: WorktreeStatus) throws(GitError) -> [[UInt8]] {
        // What a sparse checkout leaves out is not deleted.
        let skipped = status.skipped.filter { exists($0) }
        let absent = Set(status.skipped).subtracting(skipped)
        let assumed = status.assumedUnchanged.filter { !absent.contains($0) }
        for (flag, paths) in [("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped)] where !paths.isEmpty
        {
            _ = try ask(["update-index", flag, "-z", "--stdin"], input: PathBytes.records(paths))
        }
        return Array(Set(skipped + assumed))
    }

    private mutating func remove(_ paths: [[UInt8]]) throws(GitError) {
        _ = try ask(["update-index", "--force-remove", "-z", "--stdin"], input: PathBytes.records(paths))
    }

    /// Adds files, many of them by and by, and returns those that git will not add.
    ///
    /// The limit of time is each batch's, so that there is none to how many files there are.
    private mutating func add(_ paths: [[UInt8]]) throws(GitError) -> [[UInt8]] {
        guard quarantine != nil else { return try add(together: paths[...]) }
        var failed: [[UInt8]] = []
        var said = ContinuousClock.now
        for start in stride(from: 0, to: paths.count, by: ObjectQuarantine.batch) {
            if ContinuousClock.now - said >= .seconds(10) {
                repository.git.notice("goes on to \(operation): \(start) of \(paths.count) changed files are read")
                said = .now
            }
            failed += try add(together: paths[start..<min(start + ObjectQuarantine.batch, paths.count)])
        }
        return failed
    }

    /// git stops at the first file it will not add, and adds nothing, so those are found by halving.
    private mutating func add(together paths: ArraySlice<[UInt8]>) throws(GitError) -> [[UInt8]] {
        guard !paths.isEmpty else { return [] }
        let packing = quarantine == nil ? [] : ObjectQuarantine.packing
        let arguments = packing + ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"]
        let output = try ask(arguments, input: PathBytes.records(paths), accepted: [0, 1, 128])
        if output.exitCode == 0 { return [] }
        if paths.count == 1 { return Array(paths) }
        let middle = paths.startIndex + paths.count / 2
        return try add(together: paths[..<middle]) + add(together: paths[middle...])
    }

    /// What git will not add as it is configured: plain files are added byte for byte, others named.
    private mutating func addAsTheyAre(_ paths: [[UInt8]], in content: inout WorktreeContent) throws(GitError) {
        var plain: [(path: [UInt8], mode: String)] = []
        var unreadable: [[UInt8]] = []
        var special: [[UInt8]] = []
        for path in paths {
            var status = stat()
            let name = cString(path)
            guard lstat(name, &status) == 0 else { continue }
            if status.st_mode & S_IFMT != S_IFREG {
                special.append(path)
            } else if access(name, R_OK) != 0 {
                unreadable.append(path)
            } else {
                plain.append((path, status.st_mode & S_IXUSR == 0 ? "100644" : "100755"))
            }
        }
        if !unreadable.isEmpty {
            content.isWhole = false
            content.tell("not kept, cannot be read: \(PathBytes.listing(unreadable, limit: 100))")
        }
        if !special.isEmpty { content.tell("not kept, no plain file: \(PathBytes.listing(special, limit: 100))") }
        if !plain.isEmpty { try hash(plain, in: &content) }
        content.refusal = "git could not add \(PathBytes.listing(paths))"
    }

    private mutating func hash(
        _ files: [(path: [UInt8], mode: String)],
        in content: inout WorktreeContent
    ) throws(GitError) {
        do throws(GitError) {
            let names: [UInt8] = files.flatMap { file in PathBytes.quoted(file.path) + [0x0A] }
            let objects = try ask(["hash-object", "-w", "--no-filters", "--stdin-paths"], input: names).lines
            let entries: [UInt8] = zip(files, objects).flatMap { file, object -> [UInt8] in
                Array("\(file.mode) \(object)\t".utf8) + file.path + [0]
            }
            _ = try ask(["update-index", "--add", "--replace", "-z", "--index-info"], input: entries)
            content.tell(
                "kept byte for byte, because git could not add it: \(PathBytes.listing(files.map(\.path)))"
            )
        } catch {
            archiveWhole(because: error, in: &content)
        }
    }

    private mutating func tellBrokenFilters(_ paths: [[UInt8]], in content: inout WorktreeContent) throws(GitError) {
        let answer = try ask(["check-attr", "-z", "--stdin", "filter"], input: PathBytes.records(paths))
        let fields = answer.standardOutput.split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
        var raw: [[UInt8]] = []
        for start in stride(from: 0, to: fields.count - 2, by: 3)
        where brokenFilters.contains(PathBytes.text(fields[start + 2])) { raw.append(fields[start]) }
        guard !raw.isEmpty else { return }
        let filters = brokenFilters.sorted().joined(separator: ", ")
        content.tell("kept byte for byte, because the filter \(filters) does not work: \(PathBytes.listing(raw))")
        content.refusal = "the filter \(filters) does not work on \(PathBytes.listing(raw))"
    }

    // MARK: - Beside the tree

    /// Where git can make nothing of the worktree, or not in time: everything goes into the archive, and HEAD's tree stands
    /// for it.
    private mutating func archived(
        because error: GitError,
        besides ref: String,
        _ earlier: WorktreeContent
    ) throws(GitError) -> WorktreeContent {
        var content = earlier
        quarantine = nil
        // A git that was ended when its time was up has left its lock.
        unlink("\(index).lock")
        content.status = try headAndRef(besides: ref)
        try rebuildIndex(content.status.head?.commit)
        content.tree = try writeTree()
        archiveWhole(because: error, in: &content)
        return content
    }

    private mutating func archiveIgnored(_ patterns: [String], in content: inout WorktreeContent) throws(GitError) {
        var kept: [[UInt8]] = []
        if !patterns.isEmpty {
            let globs = patterns.flatMap { [":(top,glob)\($0)", ":(top,glob)\($0)/**"] }
            let question = ["ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--"]
            kept = try ask(question + globs).standardOutput.split(separator: 0).map { Array($0) }
        }
        if !kept.isEmpty {
            content.archived.append(ArchivePart(directory: worktree.path, paths: kept))
            content.notes.append("ignored by git, in the archive: \(PathBytes.listing(kept))")
        }
        let known = Set(kept)
        let left = content.status.ignored.filter { !known.contains($0) }
        if !left.isEmpty {
            content.notes.append("ignored by git, not kept unless named above: \(PathBytes.listing(left))")
        }
        if !content.status.caches.isEmpty {
            content.notes.append("caches of the agent's program, not kept: \(PathBytes.listing(content.status.caches))")
        }
    }

    // MARK: - git

    private func call(_ arguments: [String]) -> Git.Call {
        // Large files go through git piece by piece, not through memory.
        var settings = ["-c", "core.splitIndex=false", "-c", "core.untrackedCache=false"]
        settings += ["-c", "core.bigFileThreshold=64m"]
        for filter in brokenFilters.sorted() { settings += ["-c", "filter.\(filter).required=false"] }
        if quarantine != nil { settings += ObjectQuarantine.settings }
        var call = Git.Call(settings + arguments, in: worktree.path)
        call.environment = worktree.checkout.environment.merging(quarantine?.environment ?? [:]) { $1 }
        call.environment["GIT_INDEX_FILE"] = index
        call.accepted = [0, 1, 128]
        call.timeout = repository.snapshotLimit
        return call
    }

    /// Asks git through the copied index; again, where a required filter does not work, without requiring it.
    private mutating func ask(
        _ arguments: [String],
        input: [UInt8] = [],
        accepted: Set<Int32> = [0]
    ) throws(GitError) -> ShellCommand.Output {
        while true {
            var question = call(arguments)
            question.input = input
            question.lock = lock
            let output = try repository.git.run(question, for: operation)
            if output.exitCode != 0, tolerate(output) { continue }
            guard accepted.contains(output.exitCode) else { throw question.failure(output, operation) }
            return output
        }
    }

    /// Whether git failed for a required filter that was not known to be broken.
    private mutating func tolerate(_ output: ShellCommand.Output) -> Bool {
        let said = Git.text(output.standardError)
        guard let start = said.firstRange(of: "clean filter '"),
            let end = said[start.upperBound...].firstRange(of: "' failed")
        else { return false }
        return brokenFilters.insert(String(said[start.upperBound..<end.lowerBound])).inserted
    }

    private mutating func writeTree() throws(GitError) -> String { try ask(["write-tree"]).line }

    func cString(_ path: [UInt8]) -> [CChar] {
        worktree.path.utf8.map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0x2F)]
            + path.map { CChar(bitPattern: $0) } + [0]
    }

    private func exists(_ path: [UInt8]) -> Bool {
        var status = stat()
        return lstat(cString(path), &status) == 0
    }
}
