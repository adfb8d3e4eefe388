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
        let activity = isStale ? nil : model.activity(on: agent.ticket)
        if panel.columns >= 36, let length = activity.map({ self.age(since: $0.since) }) ?? quiet(agent) {
            free -= 5
            put(length, x: free + 5 - length.count, y: y, style: isStale ? .failed : .dim)
        }
        if panel.columns >= 48, let usage = agent.ticket.flatMap({ model.tickets[$0]?.usage }) {
            let spent =
                panel.columns >= 64
                ? "\(UsageText.tokens(usage.tokens)) \(UsageText.cost(usage))" : UsageText.cost(usage)
            free -= spent.utf8.count + 1
            put(spent, x: free + 1, y: y, style: .dim)
        }
        // Where there is little room, the glyph alone says that it works: on what is worth more.
        let hasWord = activity == nil ? panel.columns >= 44 : panel.columns >= 60
        if agent.ticket == nil || isStale || hasWord || glyphs.isPlain {
            x += 1 + put(look.word, x: x, y: y, columns: min(8, max(0, free - x)), style: look.style)
        }
        guard let ticket = agent.ticket else { return }
        x += 1 + put(ticket, x: x, y: y, columns: max(0, free - x), style: isStale ? .failed : .plain)
        if panel.columns >= (activity == nil ? 52 : 72), let profile = agent.profile {
            x += 1 + put(profile, x: x, y: y, columns: min(10, max(0, free - x)), style: .dim)
        }
        if let activity { return draw(activity, x: x, y: y, columns: free - x) }
        guard let title = model.tickets[ticket]?.title, free - x > 4 else { return }
        put(title, x: x, y: y, columns: free - x, style: .dim)
    }

    /// What it does now, as it says itself: worth more than its ticket's title.
    private mutating func draw(_ activity: ActivityRow, x: Int, y: Int, columns: Int) {
        guard columns > 4 else { return }
        let words = activity.sentence(clock: model.localTime.minute)
        guard activity.state == "tool", let tool = activity.tool else {
            put(words, x: x, y: y, columns: columns, style: activity.isHeldUp ? .waiting : .dim)
            return
        }
        let used = put(tool, x: x, y: y, columns: columns, style: .tool)
        guard let title = activity.title, columns - used > 4 else { return }
        put(title, x: x + used + 1, y: y, columns: columns - used - 1)
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
