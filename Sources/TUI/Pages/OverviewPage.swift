import IPC

/// What is to be known about the ticket, the most important first. Where there are but a few rows, that alone.
struct OverviewPage: Page {
    let ticket: String
    private var reader: FactsReader
    /// The description, as it is broken for a width.
    private var description: (columns: Int, rows: [ArraySlice<Cluster>]) = (0, [])
    private var top = 0

    init(ticket: String) {
        self.ticket = ticket
        reader = FactsReader(ticket: ticket)
    }

    /// A room of no more rows is for what the row says.
    private static let terseRows = 4

    mutating func follow(_ row: TicketRow) { reader.follow(row) }
    mutating func startOver() { reader.startOver() }

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        room.rows > Self.terseRows ? reader.nextRequest() : nil
    }

    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {
        reader.take(answer)
        description.columns = 0
    }

    mutating func settle(in model: Model) {
        let columns = model.room.columns
        if description.columns != columns {
            let width = min(columns - 2, Sheet.proseColumns)
            description = (columns, (reader.facts?.description ?? []).flatMap { $0.flowed(to: width) })
        }
        guard top > 0 else { return }
        top = max(0, min(top, sheet(model, columns: columns).rows.count - model.room.rows))
    }

    mutating func move(_ motion: Motion, in room: Size) {
        switch motion {
        case .rows(let distance): top = max(0, top + distance)
        case .beginning: top = 0
        // Settled where it ends.
        case .end: top = .max
        }
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        guard area.rows > Self.terseRows else { return canvas.drawOverview(ticket, in: area) }
        canvas.draw(sheet(canvas.model, columns: area.columns), from: top, in: area)
    }

    private func sheet(_ model: Model, columns: Int) -> Sheet {
        var sheet = Sheet(columns: columns, now: model.now, glyphs: model.glyphs)
        guard let row = model.tickets[ticket] else { return sheet }
        sheet.present(row, of: model)
        if let failure = reader.failure {
            sheet.space()
            sheet.prose("more cannot be read: \(failure)", style: .failed)
        }
        sheet.listMessages(row.messages ?? [])
        if !description.rows.isEmpty {
            sheet.heading("Description")
            sheet.prose(description.rows, indent: 2)
        }
        sheet.listScope(of: row, in: model)
        sheet.list(reader.facts?.runs ?? [])
        sheet.listWhereabouts(of: row, in: model)
        return sheet
    }
}
