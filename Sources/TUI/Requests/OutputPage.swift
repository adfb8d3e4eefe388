import IPC

/// A piece of a run's output.
struct OutputPage: Sendable {
    var bytes: [UInt8]
    var offset: Int
    /// Bytes the output has by now.
    var size: Int
    /// The run has ended, and this piece reaches the end.
    var isEnd: Bool
}

extension OutputPage {
    init?(_ value: JSONValue) {
        guard let offset = value["offset"]?.intValue, let size = value["size"]?.intValue else { return nil }
        if let text = value["data"]?.stringValue {
            bytes = Array(text.utf8)
        } else if let encoded = value["base64"]?.stringValue, let decoded = decodeBase64(encoded) {
            bytes = decoded
        } else {
            return nil
        }
        self.offset = offset
        self.size = size
        isEnd = value["eof"]?.boolValue ?? false
    }
}

/// nil when it is not Base64.
private func decodeBase64(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count * 3 / 4)
    var (bits, count): (UInt32, Int) = (0, 0)
    for character in text.utf8 {
        let value: UInt8
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        case UInt8(ascii: "="): continue
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        }
    }
    return bytes
}
