import Foundation
import Glibc
import IPC
import Testing

/// A repository of a user's, with orch's configuration in it.
struct ScratchRepository {
    let path: String
    let environment: [String: String]

    /// Runs the user's git; what it printed, without the last line end.
    @discardableResult
    func git(_ arguments: String..., fails: Bool = false) throws -> String {
        try git(arguments, fails: fails)
    }

    func git(_ arguments: [String], fails: Bool = false) throws -> String {
        let call = ["/usr/bin/git"] + arguments
        var end = try run(call, environment: environment, directory: path)
        // git's own: it reads a worktree that another git is making at this moment. Again, it works (docs/reliability.md).
        for _ in 1...50 where end.error.contains("failed to read") && end.error.contains("/commondir") {
            // Its next try is the only thing that tells whether the other git is done.
            usleep(2000)
            end = try run(call, environment: environment, directory: path)
        }
        guard (end.code != 0) == fails else {
            throw Failure("git \(arguments): \(end.code)\n\(end.output)\(end.error)")
        }
        return end.output.hasSuffix("\n") ? String(end.output.dropLast()) : end.output
    }

    func lines(_ arguments: String...) throws -> [String] {
        try git(arguments).split(separator: "\n").map(String.init)
    }

    func write(_ file: String, _ text: String) throws {
        let full = "\(path)/\(file)"
        try FileManager.default.createDirectory(
            atPath: (full as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: URL(fileURLWithPath: full))
    }

    func read(_ file: String) -> String? { try? String(contentsOfFile: "\(path)/\(file)", encoding: .utf8) }

    /// A file as it is on a branch; nil when it is not there.
    func file(_ name: String, at commit: String = "main") -> String? {
        (try? run(["/usr/bin/git", "show", "\(commit):\(name)"], environment: environment, directory: path))
            .flatMap { $0.code == 0 ? $0.output : nil }
    }

    /// What is held, as `orch/locks` has it.
    func lockedPatterns() throws -> Set<String> {
        guard let table = file("locks.json", at: "orch/locks") else { return [] }
        let locks = try #require(try JSONValue(parsing: Array(table.utf8))["locks"]?.arrayValue)
        return Set(locks.compactMap { $0["pattern"]?.stringValue })
    }

    /// Writes files and commits them where HEAD is.
    @discardableResult
    func commit(_ files: [String: String], _ message: String = "by hand") throws -> String {
        for (file, text) in files { try write(file, text) }
        try git("add", "-A")
        try git("commit", "-q", "-m", message)
        return try git("rev-parse", "HEAD")
    }

    /// The tickets that have landed, oldest first: one for each commit that says so.
    func landed(on branch: String = "main") throws -> [String] {
        try lines("log", "--reverse", "--format=%(trailers:key=Orch-Ticket,valueonly,separator=%x2C)", branch)
            .filter { !$0.isEmpty }
    }

    /// The worktrees git knows beside the user's and orch's own standing checkouts.
    func agentWorktrees() throws -> [String] {
        try lines("worktree", "list", "--porcelain").filter { $0.hasPrefix("worktree ") }
            .map { String($0.dropFirst(9)) }
            .filter { $0.contains("/worktrees/") }
    }

    /// The paths of spare worktrees that are ready.
    func spareWorktrees() throws -> [String] {
        try agentWorktrees().filter { path in
            let name = path.split(separator: "/").last ?? ""
            return name.hasPrefix("spare-") && access("\(commonDirectory)/worktrees/\(name)/orch-spare", F_OK) == 0
        }
    }

    var commonDirectory: String { path + "/.git" }
}

/// A policy that lands what its verifiers pass.
let autoPolicy: JSONObject = ["approve": "auto"]

extension World {
    /// A repository with one commit: a verifier, unless `verify` is nil, and the files; registered and trusted unless
    /// said otherwise.
    ///
    /// - Parameter verify: the body of the script `verify.sh`, which judges a tree.
    func repository(
        _ name: String = "repo",
        _ policy: JSONObject = autoPolicy,
        verify: String? = "! grep -rq BROKEN . --include=*.txt",
        files: [String: String] = [:],
        registering: Bool = true
    ) throws -> ScratchRepository {
        let repository = ScratchRepository(path: "\(folder)/\(name)", environment: environment)
        mkdir(repository.path, 0o755)
        try repository.git("init", "-q", "-b", "main")
        var policy = policy
        var files = files
        if let verify {
            files["verify.sh"] = verify + "\n"
            if policy["verifiers"] == nil {
                policy["verifiers"] = [["name": "test", "command": ["sh", "verify.sh"], "timeout": "60s"]]
            }
        }
        if !policy.isEmpty { files[".orch/config.json"] = JSONValue.object(policy).description + "\n" }
        files["README"] = "A scratch repository\n"
        try repository.commit(files, "base")
        if registering { try ask("repository.trust", ["path": .string(repository.path)]) }
        return repository
    }

    /// Everything these tickets made has been put away, and everything they wrote is kept: no worktree, no branch, no
    /// lock, no candidate; a snapshot each.
    func expectNothingLeft(of tickets: [String], in repository: ScratchRepository) throws {
        #expect(try repository.agentWorktrees() == [])
        let branches = try repository.lines("for-each-ref", "--format=%(refname:short)", "refs/heads")
        #expect(branches.filter { $0 != "orch/locks" } == ["main"])
        #expect(picture.locks.isEmpty)
        #expect(try ask("lock.list")["locks"] == [])
        #expect(picture.agents.values.allSatisfy { $0.state == "idle" && $0.ticket == nil })
        #expect(try worktreeFolders() == [])
        let refs = try repository.lines("for-each-ref", "--format=%(refname)", "refs/orch")
            .filter { $0 != "refs/orch/lock-table" }
        for id in tickets {
            #expect(refs.contains { $0.hasPrefix("refs/orch/snapshots/\(id)/") }, "no snapshot of \(id): \(refs)")
        }
        #expect(refs.allSatisfy { $0.hasPrefix("refs/orch/snapshots/") }, "\(refs)")
    }

    /// The events, folded from nothing, are what `snapshot` says.
    func expectReplayMatchesSnapshot() throws {
        let snapshot = try Picture(snapshot: try ask("snapshot"))
        let replayer = try newClient()
        try replayer.subscribe(since: 0)
        var folded = Picture()
        while folded.seq < snapshot.seq {
            guard case .notification(let line)? = try replayer.next(timeout: patience) else {
                throw problem("the replay ends at \(folded.seq), before \(snapshot.seq)")
            }
            _ = try folded.apply(line)
        }
        #expect(folded.json == snapshot.json)
        // The events that came with the answer may go beyond it.
        if picture.seq == snapshot.seq { #expect(picture.json == snapshot.json) }
    }

    /// Every commit of a branch passes its verifier by itself.
    func expectGreen(_ repository: ScratchRepository, branch: String = "main") throws {
        let place = folder + "/green"
        for commit in try repository.lines("rev-list", "--first-parent", branch) {
            try repository.git("worktree", "add", "-q", "--detach", place, commit)
            let end = try EndToEndTests.run(["/bin/sh", "verify.sh"], environment: environment, directory: place)
            #expect(end.code == 0, "\(commit) is red: \(end.output)\(end.error)")
            try repository.git("worktree", "remove", "--force", place)
        }
    }
}
