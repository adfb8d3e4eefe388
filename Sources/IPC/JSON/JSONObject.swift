/// The members of a JSON object, in the order in which they were added. Equality does not look at the order.
/// Finding, changing and removing a member takes constant time, however many there are.
public struct JSONObject: Sendable {
    fileprivate struct Entry {
        var key: String
        /// Of the key: most of those that are not the wanted one differ in it. Rows have many members that are absent, and each
        /// is searched for in vain.
        let tag: UInt8
        /// A removed member leaves nil behind, so that the positions in `positions` stay true. It is here and not around the
        /// entry, so that a search reads keys alone: every row is decoded by such searches.
        var value: JSONValue?
    }

    private var entries: [Entry] = []
    /// Where each member is; only kept from `indexedFrom` entries on. Below that a search costs less than making it: a
    /// ticket's row, which every event makes two of, has up to 19.
    private var positions: [String: Int]?
    private static let indexedFrom = 32

    /// How many members there are.
    public private(set) var count = 0

    /// No members.
    public init() {}

    /// Makes room for that many members, so that adding them moves none.
    mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

    /// These members, in this order; the last of equal names wins.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    /// Whether there are no members.
    public var isEmpty: Bool { count == 0 }

    /// The names, in order.
    public var keys: [String] { entries.compactMap { $0.value == nil ? nil : $0.key } }

    /// The member of that name. Assigning nil removes it; a new one goes to the end.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).flatMap { entries[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): entries[position].value = value
            case (let position?, nil): remove(key, at: position)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    /// Changes the member of that name where it lies, without copying what is in it. A missing one starts as null.
    public mutating func update<Result>(_ key: String, _ body: (inout JSONValue) -> Result) -> Result {
        guard let position = position(of: key) else {
            var value = JSONValue.null
            let result = body(&value)
            append(key, value)
            return result
        }
        var value = JSONValue.null
        swap(&value, &entries[position].value!)
        defer { entries[position].value = value }
        return body(&value)
    }

    private func position(of key: String) -> Int? {
        if let positions { return positions[key] }
        let tag = Self.tag(of: key)
        return entries.withUnsafeBufferPointer { entries in
            entries.indices.first { entries[$0].tag == tag && entries[$0].key == key && entries[$0].value != nil }
        }
    }

    private static func tag(of key: String) -> UInt8 {
        // A String's `utf8.last` is a walk; that of its storage is not.
        key.utf8.withContiguousStorageIfAvailable { bytes in
            guard let first = bytes.first, let last = bytes.last else { return 0 }
            return UInt8(truncatingIfNeeded: bytes.count) &* 37 &+ first &* 3 &+ last
        } ?? UInt8(truncatingIfNeeded: key.utf8.count)
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        entries.append(Entry(key: key, tag: Self.tag(of: key), value: value))
        count += 1
        if positions != nil {
            positions![key] = entries.count - 1
        } else if entries.count >= Self.indexedFrom {
            index()
        }
    }

    private mutating func remove(_ key: String, at position: Int) {
        entries[position].value = nil
        positions?[key] = nil
        count -= 1
        // Amortised: as many removals as there are members go before each compaction.
        guard entries.count > 2 * count + 8 else { return }
        entries.removeAll { $0.value == nil }
        positions = nil
        if entries.count >= Self.indexedFrom { index() }
    }

    private mutating func index() {
        var found = [String: Int](minimumCapacity: entries.count * 2)
        for (position, entry) in entries.enumerated() {
            if entry.value != nil { found[entry.key] = position }
        }
        positions = found
    }
}

extension JSONObject: Sequence {
    /// Goes through the members in order.
    public struct Iterator: IteratorProtocol {
        fileprivate var entries: IndexingIterator<[Entry]>
        public mutating func next() -> (key: String, value: JSONValue)? {
            while let entry = entries.next() {
                if let value = entry.value { return (entry.key, value) }
            }
            return nil
        }
    }

    public func makeIterator() -> Iterator { Iterator(entries: entries.makeIterator()) }
    public var underestimatedCount: Int { count }
}

extension JSONObject: Equatable {
    public static func == (a: Self, b: Self) -> Bool {
        a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
