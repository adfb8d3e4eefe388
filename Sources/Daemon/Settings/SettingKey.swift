import Core

/// One key of a configuration file: what it is, how it is read into a value, and how it is shown.
struct SettingKey<Root>: Sendable {
    typealias Path<Value> = WritableKeyPath<Root, Value> & Sendable

    var description: SettingDescription
    let read: @Sendable (inout SettingReader, DocumentNode, inout Root) -> Void
    /// The value that holds, the default included.
    let show: @Sendable (Root) -> SettingValue

    var required: Self {
        var copy = self
        copy.description.isRequired = true
        return copy
    }

    /// The same key of what holds the value it is a key of.
    func within<Outer>(_ path: WritableKeyPath<Outer, Root> & Sendable) -> SettingKey<Outer> {
        let (read, show) = (read, show)
        return SettingKey<Outer>(
            description: description,
            read: { reader, node, outer in read(&reader, node, &outer[keyPath: path]) },
            show: { show($0[keyPath: path]) }
        )
    }

    private init(
        description: SettingDescription,
        read: @escaping @Sendable (inout SettingReader, DocumentNode, inout Root) -> Void,
        show: @escaping @Sendable (Root) -> SettingValue
    ) {
        self.description = description
        self.read = read
        self.show = show
    }

    private init(
        _ name: String,
        _ kind: SettingDescription.Kind,
        _ documentation: String,
        isOptional: Bool = false,
        read: @escaping @Sendable (inout SettingReader, DocumentNode, inout Root) -> Bool,
        show: @escaping @Sendable (Root) -> SettingValue
    ) {
        description = SettingDescription(
            name: name,
            documentation: documentation,
            kind: kind,
            isOptional: isOptional
        )
        self.read = { reader, node, root in
            if isOptional, node.value == .null { return }
            if read(&reader, node, &root) { reader.took(node) }
        }
        self.show = show
    }

    // MARK: The kinds of keys. A key of a value that may be nil shows the default that then holds

    static func integer(
        _ name: String,
        _ path: Path<Int>,
        in range: ClosedRange<Int>,
        _ documentation: String
    ) -> Self {
        Self(
            name,
            .integer(range),
            documentation,
            read: { reader, node, root in assign(reader.integer(node, in: range), to: path, of: &root) },
            show: { .integer($0[keyPath: path]) }
        )
    }

    static func integerOrDefault(
        _ name: String,
        _ path: Path<Int?>,
        default standard: Int,
        in range: ClosedRange<Int>,
        _ documentation: String
    ) -> Self {
        Self(
            name,
            .integer(range),
            documentation,
            read: { reader, node, root in assign(reader.integer(node, in: range), to: path, of: &root) },
            show: { .integer($0[keyPath: path] ?? standard) }
        )
    }

    /// `null` is a value of its own here: the default need not be it.
    static func optionalInteger(
        _ name: String,
        _ path: Path<Int?>,
        in range: ClosedRange<Int>,
        _ documentation: String
    ) -> Self {
        var key = Self(
            name,
            .integer(range),
            documentation,
            read: { reader, node, root in
                guard node.value != .null else {
                    root[keyPath: path] = nil
                    return true
                }
                return assign(reader.integer(node, in: range), to: path, of: &root)
            },
            show: { $0[keyPath: path].map(SettingValue.integer) ?? .null }
        )
        key.description.isOptional = true
        return key
    }

    static func dollars(_ name: String, _ path: Path<Int>, _ documentation: String) -> Self {
        Self(
            name,
            .dollars,
            documentation,
            read: { reader, node, root in assign(reader.dollars(node), to: path, of: &root) },
            show: { .dollars($0[keyPath: path]) }
        )
    }

    static func optionalDollars(_ name: String, _ path: Path<Int?>, _ documentation: String) -> Self {
        Self(
            name,
            .dollars,
            documentation,
            isOptional: true,
            read: { reader, node, root in assign(reader.dollars(node), to: path, of: &root) },
            show: { $0[keyPath: path].map(SettingValue.dollars) ?? .null }
        )
    }

