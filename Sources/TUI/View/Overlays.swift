import IPC

extension Model {
    /// Where a key's explanation begins.
    static let helpColumn = 10

    /// The rows of the help, as wide as the screen: a heading, or a key's name and what it does; empty names go on with the
    /// row above.
    var helpRows: [(name: String, text: Text, isHeading: Bool)] {
        let columns = layout?.page.columns ?? size.columns
        return helpLines.flatMap { line -> [(String, Text, Bool)] in
            let isHeading = line.name.isEmpty
            let pieces = Text(line.text).flowed(to: columns - (isHeading ? 0 : Self.helpColumn))
            return pieces.enumerated().map { ($0.offset == 0 ? line.name : "", Text($0.element), isHeading) }
        }
    }

    /// Every key, by where it counts, from the one table.
    private var helpLines: [(name: String, text: String)] {
        var rows: [(String, String)] = []
        let sections: [(KeyContext, String)] = [
            (.lists, "Everywhere"), (.page, "In a ticket"), (.quitQuestion, "When asked about quitting"),
            (.haltQuestion, "When asked about halting everything"), (.cancelQuestion, "When asked about giving up"),
            (.prompt, "Where a line is typed"), (.textBox, "In a box for several lines"), (.form, "In a ticket's form"),
        ]
        for (context, title) in sections {
            if !rows.isEmpty { rows.append(("", "")) }
            rows.append(("", title))
            for binding in preferences.keys.bindings where binding.contexts.contains(context) {
                if context != .lists, binding.contexts.contains(.lists) { continue }
                rows.append((binding.name, binding.help))
            }
        }
        rows.append(("", ""))
        rows.append((glyphs.printed.text, "before a time: for so long what works on a ticket has printed nothing"))
        rows.append((glyphs.comment.text, "before a number: so often people have said something about a ticket"))
        rows.append(("", ""))
        let readline = "Ctrl-A, E, B, F, D, W, U, K and Y, Alt-B, F and D, and the arrows with Ctrl"
        rows.append(("", "Where text is typed, keys are those of readline: \(readline)."))
        let mouse = "selects with a click, opens with two, scrolls with the wheel; tabs and hints can be clicked"
        rows.append(("", "The mouse \(mouse)."))
        return rows
    }
}

extension Canvas {
    mutating func drawHelp(_ layout: Layout, top: Int) {
        let area = layout.page
        let rows = model.helpRows
        let first = max(0, min(top, rows.count - area.rows))
        rule(
            "Keys",
            end: rows.count > area.rows ? "\(min(first + area.rows, rows.count))/\(rows.count)" : "",
            x: 0,
            y: 0,
            columns: model.size.columns,
            style: .title
        )
        for (row, line) in rows.dropFirst(first).prefix(area.rows).enumerated() {
            let y = area.y + row
            if line.isHeading {
                screen.put(line.text, x: area.x, y: y, columns: area.columns, style: .title, glyphs: glyphs)
            } else {
                let x = area.x + Model.helpColumn
                put(line.name, x: area.x + 1, y: y, style: .key)
                screen.put(line.text, x: x, y: y, columns: area.columns, style: .plain, glyphs: glyphs)
            }
        }
    }

    mutating func drawQuitQuestion() {
        let count = model.runningTickets.count
        drawBox([
            ("", count == 1 ? "1 agent is working" : "\(count) agents are working"),
            ("", ""),
            (key(.leaveWorking), "leave them working and quit"),
            (key(.haltAll), "halt them all and quit"),
            (key(.back), "stay"),
        ])
    }

    mutating func drawHaltQuestion() {
        drawBox([
            ("", "halt everything?"), ("", ""), (key(.haltEverything), "stop agents and landings"),
            (key(.back), "stay"),
        ])
    }

    mutating func drawCancelQuestion(_ id: String) {
        let ticket = model.tickets[id]
        var lines = [("", "cancel \(id)?"), ("", "")]
        if ticket?.state == "running" { lines.append(("", "its agent is stopped")) }
        let hasBegun = ticket?.branch != nil || ticket?.worktree != nil
        lines.append(("", hasBegun ? "a snapshot of its work is kept" : "nothing has been done yet"))
        drawBox(lines + [("", ""), (key(.cancelNow), "cancel it"), (key(.back), "stay")])
    }

    mutating func drawLeaveQuestion() {
        drawBox([
            ("", "lose what is written?"), ("", ""), (key(.lose), "lose it"), (key(.back), "go on writing"),
        ])
    }

    mutating func drawHalting(_ count: Int) {
        drawBox([
            ("", count == 1 ? "halting 1 agent" : "halting \(count) agents"), ("", ""),
            (key(.quitNow), "quit without waiting"),
        ])
    }

    mutating func drawNoDaemon(_ start: DaemonStart) {
        switch start {
        case .starting:
            let ways = [(key(.back), "look meanwhile"), (key(.quitNow), "quit")]
            drawBox([("", "starting a daemon"), ("", "")] + ways)
        case .offered:
            let lines = [("", "no daemon runs"), ("", ""), (key(.startDaemon), "start one")]
            drawBox(lines + [(key(.back), "look at what was"), (key(.quitNow), "quit")])
        case .failed(let reason, let hint):
            let width = min(model.size.columns, 76)
            let room = max(1, model.size.rows - 6)
            let lines = "\(reason)\n\(hint ?? "")".split(separator: "\n").map { $0.drop { $0 == " " } }
            let why = lines.flatMap { Text(String($0)).flowed(to: width - 4) }
            let rows = why.prefix(room).map { ("", String(of: $0)) }
            drawBox(
                [("", "the daemon did not start")] + rows + [
                    (key(.startDaemon), "try again"), (key(.quitNow), "quit"),
                ],
                columns: width
            )
        }
    }

    /// What the key of an action is called where the keys are now.
    private func key(_ action: Action) -> String { model.preferences.keys.name(of: action, in: model.keyContext) }

    /// A box in the middle, over everything.
    private mutating func drawBox(_ lines: [(key: String, text: String)], columns: Int = 36) {
        // A low screen has no row to spare, and its last two are not covered.
        let lines = lines.count + 4 > model.size.rows ? lines.filter { !$0.text.isEmpty } : lines
        // A reader that goes row by row is told nothing of what lies beside it.
        let width = glyphs.isPlain ? model.size.columns : min(model.size.columns, columns)
        let x = (model.size.columns - width) / 2
        let y = max(0, (model.size.rows - lines.count - 2) / 2)
        let inside = width - 2
        let keyColumns = max(4, lines.map { Text($0.key).width }.max() ?? 0)
        frame(Rectangle(x: x, y: y, columns: width, rows: lines.count + 2))
        for (row, line) in lines.enumerated() {
            let lineY = y + 1 + row
            put(line.key, x: x + 2, y: lineY, style: .key)
            if let binding = model.preferences.keys.find(named: line.key, in: model.keyContext) {
                screen.target(binding.action, x: x + 1, y: lineY, columns: inside)
            }
            put(
                line.text,
                x: x + (line.key.isEmpty ? 2 : keyColumns + 3),
                y: lineY,
                columns: inside - (line.key.isEmpty ? 2 : keyColumns + 3),
                style: row == 0 ? .title : .plain
            )
        }
    }
}
