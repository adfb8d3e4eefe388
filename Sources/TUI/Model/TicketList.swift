import IPC

/// What a ticket asks of the person who looks at it; the order of the cases is the order on the screen.
enum TicketGroup: Int, CaseIterable, Sendable {
    /// Waits for a human's word.
    case needsYou
    case working, landing, queued, stopped
    /// Merged, cancelled, or otherwise finished.
    case done

    init(state: String) {
        self =
            switch state {
            case "awaiting_approval", "needs_human_review": .needsYou
            case "running": .working
            case "landing": .landing
            case "queued": .queued
            case "merged", "pr_open", "done", "cancelled": .done
            // A state of a newer daemon: shown where it is not overlooked, but after what is understood.
            default: .stopped
            }
    }

    /// One at work whose agent asks something needs a word as much as one that has come to a stop.
    init(_ row: TicketRow) {
        let group = TicketGroup(state: row.state)
        self = group == .working && row.question != nil ? .needsYou : group
    }

    var heading: String {
        switch self {
        case .needsYou: "Needs you"
        case .working: "Working"
        case .landing: "Landing"
        case .queued: "Queued"
        case .stopped: "Stopped"
        case .done: "Done"
        }
    }
}

/// All tickets; those that are listed are kept in the order they are shown in: a change moves one entry, and drawing looks
/// only at visible ones.
struct TicketList: Sendable {
    private(set) var rows: [String: TicketRow] = [:]
    /// Which are listed; nil: all.
    private(set) var filter: Filter?
    /// Of those that are listed.
    private var order: [Position] = []
    private var listed = Array(repeating: 0, count: TicketGroup.allCases.count)
    /// Of all.
    private var counts = Array(repeating: 0, count: TicketGroup.allCases.count)
    /// The tickets on their way to a target branch, in their order there.
    private(set) var landing: [String] = []

    /// One line of the panel.
    enum Line: Equatable {
        case heading(TicketGroup)
        case ticket(String)
    }

    /// How many are listed.
    var count: Int { order.count }

    /// How many there are, listed or not.
    var total: Int { rows.count }

    /// How many there are in a group, listed or not.
    func count(of group: TicketGroup) -> Int { counts[group.rawValue] }

    /// How many of a group are listed.
    func listed(in group: TicketGroup) -> Int { listed[group.rawValue] }

    subscript(id: String) -> TicketRow? { rows[id] }

    /// - Parameter tickets: by id.
    mutating func replaceAll(with tickets: [String: TicketRow]) {
        rows = tickets
        let positions = rows.values.map(Position.init)
        counts = Array(repeating: 0, count: TicketGroup.allCases.count)
        for position in positions { counts[position.group] += 1 }
        list(positions)
        findLanding()
    }

    /// Lists what matches, and everything for nil.
    mutating func list(only filter: Filter?) {
        self.filter = filter?.isEmpty == true ? nil : filter
        list()
    }

    /// - Parameter positions: of all rows, where they are known.
    private mutating func list(_ positions: [Position]? = nil) {
        if let filter {
            order = rows.values.filter(filter.matches).map(Position.init).sorted()
        } else {
            order = (positions ?? rows.values.map(Position.init)).sorted()
        }
        listed = Array(repeating: 0, count: TicketGroup.allCases.count)
        for position in order { listed[position.group] += 1 }
    }

    mutating func set(_ row: TicketRow) {
        let position = Position(row)
        let old = rows.updateValue(row, forKey: row.id)
        let oldPosition = old.map(Position.init)
        if let oldPosition { counts[oldPosition.group] -= 1 }
        counts[position.group] += 1
        let wasListed = old.map(isListed) ?? false
        let isListed = isListed(row)
        if oldPosition != position || wasListed != isListed {
            if wasListed, let oldPosition { unlist(oldPosition) }
            if isListed {
                order.insert(position, at: index(of: position))
                listed[position.group] += 1
            }
        }
        if oldPosition != position, position.isLanding || oldPosition?.isLanding == true { findLanding() }
    }

    /// Of those that wait for a person, the one that has done so for longest.
    var longestWaiting: TicketRow? {
        guard count(of: .needsYou) > 0 else { return nil }
        if filter == nil { return id(at: 0).flatMap { rows[$0] } }
        return rows.values.filter { TicketGroup($0) == .needsYou }.min { Position($0) < Position($1) }
    }

