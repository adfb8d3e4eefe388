import CSystem
import Core
import Glibc
import Testing

@testable import Daemon

/// A repository of a user's and a state directory of orch's, in a temporary folder that goes with the value.
final class GitScratch: Sendable {
    let folder: String
    let home: String
    let state: String
    /// The user's checkout, on branch `main` with one commit.
    let checkout: String
    let environment: [String: String]

    /// - Parameters:
    ///   - name: the checkout's folder.
    ///   - format: options for `git init`.
    init(
        name: String = "repo",
        format: [String] = [],
        files: [String: String] = ["a.txt": "one\n", "b.txt": "two\n"]
    ) throws {
        let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(GitFiles.canonical(temporary) ?? "/tmp")/orch-git-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        home = folder + "/home"
        state = folder + "/state"
        checkout = folder + "/" + name
        environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "GIT_CONFIG_NOSYSTEM": "1"]
        mkdir(home, 0o700)
        mkdir(checkout, 0o755)
        try git(["init", "-q", "-b", "main"] + format)
        for (path, content) in files { try write(path, content) }
        try git("add", "-A")
        try git("commit", "-q", "--allow-empty", "-m", "base")
    }

    deinit {
        // Files a test made unreadable or read-only must not keep the folder.
        _ = try? ShellCommand(["/bin/chmod", "-R", "u+rwX", folder], environment: []).run()
        _ = try? ShellCommand(["/bin/rm", "-rf", folder], environment: []).run()
    }

    /// Runs the user's git, with an identity given by hand.
    @discardableResult
    func git(_ arguments: String..., in directory: String? = nil, fails: Bool = false) throws -> String {
        try git(arguments, in: directory, fails: fails)
    }

    @discardableResult
    func git(_ arguments: [String], in directory: String? = nil, fails: Bool = false) throws -> String {
        let identity = ["-c", "user.name=Uma User", "-c", "user.email=uma@example.org"]
        let command = ShellCommand(
            ["/usr/bin/git"] + identity + arguments,
            environment: environment.map { "\($0)=\($1)" },
            directory: directory ?? checkout
        )
        let output = try command.run()
        try #require(
            (output.exitCode != 0) == fails,
            "git \(arguments) ended with \(output.exitCode): \(Git.text(output.standardError))"
        )
        return output.line
    }

    func write(_ path: String, _ content: String, in directory: String? = nil) throws {
        let full = "\(directory ?? checkout)/\(path)"
        try GitFiles.makeDirectory(GitFiles.parent(of: full), for: "write \(full)")
        let descriptor = Glibc.open(full, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        try #require(descriptor >= 0, "cannot write \(full)")
        defer { close(descriptor) }
        let bytes = Array(content.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    /// Deletes a folder with all that is in it.
    func remove(_ path: String) throws {
        let removed = try ShellCommand(["/bin/rm", "-rf", path], environment: []).run()
        try #require(removed.exitCode == 0 && path.hasPrefix(folder))
    }

    func read(_ path: String, in directory: String? = nil) -> String? {
        GitFiles.read("\(directory ?? checkout)/\(path)").map { Git.text($0) }
    }

    /// Writes files and commits them where `directory` is; the new commit.
    @discardableResult
    func commit(_ files: [String: String], _ message: String = "work", in directory: String? = nil) throws -> String {
        for (path, content) in files { try write(path, content, in: directory) }
        try git("add", "-A", in: directory)
        try git("commit", "-q", "--allow-empty", "-m", message, in: directory)
        return try tip("HEAD", in: directory)
    }

    func tip(_ name: String = "main", in directory: String? = nil) throws -> String {
        try git("rev-parse", name, in: directory)
    }

    func open(
        at path: String? = nil,
        as id: String = "r1",
        isDurable: Bool = false,
        inherited: [String: String] = [:]
    ) throws -> GitRepository {
        let git = try Git(environment: environment.merging(inherited) { $1 }, isDurable: isDurable)
        return try GitRepository.open(path ?? checkout, id: RepositoryID(id), stateDirectory: state, git: git)
    }

    /// The worktree of a ticket, made from `main`.
    func worktree(_ repository: GitRepository, ticket: TicketID = .t1, branch: String = "agent-1/T-1-work") throws
        -> Worktree
    {
        try repository.prepareWorktree(
            at: "\(state)/worktrees/w-\(ticket)",
            branch: branch,
            from: tip(),
            ticket: ticket
        )
    }

    /// One ticket's whole life: its worktree, what `work` does in it, the candidate, its verification on exactly its
    /// files, the landing, and everything put away.
    ///
    /// - Parameter target: the branch it lands on.
    /// - Returns: the commit that landed.
    @discardableResult
    func land(
        on target: String = "main",
        in repository: GitRepository,
        ticket: TicketID = .t1,
        _ work: (Worktree) throws -> Void
    ) throws -> BuiltCandidate {
        let base = try #require(try repository.targetTip(target))
        let branch = "agent-1/\(ticket)-work"
        let worktree = try repository.prepareWorktree(
            at: "\(state)/worktrees/w-\(ticket)",
            branch: branch,
            from: base,
            ticket: ticket
        )
        try work(worktree)
        let collected = try repository.collect(worktree, number: 1, target: base, title: "Work", agent: "agent-1")
        let result = try repository.buildCandidate(
            ticket: ticket,
            tip: base,
            head: collected.head,
            method: .squash,
            message: CommitMessage(title: "Work")
        )
        guard case .built(let built) = result else { throw GitError(.failed, "test", "\(result)") }
        let verification = VerificationCheckout(repository: repository, slot: 0)
        try verification.prepare(built.commit)
        #expect(try verification.inspect(tree: built.tree) == .intact)
        #expect(try repository.advance(target, from: base, to: built.commit, reason: "land \(ticket)") == .advanced)
        let snapshot = try repository.snapshot(worktree, number: 2)
        #expect(try repository.removeWorktree(at: worktree.path, ticket: ticket, keptBy: snapshot) == .removed)
        try repository.deleteBranch(branch, at: collected.head, keptBy: snapshot)
        try repository.clearCandidate(of: ticket)
        #expect(try repository.targetTip(target) == built.commit)
        #expect(GitFiles.names(in: state + "/trash").isEmpty)
        return built
    }

    /// Every file of the user's checkout, the index and the refs' names and values: content, kind and time.
    func fingerprint() throws -> [String: String] {
        var found: [String: String] = [:]
        for root in [checkout] {
            let list = try ShellCommand(
                ["/usr/bin/find", root, "-path", "\(root)/.git", "-prune", "-o", "-printf", "%P %m %T@ %y\\0"],
                environment: []
            ).run().records
            for entry in list {
                let name = String(entry.prefix { $0 != " " })
                found[entry] = read(name) ?? "-"
            }
        }
        var status = stat()
        try #require(stat("\(checkout)/.git/index", &status) == 0)
        found["index"] = "\(GitFiles.read("\(checkout)/.git/index") ?? [])"
        found["index time"] = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        found["HEAD"] = read(".git/HEAD")
        found["ORIG_HEAD"] = read(".git/ORIG_HEAD")
        found["heads"] = try git("for-each-ref", "refs/heads", "refs/tags", "refs/remotes")
        return found
    }
}

/// The error that `body` throws, which must be a GitError.
func gitError(_ body: () throws -> Void) throws -> GitError {
    do { try body() } catch let error as GitError { return error }
    throw Missing()
}

private struct Missing: Error {}

extension TicketID {
    static var t1: TicketID { TicketID("T-1") }
    static var t2: TicketID { TicketID("T-2") }
}

/// Makes a file a program. A child copies it: what this process has written may still be open in a child that another test
/// is making at the moment, and the kernel runs nothing that somebody is writing to.
func makeProgram(_ path: String) throws {
    let script = #"cp "$1" "$1.copy" && chmod 755 "$1.copy" && mv "$1.copy" "$1""#
    let output = try ShellCommand(["/bin/sh", "-c", script, "sh", path], environment: ["PATH=/usr/bin:/bin"]).run()
    try #require(output.exitCode == 0, "\(Git.text(output.standardError))")
}
