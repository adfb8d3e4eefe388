/// The keys that count: those of the table, where the user does not say otherwise.
struct KeyMap: Sendable {
    private(set) var bindings = KeyBinding.table

    static let standard = KeyMap()

    private init() {}

    /// By the names of actions, each with all its keys.
    init(_ wanted: [String: [String]], problems: inout [Preferences.Problem]) {
        var keys: [String: [Key]] = [:]
        let before = problems.count
        for (name, notations) in wanted.sorted(by: { $0.key < $1.key }) {
            guard KeyBinding.table.contains(where: { $0.action.name == name }) else {
                problems.append(Preferences.Problem(place: "keys.\(name)", message: Self.unknown(name)))
                continue
            }
            keys[name] = []
            for (index, notation) in notations.enumerated() {
                do throws(Key.Problem) {
                    keys[name]?.append(try Key(notation: notation))
                } catch {
                    problems.append(Preferences.Problem(place: "keys.\(name)[\(index)]", message: error.message))
                }
            }
        }
        bindings = Self.rebound(keys)
        // A key that is not understood may be the way out: one thing at a time.
        guard problems.count == before else { return }
        problems += Self.conflicts(in: bindings, keys) + Self.deadEnds(in: bindings)
    }

    private static func unknown(_ name: String) -> String {
        let known = KeyBinding.actionNames
        if let near = nearest(to: name, among: known) {
            return "there is no action \"\(name)\"; did you mean \"\(near)\"?"
        }
        return "there is no action \"\(name)\"; known: \(known.joined(separator: ", "))"
    }

    /// The table with other keys. An action's own keys take the place of all it had anywhere: they are there once.
    private static func rebound(_ keys: [String: [Key]]) -> [KeyBinding] {
        var covered: [String: Set<KeyContext>] = [:]
        return KeyBinding.table.compactMap { binding in
            let name = binding.action.name
            guard let wanted = keys[name] else { return binding }
            var binding = binding
            binding.contexts.subtract(covered[name] ?? [])
            guard !wanted.isEmpty, !binding.contexts.isEmpty else { return nil }
            covered[name, default: []].formUnion(binding.contexts)
            binding.keys = wanted
            binding.name = title(of: wanted)
            return binding
        }
    }

    /// As many of the keys as there is room for beside what they do.
    private static func title(of keys: [Key]) -> String {
        var title = keys[0].notation
        for key in keys.dropFirst() where Text("\(title) \(key.notation)").width <= KeyBinding.nameColumns {
            title += " \(key.notation)"
        }
        return title
    }

    /// Keys with two meanings in one place.
    private static func conflicts(in bindings: [KeyBinding], _ wanted: [String: [Key]]) -> [Preferences.Problem] {
        var problems: [Preferences.Problem] = []
        for context in KeyContext.allCases {
            var meanings: [Key: String] = [:]
            for binding in bindings where binding.contexts.contains(context) {
                for key in binding.keys where binding.counts(key, in: context) {
                    let name = binding.action.name
                    guard let other = meanings.updateValue(name, forKey: key), other != name else { continue }
                    let pair = [name, other].sorted {
                        (wanted[$0] == nil ? 0 : 1, $0) < (wanted[$1] == nil ? 0 : 1, $1)
                    }
                    let index = wanted[pair[1]]?.firstIndex(of: key) ?? 0
                    let problem = Preferences.Problem(
                        place: "keys.\(pair[1])[\(index)]",
                        message:
                            "\(key.notation) means \"\(pair[0])\", too, \(context.place); give one of them another key"
                    )
                    if !problems.contains(where: { $0.place == problem.place }) { problems.append(problem) }
                }
            }
        }
        return problems
    }

    /// Places that nothing leads out of.
    private static func deadEnds(in bindings: [KeyBinding]) -> [Preferences.Problem] {
        for context in KeyContext.allCases {
            let way = context == .lists ? Action.quit : .back
            let isOpen = bindings.contains { binding in
                binding.action == way && binding.contexts.contains(context)
                    && binding.keys.contains { binding.counts($0, in: context) }
            }
            guard !isOpen else { continue }
            let reason = "nothing else leads out \(context.place)"
            let hint = KeyContext.typing.contains(context) ? "; give it a key that is no character" : "; give it a key"
            return [Preferences.Problem(place: "keys.\(way.name)", message: reason + hint)]
        }
        return []
    }

    // MARK: Using it

    func find(_ key: Key, in context: KeyContext) -> KeyBinding? {
        bindings.first { $0.contexts.contains(context) && $0.keys.contains(key) && $0.counts(key, in: context) }
    }

    /// The key that is shown by that name.
    func find(named name: String, in context: KeyContext) -> KeyBinding? {
        bindings.first { $0.name == name && $0.contexts.contains(context) }
    }

    func find(_ action: Action, in context: KeyContext) -> KeyBinding? {
        bindings.first { $0.action == action && $0.contexts.contains(context) }
    }

    /// What the user knows the key of an action by; empty: it has none there.
    func name(of action: Action, in context: KeyContext) -> String {
        find(action, in: context)?.name ?? ""
    }
}

extension KeyBinding {
    /// How wide a key's name may be.
    static let nameColumns = 8

    /// In the order of the table, each once.
    static var actionNames: [String] {
        var seen: Set<String> = []
        return table.map(\.action.name).filter { seen.insert($0).inserted }
    }

    /// Where text is typed, what can be typed is text.
    func counts(_ key: Key, in context: KeyContext) -> Bool { !(key.isTyped && KeyContext.typing.contains(context)) }
}

extension KeyContext {
    /// In a sentence.
    var place: String {
        switch self {
        case .lists: "in the lists"
        case .page: "in a tab"
        case .help: "in the help"
        case _ where Self.typing.contains(self): "where text is typed"
        default: "in a question"
        }
    }
}

extension Action {
    /// What the configuration and the command line call it.
    var name: String {
        switch self {
        case .resume: "continue"
        case .show(let tab): "\(tab)"
        case .focus(let panel): "\(panel)"
        case .page(let action): "page-\(action)"
        case .haltOrResume: "halt"
        case .haltEverything: "halt-now"
        case .haltAll: "halt-and-quit"
        case .field(let distance): distance > 0 ? "next-field" : "previous-field"
        // The others are called what they are called here: `requestChanges` is `request-changes`.
        default:
            "\(self)".unicodeScalars.reduce(into: "") { name, scalar in
                if scalar.properties.isUppercase { name += "-" }
                name += scalar.properties.lowercaseMapping
            }
        }
    }
}

/// The known name that was probably meant: the first of those that are the fewest letters away, two at most.
func nearest(to name: String, among known: [String]) -> String? {
    let wanted = Array(name.lowercased())
    let limit = max(1, min(2, wanted.count / 3))
    return known.map { ($0, distance(wanted, Array($0))) }.filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
}

/// Letters added, left out or changed.
private func distance(_ a: [Character], _ b: [Character]) -> Int {
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices { row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))) }
        last = row
    }
    return last[b.count]
}
