/// How keys are written in the configuration, and how the dashboard names them: `c`, `Ctrl-D`, `Alt-x`, `F5`, `PgUp`.
extension Key {
    private static let named: [(Key, String)] = [
        (.character(" "), "Space"), (.enter, "Enter"), (.escape, "Esc"), (.tab, "Tab"), (.backTab, "S-Tab"),
        (.backspace, "BS"), (.insert, "Ins"), (.delete, "Del"), (.up, "Up"), (.down, "Down"), (.left, "Left"),
        (.right, "Right"), (.home, "Home"), (.end, "End"), (.pageUp, "PgUp"), (.pageDown, "PgDn"),
        (.controlUp, "Ctrl-Up"), (.controlDown, "Ctrl-Down"), (.controlLeft, "Ctrl-Left"),
        (.controlRight, "Ctrl-Right"), (.control(" "), "Ctrl-Space"),
    ]

    private static let otherNames: [String: Key] = [
        "escape": .escape, "return": .enter, "shift-tab": .backTab, "backspace": .backspace, "insert": .insert,
        "delete": .delete, "pageup": .pageUp, "pagedown": .pageDown,
    ]

    /// What a terminal sends for another key, or does not send at all.
    private static let controlProblems: [Unicode.Scalar: String] = [
        "i": "terminals send it for Tab; write Tab", "m": "terminals send it for Enter; write Enter",
        "j": "terminals send it for Enter; write Enter", "h": "terminals send it for BS; write BS",
        "c": "it ends programs", "z": "it suspends programs", "\\": "it ends programs",
        "[": "terminals send it for Esc; write Esc",
    ]

    /// Why a key cannot be understood.
    struct Problem: Error, Hashable {
        var message: String
    }

    init(notation: String) throws(Problem) {
        let folded = notation.lowercased()
        if let key = Self.named.first(where: { $0.1.lowercased() == folded })?.0 ?? Self.otherNames[folded] {
            self = key
        } else if notation.unicodeScalars.count == 1, let scalar = notation.unicodeScalars.first {
            guard scalar.properties.generalCategory != .control else {
                throw Problem(message: "a control character is no key; write Ctrl-D, Tab or Enter")
            }
            self = .character(scalar)
        } else if let scalar = Self.only(folded, after: "ctrl-") {
            if let problem = Self.controlProblems[scalar] {
                throw Problem(message: "\(notation) is no key of its own: \(problem)")
            }
            guard ("a"..."z").contains(scalar) else { throw Problem(message: "Ctrl goes with a letter: Ctrl-D") }
            self = .control(scalar)
        } else if let scalar = Self.only(notation, after: "alt-") {
            self = .alt(scalar)
        } else if folded.hasPrefix("f"), let number = Int(folded.dropFirst()), (1...12).contains(number) {
            self = .function(number)
        } else {
            let names = Self.named.prefix(16).map(\.1).joined(separator: ", ")
            throw Problem(
                message: "\"\(notation)\" is no key; write a character, Ctrl-D, Alt-x, F1 to F12, or \(names)"
            )
        }
    }

    /// The one character behind a prefix, whatever the prefix's case.
    private static func only(_ text: String, after prefix: String) -> Unicode.Scalar? {
        let scalars = text.unicodeScalars
        guard scalars.count == prefix.unicodeScalars.count + 1, text.lowercased().hasPrefix(prefix) else { return nil }
        return scalars.last
    }

    var notation: String {
        if let name = Self.named.first(where: { $0.0 == self })?.1 { return name }
        return switch self {
        case .character(let scalar): String(scalar)
        case .control(let scalar): "Ctrl-\(String(scalar).uppercased())"
        case .alt(let scalar): "Alt-\(scalar)"
        case .function(let number): "F\(number)"
        default: "\(self)"
        }
    }

    /// Goes into a text where one is typed.
    var isTyped: Bool { if case .character = self { true } else { false } }
}
