import IPC

/// What the agent of a run does, as it said last.
struct Activity: Equatable, Sendable {
    var run: String
    var row: ActivityRow
}

extension Model {
    mutating func note(_ activity: ActivityRow, of run: String) {
        guard let dot = run.lastIndex(of: ".") else { return }
        activities[String(run[..<dot])] = Activity(run: run, row: activity)
    }

    /// What the agent at work on a ticket says it does; nothing of a run that is over.
    func activity(on ticket: String?) -> ActivityRow? {
        guard let ticket, let row = tickets[ticket], row.state == "running" || row.state == "landing",
            let activity = activities[ticket], row.run == nil || row.run == activity.run
        else { return nil }
        return activity.row
    }
}
