/// Rows under headings, for people. A value: `lines` says what it looks like.
struct Table {
    /// What a cell means, for those who see colours; a word says it too.
    enum Style: String {
        case plain = ""
        case good = "\u{1B}[32m"
        case attention = "\u{1B}[33m"
        case bad = "\u{1B}[31m"
        case faint = "\u{1B}[2m"
    }

    struct Cell: ExpressibleByStringInterpolation {
        let text: String
        let style: Style

        /// Text from anywhere, made safe.
        init(_ text: String?, _ style: Style = .plain) {
            self.text = SafeText.line(text ?? "")
            self.style = style
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    struct Column {
        let heading: String
        /// It is cut, down to so many columns, where the terminal is too narrow; nil: never.
        let least: Int?
        let isRightAligned: Bool

        init(_ heading: String, least: Int? = nil, isRightAligned: Bool = false) {
            self.heading = heading
            self.least = least
            self.isRightAligned = isRightAligned
        }
    }

    let columns: [Column]
    var rows: [[Cell]] = []

    init(_ columns: Column...) { self.columns = columns }
    init(columns: [Column]) { self.columns = columns }

    private static let gap = 2

    /// The table, no line wider than `width` as far as its columns can be cut.
    func lines(width: Int?, colour: Bool) -> [String] {
        let widths = fitted(to: width)
        let headings = columns.map { Cell($0.heading, .faint) }
        return ([headings] + rows).map { row in
            var line = ""
            var padding = 0
            for (index, cell) in row.enumerated() {
                let text = cell.text.cut(to: widths[index])
                let space = widths[index] - text.columns
                let isRight = columns[index].isRightAligned
                // Spaces are owed until something follows, so that no line ends in them.
                padding += isRight ? space : 0
                if !text.isEmpty {
                    line += String(repeating: " ", count: padding)
                    line += colour && cell.style != .plain ? cell.style.rawValue + text + "\u{1B}[0m" : text
                    padding = 0
                }
                padding += (isRight ? 0 : space) + Self.gap
            }
            return line
        }
    }

    /// How wide each column is: as its widest cell, then less where that is allowed and needed.
    private func fitted(to width: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(columns[index].heading.columns) { max($0, $1[index].text.columns) }
        }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - width
        while excess > 0 {
            let flexible = columns.indices.filter { widths[$0] > columns[$0].least ?? .max }
            // The widest gives way, a column at a time.
            guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}

extension Table.Style {
    /// The meaning of a ticket's state.
    init(state: String) {
        switch state {
        case "merged", "done", "pr_open": self = .good
        case "stopped", "awaiting_approval": self = .attention
        case "needs_human_review", "stale": self = .bad
        case "cancelled": self = .faint
        default: self = .plain
        }
    }
}
