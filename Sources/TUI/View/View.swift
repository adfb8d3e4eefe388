import IPC

/// The picture of a model. Equal models look the same.
func view(_ model: Model) -> Screen {
    var canvas = Canvas(model: model)
    guard let layout = model.layout else {
        canvas.drawTooSmall()
        return canvas.screen
    }
    if case .help(let top) = model.overlay {
        canvas.drawHelp(layout, top: top)
    } else if model.detail.reading.fillsScreen {
        canvas.drawPage(layout)
    } else {
        canvas.drawTickets(layout)
        canvas.drawAgents(layout)
        canvas.drawLanding(layout)
        canvas.drawDivider(layout)
        canvas.drawDetail(layout)
    }
    // What an error says is whole above a form. A question names its keys itself, and a line that is typed has their place.
    let hasForm = if case .form = model.overlay { true } else { false }
    if !hasForm { canvas.drawKeys(layout) }
    canvas.drawOverlay(model.overlay, layout)
    if hasForm { canvas.drawKeys(layout) }
    canvas.drawCounts(layout)
    return canvas.screen
}

extension Canvas {
    fileprivate mutating func drawOverlay(_ overlay: Overlay, _ layout: Layout) {
        switch overlay {
        case .quitQuestion: drawQuitQuestion()
        case .haltQuestion: drawHaltQuestion()
        case .halting(let unanswered): drawHalting(unanswered.count)
        case .cancelQuestion(let ticket): drawCancelQuestion(ticket)
        case .prompt(let prompt): drawPrompt(prompt, layout)
        case .noDaemon(let start): drawNoDaemon(start)
        case .form(let form): drawForm(form, layout)
        case .leaveQuestion(let typing):
            drawOverlay(typing, layout)
            drawLeaveQuestion()
        case .none, .help: break
        }
    }
}

/// A screen while it is being drawn.
struct Canvas {
    var screen: Screen
    let model: Model
    var glyphs: Glyphs { model.glyphs }

    init(model: Model) {
        self.model = model
        screen = Screen(size: model.size)
    }

    @discardableResult
    mutating func put(_ string: String, x: Int, y: Int, columns: Int = .max, style: Style = .plain) -> Int {
        screen.put(Text(string), x: x, y: y, columns: columns, style: style, glyphs: glyphs)
    }

    mutating func put(_ glyph: Cluster, x: Int, y: Int, style: Style) {
        screen.put([glyph][...], x: x, y: y, style: style)
    }

    /// A sentence of the dashboard's own, which may hold a few drawn characters.
    @discardableResult
    mutating func say(_ string: String, x: Int, y: Int, columns: Int = .max, style: Style = .plain) -> Int {
        put(glyphs.plain(string), x: x, y: y, columns: columns, style: style)
    }

    /// A rule across, with a title in it and something smaller at its right end.
    mutating func rule(_ title: String, end: String = "", x: Int, y: Int, columns: Int, style: Style = .heading) {
        screen.fill(glyphs.horizontal, x: x, y: y, columns: columns, style: .rule)
        let endWidth = end.isEmpty ? 0 : Text(end).width + 2
        if endWidth > 0, endWidth + 8 < columns {
            put(" \(end) ", x: x + columns - endWidth - 1, y: y, style: .dim)
        }
        put(" \(title) ", x: x + 1, y: y, columns: max(0, columns - endWidth - 2), style: style)
    }

    /// How long ago, and a note of when that will read differently.
    mutating func age(since: String) -> String {
        guard let start = Moment(since) else { return "" }
        let age = Age(from: start, to: model.now)
        screen.nextChange = min(screen.nextChange ?? age.nextChange, age.nextChange)
        return age.text
    }

    /// A list's place: `12/340` when not all of it is shown.
    func place(_ index: Int?, of count: Int, fits: Bool) -> String {
        guard !fits, let index else { return "" }
        return "\(index + 1)/\(count)"
    }

    /// Between the tickets and what stands beside them.
    mutating func drawDivider(_ layout: Layout) {
        guard !layout.isStacked else { return }
        let x = layout.agents.x - 1
        for y in 1..<1 + layout.tickets.rows { put(glyphs.vertical, x: x, y: y, style: .rule) }
        put(glyphs.teeDown, x: x, y: 0, style: .rule)
        if layout.landing.rows > 0 { put(glyphs.teeRight, x: x, y: layout.landing.y - 1, style: .rule) }
    }

    mutating func drawTooSmall() {
        let smallest = Layout.smallest
        let y = max(0, (model.size.rows - 2) / 2)
        put("terminal too small", x: 0, y: y, columns: model.size.columns, style: .waiting)
        put(
            "it is \(model.size.columns)x\(model.size.rows), and \(smallest.columns)x\(smallest.rows) is needed",
            x: 0,
            y: y + 1,
            columns: model.size.columns
        )
    }
}
