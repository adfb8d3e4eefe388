import Core

/// Reads JSON as RFC 8259 has it, and says where it is not: no comments, no trailing commas, no key twice.
///
/// Our own, because errors are what it is for: Foundation's says where in bytes, and knows nothing of keys that come
/// twice; YAML's does not tell JSON's mistakes from its own syntax.
struct JSONDocumentParser {
    /// Where reading stopped, and why.
    struct Failure: Error {
        let place: DocumentPlace
        let message: String
    }

    static let maximumDepth = 64

    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private var depth = 0
    /// Keys that come twice. Reading goes on behind them.
    private(set) var duplicates: [Failure] = []

    /// The place of `counted`, which never lies behind it: places are asked for in order, so a file is counted once.
    private var counted: Int
    private var place = DocumentPlace()

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
        counted = bytes.startIndex
    }

    /// The one value of a file.
    mutating func parseDocument() throws(Failure) -> DocumentNode {
        guard let value = try parseNext() else { throw failure("the file is empty; write `{}` at least") }
        skipSpace()
        guard position == bytes.endIndex else { throw failure("nothing may follow the end of the value") }
        return value
    }

    /// The next of several values, one behind the other; nil at the end of the file.
    mutating func parseNext() throws(Failure) -> DocumentNode? {
        skipSpace()
        return position == bytes.endIndex ? nil : try parseValue()
    }

    // MARK: Places

    private mutating func here() -> DocumentPlace {
        while counted < position {
            if bytes[counted] == UInt8(ascii: "\n") {
                place.line += 1
                place.column = 1
            } else if bytes[counted] & 0xC0 != 0x80 {
                place.column += 1
            }
            counted += 1
        }
        return place
    }

    private mutating func failure(_ message: String) -> Failure { Failure(place: here(), message: message) }

    private var byte: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// What stands here, for a sentence.
    private var found: String {
        guard byte != nil else { return "the end of the file" }
        let text = String(decoding: bytes[position...].prefix(64), as: UTF8.self)
        let word = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return quoted(word.isEmpty ? String(text.prefix(1)) : String(word.prefix(20)))
    }

    // MARK: Values

    private mutating func parseValue() throws(Failure) -> DocumentNode {
        let start = here()
        switch byte {
        case UInt8(ascii: "{"): return DocumentNode(place: start, value: .object(try parseObject()))
        case UInt8(ascii: "["): return DocumentNode(place: start, value: .list(try parseList()))
        case UInt8(ascii: "\""): return DocumentNode(place: start, value: .string(try parseString()))
        case let digit? where digit == UInt8(ascii: "-") || (0x30...0x39).contains(digit):
            return DocumentNode(place: start, value: .number(try parseNumber()))
        default: break
        }
        for (word, value) in [("true", DocumentNode.Value.bool(true)), ("false", .bool(false)), ("null", .null)]
        where bytes[position...].starts(with: word.utf8) {
            let end = position + word.utf8.count
            if end < bytes.endIndex, isWordByte(bytes[end]) { break }
            position = end
            return DocumentNode(place: start, value: value)
        }
        throw failure(misplaced("a value"))
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    /// Says what stands where something else should, and knows the usual mistakes.
    private func misplaced(_ wanted: String) -> String {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "#"): "comments are not allowed in JSON; remove this one"
        case UInt8(ascii: "'"): "strings take double quotes in JSON"
        default: "expected \(wanted), found \(found)"
        }
    }

    private mutating func enter() throws(Failure) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw failure("this is nested too deeply") }
        position += 1
        skipSpace()
    }

    private mutating func parseList() throws(Failure) -> [DocumentNode] {
        try enter()
        defer { depth -= 1 }
        var elements: [DocumentNode] = []
        if byte == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        while true {
            elements.append(try parseValue())
            if try endsAfterElement(with: UInt8(ascii: "]")) { return elements }
        }
    }

    private mutating func parseObject() throws(Failure) -> [DocumentMember] {
        try enter()
        defer { depth -= 1 }
        var members: [DocumentMember] = []
        var lines: [String: Int] = [:]
        if byte == UInt8(ascii: "}") {
            position += 1
            return members
        }
        while true {
            let start = here()
            guard byte == UInt8(ascii: "\"") else { throw failure(misplaced("a key in double quotes")) }
            let key = try parseString()
            skipSpace()
            guard byte == UInt8(ascii: ":") else { throw failure(misplaced("`:` behind the key \(quoted(key))")) }
            position += 1
            skipSpace()
            let value = try parseValue()
            if let line = lines[key] {
                let message = "the key \(quoted(key)) is here twice, first in line \(line); keep one"
                duplicates.append(Failure(place: start, message: message))
            } else {
                lines[key] = start.line
                members.append(DocumentMember(key: key, place: start, value: value))
            }
            if try endsAfterElement(with: UInt8(ascii: "}")) { return members }
        }
    }

    /// Reads the comma behind an element, or the end of what it is in.
    private mutating func endsAfterElement(with close: UInt8) throws(Failure) -> Bool {
        skipSpace()
        if byte == close {
            position += 1
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw failure(misplaced("`,` or `\(UnicodeScalar(close))`")) }
        let comma = here()
        position += 1
        skipSpace()
        guard byte == close else { return false }
        throw Failure(
            place: comma,
            message: "a comma before `\(UnicodeScalar(close))` is not allowed in JSON; remove it"
        )
    }

    private mutating func parseNumber() throws(Failure) -> String {
        let start = position
        func skipDigits(_ parser: inout JSONDocumentParser) -> Bool {
            let before = parser.position
            while let byte = parser.byte, (0x30...0x39).contains(byte) { parser.position += 1 }
            return parser.position > before
        }
        let malformed = Failure(
            place: here(),
            message: "this is not a number as JSON has them; write one such as 7 or 2.5"
        )
        if byte == UInt8(ascii: "-") { position += 1 }
        let leadingZero = byte == UInt8(ascii: "0")
        let digits = position
        guard skipDigits(&self), !leadingZero || position == digits + 1 else { throw malformed }
        if byte == UInt8(ascii: ".") {
            position += 1
            guard skipDigits(&self) else { throw malformed }
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            guard skipDigits(&self) else { throw malformed }
        }
        if let byte, isWordByte(byte) || byte == UInt8(ascii: ".") {
            throw malformed
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    // MARK: Strings

    private mutating func parseString() throws(Failure) -> String {
        let opening = Failure(place: here(), message: "this string has no end; close it with `\"` in the same line")
        position += 1
        var text: [UInt8] = []
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(try parseEscape()).utf8)
            case 0x0A, 0x0D:
                throw opening
            case 0x00..<0x20:
                throw failure("a control character stands in a string as it is; write `\(escape(byte))`")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw opening
    }

    private func escape(_ byte: UInt8) -> String {
        if byte == 0x09 { return "\\t" }
        let hex = String(byte, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    }

    private mutating func parseEscape() throws(Failure) -> Unicode.Scalar {
        let start = Failure(place: here(), message: "this is not an escape JSON knows; write `\\\\` for a backslash")
        position += 1
        guard let letter = byte else { throw start }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw start
        }
        guard let unit = parseHex() else { throw start }
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // Half of a pair: the other half has to follow.
        if unit < 0xDC00, byte == UInt8(ascii: "\\") {
            position += 1
            if byte == UInt8(ascii: "u") {
                position += 1
                if let low = parseHex(), (0xDC00..<0xE000).contains(low),
                    let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
                {
                    return scalar
                }
            }
        }
        throw Failure(place: start.place, message: "this is half of a surrogate pair; write both halves")
    }

    private mutating func parseHex() -> UInt32? {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) })
        else { return nil }
        position += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
