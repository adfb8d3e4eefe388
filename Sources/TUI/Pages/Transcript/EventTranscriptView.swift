import IPC

extension EventTranscript {
    func draw(on canvas: inout Canvas, in area: Rectangle) {
        if let failure {
            let sentence = "the transcript cannot be read: \(failure)"
            canvas.put(sentence, x: area.x, y: area.y, columns: area.columns, style: .failed)
            return
        }
        guard !items.isEmpty else {
            canvas.put(isReading ? "reading" : "nothing said yet", x: area.x, y: area.y, style: .dim)
            return
        }
        var place = top
        for y in area.y..<area.y + area.rows {
            guard place.line < items.count else { return }
            draw(place, on: &canvas, in: area, y: y)
            if place == here, canvas.model.detail.reading != .lists {
                canvas.screen.select(x: area.x, y: y, columns: area.columns)
            }
            place = moved(place, by: 1, columns: area.columns)
        }
    }

    private func draw(_ place: Place, on canvas: inout Canvas, in area: Rectangle, y: Int) {
        let item = items[place.line]
        guard place.row < item.rows.count else { return }
        switch item.rows[place.row] {
        case .blank: break
        case .text(let x, let text, let style): canvas.screen.put(text, x: area.x + x, y: y, style: style)
        case .more(let count):
            canvas.say("… \(counted(count, "more row"))", x: area.x + 2, y: y, columns: area.columns - 2, style: .dim)
        case .marked(let text):
            if canvas.glyphs.isPlain {
                let x = canvas.put("said to it: ", x: area.x, y: y, columns: area.columns, style: .key)
                canvas.screen.put(Text(text), x: area.x + x, y: y, columns: area.columns - x, style: .title)
                return
            }
            canvas.put(canvas.glyphs.mark, x: area.x, y: y, style: .key)
            canvas.screen.put(text, x: area.x + 2, y: y, style: .title)
        case .tool:
            guard case .tool(let use) = item.content else { return }
            draw(use, since: item.time, on: &canvas, in: area, y: y)
        }
    }

    /// `✗ Bash  make test            failed  12s`.
    private func draw(
        _ use: TranscriptItem.ToolUse,
        since: String,
        on canvas: inout Canvas,
        in area: Rectangle,
        y: Int
    ) {
        let look = look(of: use, canvas.glyphs)
        let length = length(of: use, since: since, on: &canvas)
        let end = area.x + area.columns
        var x = area.x + (use.isNested ? 2 : 0)
        canvas.put(look.glyph, x: x, y: y, style: look.style)
        x += 2
        let tail = end - max(6, length.utf8.count)
        canvas.put(length, x: end - length.utf8.count, y: y, style: .dim)
        let word = canvas.glyphs.isPlain || use.ending?.outcome != "succeeded" ? look.word : ""
        let wordStart = tail - (word.isEmpty ? 0 : word.utf8.count + 1)
        if !word.isEmpty { canvas.put(word, x: wordStart, y: y, columns: tail - wordStart, style: look.style) }
        let isTrouble = use.ending.map { $0.outcome != "succeeded" } ?? false
        let room = wordStart - 1
        x += canvas.put(use.tool, x: x, y: y, columns: max(0, room - x), style: isTrouble ? .failed : .tool) + 2
        guard room - x > 3 else { return }
        canvas.put(use.title, x: x, y: y, columns: room - x, style: isTrouble ? .failed : .plain)
    }

    private func look(of use: TranscriptItem.ToolUse, _ glyphs: Glyphs) -> (glyph: Cluster, word: String, style: Style)
    {
        switch use.ending?.outcome {
        case "succeeded": (glyphs.done, "done", .done)
        case "failed": (glyphs.failed, "failed", .failed)
        case "denied": (glyphs.failed, "denied", .failed)
        // Of a later version.
        case let outcome?: (glyphs.unknown, outcome, .plain)
        case nil where hasEnded: (glyphs.stopped, "cut off", .stopped)
        case nil: (glyphs.working, "runs", .working)
        }
    }

    private func length(of use: TranscriptItem.ToolUse, since: String, on canvas: inout Canvas) -> String {
        guard let ending = use.ending else { return hasEnded ? "" : canvas.age(since: since) }
        guard let begun = Moment(since), let ended = Moment(ending.time) else { return "" }
        return durationWord(milliseconds: ended.milliseconds - begun.milliseconds)
    }
}
