import CSystem
import Core
import Glibc
import Testing

@testable import Daemon

/// Figures rather than judgements; run with `ORCH_BENCHMARKS=1 swift test --filter GitBenchmarks`.
@Suite(.serialized, .enabled(if: getenv("ORCH_BENCHMARKS") != nil))
struct GitBenchmarks {
    private static func files(_ count: Int) -> [String: String] {
        let text = String(repeating: "a line of text in a file\n", count: 40)
        return Dictionary(
            uniqueKeysWithValues: (0..<count).map { ("d\($0 % 50)/s\($0 % 7)/f\($0).txt", "\($0)\n" + text) }
        )
    }

    /// Wall-clock time, and CPU time of this process and the children it waited for: the latter is worth more on a
    /// busy machine.
    private struct Cost {
        var wall: [Double] = []
        var cpu: [Double] = []

        mutating func measure(_ body: () throws -> Void) rethrows {
            let before = Self.cpuMilliseconds()
            let (seconds, attoseconds) = try ContinuousClock().measure(body).components
            wall.append(Double(seconds) * 1000 + Double(attoseconds) / 1e15)
            cpu.append(Self.cpuMilliseconds() - before)
        }

        private static func cpuMilliseconds() -> Double {
            var total = 0.0
            // RUSAGE_SELF and RUSAGE_CHILDREN.
            for who: __rusage_who_t in [0, -1] {
                var usage = rusage()
                getrusage(who, &usage)
                for time in [usage.ru_utime, usage.ru_stime] {
                    total += Double(time.tv_sec) * 1000 + Double(time.tv_usec) / 1000
                }
            }
            return total
        }
    }

    private func report(_ name: String, _ ours: Cost, _ hand: Cost) {
        func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
        for (what, a, b) in [("wall", ours.wall, hand.wall), ("cpu", ours.cpu, hand.cpu)] {
            let (a, b) = (a.sorted(), b.sorted())
            let (x, y) = (a[a.count / 2], b[b.count / 2])
            print(
                "\(name), \(what): median \(text(x)) ms against \(text(y)), ratio \(text(x / y));",
                "least \(text(a[0])) against \(text(b[0])), ratio \(text(a[0] / b[0]))"
            )
        }
    }

    @Test(arguments: [true, false]) func prepareAgainstWorktreeAddByHand(isDurable: Bool) throws {
        let scratch = try GitScratch(files: Self.files(2000))
        let repository = try scratch.open(isDurable: isDurable)
        let tip = try scratch.tip()
        var (ours, hand) = (Cost(), Cost())
        for round in 0..<11 {
            try hand.measure {
                try scratch.git("worktree", "add", "-q", "-b", "h\(round)", "\(scratch.folder)/h\(round)")
            }
            try ours.measure {
                _ = try repository.prepareWorktree(
                    at: "\(scratch.state)/worktrees/w\(round)",
                    branch: "agent-1/\(round)",
                    from: tip,
                    ticket: .t1
                )
            }
        }
        report("worktree of 2,000 files, durable \(isDurable)", ours, hand)
    }

    /// How long everybody else of the repository waits while a large worktree goes; and how long its files take then.
    @Test func removalAgainstGitsOwn() throws {
        let scratch = try GitScratch(files: Self.files(100_000))
        let repository = try scratch.open()
        var (ours, hand, files) = (Cost(), Cost(), Cost())
        for round in 0..<3 {
            let other = "\(scratch.folder)/h\(round)"
            try scratch.git("worktree", "add", "-q", "--detach", other)
            try hand.measure { try scratch.git("worktree", "remove", "--force", other) }
            let worktree = try scratch.worktree(repository, branch: "agent-1/\(round)")
            let snapshot = try repository.snapshot(worktree, number: 1)
            try ours.measure {
                _ = try repository.removeWorktree(at: worktree.path, ticket: .t1, keptBy: snapshot)
            }
            files.measure { RemovedWorktrees(stateDirectory: scratch.state).clear { print($0) } }
        }
        report("removal of a worktree of 100,000 files", ours, hand)
        report("deleting its files", files, hand)
    }

    @Test(arguments: [true, false]) func advanceAgainstMergeByHand(checkedOut: Bool) throws {
        let scratch = try GitScratch(files: Self.files(2000))
        let repository = try scratch.open(isDurable: true)
        var (ours, hand) = (Cost(), Cost())
        var tip = try scratch.tip()
        func next() throws -> String {
            try scratch.git("commit-tree", "\(tip)^{tree}", "-p", tip, "-m", "next")
        }
        for _ in 0..<11 {
            try scratch.git("checkout", "-q", "main")
            var commit = try next()
            try hand.measure { try scratch.git("merge", "-q", "--ff-only", commit) }
            tip = commit
            commit = try next()
            if !checkedOut { try scratch.git("checkout", "-q", "--detach") }
            try ours.measure {
                let result = try repository.advance("main", from: tip, to: commit, reason: "land")
                #expect(result == .advanced)
            }
            tip = commit
        }
        report("landing, main checked out \(checkedOut)", ours, hand)
    }

    @Test func theOtherSteps() throws {
        let scratch = try GitScratch(files: Self.files(2000))
        let repository = try scratch.open(isDurable: true)
        let worktree = try scratch.worktree(repository)
        var times: [String: Cost] = [:]
        let checkout = VerificationCheckout(repository: repository, slot: 1)
        for round in 1...7 {
            try scratch.write("d1/new\(round)", "x", in: worktree.path)
            try times["snapshot", default: Cost()].measure { _ = try repository.snapshot(worktree, number: round) }
            var work: Work?
            try times["collect", default: Cost()].measure {
                work = try repository.collect(
                    worktree,
                    number: 100 + round,
                    target: scratch.tip(),
                    title: "t",
                    agent: "agent-1"
                )
            }
            let head = try #require(work?.head)
            var built: CandidateResult?
            try times["candidate", default: Cost()].measure {
                built = try repository.buildCandidate(
                    ticket: .t1,
                    tip: scratch.tip(),
                    head: head,
                    method: .squash,
                    message: CommitMessage(title: "t")
                )
            }
            guard case .built(let candidate) = built else { return #expect(Bool(false)) }
            try times["verification prepare", default: Cost()].measure { try checkout.prepare(candidate.commit) }
            try times["verification inspect", default: Cost()].measure {
                _ = try checkout.inspect(tree: candidate.tree)
            }
            try times["policy", default: Cost()].measure { _ = try repository.policyFiles(at: candidate.commit) }
            try times["one git process", default: Cost()].measure { try scratch.git("--version") }
        }
        for (name, cost) in times.sorted(by: { $0.key < $1.key }) {
            print(
                "\(name): cpu median \(cost.cpu.sorted()[cost.cpu.count / 2]) ms, wall least \(cost.wall.min() ?? 0) ms"
            )
        }
    }
}
