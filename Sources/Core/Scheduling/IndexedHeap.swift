/// A binary heap with one entry per id, which can be moved and removed: nothing stale is ever left in it. Each change
/// takes O(log n). Of equal keys the lower id comes first, in whatever order they were put in.
struct IndexedHeap<ID: Hashable & Comparable & Sendable, Key: Comparable & Sendable>: Sendable {
    private var entries: [(key: Key, id: ID)] = []
    private var positions: [ID: Int] = [:]

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var min: (key: Key, id: ID)? { entries.first }

    subscript(id: ID) -> Key? { positions[id].map { entries[$0].key } }

    /// Puts the id in, or moves it to where its new key belongs.
    mutating func set(_ id: ID, _ key: Key) {
        if let position = positions[id] {
            entries[position].key = key
            settle(position)
        } else {
            entries.append((key, id))
            positions[id] = entries.count - 1
            settle(entries.count - 1)
        }
    }

    /// Takes the id out; nothing when it is not there.
    mutating func remove(_ id: ID) {
        guard let position = positions.removeValue(forKey: id) else { return }
        let last = entries.removeLast()
        guard position < entries.count else { return }
        entries[position] = last
        positions[last.id] = position
        settle(position)
    }

    private mutating func settle(_ start: Int) {
        var position = start
        while position > 0, isBefore(position, (position - 1) / 2) {
            swap(position, (position - 1) / 2)
            position = (position - 1) / 2
        }
        while true {
            var least = position
            for child in 2 * position + 1...2 * position + 2
            where child < entries.count && isBefore(child, least) {
                least = child
            }
            guard least != position else { return }
            swap(position, least)
            position = least
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        let (a, b) = (entries[a], entries[b])
        return a.key == b.key ? a.id < b.id : a.key < b.key
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        entries.swapAt(a, b)
        positions[entries[a].id] = a
        positions[entries[b].id] = b
    }
}
