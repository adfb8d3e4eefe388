import IPC

extension Canvas {
    mutating func drawAgents(_ layout: Layout) {
        let panel = layout.agents
        guard panel.rows > 0 else { return }
        let working = model.agents.count { $0.state != "idle" }
        rule(
            model.agents.isEmpty ? "Agents" : "Agents \(working)/\(model.agents.count)",
            end: place(
                model.agents.firstIndex { $0.id == model.selectedAgent },
                of: model.agents.count,
                fits: model.agents.count <= panel.rows
            ),
            x: panel.x,
            y: panel.y - 1,
            columns: panel.columns,
            style: model.focus == .agents && model.detail.reading == .lists ? .title : .heading
        )
        let visible = model.agents.dropFirst(model.agentTop).prefix(panel.rows)
        let idColumns = min(visible.map { Text($0.id).width }.max() ?? 0, 12)
        for (row, agent) in visible.enumerated() {
            draw(agent, idColumns: idColumns, in: panel, y: panel.y + row)
            guard agent.id == model.selectedAgent, model.focus == .agents, model.detail.reading == .lists else {
                continue
            }
            screen.select(x: panel.x, y: panel.y + row, columns: panel.columns)
        }
    }

    private mutating func draw(_ agent: AgentRow, idColumns: Int, in panel: Rectangle, y: Int) {
        let look = StateLook(agent: agent.state, glyphs: glyphs)
        put(look.glyph, x: panel.x + 1, y: y, style: look.style)
        let isStale = agent.stale_since != nil
        let style: Style = isStale ? .failed : agent.state == "idle" ? .dim : .plain
        put(agent.id, x: panel.x + 3, y: y, columns: idColumns, style: style)
        var x = panel.x + 4 + idColumns
        let end = panel.x + panel.columns - 1
        let ageText = agent.state == "idle" ? "" : age(since: agent.stale_since ?? agent.since)
        put(ageText, x: end - ageText.utf8.count, y: y, style: isStale ? .failed : .dim)
        var free = end - 5
        if panel.columns >= 36, let quiet = quiet(agent) {
            free -= 5
            put(quiet, x: free + 5 - quiet.count, y: y, style: isStale ? .failed : .dim)
        }
        // Where there is little room, the glyph alone says that it works: on what is worth more.
        if agent.ticket == nil || isStale || panel.columns >= 44 || glyphs.isPlain {
            x += 1 + put(look.word, x: x, y: y, columns: min(8, max(0, free - x)), style: look.style)
        }
        guard let ticket = agent.ticket else { return }
        x += 1 + put(ticket, x: x, y: y, columns: max(0, free - x), style: isStale ? .failed : .plain)
        if panel.columns >= 52, let profile = agent.profile {
            x += 1 + put(profile, x: x, y: y, columns: min(10, max(0, free - x)), style: .dim)
        }
        guard let title = model.tickets[ticket]?.title, free - x > 4 else { return }
        put(title, x: x, y: y, columns: free - x, style: .dim)
    }

    /// How long ago what is at work on its ticket printed something: `»12s`; nothing while it prints.
    private mutating func quiet(_ agent: AgentRow) -> String? {
        guard agent.state != "idle", let last = agent.ticket.flatMap({ model.lastOutput[$0] }) else { return nil }
        let talks = Moment(milliseconds: last.milliseconds + Self.talkingMilliseconds)
        guard model.now >= talks else {
            screen.nextChange = min(screen.nextChange ?? talks, talks)
            return ""
        }
        let age = Age(from: last, to: model.now)
        screen.nextChange = min(screen.nextChange ?? age.nextChange, age.nextChange)
        return glyphs.printed.text + age.text
    }

    /// Who has printed in this time is not silent, so that an agent that prints changes nothing on the screen.
    private static var talkingMilliseconds: Int64 { 10_000 }
}
