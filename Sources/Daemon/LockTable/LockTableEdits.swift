import Core

/// What people have changed in `locks.json` since orch last looked.
struct LockTableEdits {
    /// In the order of the file.
    private(set) var taken: [LockTableReader.Entry] = []
    private(set) var released: [LockTableReader.Key] = []
    private(set) var problems: [String] = []
    /// The file at the branch's tip; nil where there is none.
    private(set) var theirs: [UInt8]?
    /// What that file tells of.
    private(set) var mentions: Set<LockMention> = []

    var isEmpty: Bool { taken.isEmpty && released.isEmpty }

    init(_ git: GitRepository, _ branch: GitRepository.LockBranch, for operation: String) throws {
        func file(_ commit: String?) throws -> [UInt8]? {
            try commit.flatMap { try git.lockTable(at: $0, for: operation) }
        }
        theirs = try file(branch.tip)
        let reader = LockTableReader(theirs ?? [])
        mentions = reader.mentions
        guard branch.tip != branch.known, branch.tip != nil else { return }
        compare(LockTableReader(try file(git.lockBase(branch, for: operation)) ?? []).entries, reader)
    }

    private mutating func compare(_ before: [LockTableReader.Entry], _ after: LockTableReader) {
        problems = after.problems.map(\.description)
        taken = after.entries.filter { !before.contains($0) }
        // What cannot be read may be what seems to be missing.
        guard problems.isEmpty else { return }
        let kept = Set(after.entries.map(\.key))
        released = before.map(\.key).filter { !kept.contains($0) }
    }
}
