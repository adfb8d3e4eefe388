import Core
import IPC

/// What a ticket's time in the queue went into, once those it depends on had landed.
enum Wait: String, CaseIterable {
    /// Something it asked for was held by others, or kept for one ahead of it.
    case lock
    /// An agent of all, or of its profile's or its repository's.
    case agent
    /// The machine was short of memory, CPU or disk.
    case machine
    /// Everything was halted.
    case halt
}

/// What has kept tickets from starting, and when: folded from the events, in their order, as `TicketHistory` is. It begins
/// with some event, and knows of every time that reaches beyond that one.
struct Hindrances {
    /// A lock as it was held.
    private struct Hold {
        let holder: LockHolder
        /// All that was taken along with it.
        let patterns: [LockPattern]
        /// Since when a ticket had waited in the queue for it.
        let waited: Instant?
    }

    /// The locks of a repository. Nobody holds a pattern that another holds, so that the holds of each follow each other.
    private struct Locks {
        var patterns = LockIndex<LockPattern>()
        var holds: [LockPattern: Stretches<Hold>] = [:]
    }

    /// The event it begins with, and the last it has taken.
    let first: Int
    private(set) var last: Int
    /// How many locks it remembers.
    private(set) var count = 0
    /// So many that it is worth beginning anew, with those that still matter.
    var isLong: Bool { count > 2 * max(10_000, countAtFirst) }
    /// How many there were when it had caught up for the first time.
    var countAtFirst = 0
    private var locks: [RepositoryID: Locks] = [:]
    private var held: [Int: (repository: RepositoryID, pattern: LockPattern)] = [:]
    private var queued: [TicketID: (since: Instant, dependencies: [TicketID])] = [:]
    private var landed: [TicketID: Instant] = [:]
    private var halts = Stretches<Void>()
    private var fullDisk = Stretches<Void>()
    /// Each with the event that ended it.
    private var shortages = Stretches<Int>()

    private static let ever = Instant(milliseconds: .min)

    /// - Parameters:
    ///   - time: of the event it begins with.
    ///   - grants: what is held now. What has been taken since will be told.
    ///   - standstill: that everything is halted now.
    init(from first: Int, at time: Instant, grants: [Grant] = [], standstill: Standstill? = nil) {
        self.first = first
        last = first - 1
        for grant in grants where grant.since < time {
            let hold = Hold(holder: grant.holder, patterns: [grant.pattern], waited: nil)
            take(hold, grant.pattern, of: grant.repository, fence: grant.fence, at: grant.since)
        }
        if let standstill, standstill.since < time { halts.begin((), at: standstill.since) }
    }

    // MARK: the events

    /// In SQL, the events that it is to be told of.
    static let telling = """
        (name IN ('ticket.started', 'ticket.merged', 'daemon.started', 'daemon.halted', 'daemon.resumed', 'disk.full',
        'disk.ok')
        OR instr(line, CAST('"locks":{' AS BLOB)) > 0 OR instr(line, CAST('"state":"queued"' AS BLOB)) > 0)
        """

    /// Takes the next event that tells something.
    ///
    /// - Parameter lookup: a ticket, for locks that were taken before it began.
    mutating func take(_ seq: Int, _ name: String, _ params: JSONValue, ticket lookup: (TicketID) throws -> Ticket?)
        rethrows
    {
        last = seq
        guard let time = params["time"]?.stringValue.flatMap(Timestamp.instant) else { return }
        switch name {
        case "daemon.halted": if !halts.isOpen { halts.begin((), at: time) }
        case "daemon.resumed": if !halts.end(at: time) { halts.add((), Self.ever, time) }
        case "disk.full": if !fullDisk.isOpen { fullDisk.begin((), at: time) }
        // A daemon that starts has seen nothing of a full disk yet, and one that starts tickets sees none.
        case "disk.ok", "daemon.started": fullDisk.end(at: time)
        case "ticket.started":
            fullDisk.end(at: time)
            let since = params["short_since"]?.stringValue.flatMap(Timestamp.instant)
            if let since, since < time { shortages.add(seq, since, time) }
        case "ticket.merged": params["ticket"]?.stringValue.map { landed[TicketID($0)] = time }
        default: break
        }
        let changed = params["patch"]?["locks"]?.objectValue ?? [:]
        for (fence, row) in changed where row.isNull {
            try release(Int(fence) ?? 0, params, at: time, ticket: lookup)
        }
        grant(changed, name, at: time)
        for (id, row) in params["patch"]?["tickets"]?.objectValue ?? [:] {
            guard let state = row["state"]?.stringValue else { continue }
            let dependencies = row["depends_on"]?.arrayValue?.compactMap { $0.stringValue.map { TicketID($0) } } ?? []
            queued[TicketID(id)] = state == "queued" ? (time, dependencies) : nil
        }
    }

