/// What a worktree holds, as trees and as what cannot be in a tree.
struct WorktreeContent {
    var status = WorktreeStatus()
    /// What was staged, without the paths that have conflicts; nil where the index could not be read.
    var indexTree: String?
    /// The files.
    var tree = ""
    var archived: [ArchivePart] = []
    /// Why the tree is not what an ordinary `git add` would have made, in a sentence.
    var refusal: String?
    /// False where something an agent wrote could not be read.
    var isWhole = true
    /// What is not in the tree, or not as git would have it.
    var notes: [String] = []
    /// Those of the notes that somebody should hear of now.
    var announcements: [String] = []

    mutating func tell(_ note: String) {
        notes.append(note)
        announcements.append(note)
    }
}

// What goes beside the tree, and takes no git.
extension Staging {
    func archiveWhole(because error: GitError, in content: inout WorktreeContent) {
        let said = error.detail.split(separator: "\n").first.map(String.init) ?? error.message
        content.refusal = "git could not read the folder: \(said)"
        content.archived = [ArchivePart(directory: worktree.path, paths: [Array(".".utf8)])]
        content.tell("the whole folder is in the archive, because git could not read it: \(said)")
    }

    func archiveNested(in content: inout WorktreeContent) {
        var paths = content.status.nested
        for path in paths { content.tell("the nested repository \(PathBytes.text(path)) is in the archive") }
        if GitFiles.isDirectory("\(worktree.path)/.git") {
            paths.append(Array(".git".utf8))
            content.tell("the folder is a repository of its own; its .git is in the archive")
        }
        // Neither a submodule's files and commits, nor what somebody put into the empty folder of one that is not filled,
        // are in the tree.
        let filled = content.status.submodules.filter { !GitFiles.names(in: cString($0)).isEmpty }
        if !filled.isEmpty {
            paths += filled
            content.notes.append("submodules, in the archive: \(PathBytes.listing(filled))")
        }
        if !paths.isEmpty { content.archived.append(ArchivePart(directory: worktree.path, paths: paths)) }
        if GitFiles.exists("\(worktree.gitDirectory)/modules") {
            content.archived.append(
                ArchivePart(
                    directory: worktree.gitDirectory,
                    paths: [Array("modules".utf8)],
                    into: ArchivePart.modules
                )
            )
        }
    }

    func noteUnseen(_ unseen: inout UnseenFiles, in content: inout WorktreeContent) {
        let folders = content.status.ignored.filter { $0.last == UInt8(ascii: "/") }.map { Array($0.dropLast()) }
        let archived = content.archived.filter { $0.directory == worktree.path }.flatMap(\.paths)
        unseen.forget(below: Set(folders + archived))
        if !unseen.special.isEmpty {
            let names = unseen.special.prefix(5).map { "\(PathBytes.text($0.path)) (\($0.kind))" }
            let more = unseen.special.count - names.count
            let rest = more > 0 ? " and \(more) more" : ""
            content.notes.append("not kept, no plain file: \(names.joined(separator: ", "))\(rest)")
        }
        if !unseen.unreadable.isEmpty {
            content.isWhole = false
            content.tell("not kept, cannot be read: \(PathBytes.listing(unseen.unreadable, limit: 100))")
        }
        if !unseen.deep.isEmpty {
            content.archived.append(ArchivePart(directory: worktree.path, paths: unseen.deep))
            content.tell(
                "too deep for git, in the archive: \(unseen.deep.count == 1 ? "a folder" : "\(unseen.deep.count) folders") below \(PathBytes.text(unseen.deep[0].prefix { $0 != UInt8(ascii: "/") }))"
            )
        }
    }
}
