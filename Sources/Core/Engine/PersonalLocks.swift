// Locks that people hold: they keep tickets away from what somebody is at work on by hand.

extension Orchestrator {
    /// The longest a person's lock may be asked for; one without an end is held until it is released.
    public static let longestPersonalLock = Duration.seconds(366 * 24 * 60 * 60)

    /// Taking again what one holds says it anew: another reason, another end, another fence.
    mutating func takeLock(
        _ pattern: LockPattern,
        in repository: RepositoryID,
        _ name: String,
        _ reason: String,
        for duration: Duration?
    ) throws(Refusal) {
        guard repositories[repository] != nil else {
            throw Refusal(.notFound, "no repository \(repository) is registered", hint: "run: orch init")
        }
        if let problem = Self.problem(name, reason, duration) {
            throw Refusal(.invalid, "cannot take \(pattern): \(problem)", hint: nil)
        }
        let owner = LockHolder.person(name)
        if let conflict = held[repository]?.firstConflict(with: [pattern], excluding: owner) {
            throw refusal(of: pattern, conflict.held, heldBy: conflict.owner, in: repository)
        }
        if let old = personalGrant(pattern, of: name, in: repository) { drop(old) }
        counters.fence += 1
        let person = Grant.Person(name: name, reason: reason, expires: duration.map { now + $0 })
        let grant = Grant(fence: counters.fence, pattern: pattern, repository: repository, person: person, since: now)
        keep(grant)
        journal.granted(grant)
        emit(.lockTaken(repository, pattern, person))
    }

    private static func problem(_ name: String, _ reason: String, _ duration: Duration?) -> String? {
        let isName = !name.isEmpty && name.utf8.count <= 64 && !name.unicodeScalars.contains { $0.value <= 0x20 }
        if !isName { return "a person's name is up to 64 bytes without spaces" }
        if reason.isEmpty || reason.utf8.count > 500 { return "say why, in up to 500 bytes" }
        if let duration, duration <= .zero || duration > longestPersonalLock {
            return "it can be held for up to a year, or without an end"
        }
        return nil
    }

    private func refusal(
        of pattern: LockPattern,
        _ held: LockPattern,
        heldBy holder: LockHolder,
        in repository: RepositoryID
    ) -> Refusal {
        let cannot = "cannot take \(pattern): \(holder.name) holds \(held)"
        switch holder {
        case .ticket(let id):
            let hint = "`orch show \(id)` says where it is; it lets go when it has landed or is cancelled"
            return Refusal(.refused, cannot, hint: hint)
        case .person(let name):
            let reason = personalGrant(held, of: name, in: repository)?.person.map { ": \($0.reason)" } ?? ""
            return Refusal(.refused, cannot + reason, hint: "`orch locks list` says until when")
        }
    }

    mutating func releaseLock(_ which: PersonalLock) throws(Refusal) {
        let found: Grant?
        let named: String
        switch which {
        case .fence(let fence):
            found = grants[fence]
            named = "lock \(fence)"
        case .pattern(let repository, let pattern):
            found = grants.values.first { $0.repository == repository && $0.pattern == pattern }
            named = "\(pattern)"
        }
        guard let grant = found else {
            throw Refusal(.notFound, "nobody holds \(named)", hint: "`orch locks list` shows what is held")
        }
        guard let person = grant.person else {
            let hint = "it lets go when it has landed or is cancelled"
            throw Refusal(.refused, "cannot release \(named): the ticket \(grant.holder.name) holds it", hint: hint)
        }
        drop(grant)
        emit(.lockReleased(grant.repository, grant.pattern, of: person.name, expired: false))
    }

    // MARK: their end

    mutating func endPersonalLocks() {
        while let (deadline, fence) = personalEnds.min, deadline <= now {
            let grant = grants[fence]!
            drop(grant)
            emit(.lockReleased(grant.repository, grant.pattern, of: grant.person!.name, expired: true))
        }
    }

    /// The clock went back: none is held longer for that than it was asked for.
    mutating func boundPersonalLocks(at now: Instant) {
        for fence in personalFences {
            guard let end = personalEnds[fence], let length = grants[fence]!.length else { continue }
            personalEnds.set(fence, min(end, now + length))
        }
    }

    /// When a person's lock ends by itself, as things stand.
    public func personalLockEnd(_ fence: Int) -> Instant? { personalEnds[fence] }

    // MARK: the indexes

    /// Takes a person's grant into the facts and the indexes over them.
    mutating func keep(_ grant: Grant) {
        grants[grant.fence] = grant
        personalFences.insert(grant.fence)
        held[grant.repository, default: LockIndex()].insert(grant.pattern, owner: grant.holder)
        if let length = grant.length { personalEnds.set(grant.fence, min(grant.since, now) + length) }
    }

    private mutating func drop(_ grant: Grant) {
        grants[grant.fence] = nil
        personalFences.remove(grant.fence)
        personalEnds.remove(grant.fence)
        held[grant.repository]?.remove(grant.pattern, owner: grant.holder)
        journal.released(grant)
        if !isPlanted(.personalReleaseWakesNobody) { wake(waitingFor: grant.holder) }
    }

    /// A person's lock on exactly this pattern. People hold few.
    func personalGrant(_ pattern: LockPattern, of name: String, in repository: RepositoryID) -> Grant? {
        personalFences.lazy.compactMap { grants[$0] }.first { grant in
            grant.pattern == pattern && grant.repository == repository && grant.person?.name == name
        }
    }
}

extension Grant {
    /// For how long a person asked for it.
    fileprivate var length: Duration? { person?.expires.map { $0 - since } }
}
