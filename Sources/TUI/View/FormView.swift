/// Where the entries of a form stand: labels on the left, and what is written beside them.
struct FormLayout {
    /// With its edges, where it has some.
    var box: Rectangle
    var hasFrame: Bool
    var lines: [Line] = []

    struct Line {
        /// Which entry.
        var entry: Int
        var label: (x: Int, y: Int)
        var area: Rectangle
    }

    private static let labelColumns = 13

    init(_ form: TicketForm, _ layout: Layout) {
        // A low screen has no row to spare for edges.
        hasFrame = layout.keysRow >= 16
        let screen = layout.page.columns + 2
        if hasFrame {
            let (columns, rows) = (min(screen, 100), min(layout.keysRow, 30))
            box = Rectangle(x: (screen - columns) / 2, y: (layout.keysRow - rows) / 2, columns: columns, rows: rows)
        } else {
            box = Rectangle(x: 0, y: 0, columns: screen, rows: layout.keysRow)
        }
        let inside = hasFrame ? box.inside : layout.page
        let shown = form.shown
        // What is long takes what the others leave.
        let free = inside.rows - shown.count
        let locksRows = free >= 8 ? 2 : 1
        let gap = free >= 14 ? 1 : 0
        let textRows = free + 1 - (locksRows - 1) - gap * (shown.count - 1)
        let columns = inside.columns - Self.labelColumns
        if free < 3, form.current.name == .description {
            // Its text alone, below its label.
            let area = Rectangle(x: inside.x, y: inside.y + 1, columns: inside.columns, rows: inside.rows - 1)
            lines = [Line(entry: shown[form.place], label: (inside.x, inside.y), area: area)]
            return
        }
        var y = inside.y
        for entry in shown {
            let rows =
                switch form.entries[entry].name {
                case .description: max(1, textRows)
                case .locks: locksRows
                case .title, .priority, .dependsOn, .agent, .repository: 1
                }
            let area = Rectangle(x: inside.x + Self.labelColumns, y: y, columns: columns, rows: rows)
            lines.append(Line(entry: entry, label: (inside.x, y), area: area))
            y += rows + gap
        }
    }

    /// The columns of what is written.
    var columns: Int { lines.first?.area.columns ?? 1 }
}

extension Canvas {
    mutating func drawForm(_ form: TicketForm, _ layout: Layout) {
        let place = FormLayout(form, layout)
        if place.hasFrame {
            frame(place.box, title: form.title)
        } else {
            for y in 0..<place.box.rows { screen.fill(x: 0, y: y, columns: place.box.columns, style: .plain) }
            rule(form.title, x: 0, y: 0, columns: place.box.columns, style: .title)
        }
        if case .reading = form.phase {
            put("reading", x: place.lines[0].label.x, y: place.lines[0].label.y, style: .dim)
            return
        }
        let current = form.shown[form.place]
        for line in place.lines { draw(form.entries[line.entry], line, isCurrent: line.entry == current) }
    }

    private mutating func draw(_ entry: TicketForm.Entry, _ line: FormLayout.Line, isCurrent: Bool) {
        put(entry.name.label, x: line.label.x, y: line.label.y, style: isCurrent ? .title : .dim)
        let area = line.area
        switch entry.value {
        case .text(let field):
            if area.rows > 1 || field.hasLines {
                drawLines(field, in: area, hasCursor: isCurrent)
            } else {
                drawLine(field, x: area.x, y: area.y, columns: area.columns, hasCursor: isCurrent)
            }
            guard field.isEmpty else { return }
            let cursor = isCurrent ? 2 : 0
            say(entry.name.placeholder, x: area.x + cursor, y: area.y, columns: area.columns - cursor, style: .dim)
        case .choice(let choices, let chosen):
            let label = choices[chosen].label
            guard isCurrent else {
                put(label, x: area.x, y: area.y, columns: area.columns)
                return
            }
            put("<", x: area.x, y: area.y, style: .key)
            let used = put(label, x: area.x + 2, y: area.y, columns: area.columns - 4, style: .plain)
            screen.select(x: area.x + 1, y: area.y, columns: used + 2)
            put(">", x: area.x + used + 3, y: area.y, style: .key)
        }
    }
}

extension TicketForm {
    fileprivate var title: String {
        switch subject {
        case .new: "New ticket"
        case .ticket(let id): "Edit \(id)"
        }
    }
}

extension TicketForm.Name {
    fileprivate var label: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

    /// What may stand in it, where nothing does yet.
    fileprivate var placeholder: String {
        switch self {
        case .title: "what is to be done, in a line"
        case .description: "all that its agent is told"
        case .priority: "0; higher first"
        case .locks: "src/avatar/**, docs/avatar.md: what nobody else may change meanwhile"
        case .dependsOn: "T-1, T-2: what has to land first"
        case .agent, .repository: ""
        }
    }
}
