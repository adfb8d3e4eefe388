import Foundation
import Glibc
import IPC
import Testing

@Suite("git under fire, end to end", .ownThread)
struct GitUnderFireTests {
    // MARK: What agents do

    @Test func aTargetThatAnAgentMovesIsNoticedWhileItStillRuns() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("moved")
            try world.agent(
                "T-1",
                """
                echo a > a.txt
                (cd '\(repository.path)' && echo x > sneaky.txt && git add sneaky.txt && git commit -qm Sneaky)
                read go < "$WORLD/gates/moved"
                """
            )
            try world.enqueue(repository, [:])
            let waiting = try gate.arrival()
            try world.wait(forEvent: "target.moved")
            #expect(world.picture.tickets["T-1"]?.state == "running")
            waiting.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(try repository.lines("log", "--format=%s", "main") == ["Do it", "Sneaky", "base"])
            // Packed, the ref is another file; and what orch lands is no surprise to it.
            try repository.git("pack-refs", "--all")
            try repository.git("update-ref", "refs/heads/main", "main~1")
            try repository.git("reset", "-q", "--hard")
            try world.wait(forEvent: "target.moved", times: 2)
            try repository.git("pack-refs", "--all", "--prune")
            try world.agent("T-2", "echo b > b.txt")
            try world.enqueue(repository, [:])
            try world.waitUntilLanded(["T-2"])
            #expect(world.events("target.moved").count == 2)
            // Moved while no daemon runs, it is noticed by the next.
            try world.quit()
            try repository.commit(["theirs.txt": "x\n"])
            try world.start()
            try world.wait(forEvent: "target.moved", times: 3)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func whatAnAgentDeletesIsMadeAgainByRetry() throws {
        try World.run { world in
            let repository = try world.repository()
            let deletions = [
                "cd /; rm -rf \"$ORCH_WORKTREE\"",
                "cd /; git -C \"$ORCH_WORKTREE\" worktree remove --force \"$ORCH_WORKTREE\"",
                "rm -rf \"$(git rev-parse --absolute-git-dir)\"",
                "rm .git; git init -q; echo z > z.txt; git add -A; git -c user.name=a -c user.email=b commit -qm z",
            ]
            for (index, deletion) in deletions.enumerated() {
                let id = "T-\(index + 1)"
                try world.agent(
                    id,
                    """
                    if [ $ORCH_ATTEMPT = 1 ]; then
                        echo \(id) > \(id).txt; git add -A; git commit -qm work; \(deletion)
                    else
                        git log -1 --format=%s > log-\(id).txt
                    fi
                    """
                )
                try world.enqueue(repository, [:])
                if index < 3 {
                    try world.wait(for: id, "needs_human_review")
                    #expect(world.reason(id).contains("orch retry \(id)"), "\(world.reason(id))")
                    try world.command("retry", id)
                }
                try world.waitUntilLanded([id])
                #expect(repository.file("\(id).txt") == "\(id)\n")
                if index < 3 { #expect(repository.file("log-\(id).txt") == "work\n") }
            }
            try world.expectGreen(repository)
        }
    }

    @Test func aTicketWhoseWorktreeAndBranchAreGoneCanBeCancelled() throws {
        try World.run { world in
            let repository = try world.repository()
            try world.agent("T-1", "echo a > a.txt; git add -A; git commit -qm a; exit 3")
            try world.enqueue(repository, [:])
            let row = try world.wait(for: "T-1", "needs_human_review")
            let head = try repository.git("rev-parse", #require(row.branch))
            try repository.git("worktree", "remove", "--force", #require(row.worktree))
            try world.command("cancel", "T-1")
            try world.wait(forEvent: "ticket.tidied", "T-1")
            try world.expectNothingLeft(of: ["T-1"], in: repository)
            let kept = try repository.lines("for-each-ref", "--contains", head, "refs/orch/snapshots/T-1")
            #expect(!kept.isEmpty)

            // One that git alone has forgotten leaves its folder, which is kept, too.
            try world.agent("T-2", "echo b > b.txt; rm -rf \"$(git rev-parse --absolute-git-dir)\"; exit 3")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-2", "needs_human_review")
            try world.command("cancel", "T-2")
            try world.wait(forEvent: "ticket.tidied", "T-2")
            try world.expectNothingLeft(of: ["T-1", "T-2"], in: repository)
            let trashed = try FileManager.default.contentsOfDirectory(atPath: world.state + "/trash")
            #expect(trashed.sorted() == ["w2.1", "w2.1.from"])
        }
    }

    // MARK: What is in the way

    @Test func anOrphanedGitIsWaitedForByTheNextDaemonWhichSaysSo() throws {
        try World.run(starting: false) { world in
            let gate = try world.gate("smudge")
            let slow = world.folder + "/slow"
            let filter = "if [ -e \(slow) ]; then read go < \(gate.path); fi; cat"
            try world.write(
                "home/.gitconfig",
                "[user]\n\tname = U\n\temail = u@x\n[filter \"slow\"]\n\tsmudge = \"\(filter)\"\n\tclean = cat\n"
            )
            try world.start()
            let repository = try world.repository(files: [".gitattributes": "*.slow filter=slow\n", "x.slow": "x\n"])
            try world.agent("T-1", "echo a > a.txt")
            try world.write("slow", "")
            try world.enqueue(repository, [:])
            let waiting = try gate.arrival()
            try world.kill9()
            unlink(slow)
            try world.restart()
            let said =
                "waits to create the worktree of T-1: an earlier git of orch's still works on this repository (pid"
            try poll(for: "the daemon to say what it waits for") {
                try String(contentsOfFile: world.log, encoding: .utf8).contains(said)
            }
            #expect(world.picture.tickets["T-1"]?.state == "running")
            waiting.letThrough()
            try world.waitUntilLanded(["T-1"])
            #expect(repository.read("x.slow") == "x\n")
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func locksOfTheUsersAreNamedAndWhatWaitsForThemGoesOnByItself() throws {
        try World.run { world in
            let repository = try world.repository()
            let index = repository.commonDirectory + "/index.lock"
            let packed = repository.commonDirectory + "/packed-refs.lock"
            try world.agent("T-1", "echo a > a.txt; echo > '\(index)'; echo > '\(packed)'")
            try world.enqueue(repository, [:])
            try world.wait(forEvent: "landing.blocked", "T-1")
            #expect(world.reason("T-1").contains("waits: \(index) has been there since"), "\(world.reason("T-1"))")
            unlink(index)
            try world.wait(for: "T-1", "merged")
            try world.wait(forEvent: "ticket.left", "T-1")
            #expect(world.events("ticket.left", "T-1").last?.params["reason"]?.stringValue?.contains(packed) == true)
            // A daemon that is started meanwhile tries again, too.
            try world.kill9()
            try world.restart()
            unlink(packed)
            try world.wait(forEvent: "ticket.tidied", "T-1")
            try world.expectNothingLeft(of: ["T-1"], in: repository)
            try world.expectReplayMatchesSnapshot()
        }
    }

    // MARK: What users do

    @Test func aRepositoryThatIsMovedGoesOnWhereItIs() throws {
        try World.run { world in
            let repository = try world.repository()
            let gate = try world.gate("work")
            try world.agent("T-1", "echo a > a.txt; if [ $ORCH_ATTEMPT = 1 ]; then read go < \"$WORLD/gates/work\"; fi")
            try world.agent("T-2", "echo b > b.txt")
            try world.enqueue(repository, ["locks": ["a.txt"]])
            try world.enqueue(repository, ["depends_on": ["T-1"]])
            let waiting = try gate.arrival()
            let moved = ScratchRepository(path: world.folder + "/moved away", environment: world.environment)
            #expect(rename(repository.path, moved.path) == 0)
            waiting.letThrough()
            try world.wait(for: "T-1", "needs_human_review")
            #expect(
                world.reason("T-1")
                    == "the repository \(repository.path) is gone; if it was moved, run orch init where it is now, and its tickets go on"
            )
            // Also over a restart.
            try world.kill9()
            try world.restart()
            try world.ask("repository.add", ["path": .string(moved.path)])
            try world.waitUntilLanded(["T-1", "T-2"])
            #expect(world.picture.repositories.values.map(\.path) == [moved.path])
            #expect(try moved.landed() == ["T-1", "T-2"])
            #expect(moved.read("a.txt") == "a\n")
            try world.expectNothingLeft(of: ["T-1", "T-2"], in: moved)
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func aTargetThatIsGoneIsSaidAndWhenItIsBackTheTicketLands() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human"])
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "awaiting_approval")
            try repository.git("branch", "-m", "main", "other")
            try world.command("approve", "T-1")
            try world.wait(for: "T-1", "needs_human_review")
            #expect(world.reason("T-1").contains("main"), "\(world.reason("T-1"))")
            try repository.git("branch", "-m", "other", "main")
            try world.command("continue", "T-1")
            try world.waitUntilLanded(["T-1"])
        }
    }

    @Test func commitsThatTheUserTakesBackStayAway() throws {
        try World.run { world in
            let repository = try world.repository("repo", ["approve": "human"])
            try repository.commit(["mistake.txt": "x\n"])
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "awaiting_approval")
            try repository.git("reset", "-q", "--hard", "HEAD~1")
            try world.command("approve", "T-1")
            try world.waitUntilLanded(["T-1"])
            #expect(repository.file("a.txt") == "a\n")
            #expect(repository.file("mistake.txt") == nil)
        }
    }

    // MARK: Odd repositories, and an odd environment

    @Test func sixtyFourDigitsAndLineEndsInAPathAreNoMatter() throws {
        try World.run { world in
            let path = world.folder + "/re po\n\u{E9}"
            mkdir(path, 0o755)
            let empty = ScratchRepository(path: path, environment: world.environment)
            try empty.git("init", "-q", "--object-format=sha256", "-b", "main")
            let repository = try world.repository("re po\n\u{E9}", ["approve": "human"])
            try world.agent("T-1", "echo a > a.txt")
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "awaiting_approval")
            try world.command("approve", "T-1")
            try world.waitUntilLanded(["T-1"])
            #expect(try world.ticket("T-1").commit?.utf8.count == 64)
            #expect(try repository.git("rev-parse", "main") == world.ticket("T-1").commit)
            try world.kill9()
            try world.restart()
            try world.expectReplayMatchesSnapshot()
            try world.expectNothingLeft(of: ["T-1"], in: repository)
        }
    }

    @Test func whatGitIsToldInTheDaemonsEnvironmentReachesNobody() throws {
        try World.run(starting: false) { world in
            let plain = world.environment
            let misleading = [
                "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index",
                "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_CEILING_DIRECTORIES": world.folder, "GIT_NAMESPACE": "x",
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true",
                "GIT_CONFIG_PARAMETERS": "'core.bare=true'", "GIT_EXTERNAL_DIFF": "/bin/false",
                "GIT_SSH_COMMAND": "/bin/false", "GIT_DEFAULT_HASH": "sha256", "GIT_AUTHOR_NAME": "Mallory",
            ]
            world.environment.merge(misleading) { $1 }
            try world.start()
            world.environment = plain
            let repository = try world.repository()
            try world.agent("T-1", "env > '\(world.folder)/seen'; echo a > a.txt; git add -A; git commit -qm a")
            try world.enqueue(repository, [:])
            try world.waitUntilLanded(["T-1"])
            let seen = try String(contentsOfFile: world.folder + "/seen", encoding: .utf8)
            #expect(!seen.contains("nowhere") && !seen.contains("Mallory") && !seen.contains("core.bare"))
            #expect(try repository.git("log", "-1", "--format=%an %cn", "main") == "Uma User Uma User")
        }
    }
}
