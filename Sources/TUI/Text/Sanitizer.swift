/// Reads scalars one by one and keeps what is safe to draw.
///
/// Terminals disagree about joined emoji, variation selectors, skin tones, keycaps and flags; each is reduced to what
/// all of them draw alike. Bidirectional and other invisible format characters are left out: they could make a row
/// read differently from what it says.
struct Sanitizer {
    var clusters: [Cluster] = []
    var width = 0
    private var escapes = EscapeFilter()
    /// The last scalar was a zero-width joiner after a pictograph.
    private var joins = false
    private var lastIsPictograph = false

    mutating func take(_ scalar: Unicode.Scalar) {
        if escapes.isText(scalar) { takeText(scalar) }
    }

    private mutating func takeText(_ scalar: Unicode.Scalar) {
        let value = scalar.value
        switch value {
        case 0x20...0x7E:
            append(Cluster(value, width: 1))
        case 0x09:
            let stop = (width / 8 + 1) * 8
            while width < stop { append(.space) }
        case 0x0A, 0x0D, 0x2028, 0x2029, 0x85:
            append(.space)
        case 0x00...0x1F:
            append(Cluster(0x2400 + value, width: 1))
        case 0x7F:
            append(Cluster(0x2421, width: 1))
        case 0x80...0x9F:
            append(.replacement)
        default:
            takeBeyondLatin(scalar)
        }
    }

    private mutating func takeBeyondLatin(_ scalar: Unicode.Scalar) {
        let value = scalar.value
        switch value {
        case 0x200D:
            joins = lastIsPictograph
            return
        case 0x20E3, 0xFE00...0xFE0F, 0xE0100...0xE01EF, 0x1F3FB...0x1F3FF:
            return
        case 0x1F1E6...0x1F1FF:
            append(Cluster(value - 0x1F1E6 + 0x41, width: 1))
            return
        default: break
        }
        if scalar.properties.generalCategory == .format || value == 0x00AD { return }
        guard let columns = columns(of: value) else {
            append(.replacement)
            return
        }
        if columns == 0 {
            mark(value)
            return
        }
        let isPictograph = value > 0xFF && scalar.properties.isEmoji
        if isPictograph && joins {
            joins = false
            return
        }
        append(Cluster(value, width: UInt8(min(columns, 2))))
        lastIsPictograph = isPictograph
    }

    private mutating func append(_ cluster: Cluster) {
        clusters.append(cluster)
        width += Int(cluster.width)
        joins = false
        lastIsPictograph = false
    }

    /// A mark with nothing before it has nothing to stand on, and is left out.
    private mutating func mark(_ value: UInt32) {
        guard let last = clusters.last else { return }
        clusters[clusters.count - 1] = last.adding(mark: value)
    }
}
