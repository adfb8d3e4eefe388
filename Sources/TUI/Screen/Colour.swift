/// A colour as a theme or the user names it, whatever this terminal can show.
enum Colour: Hashable, Sendable {
    /// The terminal's own.
    case terminal
    /// A place in the terminal's palette.
    case indexed(UInt8)
    case rgb(red: UInt8, green: UInt8, blue: UInt8)

    static let names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]

    /// A name, `bright-` and a name, a number from 0 to 255, or `#rrggbb`; nil for anything else.
    init?(_ word: String) {
        let isBright = word.hasPrefix("bright-")
        if let index = Self.names.firstIndex(of: isBright ? String(word.dropFirst(7)) : word) {
            self = .indexed(UInt8(index) + (isBright ? 8 : 0))
        } else if word == "default" {
            self = .terminal
        } else if word == "grey" || word == "gray" {
            self = .indexed(8)
        } else if word.hasPrefix("#"), word.utf8.count == 7, let value = UInt32(word.dropFirst(), radix: 16),
            word.utf8.dropFirst().first != UInt8(ascii: "+")
        {
            self = Colour(rgb: value)
        } else if let index = UInt8(word), word.utf8.first != UInt8(ascii: "+") {
            self = .indexed(index)
        } else {
            return nil
        }
    }

    init(rgb value: UInt32) {
        self = .rgb(
            red: UInt8(truncatingIfNeeded: value >> 16),
            green: UInt8(truncatingIfNeeded: value >> 8),
            blue: UInt8(truncatingIfNeeded: value)
        )
    }

    /// As curses numbers it: -1 is the terminal's own.
    func number(at depth: ColourDepth) -> Int32 {
        switch (self, depth) {
        case (.terminal, _), (_, .none): return -1
        case (.indexed(let index), .indexed): return Int32(index)
        case (.indexed(let index), .sixteen) where index < 16: return Int32(index)
        case (.indexed(let index), .eight) where index < 16: return Int32(index % 8)
        case (.indexed(let index), .direct(let palette)) where index < palette: return Int32(index)
        // Grey is nearer to white than to black: it has to be seen.
        case (_, .eight): return hue == 8 ? 7 : hue % 8
        case (_, .sixteen): return hue
        // The first sixteen are whatever the user's palette says.
        case (_, .indexed): return nearest(among: 16..<256)
        case (_, .direct(let palette)):
            let (red, green, blue) = components
            let value = Int32(red) << 16 | Int32(green) << 8 | Int32(blue)
            // Values that small mean the palette. Black is black there, too; the rest are blues nobody can tell from it.
            return value > 0 && value < palette ? Int32(palette) : value
        }
    }

    /// From 0, black, to 1, white, as the eye sees it.
    var luminance: Double {
        func linear(_ component: Int) -> Double {
            let share = Double(component) / 255
            // The curve of sRGB, near enough to tell light from dark.
            return share * share * (share * 0.305306011 + 0.682171111) + share * 0.012522878
        }
        let (red, green, blue) = components
        return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    /// Red, green and blue; of the palette's first sixteen as xterm has them.
    private var components: (Int, Int, Int) {
        switch self {
        case .terminal: return (0, 0, 0)
        case .rgb(let red, let green, let blue): return (Int(red), Int(green), Int(blue))
        case .indexed(let index): return Self.standard[Int(index)]
        }
    }

    private static let standard: [(Int, Int, Int)] = {
        var colours = [
            (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
            (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255),
            (0, 255, 255), (255, 255, 255),
        ]
        let levels = [0, 95, 135, 175, 215, 255]
        for red in levels { for green in levels { for blue in levels { colours.append((red, green, blue)) } } }
        for step in 0..<24 { colours.append((8 + 10 * step, 8 + 10 * step, 8 + 10 * step)) }
        return colours
    }()

    /// The first sixteen hold few hues, and a hue says more than its lightness: pale green is green and not white.
    private var hue: Int32 {
        let (red, green, blue) = components
        let (least, most) = (min(red, green, blue), max(red, green, blue))
        if most - least < 32 { return most < 64 ? 0 : most < 160 ? 8 : most < 240 ? 7 : 15 }
        let middle = (least + most) / 2
        let bits = (red > middle ? 1 : 0) + (green > middle ? 2 : 0) + (blue > middle ? 4 : 0)
        return Int32(bits) + (most >= 230 || least >= 96 ? 8 : 0)
    }

    private func nearest(among indices: Range<Int>) -> Int32 {
        let wanted = components
        func distance(_ index: Int) -> Int {
            let (red, green, blue) = Self.standard[index]
            let (dr, dg, db) = (red - wanted.0, green - wanted.1, blue - wanted.2)
            // The eye tells greens apart best, blues worst.
            return 3 * dr * dr + 6 * dg * dg + db * db
        }
        return Int32(indices.min { distance($0) < distance($1) } ?? 0)
    }
}

/// How many colours a terminal can show.
enum ColourDepth: Hashable, Sendable {
    case none, eight, sixteen
    /// 256.
    case indexed
    /// Any red, green and blue; numbers below `palette` are places in the palette nevertheless.
    case direct(palette: Int32)

    init(colours: Int, palette: Int) {
        switch colours {
        case ..<8: self = .none
        case ..<16: self = .eight
        case ..<256: self = .sixteen
        case ..<(1 << 24): self = .indexed
        default: self = .direct(palette: Int32(clamping: palette))
        }
    }
}
