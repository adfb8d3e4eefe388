import CSystem
import Glibc

/// The files of a repository's backlog folder, and where they go. Nothing in it is overwritten or deleted.
///
///     .orch/backlog/NAME                     dropped, waits to be whole
///     .orch/backlog/.taking/KEY/NAME         claimed: taken in, or refused, exactly once
///     .orch/backlog/done/NAME                taken in, with NAME.result.json beside it
///     .orch/backlog/failed/NAME              refused, with NAME.error.txt beside it
///
/// A name that is there already gets a number: `NAME.2`.
struct BacklogFolder {
    let path: String

    init(top: String) { path = top + "/.orch/backlog" }

    /// A file that has been moved out of everybody's way.
    struct Claim: Equatable {
        let key: String
        let name: String
    }

    enum Kind: String {
        case done, failed
        var suffix: String { self == .done ? ".result.json" : ".error.txt" }
    }

    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ what: String) { description = "\(what): \(GitFiles.reason())" }
    }

    /// Whether there is one: a link in its place, which a repository may have brought with it, is none.
    var exists: Bool {
        GitFiles.isDirectory(GitFiles.parent(of: path)) && GitFiles.isDirectory(path)
    }

    // MARK: What is there

    /// The names of what has been dropped and is whole, in their order.
    ///
    /// What somebody has open for writing is left until it is closed, and an empty file until there is something in it;
    /// hidden files, those that editors make for a moment, and folders are nobody's tickets.
    var whole: [String] {
        GitFiles.names(in: path).filter { name in
            guard !Self.isPassing(name) else { return false }
            var status = stat()
            guard lstat(path + "/" + name, &status) == 0 else { return false }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return false
            case S_IFREG: return status.st_size > 0 && !Self.hasWriter(path + "/" + name)
            default: return true
            }
        }
    }

    static func isPassing(_ name: String) -> Bool {
        name.hasPrefix(".") || name.hasPrefix("#") || name.hasSuffix("~")
            || [".swp", ".swx", ".tmp", ".part", ".new", ".lock"].contains { name.lowercased().hasSuffix($0) }
    }

    private static func hasWriter(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return cs_has_writer(descriptor) == 1
    }

    // MARK: Claiming

    private var taking: String { path + "/.taking" }
    private func folder(_ key: String) -> String { taking + "/" + key }
    func file(_ claim: Claim) -> String { folder(claim.key) + "/" + claim.name }

    /// Moves a file where nobody will look for it, under a key of its own, and has that on the disk. Nil where somebody
    /// has begun to write to it: it is back in its place then.
    func claim(_ name: String) throws(Problem) -> Claim? {
        let claim = Claim(key: String(UInt64.random(in: .min ... .max), radix: 36), name: name)
        try make(taking)
        try make(folder(claim.key))
        guard cs_rename_new("\(path)/\(name)", file(claim)) == 0 else {
            let problem = Problem("cannot move \(path)/\(name) aside")
            rmdir(folder(claim.key))
            throw problem
        }
        if Self.isRegular(file(claim)), Self.hasWriter(file(claim)), cs_rename_new(file(claim), "\(path)/\(name)") == 0
        {
            rmdir(folder(claim.key))
            return nil
        }
        for folder in [folder(claim.key), taking, path] { _ = GitFiles.synchronize(folder) }
        return claim
    }

    /// What an earlier daemon claimed and did not come to an end with.
    var claims: [Claim] {
        GitFiles.names(in: taking).compactMap { key in
            if let name = GitFiles.names(in: folder(key)).first(where: { !$0.hasPrefix(".") }) {
                return Claim(key: key, name: name)
            }
            // It has been moved on already, or never came here.
            forget(key)
            return nil
        }
    }

    private func forget(_ key: String) {
        unlink(folder(key) + "/.beside")
        unlink(folder(key) + "/.beside.new")
        rmdir(folder(key))
    }

    static func isRegular(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    // MARK: Settling

    /// Moves a claimed file to where it stays, with `beside` beside it. May be asked again after it was cut short.
    func settle(_ claim: Claim, _ kind: Kind, beside: [UInt8]) throws {
        let destination = path + "/" + kind.rawValue
        try make(destination)
        // What stands beside it needs room for its own ending.
        let stem =
            claim.name.utf8.count <= 200 ? claim.name : String(decoding: claim.name.utf8.prefix(180), as: UTF8.self)
        for number in 1... {
            let base = "\(destination)/\(number == 1 ? stem : "\(stem).\(number)")"
            if GitFiles.exists(base) { continue }
            // A result without its file that says just this is this one's, cut short.
            if GitFiles.exists(base + kind.suffix) {
                guard Self.isRegular(base + kind.suffix), GitFiles.read(base + kind.suffix) == beside else { continue }
            } else {
                let draft = folder(claim.key) + "/.beside"
                try GitFiles.write(beside, to: draft, mode: 0o666, for: "say what became of \(claim.name)")
                guard cs_rename_new(draft, base + kind.suffix) == 0 else {
                    if errno == EEXIST { continue }
                    throw Problem("cannot write \(base + kind.suffix)")
                }
                FaultPoint.backlogTold.pass()
            }
            guard cs_rename_new(file(claim), base) == 0 else {
                if errno == EEXIST { continue }
                throw Problem("cannot move \(claim.name) to \(base)")
            }
            _ = GitFiles.synchronize(destination)
            return forget(claim.key)
        }
    }

    private func make(_ folder: String) throws(Problem) {
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST && GitFiles.isDirectory(folder) else {
            throw Problem("cannot make the folder \(folder)")
        }
    }
}
