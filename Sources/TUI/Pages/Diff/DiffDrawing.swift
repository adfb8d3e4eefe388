extension Canvas {
    /// A sentence that is wrapped, and what to do about it.
    mutating func explain(_ sentence: String, _ hint: String?, in area: Rectangle, style: Style) {
        var y = area.y
        for (text, style) in [(sentence, style), (hint ?? "", .dim)] where !text.isEmpty {
            for row in Text(text).flowed(to: area.columns) where y < area.y + area.rows {
                screen.put(row, x: area.x, y: y, style: style)
                y += 1
            }
        }
    }

    /// A diff from `top` on; the file of the summary that is chosen is in reverse video.
    mutating func draw(_ text: DiffText, from top: Place, chosen: Int, in area: Rectangle) {
        var place = top
        var y = area.y
        while y < area.y + area.rows, place.line < text.lineCount {
            let row = Rectangle(x: area.x, y: y, columns: area.columns, rows: area.y + area.rows - y)
            y += draw(text, at: place, chosen: chosen, in: row)
            place = Place(line: place.line + 1, row: 0)
        }
        drawFixedHeading(text, top: top, area)
    }

    /// The name of the file one is in does not scroll away.
    private mutating func drawFixedHeading(_ text: DiffText, top: Place, _ area: Rectangle) {
        guard area.rows > 2, top.line < text.lineCount, let file = text.file(at: top.line) else { return }
        switch text.kinds[top.line] {
        case .total, .stat, .blank, .heading: return
        case .hunk, .context, .added, .removed, .note: drawHeading(text.files[file], area)
        }
    }

    /// A line, or what is left of it from a row on. The rows it took.
    private mutating func draw(_ text: DiffText, at place: Place, chosen: Int, in area: Rectangle) -> Int {
        let kind = text.kinds[place.line]
        switch kind {
        case .blank: return 1
        case .total:
            drawTotal(text, area)
            return 1
        case .stat:
            drawStat(text, file: place.line - 1, area)
            if place.line - 1 == chosen, model.detail.reading != .lists {
                screen.select(x: area.x, y: area.y, columns: area.columns)
            }
            return 1
        case .heading:
            text.file(at: place.line).map { drawHeading(text.files[$0], area) }
            return 1
        case .hunk, .note:
            let rows = text.rows(of: place.line, from: place.row, limit: area.rows, columns: area.columns)
            for (index, row) in rows.enumerated() {
                screen.put(row, x: area.x, y: area.y + index, style: kind == .hunk ? .hunk : .dim)
            }
            return rows.count
        case .context: return drawSigned(text, at: place, " ", .plain, area)
        case .added: return drawSigned(text, at: place, "+", .added, area)
        case .removed: return drawSigned(text, at: place, "-", .removed, area)
        }
    }

    /// The sign stands in a column of its own; rows that go on with a line have an ellipsis there.
    private mutating func drawSigned(
        _ text: DiffText,
        at place: Place,
        _ sign: Unicode.Scalar,
        _ style: Style,
        _ area: Rectangle
    ) -> Int {
        let columns = area.columns - 1
        var rows = text.rows(of: place.line, from: place.row, limit: area.rows, columns: columns)
        // A change of line endings is seen.
        let range = text.visibleBytes(of: place.line)
        if style != .plain, text.bytes[range].last == 0x0D, rows.last?.last == .space,
            place.row + rows.count == text.height(of: place.line, columns: area.columns)
        {
            rows[rows.count - 1] = (rows[rows.count - 1].dropLast() + [Cluster(0x240D, width: 1)])[...]
        }
        for (index, row) in rows.enumerated() {
            let isFirst = place.row + index == 0 && !text.isContinued(place.line)
            put(
                isFirst ? Cluster(sign.value, width: 1) : glyphs.ellipsis,
                x: area.x,
                y: area.y + index,
                style: isFirst ? style : .dim
            )
            screen.put(row, x: area.x + 1, y: area.y + index, style: style)
        }
        return rows.count
    }

    // MARK: What is made here

    private mutating func drawTotal(_ text: DiffText, _ area: Rectangle) {
        var words = counted(text.files.count, "file")
        if let all = text.filesOfAll { words += " of \(all): the diff is too long, and cut" }
        var x = area.x + put(words, x: area.x, y: area.y, columns: area.columns, style: .title)
        x += drawCounts(text.added, text.removed, x: x + 1, y: area.y, columns: area.x + area.columns - x - 1)
    }

    /// `+12 -3`, in their colours. The columns used.
    @discardableResult
    private mutating func drawCounts(_ added: Int, _ removed: Int, x: Int, y: Int, columns: Int) -> Int {
        var used = 0
        for (count, sign, style) in [(added, "+", Style.added), (removed, "-", .removed)] where count > 0 {
            guard columns - used > 1 else { return used }
            if used > 0 { used += 1 }
            used += put("\(sign)\(count)", x: x + used, y: y, columns: columns - used, style: style)
        }
        return used
    }

    private mutating func drawStat(_ text: DiffText, file index: Int, _ area: Rectangle) {
        let file = text.files[index]
        let letter: Style =
            switch file.change {
            case .added: .added
            case .deleted: .removed
            case .modified, .renamed, .copied: .hunk
            }
        put(file.letter, x: area.x, y: area.y, style: letter)
        let countsWidth = StatColumns.counts(of: file).utf8.count
        let columns = StatColumns(width: area.columns, longestTitle: text.longestTitle)
        let name = Text(String(decoding: file.title, as: UTF8.self))
            .cutAtStart(to: columns.name, ellipsis: glyphs.ellipsis)
        screen.put(name.clusters[...], x: area.x + 2, y: area.y, style: .plain)
        let countsEnd = area.x + 2 + columns.name + 1 + columns.counts
        if file.added + file.removed == 0, let word = file.isBinary ? "binary" : file.oldMode == nil ? nil : "mode" {
            put(word, x: countsEnd - word.utf8.count, y: area.y, style: .dim)
        } else {
            let x = countsEnd - countsWidth
            drawCounts(file.added, file.removed, x: x, y: area.y, columns: countsWidth)
        }
        drawBar(file, largest: text.largestChange, x: countsEnd + 1, y: area.y, columns: columns.bar)
    }

    /// How much of it is added and removed, beside the file that is changed most.
    private mutating func drawBar(_ file: ChangedFile, largest: Int, x: Int, y: Int, columns: Int) {
        let all = file.added + file.removed
        guard columns > 0, all > 0 else { return }
        let width = largest <= columns ? all : max(1, all * columns / largest)
        // One that has both shows both.
        var plus = file.added * width / all
        if width > 1 { plus = min(max(plus, file.added > 0 ? 1 : 0), width - (file.removed > 0 ? 1 : 0)) }
        if width == 1 { plus = file.added >= file.removed ? 1 : 0 }
        screen.fill(Cluster(0x2B, width: 1), x: x, y: y, columns: plus, style: .added)
        screen.fill(Cluster(0x2D, width: 1), x: x + plus, y: y, columns: width - plus, style: .removed)
    }

    private mutating func drawHeading(_ file: ChangedFile, _ area: Rectangle) {
        screen.fill(x: area.x, y: area.y, columns: area.columns, style: .plain)
        let counts = StatColumns.counts(of: file)
        let remarks = file.remarks.joined(separator: ", ")
        let name = Text(String(decoding: file.name, as: UTF8.self))
            .cutAtStart(to: max(10, area.columns - counts.utf8.count - 1), ellipsis: glyphs.ellipsis)
        screen.put(name.clusters[...], x: area.x, y: area.y, style: .file)
        var x = area.x + name.width + 2
        let end = area.x + area.columns
        if x < end { x += drawCounts(file.added, file.removed, x: x, y: area.y, columns: end - x) }
        if x + 4 < end, !remarks.isEmpty {
            if !counts.isEmpty { x += 2 }
            put(remarks, x: x, y: area.y, columns: end - x, style: .dim)
        }
    }
}

/// Where the columns of the summary are. The name has what the others leave, and takes no more of it than it needs.
private struct StatColumns {
    var name: Int
    var counts: Int
    var bar: Int

    init(width: Int, longestTitle: Int) {
        counts = width < 60 ? 11 : 13
        bar = width < 60 ? 0 : min(40, width / 4)
        let room = max(4, width - 2 - 1 - counts - (bar > 0 ? bar + 1 : 0))
        name = min(room, max(longestTitle, 16))
    }

    static func counts(of file: ChangedFile) -> String {
        [(file.added, "+"), (file.removed, "-")].filter { $0.0 > 0 }.map { "\($0.1)\($0.0)" }.joined(separator: " ")
    }
}
