import IPC

/// How a state is said in a row: a glyph, a word of at most nine letters, and a colour's meaning.
struct StateLook {
    var glyph: Cluster
    var word: String
    var style: Style

    init(_ ticket: TicketRow, glyphs: Glyphs) {
        word = stateWord(ticket.state)
        (glyph, style) =
            switch ticket.state {
            case "queued": (glyphs.queued, .plain)
            case "running": (glyphs.working, .working)
            case "stopped": (glyphs.stopped, .stopped)
            case "awaiting_approval": (glyphs.approval, .waiting)
            case "needs_human_review": (glyphs.failed, .failed)
            case "landing": (glyphs.landing, .landing)
            case "merged", "pr_open", "done": (glyphs.done, .done)
            case "cancelled": (glyphs.cancelled, .dim)
            default: (glyphs.unknown, .plain)
            }
        if let question = ticket.question, ticket.state == "running" {
            (glyph, word, style) = (glyphs.approval, question.isPermission ? "leave?" : "asks", .waiting)
        }
        if ticket.stale_since != nil { (glyph, word, style) = (glyphs.failed, "stale", .failed) }
        if ticket.reason == "stopping" { (glyph, word, style) = (glyphs.stopped, "stopping", .stopped) }
    }

    init(agent state: String, glyphs: Glyphs) {
        word = state
        (glyph, style) =
            switch state {
            case "idle": (glyphs.queued, .dim)
            case "working": (glyphs.working, .working)
            case "stale": (glyphs.failed, .failed)
            case "stopping": (glyphs.stopped, .stopped)
            default: (glyphs.unknown, .plain)
            }
    }
}

extension StateLook {
    /// The ticket's state in full words.
    func words(of ticket: TicketRow) -> String {
        if ticket.stale_since != nil { return "stale" }
        if let question = ticket.question, ticket.state == "running" {
            return question.isPermission ? "running, and asks for leave" : "running, and asks you something"
        }
        return ticket.state.split(separator: "_").joined(separator: " ")
    }
}

/// A ticket's state in a word or two; one that is not known, as it stands.
func stateWord(_ state: String) -> String {
    switch state {
    case "awaiting_approval": "approval"
    case "needs_human_review": "needs you"
    case "pr_open": "pr open"
    default: state
    }
}

extension QuestionRow {
    /// It is answered by yes or no.
    var isPermission: Bool { kind == "permission" }
}

extension TicketGroup {
    /// What stands before the group's number in the status bar.
    func look(glyphs: Glyphs) -> (glyph: Cluster, word: String, style: Style) {
        switch self {
        case .needsYou: (glyphs.approval, "need you", .waiting)
        case .working: (glyphs.working, "running", .working)
        case .landing: (glyphs.landing, "landing", .landing)
        case .queued: (glyphs.queued, "queued", .plain)
        case .stopped: (glyphs.stopped, "stopped", .stopped)
        case .done: (glyphs.done, "done", .done)
        }
    }
}
