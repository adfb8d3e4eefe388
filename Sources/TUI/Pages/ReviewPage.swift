import IPC

/// What people have said of the ticket, newest first.
struct ReviewPage: Page {
    let ticket: String
    private var reader: FactsReader
    private var top = 0

    init(ticket: String) {
        self.ticket = ticket
        reader = FactsReader(ticket: ticket)
    }

    mutating func follow(_ row: TicketRow) { reader.follow(row) }
    mutating func startOver() { reader.startOver() }
    mutating func nextRequest(in room: Size) -> DaemonRequest? { reader.nextRequest() }
    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) { reader.take(answer) }

    mutating func settle(in model: Model) {
        guard top > 0 else { return }
        top = max(0, min(top, sheet(model, columns: model.room.columns).rows.count - model.room.rows))
    }

    mutating func move(_ motion: Motion, in room: Size) {
        switch motion {
        case .rows(let distance): top = max(0, top + distance)
        case .beginning: top = 0
        // Settled where it ends.
        case .end: top = .max
        }
    }

    var status: String {
        guard let count = reader.facts?.comments.count, count > 0 else { return "" }
        return counted(count, "comment")
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        canvas.draw(sheet(canvas.model, columns: area.columns), from: top, in: area)
    }

    private func sheet(_ model: Model, columns: Int) -> Sheet {
        var sheet = Sheet(columns: columns, now: model.now, glyphs: model.glyphs)
        if let failure = reader.failure {
            sheet.prose("the comments cannot be read: \(failure)", style: .failed)
        } else if let comments = reader.facts?.comments {
            if comments.isEmpty { sheet.prose(invitation(model), style: .dim) }
            for comment in comments.reversed() { sheet.add(comment, model.localTime) }
        } else {
            sheet.prose("reading", style: .dim)
        }
        return sheet
    }

    /// Which key adds the first one.
    private func invitation(_ model: Model) -> String {
        let ways: [(Action, String)] = [(.requestChanges, "requests changes"), (.approve, "approves with one")]
        let how = ways.compactMap { action, does in
            model.preferences.keys.find(action, in: .page).map { "\($0.name) \(does)" }
        }.joined(separator: ", ")
        let command = "`orch request-changes \(ticket) --comment TEXT` adds one"
        return "nobody has said anything about \(ticket) yet: \(how.isEmpty ? command : how)"
    }
}

extension Sheet {
    fileprivate mutating func add(_ comment: TicketFacts.Comment, _ localTime: LocalTime) {
        space()
        let (words, style): (String, Style) =
            switch comment.kind {
            case "approved": ("approved", .done)
            case "changes_requested": ("changes requested", .waiting)
            case "rejected": ("rejected", .failed)
            default: (comment.kind, .plain)
            }
        let age = age(since: comment.time)
        let moment = Moment(comment.time)
        let when = moment.map { "\(localTime.day($0)) \(localTime.clock($0)), \(age) ago" } ?? comment.time
        flow([[(words, style)], [(when, .dim)]])
        prose(comment.text, indent: 2)
    }
}
