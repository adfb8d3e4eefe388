public import Core

/// A value given on the command line: `--agents 5`.
public struct SettingFlag: Hashable, Sendable {
    /// The key it sets: `agents`, `landing.parallel`.
    public let key: String
    /// As the user knows it: `--agents`.
    public let flag: String
    public let text: String

    public init(key: String, flag: String, text: String) {
        self.key = key
        self.flag = flag
        self.text = text
    }
}

/// The user's settings, put together from all sources.
public struct LoadedSettings: Sendable {
    public let settings: UserSettings
    /// The file they were read from; nil when there was none.
    public let file: String?
    /// Where values came from, by key; what is not here is a default.
    private let origins: [String: SettingOrigin]
    /// What is the dashboard's.
    public let dashboard: DashboardSettings
    private let places: [String: DocumentPlace]

    init(
        settings: UserSettings,
        dashboard: DashboardSettings,
        file: String?,
        origins: [String: SettingOrigin],
        places: [String: DocumentPlace]
    ) {
        self.settings = settings
        self.dashboard = dashboard
        self.file = file
        self.origins = origins
        self.places = places
    }

    /// What somebody else found wrong with the value of a key (`dashboard.theme`), where it stands.
    public func problem(with key: String, _ message: String) -> FileProblem {
        switch origin(of: key) {
        case .file(let file, _): FileProblem(file: file, at: places[key], message)
        case let origin: FileProblem(file: origin.description, message: message)
        }
    }

    /// One setting, as `orch config show` lists it.
    public struct Row: Hashable, Sendable {
        /// `landing.parallel`.
        public let key: String
        /// As JSON.
        public let value: String
        public let origin: SettingOrigin
    }

    /// Every setting with its value, in the order of the sample.
    public var rows: [Row] { rows(of: shown, at: "") }

    /// The settings as a configuration file that says all of it.
    public var json: String { shown.pretty() }

    private var shown: SettingValue {
        guard case .object(var members) = UserSettings.keys.shown(settings) else { return .null }
        for index in members.indices where members[index].key == "dashboard" {
            members[index] = .init(key: "dashboard", value: DashboardSettings.keys.shown(dashboard))
        }
        return .object(members)
    }

    private func rows(of value: SettingValue, at key: String) -> [Row] {
        guard case .object(let members) = value, !members.isEmpty else {
            return [Row(key: key, value: value.compact, origin: origin(of: key))]
        }
        return members.flatMap { rows(of: $0.value, at: key.isEmpty ? $0.key : key + "." + $0.key) }
    }

    /// A variable of a profile is not known by itself, but with the variables it came with.
    private func origin(of key: String) -> SettingOrigin {
        if let origin = origins[key] { return origin }
        guard key.contains(".environment."), let range = key.firstRange(of: ".environment.") else { return .standard }
        return origins[key[..<range.lowerBound] + ".environment"] ?? .standard
    }
}

/// The only place that reads `config.json`.
public enum SettingsFile {
    /// Puts the user's settings together: defaults, then the file, then `ORCH_` variables, then flags.
    ///
    /// A file that is missing is as good as an empty one, unless it `isRequired` because somebody named it. Empty
    /// variables count as unset. Throws everything that is wrong, in all sources.
    public static func load(
        path: String,
        isRequired: Bool = false,
        environment: [String: String] = [:],
        flags: [SettingFlag] = []
    ) throws(FileProblems) -> LoadedSettings {
        var layers = Layers()
        var file: String?
        switch FileBytes.read(path) {
        case .bytes(let bytes):
            file = path
            layers.add(bytes, name: path)
        case .missing where isRequired:
            layers.problems.append(FileProblem(file: path, message: "there is no such file"))
        case .missing:
            break
        case .failed(let reason):
            layers.problems.append(FileProblem(file: path, message: "the configuration \(reason)"))
        }
        for variable in variables {
            guard let text = environment[variable.name], !text.isEmpty else { continue }
            layers.add(text, for: variable, from: .environment(variable.name))
        }
        for flag in flags {
            guard let variable = variables.first(where: { $0.key == flag.key }) else {
                preconditionFailure("\(flag.flag) sets \(flag.key), which is no key of the configuration")
            }
            layers.add(flag.text, for: variable, from: .flag(flag.flag))
        }
        return try layers.loaded(file: file)
    }

    /// Reads one file by itself, on top of the defaults; `orch config check` and tests do.
    public static func parse(_ bytes: [UInt8], name: String) throws(FileProblems) -> LoadedSettings {
        var layers = Layers()
        layers.add(bytes, name: name)
        return try layers.loaded(file: name)
    }

    // MARK: Variables

    /// A key that a variable or a flag can set.
    struct Variable {
        /// `ORCH_LANDING_PARALLEL`.
        let name: String
        /// `landing.parallel`.
        let key: String
        let kind: SettingDescription.Kind
    }

    /// Every key with a single value, in the order of the table.
    static let variables = variables(of: UserSettings.keys.map(\.description), at: "")

