import IPC

extension Canvas {
    mutating func drawTickets(_ layout: Layout) {
        let panel = layout.tickets
        let count = model.tickets.count
        let place = model.selectedTicket.flatMap { model.tickets.index(of: $0) }
        rule(
            ticketsTitle,
            end: self.place(
                place,
                of: count,
                fits: model.tickets.lineCount(headings: layout.hasHeadings) <= panel.rows
            ),
            x: panel.x,
            y: panel.y - 1,
            columns: panel.columns,
            style: model.focus == .tickets && model.detail.reading == .lists ? .title : .heading
        )
        guard count > 0 else { return drawNoTickets(panel) }
        let columns = TicketColumns(width: panel.columns, model: model, visible: visibleTickets(layout))
        for row in 0..<panel.rows {
            switch model.tickets.line(at: model.ticketTop + row, headings: layout.hasHeadings) {
            case .heading(let group):
                put(
                    "\(group.heading) \(model.tickets.listed(in: group))",
                    x: panel.x + 1,
                    y: panel.y + row,
                    style: .heading
                )
            case .ticket(let id):
                guard let ticket = model.tickets[id] else { continue }
                draw(ticket, columns, x: panel.x, y: panel.y + row)
                guard id == model.selectedTicket else { continue }
                if model.focus == .tickets, model.detail.reading == .lists {
                    screen.select(x: panel.x, y: panel.y + row, columns: panel.columns)
                }
            case nil: return
            }
        }
    }

    private var ticketsTitle: String {
        let tickets = model.tickets
        if let filter = tickets.filter { return "Tickets \(tickets.count)/\(tickets.total) /\(filter.text)" }
        return tickets.count == 0 ? "Tickets" : "Tickets \(tickets.count)"
    }

    private func visibleTickets(_ layout: Layout) -> [TicketRow] {
        (0..<layout.tickets.rows).compactMap { row in
            guard case .ticket(let id) = model.tickets.line(at: model.ticketTop + row, headings: layout.hasHeadings)
            else { return nil }
            return model.tickets[id]
        }
    }

    private mutating func drawNoTickets(_ panel: Rectangle) {
        guard model.connection == .live else {
            put("connecting to the daemon", x: panel.x + 2, y: panel.y + 1, style: .dim)
            return
        }
        guard model.tickets.filter == nil else { return drawNoMatches(panel) }
        var y = panel.y + min(1, panel.rows - 1)
        for (text, style) in firstSteps where y < panel.y + panel.rows {
            put(text, x: panel.x + 2, y: y, columns: panel.columns - 3, style: style)
            y += 1
        }
    }

    /// What to do next, for somebody who sees an empty backlog; the most important first.
    private var firstSteps: [(String, Style)] {
        guard !model.repositories.isEmpty else {
            return [
                ("no repository is registered yet", .plain), ("cd REPOSITORY && orch init", .key),
                ("adds one; then there can be tickets in it", .dim),
            ]
        }
        var steps: [(String, Style)] = [("no tickets yet", .plain)]
        let key = model.preferences.keys.name(of: .newTicket, in: .lists)
        if !key.isEmpty { steps.append(("press \(key) to write the first one", .key)) }
        return steps + [
            ("orch new \"TITLE\" adds one", .dim), ("orch enqueue FILE adds many", .dim), ("", .plain),
            ("An agent works on each in a worktree of its own;", .dim),
            ("what passes its checks waits here for you.", .dim),
        ]
    }

    private mutating func drawNoMatches(_ panel: Rectangle) {
        let columns = panel.columns - 3
        let why = model.tickets.filter?.problem ?? "no ticket matches"
        var y = panel.y + (panel.rows > 3 ? 1 : 0)
        for row in Text(why).flowed(to: columns).prefix(max(1, panel.rows - 2)) {
            screen.put(Text(row), x: panel.x + 2, y: y, columns: columns, style: .plain, glyphs: glyphs)
            y += 1
        }
        guard y < panel.y + panel.rows else { return }
        let key = model.preferences.keys.name(of: .back, in: model.keyContext)
        put("\(key) lists all \(model.tickets.total)", x: panel.x + 2, y: y, columns: columns, style: .dim)
    }