    private mutating func grant(_ changed: JSONObject, _ name: String, at time: Instant) {
        let rows = changed.compactMap { fence, row in
            row["pattern"]?.stringValue.flatMap { try? LockPattern($0) }.map { (Int(fence) ?? 0, $0, row) }
        }
        for (fence, pattern, row) in rows where held[fence] == nil {
            guard let repository = row["repository"]?.stringValue else { continue }
            let ticket = row["ticket"]?.stringValue.map { TicketID($0) }
            // One that claims locks at its work has waited for none.
            let waited = name == "ticket.started" ? ticket.map(waitedSince) : nil
            let holder = ticket.map { LockHolder.ticket($0) } ?? .person(row["person"]?.stringValue ?? "")
            let hold = Hold(holder: holder, patterns: rows.map(\.1), waited: waited)
            take(hold, pattern, of: RepositoryID(repository), fence: fence, at: time)
        }
    }

    /// Since when it has waited in the queue, and for no other ticket to land.
    private func waitedSince(_ ticket: TicketID) -> Instant {
        guard let (since, dependencies) = queued[ticket] else { return Self.ever }
        return dependencies.compactMap { landed[$0] }.reduce(since, max)
    }

    private mutating func take(
        _ hold: Hold,
        _ pattern: LockPattern,
        of repository: RepositoryID,
        fence: Int,
        at time: Instant
    ) {
        held[fence] = (repository, pattern)
        count += 1
        if locks[repository]?.holds[pattern] == nil {
            locks[repository, default: Locks()].patterns.insert(pattern, owner: pattern)
        }
        locks[repository]!.holds[pattern, default: Stretches()].begin(hold, at: time)
    }

    private mutating func release(
        _ fence: Int,
        _ params: JSONValue,
        at time: Instant,
        ticket lookup: (TicketID) throws -> Ticket?
    ) rethrows {
        if let (repository, pattern) = held.removeValue(forKey: fence) {
            locks[repository]!.holds[pattern]!.end(at: time)
            return
        }
        // Taken before the first event: when matters to nobody, and a ticket lets go of all it has.
        let patterns: [LockPattern]
        let repository: RepositoryID
        let holder: LockHolder
        if let id = params["ticket"]?.stringValue.map({ TicketID($0) }) {
            guard let ticket = try lookup(id) else { return }
            (patterns, repository, holder) = (ticket.locks, ticket.repository, .ticket(id))
        } else {
            guard let pattern = params["pattern"]?.stringValue.flatMap({ try? LockPattern($0) }) else { return }
            (patterns, holder) = ([pattern], .person(params["person"]?.stringValue ?? ""))
            repository = RepositoryID(params["repository"]?.stringValue ?? "")
        }
        let hold = Hold(holder: holder, patterns: patterns, waited: nil)
        for pattern in patterns where locks[repository]?.holds[pattern] == nil {
            take(hold, pattern, of: repository, fence: fence, at: Self.ever)
            held[fence] = nil
            locks[repository]!.holds[pattern]!.end(at: time)
        }
    }

    // MARK: what they come to

    /// What each stay in the queue went into, in milliseconds: of what hindered it at once, the first that `orch show` names.
    ///
    /// - Parameter end: the event by which the ticket ended; what is told later is not known of it.
    func split(_ stays: [TicketHistory.Stay], of ticket: TicketID, in repository: RepositoryID, through end: Int)
        -> [Wait: Int64]
    {
        var waits = Dictionary(uniqueKeysWithValues: Wait.allCases.map { ($0, Int64(0)) })
        for stay in stays where !stay.time.isEmpty {
            var rest = Remainder(stay.time)
            for halt in halts.overlapping(stay.time) { waits[.halt]! += rest.take(halt.time) }
            for full in fullDisk.overlapping(stay.time) { waits[.machine]! += rest.take(full.time) }
            waits[.lock]! += takeLocks(stay, ticket, repository, from: &rest)
            for shortage in shortages.overlapping(stay.time) where shortage.what <= end {
                waits[.machine]! += rest.take(shortage.time)
            }
            waits[.agent]! += rest.total
        }
        return waits
    }

