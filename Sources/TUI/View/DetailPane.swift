import IPC

extension Canvas {
    /// The tab below the lists.
    mutating func drawDetail(_ layout: Layout) {
        if layout.hasDetailRule { drawDetailRule(layout) }
        guard let page = model.detail.page else {
            guard model.focus == .agents, let agent = model.agentInHand else { return }
            let area = layout.detail
            put("\(agent.id) is \(agent.state)", x: area.x, y: area.y, columns: area.columns, style: .dim)
            return
        }
        page.draw(on: &self, in: layout.detail)
        if let search = model.detail.search { screen.mark(search, in: layout.detail) }
    }

    /// The tab that fills the screen.
    mutating func drawPage(_ layout: Layout) {
        screen.fill(glyphs.horizontal, x: 0, y: 0, columns: model.size.columns, style: .rule)
        guard let page = model.detail.page else { return }
        drawTabs(y: 0, isFocused: true, title: model.tickets[page.ticket]?.title)
        page.draw(on: &self, in: layout.page)
        if let search = model.detail.search { screen.mark(search, in: layout.page) }
    }

    private mutating func drawDetailRule(_ layout: Layout) {
        let y = layout.detail.y - 1
        screen.fill(glyphs.horizontal, x: 0, y: y, columns: model.size.columns, style: .rule)
        if !layout.isStacked { put(glyphs.teeUp, x: layout.agents.x - 1, y: y, style: .rule) }
        if layout.hasTabs, model.detail.page != nil {
            drawTabs(y: y, isFocused: model.detail.reading != .lists, title: nil)
        } else if let title = model.ticketInHand?.id ?? (model.focus == .agents ? model.agentInHand?.id : nil) {
            put(" \(title) ", x: 1, y: y, columns: layout.detail.columns, style: .title)
        }
    }

    /// In a rule: the ticket, its tabs with the one that is shown, where one is in it, and the ticket's title where there is room.
    private mutating func drawTabs(y: Int, isFocused: Bool, title: String?) {
        guard let page = model.detail.page else { return }
        let columns = model.size.columns
        var x = 1
        x += put(" \(page.ticket) ", x: x, y: y, columns: 18, style: isFocused ? .title : .heading) + 1
        let status = page.status
        let statusWidth = status.isEmpty ? 0 : min(Text(status).width, columns / 2) + 2
        for (tab, name) in tabNames(room: columns - x - statusWidth - 1) {
            let isShown = tab == model.detail.shown
            screen.target(.show(tab), x: x, y: y, columns: name.utf8.count + 2)
            x += put(" \(name) ", x: x, y: y, style: isShown ? (isFocused ? .tab.selected : .tab) : .dim) + 1
        }
        if let title, columns - statusWidth - x > 12 {
            put(" \(title) ", x: x, y: y, columns: columns - statusWidth - x - 2)
        }
        guard statusWidth > 0, x + statusWidth < columns else { return }
        say(" \(status) ", x: columns - statusWidth - 1, y: y, columns: statusWidth, style: .dim)
    }

    /// All tabs by name; where there is no room for that, those that are not shown by their key; else the one that is shown alone.
    private func tabNames(room: Int) -> [(tab: Tab, name: String)] {
        let shown = model.detail.shown
        let names = Tab.allCases.map { (tab: $0, name: $0.title) }
        let keys = Tab.allCases.map { tab in
            (tab: tab, name: tab == shown ? tab.title : model.preferences.keys.name(of: .show(tab), in: .page))
        }
        let few = keys.filter { $0.tab == shown }
        return [names, keys].first { $0.reduce(0) { $0 + $1.name.utf8.count + 3 } <= room } ?? few
    }

    /// What is to be known about a ticket, the most important first: as many lines as there is room for.
    mutating func drawOverview(_ id: String, in area: Rectangle) {
        guard let ticket = model.tickets[id] else { return }
        var y = area.y
        let last = area.y + area.rows
        let reason = model.reason(of: ticket)
        if let change = reason?.nextChange { screen.nextChange = min(screen.nextChange ?? change, change) }
        let why = reason?.text
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
        var x = area.x + 2
        x += put(look.words(of: ticket), x: x, y: y, columns: area.columns - 2, style: look.style)
        var rest = ""
        if let why {
            rest = ": \(why)"
        } else {
            let age = age(since: ticket.stale_since ?? ticket.waitsSince)
            if !age.isEmpty { rest += " for \(age)" }
            if let stage = ticket.stage { rest += " · stage \(stage)" }
            if let agent = ticket.agent { rest += " · \(agent)" }
            rest += " · profile \(ticket.profile)"
            if ticket.priority != 0 { rest += " · priority \(ticket.priority)" }
            if ticket.attempts > 1 { rest += " · attempt \(ticket.attempts)" }
            if let usage = ticket.usage { rest += " · \(UsageText.sentence(usage))" }
        }
        say(rest, x: x, y: y, columns: area.columns - (x - area.x))
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
