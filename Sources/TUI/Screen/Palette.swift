import CTerm

/// Turns meanings into what this terminal can show.
struct Palette {
    /// 0 when there is no colour, or the user wants none.
    let colours: Int

    /// What a cell of `style` looks like: a colour number, or -1 for the terminal's own, and curses-free attributes.
    func look(of style: Style) -> (foreground: Int16, attributes: UInt32) {
        var (foreground, attributes) = plainLook(of: style.role)
        if colours == 0 { foreground = -1 }
        if style.isSelected {
            // Dim text in reverse video is unreadable on many terminals.
            attributes = attributes & ~UInt32(CT_DIM) | UInt32(CT_REVERSE)
        }
        return (foreground, attributes)
    }

    private func plainLook(of role: Style.Role) -> (Int16, UInt32) {
        let bold = UInt32(CT_BOLD)
        let dim = UInt32(CT_DIM)
        return switch role {
        case .plain: (-1, 0)
        case .title, .key, .tab: (-1, bold)
        case .heading, .dim, .rule: (-1, dim)
        case .working: (Colour.cyan, 0)
        case .landing: (Colour.blue, bold)
        case .waiting: (Colour.yellow, bold)
        case .stopped: (Colour.yellow, 0)
        case .failed: (Colour.red, bold)
        case .done: (Colour.green, 0)
        }
    }

    private enum Colour {
        static let red: Int16 = 1
        static let green: Int16 = 2
        static let yellow: Int16 = 3
        static let blue: Int16 = 4
        static let cyan: Int16 = 6
    }
}
