import IPC

/// What can be seen of a ticket, one at a time.
enum Tab: Int, CaseIterable, Sendable {
    case overview, transcript, diff, checks, review, timeline

    var title: String {
        switch self {
        case .overview: "Overview"
        case .transcript: "Transcript"
        case .diff: "Diff"
        case .checks: "Checks"
        case .review: "Review"
        case .timeline: "Timeline"
        }
    }

    /// What the help says of its key.
    var help: String {
        switch self {
        case .overview: "the ticket's overview"
        case .transcript: "what its agent says and does"
        case .diff: "what it changes"
        case .checks: "how verifiers judge it"
        case .review: "what people have said of it"
        case .timeline: "what it has been through, event by event"
        }
    }

    /// The key that shows it.
    var number: Int {
        switch self {
        case .overview: 4
        case .transcript: 5
        case .diff: 6
        case .checks: 7
        case .review: 8
        case .timeline: 9
        }
    }

    func page(of ticket: TicketRow) -> any Page {
        switch self {
        case .overview: OverviewPage(ticket: ticket.id)
        case .transcript: TranscriptPage(ticket)
        case .diff: DiffPage(ticket)
        case .checks: ChecksPage(ticket)
        case .review: ReviewPage(ticket: ticket.id)
        case .timeline: TimelinePage(ticket)
        }
    }

    /// What somebody who opens this ticket most likely wants to see.
    static func best(for ticket: TicketRow) -> Tab {
        switch ticket.state {
        case "awaiting_approval": .diff
        case "needs_human_review" where ticket.stage == "verify": .checks
        default: ticket.run == nil ? .overview : .transcript
        }
    }

    /// The tab `distance` further to the right, around the end.
    func neighbour(_ distance: Int) -> Tab {
        let all = Self.allCases
        let place = all.firstIndex(of: self)! + distance
        return all[(place % all.count + all.count) % all.count]
    }
}
