import Core

/// Where a setting's value came from.
public enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case standard
    case file(String, line: Int)
    case environment(String)
    case flag(String)

    /// `default`, `/home/me/.config/orch/config.json:3`, `ORCH_AGENTS`, `--agents`.
    public var description: String {
        switch self {
        case .standard: "default"
        case .file(let file, let line): "\(file):\(line)"
        case .environment(let name), .flag(let name): name
        }
    }
}

/// Reads one source of settings, keeping every problem and where each value came from.
struct SettingReader {
    enum Source {
        case file(String)
        case environment(String)
        case flag(String)

        var name: String {
            switch self {
            case .file(let name), .environment(let name), .flag(let name): name
            }
        }
    }

    let source: Source
    private(set) var problems: [FileProblem] = []
    private(set) var origins: [String: SettingOrigin] = [:]
    /// Where in the file each is.
    private(set) var places: [String: DocumentPlace] = [:]
    /// What is the dashboard's, and not the daemon's.
    var dashboard = DashboardSettings()
    /// The way to the key being read: `landing.parallel`, `verifiers[0].name`.
    private var path: [String] = []

    init(_ source: Source) { self.source = source }

    /// The key being read, for a sentence.
    var key: String { quoted(path.reduce("") { $0.isEmpty || $1.hasPrefix("[") ? $0 + $1 : $0 + "." + $1 }) }

    mutating func note(_ place: DocumentPlace?, _ message: String) {
        if case .file(let name) = source {
            problems.append(FileProblem(file: name, at: place, message))
        } else {
            problems.append(FileProblem(file: source.name, message: message))
        }
    }

    /// Says that a value is of the wrong kind: what it is, and what to write.
    mutating func noteKind(_ node: DocumentNode, write: String) {
        note(node.place, "\(key) is \(node.kind); write \(write)")
    }

    /// Notes where the value of the key being read came from.
    mutating func took(_ node: DocumentNode) { took(at: node.place) }

    /// Notes where the key being read is, one of a user's own choice.
    mutating func tookName(_ member: DocumentMember) { took(at: member.place) }

    private mutating func took(at place: DocumentPlace) {
        let name = String(key.dropFirst().dropLast())
        places[name] = place
        origins[name] =
            switch source {
            case .file(let file): .file(file, line: place.line)
            case .environment(let name): .environment(name)
            case .flag(let name): .flag(name)
            }
    }

    /// Reads the value of a key further in.
    mutating func within<Value>(_ key: String, _ read: (inout SettingReader) -> Value) -> Value {
        path.append(key)
        defer { path.removeLast() }
        return read(&self)
    }

    mutating func read<Root>(_ node: DocumentNode, _ keys: [SettingKey<Root>], into root: inout Root) {
        guard case .object(let members) = node.value else {
            let what = path.isEmpty ? "the file" : key
            return note(node.place, "\(what) is \(node.kind); write an object, `{ … }`")
        }
        for member in members {
            path.append(member.key)
            if let known = keys.first(where: { $0.description.name == member.key }) {
                known.read(&self, member.value, &root)
            } else {
                let hint = NearestName.hint(for: member.key, among: keys.map(\.description.name))
                note(member.place, "unknown key \(key)" + (hint.isEmpty ? knownKeys(keys) : hint))
            }
            path.removeLast()
        }
        for missing in keys where missing.description.isRequired {
            guard !members.contains(where: { $0.key == missing.description.name }) else { continue }
            let place = path.isEmpty ? "" : " in \(key)"
            note(node.place, "the key \(quoted(missing.description.name)) is missing\(place)")
        }
    }

    private func knownKeys<Root>(_ keys: [SettingKey<Root>]) -> String {
        "; known here: " + keys.map(\.description.name).joined(separator: ", ")
    }

    mutating func readMap<Root>(
        _ node: DocumentNode,
        _ keys: [SettingKey<Root>],
        new: Root,
        _ needs: (Root) -> [(key: String, why: String)]
    ) -> [String: Root]? {
        guard case .object(let members) = node.value else {
            noteKind(node, write: "an object of names, `{ \"name\": { … } }`")
            return nil
        }
        var result: [String: Root] = [:]
        for member in members {
            path.append(member.key)
            if let problem = ProfileName.problem(with: member.key) { note(member.place, problem) }
            var root = new
            read(member.value, keys, into: &root)
            if case .object(let inner) = member.value.value {
                let given = Set(inner.filter { $0.value.value != .null }.map(\.key))
                for need in needs(root) where !given.contains(need.key) {
                    note(member.value.place, "the key \(quoted(need.key)) is missing in \(key): \(need.why)")
                }
            }
            result[member.key] = root
            path.removeLast()
        }
        return result
    }

