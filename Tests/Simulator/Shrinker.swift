/// Makes a failing history short: leaves out what the failure does not need, in halves, quarters, and so on down to single
/// actions, as long as the same kind of thing goes wrong (Zeller's delta debugging).
package struct Shrinker {
    private let planted: Simulation.Planted
    private var best: History.Failure
    /// It ends after so many steps, however long the history: a crowd's would take hours.
    private var stepsLeft = 3_000_000

    /// The shortest script found that fails as `failure` did; nil where it does not when it is told again.
    package static func shrink(_ failure: History.Failure, planted: Simulation.Planted = .init()) -> History.Failure? {
        // Every step is looked at now, so that it may fail sooner, and by another name.
        guard let again = History.of(failure.script, planted: planted).failure else { return nil }
        var shrinker = Shrinker(planted: planted, best: again)
        while shrinker.leaveOut() || shrinker.summarise() || shrinker.simplify() {}
        return shrinker.best
    }

    private init(planted: Simulation.Planted, best: History.Failure) {
        self.planted = planted
        self.best = best
    }

    /// Whether a script fails as the best one does; it is the best one then.
    private mutating func improves(_ script: Script) -> Bool {
        guard stepsLeft > 0 else { return false }
        let history = History.of(script, planted: planted)
        stepsLeft -= history.steps
        guard let failure = history.failure, failure.isLike(best), failure.script != best.script else { return false }
        best = failure
        return true
    }

    private mutating func leaveOut() -> Bool {
        var improved = false
        var size = max(1, best.script.actions.count / 2)
        while true {
            var end = best.script.actions.count
            while end > 0 {
                var script = best.script
                let start = max(0, end - size)
                script.actions.removeSubrange(start..<min(end, script.actions.count))
                if improves(script) { improved = true }
                end = min(start, best.script.actions.count)
            }
            guard size > 1 else { return improved }
            size /= 2
        }
    }

    /// A stretch in which nothing goes wrong is told in one line.
    private mutating func summarise() -> Bool {
        var improved = false
        var size = best.script.actions.count
        while size > 1 {
            var start = 0
            while start + size <= best.script.actions.count {
                let stretch = best.script.actions[start..<start + size]
                let usual = stretch.reduce(0) { $0 + $1.proceeds }
                let counts = usual == 0 ? [] : Array(max(1, usual - 2)...usual + 4)
                let isShorter = counts.contains { count in
                    var script = best.script
                    script.actions.replaceSubrange(start..<start + size, with: [.proceed(count)])
                    return improves(script)
                }
                if isShorter { improved = true }
                start += isShorter ? 1 : max(1, size / 4)
            }
            size = size > 8 ? size * 2 / 3 : size - 1
        }
        return improved
    }

    /// Shorter words for the same: one ticket instead of three, nothing going wrong where nothing has to.
    private mutating func simplify() -> Bool {
        var improved = false
        for index in best.script.actions.indices.reversed() where index < best.script.actions.count {
            for simpler in best.script.actions[index].simpler where index < best.script.actions.count {
                var script = best.script
                script.actions[index] = simpler
                if improves(script) {
                    improved = true
                    break
                }
            }
        }
        return improved
    }
}

extension Action {
    /// How many steps of what happens by itself it may be.
    fileprivate var proceeds: Int {
        switch self {
        case .proceed(let count): count
        case .turn, .hear, .perform, .end, .write, .deadline, .noticeRunner: 1
        default: 0
        }
    }

    fileprivate var simpler: [Action] {
        switch self {
        case .enqueue(let repository, let wishes):
            let fewer = wishes.indices.map { index in
                var fewer = wishes
                fewer.remove(at: index)
                return Action.enqueue(repository, fewer)
            }
            let plainer = wishes.indices.flatMap { index in
                wishes[index].simpler.map { wish in
                    var plainer = wishes
                    plainer[index] = wish
                    return Action.enqueue(repository, plainer)
                }
            }
            return (wishes.count > 1 ? fewer : []) + plainer
        case .crash(let crash):
            return crash == Crash(agents: crash.agents, slots: crash.slots)
                ? [] : [.crash(Crash(agents: crash.agents, slots: crash.slots))]
        case .turn(let count, let dying?):
            return [.turn(count, dying: nil), .turn(1, dying: dying)].filter { $0 != self }
        case .turn(let count, nil): return count == 1 ? [] : [.turn(1, dying: nil)]
        case .hold(let id, let pattern, let name, _?): return [.hold(id, pattern: pattern, by: name, seconds: nil)]
        case .perform(let id, true): return [.perform(id, fails: false)]
        case .write(let run, let files, let commits):
            return files.count < 2
                ? [] : files.sorted { $0.key < $1.key }.map { .write(run, [$0.key: $0.value], commits: commits) }
        default: return []
        }
    }
}

extension Action.Wish {
    fileprivate var simpler: [Self] {
        var simpler: [Self] = []
        if !dependsOn.isEmpty { simpler.append(with { $0.dependsOn = [] }) }
        if !locks.isEmpty { simpler.append(with { $0.locks = [] }) }
        if priority != 0 { simpler.append(with { $0.priority = 0 }) }
        if id != nil { simpler.append(with { $0.id = nil }) }
        return simpler
    }

    private func with(_ body: (inout Self) -> Void) -> Self {
        var copy = self
        body(&copy)
        return copy
    }
}
