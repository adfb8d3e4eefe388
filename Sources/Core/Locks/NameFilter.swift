/// The states of an automaton that knows which names no tracked path holds: the empty one, `.`, `..`, and `.git` in
/// any case. It makes `.*` and `?` free of each other, because all they share is `.`.
struct NameFilter: OptionSet {
    let rawValue: UInt8

    static let start = NameFilter(rawValue: 1)
    private static let dot = NameFilter(rawValue: 2)
    private static let dotDot = NameFilter(rawValue: 4)
    private static let dotG = NameFilter(rawValue: 8)
    private static let dotGi = NameFilter(rawValue: 16)
    private static let dotGit = NameFilter(rawValue: 32)
    private static let free = NameFilter(rawValue: 64)

    /// Whether one of the ways here has read a name that a tracked path can hold.
    var acceptsName: Bool { !isDisjoint(with: [.dotG, .dotGi, .free]) }

    /// Every state that some bytes, or none, lead to from these.
    var afterAnything: NameFilter {
        var result = self
        while true {
            let more = result.union(result.after(.any))
            if more == result { return result }
            result = more
        }
    }

    /// The states that one byte of the set leads to.
    func after(_ bytes: ByteSet) -> NameFilter {
        guard !bytes.isEmpty else { return [] }
        if self == .free { return .free }
        var result = NameFilter()
        func step(from state: NameFilter, over special: [(ByteSet, NameFilter)]) {
            guard contains(state) else { return }
            var rest = bytes
            for (set, target) in special {
                if !bytes.intersection(set).isEmpty { result.insert(target) }
                rest = rest.intersection(set.complement)
            }
            if !rest.isEmpty { result.insert(.free) }
        }
        step(from: .start, over: [(Self.dots, .dot)])
        step(from: .dot, over: [(Self.dots, .dotDot), (Self.gs, .dotG)])
        step(from: .dotG, over: [(Self.is, .dotGi)])
        step(from: .dotGi, over: [(Self.ts, .dotGit)])
        if !isDisjoint(with: [.dotDot, .dotGit, .free]) { result.insert(.free) }
        return result
    }

    private static let dots = ByteSet(".".utf8)
    private static let gs = ByteSet("gG".utf8)
    private static let `is` = ByteSet("iI".utf8)
    private static let ts = ByteSet("tT".utf8)
}
