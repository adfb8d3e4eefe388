/// Text laid out for a width: rows of pieces, of which there may be more than a screen has room for.
struct Sheet: Sendable {
    struct Piece: Sendable {
        var x: Int
        var text: ArraySlice<Cluster>
        var style: Style
    }

    struct Row: Sendable {
        var pieces: [Piece] = []
        /// When it reads differently by time alone.
        var nextChange: Moment?
    }

    private(set) var rows: [Row] = []
    let columns: Int
    private let now: Moment
    private let glyphs: Glyphs
    /// Of what the next row will say.
    private var nextChange: Moment?

    /// Longer lines of prose are tiring to read.
    static let proseColumns = 100

    init(columns: Int, now: Moment, glyphs: Glyphs) {
        self.columns = columns
        self.now = now
        self.glyphs = glyphs
    }

    /// How long ago, in the row that is added next.
    mutating func age(since start: String) -> String {
        guard let start = Moment(start) else { return "" }
        let age = Age(from: start, to: now)
        changes(at: age.nextChange)
        return age.text
    }

    /// What the next row says is true until then.
    mutating func changes(at moment: Moment?) {
        guard let moment else { return }
        nextChange = min(nextChange ?? moment, moment)
    }

    private mutating func add(_ pieces: [Piece]) {
        rows.append(Row(pieces: pieces, nextChange: nextChange))
    }

    /// An empty row, unless there is one already.
    mutating func space() {
        if let last = rows.last, !last.pieces.isEmpty { rows.append(Row()) }
    }

    /// What stands at places of its own in one row; each piece is cut where the next begins.
    mutating func row(_ cells: [(x: Int, text: String, style: Style)]) {
        var pieces: [Piece] = []
        for (index, cell) in cells.enumerated() {
            let end = index + 1 < cells.count ? cells[index + 1].x - 1 : columns
            let text = Text(glyphs.plain(cell.text)).cut(to: max(0, end - cell.x), ellipsis: glyphs.ellipsis)
            pieces.append(Piece(x: cell.x, text: text.clusters[...], style: cell.style))
        }
        add(pieces)
        nextChange = nil
    }

    /// Prose: broken between words, and where it breaks its lines itself.
    mutating func prose(_ text: String, indent: Int = 0, style: Style = .plain) {
        for line in lines(of: text) { flow(line, indent: indent, style: style) }
        nextChange = nil
    }

    /// The same, of lines made safe before.
    mutating func prose(_ rows: [ArraySlice<Cluster>], indent: Int) {
        for row in rows { add([Piece(x: indent, text: row, style: .plain)]) }
    }

    /// A fact with its name before it, which may go on in the rows below.
    mutating func fact(_ name: String, _ text: String, indent: Int = 2, names: Int = 12) {
        let start = rows.count
        prose(text, indent: indent + names)
        rows[start].pieces.insert(Piece(x: indent, text: Text(name).clusters[...], style: .dim), at: 0)
    }

    /// Groups of words in a line with points between them; a group that finds no room goes on below, and is not torn.
    mutating func flow(_ groups: [[(text: String, style: Style)]]) {
        let point = Text(glyphs.plain(" · "))
        var pieces: [Piece] = []
        var x = 0
        for group in groups {
            let texts = group.map { Text(glyphs.plain($0.text)) }
            if x > 0, x + point.width + texts.reduce(0, { $0 + $1.width }) > columns {
                add(pieces)
                (pieces, x) = ([], 0)
            }
            if x > 0 {
                pieces.append(Piece(x: x, text: point.clusters[...], style: .dim))
                x += point.width
            }
            for (text, word) in zip(texts, group) {
                let fitting = text.cut(to: columns - x, ellipsis: glyphs.ellipsis)
                pieces.append(Piece(x: x, text: fitting.clusters[...], style: word.style))
                x += fitting.width
            }
        }
        add(pieces)
        nextChange = nil
    }

    private mutating func flow(_ line: Text, indent: Int, style: Style) {
        for row in line.flowed(to: min(columns - indent, Self.proseColumns)) {
            add([Piece(x: indent, text: row, style: style)])
        }
    }

    private func lines(of text: String) -> [Text] { safeLines(of: glyphs.plain(text)) }
}

/// Foreign text, line by line, made safe to draw. Empty lines at its end are left out.
func safeLines(of text: String) -> [Text] {
    var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
        Text(String(Substring(line.last == 0x0D ? line.dropLast() : line)))
    }
    while lines.count > 1, lines.last == .empty { lines.removeLast() }
    return lines
}

extension Canvas {
    /// Some rows of a sheet, from the one numbered `top` on.
    mutating func draw(_ sheet: Sheet, from top: Int, in area: Rectangle) {
        for (y, row) in sheet.rows.dropFirst(top).prefix(area.rows).enumerated() {
            for piece in row.pieces {
                screen.put(piece.text, x: area.x + piece.x, y: area.y + y, style: piece.style)
            }
            guard let change = row.nextChange else { continue }
            screen.nextChange = min(screen.nextChange ?? change, change)
        }
    }
}
