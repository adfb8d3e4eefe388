/// The tickets that wait to be started, in the order they start: **priority first (higher number first), then age,
/// then id**. A pure index over facts that live elsewhere, rebuilt from them at load.
///
/// Tickets of one repository and one profile that ask for the same locks, and for an agent alike, form a *group*: what blocks one
/// blocks all of them, so a blocked group is set aside as one thing until what blocks it changes, and costs nothing meanwhile. One decision
/// looks only at groups that may have become startable, and takes O(log n) for each.
struct Scheduler: Sendable {
    /// A place in the order.
    struct Place: Comparable, Hashable, Sendable {
        let priority: Int
        /// Serial numbers grow with age, and are unique, so that ids never have to decide.
        let serial: Int
        let ticket: TicketID
        static func < (a: Self, b: Self) -> Bool {
            if a.priority != b.priority { return a.priority > b.priority }
            return a.serial < b.serial
        }
    }

    private struct GroupKey: Hashable {
        let repository: RepositoryID
        let profile: String
        let startsAgent: Bool
        let locks: [LockPattern]
        /// The one that is in a group of its own.
        let alone: TicketID?
    }

    private enum Standing: Equatable {
        /// In `ready`: may be startable.
        case ready
        /// In `lockBlocked` and `waitingFor`: somebody holds what it asks for.
        case blocked(by: LockHolder)
        /// In `reservations`: a ticket ahead of it waits for what it asks for.
        case behind
        /// In `overQuota`, and where it asks for locks, and the quota reserves them, in `lockBlocked`, so that these are free
        /// when its turn comes.
        case overQuota(Quota)
    }

    private struct Group {
        let key: GroupKey
        /// Never empty.
        var members = IndexedHeap<TicketID, Place>()
        var standing = Standing.ready
        var head: Place { members.min!.key }
    }

    /// The groups that wait behind the first blocked ticket of a repository.
    private struct Reservation {
        let first: TicketID
        var groups: Set<Int> = []
    }

    private var groupNumbers: [GroupKey: Int] = [:]
    private var groups: [Int: Group] = [:]
    private var nextGroup = 0
    private var groupOf: [TicketID: Int] = [:]
    /// By their first tickets.
    private var ready = IndexedHeap<Int, Place>()
    private var lockBlocked: [RepositoryID: IndexedHeap<Int, Place>] = [:]
    private var waitingFor: [LockHolder: Set<Int>] = [:]
    private var reservations: [RepositoryID: Reservation] = [:]
    private var overQuota: [Quota: IndexedHeap<Int, Place>] = [:]

    var count: Int { groupOf.count }
    func contains(_ ticket: TicketID) -> Bool { groupOf[ticket] != nil }
    func place(of ticket: TicketID) -> Place? { groupOf[ticket].flatMap { groups[$0]!.members[ticket] } }

    // MARK: members

    /// - Parameter isAlone: it holds locks and waits for more, so that it need not wait where others with the same wish
    ///   have to.
    mutating func insert(
        _ place: Place,
        repository: RepositoryID,
        profile: String,
        startsAgent: Bool = true,
        locks: [LockPattern],
        isAlone: Bool = false
    ) {
        let key = GroupKey(
            repository: repository,
            profile: profile,
            startsAgent: startsAgent,
            locks: locks,
            alone: isAlone ? place.ticket : nil
        )
        let number = groupNumbers[key] ?? makeGroup(key)
        groupOf[place.ticket] = number
        groups[number]!.members.set(place.ticket, place)
        if groups[number]!.head == place { headChanged(number) }
    }

    mutating func remove(_ ticket: TicketID) {
        guard let number = groupOf.removeValue(forKey: ticket) else { return }
        let repository = groups[number]!.key.repository
        let wasHead = groups[number]!.head.ticket == ticket
        groups[number]!.members.remove(ticket)
        if groups[number]!.members.isEmpty {
            setAside(number)
            groupNumbers[groups.removeValue(forKey: number)!.key] = nil
        } else if wasHead {
            headChanged(number)
        }
        // It reserves nothing any more.
        if reservations[repository]?.first == ticket { endReservation(in: repository) }
    }

    private mutating func makeGroup(_ key: GroupKey) -> Int {
        nextGroup += 1
        groupNumbers[key] = nextGroup
        groups[nextGroup] = Group(key: key)
        return nextGroup
    }

    /// Another ticket is the group's first: its place is the group's.
    private mutating func headChanged(_ number: Int) {
        let group = groups[number]!
        switch group.standing {
        case .ready:
            ready.set(number, group.head)
        case .blocked:
            lockBlocked[group.key.repository]!.set(number, group.head)
            reviewReservation(in: group.key.repository)
        case .overQuota(let quota):
            overQuota[quota]!.set(number, group.head)
            guard !group.key.locks.isEmpty, quota.reservesLocks else { return }
            lockBlocked[group.key.repository]!.set(number, group.head)
            reviewReservation(in: group.key.repository)
        case .behind:
            // It may now come before the one that reserves.
            makeReady(number)
        }
    }

    // MARK: deciding

    /// The first ticket that may be startable.
    var first: TicketID? { ready.min?.key.ticket }

