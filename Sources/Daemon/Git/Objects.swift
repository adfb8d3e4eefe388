/// What a commit of the target branch says about how it is to be verified and landed.
public struct PolicyFiles: Sendable, Equatable {
    /// The bytes of `.orch/config.json`; nil when there is none.
    public let configuration: [UInt8]?
    /// The object name of the tree `.orch`, which is what gets trusted; `none` when there is none.
    public let digest: String
    /// The root's `ci.sh`; nil when there is none.
    public let ciScript: CIScript?
    /// The bytes of the root's `.worktreeinclude`; nil when there is none.
    public let worktreeInclude: [UInt8]?

    public struct CIScript: Sendable, Equatable {
        /// The object name of its content.
        public let digest: String
        public let isExecutable: Bool
    }
}

// MARK: - Reading them

extension PolicyFiles {
    /// What to ask `git cat-file --batch` for: the commit's tree, the folder, the file in it, and the other file.
    fileprivate static func names(at commit: String) -> [String] {
        ["\(commit)^{tree}", "\(commit):.orch", "\(commit):.orch/config.json", "\(commit):\(WorktreeInclude.name)"]
    }

    /// Whether the folder is that of the tree, the file that of the folder, and the other file that of the tree.
    fileprivate static func belongTogether(_ found: ArraySlice<GitObject?>) -> Bool {
        let (root, folder, file) = (found[found.startIndex], found[found.startIndex + 1], found[found.startIndex + 2])
        return root?.entry(".orch")?.object == folder?.name && folder?.entry("config.json")?.object == file?.name
            && root?.entry(WorktreeInclude.name)?.object == found[found.startIndex + 3]?.name
    }

    /// From the answers to `names`, of which the first is there.
    fileprivate init(_ found: some Collection<GitObject?>, for operation: String) throws(GitError) {
        let found = Array(found)
        let script = found[0]?.entry("ci.sh").flatMap { $0.isFile ? $0 : nil }
        let entry = found[1]?.entry("config.json")
        if let entry, !entry.isFile {
            throw GitError(.unsupported, operation, ".orch/config.json is not a plain file; replace it with one")
        }
        self.init(
            configuration: entry == nil ? nil : found[2]?.bytes,
            digest: found[0]?.entry(".orch")?.object ?? "none",
            ciScript: script.map { .init(digest: $0.object, isExecutable: $0.mode == "100755") },
            worktreeInclude: found[0]?.entry(WorktreeInclude.name)?.isFile == true ? found[3]?.bytes : nil
        )
    }
}

/// An object as `git cat-file --batch` gives it.
struct GitObject {
    let name: String
    let type: String
    let bytes: [UInt8]

    /// The entry of that name, of a tree object.
    func entry(_ name: String) -> TreeEntry? {
        type == "tree" ? entries.first { $0.name == name } : nil
    }

    /// The entries of a tree object.
    var entries: [TreeEntry] {
        var entries: [TreeEntry] = []
        var rest = bytes[...]
        while let space = rest.firstIndex(of: 0x20), let end = rest[space...].firstIndex(of: 0) {
            let object = rest[(end + 1)...].prefix(name.utf8.count / 2)
            let hexadecimal = object.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let entry = TreeEntry(
                mode: Git.text(rest[..<space]),
                name: Git.text(rest[(space + 1)..<end]),
                object: hexadecimal
            )
            entries.append(entry)
            rest = rest[object.endIndex...]
        }
        return entries
    }
}

struct TreeEntry {
    let mode: String
    let name: String
    let object: String

    var isFile: Bool { mode.hasPrefix("100") }
}

extension GitRepository {
    /// The policy files of a commit, read in one go.
    ///
    /// - Throws: `notFound` when there is no such commit; `unsupported` when the configuration is not a plain file.
    public func policyFiles(at commit: String) throws(GitError) -> PolicyFiles {
        let operation = "read the policy at \(commit)"
        let found = try objects(PolicyFiles.names(at: commit), for: operation)
        guard found[0] != nil else { throw GitError(.notFound, operation, "there is no such commit") }
        return try PolicyFiles(found, for: operation)
    }

    /// The tip of a branch and the policy files there, both by one git; nil when there is no such branch.
    ///
    /// - Throws: `unsupported` when the configuration is not a plain file.
    func tipAndPolicy(of branch: String) throws(GitError) -> (tip: String, files: PolicyFiles)? {
        let ref = "refs/heads/\(branch)"
        let operation = "read the policy of \(branch)"
        let found = try objects(["\(ref)^{commit}"] + PolicyFiles.names(at: ref), for: operation)
        guard let commit = found[0] else { return nil }
        // git looks the branch up for each name: what it says belongs together unless the branch was moved meanwhile.
        guard let tree = found[1], commit.bytes.starts(with: "tree \(tree.name)\n".utf8),
            PolicyFiles.belongTogether(found.dropFirst())
        else { return (commit.name, try policyFiles(at: commit.name)) }
        return (commit.name, try PolicyFiles(found.dropFirst(), for: operation))
    }

    /// The objects that names stand for, in their order; nil for one that does not exist.
    func objects(_ names: [String], for operation: String) throws(GitError) -> [GitObject?] {
        let input = Array((names.joined(separator: "\n") + "\n").utf8)
        let answer = try run(["cat-file", "--batch"], input: input, for: operation).standardOutput
        var rest = answer[...]
        var objects: [GitObject?] = []
        for _ in names {
            guard let end = rest.firstIndex(of: 0x0A) else {
                throw GitError(.failed, operation, "git cat-file broke off its answer")
            }
            let header = Git.text(rest[..<end]).split(separator: " ").map(String.init)
            rest = rest[(end + 1)...]
            guard header.count == 3, let size = Int(header[2]), size < rest.count else {
                objects.append(nil)
                continue
            }
            objects.append(GitObject(name: header[0], type: header[1], bytes: Array(rest.prefix(size))))
            rest = rest.dropFirst(size + 1)
        }
        return objects
    }
}
