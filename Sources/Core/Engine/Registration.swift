// Repositories: registered, trusted, and where their target branches are.

extension Orchestrator {
    /// Registers a repository, or takes note of where a known one is, and its target.
    mutating func addRepository(
        path: String,
        target: String,
        tip: ObjectID,
        trusted: Set<String>,
        moved: RepositoryID? = nil,
        agents: Int? = nil
    ) {
        let known = repositories.values.first { $0.path == path } ?? moved.flatMap { repositories[$0] }
        if let known {
            if known.target != target || known.path != path || known.agents != agents {
                change(known.id) { repository in
                    repository.path = path
                    if repository.target != target { repository.tip = tip }
                    repository.target = target
                    repository.agents = agents
                }
                emit(.repositoryChanged(known.id))
            }
            resumeFound(in: known.id)
            for digest in trusted.subtracting(known.trusted).sorted() { accept(digest, in: known.id) }
            noticeTip(tip, ofRegistration: known.id)
            return
        }
        counters.repository += 1
        let id = RepositoryID("r\(counters.repository)")
        journal.touch(id, nil)
        repositories[id] = Repository(id: id, path: path, target: target, tip: tip, trusted: trusted)
        repositories[id]!.agents = agents
        emit(.repositoryAdded(id))
    }

    mutating func trust(_ digest: String, in id: RepositoryID) throws(Refusal) {
        guard repositories[id] != nil else {
            throw Refusal(.notFound, "no repository \(id) is registered", hint: "run: orch init")
        }
        accept(digest, in: id)
    }

    private mutating func accept(_ digest: String, in id: RepositoryID) {
        change(id) { $0.trusted.insert(digest) }
        emit(.repositoryTrusted(id, digest: digest))
        resumeTrusted(in: id)
    }

    /// The tickets that waited for trust go on; whether it is the one they needed, the rules they meet will say.
    private mutating func resumeTrusted(in id: RepositoryID) {
        for ticket in tickets.values.sorted(by: { $0.serial < $1.serial }) where ticket.repository == id {
            guard case .needsHuman(.untrusted, let stage) = ticket.state else { continue }
            enter(ticket.id, .queued(resume: stage))
            emit(.ticketContinued(ticket.id, .continue))
        }
    }

    /// The tickets that waited for their repository to be found go on.
    private mutating func resumeFound(in id: RepositoryID) {
        for ticket in tickets.values.sorted(by: { $0.serial < $1.serial }) where ticket.repository == id {
            guard case .needsHuman(.repositoryGone, let stage) = ticket.state else { continue }
            enter(ticket.id, .queued(resume: stage))
            emit(.ticketContinued(ticket.id, .continue))
        }
        for landing in blockedLandings where tickets[landing]!.repository == id && retries[landing]?.at != nil {
            retries[landing]!.at = now
        }
    }

    /// What was under way could not be done without the repository. It takes the same stage again when that is found;
    /// but whether the target was moved before a crash has to be seen first.
    mutating func repositoryGone(_ id: TicketID, _ reason: String) {
        guard let ticket = tickets[id] else { return }
        let stage: Stage
        switch ticket.state {
        case .running(let running):
            switch running.step {
            case .preparing(let resumed): stage = resumed
            case .collecting: stage = .work
            case .trying(.building), .trying(.checkingOut), .trying(.concluding): stage = .verify
            case .settingUp, .working, .snapshotting, .trying: return
            }
        case .landing(let landing):
            switch landing.step {
            case .advancing, .blocked: return targetBlocked(id, reason, mayHaveLanded: true)
            case .trying(.building), .trying(.checkingOut), .trying(.concluding): stage = .verify
            case .waiting, .waitingForPaths, .trying: return
            }
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled: return
        }
        if ticket.halt != nil { return settleHalt(id) }
        askHuman(id, .repositoryGone(reason), resume: stage)
    }

    /// The target's ref was read because somebody changed it. What was read before orch last moved it says nothing, and
    /// a commit that is just being landed is orch's own.
    mutating func targetSeen(_ id: RepositoryID, at tip: ObjectID, known: ObjectID?) {
        guard let repository = repositories[id], repository.tip == known, !isBeingLanded(tip, in: repository) else {
            return
        }
        noticeTip(tip, in: id)
    }

    /// Where a candidate was built tells where the target was; not always where it is now, nor who moved it. Outcomes
    /// come in any order: what was asked for before orch last moved the target says nothing, and a tip that is just
    /// being landed is orch's own, of which its own outcome will tell.
    mutating func noticeTip(_ tip: ObjectID, ofCandidateFor id: TicketID, askedAt asked: ObjectID?) {
        let repository = repositories[tickets[id]!.repository]!
        guard asked == repository.tip else { return }
        guard !isBeingLanded(tip, in: repository) else { return }
        noticeTip(tip, in: repository.id)
    }

    /// Where the target was when somebody looked, to register the repository once more: orch may have moved it there
    /// without having heard of it yet, or on from there since.
    private mutating func noticeTip(_ tip: ObjectID, ofRegistration id: RepositoryID) {
        guard !isBeingLanded(tip, in: repositories[id]!), !(tipsLeft[id]?.contains(tip) ?? false) else { return }
        noticeTip(tip, in: id)
    }

    /// Remembers where the target has been moved on from, for as long as somebody may still come with it.
    mutating func leaveTip(of id: RepositoryID) {
        guard let tip = repositories[id]!.tip else { return }
        tipsLeft[id] = Array((tipsLeft[id] ?? []).suffix(31)) + [tip]
    }

    /// Whether the commit is one that orch is moving the target to at this moment.
    func isBeingLanded(_ tip: ObjectID, in repository: Repository) -> Bool {
        blockedLandings.union(repository.landingQueue.prefix(1)).contains { id in
            guard case .landing(let landing) = tickets[id]!.state else { return false }
            switch landing.step {
            case .advancing(let candidate), .blocked(let candidate, _): return candidate.commit == tip
            case .waiting, .trying, .waitingForPaths: return false
            }
        }
    }

    /// A move of the target that orch did not make is a fact of its own.
    mutating func noticeTip(_ tip: ObjectID, in id: RepositoryID) {
        guard let known = repositories[id]!.tip, known != tip else {
            if repositories[id]!.tip == nil { change(id) { $0.tip = tip } }
            return
        }
        leaveTip(of: id)
        change(id) { $0.tip = tip }
        oweInstead(of: id, tip)
        emit(.targetMoved(id, from: known, to: tip))
    }
}
