import IPC

extension TicketList {
    /// What has become of the tickets since then, in counts: `3 landed, 1 needs you`.
    func news(since before: TicketList) -> String {
        var (landed, needing, stopped, new, gone) = (0, 0, 0, 0, 0)
        for row in rows.values {
            let old = before[row.id]
            if old == nil { new += 1 }
            guard row.state != old?.state || (row.question == nil) != (old?.question == nil) else { continue }
            switch TicketGroup(row) {
            case .done: if row.state == "cancelled" { gone += 1 } else { landed += 1 }
            case .needsYou: if old.map({ TicketGroup($0) }) != .needsYou { needing += 1 }
            case .stopped: stopped += 1
            case .working, .landing, .queued: break
            }
        }
        let counts = [
            (landed, "landed"), (needing, needing == 1 ? "needs you" : "need you"), (stopped, "stopped"),
            (gone, "cancelled"), (new, "new"),
        ]
        let words = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return words.isEmpty ? "nothing was missed" : words.joined(separator: ", ")
    }
}
