/// A path pattern, compiled: what it matches, with everything beneath.
struct PathGlob: Hashable, Sendable {
    enum Element: Hashable, Sendable {
        case segment(GlobSegment)
        /// `**/`: any number of segments, none included. Never the last element: a trailing `**` wants at least one
        /// segment, and is compiled to a segment of `*`, which covers everything beneath.
        case anyDepth
    }

    let elements: [Element]

    /// How many leading elements are plain names.
    var literalPrefix: Int {
        elements.firstIndex {
            if case .segment(.literal) = $0 { return false }
            return true
        } ?? elements.count
    }

    /// The plain name at an index below `literalPrefix`.
    func name(at index: Int) -> [UInt8] {
        guard case .segment(.literal(let name)) = elements[index] else {
            preconditionFailure("element \(index) is not a plain name")
        }
        return name
    }

    func covers(_ path: [ArraySlice<UInt8>]) -> Bool {
        // The positions in `elements` that the segments read so far can lead to.
        var positions = [Bool](repeating: false, count: elements.count + 1)
        positions[0] = true
        for name in path {
            var next = [Bool](repeating: false, count: elements.count + 1)
            for index in elements.indices {
                guard positions[index] else { continue }
                switch elements[index] {
                case .anyDepth:
                    next[index] = true
                    positions[index + 1] = true
                case .segment(let segment):
                    if segment.matches(name) { next[index + 1] = true }
                }
            }
            if next[elements.count] { return true }
            positions = next
        }
        return false
    }

    /// Whether some path is covered by both. Every segment matches some name (the parser refuses others), so only
    /// segments that must be the same one have to be compared. Takes time in the product of the two lengths.
    func intersects(_ other: PathGlob) -> Bool {
        let (ours, theirs) = (elements, other.elements)
        var row = [Bool](repeating: false, count: theirs.count + 1)
        row[0] = true
        for i in 0...ours.count {
            var next = [Bool](repeating: false, count: theirs.count + 1)
            for j in 0...theirs.count where row[j] {
                // At its end, a pattern covers whatever the other goes on to match.
                if i == ours.count || j == theirs.count { return true }
                switch (ours[i], theirs[j]) {
                case (.segment(let a), .segment(let b)):
                    if a.intersects(b) { next[j + 1] = true }
                case (.anyDepth, .segment), (.segment, .anyDepth), (.anyDepth, .anyDepth):
                    // One side takes what the other matches here, or its `**` takes nothing and it moves on.
                    next[j] = true
                    row[j + 1] = true
                }
            }
            row = next
        }
        return false
    }
}