    /// `2026-11-21`.
    static func optionalDay(_ name: String, _ path: Path<UTCDay?>, _ documentation: String) -> Self {
        Self(
            name,
            .text,
            documentation,
            isOptional: true,
            read: { reader, node, root in
                let text = checkedText(&reader, node) {
                    UTCDay($0) == nil ? "\(quoted($0)) is no day; write one such as \"2026-01-31\"" : nil
                }
                return assign(text.flatMap { UTCDay($0) }, to: path, of: &root)
            },
            show: { $0[keyPath: path].map { .string($0.description) } ?? .null }
        )
    }

    static func size(_ name: String, _ path: Path<Int>, _ documentation: String) -> Self {
        Self(
            name,
            .size,
            documentation,
            read: { reader, node, root in assign(reader.size(node, atLeast: 0), to: path, of: &root) },
            show: { .string(SizeText.format($0[keyPath: path])) }
        )
    }

    /// `null` is a value of its own here, too.
    static func optionalSize(
        _ name: String,
        _ path: Path<Int?>,
        atLeast least: Int,
        _ documentation: String
    ) -> Self {
        var key = Self(
            name,
            .size,
            documentation,
            read: { reader, node, root in
                guard node.value != .null else {
                    root[keyPath: path] = nil
                    return true
                }
                return assign(reader.size(node, atLeast: least), to: path, of: &root)
            },
            show: { $0[keyPath: path].map { .string(SizeText.format($0)) } ?? .null }
        )
        key.description.isOptional = true
        return key
    }

    static func boolean(_ name: String, _ path: Path<Bool>, _ documentation: String) -> Self {
        Self(
            name,
            .boolean,
            documentation,
            read: { reader, node, root in assign(reader.boolean(node), to: path, of: &root) },
            show: { .bool($0[keyPath: path]) }
        )
    }

