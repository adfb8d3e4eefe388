/// How every role looks.
struct Theme: Hashable, Sendable {
    struct Attributes: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        static let bold = Attributes(rawValue: 1)
        static let dim = Attributes(rawValue: 2)
        static let underline = Attributes(rawValue: 4)
        static let reverse = Attributes(rawValue: 8)
        static let names: [(String, Attributes)] = [
            ("bold", .bold), ("dim", .dim), ("underline", .underline), ("reverse", .reverse),
        ]
    }

    struct Look: Hashable, Sendable {
        var foreground = Colour.terminal
        var background = Colour.terminal
        var attributes: Attributes = []
    }

    /// A role's look, by what the terminal can show.
    struct Entry: Hashable, Sendable {
        var colourless: Attributes = []
        /// With 8 or 16 colours.
        var basic = Look()
        /// With 256 colours or more.
        var rich = Look()

        func look(at depth: ColourDepth) -> Look {
            switch depth {
            case .none: Look(attributes: colourless)
            case .eight, .sixteen: basic
            case .indexed, .direct: rich
            }
        }
    }

    private var entries: [Style.Role: Entry]

    subscript(_ role: Style.Role) -> Entry {
        get { entries[role] ?? Entry() }
        set { entries[role] = newValue }
    }

    /// What a theme is called; `auto` follows the terminal's background.
    enum Name: String, CaseIterable, Sendable { case auto, dark, light, mono }

    /// What is known of the terminal's background.
    enum Background: Hashable, Sendable {
        case dark, light

        init(_ colour: Colour) { self = colour.luminance < 0.18 ? .dark : .light }

        /// `COLORFGBG`, as rxvt, konsole and others set it: the last field is the background's place in the palette.
        init?(colorfgbg: String) {
            guard let field = colorfgbg.split(separator: ";").last, let index = UInt8(field), index < 16 else {
                return nil
            }
            self = index < 7 || index == 8 ? .dark : .light
        }
    }

    init(_ name: Name, background: Background? = nil) {
        entries = Dictionary(
            uniqueKeysWithValues: Style.Role.allCases.map { role in
                let colourless = Self.attributes(of: role)
                let basic = Self.basicLook(of: role)
                let rich: Look? =
                    switch (name, background) {
                    case (.mono, _): Look(attributes: colourless)
                    case (.dark, _), (.auto, .dark): Self.darkLook(of: role)
                    case (.light, _), (.auto, .light): Self.lightLook(of: role)
                    case (.auto, nil): nil
                    }
                let entry = Entry(
                    colourless: colourless,
                    basic: name == .mono ? Look(attributes: colourless) : basic,
                    rich: rich ?? basic
                )
                return (role, entry)
            }
        )
    }

    // MARK: The built-in looks

    /// Without colour, weight says what stands out; words and glyphs say the rest.
    private static func attributes(of role: Style.Role) -> Attributes {
        switch role {
        case .title, .tab, .key, .landing, .waiting, .failed, .file, .stale: .bold
        case .heading, .dim, .rule, .hunk: .dim
        case .match: [.bold, .underline]
        case .plain, .working, .stopped, .done, .approved, .added, .removed, .tool: []
        }
    }

    /// The first eight places of the user's own palette, readable on a dark and on a light background.
    private static func basicLook(of role: Style.Role) -> Look {
        let attributes = attributes(of: role)
        func colour(_ name: String) -> Look { Look(foreground: Colour(name) ?? .terminal, attributes: attributes) }
        return switch role {
        case .plain, .title, .tab, .key, .heading, .dim, .rule, .file: Look(attributes: attributes)
        case .working, .hunk: Look(foreground: .indexed(6))
        case .landing: colour("blue")
        case .waiting, .stopped: colour("yellow")
        case .failed, .stale, .removed: colour("red")
        case .done, .approved, .added: colour("green")
        case .tool: colour("magenta")
        case .match: Look(foreground: .indexed(0), background: .indexed(3))
        }
    }

    private static func darkLook(of role: Style.Role) -> Look {
        switch role {
        case .plain: Look()
        case .title: Look(attributes: .bold)
        case .key, .tab: Look(foreground: .indexed(153), attributes: .bold)
        case .heading, .dim: Look(foreground: .indexed(246))
        case .rule: Look(foreground: .indexed(240))
        case .working, .hunk: Look(foreground: .indexed(80))
        case .landing: Look(foreground: .indexed(75), attributes: .bold)
        case .waiting: Look(foreground: .indexed(221), attributes: .bold)
        case .stopped: Look(foreground: .indexed(178))
        case .failed, .stale: Look(foreground: .indexed(203), attributes: .bold)
        case .done, .added: Look(foreground: .indexed(114))
        case .approved: Look(foreground: .indexed(114), attributes: .bold)
        case .removed: Look(foreground: .indexed(210))
        case .file: Look(foreground: .indexed(153), attributes: .bold)
        case .tool: Look(foreground: .indexed(141))
        case .match: Look(foreground: .indexed(16), background: .indexed(221))
        }
    }

    private static func lightLook(of role: Style.Role) -> Look {
        switch role {
        case .plain: Look()
        case .title: Look(attributes: .bold)
        case .key, .tab: Look(foreground: .indexed(25), attributes: .bold)
        case .heading, .dim: Look(foreground: .indexed(241))
        case .rule: Look(foreground: .indexed(248))
        case .working, .hunk: Look(foreground: .indexed(24))
        case .landing: Look(foreground: .indexed(26), attributes: .bold)
        case .waiting: Look(foreground: .indexed(130), attributes: .bold)
        case .stopped: Look(foreground: .indexed(94))
        case .failed, .stale: Look(foreground: .indexed(160), attributes: .bold)
        case .done, .added: Look(foreground: .indexed(22))
        case .approved: Look(foreground: .indexed(22), attributes: .bold)
        case .removed: Look(foreground: .indexed(124))
        case .file: Look(foreground: .indexed(25), attributes: .bold)
        case .tool: Look(foreground: .indexed(91))
        case .match: Look(foreground: .indexed(16), background: .indexed(221))
        }
    }
}
