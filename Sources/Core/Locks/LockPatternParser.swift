/// Reads a lock pattern, segment by segment.
struct LockPatternParser {
    private let source: String
    private let bytes: [UInt8]
    private var position = 0
    /// The elements read so far, and the segments they were spelled as.
    private var elements: [PathGlob.Element] = []
    private var spelled: [ArraySlice<UInt8>] = []

    private typealias ASCII = UInt8.ASCII

    init(_ source: String) {
        self.source = source
        bytes = Array(source.utf8)
    }

    mutating func parse() throws(LockPatternError) -> (text: String, form: LockPattern.Form) {
        guard !bytes.isEmpty else { throw error(.empty) }
        guard bytes.count <= LockPattern.maximumBytes else { throw error(.tooLong(bytes: bytes.count)) }
        for scalar in source.unicodeScalars where scalar.isControl {
            throw error(.controlCharacter(scalar.value))
        }
        if bytes[0] == ASCII.slash { throw error(.absolute) }
        if bytes[0] == ASCII.bang { throw error(.negation) }
        if bytes[0] == ASCII.colon { throw error(.pathspecMagic) }
        if let kind = kind(of: bytes[...]) { return (try resource(kind), .resource) }

        while position < bytes.count { try parseSegment() }
        guard !elements.isEmpty else { throw error(.wholeRepository) }
        // A trailing `**` wants at least one segment.
        if elements.last == .anyDepth { elements.append(.segment(.any)) }
        let written = spelled.reduce(spelled.count - 1) { $0 + $1.count }
        // Most are written as they are kept.
        let text =
            written == bytes.count
            ? source : guarded(spelled.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/"))
        return (text, .paths(PathGlob(elements: elements), literally: literally()))
    }

    private func error(_ reason: LockPatternError.Reason) -> LockPatternError { LockPatternError(source, reason) }

    // MARK: Resources

    /// The word before a colon, where no slash comes first: `resource` of `resource:postgres`.
    private func kind(of text: ArraySlice<UInt8>) -> String? {
        guard let end = text.firstIndex(where: { $0 == ASCII.colon || $0 == ASCII.slash }), text[end] == ASCII.colon,
            let first = text.first, ASCII.isLetter(first),
            text[..<end].allSatisfy({ ASCII.isAlphanumeric($0) || $0 == ASCII.dash || $0 == ASCII.underscore })
        else { return nil }
        return String(decoding: text[..<end], as: UTF8.self)
    }

    private func resource(_ kind: String) throws(LockPatternError) -> String {
        let name = bytes[(kind.utf8.count + 1)...]
        switch kind {
        case "resource":
            guard let first = name.first, ASCII.isAlphanumeric(first), name.count <= LockPattern.maximumResourceName,
                name.allSatisfy({ ASCII.isAlphanumeric($0) || "._-:/".utf8.contains($0) })
            else { throw error(.badResourceName) }
        case "port":
            guard let first = name.first, ASCII.isDigit(first), first != ASCII.zero,
                name.allSatisfy(ASCII.isDigit), let port = Int(String(decoding: name, as: UTF8.self)), port <= 65535
            else { throw error(.badPort) }
        default:
            throw error(.unknownKind(kind))
        }
        return source
    }

    /// Puts back the `./` that keeps a path from reading as a resource or a negation.
    private func guarded(_ text: String) -> String {
        let utf8 = Array(text.utf8)
        let needsGuard = utf8[0] == ASCII.bang || utf8[0] == ASCII.colon || kind(of: utf8[...]) != nil
        return needsGuard ? "./" + text : text
    }

    // MARK: Paths

    /// The path spelled like the pattern, where the pattern does not match that path anyway.
    private func literally() -> PathGlob? {
        let text = spelled.joined(separator: CollectionOfOne(ASCII.slash))
        guard text.contains(ASCII.bracket) || text.contains(ASCII.backslash) else { return nil }
        let names = Array(text).split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard names.allSatisfy(Self.isTrackable) else { return nil }
        return PathGlob(elements: names.map { .segment(.literal(Array($0))) })
    }

    /// Whether git could track a path with this segment.
    private static func isTrackable(_ name: some BidirectionalCollection<UInt8>) -> Bool {
        guard name.count <= 4, name.first ?? UInt8.ASCII.dot == UInt8.ASCII.dot else { return true }
        return name.count > 2 && !name.dropFirst().map({ $0 | 0x20 }).elementsEqual("git".utf8)
            || name.count == 2 && name.last != UInt8.ASCII.dot
    }

    /// Reads up to the next slash that separates segments, and past it.
    private mutating func parseSegment() throws(LockPatternError) {
        let start = position
        var glob = GlobTokens(tokens: [], sets: [])
        var stars = 0
        while position < bytes.count, bytes[position] != ASCII.slash {
            let byte = bytes[position]
            position += 1
            switch byte {
            case ASCII.star:
                stars += 1
                if glob.tokens.last != .star { glob.tokens.append(.star) }
            case ASCII.question:
                glob.tokens.append(.any)
            case ASCII.bracket:
                try parseClass(into: &glob)
            case ASCII.backslash:
                guard position < bytes.count else { throw error(.trailingBackslash) }
                guard bytes[position] != ASCII.slash else { throw error(.escapedSlash) }
                glob.tokens.append(.byte(bytes[position]))
                position += 1
            default:
                glob.tokens.append(.byte(byte))
            }
        }
        let spelling = bytes[start..<position]
        position += 1
        if spelling.isEmpty || spelling.elementsEqual(".".utf8) { return }
        if stars >= 2, stars == spelling.count {
            spelled.append(spelling)
            if elements.last != .anyDepth { elements.append(.anyDepth) }
            return
        }
        // git takes the plain text before the first wildcard away and reads the rest as if it began a segment, so that
        // in `a**/b`, but not in `?a**/b`, the stars match directories.
        if spelling.suffix(2).elementsEqual("**".utf8), position < bytes.count {
            throw error(.gluedStars(segment: String(decoding: spelling, as: UTF8.self)))
        }
        let segment = try segment(of: glob, spelled: spelling)
        spelled.append(spelling)
        elements.append(.segment(segment))
    }

    private func segment(
        of glob: GlobTokens,
        spelled spelling: ArraySlice<UInt8>
    ) throws(LockPatternError) -> GlobSegment {
        var name: [UInt8] = []
        for token in glob.tokens {
            guard case .byte(let byte) = token else {
                guard glob.matchesSomething else {
                    throw error(.matchesNothing(segment: String(decoding: spelling, as: UTF8.self)))
                }
                return .glob(glob)
            }
            name.append(byte)
        }
        if name.elementsEqual("..".utf8) { throw error(.outsideTheRepository) }
        guard Self.isTrackable(name) else {
            // An escaped dot: `\.` is the directory itself.
            throw name.count == 1 ? error(.matchesNothing(segment: "\\.")) : error(.gitDirectory)
        }
        return .literal(name)
    }

    // MARK: Classes, as git's wildmatch reads them

    /// Reads a class behind its `[`. The first `]` is a member.
    private mutating func parseClass(into glob: inout GlobTokens) throws(LockPatternError) {
        func next() throws(LockPatternError) -> UInt8 {
            guard position < bytes.count else { throw error(.unclosedClass) }
            defer { position += 1 }
            return bytes[position]
        }
        var set = ByteSet()
        var byte = try next()
        let negated = byte == ASCII.bang || byte == ASCII.caret
        if negated { byte = try next() }
        // The start of a range, if the next member is a dash: what a range or a named class ends cannot start one.
        var previous: UInt8?
        repeat {
            if byte == ASCII.backslash {
                byte = try next()
                set.insert(byte)
                previous = byte
            } else if byte == ASCII.dash, let low = previous, position < bytes.count,
                bytes[position] != ASCII.closingBracket
            {
                var high = try next()
                if high == ASCII.backslash { high = try next() }
                if low <= high { set.formUnion(ByteSet(low...high)) }
                previous = nil
            } else if byte == ASCII.bracket, position < bytes.count, bytes[position] == ASCII.colon,
                let named = try namedClass()
            {
                set.formUnion(named)
                previous = nil
            } else {
                set.insert(byte)
                previous = byte
            }
            byte = try next()
        } while byte != ASCII.closingBracket
        if negated { set = set.complement }
        guard glob.sets.count < Int(UInt16.max) else { preconditionFailure("a pattern is not that long") }
        glob.tokens.append(.set(UInt16(glob.sets.count)))
        glob.sets.append(set)
    }

    /// Reads `:alpha:]` behind a `[`; nil, having read nothing, when it does not end in `:]`.
    private mutating func namedClass() throws(LockPatternError) -> ByteSet? {
        guard let end = bytes[position...].firstIndex(of: ASCII.closingBracket) else { throw error(.unclosedClass) }
        guard end - position >= 2, bytes[end - 1] == ASCII.colon else { return nil }
        let name = String(decoding: bytes[(position + 1)..<(end - 1)], as: UTF8.self)
        guard let named = ByteSet.namedClasses.first(where: { $0.name == name }) else {
            throw error(.unknownClass(name))
        }
        position = end + 1
        return named.bytes
    }
}