    /// `problem` says in a sentence what is wrong with a text, or nil.
    static func text(
        _ name: String,
        _ path: Path<String>,
        _ documentation: String,
        problem: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            name,
            .text,
            documentation,
            read: { reader, node, root in assign(checkedText(&reader, node, problem), to: path, of: &root) },
            show: { .string($0[keyPath: path]) }
        )
    }

    static func optionalText(
        _ name: String,
        _ path: Path<String?>,
        _ documentation: String,
        problem: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            name,
            .text,
            documentation,
            isOptional: true,
            read: { reader, node, root in assign(checkedText(&reader, node, problem), to: path, of: &root) },
            show: { $0[keyPath: path].map(SettingValue.string) ?? .null }
        )
    }

    static func textOrDefault(
        _ name: String,
        _ path: Path<String?>,
        default standard: String,
        _ documentation: String,
        problem: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            name,
            .text,
            documentation,
            read: { reader, node, root in assign(checkedText(&reader, node, problem), to: path, of: &root) },
            show: { .string($0[keyPath: path] ?? standard) }
        )
    }

    static func duration(_ name: String, _ path: Path<Duration>, _ documentation: String) -> Self {
        Self(
            name,
            .duration,
            documentation,
            read: { reader, node, root in assign(reader.duration(node), to: path, of: &root) },
            show: { .string(DurationText.format($0[keyPath: path])) }
        )
    }

    static func optionalDuration(_ name: String, _ path: Path<Duration?>, _ documentation: String) -> Self {
        Self(
            name,
            .duration,
            documentation,
            isOptional: true,
            read: { reader, node, root in assign(reader.duration(node), to: path, of: &root) },
            show: { $0[keyPath: path].map { .string(DurationText.format($0)) } ?? .null }
        )
    }

    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String,
        _ path: Path<Choice>,
        _ documentation: String
    ) -> Self {
        let words = SettingWords<Choice>()
        return Self(
            name,
            .choice(words.values.map(\.word)),
            documentation,
            read: { reader, node, root in assign(reader.choice(node, words), to: path, of: &root) },
            show: { .string($0[keyPath: path].rawValue) }
        )
    }

    static func choiceOrDefault<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String,
        _ path: Path<Choice?>,
        default standard: Choice,
        _ documentation: String
    ) -> Self {
        let words = SettingWords<Choice>()
        return Self(
            name,
            .choice(words.values.map(\.word)),
            documentation,
            read: { reader, node, root in assign(reader.choice(node, words), to: path, of: &root) },
            show: { .string(($0[keyPath: path] ?? standard).rawValue) }
        )
    }

    /// Words with a meaning of their own.
    static func words<Choice: Sendable>(
        _ name: String,
        _ words: SettingWords<Choice>,
        _ documentation: String,
        set: @escaping @Sendable (inout Root, Choice) -> Void,
        show: @escaping @Sendable (Root) -> String
    ) -> Self {
        Self(
            name,
            .choice(words.values.map(\.word)),
            documentation,
            read: { reader, node, root in
                guard let value = reader.choice(node, words) else { return false }
                set(&root, value)
                return true
            },
            show: { .string(show($0)) }
        )
    }

    static func command(_ name: String, _ path: Path<[String]>, _ documentation: String) -> Self {
        Self(
            name,
            .strings(atLeastOne: true),
            documentation,
            read: { reader, node, root in assign(reader.command(node), to: path, of: &root) },
            show: { .strings($0[keyPath: path]) }
        )
    }

    /// Nothing but `null` stands for none: an empty list names no program.
    static func optionalCommand(_ name: String, _ path: Path<[String]>, _ documentation: String) -> Self {
        Self(
            name,
            .strings(atLeastOne: true),
            documentation,
            isOptional: true,
            read: { reader, node, root in assign(reader.command(node), to: path, of: &root) },
            show: { $0[keyPath: path].isEmpty ? .null : .strings($0[keyPath: path]) }
        )
    }

    /// `problem` says in a sentence what is wrong with an element, or nil.
    static func strings(
        _ name: String,
        _ path: Path<[String]>,
        _ documentation: String,
        problem: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            name,
            .strings(atLeastOne: false),
            documentation,
            read: { reader, node, root in
                let strings = reader.readList(node, write: "a list of strings") { checkedText(&$0, $1, problem) }
                return assign(strings, to: path, of: &root)
            },
            show: { .strings($0[keyPath: path]) }
        )
    }

    /// `null` says something else than an empty list.
    static func optionalStrings(
        _ name: String,
        _ path: Path<[String]?>,
        _ documentation: String,
        problem: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            name,
            .strings(atLeastOne: false),
            documentation,
            isOptional: true,
            read: { reader, node, root in
                let strings = reader.readList(node, write: "a list of strings") { checkedText(&$0, $1, problem) }
                return assign(strings, to: path, of: &root)
            },
            show: { $0[keyPath: path].map(SettingValue.strings) ?? .null }
        )
    }

    static func variables(_ name: String, _ path: Path<[String: String]>, _ documentation: String) -> Self {
        Self(
            name,
            .stringMap,
            documentation,
            read: { reader, node, root in assign(reader.variables(node), to: path, of: &root) },
            show: { root in
                .object(
                    root[keyPath: path].sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }
                )
            }
        )
    }

    /// By name, a string or a list of strings each.
    static func stringLists(_ name: String, _ path: Path<[String: [String]]>, _ documentation: String) -> Self {
        Self(
            name,
            .stringLists,
            documentation,
            read: { reader, node, root in assign(reader.stringLists(node), to: path, of: &root) },
            show: { root in
                .object(
                    root[keyPath: path].sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .strings($0.value)) }
                )
            }
        )
    }

    /// A section that is none of the daemon's: it is read beside the settings, and shown as it is by default.
    static func section<Inner>(
        _ name: String,
        _ path: WritableKeyPath<SettingReader, Inner> & Sendable,
        _ keys: [SettingKey<Inner>],
        standard: Inner,
        _ documentation: String
    ) -> Self where Inner: Sendable {
        Self(
            name,
            .object(keys.map(\.description)),
            documentation,
            read: { reader, node, _ in
                var inner = reader[keyPath: path]
                reader.read(node, keys, into: &inner)
                reader[keyPath: path] = inner
                return true
            },
            show: { _ in keys.shown(standard) }
        )
    }

    static func object<Inner>(
        _ name: String,
        _ path: Path<Inner>,
        _ keys: [SettingKey<Inner>],
        _ documentation: String
    ) -> Self {
        Self(
            name,
            .object(keys.map(\.description)),
            documentation,
            read: { reader, node, root in
                reader.read(node, keys, into: &root[keyPath: path])
                return true
            },
            show: { keys.shown($0[keyPath: path]) }
        )
    }

    static func optionalObject<Inner: Sendable>(
        _ name: String,
        _ path: Path<Inner?>,
        _ keys: [SettingKey<Inner>],
        new: Inner,
        _ documentation: String
    ) -> Self {
        Self(
            name,
            .object(keys.map(\.description)),
            documentation,
            isOptional: true,
            read: { reader, node, root in
                var inner = new
                reader.read(node, keys, into: &inner)
                root[keyPath: path] = inner
                return true
            },
            show: { $0[keyPath: path].map(keys.shown) ?? .null }
        )
    }

    /// `needs` names the keys that a value cannot be without, and says why.
    static func map<Inner: Sendable>(
        _ name: String,
        _ path: Path<[String: Inner]>,
        _ keys: [SettingKey<Inner>],
        new: Inner,
        needs: @escaping @Sendable (Inner) -> [(key: String, why: String)],
        _ documentation: String
    ) -> Self {
        Self(
            name,
            .map(keys.map(\.description)),
            documentation,
            read: { reader, node, root in assign(reader.readMap(node, keys, new: new, needs), to: path, of: &root) },
            show: { root in
                .object(
                    root[keyPath: path].sorted { $0.key < $1.key }.map {
                        .init(key: $0.key, value: keys.shown($0.value))
                    }
                )
            }
        )
    }

    static func list<Inner: Sendable>(
        _ name: String,
        _ path: Path<[Inner]>,
        _ keys: [SettingKey<Inner>],
        new: Inner,
        _ documentation: String
    ) -> Self {
        Self(
            name,
            .list(keys.map(\.description)),
            documentation,
            read: { reader, node, root in
                let elements = reader.readList(node, write: "a list of objects, `[ { … } ]`") {
                    reader,
                    node -> Inner? in
                    var inner = new
                    reader.read(node, keys, into: &inner)
                    return inner
                }
                return assign(elements, to: path, of: &root)
            },
            show: { .list($0[keyPath: path].map(keys.shown)) }
        )
    }

    private static func assign<Value>(_ value: Value?, to path: Path<Value>, of root: inout Root) -> Bool {
        guard let value else { return false }
        root[keyPath: path] = value
        return true
    }

    private static func assign<Value>(_ value: Value?, to path: Path<Value?>, of root: inout Root) -> Bool {
        guard let value else { return false }
        root[keyPath: path] = value
        return true
    }

    private static func checkedText(
        _ reader: inout SettingReader,
        _ node: DocumentNode,
        _ problem: (String) -> String?
    ) -> String? {
        guard let text = reader.text(node) else { return nil }
        guard let problem = problem(text) else { return text }
        reader.note(node.place, "\(reader.key): \(problem)")
        return nil
    }
}

extension Array {
    /// A value as an object of all these keys.
    func shown<Root>(_ root: Root) -> SettingValue where Element == SettingKey<Root> {
        .object(map { .init(key: $0.description.name, value: $0.show(root)) })
    }
}