    /// Where something it asks for was held, and before that, where a ticket ahead of it, which then held it, waited for more:
    /// meanwhile nobody behind that one could have it.
    private func takeLocks(
        _ stay: TicketHistory.Stay,
        _ ticket: TicketID,
        _ repository: RepositoryID,
        from rest: inout Remainder
    ) -> Int64 {
        let holds = holds(of: stay.locks, in: repository, except: .ticket(ticket), stay.time)
        var taken: Int64 = 0
        for hold in holds { taken += rest.take(hold.time) }
        for hold in holds {
            guard let waited = hold.what.waited else { continue }
            let before = max(waited, stay.time.lowerBound)
            guard before < hold.time.lowerBound, rest.overlaps(before..<hold.time.lowerBound) else { continue }
            let others = self.holds(
                of: hold.what.patterns,
                in: repository,
                except: hold.what.holder,
                before..<hold.time.lowerBound
            )
            for other in others where other.what.holder != .ticket(ticket) {
                taken += rest.take(other.time.clamped(to: before..<hold.time.lowerBound))
            }
        }
        return taken
    }

    private func holds(
        of patterns: [LockPattern],
        in repository: RepositoryID,
        except holder: LockHolder,
        _ time: Range<Instant>
    ) -> [Stretches<Hold>.Stretch] {
        guard let locks = locks[repository] else { return [] }
        return locks.patterns.owners(conflictingWith: patterns).flatMap { pattern in
            locks.holds[pattern]!.overlapping(time).filter { $0.what.holder != holder }
        }
    }
}

/// Times in which something was so, one after the other, the last perhaps without an end.
private struct Stretches<What> {
    typealias Stretch = (time: Range<Instant>, what: What)
    private var all: [Stretch] = []
    private(set) var isOpen = false
    private static var never: Instant { Instant(milliseconds: .max) }

    /// One that has not ended yet does. None begins before that, even where a clock went back.
    mutating func begin(_ what: What, at start: Instant) {
        end(at: start)
        all.append((max(start, all.last?.time.upperBound ?? start)..<Self.never, what))
        isOpen = true
    }

    /// - Returns: whether there was anything to end.
    @discardableResult
    mutating func end(at end: Instant) -> Bool {
        guard isOpen, let last = all.last else { return false }
        all[all.count - 1].time = last.time.lowerBound..<max(last.time.lowerBound, end)
        isOpen = false
        return true
    }

    mutating func add(_ what: What, _ start: Instant, _ end: Instant) {
        begin(what, at: start)
        self.end(at: end)
    }

    func overlapping(_ time: Range<Instant>) -> ArraySlice<Stretch> {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].time.upperBound <= time.lowerBound { low = middle + 1 } else { high = middle }
        }
        return all[low...].prefix { $0.time.lowerBound < time.upperBound }
    }
}

/// What is left of a time.
private struct Remainder {
    private var parts: [Range<Instant>]

    init(_ time: Range<Instant>) { parts = [time] }

    var total: Int64 { parts.reduce(0) { $0 + $1.milliseconds } }

    func overlaps(_ time: Range<Instant>) -> Bool { parts.contains { $0.overlaps(time) } }

    /// How much of `time` was left; it no longer is.
    mutating func take(_ time: Range<Instant>) -> Int64 {
        guard overlaps(time) else { return 0 }
        let before = total
        parts = parts.flatMap { part in
            guard part.overlaps(time) else { return [part] }
            return [
                part.lowerBound..<max(part.lowerBound, time.lowerBound),
                min(part.upperBound, time.upperBound)..<part.upperBound,
            ].filter { !$0.isEmpty }
        }
        return before - total
    }
}

extension Range<Instant> {
    var milliseconds: Int64 { upperBound.milliseconds - lowerBound.milliseconds }
}
