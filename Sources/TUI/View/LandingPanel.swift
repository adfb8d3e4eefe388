import IPC

extension Canvas {
    /// The tickets that land, first the next one, and what is under way for each.
    mutating func drawLanding(_ layout: Layout) {
        let panel = layout.landing
        guard panel.rows > 0 else { return }
        let queue = model.tickets.landing
        rule(
            queue.isEmpty ? "Landing" : "Landing \(queue.count)",
            end: place(
                queue.firstIndex { $0 == model.selectedLanding },
                of: queue.count,
                fits: queue.count <= panel.rows
            ),
            x: panel.x,
            y: panel.y - 1,
            columns: panel.columns,
            style: model.focus == .landing && model.detail.reading == .lists ? .title : .heading
        )
        let visible = queue.dropFirst(model.landingTop).prefix(panel.rows)
        let idColumns = min(visible.map { Text($0).width }.max() ?? 0, 12)
        for (row, id) in visible.enumerated() {
            guard let ticket = model.tickets[id] else { continue }
            let y = panel.y + row
            draw(ticket, idColumns: idColumns, in: panel, y: y)
            guard id == model.selectedLanding, model.focus == .landing, model.detail.reading == .lists else { continue }
            screen.select(x: panel.x, y: y, columns: panel.columns)
        }
    }

    private mutating func draw(_ ticket: TicketRow, idColumns: Int, in panel: Rectangle, y: Int) {
        let look = StateLook(ticket, glyphs: glyphs)
        let isBlocked = ticket.blocked == true
        // Its place in the queue; the glyph of one that is set aside.
        let place = model.tickets.landingPlace(of: ticket.id).map(String.init)
        put(place ?? look.glyph.text, x: panel.x + 1, y: y, columns: 2, style: isBlocked ? .waiting : look.style)
        put(ticket.id, x: panel.x + 3, y: y, columns: idColumns)
        let age = age(since: ticket.since)
        let end = panel.x + panel.columns - 1
        put(age, x: end - age.utf8.count, y: y, style: .dim)
        var x = panel.x + 4 + idColumns
        if let checks = ticket.checks {
            x += 2 + put(progress(of: checks), x: x, y: y, columns: max(0, end - 5 - x), style: .landing)
        }
        guard end - 5 - x > 3 else { return }
        // Whoever waits for those before it has nothing to say.
        let hasNews = isBlocked || ticket.checks == nil && (ticket.landing_place == nil || place == "1")
        let words = hasNews ? ticket.reason ?? ticket.title : ticket.title
        put(words, x: x, y: y, columns: end - 5 - x, style: isBlocked ? .waiting : .dim)
    }

    /// `test 2/3 12s`: the second of three checks has been running for so long.
    private mutating func progress(of checks: ChecksRow) -> String {
        guard let running = checks.running else { return "\(checks.done)/\(checks.total) passed" }
        let age = age(since: checks.since ?? "")
        // Setup comes before the first.
        let place = running == "setup" ? "" : " \(min(checks.done + 1, checks.total))/\(checks.total)"
        return "\(running)\(place)\(age.isEmpty ? "" : " \(age)")"
    }
}
