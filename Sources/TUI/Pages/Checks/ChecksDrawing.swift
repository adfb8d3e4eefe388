import IPC

extension Canvas {
    /// The list of verifiers' runs, from a line on.
    mutating func draw(_ lines: [ChecksPage.Line], from top: Int, selected: String?, in area: Rectangle) {
        let names = lines.map { if case .run(let run, _) = $0 { Text(run.name).width } else { 0 } }
        let nameWidth = min(max(names.max() ?? 0, 4), max(6, area.columns / 4))
        for (row, line) in lines.dropFirst(top).prefix(area.rows).enumerated() {
            let y = area.y + row
            switch line {
            case .blank: break
            case .heading(let trial, let isNewest): drawHeading(trial, isNewest: isNewest, area, y: y)
            case .run(let run, let isNewest):
                draw(run, isNewest: isNewest, nameWidth: nameWidth, area, y: y)
                guard run.id == selected, model.detail.reading != .lists else { continue }
                screen.select(x: area.x, y: y, columns: area.columns)
            }
        }
    }

    private mutating func drawHeading(_ trial: Trial, isNewest: Bool, _ area: Rectangle, y: Int) {
        var words = isNewest ? "newest trial" : "earlier"
        if trial.isReused { words = "passed before, reused" }
        if let commit = trial.commit { words += " · commit \(commit.prefix(10))" }
        if let tree = trial.tree { words += " · tree \(tree.prefix(10))" }
        let last = trial.runs.last
        let ago = (last?.ended ?? last?.started).map { age(since: $0) } ?? ""
        if !ago.isEmpty { words += " · \(ago) ago" }
        say(words, x: area.x, y: y, columns: area.columns, style: isNewest ? .heading : .dim)
    }

    private mutating func draw(_ run: RunRow, isNewest: Bool, nameWidth: Int, _ area: Rectangle, y: Int) {
        let look = StateLook(run: run, glyphs: glyphs)
        let style = isNewest ? look.style : .dim
        put(look.glyph, x: area.x, y: y, style: style)
        put(look.word, x: area.x + 2, y: y, columns: 9, style: style)
        put(run.name, x: area.x + 12, y: y, columns: nameWidth, style: isNewest ? .plain : .dim)
        let time = duration(of: run)
        let x = area.x + 13 + nameWidth + 8
        put(time, x: x - time.utf8.count - 1, y: y, style: .dim)
        var words = run.outcome ?? ""
        if run.reused == true {
            let commit = run.commit.map { "\($0.prefix(10)) of " } ?? ""
            words += (words.isEmpty ? "" : ", ") + "reused from \(commit)\(run.ticket)"
        }
        put(words, x: x, y: y, columns: max(0, area.x + area.columns - x), style: .dim)
    }

    /// How long it took, or how long it has been at work by now.
    private mutating func duration(of run: RunRow) -> String {
        guard let started = run.started else { return "" }
        guard let ended = run.ended.flatMap({ Moment($0) }) else { return run.hasEnded ? "" : age(since: started) }
        guard let begun = Moment(started) else { return "" }
        return durationWord(milliseconds: ended.milliseconds - begun.milliseconds)
    }
}

/// `0.4s`, `12s`, `3m 12s`, `2h 5m`.
func durationWord(milliseconds: Int64) -> String {
    let tenths = max(0, milliseconds) / 100
    let seconds = tenths / 10
    switch seconds {
    case ..<10: return "\(seconds).\(tenths % 10)s"
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m \(seconds % 60)s"
    default: return "\(seconds / 3600)h \(seconds / 60 % 60)m"
    }
}

extension StateLook {
    init(run: RunRow, glyphs: Glyphs) {
        word = run.state.split(separator: "_").joined(separator: " ")
        (glyph, style) =
            switch run.state {
            case "passed": (glyphs.done, .done)
            case "failed", "timed_out", "lost": (glyphs.failed, .failed)
            case "requested", "starting", "running": (glyphs.working, .working)
            case "stopped", "stopping": (glyphs.stopped, .stopped)
            default: (glyphs.unknown, .plain)
            }
        if !run.hasEnded, run.state != "stopping" { word = "running" }
    }
}
