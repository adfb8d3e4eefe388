/// Why bytes are not JSON.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, without the position.
    public let message: String
    /// The byte at which it was noticed, from 0.
    public let offset: Int
    public var description: String { "\(message) at byte \(offset)" }
}

extension JSONValue {
    /// How deep arrays and objects may nest.
    public static let maximumDepth = 128

    /// Reads exactly one value, with white space around it. Of members with the same name the last one wins.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        let result = bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(JSONError) in try JSONParser.parse(buffer) }
        }
        self = try result.get()
    }

    /// Reads exactly one value that a program of others wrote: bytes that are not UTF-8, and halves of surrogate pairs, become
    /// U+FFFD. Of all else it thinks as `init(parsing:)` does.
    public init(mending bytes: ArraySlice<UInt8>) throws(JSONError) {
        let result = bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(JSONError) in try JSONParser.parse(buffer, mends: true) }
        }
        self = try result.get()
    }

    /// Reads exactly one value from text.
    public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }
}

/// A parser of our own, because Foundation's keep neither the order of members nor a bound on depth, and do not tell
/// integers from other numbers.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// Whether text that is none is put right instead of refused.
    private let mends: Bool
    private var next = 0
    private var depth = 0

    /// `bytes` need to stay only during the call.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>, mends: Bool = false) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, mends: mends)
        var size = 0
        let value = try parser.value(&size)
        parser.skipSpace()
        if parser.next < bytes.count { throw parser.error("unexpected text after the value") }
        return value
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, mends: Bool) {
        self.bytes = bytes
        self.mends = mends
    }

    private func error(_ message: String) -> JSONError { JSONError(message: message, offset: next) }

    private mutating func skipSpace() {
        while next < bytes.count {
            switch bytes[next] {
            case 0x20, 0x09, 0x0A, 0x0D: next += 1
            default: return
            }
        }
    }

    /// Takes `byte` when it is the next one.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard next < bytes.count, bytes[next] == byte else { return false }
        next += 1
        return true
    }

    /// - Parameter size: how many members the object before it in the same array or object had: this one mostly has as
    ///   many, so room is made for them. Set to what it has itself.
    private mutating func value(_ size: inout Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard next < bytes.count else { throw error("unexpected end") }
        switch bytes[next] {
        case UInt8(ascii: "{"): return try object(&size)
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw error("expected a value")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<text.utf8CodeUnitCount {
            guard take(text.utf8Start[index]) else { throw error("expected \(text)") }
        }
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        if depth > JSONValue.maximumDepth { throw error("nested deeper than \(JSONValue.maximumDepth)") }
        next += 1
        skipSpace()
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try enter()
        var values: [JSONValue] = []
        if !take(UInt8(ascii: "]")) {
            var size = 0
            repeat {
                values.append(try value(&size))
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw error("expected , or ]") }
        }
        depth -= 1
        return .array(values)
    }

    private mutating func object(_ size: inout Int) throws(JSONError) -> JSONValue {
        try enter()
        var object = JSONObject()
        if !take(UInt8(ascii: "}")) {
            // A list of ten thousand says nothing of what comes after it.
            object.reserveCapacity(min(size, 64))
            var size = 0
            repeat {
                skipSpace()
                guard next < bytes.count, bytes[next] == UInt8(ascii: "\"") else { throw error("expected a name") }
                let key = try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw error("expected :") }
                object[key] = try value(&size)
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw error("expected , or }") }
        }
        size = object.count
        depth -= 1
        return .object(object)
    }
}

// MARK: Numbers

extension JSONParser {
    private mutating func digits() -> Int {
        let start = next
        while next < bytes.count, bytes[next] &- UInt8(ascii: "0") < 10 { next += 1 }
        return next - start
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = next
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        let first = next
        guard digits() > 0 else { throw error("expected a digit") }
        if bytes[first] == UInt8(ascii: "0"), next > first + 1 { throw error("a number starts with 0") }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw error("expected a digit") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw error("expected a digit") }
        }
        let text = String(decoding: bytes[start..<next], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw error("a number too large") }
        return .double(value)
    }
}

// MARK: Strings

extension JSONParser {
    private mutating func string() throws(JSONError) -> String {
        next += 1
        let start = next
        // All bits of its bytes: most strings are ASCII, and then there is nothing to validate.
        var bits: UInt8 = 0
        while next < bytes.count {
            let byte = bytes[next]
            switch byte {
            case UInt8(ascii: "\""):
                let utf8 = UnsafeBufferPointer(rebasing: bytes[start..<next])
                let text = bits < 0x80 ? String(decoding: utf8, as: UTF8.self) : try text(utf8)
                next += 1
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw error("a control character in a string")
            default:
                bits |= byte
                next += 1
            }
        }
        throw error("a string without an end")
    }

    private func text(_ utf8: some Collection<UInt8>) throws(JSONError) -> String {
        if let text = String(validating: utf8, as: UTF8.self) { return text }
        guard mends else { throw error("a string that is not UTF-8") }
        return String(decoding: utf8, as: UTF8.self)
    }

    /// The slow way, for a string with a backslash in it.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = [UInt8](bytes[start..<next])
        // What needs no unescaping goes over in one piece.
        var plain = next
        while next < bytes.count {
            switch bytes[next] {
            case UInt8(ascii: "\""):
                unescaped.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[plain..<next]))
                next += 1
                return try text(unescaped)
            case UInt8(ascii: "\\"):
                unescaped.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[plain..<next]))
                next += 1
                try escape(into: &unescaped)
                plain = next
            case 0..<0x20: throw error("a control character in a string")
            default: next += 1
            }
        }
        throw error("a string without an end")
    }

    /// What stands behind a backslash.
    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard next < bytes.count else { throw error("a string without an end") }
        let byte = bytes[next]
        next += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: UTF8.encode(try scalar())!)
        default: throw error("an unknown escape")
        }
    }

    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let unit = try codeUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let behind = next
        if unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let second = try codeUnit()
            if (0xDC00..<0xE000).contains(second) {
                return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))!
            }
        }
        guard mends else { throw error("half a surrogate pair") }
        next = behind
        return "\u{FFFD}"
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        guard next + 4 <= bytes.count else { throw error("expected four hexadecimal digits") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[next])).hexDigitValue, bytes[next] < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            unit = unit << 4 + UInt32(digit)
            next += 1
        }
        return unit
    }
}
