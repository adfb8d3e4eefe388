import CSystem
import Foundation
import Glibc
import IPC
import Testing

// What must be true when everything has come to its end, whatever was killed on the way. Agents and verifiers write down
// outside of their worktrees what they did, so that it can be compared with what orch made of it.

extension World {
    /// Functions for the scripts of agents and verifiers, which note what they do in the world's folder.
    ///
    /// - `alone NAME [NAME]`: holds the names until the script and all it started have ended; notes if somebody else does.
    /// - `put FILE TEXT`: writes a file, then notes its hash.
    /// - `hold`: says that it has come so far, and works for ever.
    func writeAgentLibrary() throws {
        for name in ["held", "holding"] { mkdir("\(folder)/\(name)", 0o700) }
        try write(
            "agents/library",
            """
            echo "$ORCH_RUN" >> "$WORLD/ran"
            alone() {
                exec 9>>"$WORLD/held/$1"
                flock -n 9 || echo "$ORCH_RUN met another at $1" >> "$WORLD/overlaps"
                [ $# -gt 1 ] || return 0
                exec 8>>"$WORLD/held/$2"
                flock -n 8 || echo "$ORCH_RUN met another at $2" >> "$WORLD/overlaps"
            }
            put() {
                mkdir -p "$(dirname "$1")"
                echo "$2" > "$1"
                echo "$(git hash-object --no-filters "$1") $ORCH_RUN $1" >> "$WORLD/wrote"
            }
            hold() { : > "$WORLD/holding/$ORCH_TICKET"; exec sleep 600; }

            """
        )
    }

    /// The body of a `verify.sh`, judging by `judge`, that takes its part in the audit when orch runs it.
    func auditedVerifier(_ judge: String = "! grep -rq BROKEN . --include=*.txt", takes time: String = "0") -> String {
        """
        if [ -n "${ORCH_RUN:-}" ]; then
            WORLD=\(folder)
            . "$WORLD/agents/library"
            alone "$(basename "$PWD")"
            sleep \(time)
        fi
        \(judge)
        """
    }

    /// Checks everything that orch promises of a repository in which nothing is under way any more.
    ///
    /// - Parameters:
    ///   - landed: the tickets that must have landed, once each.
    ///   - kept: those whose worktrees must still be there.
    func audit(_ repository: ScratchRepository, landed: [String], kept: [String]) throws {
        try auditMain(repository, landed)
        try auditRuns()
        try auditFiles(repository)
        try auditLeftovers(repository, kept)
        expectNoConflictingLocks()
        try expectReplayMatchesSnapshot()
    }

