// Pushing a target branch after its landings. A landing is complete without it: a push is owed by the repository, holds
// nobody up, and of several commits that are owed only the newest is sent. One push of a repository is under way at a time.

extension Orchestrator {
    /// The target has been moved to `commit` under these rules: its remote is to get it.
    mutating func owePush(of id: RepositoryID, _ commit: ObjectID, under rules: Rules) {
        guard let policy = rules.policy.landing.push else {
            if repositories[id]!.push != nil { change(id) { $0.push = nil } }
            pushRetries[id] = nil
            return
        }
        change(id) { $0.push = Push(remote: policy.remote, commit: commit, problem: $0.push?.problem) }
        askForPush(of: id)
    }

    /// Somebody has moved the target while its remote had yet to get it: what it is at now is what it gets.
    mutating func oweInstead(of id: RepositoryID, _ tip: ObjectID) {
        guard repositories[id]!.push != nil else { return }
        change(id) { $0.push!.commit = tip }
        askForPush(of: id)
    }

    /// What is under way comes to its end first.
    private mutating func askForPush(of id: RepositoryID) {
        guard let order = repositories[id]!.pushOrder, pushesUnderWay[id] == nil else { return }
        pushRetries[id]?.at = nil
        pushesUnderWay[id] = order
        journal.ask(order)
    }

    /// What is owed after a restart: whether it was sent before, the remote says.
    mutating func askForPushesAgain() -> [PushOrder] {
        if isPlanted(.recoveryForgetsPushes) { return [] }
        let orders = repositories.values.compactMap(\.pushOrder).sorted { $0.repository < $1.repository }
        for order in orders { pushesUnderWay[order.repository] = order }
        return orders
    }

    // MARK: outcomes

    mutating func targetPushed(_ order: PushOrder) {
        let id = order.repository
        guard let push = ended(order) else { return }
        pushRetries[id] = nil
        if push.commit == order.commit {
            change(id) { $0.push = nil }
            return emit(.landingPushed(id, remote: order.remote, commit: order.commit))
        }
        change(id) { $0.push!.problem = nil }
        askForPush(of: id)
        emit(.landingPushed(id, remote: order.remote, commit: order.commit))
    }

    /// Said once for each reason; tried again later and later, up to every five minutes.
    mutating func pushFailed(_ order: PushOrder, _ problem: Push.Problem) {
        let id = order.repository
        guard let push = ended(order) else { return }
        let delay = min((pushRetries[id]?.delay ?? .seconds(1)) * 2, .seconds(300))
        pushRetries[id] = Retry(at: now + delay, delay: delay)
        guard push.problem != problem else { return }
        change(id) { $0.push!.problem = problem }
        emit(.pushFailed(id, remote: order.remote, commit: order.commit, problem))
    }

    /// What is owed now that this has ended; nil where it says nothing about that.
    private mutating func ended(_ order: PushOrder) -> Push? {
        let id = order.repository
        guard pushesUnderWay[id] == order else { return nil }
        pushesUnderWay[id] = nil
        guard let push = repositories[id]!.push else { return nil }
        if push.remote == order.remote { return push }
        // It is to go elsewhere by now.
        askForPush(of: id)
        return nil
    }

    mutating func retryPushes() {
        for id in pushRetries.keys.sorted() {
            guard let at = pushRetries[id]!.at, at <= now else { continue }
            askForPush(of: id)
        }
    }
}
