import CSystem
import Core
import Glibc
import IPC

/// What has passed without a daemon: a file for each PASS, named by all that it is a PASS of, in a folder of the state
/// directory. It does not lie beside `ci-status` in the repository, where an agent could put a PASS of its own making.
struct CIPasses {
    /// Holds those of one repository.
    let folder: String
    let repository: GitRepository
    /// So many are kept, the newest: where only the hook is used, nobody may ever prune.
    private let most: Int

    init(of repository: GitRepository, in directory: String, keeping most: Int = 1000) throws(GitError) {
        self.repository = repository
        self.most = most
        folder = "\(directory)/passes/\(repository.id)"
        try GitFiles.makeDirectory("\(directory)/passes", for: "prepare the state directory")
        try GitFiles.makeDirectory(folder, for: "prepare the state directory")
    }

    /// A PASS, as it was when it was given.
    struct Entry: Equatable {
        let commit: String
        let time: String
        let checks: [Check]
    }

    /// The PASS of exactly this; nil where there is none, or where its file is not what `note` writes.
    func entry(of proof: Proof) throws(GitError) -> Entry? {
        guard let bytes = GitFiles.read(try file(of: proof)), let json = try? JSONValue(parsing: bytes),
            json["tree"]?.stringValue == proof.tree.text, let commit = json["commit"]?.stringValue,
            let time = json["time"]?.stringValue, let verifiers = json["verifiers"]?.arrayValue
        else { return nil }
        let checks = verifiers.compactMap(Check.init)
        return checks.count == verifiers.count ? Entry(commit: commit, time: time, checks: checks) : nil
    }

    /// Keeps a PASS. Whole or not at all.
    ///
    /// - Parameter slot: held by the caller, so that no two write the same unfinished file.
    func note(_ entry: Entry, of proof: Proof, from slot: Int) throws(GitError) {
        let file = try file(of: proof)
        let json: JSONObject = [
            "commit": .string(entry.commit), "tree": .string(proof.tree.text), "time": .string(entry.time),
            "verifiers": .array(entry.checks.map(\.json)),
        ]
        try GitFiles.write(json.bytes, to: "\(file).\(slot)", for: "keep that \(entry.commit) has passed")
        guard rename("\(file).\(slot)", file) == 0 else {
            throw GitError(.failed, "keep that \(entry.commit) has passed", "cannot name \(file): \(GitFiles.reason())")
        }
        dropOldest()
    }

    private func dropOldest() {
        let names = GitFiles.names(in: folder)
        guard names.count > most else { return }
        let files = names.map { name -> (time: (Int, Int), path: String) in
            var status = stat()
            let path = "\(folder)/\(name)"
            return lstat(path, &status) == 0 ? ((status.st_mtim.tv_sec, status.st_mtim.tv_nsec), path) : ((0, 0), path)
        }
        for file in files.sorted(by: { $0.time < $1.time }).prefix(names.count - most) { unlink(file.path) }
    }

    /// Git's name for the bytes of the proof, so that one that differs in anything has another.
    private func file(of proof: Proof) throws(GitError) -> String {
        let text = [proof.tree.text, proof.fingerprint, proof.surroundings ?? ""].joined(separator: "\0")
        let bytes = Array(text.utf8)
        return "\(folder)/\(try repository.run(["hash-object", "--stdin"], input: bytes, for: "name a PASS").line)"
    }
}
