/// A place on the screen: a cluster in a style. The right half of a wide cluster holds none.
struct Cell: Hashable, Sendable {
    var cluster: Cluster?
    var style: Style
    static let blank = Cell(cluster: .space, style: .plain)
}

/// Columns and rows.
public struct Size: Hashable, Sendable {
    var columns: Int
    var rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }
}

/// A picture of the whole terminal, drawn by `view`. Nothing outside it can be written to.
public struct Screen: Equatable, Sendable {
    let size: Size
    private(set) var cells: [Cell]
    /// When a text on it will have changed by time alone; nil: never.
    var nextChange: Moment?
    /// Where the terminal's cursor belongs, for who follows it: on what is selected, or on what is typed.
    private(set) var cursor: Place?

    struct Place: Equatable, Sendable {
        var x: Int
        var y: Int
    }

    /// What a click does, the last drawn first.
    private(set) var targets: [Target] = []

    struct Target: Equatable, Sendable {
        var area: Rectangle
        var action: Action
    }

    /// A click into a part of the row is a key's press.
    mutating func target(_ action: Action, x: Int, y: Int, columns: Int) {
        targets.append(Target(area: Rectangle(x: x, y: y, columns: columns, rows: 1), action: action))
    }

    init(size: Size) {
        self.size = size
        cells = Array(repeating: .blank, count: size.columns * size.rows)
    }

    func row(_ y: Int) -> ArraySlice<Cell> { cells[y * size.columns..<(y + 1) * size.columns] }

    /// Draws `text` at `x`, `y`, at most `columns` wide; what does not fit is cut with an ellipsis. The columns used.
    @discardableResult
    mutating func put(_ text: Text, x: Int, y: Int, columns: Int = .max, style: Style, glyphs: Glyphs = .unicode) -> Int
    {
        let fitting = text.cut(to: min(columns, size.columns - x), ellipsis: glyphs.ellipsis)
        put(fitting.clusters[...], x: x, y: y, style: style)
        return fitting.width
    }

    /// Draws clusters at `x`, `y`; what lies outside the screen is left out.
    mutating func put(_ clusters: ArraySlice<Cluster>, x: Int, y: Int, style: Style) {
        guard y >= 0, y < size.rows else { return }
        var x = x
        for cluster in clusters {
            let width = Int(cluster.width)
            guard x >= 0, x + width <= size.columns else { return }
            clear(x: x, y: y, width: width)
            cells[y * size.columns + x] = Cell(cluster: cluster, style: style)
            if width == 2 { cells[y * size.columns + x + 1] = Cell(cluster: nil, style: style) }
            x += width
        }
    }

    /// Fills part of a row.
    mutating func fill(_ cluster: Cluster = .space, x: Int, y: Int, columns: Int, style: Style) {
        guard y >= 0, y < size.rows else { return }
        for x in max(x, 0)..<max(0, x, min(x + columns, size.columns)) {
            clear(x: x, y: y, width: 1)
            cells[y * size.columns + x] = Cell(cluster: cluster, style: style)
        }
    }

    /// Another style for what stands there; what is selected stays so.
    mutating func paint(_ style: Style, x: Int, y: Int, columns: Int) {
        for x in x..<x + columns {
            let isSelected = cells[y * size.columns + x].style.isSelected
            cells[y * size.columns + x].style = style
            cells[y * size.columns + x].style.isSelected = isSelected
        }
    }

    /// The row in reverse video from `x` on.
    mutating func select(x: Int, y: Int, columns: Int) {
        guard y >= 0, y < size.rows else { return }
        if (0..<size.columns).contains(x) { cursor = Place(x: x, y: y) }
        for x in max(x, 0)..<max(0, x, min(x + columns, size.columns)) {
            cells[y * size.columns + x].style.isSelected = true
        }
    }

    /// Half of a wide cluster never stays behind: its other half becomes a space.
    private mutating func clear(x: Int, y: Int, width: Int) {
        let first = y * size.columns + x
        let last = first + width - 1
        if cells[first].cluster == nil, x > 0 { cells[first - 1].cluster = .space }
        if cells[last].cluster?.width == 2, x + width < size.columns { cells[last + 1].cluster = .space }
    }

    /// The screen as text, without what ends a row in spaces: what a test compares.
    var picture: String {
        (0..<size.rows).map { y in
            var line = ""
            for cell in row(y) { cell.cluster?.append(to: &line) }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
