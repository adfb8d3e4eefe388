import Core

// What the world makes of pushes: a remote takes what goes on from what it has.

extension FakeWorld {
    /// Takes a push up.
    mutating func begin(_ order: PushOrder) throws(Violation) {
        let isAlone = !pushes.contains { $0.repository == order.repository }
        try require(isAlone, "I5: \(order) while another push of \(order.repository) is under way")
        pushes.append(order)
    }

    /// Performs it. Says what the daemon would hear; nil when there is none.
    mutating func push(of id: RepositoryID, fails: Bool) throws(Violation) -> Input? {
        guard let index = pushes.firstIndex(where: { $0.repository == id }) else { return nil }
        let order = pushes.remove(at: index)
        guard !fails else {
            coverage.count(.pushFails)
            return .pushFailed(order, Push.Problem(reason: "the remote is gone", needsHuman: false))
        }
        let history = places[id]!.history
        guard let new = history.firstIndex(of: order.commit) else {
            throw Violation("I2: \(order.commit) is pushed, and never was the target of \(id)")
        }
        let old = places[id]!.pushed.flatMap { history.firstIndex(of: $0) } ?? -1
        if new <= old { coverage.count(.askedAgain) } else { places[id]!.pushed = order.commit }
        return .targetPushed(order)
    }

    /// Every remote that is to have what has landed has it.
    func checkPushed() throws(Violation) {
        for (id, place) in places {
            guard let owed = place.owed, let least = place.history.firstIndex(of: owed) else { continue }
            let has = place.pushed.flatMap { place.history.firstIndex(of: $0) } ?? -1
            try require(has >= least, "I4: \(owed) has landed in \(id), and its remote never got it")
        }
    }
}