    private mutating func draw(_ ticket: TicketRow, _ columns: TicketColumns, x: Int, y: Int) {
        let look = StateLook(ticket, glyphs: glyphs)
        put(look.glyph, x: x + 1, y: y, style: look.style)
        if columns.word > 0 { put(look.word, x: x + 3, y: y, columns: columns.word, style: look.style) }
        let isStale = ticket.stale_since != nil
        put(ticket.id, x: x + columns.idStart, y: y, columns: columns.id, style: isStale ? .failed : .plain)
        let isFinished = TicketGroup(state: ticket.state) == .done
        // Where there is no room for the state's word, one that something is wrong is said all the same.
        put(
            isStale && columns.word == 0 ? "stale: \(ticket.title)" : ticket.title,
            x: x + columns.titleStart,
            y: y,
            columns: columns.title,
            style: isStale ? .failed : isFinished ? .dim : .plain
        )
        let agent = columns.agent > 0 ? ticket.agent ?? model.holder(for: ticket).map { "after \($0)" } : nil
        if let agent { put(agent, x: x + columns.agentStart, y: y, columns: columns.agent, style: .dim) }
        let isFree = agent == nil && columns.agent > 0
        let end = isFree ? columns.agentStart + columns.agent : columns.titleStart + columns.title
        drawReason(of: ticket, from: columns.titleStart, to: end, x: x, y: y)
        if columns.cost > 0, let usage = ticket.usage {
            let cost = Text(UsageText.cost(usage))
            let start = columns.costStart + max(0, columns.cost - cost.width)
            screen.put(cost, x: x + start, y: y, columns: columns.cost, style: .dim, glyphs: glyphs)
        }
        if columns.comments > 0, let count = ticket.comments {
            put("\(glyphs.comment.text)\(min(count, 99))", x: x + columns.commentsStart, y: y, style: .waiting)
        }
        if columns.priority > 0, ticket.priority != 0 {
            let priority = Text("p\(ticket.priority)")
            let start = columns.priorityStart + max(0, columns.priority - priority.width)
            screen.put(priority, x: x + start, y: y, columns: columns.priority, style: .dim, glyphs: glyphs)
        }
        let age = age(since: ticket.stale_since ?? ticket.waitsSince)
        put(age, x: x + columns.end - age.utf8.count, y: y, style: isStale ? .failed : .dim)
    }
}

extension Canvas {
    /// Behind the title, where there is room: why it is not under way.
    private mutating func drawReason(of ticket: TicketRow, from title: Int, to end: Int, x: Int, y: Int) {
        switch TicketGroup(ticket) {
        case .needsYou, .queued, .stopped: break
        // The others are in the landing panel.
        case .landing where ticket.blocked == true: break
        case .landing: return
        case .working, .done: return
        }
        let start = title + Text(ticket.title).width + 2
        guard end - start >= 12, let reason = model.reason(of: ticket) else { return }
        if let change = reason.nextChange { screen.nextChange = min(screen.nextChange ?? change, change) }
        put(reason.text, x: x + start, y: y, columns: end - start, style: .dim)
    }
}

/// Where the columns of a ticket's row begin, in a panel of a width. The title takes what the others leave.
struct TicketColumns {
    var word: Int
    var idStart: Int
    var id: Int
    var titleStart: Int
    var title: Int
    var agentStart: Int
    var agent = 0
    var commentsStart: Int
    /// For a glyph and how many there are.
    var comments = 0
    var priorityStart: Int
    var priority = 0
    var costStart: Int
    /// In US dollars.
    var cost = 0
    /// One after the last column.
    var end: Int

    init(width: Int, model: Model, visible: [TicketRow]) {
        word = width >= 48 || model.glyphs.isPlain ? 9 : 0
        idStart = word > 0 ? 4 + word : 3
        id = min(max(visible.map { Text($0.id).width }.max() ?? 0, 3), width >= 60 ? 16 : 8)
        titleStart = idStart + id + 1
        end = width - 1
        var free = end - 4
        if width >= 44, visible.contains(where: { $0.priority != 0 }) {
            priority = min(visible.map { $0.priority == 0 ? 0 : "p\($0.priority)".utf8.count }.max() ?? 0, 6)
            free -= priority + 1
        }
        priorityStart = free + 1
        if width >= 68, visible.contains(where: { $0.usage != nil }) {
            cost = min(visible.compactMap(\.usage).map { UsageText.cost($0).utf8.count }.max() ?? 0, 8)
            free -= cost + 1
        }
        costStart = free + 1
        if width >= 44, let most = visible.compactMap(\.comments).max() {
            comments = "\(min(most, 99))".utf8.count + 1
            free -= comments + 1
        }
        commentsStart = free + 1
        if width >= 64 {
            let agents = visible.compactMap { row in
                row.agent.map { Text($0).width } ?? model.holder(for: row).map { Text($0).width + 6 }
            }
            agent = min(agents.max() ?? 0, 14)
            if agent > 0 { free -= agent + 1 }
        }
        agentStart = free + 1
        title = max(0, free - titleStart)
    }
}
