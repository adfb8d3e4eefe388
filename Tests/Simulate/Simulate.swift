import Foundation
import Simulator

/// `orch-simulate`: tells many histories and says what went wrong, or one of them in full.
@main
struct Simulate {
    static func main() async {
        var arguments = CommandLine.arguments.dropFirst()
        var options: [String: String] = [:]
        while let name = arguments.popFirst() {
            guard ["--seeds", "--from", "--seed", "--script", "--planted"].contains(name),
                let value = arguments.popFirst()
            else {
                end(
                    2,
                    "usage: orch-simulate [--seeds COUNT [--from SEED] | --seed SEED | --script FILE | --planted NAME]"
                )
            }
            options[name] = value
        }
        if let name = options["--planted"] { find(name) }
        if let file = options["--script"] { tell(script: file) }
        if let seed = options["--seed"].map(number) { tell(seed: seed) }
        await run(options["--seeds"].map(number) ?? 5000, from: options["--from"].map(number) ?? 1)
    }

    // MARK: many

    private static func run(_ count: UInt64, from first: UInt64) async {
        Trap.watch()
        let clock = ContinuousClock()
        let begun = clock.now
        let campaign = await Campaign.run(
            first...(first + max(1, count) - 1),
            workers: ProcessInfo.processInfo.activeProcessorCount,
            starting: Trap.isTelling
        )
        let seconds = ((clock.now - begun) / .milliseconds(100)).rounded() / 10
        print(
            "\(campaign.seeds) seeds, \(campaign.steps) steps, \(campaign.facts) facts, \(campaign.crashes) crashes,",
            "\(campaign.failures.count) failures, \(seconds) s"
        )
        print(campaign.coverage.table)
        for (seed, failure) in campaign.failures.prefix(3) {
            print("\nseed \(seed), \(failure)")
            tellShortest(failure)
        }
        if campaign.failures.count > 3 {
            print(
                "\nmore: seeds \(campaign.failures.dropFirst(3).prefix(40).map { "\($0.seed)" }.joined(separator: " "))"
            )
        }
        let missing = campaign.coverage.neverExercised
        if campaign.failures.isEmpty, !missing.isEmpty, count >= 1000 {
            end(1, "never exercised: \(missing.map(\.rawValue).joined(separator: ", "))")
        }
        exit(campaign.failures.isEmpty ? 0 : 1)
    }

    private static func tellShortest(_ failure: History.Failure) {
        guard let shortest = Shrinker.shrink(failure) else {
            return print("(told again, it does not fail: the simulator is not deterministic)")
        }
        print("in short, \(shortest)\nto see it happen: make simulate SCRIPT=FILE, with these lines in FILE:\n")
        print(shortest.script.text)
    }

    // MARK: one

    private static func tell(seed: UInt64) -> Never {
        Trap.watch()
        Trap.isTelling(worker: 0, seed: seed)
        let history = History.of(seed: seed, tell: say)
        guard let failure = history.failure else { end(0, "seed \(seed): \(history.steps) steps, nothing forbidden") }
        print("\nseed \(seed), \(failure)")
        tellShortest(failure)
        exit(1)
    }

    private static func tell(script file: String) -> Never {
        do {
            let script = try Script(String(contentsOfFile: file, encoding: .utf8))
            let history = History.of(script, tell: say)
            guard let failure = history.failure else { end(0, "\(history.steps) steps, nothing forbidden") }
            end(1, "\(failure)")
        } catch {
            end(2, "cannot read \(file): \(error)")
        }
    }

    /// Past every buffer: the next line may never come.
    @Sendable private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    /// Finds a planted mistake, or `all` of them, and says how.
    private static func find(_ name: String) -> Never {
        #if DEBUG
            for (bug, planted) in Simulation.Planted.each where name == "all" || name == bug {
                let found = (1...UInt64(500)).lazy.compactMap { seed in
                    History.of(seed: seed, planted: planted).failure.map { (seed, $0) }
                }.first
                guard let (seed, failure) = found else { end(1, "\(bug): not found in 500 seeds") }
                let shortest = Shrinker.shrink(failure, planted: planted)
                let actions = shortest.map { "\($0.script.actions.count) actions" } ?? "not told again"
                say(
                    "\(bug): seed \(seed), \(failure.violation)\n    in short, \(actions): \(shortest?.violation, default: "")"
                )
                if name == bug, let shortest { say(shortest.script.text) }
            }
            exit(0)
        #else
            end(2, "mistakes can be planted in a debug build alone: swift run orch-simulate --planted \(name)")
        #endif
    }

    private static func number(_ text: String) -> UInt64 {
        guard let number = UInt64(text) else { end(2, "not a number: \(text)") }
        return number
    }

    private static func end(_ status: Int32, _ message: String) -> Never {
        print(message)
        exit(status)
    }
}

extension Coverage {
    fileprivate var table: String {
        Fault.allCases.map { fault in
            "  " + fault.rawValue.padding(toLength: 28, withPad: " ", startingAt: 0) + "\(self[fault])"
        }
        .joined(separator: "\n")
    }
}
