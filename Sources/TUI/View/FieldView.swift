extension Canvas {
    /// One line of text; where it is longer than the room, the part around the cursor. Only what has the keys shows one.
    mutating func drawLine(_ field: TextField, x: Int, y: Int, columns: Int, hasCursor: Bool) {
        let rows = field.rows(columns: .max)
        let row = rows.rows[rows.cursor.row]
        guard hasCursor else {
            screen.put(Text(row.clusters[...]), x: x, y: y, columns: columns, style: .plain, glyphs: glyphs)
            return
        }
        let width = row.width
        let start = max(0, min(rows.cursor.column - columns / 2, width + 1 - columns))
        var column = 0
        for cluster in row.clusters {
            let end = column + Int(cluster.width)
            if column >= start, end - start <= columns {
                screen.put([cluster][...], x: x + column - start, y: y, style: .plain)
            }
            column = end
        }
        if start > 0 { put(glyphs.ellipsis, x: x, y: y, style: .dim) }
        if width - start > columns { put(glyphs.ellipsis, x: x + columns - 1, y: y, style: .dim) }
        drawCursor(x: x + rows.cursor.column - start, y: y, upTo: x + columns)
    }

    /// Several lines of text; where there are more than the room has, those around the cursor.
    mutating func drawLines(_ field: TextField, in area: Rectangle, hasCursor: Bool) {
        let rows = field.rows(columns: area.columns)
        let top = hasCursor ? max(0, min(rows.cursor.row - area.rows / 2, rows.rows.count - area.rows)) : 0
        for (number, row) in rows.rows.dropFirst(top).prefix(area.rows).enumerated() {
            screen.put(row.clusters[...], x: area.x, y: area.y + number, style: .plain)
        }
        guard hasCursor else { return }
        drawCursor(x: area.x + rows.cursor.column, y: area.y + rows.cursor.row - top, upTo: area.x + area.columns)
    }

    /// A cell in reverse video: the terminal's own cursor is nowhere.
    private mutating func drawCursor(x: Int, y: Int, upTo end: Int) {
        let x = min(x, end - 1)
        guard y >= 0, y < screen.size.rows, x >= 0, x < screen.size.columns else { return }
        let isWide = screen.row(y)[y * screen.size.columns + x].cluster?.width == 2
        screen.select(x: x, y: y, columns: isWide ? 2 : 1)
    }

    /// An empty box over everything, with a title in its upper edge.
    mutating func frame(_ area: Rectangle, title: String = "") {
        let (right, bottom) = (area.x + area.columns - 1, area.y + area.rows - 1)
        for y in area.y...bottom {
            screen.fill(x: area.x, y: y, columns: area.columns, style: .plain)
            put(glyphs.vertical, x: area.x, y: y, style: .rule)
            put(glyphs.vertical, x: right, y: y, style: .rule)
        }
        for (y, first, last) in [
            (area.y, glyphs.topLeft, glyphs.topRight), (bottom, glyphs.bottomLeft, glyphs.bottomRight),
        ] {
            screen.fill(glyphs.horizontal, x: area.x, y: y, columns: area.columns, style: .rule)
            put(first, x: area.x, y: y, style: .rule)
            put(last, x: right, y: y, style: .rule)
        }
        if !title.isEmpty { put(" \(title) ", x: area.x + 1, y: area.y, columns: area.columns - 2, style: .title) }
    }
}
