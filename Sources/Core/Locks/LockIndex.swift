/// Who holds which patterns, ordered so that a conflict is found without asking every holder.
///
/// A multiset: an owner may hold a pattern twice. Path patterns hang in a tree at the names they begin with, up to
/// the first wildcard; a query looks at the patterns on the way down to its own names, and at all beneath them, and
/// compares each exactly. Answers come in a fixed order: resources, then paths from the root down in the order of
/// their names, patterns with the same names in the order they were inserted.
public struct LockIndex<Owner: Hashable & Sendable>: Sendable {
    struct Entry: Sendable {
        let pattern: LockPattern
        let owner: Owner
    }

    private struct Node: Sendable {
        var entries: [Entry] = []
        /// Sorted by name.
        var children: [(name: [UInt8], node: Int)] = []
    }

    /// The tree; `nodes[0]` is the root. Nodes are named by their index, so that copying an index copies arrays.
    private var nodes = [Node()]
    private var freeNodes: [Int] = []
    private var resources: [LockPattern: [Owner]] = [:]
    private var held: [Owner: [LockPattern]] = [:]

    public init() {}

    public var isEmpty: Bool { held.isEmpty }

    /// What an owner holds, in the order it was inserted.
    public func patterns(of owner: Owner) -> [LockPattern] { held[owner] ?? [] }

    public mutating func insert(_ pattern: LockPattern, owner: Owner) {
        held[owner, default: []].append(pattern)
        switch pattern.form {
        case .resource:
            resources[pattern, default: []].append(owner)
        case .paths(let glob, _):
            let node = nodeCreated(for: glob)
            nodes[node].entries.append(Entry(pattern: pattern, owner: owner))
        }
    }

    public mutating func insert(_ patterns: [LockPattern], owner: Owner) {
        for pattern in patterns { insert(pattern, owner: owner) }
    }

    /// Takes away everything an owner holds.
    public mutating func remove(_ owner: Owner) {
        for pattern in held.removeValue(forKey: owner) ?? [] { removeEntry(pattern, owner) }
    }

    /// Takes away one pattern of an owner, once; nothing when it does not hold it.
    public mutating func remove(_ pattern: LockPattern, owner: Owner) {
        guard let index = held[owner]?.firstIndex(of: pattern) else { return }
        held[owner]?.remove(at: index)
        if held[owner]?.isEmpty == true { held[owner] = nil }
        removeEntry(pattern, owner)
    }

    // MARK: Questions

    /// The owners that hold what conflicts with one of the patterns, each once.
    public func owners(conflictingWith patterns: [LockPattern], limit: Int = .max) -> [Owner] {
        var result: [Owner] = []
        var seen: Set<Owner> = []
        guard limit > 0 else { return result }
        for pattern in patterns {
            let complete = visitConflicts(with: pattern) { entry in
                if seen.insert(entry.owner).inserted { result.append(entry.owner) }
                return result.count < limit
            }
            if !complete { break }
        }
        return result
    }

    /// The first conflict with one of the patterns that is not with `excluded` itself.
    public func firstConflict(with patterns: [LockPattern], excluding excluded: Owner? = nil) -> Conflict? {
        for pattern in patterns {
            var found: Conflict?
            visitConflicts(with: pattern) { entry in
                if entry.owner == excluded { return true }
                found = Conflict(wanted: pattern, held: entry.pattern, owner: entry.owner)
                return false
            }
            if let found { return found }
        }
        return nil
    }

    /// The owners of patterns that cover a path, each once.
    public func owners(covering path: String) -> [Owner] {
        var result: [Owner] = []
        var seen: Set<Owner> = []
        var node: Int? = 0
        var names = path.utf8.split(separator: UInt8(ascii: "/"))[...]
        while let current = node {
            for entry in nodes[current].entries where entry.pattern.covers(path: path) {
                if seen.insert(entry.owner).inserted { result.append(entry.owner) }
            }
            node = names.popFirst().flatMap { child(of: current, named: Array($0)) }
        }
        return result
    }

