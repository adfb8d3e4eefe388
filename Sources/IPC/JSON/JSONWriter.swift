extension JSONValue {
    /// The value on one line, members in their order, without a newline.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        write(to: &bytes)
        return bytes
    }

    /// Appends the value to `out`. What it writes is valid JSON in UTF-8, holds no control character and no line
    /// separator of any kind, and escapes no slashes. A number that is not finite becomes null.
    public func write(to out: inout [UInt8]) {
        switch self {
        case .null: out.append(ascii: "null")
        case .bool(true): out.append(ascii: "true")
        case .bool(false): out.append(ascii: "false")
        case .int(let value): out.append(contentsOf: String(value).utf8)
        case .double(let value):
            if value.isFinite { out.append(contentsOf: value.description.utf8) } else { out.append(ascii: "null") }
        case .string(let value): out.append(quoted: value)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            var first = true
            for value in values {
                if !first { out.append(UInt8(ascii: ",")) }
                first = false
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let object): object.write(to: &out)
        }
    }
}

extension JSONObject {
    /// The object on one line, without a newline.
    public var bytes: [UInt8] { JSONValue.object(self).bytes }

    func write(to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        var first = true
        for (key, value) in self {
            if !first { out.append(UInt8(ascii: ",")) }
            first = false
            out.append(quoted: key)
            out.append(UInt8(ascii: ":"))
            value.write(to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }
}

extension [UInt8] {
    mutating func append(ascii text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends `text` as a JSON string. The control characters above ASCII are escaped as well: U+009B begins a
    /// terminal sequence, and people read the stream in terminals.
    mutating func append(quoted text: String) {
        var text = text
        text.withUTF8 { utf8 in
            append(UInt8(ascii: "\""))
            var copied = 0
            var next = 0
            while next < utf8.count {
                guard let (length, unit) = escaped(utf8, at: next) else {
                    next += 1
                    continue
                }
                append(contentsOf: UnsafeBufferPointer(rebasing: utf8[copied..<next]))
                append(escapeOf: unit)
                next += length
                copied = next
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: utf8[copied...]))
            append(UInt8(ascii: "\""))
        }
    }

    /// The character at `next` when it must be escaped: its length in bytes and its code unit.
    private func escaped(_ utf8: UnsafeBufferPointer<UInt8>, at next: Int) -> (length: Int, unit: UInt16)? {
        let byte = utf8[next]
        switch byte {
        case 0x22, 0x5C, 0x7F, 0..<0x20: return (1, UInt16(byte))
        case 0xC2 where utf8[next + 1] < 0xA0: return (2, UInt16(utf8[next + 1]))
        case 0xE2 where utf8[next + 1] == 0x80 && utf8[next + 2] & 0xFE == 0xA8:
            return (3, 0x2028 + UInt16(utf8[next + 2] & 1))
        default: return nil
        }
    }

    private mutating func append(escapeOf unit: UInt16) {
        append(UInt8(ascii: "\\"))
        switch unit {
        case 0x22, 0x5C: append(UInt8(unit))
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        default:
            append(UInt8(ascii: "u"))
            for shift in [12, 8, 4, 0] as [UInt16] {
                let digit = UInt8(unit >> shift & 0xF)
                append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}
