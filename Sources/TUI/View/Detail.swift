import IPC

extension Canvas {
    /// What is to be known about the ticket in hand, the most important first: as many lines as there is room for.
    mutating func drawDetail(_ layout: Layout) {
        let area = layout.detail
        let ticket = model.ticketInHand
        if layout.hasDetailRule {
            let title = ticket?.id ?? (model.focus == .agents ? model.agentInHand?.id ?? "" : "")
            screen.fill(glyphs.horizontal, x: 0, y: area.y - 1, columns: model.size.columns, style: .rule)
            if !layout.isStacked { put(glyphs.teeUp, x: layout.agents.x - 1, y: area.y - 1, style: .rule) }
            if !title.isEmpty { put(" \(title) ", x: 1, y: area.y - 1, columns: area.columns, style: .title) }
        }
        guard let ticket else {
            if model.focus == .agents, let agent = model.agentInHand {
                put("\(agent.id) is \(agent.state)", x: area.x, y: area.y, columns: area.columns, style: .dim)
            }
            return
        }
        var y = area.y
        let last = area.y + area.rows
        let why = silence(of: ticket) ?? haltReason(of: ticket) ?? waitReason(of: ticket) ?? ticket.reason
        if area.rows == 1 {
            drawStateLine(ticket, why: why, area: area, y: y)
            return
        }
        put(ticket.title, x: area.x, y: y, columns: area.columns, style: .title)
        y += 1
        drawStateLine(ticket, why: area.rows == 2 ? why : nil, area: area, y: y)
        y += 1
        if let why, y < last {
            let hasMore = !ticket.locks.isEmpty || !ticket.depends_on.isEmpty || ticket.branch != nil
            let text = Text(why)
            let rows = text.flowed(to: area.columns)
            let room = max(1, last - y - (hasMore && area.rows > 3 ? 1 : 0))
            for (index, row) in rows.prefix(room).enumerated() {
                // The last row there is room for takes all the rest, and is cut.
                let isCut = index == room - 1 && rows.count > room
                let shown = isCut ? text.clusters[row.startIndex...] : row
                screen.put(Text(shown), x: area.x, y: y, columns: area.columns, style: .plain, glyphs: glyphs)
                y += 1
            }
        }
        for fact in facts(of: ticket) where y < last {
            put(fact, x: area.x, y: y, columns: area.columns, style: .dim)
            y += 1
        }
    }

    private mutating func drawStateLine(_ ticket: TicketRow, why: String?, area: Rectangle, y: Int) {
        let look = StateLook(ticket, glyphs: glyphs)
        put(look.glyph, x: area.x, y: y, style: look.style)
        var state = ticket.state.split(separator: "_").joined(separator: " ")
        if ticket.stale_since != nil { state = "stale" }
        var x = area.x + 2
        x += put(state, x: x, y: y, columns: area.columns - 2, style: look.style)
        var rest = ""
        if let why {
            rest = ": \(why)"
        } else {
            let age = age(since: ticket.stale_since ?? ticket.since)
            if !age.isEmpty { rest += " for \(age)" }
            if let stage = ticket.stage { rest += " · stage \(stage)" }
            if let agent = ticket.agent { rest += " · \(agent)" }
            rest += " · profile \(ticket.profile)"
            if ticket.priority != 0 { rest += " · priority \(ticket.priority)" }
            if ticket.attempts > 1 { rest += " · attempt \(ticket.attempts)" }
        }
        say(rest, x: x, y: y, columns: area.columns - (x - area.x))
    }

    /// How long its agent has been silent, and what is done about it: read anew every second.
    private mutating func silence(of ticket: TicketRow) -> String? {
        guard let since = ticket.stale_since.flatMap({ Moment($0) })?.milliseconds else { return nil }
        let until = ticket.stale_until.flatMap { Moment($0) }?.milliseconds
        let now = model.now.milliseconds
        for moment in [since, until].compactMap(\.self) {
            let passed = (now - moment) % 1000
            let next = Moment(milliseconds: now - passed + (passed < 0 ? 0 : 1000))
            screen.nextChange = min(screen.nextChange ?? next, next)
        }
        return Silence.sentence(
            evidence: ticket.stale_evidence,
            seconds: Int(max(0, now - since) / 1000),
            // Rounded up: it is not over before it is over.
            left: until.map { Int(($0 - now + 999) / 1000) }
        )
    }

    private func waitReason(of ticket: TicketRow) -> String? {
        ticket.state == "queued" ? model.waiting[ticket.id] : nil
    }

    /// A row in the landing queue does not change when everything is halted, and nothing lands.
    private func haltReason(of ticket: TicketRow) -> String? {
        guard ticket.state == "landing", let reason = model.halted else { return nil }
        return "everything is halted\(reason.isEmpty ? "" : " (\(reason))"); it goes on when you resume"
    }

    private func facts(of ticket: TicketRow) -> [String] {
        var facts: [String] = []
        var scope: [String] = []
        if !ticket.locks.isEmpty { scope.append("locks " + ticket.locks.joined(separator: ", ")) }
        if !ticket.depends_on.isEmpty { scope.append("depends on " + ticket.depends_on.joined(separator: ", ")) }
        if !scope.isEmpty { facts.append(scope.joined(separator: glyphs.plain(" · "))) }
        var work: [String] = []
        if let branch = ticket.branch { work.append("branch \(branch)") }
        if let commit = ticket.commit { work.append("commit \(commit.prefix(12))") }
        if !work.isEmpty { facts.append(work.joined(separator: glyphs.plain(" · "))) }
        return facts
    }
}
