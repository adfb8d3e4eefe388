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
    /// A detail of fewer rows shows the overview alone.
    private static let rowsForTabs = 6

    /// The panels' lines, without their titles, which stand in the row above. One that is not shown has no rows.
    var tickets: Rectangle
    var agents: Rectangle
    var landing: Rectangle
    /// The tab below the lists; its titles are in the rule above it, where there is room for one.
    var detail: Rectangle
    var hasDetailRule: Bool
    /// The last two rows: keys or a message, and the counts.
    var keysRow: Int
    var countsRow: Int
    var isStacked: Bool

    /// The screen without its last two rows and its title: a tab, or the help, that has it all.
    var page: Rectangle

    /// nil when the terminal is too small.
    init?(size: Size, agents agentCount: Int, landing landingCount: Int, focus: Panel, stacks: Bool = false) {
        guard size.columns >= Self.smallest.columns, size.rows >= Self.smallest.rows else { return nil }
        keysRow = size.rows - 2
        countsRow = size.rows - 1
        let detailRows = Self.detailRows(of: size.rows)
        hasDetailRule = size.rows >= 14
        detail = Rectangle(x: 1, y: keysRow - detailRows, columns: size.columns - 2, rows: detailRows)
        page = Rectangle(x: 1, y: 1, columns: size.columns - 2, rows: keysRow - 1)
        let panelRows = detail.y - (hasDetailRule ? 1 : 0)
        isStacked = stacks || size.columns < Self.sideBySide
        if isStacked {
            // The queue takes the agents' place while it is looked at: its tickets are in the list as well.
            let isLanding = focus == .landing
            let otherRows = max(1, min(isLanding ? landingCount : agentCount, panelRows / 4))
            let ticketRows = panelRows - otherRows - 2
            tickets = Rectangle(x: 0, y: 1, columns: size.columns, rows: ticketRows)
            agents = Rectangle(x: 0, y: ticketRows + 2, columns: size.columns, rows: isLanding ? 0 : otherRows)
            landing = Rectangle(x: 0, y: ticketRows + 2, columns: size.columns, rows: isLanding ? otherRows : 0)
        } else {
            // What agents do takes more room than who they are, where there is any.
            let share = size.columns < 110 ? 32 : 40
            let right = min(max(size.columns * share / 100, 28), 80)
            let x = size.columns - right
            tickets = Rectangle(x: 0, y: 1, columns: x - 1, rows: panelRows - 1)
            // What lands has its own few rows while there is something.
            let landingRows = landingCount == 0 || panelRows < 7 ? 0 : max(1, min(landingCount, panelRows / 3))
            let agentRows = panelRows - 1 - (landingRows > 0 ? landingRows + 1 : 0)
            agents = Rectangle(x: x, y: 1, columns: right, rows: agentRows)
            landing = Rectangle(x: x, y: panelRows - landingRows, columns: right, rows: landingRows)
        }
    }

    /// A third of a high screen; the lists come first on a low one.
    private static func detailRows(of rows: Int) -> Int {
        switch rows {
        case ..<12: 1
        case ..<16: 2
        case ..<22: 3
        case ..<28: 4
        case ..<34: 8
        default: rows * 2 / 5
        }
    }

    /// Whether other tabs than the overview can be shown below the lists.
    var hasTabs: Bool { detail.rows >= Self.rowsForTabs }

    /// Group headings take room that few rows do not have.
    var hasHeadings: Bool { tickets.rows >= 8 }

    func rectangle(of panel: Panel) -> Rectangle {
        switch panel {
        case .tickets: tickets
        case .agents: agents
        case .landing: landing
        }
    }

    func panel(atX x: Int, y: Int) -> Panel? {
        [.tickets, .agents, .landing].first { rectangle(of: $0).contains(x: x, y: y) }
    }
}
