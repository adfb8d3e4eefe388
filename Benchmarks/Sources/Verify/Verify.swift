import Glibc
import IPC
import Measuring

/// From a candidate that is built to the verdict of its verifier, in a checkout that is warm, against what one would do by
/// hand with the same commit in a checkout prepared for it: `git checkout --detach`, `git clean`, the command:
/// `verify [FOLDER OF orch] [--pairs N] [--files N]`.
@main struct Verify {
    static func main() {
        do {
            let programs = try programsFolder()
            let (pairs, files) = (option("--pairs", 20), option("--files", 2000))
            print("candidate built -> verdict, \(files) files, \(pairs) pairs in turns")
            for command in [["true"], ["sleep", "0.2"]] {
                for durability in ["full", "normal"] {
                    try measure(command, durability, programs: programs, pairs: pairs, files: files)
                }
            }
        } catch {
            complain("verify: \(error)")
            exit(1)
        }
    }

    private static func measure(
        _ command: [String],
        _ durability: String,
        programs: String,
        pairs: Int,
        files: Int
    ) throws {
        let words = JSONValue.array(command.map { .string($0) })
        let configuration: JSONObject = ["verifiers": [["name": "test", "command": words]]]
        let scratch = try Scratch(
            files: files,
            configuration: String(decoding: JSONValue.object(configuration).bytes, as: UTF8.self)
        )
        let daemon = try LiveDaemon(
            scratch,
            programs: programs,
            agent: [neighbour("agent"), scratch.stamps, "work"],
            durability: durability,
            approve: "human"
        )
        let hand = "\(scratch.folder)/hand"
        try scratch.git("worktree", "add", "--quiet", "--detach", hand, "main")
        var (orch, byHand) = (Sample(), Sample())
        // The first pair makes the checkout and warms caches, and is not counted.
        for pair in 0...pairs {
            let ticket = try daemon.enqueue(["title": "Add a file"])
            let built = try daemon.wait(for: "candidate.built", of: ticket)
            let began = monotonic()
            try daemon.wait(for: "ticket.verified", of: ticket)
            let judged = monotonic() - began
            try daemon.wait(for: "ticket.awaiting_approval", of: ticket)
            guard let commit = built.params["commit"]?.stringValue else { throw Trouble("the candidate has no commit") }

            let starting = monotonic()
            try scratch.git("checkout", "--quiet", "--detach", commit, in: hand)
            try scratch.git("clean", "--quiet", "-ffdx", in: hand)
            try Child(["/usr/bin/env"] + command, in: hand, environment: scratch.environment).wait(command[0])
            let done = monotonic() - starting
            daemon.client.send("ticket.cancel", ["ticket": .string(ticket)])
            try daemon.wait(for: "ticket.tidied", of: ticket)
            guard pair > 0 else { continue }
            orch.add(judged)
            byHand.add(done)
        }
        print("\nverifier \(command.joined(separator: " ")), durability \(durability), \(load)")
        print(Sample.header)
        print("orch".padded(-24) + orch.row)
        print("by hand".padded(-24) + byHand.row)
        print("orch / by hand: \(orch.ratio(to: byHand)); \(fixed((orch.median - byHand.median) / 1e6, 1)) ms more")
    }
}
