/// What one segment of a path pattern says about one segment of a path.
enum GlobSegment: Hashable, Sendable {
    /// Exactly this name. Never `.`, `..` or `.git`, which no tracked path holds.
    case literal([UInt8])
    case glob(GlobTokens)

    static let any = GlobSegment.glob(GlobTokens(tokens: [.star], sets: []))

    func matches(_ name: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .literal(let bytes): bytes[...] == name
        case .glob(let glob): glob.matches(name)
        }
    }

    /// Whether some name a tracked path can hold matches both. Takes time in the product of the two lengths.
    func intersects(_ other: GlobSegment) -> Bool {
        switch (self, other) {
        case (.literal(let a), .literal(let b)): a == b
        case (.literal(let name), .glob(let glob)), (.glob(let glob), .literal(let name)): glob.matches(name[...])
        case (.glob(let a), .glob(let b)): a.intersects(b)
        }
    }
}

/// The steps of a glob that is more than a plain name. Tokens are small, so that a hundred thousand patterns are.
struct GlobTokens: Hashable, Sendable {
    enum Token: Hashable, Sendable {
        /// Any number of bytes.
        case star
        /// Any one byte: git's `?` knows no characters, so `é` takes two.
        case any
        case byte(UInt8)
        /// One byte of `sets[index]`.
        case set(UInt16)
    }

    var tokens: [Token]
    var sets: [ByteSet]

    func matches(_ name: ArraySlice<UInt8>) -> Bool {
        var token = 0
        var index = name.startIndex
        var resume: (token: Int, index: Int)?
        while index < name.endIndex {
            if token < tokens.count, tokens[token] == .star {
                resume = (token, index)
                token += 1
            } else if token < tokens.count, accepts(token, name[index]) {
                token += 1
                index += 1
            } else if let last = resume {
                // Only the last star needs to grow: what an earlier one could take, this one can take as well.
                token = last.token + 1
                index = last.index + 1
                resume = (last.token, index)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .star }
    }

    /// Whether there is a name it matches that a tracked path can hold.
    var matchesSomething: Bool {
        if sets.contains(where: \.isEmpty) { return false }
        // Every name that no path holds is shorter than five bytes, and a star is as long as it takes.
        return tokens.count > 4 || tokens.contains(.star) || intersects(Self.anything)
    }

    private static let anything = GlobTokens(tokens: [.star], sets: [])

    private func accepts(_ token: Int, _ byte: UInt8) -> Bool {
        switch tokens[token] {
        case .star: preconditionFailure("a star is not one byte")
        case .any: byte != 0 && byte != UInt8(ascii: "/")
        case .byte(let wanted): byte == wanted
        case .set(let index): sets[Int(index)].contains(byte)
        }
    }

    /// The bytes one step takes; nil for a star.
    private func bytes(_ token: Int) -> ByteSet? {
        switch tokens[token] {
        case .star: nil
        case .any: .any
        case .byte(let byte): ByteSet(CollectionOfOne(byte))
        case .set(let index): sets[Int(index)]
        }
    }

    /// Walks both globs at once, one row of the product at a time. A cell holds the states `NameFilter` can be in when
    /// the first `a` tokens here and the first `b` there have read the same bytes.
    func intersects(_ other: GlobTokens) -> Bool {
        let theirs = other.tokens.indices.map(other.bytes)
        var row = [NameFilter](repeating: NameFilter(), count: theirs.count + 1)
        row[0] = .start
        for a in 0...tokens.count {
            var next = [NameFilter](repeating: NameFilter(), count: theirs.count + 1)
            let ours = a < tokens.count ? bytes(a) : nil
            let ourStar = a < tokens.count && ours == nil
            for b in 0...theirs.count where !row[b].isEmpty {
                if a == tokens.count, b == theirs.count { return row[b].acceptsName }
                let theirStar = b < theirs.count && theirs[b] == nil
                if ourStar, theirStar { row[b] = row[b].afterAnything }
                if ourStar { next[b].formUnion(row[b]) }
                if theirStar { row[b + 1].formUnion(row[b]) }
                switch (ours, b < theirs.count ? theirs[b] : nil) {
                case (let ours?, let theirs?):
                    next[b + 1].formUnion(row[b].after(ours.intersection(theirs)))
                case (let ours?, nil) where theirStar:
                    next[b].formUnion(row[b].after(ours))
                case (nil, let theirs?) where ourStar:
                    row[b + 1].formUnion(row[b].after(theirs))
                case (_?, nil), (nil, _?), (nil, nil):
                    break
                }
            }
            row = next
        }
        return false
    }
}