    /// Where a ticket is in the landing queue of its repository: 1 lands next. Nil of one that is set aside.
    func landingPlace(of id: String) -> Int? {
        guard let row = rows[id], row.landing_place != nil else { return nil }
        return landing.prefix { $0 != id }.count { rows[$0]?.repository == row.repository } + 1
    }

    mutating func remove(_ id: String) {
        guard let old = rows.removeValue(forKey: id) else { return }
        let position = Position(old)
        counts[position.group] -= 1
        if isListed(old) { unlist(position) }
        if position.isLanding { findLanding() }
    }

    private func isListed(_ row: TicketRow) -> Bool { filter?.matches(row) ?? true }

    private mutating func unlist(_ position: Position) {
        order.remove(at: index(of: position))
        listed[position.group] -= 1
    }

    private mutating func findLanding() {
        guard count(of: .landing) > 0 else { return landing = [] }
        if filter == nil {
            let start = order(of: .landing)
            landing = order[start..<start + listed(in: .landing)].map(\.id)
        } else {
            landing = rows.values.map(Position.init).filter(\.isLanding).sorted().map(\.id)
        }
    }

    /// The first place that is not before `position`.
    private func index(of position: Position) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if order[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Places, among the tickets alone

    func index(of id: String) -> Int? {
        guard let row = rows[id], isListed(row) else { return nil }
        return index(of: Position(row))
    }

    func id(at index: Int) -> String? { order.indices.contains(index) ? order[index].id : nil }

    // MARK: Lines, headings included

    func lineCount(headings: Bool) -> Int {
        count + (headings ? listed.count { $0 > 0 } : 0)
    }

    func line(at index: Int, headings: Bool) -> Line? {
        guard headings else { return id(at: index).map(Line.ticket) }
        var before = 0
        for group in TicketGroup.allCases where listed(in: group) > 0 {
            let headingsSoFar = before + 1
            let start = order(of: group)
            if index == start + before { return .heading(group) }
            if index < start + listed(in: group) + headingsSoFar {
                return id(at: index - headingsSoFar).map(Line.ticket)
            }
            before += 1
        }
        return nil
    }

    func lineIndex(of id: String, headings: Bool) -> Int? {
        guard let row = rows[id], isListed(row) else { return nil }
        let position = Position(row)
        let place = index(of: position)
        guard headings else { return place }
        return place + listed[...position.group].count { $0 > 0 }
    }

    /// How many listed tickets stand before the first of `group`.
    private func order(of group: TicketGroup) -> Int { listed[..<group.rawValue].reduce(0, +) }
}

extension TicketRow {
    /// Since when it is as it is: of one that waits for a person, since it does.
    var waitsSince: String { TicketGroup(state: state) == .needsYou ? since : question?.since ?? since }
}

/// Where a ticket stands among the others. Two tickets never share a place: the id decides last.
private struct Position: Comparable, Sendable {
    let group: Int
    /// Smaller is earlier.
    let rank: Int64
    let time: Int64
    let number: Int
    let id: String

    init(_ row: TicketRow) {
        let group = TicketGroup(row)
        let since = Moment(row.waitsSince)?.milliseconds ?? 0
        self.group = group.rawValue
        id = row.id
        number = trailingNumber(of: row.id)
        switch group {
        case .queued:
            rank = -Int64(row.priority)
            time = Moment(row.created)?.milliseconds ?? 0
        case .done:
            rank = 0
            time = -since
        case .landing:
            // What is set aside comes after those in the queue.
            rank = row.landing_place.map { Int64($0) } ?? .max
            time = since
        case .needsYou, .working, .stopped:
            rank = 0
            time = since
        }
    }

    var isLanding: Bool { group == TicketGroup.landing.rawValue }

    static func < (a: Self, b: Self) -> Bool {
        (a.group, a.rank, a.time, a.number, a.id) < (b.group, b.rank, b.time, b.number, b.id)
    }
}

/// The number an id ends in, so that `T-2` comes before `T-10`; 0 when there is none.
func trailingNumber(of id: String) -> Int {
    var number = 0
    var scale = 1
    for byte in id.utf8.reversed() {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), scale < 1_000_000_000_000 else { break }
        number += Int(byte - UInt8(ascii: "0")) * scale
        scale *= 10
    }
    return number
}