    /// Reads the elements of a list; nil when it is none.
    mutating func readList<Element>(
        _ node: DocumentNode,
        write: String,
        _ readElement: (inout SettingReader, DocumentNode) -> Element?
    ) -> [Element]? {
        guard case .list(let nodes) = node.value else {
            noteKind(node, write: write)
            return nil
        }
        var result: [Element] = []
        for (index, node) in nodes.enumerated() {
            path.append("[\(index)]")
            if let element = readElement(&self, node) { result.append(element) }
            path.removeLast()
        }
        return result
    }

    // MARK: Scalars: each returns nil having said why

    mutating func integer(_ node: DocumentNode, in range: ClosedRange<Int>) -> Int? {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .number(let text) = node.value else {
            if case .string(let text) = node.value, Int(text) != nil {
                noteKind(node, write: "the number without quotes")
            } else {
                noteKind(node, write: wanted)
            }
            return nil
        }
        guard let value = Int(text), range.contains(value) else {
            note(node.place, "\(key) is \(quoted(text)); write \(wanted)")
            return nil
        }
        return value
    }

    /// In millionths.
    mutating func dollars(_ node: DocumentNode) -> Int? {
        let wanted = "a number of US dollars, such as 5 or 0.25, with up to six digits behind the point"
        guard case .number(let text) = node.value else {
            noteKind(node, write: wanted)
            return nil
        }
        guard let amount = Dollars.parse(text) else {
            note(node.place, "\(key) is \(quoted(text)); write \(wanted)")
            return nil
        }
        return amount
    }

    mutating func boolean(_ node: DocumentNode) -> Bool? {
        if case .bool(let value) = node.value { return value }
        noteKind(node, write: "true or false, without quotes")
        return nil
    }

    mutating func text(_ node: DocumentNode, write: String = "a string in double quotes") -> String? {
        guard case .string(let text) = node.value else {
            noteKind(node, write: write)
            return nil
        }
        // Arguments, paths and variables end at a NUL, so that one would cut them silently.
        guard !text.utf8.contains(0) else {
            note(node.place, "\(key) contains a NUL; remove it")
            return nil
        }
        return text
    }

    mutating func duration(_ node: DocumentNode) -> Duration? {
        if case .number(let text) = node.value {
            note(node.place, "\(key) is the number \(text) without a unit; write \(DurationText.examples(text))")
            return nil
        }
        guard let text = text(node, write: "a duration such as \"90s\", \"10m\" or \"2h\"") else { return nil }
        do throws(DurationText.Problem) {
            let duration = try DurationText.parse(text)
            if duration > .zero { return duration }
            note(node.place, "\(key) is no time at all; write a duration such as \"10m\"")
        } catch {
            note(node.place, "\(key): \(error.description)")
        }
        return nil
    }

    /// In bytes.
    mutating func size(_ node: DocumentNode, atLeast least: Int) -> Int? {
        if case .number(let text) = node.value {
            note(node.place, "\(key) is the number \(text) without a unit; write one such as \"\(text)MiB\"")
            return nil
        }
        guard let text = text(node, write: "a size such as \"512MiB\" or \"4GiB\"") else { return nil }
        do throws(SizeText.Problem) {
            let size = try SizeText.parse(text)
            if size >= least { return size }
            note(node.place, "\(key) is \(quoted(text)); write at least \(quoted(SizeText.format(least)))")
        } catch {
            note(node.place, "\(key): \(error.description)")
        }
        return nil
    }

    mutating func choice<Choice>(_ node: DocumentNode, _ words: SettingWords<Choice>) -> Choice? {
        guard let text = text(node, write: words.list) else { return nil }
        if let value = words.values.first(where: { $0.word == text }) { return value.value }
        let hint = NearestName.hint(for: text, among: words.values.map(\.word))
        note(node.place, "\(key) is \(quoted(text))\(hint.isEmpty ? "; write \(words.list)" : hint)")
        return nil
    }

    mutating func command(_ node: DocumentNode) -> [String]? {
        let example = "a list of the program and its arguments, such as [\"make\", \"test\"]"
        let before = problems.count
        guard let words = readList(node, write: example, { $0.text($1) }), problems.count == before else { return nil }
        guard let program = words.first, !program.isEmpty else {
            note(node.place, "\(key) names no program; write \(example)")
            return nil
        }
        return words
    }
}

/// The words a setting may be.
struct SettingWords<Choice: Sendable>: Sendable {
    let values: [(word: String, value: Choice)]

    /// `"squash" or "merge"`.
    var list: String {
        let quoted = values.map { "\"\($0.word)\"" }
        guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
        return quoted.dropLast().joined(separator: ", ") + " or " + last
    }
}

extension SettingWords where Choice: CaseIterable & RawRepresentable<String> {
    init() { self.init(values: Choice.allCases.map { ($0.rawValue, $0) }) }
}
