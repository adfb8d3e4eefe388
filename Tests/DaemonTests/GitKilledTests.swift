import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// Somebody kills orch's gits: the system when memory is short, say. What was asked of them is asked again.
@Suite struct GitKilledTests {
    let scratch: GitScratch

    init() throws { scratch = try GitScratch() }

    /// A repository whose git is killed as many times as said when its arguments match the shell pattern, after it has done
    /// its work or before.
    private func repository(
        killing pattern: String,
        times: Int = 1,
        afterwards: Bool,
        end: String = "kill -9 $$"
    ) throws -> GitRepository {
        let bin = scratch.folder + "/bin"
        mkdir(bin, 0o755)
        let script = """
            #!/bin/sh
            case "$*" in
            \(pattern))
                for n in $(seq \(times)); do
                    mkdir "\(bin)/killed$n" 2>/dev/null || continue
                    \(afterwards ? "/usr/bin/git \"$@\"" : ":")
                    \(end)
                done
            esac
            exec /usr/bin/git "$@"

            """
        try Data(script.utf8).write(to: URL(fileURLWithPath: bin + "/git"))
        try makeProgram(bin + "/git")
        var environment = scratch.environment
        environment["PATH"] = "\(bin):/usr/bin:/bin"
        return try GitRepository.open(
            scratch.checkout,
            id: RepositoryID("r1"),
            stateDirectory: scratch.state,
            git: Git(environment: environment)
        )
    }

    private var kills: Int { GitFiles.names(in: scratch.folder + "/bin").count { $0.hasPrefix("killed") } }

    private func worktree(_ repository: GitRepository) throws -> Worktree {
        try repository.prepareWorktree(
            at: scratch.state + "/worktrees/w1",
            branch: "agent-1/T-1",
            from: try scratch.tip(),
            ticket: .t1
        )
    }

    @Test(arguments: [false, true]) func aReadIsAskedAgain(afterwards: Bool) throws {
        let repository = try repository(killing: "rev-parse*refs/heads/main*", afterwards: afterwards)
        #expect(try repository.targetTip("main") == scratch.tip())
        #expect(kills == 1)
    }

    @Test(arguments: [false, true]) func aWorktreeIsMadeAllTheSame(afterwards: Bool) throws {
        let repository = try repository(killing: "worktree\\ add*", afterwards: afterwards)
        let made = try worktree(repository)
        #expect(kills == 1)
        #expect(scratch.read("a.txt", in: made.path) == "one\n")
        #expect(!GitFiles.exists(made.path + ".making"))
    }

    @Test(arguments: ["*update-index\\ --add*", "commit-tree*", "*write-tree*", "update-ref*", "reset*"])
    func workIsTakenUpAllTheSame(command: String) throws {
        for afterwards in [false, true] {
            let test = try GitKilledTests()
            let repository = try test.repository(killing: "\(command)", afterwards: afterwards)
            let worktree = try test.worktree(repository)
            try test.scratch.write("new.txt", "new\n", in: worktree.path)
            let work = try repository.collect(
                worktree,
                number: 1,
                target: try test.scratch.tip(),
                title: "t",
                agent: "agent-1"
            )
            #expect(test.kills == 1, "\(command)")
            #expect(work.changedPaths == ["new.txt"])
            #expect(try test.scratch.git("status", "--porcelain", in: worktree.path) == "")
        }
    }

    @Test func aGitThatGitRunsCountsToo() throws {
        let end = "echo 'fatal: branch died of signal 9' >&2; exit 128"
        let repository = try repository(killing: "worktree\\ add*", afterwards: false, end: end)
        #expect(scratch.read("a.txt", in: try worktree(repository).path) == "one\n")
        #expect(kills == 1)
    }

    @Test func afterTheThirdTimeItIsSaid() throws {
        let repository = try repository(killing: "worktree\\ add*", times: 3, afterwards: false)
        #expect { try worktree(repository) } throws: { error in
            (error as? GitError)?.message == "git was ended by signal 9"
        }
        #expect(kills == 3)
        // And another attempt begins where this one ended.
        #expect(scratch.read("a.txt", in: try worktree(repository).path) == "one\n")
    }
}