    /// Only commits with one trailer each, one for each ticket that has landed, each of them verified and green.
    private func auditMain(_ repository: ScratchRepository, _ landed: [String]) throws {
        #expect(try repository.landed().sorted() == landed.sorted(), "landed")
        let commits = try repository.lines("rev-list", "--first-parent", "main")
        for commit in commits.dropLast() {
            let trailers = try repository.lines("log", "-1", "--format=%(trailers:key=Orch-Ticket,valueonly)", commit)
            #expect(trailers.filter { !$0.isEmpty }.count == 1, "\(commit): \(trailers)")
            let status = repository.read(".git/ci-status/\(commit).json") ?? "none"
            #expect(status.contains("\"status\":\"PASS\""), "the status of \(commit) is \(status)")
        }
        try expectGreen(repository)
        #expect(try repository.git("status", "--porcelain") == "", "the user's checkout")
        try repository.git("fsck", "--connectivity-only", "--no-dangling")
        for id in landed { #expect(events("ticket.merged", id).count == 1, "ticket.merged of \(id)") }
    }

    /// Each run was executed at most once, and never two at a time of those that exclude each other; nothing runs now.
    private func auditRuns() throws {
        let ran = lines("ran")
        #expect(Set(ran).count == ran.count, "executed twice: \(ran.sorted())")
        #expect(lines("overlaps") == [])
        var left: [pid_t] = []
        do {
            // A runner writes that its run has ended a moment before it ends itself.
            try poll(for: "the processes to end", within: .seconds(10)) {
                left = livingProcesses().filter { $0 != daemon?.pid }
                return left.isEmpty
            }
        } catch { Issue.record("processes are left: \(left.map(describe))") }
    }

    /// Every file that an agent wrote is reachable from a ref, in a worktree that exists, or in an archive.
    private func auditFiles(_ repository: ScratchRepository) throws {
        let wrote = lines("wrote").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        var kept = Set(try repository.lines("rev-list", "--objects", "--all").map { String($0.prefix(40)) })
        let missing = { wrote.filter { !kept.contains($0[0]) } }
        guard !missing().isEmpty else { return }
        let unpacked = folder + "/unpacked"
        mkdir(unpacked, 0o700)
        for archive in names(in: state + "/archives") where archive.hasSuffix(".tar") {
            let place = "\(unpacked)/\(archive)"
            mkdir(place, 0o700)
            let tar = ["/usr/bin/tar", "-xf", "\(state)/archives/\(archive)", "-C", place]
            let end = try EndToEndTests.run(tar, environment: environment)
            #expect(end.code == 0, "\(archive): \(end.error)")
        }
        for place in [state + "/worktrees", unpacked] {
            let hash = "find . -type f -exec git hash-object --no-filters {} +"
            let found = try EndToEndTests.run(["/bin/sh", "-c", hash], environment: environment, directory: place)
            kept.formUnion(found.output.split(separator: "\n").map(String.init))
        }
        #expect(missing().map { $0[1] } == [], "lost")
    }

    /// No worktree, branch, candidate or lock but of `kept`; no lock file and nothing half written anywhere.
    private func auditLeftovers(_ repository: ScratchRepository, _ kept: [String]) throws {
        let rows = try kept.map(ticket)
        #expect(try repository.agentWorktrees().sorted() == rows.compactMap(\.worktree).sorted(), "worktrees")
        // Off the daemon's loop: it may be a moment behind.
        try wait(for: "orch/locks to say what is held", looking: .milliseconds(20)) {
            try repository.lockedPatterns() == Set(picture.locks.values.map(\.pattern))
        }
        let branches = try repository.lines("for-each-ref", "--format=%(refname:short)", "refs/heads")
        #expect(
            branches.filter { $0 != "orch/locks" }.sorted() == (["main"] + rows.compactMap(\.branch)).sorted(),
            "branches"
        )
        let inState = try worktreeFolders().map { "\(state)/worktrees/\($0)" }
        #expect(inState.sorted() == rows.compactMap(\.worktree).sorted(), "the folder of worktrees")
        let candidates = try repository.lines("for-each-ref", "--format=%(refname)", "refs/orch/candidates")
        for ref in candidates { #expect(kept.contains { ref.hasSuffix("/\($0)") }, "\(ref)") }
        #expect(picture.locks.values.allSatisfy { $0.ticket.map(kept.contains) == true }, "\(picture.locks)")
        let patterns = Set(rows.flatMap(\.locks))
        #expect(Set(picture.locks.values.map(\.pattern)).isSubset(of: patterns))
        #expect(picture.agents.values.allSatisfy { $0.state == "idle" && $0.ticket == nil }, "\(picture.agents)")

        let signs = ["*.lock", "*.new", "*.making", "*.landing", "*.orch-copy", "*.tmp", ".dat.nosync*"]
        let test = signs.flatMap { ["-o", "-name", $0] }.dropFirst()
        // The locks between processes stay, as do the folders of runs with all that is in them.
        let own = ["!", "-path", "\(state)/repositories/*.lock", "!", "-path", "\(state)/runs/*"]
        let locks = [
            "!", "-path", "\(state)/daemon.lock", "!", "-path", "*/orch/trash/*", "!", "-path", "\(state)/trash/*",
        ]
        let find = ["/usr/bin/find", state, repository.commonDirectory, "("] + test + [")"] + own + locks
        let left = try EndToEndTests.run(find, environment: environment).output
        #expect(left == "", "left over")
    }

    /// From the event stream alone: whoever runs holds what it asked for, and nobody else holds any of it.
    ///
    /// - Returns: the newest fencing number.
    @discardableResult
    func expectNoConflictingLocks() -> Int {
        var picture = Picture()
        var last = 0
        for event in history {
            for (fence, change) in event.params["patch"]?["locks"]?.objectValue ?? [:] where !change.isNull {
                let number = Int(fence) ?? 0
                #expect(number > last, "fence \(number) after \(last)")
                last = number
            }
            _ = try? picture.apply(event)
            #expect(Set(picture.locks.values.map(\.pattern)).count == picture.locks.count, "at \(picture.seq)")
            for ticket in picture.tickets.values where ticket.state == "running" {
                let own = picture.locks.values.filter { $0.ticket == ticket.id }.map(\.pattern).sorted()
                #expect(own == ticket.locks.sorted(), "\(ticket.id) runs with \(own) at \(picture.seq)")
            }
        }
        return last
    }

    /// The names of the folders of worktrees, once those that were removed are deleted.
    func worktreeFolders() throws -> [String] {
        try wait(for: "the folders of removed worktrees to be deleted", looking: .milliseconds(20)) {
            names(in: state + "/worktrees/.removed") == []
        }
        return names(in: state + "/worktrees").filter { $0 != ".removed" }
    }

    /// The lines of a file of the world's folder; none when it is not there.
    func lines(_ file: String) -> [String] {
        let text = (try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    private func names(in directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }
}
