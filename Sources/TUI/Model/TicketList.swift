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

/// All tickets, kept in the order they are shown in: a change moves one entry, and drawing looks only at visible ones.
struct TicketList: Sendable {
    private(set) var rows: [String: TicketRow] = [:]
    private var order: [Position] = []
    private var counts = Array(repeating: 0, count: TicketGroup.allCases.count)
    /// The tickets on their way to a target branch, in their order there.
    private(set) var landing: [String] = []

    /// One line of the panel.
    enum Line: Equatable {
        case heading(TicketGroup)
        case ticket(String)
    }

    var count: Int { order.count }

    func count(of group: TicketGroup) -> Int { counts[group.rawValue] }

    subscript(id: String) -> TicketRow? { rows[id] }

    mutating func replaceAll(with tickets: [TicketRow]) {
        rows = Dictionary(tickets.map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        order = rows.values.map(Position.init).sorted()
        counts = Array(repeating: 0, count: TicketGroup.allCases.count)
        for position in order { counts[position.group] += 1 }
        findLanding()
    }

    mutating func set(_ row: TicketRow) {
        let position = Position(row)
        var wasLanding = false
        if let old = rows.updateValue(row, forKey: row.id) {
            let oldPosition = Position(old)
            guard oldPosition != position else { return }
            order.remove(at: index(of: oldPosition))
            counts[oldPosition.group] -= 1
            wasLanding = oldPosition.isLanding
        }
        order.insert(position, at: index(of: position))
        counts[position.group] += 1
        if wasLanding || position.isLanding { findLanding() }
    }

    mutating func remove(_ id: String) {
        guard let old = rows.removeValue(forKey: id) else { return }
        let position = Position(old)
        order.remove(at: index(of: position))
        counts[position.group] -= 1
        if position.isLanding { findLanding() }
    }

    private mutating func findLanding() {
        let start = order(of: .landing)
        landing = order[start..<start + count(of: .landing)].map(\.id)
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

    func index(of id: String) -> Int? { rows[id].map { index(of: Position($0)) } }

    func id(at index: Int) -> String? { order.indices.contains(index) ? order[index].id : nil }

    // MARK: Lines, headings included

    func lineCount(headings: Bool) -> Int {
        count + (headings ? counts.count { $0 > 0 } : 0)
    }

    func line(at index: Int, headings: Bool) -> Line? {
        guard headings else { return id(at: index).map(Line.ticket) }
        var before = 0
        for group in TicketGroup.allCases where count(of: group) > 0 {
            let headingsSoFar = before + 1
            let start = order(of: group)
            if index == start + before { return .heading(group) }
            if index < start + count(of: group) + headingsSoFar {
                return id(at: index - headingsSoFar).map(Line.ticket)
            }
            before += 1
        }
        return nil
    }

    func lineIndex(of id: String, headings: Bool) -> Int? {
        guard let row = rows[id] else { return nil }
        let position = Position(row)
        let place = index(of: position)
        guard headings else { return place }
        return place + counts[...position.group].count { $0 > 0 }
    }

    /// How many tickets stand before the first of `group`.
    private func order(of group: TicketGroup) -> Int { counts[..<group.rawValue].reduce(0, +) }
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
        let group = TicketGroup(state: row.state)
        let since = Moment(row.since)?.milliseconds ?? 0
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
        case .needsYou, .working, .landing, .stopped:
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
