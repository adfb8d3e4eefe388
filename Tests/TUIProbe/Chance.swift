/// Bytes that agents print on a bad day, the same for the same seed.
struct Chance {
    private var state: UInt64
    private let excluded: Set<UInt32>

    init(seed: UInt64, excluded: Set<UInt32>) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        self.excluded = excluded
    }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    mutating func bytes(atMost count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<below(count) { bytes += piece() }
        return bytes
    }

    private mutating func piece() -> [UInt8] {
        switch below(16) {
        case 0...4: return scalar(in: 0x20...0x7E)
        case 5: return scalar(in: 0...0x9F)
        case 6: return [UInt8(below(256))]
        case 7:
            let string = Self.nasty[below(Self.nasty.count)]
            return string.unicodeScalars.contains { excluded.contains($0.value) } ? [] : Array(string.utf8)
        case 8: return scalar(in: 0x300...0x36F)
        case 9: return scalar(in: 0x4E00...0x9FFF)
        case 10: return scalar(in: 0x1F300...0x1FAFF)
        case 11: return scalar(in: 0x900...0x1200)
        case 12: return scalar(in: 0x2000...0x2FFF)
        case 13: return scalar(in: 0x590...0x8FF)
        case 14: return scalar(in: 0xA000...0xFFFD)
        default: return scalar(in: 0x80...0x1FFFF)
        }
    }

    private mutating func scalar(in range: ClosedRange<UInt32>) -> [UInt8] {
        let value = range.lowerBound + UInt32(below(Int(range.upperBound - range.lowerBound) + 1))
        guard !excluded.contains(value), let scalar = Unicode.Scalar(value) else { return [UInt8(ascii: "?")] }
        return Array(String(scalar).utf8)
    }

    private static let nasty = [
        "\u{1B}[2J", "\u{1B}[H", "\u{1B}[31m", "\u{1B}[7m", "\u{1B}]0;title\u{7}", "\u{1B}]52;c;ZXZpbA==\u{7}",
        "\u{1B}c",
        "\u{1B}[?1049l", "\u{1B}P1$r0m\u{1B}\\", "\u{9B}5m", "\u{1B}(0", "\u{E}", "\u{F}", "\t", "\r\n", "\u{8}\u{8}",
        "👩‍💻", "👩‍👩‍👧‍👦", "👍🏽", "❤️", "☎︎", "1️⃣", "🇫🇷", "🇫", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "日本語", "한국어", "ᄀ", "각", "e\u{301}",
        "\u{202E}abc\u{202C}", "\u{2066}x\u{2069}", "\u{200F}", "\u{200B}", "\u{FEFF}", "\u{AD}", "\u{2028}", "क्षि", "ก็ำ",
        "\u{FE0F}", "\u{200D}", "\u{20E3}", "▏█▕", "─│┼", "ｱﾞ", "Ａ", "\u{3000}", "\u{1F3FB}",
    ]
}