    /// A pattern that is wanted, and what stands in its way.
    public struct Conflict: Sendable {
        public let wanted: LockPattern
        public let held: LockPattern
        public let owner: Owner
    }

    /// Visits what conflicts with a pattern until the visitor returns false; returns whether it never did.
    @discardableResult
    private func visitConflicts(with pattern: LockPattern, _ visit: (Entry) -> Bool) -> Bool {
        guard case .paths(let glob, _) = pattern.form else {
            return (resources[pattern] ?? []).allSatisfy { visit(Entry(pattern: pattern, owner: $0)) }
        }
        func visitEntries(of node: Int) -> Bool {
            nodes[node].entries.allSatisfy { !$0.pattern.conflicts(with: pattern) || visit($0) }
        }
        var node = 0
        for index in 0..<glob.literalPrefix {
            guard visitEntries(of: node) else { return false }
            guard let next = child(of: node, named: glob.name(at: index)) else { return true }
            node = next
        }
        // Everything at and beneath the pattern's own names, depth first: the path of each is the stack's.
        var pending = [node]
        while let next = pending.popLast() {
            guard visitEntries(of: next) else { return false }
            pending.append(contentsOf: nodes[next].children.reversed().lazy.map(\.node))
        }
        return true
    }

    // MARK: The tree

    private func slot(of name: [UInt8], in node: Int) -> Int {
        let children = nodes[node].children
        var (low, high) = (0, children.count)
        while low < high {
            let middle = (low + high) / 2
            if children[middle].name.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func child(of node: Int, named name: [UInt8]) -> Int? {
        let slot = slot(of: name, in: node)
        guard slot < nodes[node].children.count, nodes[node].children[slot].name == name else { return nil }
        return nodes[node].children[slot].node
    }

    private mutating func nodeCreated(for glob: PathGlob) -> Int {
        var node = 0
        for index in 0..<glob.literalPrefix {
            let name = glob.name(at: index)
            if let next = child(of: node, named: name) {
                node = next
                continue
            }
            let slot = slot(of: name, in: node)
            let created = freeNodes.popLast() ?? nodes.endIndex
            if created == nodes.endIndex { nodes.append(Node()) }
            nodes[node].children.insert((name, created), at: slot)
            node = created
        }
        return node
    }

    private mutating func removeEntry(_ pattern: LockPattern, _ owner: Owner) {
        guard case .paths(let glob, _) = pattern.form else {
            if let index = resources[pattern]?.firstIndex(of: owner) { resources[pattern]?.remove(at: index) }
            if resources[pattern]?.isEmpty == true { resources[pattern] = nil }
            return
        }
        var way = [0]
        for index in 0..<glob.literalPrefix {
            guard let next = child(of: way[way.count - 1], named: glob.name(at: index)) else {
                preconditionFailure("\(pattern) is held, and not in the tree")
            }
            way.append(next)
        }
        guard
            let index = nodes[way[way.count - 1]].entries.firstIndex(where: {
                $0.owner == owner && $0.pattern == pattern
            })
        else { preconditionFailure("\(pattern) is held, and not in the tree") }
        nodes[way[way.count - 1]].entries.remove(at: index)
        // Leaves no empty branch behind.
        while way.count > 1, let node = way.popLast(), nodes[node].entries.isEmpty, nodes[node].children.isEmpty {
            nodes[way[way.count - 1]].children.removeAll { $0.node == node }
            nodes[node] = Node()
            freeNodes.append(node)
        }
    }
}

extension LockIndex: Equatable {
    /// Whether the same owners hold the same patterns, whatever the order they came in.
    public static func == (a: Self, b: Self) -> Bool {
        a.held.count == b.held.count
            && a.held.allSatisfy { owner, patterns in
                guard let others = b.held[owner], others.count == patterns.count else { return false }
                return patterns.map(\.text).sorted() == others.map(\.text).sorted()
            }
    }
}
