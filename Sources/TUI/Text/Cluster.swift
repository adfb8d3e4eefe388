import CTerm

/// What one character cell shows: a base character and at most three zero-width marks, as every terminal draws alike.
///
/// Only `Text` makes clusters of foreign bytes, so that no control character is ever in one.
public struct Cluster: Hashable, Sendable {
    /// The base character and its marks; unused places are zero.
    let scalars: SIMD4<UInt32>
    /// Columns: 1 or 2.
    let width: UInt8

    static let space = Cluster(32, width: 1)
    static let replacement = Cluster(0xFFFD, width: 1)

    init(_ base: UInt32, width: UInt8) {
        scalars = SIMD4(base, 0, 0, 0)
        self.width = width
    }

    private init(scalars: SIMD4<UInt32>, width: UInt8) {
        self.scalars = scalars
        self.width = width
    }

    /// How many of `scalars` are used.
    var count: Int { scalars[1] == 0 ? 1 : scalars[2] == 0 ? 2 : scalars[3] == 0 ? 3 : 4 }

    /// The same with one more mark. A fourth mark is left out: curses keeps few, and nobody reads them.
    func adding(mark: UInt32) -> Cluster {
        guard count < 4 else { return self }
        var marked = scalars
        marked[count] = mark
        return Cluster(scalars: marked, width: width)
    }

    var text: String {
        var text = ""
        append(to: &text)
        return text
    }

    func append(to string: inout String) {
        for index in 0..<count {
            string.unicodeScalars.append(Unicode.Scalar(scalars[index]) ?? "\u{FFFD}")
        }
    }
}

extension String {
    /// As the terminal is given them.
    init(of clusters: some Sequence<Cluster>) {
        self = ""
        for cluster in clusters { cluster.append(to: &self) }
    }
}

/// Columns of a character, by libc, as curses counts them; nil when it cannot be drawn.
func columns(of scalar: UInt32) -> Int? {
    let width = ct_width(scalar)
    return width < 0 ? nil : Int(width)
}
