import CSystem
import TUI

/// Makes text that others wrote safe for a terminal: no control characters, escape sequences or direction controls.
///
/// Fed piece by piece, it remembers where in an escape sequence a piece ended.
struct SafeText {
    private let keepsLines: Bool
    private var escapes = EscapeFilter()
    private var lastWasReturn = false

    /// With `keepsLines`, line ends and tabs stay; else each becomes a space.
    init(keepsLines: Bool) { self.keepsLines = keepsLines }

    /// One line of text, whatever it was.
    static func line(_ text: String) -> String { clean(text, keepsLines: false) }

    /// Text of as many lines as it had.
    static func lines(_ text: String) -> String { clean(text, keepsLines: true) }

    private static func clean(_ text: String, keepsLines: Bool) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var cleaner = SafeText(keepsLines: keepsLines)
        return cleaner.take(text)
    }

    /// The next piece of the text, made safe.
    mutating func take(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where escapes.isText(scalar) { takeText(scalar, &result) }
        return String(result)
    }

    private mutating func takeText(_ scalar: Unicode.Scalar, _ result: inout String.UnicodeScalarView) {
        let value = scalar.value
        defer { lastWasReturn = value == 0x0D }
        switch value {
        case 0x0A where lastWasReturn: break
        case 0x0A, 0x0D: result.append(keepsLines ? "\n" : " ")
        case 0x09: result.append(keepsLines ? "\t" : " ")
        case 0x00...0x1F, 0x7F...0x9F: result.append("\u{FFFD}")
        case 0x2028, 0x2029: result.append(" ")
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: break
        default: result.append(scalar)
        }
    }
}

// MARK: Widths, as the terminal counts them

extension Character {
    /// Columns: marks add none, joined pictographs take two.
    var columns: Int {
        if let ascii = asciiValue { return ascii >= 0x20 && ascii < 0x7F ? 1 : 0 }
        return min(2, unicodeScalars.reduce(0) { $0 + max(0, Int(cs_columns($1.value))) })
    }
}

extension String {
    /// Columns on a terminal; the text is one line, and safe.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// At most `columns` wide; what is cut ends in `…`, and no character is torn.
    func cut(to columns: Int) -> String {
        guard self.columns > columns else { return self }
        var used = 0
        let kept = prefix { character in
            used += character.columns
            return used < columns
        }
        return columns > 0 ? kept + "…" : ""
    }
}
