// What Core needs to know about text, without Foundation.

extension UInt8 {
    /// The characters that mean something in patterns and names.
    enum ASCII {
        static let slash = UInt8(ascii: "/")
        static let backslash = UInt8(ascii: "\\")
        static let star = UInt8(ascii: "*")
        static let question = UInt8(ascii: "?")
        static let bracket = UInt8(ascii: "[")
        static let closingBracket = UInt8(ascii: "]")
        static let bang = UInt8(ascii: "!")
        static let caret = UInt8(ascii: "^")
        static let colon = UInt8(ascii: ":")
        static let dash = UInt8(ascii: "-")
        static let underscore = UInt8(ascii: "_")
        static let dot = UInt8(ascii: ".")
        static let zero = UInt8(ascii: "0")

        static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
        static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
    }
}

extension Unicode.Scalar {
    /// A C0 or C1 control, or DEL.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
    /// U+2028 and U+2029: line breaks that are no controls.
    var isLineSeparator: Bool { value == 0x2028 || value == 0x2029 }
    /// Embeddings, overrides and isolates, which can make a line read other than it is.
    var isDirectionControl: Bool { (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value) }
}

/// `U+001B`.
func codePoint(_ scalar: UInt32) -> String {
    let hex = String(scalar, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
}

/// A text as an error message shows it: in backticks, cut when it is long, controls written as code points.
public func quoted(_ text: String, limit: Int = 80) -> String {
    var result = "`"
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == limit { return result + "…`" }
        if scalar.isControl || scalar.isLineSeparator || scalar.isDirectionControl {
            result += "<\(codePoint(scalar.value))>"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result + "`"
}
