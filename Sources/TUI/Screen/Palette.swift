import CTerm

/// Turns meanings into what this terminal can show.
struct Palette: Hashable, Sendable {
    /// A cell's colours, as curses numbers them, -1 for the terminal's own, and curses-free attributes.
    struct Look: Hashable, Sendable {
        var foreground: Int32
        var background: Int32
        var attributes: UInt32
    }

    /// By the role's number.
    private let looks: [Look]

    init(_ theme: Theme, depth: ColourDepth) {
        looks = Style.Role.allCases.map { role in
            let look = theme[role].look(at: depth)
            return Look(
                foreground: look.foreground.number(at: depth),
                background: look.background.number(at: depth),
                attributes: look.attributes.raw
            )
        }
    }

    /// What a cell of `style` looks like.
    func look(of style: Style) -> Look {
        var look = looks[Int(style.role.rawValue)]
        if style.isSelected {
            // Dim text in reverse video is unreadable on many terminals.
            look.attributes = look.attributes & ~UInt32(CT_DIM) | UInt32(CT_REVERSE)
        }
        return look
    }
}

extension Theme.Attributes {
    fileprivate var raw: UInt32 {
        var raw: UInt32 = 0
        if contains(.bold) { raw |= UInt32(CT_BOLD) }
        if contains(.dim) { raw |= UInt32(CT_DIM) }
        if contains(.underline) { raw |= UInt32(CT_UNDERLINE) }
        if contains(.reverse) { raw |= UInt32(CT_REVERSE) }
        return raw
    }
}
