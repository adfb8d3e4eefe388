import Core
import Daemon
import Glibc
import Measuring

/// A snapshot of a worktree with five changed files, against `git stash create` in the same worktree, in turns:
/// `snapshot [FOLDER OF orch] [--pairs N] [--files N]`. The stash has neither the two untracked files nor what was reset
/// away, and no ref points at it.
@main struct SnapshotCost {
    static func main() {
        do {
            let (pairs, files) = (option("--pairs", 20), option("--files", 10_000))
            print("snapshot of a worktree of \(files) files, 5 of them changed, \(pairs) pairs in turns")
            for durability in ["full", "normal"] {
                try measure(durability, pairs: pairs, files: files)
            }
        } catch {
            complain("snapshot: \(error)")
            exit(1)
        }
    }

    private static func measure(_ durability: String, pairs: Int, files: Int) throws {
        let scratch = try Scratch(files: files)
        let git = try Git(environment: scratch.environment, isDurable: durability == "full")
        let repository = try GitRepository.open(
            scratch.repository,
            id: RepositoryID("r1"),
            stateDirectory: scratch.folder + "/state",
            git: git
        )
        let worktree = try repository.prepareWorktree(
            at: scratch.folder + "/state/worktrees/w1",
            branch: "agent-1/T-1",
            from: try repository.targetTip("main") ?? "",
            ticket: TicketID("T-1")
        )
        // For git by hand, orch's own durability: what is compared is the work, not the disk's.
        let fsync = durability == "full" ? "committed,reference" : "committed,-loose-object"
        // The shell, which keeps the commit's name from the terminal, is replaced by git and costs half a millisecond.
        let byHand = ["/bin/sh", "-c", "exec /usr/bin/git -c core.fsync=\(fsync) stash create >/dev/null"]
        var (orch, hand) = (Sample(), Sample())
        // The first pair warms caches and is not counted.
        for pair in 0...pairs {
            for number in 1...3 {
                try scratch.write("\(pair)\n", to: "state/worktrees/w1/d\(number)/s\(number)/f\(number).txt")
            }
            for number in 1...2 { try scratch.write("\(pair)\n", to: "state/worktrees/w1/new-\(number).txt") }
            // Turn and turn about, as the first one writes the objects of the changed files.
            for turn in [pair % 2, 1 - pair % 2] {
                let began = monotonic()
                if turn == 0 {
                    _ = try repository.snapshot(worktree, number: pair + 1)
                } else {
                    try Child(byHand, in: worktree.path, environment: scratch.environment).wait("git stash create")
                }
                let took = monotonic() - began
                guard pair > 0 else { continue }
                if turn == 0 { orch.add(took) } else { hand.add(took) }
            }
        }
        print("\ndurability \(durability), \(load)")
        print(Sample.header)
        print("orch".padded(-24) + orch.row)
        print("git stash create".padded(-24) + hand.row)
        print("orch / by hand: \(orch.ratio(to: hand))")
    }
}
