/// A set of bytes that can stand in a file's name: never NUL, never `/`.
struct ByteSet: Hashable, Sendable {
    private var words = SIMD4<UInt64>()

    init() {}

    init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { insert(byte) }
    }

    /// What `?` matches: every byte a name can hold.
    static let any = ByteSet(1...255)

    mutating func insert(_ byte: UInt8) {
        guard byte != 0, byte != UInt8(ascii: "/") else { return }
        words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    }

    mutating func formUnion(_ other: ByteSet) { words |= other.words }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }

    func intersection(_ other: ByteSet) -> ByteSet {
        var result = self
        result.words &= other.words
        return result
    }

    var complement: ByteSet {
        var result = ByteSet.any
        result.words &= ~words
        return result
    }

    var isEmpty: Bool { words == SIMD4() }

    // MARK: Named classes, as git's own tables have them: ASCII, whatever the locale

    static let namedClasses: [(name: String, bytes: ByteSet)] = {
        let upper = ByteSet(UInt8(ascii: "A")...UInt8(ascii: "Z"))
        let lower = ByteSet(UInt8(ascii: "a")...UInt8(ascii: "z"))
        let digit = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
        let alpha = upper.union(lower)
        let alnum = alpha.union(digit)
        let graph = ByteSet(0x21...0x7E)
        return [
            ("alnum", alnum),
            ("alpha", alpha),
            ("blank", ByteSet([0x20, 0x09])),
            ("cntrl", ByteSet(0x01...0x1F).union(ByteSet([0x7F]))),
            ("digit", digit),
            ("graph", graph),
            ("lower", lower),
            ("print", graph.union(ByteSet([0x20]))),
            ("punct", graph.intersection(alnum.complement)),
            ("space", ByteSet([0x20, 0x09, 0x0A, 0x0D])),
            ("upper", upper),
            ("xdigit", digit.union(ByteSet("abcdefABCDEF".utf8))),
        ]
    }()

    func union(_ other: ByteSet) -> ByteSet {
        var result = self
        result.formUnion(other)
        return result
    }
}
