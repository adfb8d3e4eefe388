import CTerm

// What the terminal can do beyond its screen.

extension Terminal {
    /// What became of a text to be copied.
    enum Copying: Hashable {
        /// The terminal was told. Whether it obeys, it does not say.
        case sent
        case tooLong
        /// This terminal has no such thing.
        case notPossible
    }

    /// Terminals take this many bytes at once, or a little more.
    static let copyLimit = 74_994

    /// Has the terminal put `bytes` on the clipboard of the machine the user sits at, over ssh, too (OSC 52).
    ///
    /// tmux takes it for a buffer of its own and hands it on where its option `set-clipboard` is `on`; with `external`,
    /// its default, it ignores what programs in it send.
    func copy(_ bytes: [UInt8]) -> Copying {
        guard bytes.count <= Self.copyLimit else { return .tooLong }
        return control("\u{1B}]52;c;\(base64(bytes))\u{7}") ? .sent : .notPossible
    }

    func bell() { ct_bell() }

    /// Has the terminal tell of something on the desktop (OSC 9). Where it cannot, nothing happens.
    func notify(_ sentence: String) {
        let text = String(of: Text(sentence).cut(to: 200).clusters)
        // A text that begins with a number would mean something else to some.
        _ = control("\u{1B}]9;orch: \(text)\u{7}")
    }

    /// Sends a control string as it is; false where the terminal might draw it.
    func control(_ string: String) -> Bool {
        var string = string
        return string.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { ct_control($0.baseAddress, Int32($0.count)) != 0 }
        }
    }
}

/// As RFC 4648 has it, padded.
func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        var value = 0
        for byte in group { value = value << 8 | Int(byte) }
        value <<= 8 * (3 - group.count)
        for place in 0..<4 {
            result.append(place <= group.count ? digits[value >> (6 * (3 - place)) & 63] : UInt8(ascii: "="))
        }
    }
    return String(decoding: result, as: UTF8.self)
}
