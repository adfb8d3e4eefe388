import IPC

/// What `orch status --watch` says as things change: a line where a ticket is in another state or needs somebody for
/// another reason, and how many are in which. Each line stands by itself, so that it can be read aloud.
struct StatusChanges {
    /// What was last said of each ticket.
    private var said: [String: String] = [:]
    private var saidDaemon = ""
    private var saidCounts = ""
    /// Nil: all of them.
    let ticket: String?

    /// From here on; what is so already is not said.
    init(_ picture: Picture, ticket: String? = nil) {
        self.ticket = ticket
        for row in picture.tickets.values { said[row.id] = row.changing }
        saidDaemon = Self.trouble(picture)
        saidCounts = Self.counts(picture)
    }

    /// What is to be said after `touched` has changed; nothing where it does not matter.
    mutating func lines(_ picture: Picture, _ touched: Picture.Touched) -> [String] {
        var lines: [String] = []
        for row in touched.tickets.compactMap({ picture.tickets[$0] }).sorted(by: { $0.id < $1.id })
        where ticket == nil || row.id == ticket {
            guard said.updateValue(row.changing, forKey: row.id) != row.changing else { continue }
            lines.append("\(row.id) (\(row.title)) \(row.stateSentence)")
        }
        guard ticket == nil else { return lines }
        let trouble = Self.trouble(picture)
        if trouble != saidDaemon {
            lines.append(trouble.isEmpty ? "everything goes on" : trouble)
            saidDaemon = trouble
        }
        return lines
    }

    /// How many tickets are in which state, where that has changed since it was last said; once for a burst.
    mutating func counts(_ picture: Picture) -> String? {
        let counts = Self.counts(picture)
        guard ticket == nil, counts != saidCounts else { return nil }
        saidCounts = counts
        return counts
    }

    private static func counts(_ picture: Picture) -> String {
        var counts: [String: Int] = [:]
        for row in picture.tickets.values where !row.isFinished {
            counts[row.needsHuman ? "need you" : row.shownState, default: 0] += 1
        }
        let order = ["need you", "stale", "running", "landing", "queued", "stopped"]
        let others = counts.keys.filter { !order.contains($0) }.sorted()
        let parts = (order + others).compactMap { word in counts[word].map { "\($0) \(word)" } }
        return parts.isEmpty ? "nothing is left to do" : parts.joined(separator: ", ")
    }

    private static func trouble(_ picture: Picture) -> String {
        let daemon = picture.json["daemon"]
        if let reason = daemon?["halted"]?["reason"]?.stringValue {
            return "everything is halted\(reason.isEmpty ? "" : ": \(reason)")"
        }
        return daemon?["disk"] == nil ? "" : "the disk is full: nothing new starts until there is room"
    }
}

extension TicketRow {
    /// It waits for a person: its own state says so, or something of theirs is in the way of its landing.
    var needsHuman: Bool {
        state == "needs_human_review" || state == "awaiting_approval" || blocked == true || question != nil
    }

    /// Nothing more happens to it.
    var isFinished: Bool { ["merged", "cancelled", "done", "pr_open"].contains(state) }

    /// What of it is worth a line when it changes.
    fileprivate var changing: String { needsHuman ? "\(state) \(reason ?? "")" : shownState }
}
