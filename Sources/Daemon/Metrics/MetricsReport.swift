public import Core

/// What the tickets of a period came to, from the rows of `metrics/tickets.csv`.
public struct MetricsReport: Equatable, Sendable {
    /// Half of the tickets took at most the median, nine in ten at most p90; in seconds.
    public struct Spread: Equatable, Sendable {
        public let median: Double
        public let p90: Double

        /// Nil of nothing.
        init?(_ values: [Double]) {
            guard !values.isEmpty else { return nil }
            let sorted = values.sorted()
            let middle = sorted.count / 2
            median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
            p90 = sorted[min(sorted.count - 1, (sorted.count * 9 + 9) / 10 - 1)]
        }
    }

    /// Tickets that have something in common.
    public struct Group: Equatable, Sendable {
        public var landed = 0
        public var cancelled = 0
        /// Landed, and went back to an agent at least once on the way.
        public var reworked = 0
        fileprivate var leads: [Double] = []
        /// From filed to landed.
        public var lead: Spread? { Spread(leads) }
    }

    public private(set) var all = Group()
    public private(set) var byProfile: [String: Group] = [:]
    /// How often a ticket went back to its agent.
    public private(set) var sentBack = 0
    public private(set) var conflicts = 0
    public private(set) var evictions = 0
    /// What their agents used, in tokens and US dollars; a part of these is an estimate, and of some tokens nobody knows.
    public private(set) var tokens = 0
    public private(set) var cost = 0.0
    public private(set) var estimated = 0.0
    public private(set) var unpriced = 0
    public private(set) var insertions = 0
    public private(set) var deletions = 0
    /// What the time of the landed ones went into, in the order of the file's columns: name and seconds of each ticket.
    private var shares: [Share] = []
    /// What of it the time in the queue went into.
    private var waits: [Share] = []
    private typealias Share = (name: String, seconds: [Double])

    /// What each ticket spent, by what it was spent on, and its part of all that was.
    public var spent: [(name: String, spread: Spread, part: Double)] { spent(on: shares) }

    /// The same of what the time in the queue was spent on.
    public var waited: [(name: String, spread: Spread, part: Double)] { spent(on: waits) }

    private func spent(on some: [Share]) -> [(name: String, spread: Spread, part: Double)] {
        let total = shares.reduce(0) { $0 + $1.seconds.reduce(0, +) }
        return some.compactMap { share in
            Spread(share.seconds).map { (share.name, $0, total > 0 ? share.seconds.reduce(0, +) / total : 0) }
        }
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.all == b.all && a.byProfile == b.byProfile && a.sentBack == b.sentBack && a.conflicts == b.conflicts
            && a.evictions == b.evictions
            && a.tokens == b.tokens && a.cost == b.cost && a.estimated == b.estimated && a.unpriced == b.unpriced
            && a.insertions == b.insertions && a.deletions == b.deletions
            && (a.shares + a.waits).elementsEqual(b.shares + b.waits, by: ==)
    }

    /// A file that is no table of orch's.
    public struct Problem: Error, CustomStringConvertible { public let description: String }

    /// Reads the tickets that finished at `since` or later. A last line that is not whole is left out.
    ///
    /// - Throws: `Problem` where a column that is needed is not there.
    public init(csv: String, since: Instant? = nil) throws(Problem) {
        var lines = CSV.rows(csv)
        let heading = lines.isEmpty ? [] : lines.removeFirst()
        let columns = Dictionary(zip(heading, heading.indices)) { first, _ in first }
        for name in ["outcome", "queued", "finished", "profile", "sent_back"] where columns[name] == nil {
            throw Problem(description: "it has no column \(name)")
        }
        let waitNames = heading.filter { $0.hasSuffix("_wait_seconds") }
        let names = heading.filter { $0.hasSuffix("_seconds") && !waitNames.contains($0) }
        shares = names.map { (String($0.dropLast("_seconds".count)), []) }
        waits = waitNames.map { (String($0.dropLast("_wait_seconds".count)), []) }
        for line in lines where line.count == heading.count {
            func field(_ name: String) -> String { columns[name].map { line[$0] } ?? "" }
            guard let finished = Timestamp.instant(field("finished")), finished >= since ?? finished else { continue }
            take(field, finished)
            guard field("outcome") == "landed" else { continue }
            for (index, name) in names.enumerated() { shares[index].seconds.append(Double(field(name)) ?? 0) }
            // Nothing where it is not known.
            for (index, name) in waitNames.enumerated() { Double(field(name)).map { waits[index].seconds.append($0) } }
        }
    }

    private mutating func take(_ field: (String) -> String, _ finished: Instant) {
        func add(to group: inout Group) {
            guard field("outcome") == "landed" else {
                group.cancelled += 1
                return
            }
            group.landed += 1
            if Int(field("sent_back")) ?? 0 > 0 { group.reworked += 1 }
            if let queued = Timestamp.instant(field("queued")) {
                group.leads.append(Double(finished.milliseconds - queued.milliseconds) / 1000)
            }
        }
        add(to: &all)
        add(to: &byProfile[field("profile"), default: Group()])
        sentBack += Int(field("sent_back")) ?? 0
        conflicts += Int(field("conflicts")) ?? 0
        evictions += Int(field("evictions")) ?? 0
        tokens += Int(field("tokens")) ?? 0
        cost += Double(field("cost_usd")) ?? 0
        estimated += Double(field("estimated_usd")) ?? 0
        unpriced += Int(field("unpriced_tokens")) ?? 0
        insertions += Int(field("insertions")) ?? 0
        deletions += Int(field("deletions")) ?? 0
    }
}

/// Tables as RFC 4180 has them.
enum CSV {
    static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var bytes = Array(text.utf8)[...]
        func end(_ field: inout [UInt8]) -> String {
            defer { field = [] }
            return String(decoding: field, as: UTF8.self)
        }
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && bytes.first == byte:
                field.append(byte)
                bytes.removeFirst()
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: row.append(end(&field))
            case UInt8(ascii: "\n") where !isQuoted:
                rows.append(row + [end(&field)])
                row = []
            default: field.append(byte)
            }
        }
        return rows
    }
}