    private static func variables(of keys: [SettingDescription], at prefix: String) -> [Variable] {
        keys.flatMap { key -> [Variable] in
            switch key.kind {
            case .object(let inner): return variables(of: inner, at: prefix + key.name + ".")
            case .integer, .dollars, .boolean, .text, .duration, .size, .choice:
                return [Variable(name: variableName(prefix + key.name), key: prefix + key.name, kind: key.kind)]
            case .strings, .stringMap, .stringLists, .map, .list: return []
            }
        }
    }

    private static func variableName(_ key: String) -> String {
        key.reduce(into: "ORCH_") { name, character in
            if character == "." {
                name += "_"
            } else {
                name += (character.isUppercase ? "_" : "") + character.uppercased()
            }
        }
    }

    // MARK: Layers

    private struct Layers {
        var settings = UserSettings()
        var dashboard = DashboardSettings()
        var origins: [String: SettingOrigin] = [:]
        var places: [String: DocumentPlace] = [:]
        var problems: [FileProblem] = []

        mutating func add(_ bytes: [UInt8], name: String) {
            do throws(FileProblems) {
                let (node, duplicates) = try JSONFile.parse(bytes, name: name)
                problems += duplicates
                add(node, from: .file(name))
            } catch {
                problems += error.problems
            }
        }

        /// Adds one value as if a file had it.
        mutating func add(_ text: String, for variable: Variable, from source: SettingReader.Source) {
            let value: DocumentNode.Value =
                switch variable.kind {
                case .integer, .dollars: .number(text)
                case .boolean where text == "true" || text == "false": .bool(text == "true")
                default: .string(text)
                }
            let place = DocumentPlace()
            let node = variable.key.split(separator: ".").reversed().reduce(DocumentNode(place: place, value: value)) {
                DocumentNode(place: place, value: .object([DocumentMember(key: String($1), place: place, value: $0)]))
            }
            add(node, from: source)
        }

        private mutating func add(_ node: DocumentNode, from source: SettingReader.Source) {
            var reader = SettingReader(source)
            reader.dashboard = dashboard
            reader.read(node, UserSettings.keys, into: &settings)
            problems += reader.problems
            dashboard = reader.dashboard
            origins.merge(reader.origins) { $1 }
            places.merge(reader.places) { $1 }
        }

        /// What was put together, when it also fits together.
        consuming func loaded(file: String?) throws(FileProblems) -> LoadedSettings {
            if problems.isEmpty, let name = settings.defaultProfile, settings.profiles[name] == nil {
                let known = settings.profiles.keys.sorted()
                let hint = NearestName.hint(for: name, among: known)
                let all = known.isEmpty ? "there are no profiles" : "profiles are \(known.joined(separator: ", "))"
                let message =
                    "`defaultProfile` is \(quoted(name)), which is no profile\(hint.isEmpty ? "; " + all : hint)"
                switch origins["defaultProfile"] {
                case .file(let file, let line)?:
                    problems.append(FileProblem(file: file, line: line, column: 1, message: message))
                case let origin:
                    problems.append(FileProblem(file: origin?.description ?? "configuration", message: message))
                }
            }
            if problems.isEmpty, settings.ports.range(of: AgentID(settings.agents)) == nil {
                let (from, count) = (settings.ports.from, settings.ports.count)
                let message =
                    "`ports` do not suffice: \(settings.agents) agents with \(count) each, from \(from), go beyond 65535"
                problems.append(FileProblem(file: file ?? "configuration", message: message))
            }
            if let message = settings.reserveProblem {
                problems.append(FileProblem(file: file ?? "configuration", message: message))
            }
            for secret in settings.secrets where (secret.environment == nil) == (secret.file == nil) {
                let message =
                    "the secret \(quoted(secret.name)) needs an `env` or a `file`, and one of them only: where its value is"
                problems.append(FileProblem(file: file ?? "configuration", message: message))
            }
            guard problems.isEmpty else { throw FileProblems(problems) }
            return LoadedSettings(
                settings: settings,
                dashboard: dashboard,
                file: file,
                origins: origins,
                places: places
            )
        }
    }
}

/// JSON files as both readers of configuration want them.
enum JSONFile {
    /// The value of a file, and its keys that come twice.
    static func parse(
        _ bytes: [UInt8],
        name: String
    ) throws(FileProblems) -> (node: DocumentNode, duplicates: [FileProblem]) {
        let source = try SourceText(bytes, name: name)
        var parser = JSONDocumentParser(source.bytes)
        func problem(_ failure: JSONDocumentParser.Failure) -> FileProblem {
            FileProblem(file: name, at: failure.place, failure.message)
        }
        do throws(JSONDocumentParser.Failure) {
            let node = try parser.parseDocument()
            return (node, parser.duplicates.map(problem))
        } catch {
            throw FileProblems(parser.duplicates.map(problem) + [problem(error)])
        }
    }
}
