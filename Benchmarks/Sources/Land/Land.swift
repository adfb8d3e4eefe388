import Glibc
import IPC
import Measuring

/// From approving a ticket to the target branch holding its tree, its tests having passed on that tree, against
/// `git merge --ff-only` by hand; the user has the target checked out: `land [FOLDER OF orch] [--pairs N] [--files N]`.
@main struct Land {
    static func main() {
        do {
            let programs = try programsFolder()
            let (pairs, files) = (option("--pairs", 20), option("--files", 2000))
            print("approved -> landed, tests already passed, \(files) files, \(pairs) pairs in turns")
            for durability in ["full", "normal"] {
                try measure(durability, programs: programs, pairs: pairs, files: files)
            }
        } catch {
            complain("land: \(error)")
            exit(1)
        }
    }

    private static let configuration = #"{"verifiers": [{"name": "test", "command": ["true"]}]}"#

    private static func measure(_ durability: String, programs: String, pairs: Int, files: Int) throws {
        let scratch = try Scratch(files: files, configuration: configuration)
        let daemon = try LiveDaemon(
            scratch,
            programs: programs,
            agent: [neighbour("agent"), scratch.stamps, "work"],
            durability: durability,
            approve: "human"
        )
        let aside = "\(scratch.folder)/aside"
        try scratch.git("worktree", "add", "--quiet", "--detach", aside, "main")
        var (orch, hand) = (Sample(), Sample())
        // The first pair warms caches and is not counted.
        for pair in 0...pairs {
            let ticket = try daemon.enqueue(["title": "Add a file"])
            try daemon.wait(for: "ticket.awaiting_approval", of: ticket)
            let began = monotonic()
            daemon.client.send("ticket.approve", ["ticket": .string(ticket)])
            try daemon.wait(for: "ticket.merged", of: ticket)
            let landed = monotonic() - began
            try daemon.wait(for: "ticket.tidied", of: ticket)

            try scratch.git("checkout", "--quiet", "--detach", "main", in: aside)
            try scratch.write("\(pair)\n", to: "aside/hand-\(pair).txt")
            try scratch.git("add", "-A", in: aside)
            try scratch.git("commit", "--quiet", "-m", "by hand", in: aside)
            try scratch.git("branch", "--force", "next", "HEAD", in: aside)
            let merging = monotonic()
            try scratch.git("merge", "--quiet", "--ff-only", "next")
            let merged = monotonic() - merging
            guard pair > 0 else { continue }
            orch.add(landed)
            hand.add(merged)
        }
        print("\ndurability \(durability), \(load)")
        print(Sample.header)
        print("orch".padded(-24) + orch.row)
        print("git merge --ff-only".padded(-24) + hand.row)
        print("orch / by hand: \(orch.ratio(to: hand))")
    }
}