    /// The first ticket of the repository that a held lock keeps from starting: it reserves its locks, so that a
    /// wide lock is not starved by a stream of narrow ones behind it.
    func reserver(in repository: RepositoryID) -> Place? { lockBlocked[repository]?.min?.key }

    /// Sets the ticket's group aside until `holder` lets go of its locks.
    mutating func block(groupOf ticket: TicketID, by holder: LockHolder) {
        guard let number = groupOf[ticket] else { return }
        setAside(number)
        let group = groups[number]!
        groups[number]!.standing = .blocked(by: holder)
        waitingFor[holder, default: []].insert(number)
        lockBlocked[group.key.repository, default: IndexedHeap()].set(number, group.head)
        reviewReservation(in: group.key.repository)
    }

    /// Sets the ticket's group aside until the quota has room for one more agent.
    mutating func block(groupOf ticket: TicketID, over quota: Quota) {
        guard let number = groupOf[ticket] else { return }
        setAside(number)
        let group = groups[number]!
        groups[number]!.standing = .overQuota(quota)
        overQuota[quota, default: IndexedHeap()].set(number, group.head)
        if !group.key.locks.isEmpty, quota.reservesLocks {
            lockBlocked[group.key.repository, default: IndexedHeap()].set(number, group.head)
        }
        // It may have reserved until now, for a lock, and do so no more.
        reviewReservation(in: group.key.repository)
    }

    /// The quotas that groups wait for.
    var quotas: [Quota] { Array(overQuota.keys) }

    /// There is room: the first that waits for it is looked at again.
    mutating func wakeFirst(for quota: Quota) {
        if let number = overQuota[quota]?.min?.id { makeReady(number) }
    }

    /// Sets the ticket's group aside until `first` reserves no more.
    mutating func block(groupOf ticket: TicketID, behind first: TicketID) {
        guard let number = groupOf[ticket] else { return }
        let repository = groups[number]!.key.repository
        if let reservation = reservations[repository], reservation.first != first { endReservation(in: repository) }
        setAside(number)
        groups[number]!.standing = .behind
        reservations[repository, default: Reservation(first: first)].groups.insert(number)
    }

    /// The groups that waited for what `holder` held are looked at again. The first of them goes on reserving until
    /// it has been: it comes before all that wait behind it.
    mutating func wake(blockedBy holder: LockHolder) {
        for number in waitingFor[holder] ?? [] { makeReady(number) }
    }

    /// Only the first blocked ticket reserves: those that waited behind another may go.
    private mutating func reviewReservation(in repository: RepositoryID) {
        guard let reservation = reservations[repository], reservation.first != reserver(in: repository)?.ticket
        else { return }
        endReservation(in: repository)
    }

    private mutating func endReservation(in repository: RepositoryID) {
        for number in reservations[repository]?.groups ?? [] { makeReady(number) }
        reservations[repository] = nil
    }

    private mutating func makeReady(_ number: Int) {
        setAside(number)
        groups[number]!.standing = .ready
        ready.set(number, groups[number]!.head)
    }

    /// Takes the group out of wherever it stands.
    private mutating func setAside(_ number: Int) {
        let group = groups[number]!
        let repository = group.key.repository
        switch group.standing {
        case .ready:
            ready.remove(number)
        case .blocked(let holder):
            lockBlocked[repository]!.remove(number)
            waitingFor[holder]!.remove(number)
            if waitingFor[holder]!.isEmpty { waitingFor[holder] = nil }
        case .behind:
            reservations[repository]?.groups.remove(number)
        case .overQuota(let quota):
            overQuota[quota]!.remove(number)
            if overQuota[quota]!.isEmpty { overQuota[quota] = nil }
            if !group.key.locks.isEmpty, quota.reservesLocks { lockBlocked[repository]!.remove(number) }
        }
    }

    // MARK: for the tests

    /// Who waits, and for what: the facts this is an index over.
    var members: [TicketID: [LockPattern]] { groupOf.mapValues { groups[$0]!.key.locks } }

    /// What does not fit together; nil in a scheduler that is as it should be.
    var inconsistency: String? {
        for (number, group) in groups {
            if group.members.isEmpty { return "group \(number) is empty" }
            let inBlocked = lockBlocked[group.key.repository]?[number]
            let isBehind = reservations[group.key.repository]?.groups.contains(number) ?? false
            let holders = waitingFor.filter { $0.value.contains(number) }.map(\.key)
            let expected: (Place?, Place?, Bool, [LockHolder]) =
                switch group.standing {
                case .ready: (group.head, nil, false, [])
                case .blocked(let holder): (nil, group.head, false, [holder])
                case .behind: (nil, nil, true, [])
                case .overQuota(let quota):
                    (nil, group.key.locks.isEmpty || !quota.reservesLocks ? nil : group.head, false, [])
                }
            guard (ready[number], inBlocked, isBehind, holders) == expected else {
                return "group \(number) is \(group.standing), and stands elsewhere"
            }
        }
        let set = groups.values.reduce(0) { $0 + $1.members.count }
        return set == groupOf.count ? nil : "\(set) tickets in groups, \(groupOf.count) in all"
    }
}
