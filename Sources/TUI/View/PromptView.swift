extension Canvas {
    mutating func drawPrompt(_ prompt: Prompt, _ layout: Layout) {
        guard prompt.purpose.hasLines else { return drawPromptLine(prompt, y: layout.keysRow) }
        let area = layout.textBox
        frame(area, title: prompt.purpose.title)
        var field = area.inside
        if let question = prompt.purpose.question {
            // At least a row is left for the answer.
            let rows = Text(question).flowed(to: field.columns).prefix(max(0, field.rows - 2))
            for (index, row) in rows.enumerated() {
                screen.put(Text(row), x: field.x, y: field.y + index, style: .waiting)
            }
            field.y += rows.count + 1
            field.rows -= rows.count + 1
        }
        drawLines(prompt.field, in: field, hasCursor: true)
    }

    /// In the place of the keys, with those that work now at its end where there is room.
    private mutating func drawPromptLine(_ prompt: Prompt, y: Int) {
        let columns = model.size.columns
        screen.fill(x: 0, y: y, columns: columns, style: .plain)
        let title = Text(prompt.purpose.title).cut(to: columns / 2, ellipsis: glyphs.ellipsis)
        screen.put(title, x: 1, y: y, style: .key, glyphs: glyphs)
        let x = title.width + 2
        let keys = hintedKeys
        let keysWidth = keys.reduce(0) { $0 + hintWidth($1) + 2 }
        let end = columns - x - keysWidth >= 20 ? columns - keysWidth - 1 : columns - 1
        drawLine(prompt.field, x: x, y: y, columns: end - x, hasCursor: true)
        if prompt.field.isEmpty, let placeholder = prompt.purpose.placeholder, placeholder.utf8.count < end - x - 1 {
            put(placeholder, x: x + 2, y: y, style: .dim)
        }
        guard end < columns - 1 else { return }
        var hintX = end + 1
        for binding in keys { hintX += drawHint(binding, x: hintX, y: y) + 2 }
    }
}

extension Layout {
    /// Where several lines are typed: most of a small screen, the middle of a large one.
    var textBox: Rectangle {
        let columns = min(page.columns, 80)
        let rows = min(keysRow, 14)
        return Rectangle(x: (page.columns + 2 - columns) / 2, y: (keysRow - rows) / 2, columns: columns, rows: rows)
    }
}

extension Rectangle {
    /// Without its edges, and with a column left free beside them.
    var inside: Rectangle { Rectangle(x: x + 2, y: y + 1, columns: columns - 4, rows: rows - 2) }
}
