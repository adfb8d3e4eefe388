/// A part of the screen.
struct Rectangle: Hashable, Sendable {
    var x: Int
    var y: Int
    var columns: Int
    var rows: Int

    func contains(x: Int, y: Int) -> Bool {
        (self.x..<self.x + columns).contains(x) && (self.y..<self.y + rows).contains(y)
    }
}

/// Where everything stands: `update` scrolls by it, `view` draws by it.
struct Layout: Equatable, Sendable {
    static let smallest = Size(columns: 40, rows: 10)
    /// Narrower than this, the panels stand above each other.
    private static let sideBySide = 80

    /// The panels' lines, without their titles, which stand in the row above.
    var tickets: Rectangle
    var agents: Rectangle
    /// Below a rule of its own, where there is room for one.
    var detail: Rectangle
    var hasDetailRule: Bool
    /// The last two rows: keys or a message, and the counts.
    var keysRow: Int
    var countsRow: Int
    var isStacked: Bool

    /// The screen without its last two rows: overlays that need it all.
    var page: Rectangle

    /// nil when the terminal is too small.
    init?(size: Size, agentCount: Int) {
        guard size.columns >= Self.smallest.columns, size.rows >= Self.smallest.rows else { return nil }
        keysRow = size.rows - 2
        countsRow = size.rows - 1
        let detailRows = size.rows >= 30 ? 5 : size.rows >= 22 ? 4 : size.rows >= 16 ? 3 : size.rows >= 12 ? 2 : 1
        hasDetailRule = size.rows >= 14
        detail = Rectangle(x: 1, y: keysRow - detailRows, columns: size.columns - 2, rows: detailRows)
        page = Rectangle(x: 1, y: 1, columns: size.columns - 2, rows: keysRow - 1)
        let panelRows = detail.y - (hasDetailRule ? 1 : 0)
        isStacked = size.columns < Self.sideBySide
        if isStacked {
            let agentRows = max(1, min(agentCount, panelRows / 4))
            let ticketRows = panelRows - agentRows - 2
            tickets = Rectangle(x: 0, y: 1, columns: size.columns, rows: ticketRows)
            agents = Rectangle(x: 0, y: ticketRows + 2, columns: size.columns, rows: agentRows)
        } else {
            let agentColumns = min(max(size.columns * 32 / 100, 28), 64)
            tickets = Rectangle(x: 0, y: 1, columns: size.columns - agentColumns - 1, rows: panelRows - 1)
            agents = Rectangle(x: size.columns - agentColumns, y: 1, columns: agentColumns, rows: panelRows - 1)
        }
    }

    /// Group headings take room that few rows do not have.
    var hasHeadings: Bool { tickets.rows >= 8 }
}
