/// What the user wants to see: a built-in theme, and single roles that look otherwise.
struct ThemeChoice: Hashable, Sendable {
    var name = Theme.Name.auto
    var overrides: [Style.Role: Theme.Look] = [:]

    /// Why a choice cannot be understood, and what could be said instead.
    struct Problem: Error, Hashable {
        var message: String
        var hint: String
    }

    init() {}

    /// Reads `dark,failed=bold #ff5f5f,match=black on yellow`: a theme's name, roles with their looks, in any order.
    init(_ choice: String) throws(Problem) {
        for part in choice.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.trimmed)
            if sides.count == 2 {
                try override(sides[0], with: sides[1])
            } else if let name = Theme.Name(rawValue: sides[0]) {
                self.name = name
            } else if !sides[0].isEmpty {
                throw Problem(
                    message: "there is no theme named \"\(sides[0])\"",
                    hint: "themes: \(Theme.Name.allCases.map(\.rawValue).joined(separator: ", ")); a role is ROLE=LOOK"
                )
            }
        }
    }

    /// Has the role called `name` look as `look` says.
    mutating func override(_ name: String, with look: String) throws(Problem) {
        guard let role = Style.Role.allCases.first(where: { "\($0)" == name }) else {
            throw Problem(
                message: "a theme has no role named \"\(name)\"",
                hint: "roles: \(Style.Role.allCases.map { "\($0)" }.joined(separator: ", "))"
            )
        }
        overrides[role] = try Theme.Look(look, role: name)
    }

    /// The theme on a terminal with that background; nil: not known.
    func theme(on background: Theme.Background?) -> Theme {
        var theme = Theme(name, background: background)
        for (role, look) in overrides {
            theme[role] = Theme.Entry(colourless: look.attributes, basic: look, rich: look)
        }
        return theme
    }

    private static func trimmed(_ text: Substring) -> String { text.split(separator: " ").joined(separator: " ") }
}

extension Theme.Look {
    /// Reads `bold underline red on #202020`: attributes and a colour in any order, then `on` and the background.
    init(_ look: String, role: String) throws(ThemeChoice.Problem) {
        self.init()
        var isBackground = false
        var (foregrounds, backgrounds) = (0, 0)
        for word in look.split(separator: " ").map(String.init) {
            if word == "on" {
                isBackground = true
            } else if let attribute = Theme.Attributes.names.first(where: { $0.0 == word }) {
                attributes.insert(attribute.1)
            } else if let colour = Colour(word) {
                if isBackground { background = colour } else { foreground = colour }
                if isBackground { backgrounds += 1 } else { foregrounds += 1 }
            } else {
                throw ThemeChoice.Problem(
                    message: "\"\(word)\", in the look of the role \(role), is neither a colour nor an attribute",
                    hint: """
                        colours: default, grey, \(Colour.names.joined(separator: ", ")), each with bright- before it, 0 to \
                        255, #rrggbb; attributes: bold, dim, underline, reverse
                        """
                )
            }
        }
        guard foregrounds <= 1, isBackground ? backgrounds == 1 : true else {
            throw ThemeChoice.Problem(
                message: "the look of the role \(role), \"\(look)\", has not one colour in each place",
                hint: "for example \(role)=bold red on black"
            )
        }
        guard foregrounds + backgrounds > 0 || !attributes.isEmpty else {
            throw ThemeChoice.Problem(
                message: "the look of the role \(role) is empty",
                hint: "for example \(role)=bold red on black, or \(role)=default"
            )
        }
    }
}
