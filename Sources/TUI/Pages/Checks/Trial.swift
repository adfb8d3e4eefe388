import IPC

/// What verifiers said of one tree: their runs, in the order they were started.
struct Trial: Sendable {
    var runs: [RunRow]

    init(_ run: RunRow) { runs = [run] }

    /// One follows the other: where it is not known yet when a run began, the end of the one before it tells.
    mutating func append(_ run: RunRow) {
        runs.append(run)
        if !run.hasEnded, run.started == nil { runs[runs.count - 1].started = runs[runs.count - 2].ended }
    }

    /// The ticket was let through on what another ticket's runs have said.
    var isReused: Bool { runs.first?.reused == true }
    var tree: String? { runs.first?.tree }
    var commit: String? { runs.lazy.compactMap(\.commit).first }

    /// The newest first. Each tree is another trial, and so is a verifier that is run again, or one after an agent's run.
    static func trials(of runs: [RunRow]) -> [Trial] {
        var trials: [Trial] = []
        for run in runs {
            if let last = trials.last?.runs.last, last.tree == run.tree, last.reused == run.reused,
                run.reused == true || run.number == last.number + 1,
                !trials[trials.count - 1].runs.contains(where: { $0.name == run.name })
            {
                trials[trials.count - 1].append(run)
            } else {
                trials.append(Trial(run))
            }
        }
        return trials.reversed()
    }

    /// Where somebody who opens it most likely wants to look.
    var mostTelling: RunRow? { runs.first { $0.hasFailed } ?? runs.first { !$0.hasEnded } ?? runs.first }
}

extension RunRow {
    /// Nothing more comes of it.
    var hasEnded: Bool { !["requested", "starting", "running", "stopping"].contains(state) }
    /// It is why the tree was not let through.
    var hasFailed: Bool { ["failed", "timed_out", "lost"].contains(state) }
}
